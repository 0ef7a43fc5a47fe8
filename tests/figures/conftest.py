"""A small hand-made liquidation map and its candles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

TIERS = (2.0, 10.0, 25.0, 100.0)


@dataclass(frozen=True)
class SmallMap:
    """What the figures read of a liquidation map."""

    times: pd.DatetimeIndex
    price_edges: np.ndarray
    long: np.ndarray
    short: np.ndarray
    long_by_tier: np.ndarray
    short_by_tier: np.ndarray
    mark_price: float
    tiers: tuple[float, ...] = TIERS
    symbol: str = "BTC/USDT:USDT"

    def notional(self) -> np.ndarray:
        """Long and short at each bin's price."""
        return (self.long + self.short) * np.sqrt(self.price_edges[:-1] * self.price_edges[1:])[:, None]


def bars(count: int, price: float) -> pd.DataFrame:
    """Candles that move by up to 2 %."""
    close = price * (1 + 0.02 * np.sin(np.arange(count)))
    opened = np.r_[close[:1], close[:-1]]
    index = pd.date_range("2026-01-01", periods=count, freq="1h", tz="UTC", name="timestamp").as_unit("ms")
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    return pd.DataFrame({"open": opened, "high": high, "low": low, "close": close, "volume": 5.0}, index=index)


def small_map(candles: pd.DataFrame, *, bins: int = 60, quantity: float = 1.0, seed: int = 0) -> SmallMap:
    """Longs below the last close, shorts above it."""
    mark = float(candles["close"].iloc[-1])
    edges = np.geomspace(mark * 0.8, mark * 1.2, bins + 1)
    below = np.sqrt(edges[:-1] * edges[1:]) < mark
    by_tier = np.random.default_rng(seed).random((len(TIERS), bins)) * quantity
    long, short = by_tier * below, by_tier * ~below
    count = len(candles)
    return SmallMap(
        pd.DatetimeIndex(candles.index), edges, np.repeat(long.sum(0)[:, None], count, 1),
        np.repeat(short.sum(0)[:, None], count, 1), long, short, mark,
    )  # fmt: skip


@pytest.fixture
def make() -> Any:
    """Build (map, candles) of a length, price, number of bins and quantity per bin."""

    def build(count: int = 24, price: float = 65_000.0, **options: Any) -> tuple[SmallMap, pd.DataFrame]:
        candles = bars(count, price)
        return small_map(candles, **options), candles

    return build


@pytest.fixture
def zones() -> pd.DataFrame:
    """One zone of each level and side."""
    return pd.DataFrame(
        {
            "side": [1, -1],
            "price_low": [60_000.0, 68_000.0],
            "price_high": [60_500.0, 68_400.0],
            "price_peak": [60_200.0, 68_100.0],
            "notional": [2.5e6, 8e5],
            "distance": [-0.07, 0.05],
            "age": pd.to_timedelta(["5h", "3min"]),
            "level": ["red", "amber"],
        }
    )


@pytest.fixture
def positions() -> pd.DataFrame:
    """An isolated long with a liquidation price and a cross short without one."""
    return pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT"] * 2,
            "venue": ["binance", "okx"],
            "side": [1, -1],
            "quantity": [1.5, 0.5],
            "entry_price": [66_000.0, 64_000.0],
            "mark_price": [65_000.0] * 2,
            "leverage": [10.0, np.nan],
            "margin_mode": ["isolated", "cross"],
            "margin": [9_000.0, 100.0],
            "liquidation_price": [59_800.0, np.nan],
        }
    )


@pytest.fixture
def heat_table() -> pd.DataFrame:
    """Two positions on two timeframes, one reading unknown."""
    rows = [
        ("BTC/USDT:USDT", "binance", 1, "1h", 80.0, 1.0, ""),
        ("BTC/USDT:USDT", "binance", 1, "4h", 30.0, -1.0, ""),
        ("ETH/USDT:USDT", "okx", -1, "1h", 55.0, 0.0, ""),
        ("ETH/USDT:USDT", "okx", -1, "4h", np.nan, np.nan, "no candles"),
    ]
    table = pd.DataFrame(rows, columns=["symbol", "venue", "side", "timeframe", "heat", "zone", "note"])
    table["green"], table["red"], table["forecast"], table["volatility_percentile"] = 75.0, 40.0, 3.25, 0.5
    table["timestamp"] = pd.Timestamp("2026-01-01 12:00", tz="UTC")
    table["age"] = pd.Timedelta("30min")
    return table
