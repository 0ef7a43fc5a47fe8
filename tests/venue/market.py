"""A tiny deterministic market with a fixed clock: prices are arithmetic, so every expected value is a literal."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import Contract, Instrument, Timeframe
from heatlab.errors import SourceError
from heatlab.sources.base import Capability, Notice

NOW = pd.Timestamp("2026-01-15 10:07:30", tz="UTC")
FIRST = pd.Timestamp("2024-01-01", tz="UTC")
BTC, ETH, COIN, SPOT = "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USD:BTC", "BTC/USDT"
BASE_PRICE = {BTC: 50_000, ETH: 3_000, COIN: 50_000, SPOT: 50_000}
MONDAY = 345_600_000
FLOORS = np.array([0.0, 300_000.0, 800_000.0, 3_000_000.0])
CAPS = np.array([300_000.0, 800_000.0, 3_000_000.0, 12_000_000.0])
RATES = np.array([0.004, 0.005, 0.0065, 0.01])
AMOUNTS = np.array([0.0, 300.0, 1_500.0, 12_000.0])
LEVERAGES = np.array([125.0, 100.0, 75.0, 50.0])


class ArithmeticMarket:
    """Three venues, four symbols, history from 2024 to a fixed now; ``holes`` are ranges [ms] without candles."""

    name = "arithmetic market"
    is_simulated = True

    def __init__(self, *, now: pd.Timestamp = NOW, holes: tuple[tuple[int, int], ...] = ()) -> None:
        self.clock = now
        self.holes = holes

    def now(self) -> pd.Timestamp:
        """The fixed clock."""
        return self.clock

    def venues(self) -> tuple[str, ...]:
        """The three venues."""
        return ("binanceusdm", "okx", "bybit")

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Two linear swaps everywhere, an inverse swap and a spot pair on OKX and Bybit."""
        size = 0.01 if venue == "okx" else 1.0
        lots = {"okx": 0.0001, "bybit": 0.001, "binanceusdm": 0.001}
        lot = lots[venue or "binanceusdm"]
        linear = (
            Instrument(BTC, venue or "", "BTC", "USDT", Contract.LINEAR, size, 0.1, lot),
            Instrument(ETH, venue or "", "ETH", "USDT", Contract.LINEAR, size, 0.01, lot),
        )
        if venue == "binanceusdm":
            return linear
        inverse_size = 100.0 if venue == "okx" else 1.0
        return (
            *linear,
            Instrument(COIN, venue or "", "BTC", "USD", Contract.INVERSE, inverse_size, 0.1, 1.0),
            Instrument(SPOT, venue or "", "BTC", "USDT", Contract.SPOT, 1.0, 0.1, 0.00001),
        )

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """All of them."""
        return tuple(frame.value for frame in Timeframe)

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Everything but liquidations."""
        return frozenset(Capability) - {Capability.LIQUIDATIONS}

    def candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Closed candles whose values depend on the bar's number only; the last bar is the one before ``now``."""
        frame = Timeframe.parse(timeframe)
        step, origin = frame.milliseconds, MONDAY if frame is Timeframe.W1 else 0
        low = max(_ms(start or FIRST), _ms(FIRST)) - origin
        high = min(_ms(end or self.clock) - origin, (_ms(self.clock) - origin) // step * step)
        stamps = np.arange(-(-low // step) * step, high, step, dtype=np.int64) + origin
        for first, last in self.holes:
            stamps = stamps[(stamps < first) | (stamps >= last)]
        table = bars(symbol, stamps, step)
        table.attrs = {"venue": venue or "binanceusdm", "symbol": symbol, "timeframe": timeframe}
        return table if limit is None else table.tail(limit)

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """A slow saw tooth in base coin, valued at the open of the bar."""
        step = Timeframe.parse(timeframe).milliseconds
        low, high = _ms(start or FIRST), min(_ms(end or self.clock), _ms(self.clock) + 1)
        stamps = np.arange(-(-low // step) * step, high, step, dtype=np.int64)
        amount = 80_000 + (stamps // step % 97) * 3.5
        value = amount * bars(symbol, stamps, step)["open"].to_numpy()
        return pd.DataFrame({"open_interest": amount, "open_interest_value": value}, index=frames.time_index(stamps))

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Every eight hours."""
        step = Timeframe.H8.milliseconds
        low, high = _ms(start or FIRST), min(_ms(end or self.clock), _ms(self.clock) + 1)
        stamps = np.arange(-(-low // step) * step, high, step, dtype=np.int64)
        rates = (stamps // step % 11 - 3) * 0.00005
        interval = pd.Series(pd.Timedelta("8h"), index=frames.time_index(stamps), dtype="timedelta64[ms]")
        return pd.DataFrame({"funding_rate": rates, "funding_interval": interval})

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """None are known."""
        raise SourceError("no liquidations")

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Twenty levels a side around the last close."""
        levels = np.arange(1, 21)[:depth]
        price = self.last_price(symbol)
        side = np.r_[np.ones(len(levels), int), -np.ones(len(levels), int)]
        prices = np.r_[price - 0.5 * levels, price + 0.5 * levels]
        quantity = np.r_[levels * 0.25, levels * 0.5]
        table = pd.DataFrame({"side": side, "price": prices, "quantity": quantity})
        table["venue"] = venue or "binanceusdm"
        table["age"] = pd.Timedelta(0)
        return table

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Four rows of Binance's BTC table."""
        return pd.DataFrame(
            {
                "notional_floor": FLOORS,
                "notional_cap": CAPS,
                "maintenance_margin_rate": RATES,
                "maintenance_amount": AMOUNTS,
                "max_leverage": LEVERAGES,
            }
        )

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """An isolated long of bitcoin with a liquidation price and a cross short of ether without."""
        rows = [
            (BTC, venue, 1, 0.5, 48_000.0, 50_500.0, 10.0, "isolated", 2_400.0, 43_400.0),
            (ETH, venue, -1, 4.0, 3_100.0, 3_050.0, 5.0, "cross", 2_480.0, math.nan),
        ]
        return pd.DataFrame(rows, columns=list(frames.POSITIONS.names))

    def notices(self) -> tuple[Notice, ...]:
        """Nothing is ever skipped."""
        return ()

    def last_price(self, symbol: str) -> float:
        """Close of the last one-minute bar."""
        return float(self.candles(symbol, "1m", limit=1)["close"].iloc[0])


def bars(symbol: str, stamps: np.ndarray, step: int) -> pd.DataFrame:
    """Bars of a symbol at the given open times [ms]: multiples of 1/8, which every text form keeps exactly."""
    number = stamps // step
    base = BASE_PRICE[symbol]
    opened = base + (number * 7919 % 801) / 8
    closed = base + ((number + 1) * 7919 % 801) / 8
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, closed) + 2.5,
            "low": np.minimum(opened, closed) - 1.25,
            "close": closed,
            "volume": 100 + (number % 64) / 4,
        },
        index=frames.time_index(stamps),
    )


def _ms(time: pd.Timestamp) -> int:
    return int(time.value) // 1_000_000
