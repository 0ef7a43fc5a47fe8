"""Compiled loops over pairs: correlation, its spread and the step of the CUSUM, from sums over a window.

Sums are those of :class:`heatlab.portfolio.correlation.moments.Moments`, in its order; an array with one column (or
one entry) holds for every column.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STILL = 1e-11
"""A deviation at or below this share of the root mean square is rounding."""
NEAR_ONE = 1.0 - 1e-9
"""Fisher's z is cut here: two columns that agree to the last digits have no finite z."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _of(sums: Floats, i: int, j: int) -> float:
    return float(sums[min(i, sums.shape[0] - 1), min(j, sums.shape[1] - 1)])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _pair(sums: Any, i: int, j: int, min_bars: int) -> tuple[float, float, float]:
    """Correlation, spread of Fisher's z and bars shared by one pair."""
    count_sums, x_sums, xx_sums, xxxx_sums, xy_sums, xxyy_sums, xxxy_sums = sums
    count = _of(count_sums, i, j)
    if count < min_bars:
        return np.nan, np.nan, count
    x, y = _of(x_sums, i, j) / count, _of(x_sums, j, i) / count
    xx, yy = _of(xx_sums, i, j) / count, _of(xx_sums, j, i) / count
    one, two = xx - x * x, yy - y * y
    if one <= STILL * STILL * xx or two <= STILL * STILL * yy:
        return np.nan, np.nan, count
    scale = 1.0 / math.sqrt(one * two)
    rho = min(max((xy_sums[i, j] / count - x * y) * scale, -1.0), 1.0)
    both = xxyy_sums[i, j] / count * scale * scale
    odd = (xxxy_sums[i, j] / one + xxxy_sums[j, i] / two) / count * scale
    four = _of(xxxx_sums, i, j) / count / (one * one) + _of(xxxx_sums, j, i) / count / (two * two)
    spread = both - rho * odd + rho * rho / 4.0 * (four + 2.0 * both)
    return rho, max(spread, 0.0) / max(1.0 - rho * rho, 1e-12) ** 2, count


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def pair_statistics(sums: Any, min_bars: int) -> tuple[Floats, Floats, Floats]:
    """Correlation, spread and count of all pairs; three symmetric arrays of shape (n, n)."""
    n = sums[4].shape[0]
    rho, spread, count = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            r, s, c = _pair(sums, i, j, min_bars)
            rho[i, j] = rho[j, i] = r
            spread[i, j] = spread[j, i] = s
            count[i, j] = count[j, i] = c
    return rho, spread, count


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def window_z(now: Any, min_bars: int) -> Floats:
    """Known (1 or 0), Fisher's z, z^2 and variance of z of all pairs; shape (4, n, n), upper triangle."""
    n = now[4].shape[0]
    out = np.zeros((4, n, n))
    for i in range(n):
        for j in range(i + 1, n):
            rho, spread, count = _pair(now, i, j, min_bars)
            if rho == rho:
                z = math.atanh(min(max(rho, -NEAR_ONE), NEAR_ONE))
                out[0, i, j], out[1, i, j], out[2, i, j] = 1.0, z, z * z
                out[3, i, j] = spread / max(count - 3.0, 1.0)
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def cusum_step(
    now: Any, before: Any, usual: Floats, least_now: int, least_before: int, drift: float, up: Floats, down: Floats
) -> None:
    """Move both CUSUMs of all pairs by one gap, in place (upper triangle); an unknown gap counts 0.

    ``usual`` is the sum of :func:`window_z` over the windows of the reference: what z varies there beyond sampling
    is the pair's usual wobble, and adds to the variance of the gap.
    """
    n = up.shape[0]
    for i in range(n):
        for j in range(i + 1, n):
            rho, spread, count = _pair(now, i, j, least_now)
            old, old_spread, old_count = _pair(before, i, j, least_before)
            gap, m = 0.0, usual[0, i, j]
            if rho == rho and old == old and m > 1.5:
                pooled = (count * spread + old_count * old_spread) / (count + old_count)
                wobble = (usual[2, i, j] - usual[1, i, j] ** 2 / m) / (m - 1.0) - usual[3, i, j] / m
                variance = pooled * (1.0 / max(count - 3.0, 1.0) + 1.0 / max(old_count - 3.0, 1.0))
                variance += max(wobble, 0.0) * (1.0 + 1.0 / m)
                rho, old = min(max(rho, -NEAR_ONE), NEAR_ONE), min(max(old, -NEAR_ONE), NEAR_ONE)
                gap = (math.atanh(rho) - math.atanh(old)) / math.sqrt(variance) if variance > 0.0 else 0.0
            up[i, j] = max(up[i, j] + gap - drift, 0.0)
            down[i, j] = max(down[i, j] - gap - drift, 0.0)
