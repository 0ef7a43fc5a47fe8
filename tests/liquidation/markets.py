"""Small made-up markets for the liquidation tests."""

import numpy as np
import pandas as pd

VOLATILITY = 0.6


def candles(count, timeframe="1h", *, seed=1, price=100.0, start="2025-03-01"):
    """Random-walk candles, canonical."""
    rng = np.random.default_rng(seed)
    bar = pd.Timedelta(timeframe)
    step = VOLATILITY * np.sqrt(bar / pd.Timedelta("365D"))
    close = price * np.exp(np.cumsum(rng.normal(0, step, count)))
    opening = np.r_[price, close[:-1]]
    high = np.maximum(opening, close) * np.exp(np.abs(rng.normal(0, step / 3, count)))
    low = np.minimum(opening, close) * np.exp(-np.abs(rng.normal(0, step / 3, count)))
    index = pd.date_range(start, periods=count, freq=bar, tz="UTC", unit="ms", name="timestamp")
    table = pd.DataFrame(
        {"open": opening, "high": high, "low": low, "close": close, "volume": rng.lognormal(5, 1, count)}, index=index
    )
    table.attrs = {"timeframe": timeframe, "venue": "binanceusdm", "symbol": "TEST/USDT:USDT"}
    return table


def open_interest(table, *, seed=2, level=5e4, noise=0.01):
    """Open interest stamped at every open and at the last close."""
    rng = np.random.default_rng(seed)
    bar = pd.Timedelta(table.attrs["timeframe"])
    index = pd.DatetimeIndex(table.index.append(table.index[-1:] + bar), name="timestamp")
    quantity = level * np.exp(np.cumsum(rng.normal(0, noise, len(index))))
    price = np.r_[table["open"], table["close"].iloc[-1]]
    return pd.DataFrame({"open_interest": quantity, "open_interest_value": quantity * price}, index=index)
