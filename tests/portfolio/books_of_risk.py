"""Small books and known correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from heatlab.portfolio.correlation.estimate import CorrelationEstimate


def book(rows: Sequence[tuple[str, str, int, float]]) -> pd.DataFrame:
    """Canonical positions from (base, venue, side, notional) at a price of 100."""
    return pd.DataFrame(
        {
            "symbol": [f"{base}/USDT:USDT" for base, *_ in rows],
            "venue": [venue for _, venue, *_ in rows],
            "side": np.array([side for _, _, side, _ in rows], dtype="int64"),
            "quantity": np.array([notional / 100 for *_, notional in rows], dtype="float64"),
            "entry_price": 100.0,
            "mark_price": 100.0,
            "leverage": 5.0,
            "margin_mode": "cross",
            "margin": np.nan,
            "liquidation_price": np.nan,
        }
    )


def estimate(bases: Sequence[str], matrix: object, *, deviation: object = 0.01) -> CorrelationEstimate:
    """Correlation as given, hourly deviation of 1 % unless told otherwise."""
    names = [f"{base}/USDT:USDT" for base in bases]
    values = np.asarray(matrix, dtype="float64").reshape(len(names), len(names))
    table = pd.DataFrame(values, index=names, columns=names)
    scale = pd.Series(np.broadcast_to(np.asarray(deviation, dtype="float64"), len(names)).copy(), index=names)
    scale = scale.where(np.isfinite(np.diag(values)))
    counts = pd.DataFrame(720, index=names, columns=names)
    return CorrelationEstimate(table, table, table, counts, counts < 0, scale)


def labels(**clusters: int) -> pd.Series:
    """Cluster label by base."""
    return pd.Series({f"{base}/USDT:USDT": label for base, label in clusters.items()}, dtype="int64")
