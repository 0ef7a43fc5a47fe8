"""Compiled loops of the rolling correlation: sums that move by one bar for all pairs at once.

Pairs come as runs: asset ``run[0]`` against the assets ``run[1]`` up to ``run[2]``, whose results start at column
``run[3]``. Within a run the loop goes over neighbours in memory, so the processor takes several pairs at a time.

Values are shifted by the mean of the first window. Moving sums forget nothing: an outlier that leaves a window leaves
its rounding behind. So the loops remember the largest sum of squares seen and stop where a variance has fallen below
``SAFE`` of it; the caller sums afresh from that bar on.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAFE = 1e-4
"""Least variance, as a share of the largest sum of squares since the last exact sums, that moving sums may show."""
STILL = 1e-11
"""A deviation at or below this share of the level is rounding: the correlation is unknown."""
FEWEST = 2


@njit(inline="always")  # type: ignore[untyped-decorator]
def _move(sums: Floats, new: float, added: Floats, old: float, gone: Floats) -> None:
    """Add one bar to the sums of a run and take one off."""
    for j in range(sums.size):
        sums[j] += new * added[j] - old * gone[j]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def roll_complete(
    z: Floats,
    level: Floats,
    window: int,
    runs: Ints,
    products: Floats,
    first_bar: int,
    every: int,
    column: int,
    out: Any,
) -> int:
    """Correlations where nothing is missing.

    Parameters
    ----------
    z : array of shape (window + n_bars, n_assets)
        A row of zeros, the ``window - 1`` bars before the first result, then the bars to do; less ``level``.
    level : array of shape (n_assets,)
        What was taken off: the mean of the first window.
    runs : array of shape (n_runs, 4)
    products : array of shape (n_pairs,)
        Sums of products over the first ``window`` rows; overwritten.
    first_bar : int
        Bar of the first result; bar ``t`` goes to row ``t / every`` of ``out``, the bars between go nowhere.
    column : int
        Column of ``out`` the first pair goes to.
    out : array of shape (n_rows, at least column + n_pairs)

    Returns
    -------
    int
        Bars done, at least 1.
    """
    n_assets = z.shape[1]
    total, square, peak, inverse = np.zeros(n_assets), np.zeros(n_assets), np.zeros(n_assets), np.zeros(n_assets)
    for row in range(window):
        for i in range(n_assets):
            total[i] += z[row, i]
            square[i] += z[row, i] * z[row, i]
    for step in range(z.shape[0] - window):
        new = step + window
        doubtful = 0
        for i in range(n_assets):
            total[i] += z[new, i] - z[step, i]
            square[i] += z[new, i] * z[new, i] - z[step, i] * z[step, i]
        for i in range(n_assets):
            mean = total[i] / window
            variance = square[i] - total[i] * mean
            peak[i] = max(peak[i], square[i])
            floor = window * (STILL * (abs(level[i] + mean) + abs(level[i]))) ** 2
            inverse[i] = 1.0 / math.sqrt(variance) if variance > floor else np.nan
            doubtful += 1 if (variance < SAFE * peak[i]) & (peak[i] > floor) else 0
        if doubtful and step > 0:
            return int(step)
        wanted, at = (first_bar + step) % every == 0, (first_bar + step) // every
        for k in range(runs.shape[0]):
            i, low, high, place = runs[k, 0], runs[k, 1], runs[k, 2], runs[k, 3]
            sums, news, olds = products[place : place + high - low], z[new, low:high], z[step, low:high]
            x, old = z[new, i], z[step, i]
            if not wanted:
                _move(sums, x, news, old, olds)
                continue
            mean, scale = total[i] / window, inverse[i]
            totals, scales, shown = (
                total[low:high],
                inverse[low:high],
                out[at, column + place : column + place + high - low],
            )
            for j in range(sums.size):
                moved = sums[j] + x * news[j] - old * olds[j]
                sums[j] = moved
                rho = (moved - mean * totals[j]) * scale * scales[j]
                rho = 1.0 if rho > 1.0 else rho
                shown[j] = -1.0 if rho < -1.0 else rho
    return int(z.shape[0] - window)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def roll_gaps(
    z: Floats,
    here: Floats,
    level: Floats,
    window: int,
    min_bars: int,
    runs: Ints,
    sums: Floats,
    first_bar: int,
    every: int,
    column: int,
    out: Any,
) -> int:
    """Correlations where values are missing: each pair uses the bars both have.

    Parameters are those of :func:`roll_complete`, and

    Parameters
    ----------
    z : array
        0 where missing.
    here : array of the shape of ``z``
        1 where known, else 0.
    sums : array of shape (6, n_pairs)
        Over the first ``window`` rows, where both are known: count, ``x``, ``y``, ``x^2``, ``y^2``, ``x y``;
        overwritten.
    """
    n_assets = z.shape[1]
    square, peak, floor, sure = np.zeros(n_assets), np.zeros(n_assets), np.zeros(n_assets), np.zeros(n_assets)
    squares = z * z
    for i in range(n_assets):
        floor[i] = window * (2.0 * STILL * level[i]) ** 2
    for row in range(window):
        for i in range(n_assets):
            square[i] += squares[row, i]
    for step in range(z.shape[0] - window):
        new = step + window
        doubtful = 0
        for i in range(n_assets):
            square[i] += squares[new, i] - squares[step, i]
            peak[i] = max(peak[i], square[i])
            doubtful += 1 if (square[i] < SAFE * peak[i]) & (peak[i] > floor[i]) else 0
            sure[i] = max(SAFE * peak[i], floor[i]) if square[i] > floor[i] else np.inf
        if doubtful and step > 0:
            return int(step)
        at = (first_bar + step) // every
        for k in range(runs.shape[0]):
            i, low, high, place = runs[k, 0], runs[k, 1], runs[k, 2], runs[k, 3]
            x, m, old, left, end = z[new, i], here[new, i], z[step, i], here[step, i], place + high - low
            news, present = z[new, low:high], here[new, low:high]
            olds, absent = z[step, low:high], here[step, low:high]
            _move(sums[0][place:end], m, present, left, absent)
            _move(sums[1][place:end], x, present, old, absent)
            _move(sums[2][place:end], m, news, left, olds)
            _move(sums[3][place:end], x * x, present, old * old, absent)
            _move(sums[4][place:end], m, squares[new, low:high], left, squares[step, low:high])
            _move(sums[5][place:end], x, news, old, olds)
            if (first_bar + step) % every == 0:
                shown = out[at, column + place : column + end]
                _close_run(z, here, level, sure, step + 1, new, min_bars, runs[k], sums, shown)
    return int(z.shape[0] - window)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _close_run(
    z: Floats,
    here: Floats,
    level: Floats,
    sure: Floats,
    first: int,
    last: int,
    min_bars: int,
    run: Ints,
    sums: Floats,
    shown: Any,
) -> None:
    """Correlations of one run at one bar; a pair whose sums are doubtful is summed afresh.

    ``sure`` is the sum of squares above which an asset's moving sums are trusted; infinite for one that stands still.
    """
    i, low, high, place = run[0], run[1], run[2], run[3]
    end = place + high - low
    counts, firsts, seconds = sums[0][place:end], sums[1][place:end], sums[2][place:end]
    ones, twos, boths = sums[3][place:end], sums[4][place:end], sums[5][place:end]
    limits = sure[low:high]
    doubtful, limit, least = 0, sure[i], min_bars - 0.5
    for j in range(counts.size):
        share = 1.0 / max(counts[j], 1.0)
        one = ones[j] - firsts[j] * firsts[j] * share
        two = twos[j] - seconds[j] * seconds[j] * share
        rho = (boths[j] - firsts[j] * seconds[j] * share) / math.sqrt(abs(one * two))
        rho = 1.0 if rho > 1.0 else rho
        rho = -1.0 if rho < -1.0 else rho
        enough = counts[j] > least
        trusted = (one > limit) & (two > limits[j])
        doubtful += 1 if enough & (not trusted) & (limits[j] < np.inf) else 0
        shown[j] = rho if enough & trusted else np.nan
    if limit == np.inf:
        return
    if doubtful:
        for j in range(low, high):
            k = j - low
            if counts[k] > least and limits[k] < np.inf and np.isnan(shown[k]):
                shown[k] = _exact(z, here, level, first, last, i, j)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _exact(z: Floats, here: Floats, level: Floats, first: int, last: int, i: int, j: int) -> float:
    """Correlation of two assets over rows ``first`` to ``last``, in two passes."""
    count, x, y = 0.0, 0.0, 0.0
    for row in range(first, last + 1):
        both = here[row, i] * here[row, j]
        count += both
        x += both * z[row, i]
        y += both * z[row, j]
    x, y = x / count, y / count
    xx, yy, xy = 0.0, 0.0, 0.0
    for row in range(first, last + 1):
        both = here[row, i] * here[row, j]
        xx += both * (z[row, i] - x) ** 2
        yy += both * (z[row, j] - y) ** 2
        xy += both * (z[row, i] - x) * (z[row, j] - y)
    moves_x = xx > count * (STILL * (abs(level[i]) + abs(level[i] + x))) ** 2
    moves_y = yy > count * (STILL * (abs(level[j]) + abs(level[j] + y))) ** 2
    if not (moves_x and moves_y):
        return np.nan
    return min(max(xy / math.sqrt(xx * yy), -1.0), 1.0)
