"""Positions of different clusters that turn red together, beyond what independent moves explain."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from heatlab.domain import NAN


@dataclass(frozen=True, slots=True)
class SystemicWarning:
    """Whether clusters turn red together now, and how likely that is by chance.

    Attributes
    ----------
    level : str
        "alert", "watch", "none", or "unknown" where the history is too short or there is one cluster.
    p_value : float
        Chance of so many clusters red together if they moved on their own; NaN where unknown.
    together, expected : float
        Clusters with a position that turned red in the window; how many are expected by chance.
    clusters : int
        Clusters that could.
    symbols : tuple of str
        Those that turned red.
    since : Timestamp
        Since when; NaT where there is nothing.
    words : str
        One sentence for the screen.
    """

    level: str = "unknown"
    p_value: float = NAN
    together: float = NAN
    expected: float = NAN
    clusters: int = 0
    symbols: tuple[str, ...] = ()
    since: pd.Timestamp | None = None
    words: str = ""
