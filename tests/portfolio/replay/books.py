"""Small made-up books with hourly bars, gaps and late listings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.frames import resample_candles
from tests.trend.walks import candles as bars_of

TIMEFRAMES = ("1h", "4h", "1d", "1w")
Candles = dict[tuple[str, str, str], pd.DataFrame]


def book(
    *, bars: int = 2_000, late: int = 0, holes: bool = False, seed: int = 3
) -> tuple[pd.DataFrame, Candles, pd.Timestamp]:
    """Three coins: one long and short on two venues, one short, one long that may be listed ``late`` bars later."""
    random = np.random.default_rng(seed)
    common = random.normal(0.0, 0.004, bars)
    tables: Candles = {}
    for k, symbol in enumerate(("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")):
        fine = bars_of(100.0 * np.exp(np.cumsum(common + random.normal(0.0, 0.004, bars))))
        fine = fine.iloc[late:] if k == 2 else fine
        if holes and k == 1:
            fine = fine[random.random(len(fine)) > 0.3]
        for venue in ("binance", "okx") if k == 0 else ("binance",):
            put(tables, venue, symbol, fine)
    rows = [
        ("BTC/USDT:USDT", "binance", 1, 2.0),
        ("ETH/USDT:USDT", "binance", -1, 1.0),
        ("BTC/USDT:USDT", "okx", -1, 0.5),
        ("SOL/USDT:USDT", "binance", 1, 3.0),
    ]
    held = pd.DataFrame(rows, columns=["symbol", "venue", "side", "quantity"])
    now = tables["binance", "BTC/USDT:USDT", "1h"].index[-1] + pd.Timedelta("1h")
    return marked(held, tables, now), tables, now


def put(tables: Candles, venue: str, symbol: str, fine: pd.DataFrame) -> None:
    """Add all timeframes of one market."""
    for timeframe in TIMEFRAMES:
        tables[venue, symbol, timeframe] = resample_candles(fine, timeframe)


def marked(held: pd.DataFrame, tables: Candles, now: pd.Timestamp) -> pd.DataFrame:
    """Positions at the last close known at a time; NaN where there is none."""
    seen = known(tables, now)
    owners = zip(held["venue"], held["symbol"], strict=True)
    closes = [seen[(*owner, "1h")]["close"] for owner in owners]
    price = [float(close.iloc[-1]) if len(close) else np.nan for close in closes]
    rest: dict[str, Any] = {"leverage": 3.0, "margin_mode": "cross", "margin": np.nan, "liquidation_price": np.nan}
    return held.assign(entry_price=100.0, mark_price=price, **rest)


def known(tables: Candles, now: pd.Timestamp) -> Candles:
    """Bars closed by a time."""
    return {key: bars[bars.index <= now - Timeframe.parse(key[2]).delta] for key, bars in tables.items()}
