"""Made-up hourly closes with known clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

GROUPS = (0, 0, 0, 1, 1, 2)


def closes(days: int = 130, *, seed: int = 0, tails: bool = False) -> pd.DataFrame:
    """Six coins in three groups; within a group correlation 0.85, between 0.3."""
    rng = np.random.default_rng(seed)
    hours = days * 24

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_t(4, shape) / np.sqrt(2) if tails else rng.normal(size=shape)

    market, groups, own = draw((hours, 1)), draw((hours, 3)), draw((hours, 6))
    moves = np.sqrt(0.3) * market + np.sqrt(0.55) * groups[:, GROUPS] + np.sqrt(0.15) * own
    index = pd.date_range("2024-11-01", periods=hours, freq="h", tz="UTC", name="timestamp").as_unit("ms")
    return pd.DataFrame(100 * np.exp(np.cumsum(moves * 0.008, axis=0)), index=index, columns=list("ABCDEF"))
