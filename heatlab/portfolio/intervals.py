"""Intervals around what was counted: of a share, and of a mean over bars or dates that resemble their neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from heatlab.domain import NAN

Floats = NDArray[np.float64]
RESAMPLES = 999


def share_interval(hits: float, count: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a share of ``count`` independent trials.

    Parameters
    ----------
    hits : float
        In [0, count]; whole, or the share of hits times ``count`` where trials overlap and ``count`` is less than all.
    count : int
        Independent trials.
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    low, high : float
        In [0, 1]; NaN where nothing was counted.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if count == 0:
        return NAN, NAN
    z = float(ndtri(0.5 + level / 2))
    share, weight = hits / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / weight
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / weight
    return max(middle - half, 0.0), min(middle + half, 1.0)


def block_picks(count: int, *, block: int, seed: int, resamples: int = RESAMPLES) -> NDArray[np.int64]:
    """Rows of a circular block bootstrap (Politis and Romano 1992), so that runs stay whole.

    Parameters
    ----------
    count : int
        Rows to draw from.
    block : int
        Rows that stay together.
    seed : int
    resamples : int

    Returns
    -------
    ndarray of shape (resamples, count)
    """
    starts = np.random.default_rng(seed).integers(0, max(count, 1), (resamples, -(-count // block)))
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
