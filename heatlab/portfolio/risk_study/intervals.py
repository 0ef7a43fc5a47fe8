"""Intervals around what a study finds: of a share, and of a mean over dates that resemble their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from heatlab.domain import NAN

Floats = NDArray[np.float64]
RESAMPLES = 999


def share_interval(hits: int, count: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); NaN for none of none."""
    if count == 0:
        return NAN, NAN
    z = float(norm.ppf(0.5 + level / 2))
    share, weight = hits / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / weight
    half = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / weight
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def block_picks(count: int, *, block: int, seed: int, resamples: int = RESAMPLES) -> NDArray[np.int64]:
    """Rows of a circular block bootstrap; shape (resamples, count)."""
    rng = np.random.default_rng(seed)
    blocks = -(-count // block)
    starts = rng.integers(0, max(count, 1), size=(resamples, blocks))
    rows = (starts[:, :, None] + np.arange(block)) % max(count, 1)
    return np.asarray(rows.reshape(resamples, -1)[:, :count], dtype=np.int64)


def mean_interval(values: Floats, *, block: int, seed: int) -> tuple[float, float, float]:
    """Mean with its 95 % block-bootstrap interval; NaN for no values, no interval below three blocks."""
    if not values.size:
        return NAN, NAN, NAN
    if values.size < 3 * block:
        return float(values.mean()), NAN, NAN
    means = values[block_picks(values.size, block=block, seed=seed)].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
