"""Compiled loops of the trend rules: plain arrays in, plain arrays out, one pass, causal.

A bar without a close (NaN) is treated as if it did not exist: its outputs are NaN and nothing moves on.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VOLATILITY_BARS = 10
"""Price changes needed before the volatility is used (pysystemtrade's min_periods)."""

QUIET = 1e-12
"""A volatility at or below this fraction of the price counts as none: the crossover is then unknown."""

PRIOR_VARIANCE = 12.5**2
"""Variance of a forecast whose mean absolute value is 10, were it normal: 10 / sqrt(2 / pi) squared."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def price_volatility(close: Floats, span: float) -> Floats:
    """Exponentially weighted standard deviation of price changes, ``ewm(span).std()`` of pandas.

    Parameters
    ----------
    close : array of shape (n_bars,) [quote]
    span : float [bars]

    Returns
    -------
    array of shape (n_bars,) [quote per bar], NaN until ten changes exist.
    """
    out = np.full(close.size, np.nan)
    keep = 1.0 - 2.0 / (span + 1.0)
    mean = variance = weight = weight_sum = weight_squares = 0.0
    last = np.nan
    changes = 0
    for t in range(close.size):
        price = close[t]
        if np.isnan(price):
            continue
        if not np.isnan(last):
            change = price - last
            weight = keep * weight_sum
            weight_sum = weight + 1.0
            weight_squares = keep * keep * weight_squares + 1.0
            moved = (weight * mean + change) / weight_sum
            variance = (weight * (variance + (mean - moved) ** 2) + (change - moved) ** 2) / weight_sum
            mean = moved
            changes += 1
            if changes >= VOLATILITY_BARS:
                squared = weight_sum * weight_sum
                out[t] = np.sqrt(variance * squared / (squared - weight_squares))
        last = price
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def ewmac(close: Floats, volatility: Floats, fast: int, slow: int, out: Floats) -> None:
    """Write ``(EMA_fast - EMA_slow) / volatility`` into ``out``, NaN until ``slow`` closes exist."""
    keep_fast = 1.0 - 2.0 / (fast + 1.0)
    keep_slow = 1.0 - 2.0 / (slow + 1.0)
    sum_fast = sum_slow = weight_fast = weight_slow = 0.0
    bars = 0
    for t in range(close.size):
        price = close[t]
        if np.isnan(price):
            continue
        sum_fast = sum_fast * keep_fast + price
        weight_fast = weight_fast * keep_fast + 1.0
        sum_slow = sum_slow * keep_slow + price
        weight_slow = weight_slow * keep_slow + 1.0
        bars += 1
        if bars >= slow and volatility[t] > QUIET * abs(price):
            out[t] = (sum_fast / weight_fast - sum_slow / weight_slow) / volatility[t]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def breakout(close: Floats, lookback: int, out: Floats) -> None:
    """Write ``40 * (price - middle) / range`` of the last ``lookback`` closes into ``out``; NaN where flat.

    Highest and lowest come from two monotone queues: the cost per bar does not grow with the lookback.
    """
    highs = np.empty(close.size, np.float64)
    lows = np.empty(close.size, np.float64)
    high_bars = np.empty(close.size, np.int64)
    low_bars = np.empty(close.size, np.int64)
    high_head = high_end = low_head = low_end = 0
    bar = 0
    for t in range(close.size):
        price = close[t]
        if np.isnan(price):
            continue
        while high_end > high_head and highs[high_end - 1] <= price:
            high_end -= 1
        while low_end > low_head and lows[low_end - 1] >= price:
            low_end -= 1
        highs[high_end], high_bars[high_end] = price, bar
        lows[low_end], low_bars[low_end] = price, bar
        high_end += 1
        low_end += 1
        bar += 1
        if high_bars[high_head] < bar - lookback:
            high_head += 1
        if low_bars[low_head] < bar - lookback:
            low_head += 1
        spread = highs[high_head] - lows[low_head]
        if bar >= lookback and spread > 0.0:
            out[t] = 40.0 * (price - 0.5 * (highs[high_head] + lows[low_head])) / spread


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def scale(raw: Floats, prior_level: float, prior_bars: float, target: float, cap: float) -> None:
    """Scale a raw rule in place to mean absolute ``target`` on its expanding history and cap it.

    The prior level counts as ``prior_bars`` bars seen before the first.
    """
    total = prior_bars * prior_level
    count = prior_bars
    for t in range(raw.size):
        value = raw[t]
        if np.isnan(value):
            continue
        total += abs(value)
        count += 1.0
        raw[t] = min(max(value * target * count / total, -cap), cap)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def common_history(rules: Floats) -> tuple[Floats, Floats, Floats]:
    """Keep what the rules said on bars where all speak, 0 elsewhere, with running sums and one over the running count.

    Returns
    -------
    tuple of arrays
        Signals and their running sums, both (n_rules, n_bars); one over the number of such bars so far (n_bars,).
    """
    n_rules, n_bars = rules.shape
    signals, sums, inverse = np.zeros((n_rules, n_bars)), np.zeros((n_rules, n_bars)), np.ones(n_bars)
    total = np.zeros(n_bars)
    for i in range(n_rules):
        for t in range(n_bars):
            total[t] += rules[i, t]
    count = 0.0
    for t in range(n_bars):
        count += not np.isnan(total[t])
        inverse[t] = 1.0 / max(count, 1.0)
    for i in range(n_rules):
        running = 0.0
        for t in range(n_bars):
            if not np.isnan(total[t]):
                signals[i, t] = rules[i, t]
                running += rules[i, t]
            sums[i, t] = running
    return signals, sums, inverse


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def running_covariance(
    left: Floats, right: Floats, left_sum: Floats, right_sum: Floats, inverse: Floats, prior: float, out: Floats
) -> None:
    """Write the expanding sum of products about the mean of two signals, starting from ``prior``, into ``out``."""
    products = prior
    for t in range(left.size):
        products += left[t] * right[t]
        out[t] = products
    for t in range(left.size):
        out[t] -= left_sum[t] * right_sum[t] * inverse[t]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def weighted_variance(rules: Floats, weights: Floats, prior_bars: float, prior_correlation: float) -> Floats:
    """``w' H w`` over the rules that speak, bar by bar, from the expanding correlation and its prior.

    Negative correlations count as 0. Shape (n_bars,); 0 where no rule with a weight speaks.
    """
    n_rules, n_bars = rules.shape
    signals, sums, inverse = common_history(rules)
    out, covariance, loads = np.zeros(n_bars), np.empty(n_bars), np.empty((n_rules, n_bars))
    prior = prior_bars * PRIOR_VARIANCE
    for i in range(n_rules):
        running_covariance(signals[i], signals[i], sums[i], sums[i], inverse, prior, covariance)
        load, rule, weight = loads[i], rules[i], weights[i]
        for t in range(n_bars):
            load[t] = 0.0 if np.isnan(rule[t]) else weight
            out[t] += load[t] * load[t]
            load[t] /= math.sqrt(covariance[t])
        for j in range(i):
            running_covariance(signals[i], signals[j], sums[i], sums[j], inverse, prior * prior_correlation, covariance)
            other = loads[j]
            for t in range(n_bars):
                shared = covariance[t] if covariance[t] > 0.0 else 0.0
                out[t] += 2.0 * load[t] * other[t] * shared
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def combine(
    rules: Floats, weights: Floats, prior_bars: float, prior_correlation: float, cap: float, max_multiplier: float
) -> Floats:
    """Combine scaled rules of shape (n_rules, n_bars) into one forecast of shape (n_bars,).

    Rules that do not speak yet are left out and the other weights renormalised. The correlation matrix is the
    expanding one over bars on which all rules speak, the prior counted as ``prior_bars`` bars.
    """
    n_rules, n_bars = rules.shape
    variance = weighted_variance(rules, weights, prior_bars, prior_correlation)
    total = np.zeros(n_bars)
    out = np.zeros(n_bars)
    for i in range(n_rules):
        for t in range(n_bars):
            if not np.isnan(rules[i, t]):
                total[t] += weights[i]
                out[t] += weights[i] * rules[i, t]
    for t in range(n_bars):
        if total[t] > 0.0:
            multiplier = min(total[t] / math.sqrt(variance[t]), max_multiplier)
            out[t] = min(max(multiplier * out[t] / total[t], -cap), cap)
        else:
            out[t] = np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def forecast(
    close: Floats,
    spans: Ints,
    lookbacks: Ints,
    weights: Floats,
    levels: Floats,
    volatility_span: float,
    prior_bars: float,
    prior_correlation: float,
    target: float,
    cap: float,
    max_multiplier: float,
) -> tuple[Floats, Floats, Floats]:
    """Run all rules over one series of closes.

    Parameters
    ----------
    close : array of shape (n_bars,) [quote]
    spans : array of shape (n_speeds, 2) [bars]
    lookbacks : array of shape (n_breakouts,) [bars]
    weights, levels : arrays of shape (n_speeds + n_breakouts,)

    Returns
    -------
    tuple of arrays
        Scaled rules (n_rules, n_bars), combined forecast (n_bars,), price volatility (n_bars,) [quote per bar].
    """
    volatility = price_volatility(close, volatility_span)
    rules = np.full((weights.size, close.size), np.nan)
    for k in range(spans.shape[0]):
        ewmac(close, volatility, spans[k, 0], spans[k, 1], rules[k])
    for k in range(lookbacks.size):
        breakout(close, lookbacks[k], rules[spans.shape[0] + k])
    for k in range(weights.size):
        scale(rules[k], levels[k], prior_bars, target, cap)
    combined = combine(rules, weights, prior_bars, prior_correlation, cap, max_multiplier)
    return rules, combined, volatility
