"""Random walks as canonical candles, for the tests of trend and heat."""

from __future__ import annotations

import numpy as np
import pandas as pd


def walk(
    bars: int, *, seed: int = 7, timeframe: str = "1h", drift: float = 0.0, start: str = "2025-01-06"
) -> pd.DataFrame:
    """Candles of a log-normal random walk."""
    generator = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(generator.normal(drift, 0.01, bars)))
    return candles(close, timeframe=timeframe, start=start)


def candles(close: np.ndarray | list[float], *, timeframe: str = "1h", start: str = "2025-01-06") -> pd.DataFrame:
    """Candles with these closes; opens are the closes before."""
    close = np.asarray(close, dtype=np.float64)
    step = {"1m": "1min", "1d": "1D", "1w": "7D"}.get(timeframe, timeframe)
    index = pd.date_range(start, periods=close.size, freq=step, tz="UTC", name="timestamp", unit="ms")
    before = np.r_[close[:1], close[:-1]]
    low, high = np.fmin(before, close), np.fmax(before, close)
    table = pd.DataFrame({"open": before, "high": high, "low": low, "close": close, "volume": 1.0}, index=index)
    table.attrs = {"venue": "test", "symbol": "BTC/USDT:USDT", "timeframe": timeframe}
    return table
