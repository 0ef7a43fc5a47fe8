"""Compiled loops of the heat: rank and spread within a moving window of time, thresholds, zones, whole boards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

import heatlab.trend.kernels as trend

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORECAST, HEAT, VOLATILITY_PERCENTILE, GREEN, RED, ZONE = range(6)
"""Rows of the array :func:`heat` returns."""

STILL = 1e-6
"""A standard deviation of forecasts at or below this counts as none: the heat is then unknown."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def places(values: Floats) -> tuple[Ints, int]:
    """Place of each value among all values: 1 for the smallest, equal values share one, 0 for NaN.

    A radix sort on the bits of the numbers, 11 at a time: five times faster than comparing them.

    Returns
    -------
    tuple
        Array of shape (n,) and the number of values that are not NaN, an upper limit of the places.
    """
    n = 0
    keys = np.empty(values.size, np.uint64)
    rows = np.empty(values.size, np.int32)
    bits = values.view(np.uint64)
    sign = np.uint64(1) << np.uint64(63)
    for t in range(values.size):
        if not np.isnan(values[t]):
            key = bits[t] if values[t] != 0.0 else np.uint64(0)
            keys[n] = ~key if key & sign else key | sign
            rows[n] = t
            n += 1
    counts = np.zeros((6, 2048), np.int32)
    low = np.uint64(2047)
    for k in range(n):
        for digit in range(6):
            counts[digit, (keys[k] >> np.uint64(11 * digit)) & low] += 1
    other_keys, other_rows = np.empty(n, np.uint64), np.empty(n, np.int32)
    keys, rows = keys[:n], rows[:n]
    for digit in range(6):
        shift = np.uint64(11 * digit)
        start = 0
        for value in range(2048):
            size = counts[digit, value]
            counts[digit, value] = start
            start += size
        for k in range(n):
            bucket = (keys[k] >> shift) & low
            other_keys[counts[digit, bucket]] = keys[k]
            other_rows[counts[digit, bucket]] = rows[k]
            counts[digit, bucket] += 1
        keys, other_keys = other_keys, keys
        rows, other_rows = other_rows, rows
    place = np.zeros(values.size, np.int64)
    for k in range(n):
        same = k > 0 and keys[k] == keys[k - 1]
        place[rows[k]] = place[rows[k - 1]] if same else k + 1
    return place, n


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def window_rank(values: Floats, stamps: Ints, window: int, min_history: int) -> Floats:
    """Share of the window at or below each value, ties at their average rank: ``rolling(window).rank(pct=True)``.

    Parameters
    ----------
    values : array of shape (n_bars,)
        NaN is skipped.
    stamps : array of shape (n_bars,) [ms], sorted
    window : int [ms]
        The window of bar t is (t - window, t].
    min_history : int
        Values needed in the window, the last included.

    Returns
    -------
    array of shape (n_bars,) in (0, 1]; NaN where there are too few values. O(n log n): a Fenwick tree over ranks.
    """
    n = values.size
    out = np.full(n, np.nan)
    place, size = places(values)
    tree = np.zeros(size + 1, np.int32)
    equal = np.zeros(size + 1, np.int32)
    tail = 0
    count = 0
    for t in range(n):
        here = place[t]
        if here == 0:
            continue
        while stamps[tail] <= stamps[t] - window:
            gone = place[tail]
            tail += 1
            if gone:
                count -= 1
                equal[gone] -= 1
                while gone <= size:
                    tree[gone] -= 1
                    gone += gone & -gone
        below = 0
        k = here - 1
        while k > 0:
            below += tree[k]
            k -= k & -k
        count += 1
        equal[here] += 1
        k = here
        while k <= size:
            tree[k] += 1
            k += k & -k
        if count >= min_history:
            out[t] = (below + 0.5 * (equal[here] + 1)) / count
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def window_deviation(values: Floats, stamps: Ints, window: int, min_history: int) -> Floats:
    """Sample standard deviation in the window (t - window, t], NaN skipped; shapes as :func:`window_rank`.

    Values join and leave one at a time, which is exact to about 1e-8 of the largest value: enough for forecasts,
    which stay within 20.
    """
    out = np.full(values.size, np.nan)
    mean = squares = 0.0
    count = tail = 0
    for t in range(values.size):
        value = values[t]
        if np.isnan(value):
            continue
        while stamps[tail] <= stamps[t] - window:
            gone = values[tail]
            tail += 1
            if not np.isnan(gone):
                count -= 1
                gap = gone - mean
                mean = mean - gap / count if count else 0.0
                squares = squares - gap * (gone - mean) if count else 0.0
        count += 1
        gap = value - mean
        mean += gap / count
        squares += gap * (value - mean)
        if count >= min_history:
            out[t] = math.sqrt(max(squares, 0.0) / (count - 1))
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def next_zone(zone: float, heat: float, green: float, red: float, hysteresis: float) -> float:
    """Zone after one more reading: +1 green, 0 amber, -1 red; NaN as the old zone means there was none."""
    if heat >= green or (zone == 1.0 and heat >= green - hysteresis):
        return 1.0
    if heat < red or (zone == -1.0 and heat < red + hysteresis):
        return -1.0
    return 0.0


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def heat(
    forecast: Floats,
    relative_volatility: Floats,
    stamps: Ints,
    side: float,
    window: int,
    min_history: int,
    green: float,
    red: float,
    regime_shift: float,
    green_low: float,
    green_high: float,
    red_low: float,
    red_high: float,
    hysteresis: float,
    out: Floats,
) -> None:
    """Turn one series of forecasts into heat.

    Parameters
    ----------
    forecast, relative_volatility, stamps : arrays of shape (n_bars,)
    side : float
        +1 long, -1 short.
    out : array of shape (6, n_bars)
        Written: forecast, heat, volatility percentile, green, red, zone.
    """
    n = forecast.size
    aligned = side * forecast
    rank = window_rank(aligned, stamps, window, min_history)
    deviation = window_deviation(aligned, stamps, window, min_history)
    percentile = window_rank(relative_volatility, stamps, window, min_history)
    out[:] = np.nan
    zone = np.nan
    for t in range(n):
        out[FORECAST, t] = forecast[t]
        v = percentile[t]
        out[VOLATILITY_PERCENTILE, t] = v
        if np.isnan(v):
            continue
        out[GREEN, t] = min(max(green + regime_shift * (v - 0.5), green_low), green_high)
        out[RED, t] = min(max(red + regime_shift * (v - 0.5), red_low), red_high)
        if deviation[t] > STILL:
            strength = 0.5 * math.erfc(-aligned[t] / deviation[t] / math.sqrt(2.0))
            out[HEAT, t] = 100.0 * (0.5 * strength + 0.5 * rank[t])
            zone = next_zone(zone, out[HEAT, t], out[GREEN, t], out[RED, t], hysteresis)
            out[ZONE, t] = zone


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def last_closes(closes: Floats, edges: Ints, column: int) -> Floats:
    """Last known close of each bar: rows ``edges[k]`` to ``edges[k + 1]`` of one column; NaN where there is none."""
    out = np.full(edges.size - 1, np.nan)
    for k in range(edges.size - 1):
        for row in range(edges[k + 1] - 1, edges[k] - 1, -1):
            if not np.isnan(closes[row, column]):
                out[k] = closes[row, column]
                break
    return out


def heat_of_closes(
    close: Floats, stamps: Ints, side: float, trend_arguments: Any, heat_arguments: Any, out: Floats
) -> None:
    """Heat of one series of closes, written into ``out`` (6, n_bars): the one path of every public function here."""
    _, forecast, volatility = trend.forecast(close, *trend_arguments)
    heat(forecast, volatility / close, stamps, side, *heat_arguments, out)
