"""The same heat in plain pandas, symbols across: the second opinion for tests and the peer of the benchmark.

Closes without NaN only: the kernels' "a bar without a close is absent" is tested by dropping those bars first.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import ndtr

SPEEDS = {(8, 32): 5.3, (16, 64): 3.75, (32, 128): 2.65}
BREAKOUTS = {40: 0.70}
PRIOR_BARS, PRIOR_CORRELATION, PRIOR_VARIANCE = 250, 0.75, 12.5**2


def resampled(closes: pd.DataFrame, timeframes: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Last close of each whole bar; longer bars are built from the bars before them, as one would to save time."""
    rules = {"1h": "1h", "4h": "4h", "1d": "1D", "1w": "W-MON"}
    lengths = {"1h": "1h", "4h": "4h", "1d": "1D", "1w": "7D"}
    step = closes.index[1] - closes.index[0]
    end = closes.index[-1] + step
    bars: dict[str, pd.DataFrame] = {}
    source = closes
    for name in timeframes:
        weekly = {"closed": "left", "label": "left"} if name == "1w" else {}
        table = source.resample(rules[name], **weekly).last()
        source = table
        bars[name] = table[(table.index >= closes.index[0]) & (table.index <= end - pd.Timedelta(lengths[name]))]
    return bars


def _scaled(raw: pd.DataFrame, scalar: float) -> pd.DataFrame:
    total = PRIOR_BARS * 10.0 / scalar + raw.abs().cumsum()
    count = PRIOR_BARS + raw.notna().cumsum()
    return (raw * 10.0 * count / total).clip(-20, 20)


def rules(close: pd.DataFrame) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Scaled, capped rules and the price volatility."""
    volatility = close.diff().ewm(span=35, min_periods=10).std()
    usable = volatility.where(volatility > 1e-12 * close.abs())
    out = []
    for (fast, slow), scalar in SPEEDS.items():
        crossover = close.ewm(span=fast).mean() - close.ewm(span=slow, min_periods=slow).mean()
        out.append(_scaled(crossover / usable, scalar))
    for lookback, scalar in BREAKOUTS.items():
        top, bottom = close.rolling(lookback).max(), close.rolling(lookback).min()
        spread = (top - bottom).where(top > bottom)
        out.append(_scaled(40.0 * (close - (top + bottom) / 2) / spread, scalar))
    return out, volatility


def forecast(close: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Combined forecast and price volatility."""
    parts, volatility = rules(close)
    weight = 1 / len(parts)
    known = [part.notna() for part in parts]
    everyone = np.logical_and.reduce(known)
    filled = [part.where(everyone, 0.0) for part in parts]
    count = pd.DataFrame(everyone, index=close.index, columns=close.columns).cumsum()
    sums = [part.cumsum() for part in filled]
    divisor = count.where(count > 0, 1)

    def product(i: int, j: int) -> pd.DataFrame:
        prior = PRIOR_BARS * PRIOR_VARIANCE * (1.0 if i == j else PRIOR_CORRELATION)
        return prior + (filled[i] * filled[j]).cumsum() - sums[i] * sums[j] / divisor

    squares = [product(i, i) for i in range(len(parts))]
    variance = sum(weight**2 * mask for mask in known)
    for i, j in combinations(range(len(parts)), 2):
        correlation = (product(i, j) / (squares[i] * squares[j]) ** 0.5).clip(lower=0)
        variance = variance + 2 * weight**2 * correlation * (known[i] & known[j])
    total = sum(weight * mask for mask in known)
    signal = sum(weight * part.fillna(0.0) for part in parts)
    multiplier = (total / variance.where(variance > 0) ** 0.5).clip(upper=2.5)
    return (multiplier * signal / total.where(total > 0)).clip(-20, 20), volatility


def heat(close: pd.DataFrame, *, side: int = 1, min_history: int = 20) -> dict[str, pd.DataFrame]:
    """Forecast, heat, volatility percentile and the two thresholds."""
    combined, volatility = forecast(close)
    aligned = side * combined
    window = aligned.rolling("365D", min_periods=min_history)
    deviation = window.std()
    strength = ndtr(aligned / deviation.where(deviation > 1e-6))
    percentile = (volatility / close).rolling("365D", min_periods=min_history).rank(pct=True)
    return {
        "forecast": combined,
        "heat": 100 * (0.5 * strength + 0.5 * window.rank(pct=True)),
        "volatility_percentile": percentile,
        "green": (75 + 20 * (percentile - 0.5)).clip(65, 85),
        "red": (40 + 20 * (percentile - 0.5)).clip(30, 50),
    }


def board(closes: pd.DataFrame, timeframes: tuple[str, ...] = ("1h", "4h", "1d", "1w")) -> dict[str, dict]:
    """Heat of every symbol on every timeframe."""
    return {name: heat(bars) for name, bars in resampled(closes, timeframes).items()}
