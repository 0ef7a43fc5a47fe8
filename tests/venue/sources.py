"""Exchange sources that talk to the loopback venue, and a store in memory."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.sources.base import MarketSource
from heatlab.sources.exchange import ExchangeSource
from tests.venue.market import ArithmeticMarket
from tests.venue.server import LoopbackVenue
from tests.venue.wire import KEYS

VENUES = ("binanceusdm", "okx", "bybit")
KEY_ENVIRONMENT = {
    f"HEATLAB_{venue.upper()}_{suffix}": value
    for venue in VENUES
    for suffix, value in (("API_KEY", KEYS["apiKey"]), ("SECRET", KEYS["secret"]), ("PASSWORD", KEYS["password"]))
    if suffix != "PASSWORD" or venue == "okx"
}


class Pauses(list[float]):
    """A sleep that only writes down how long it should have taken."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@contextmanager
def served(
    *venues: str,
    market: MarketSource | None = None,
    environ: Mapping[str, str] | None = None,
    pauses: Pauses | None = None,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> Iterator[tuple[LoopbackVenue, ExchangeSource]]:
    """Serve a market and open a source on it; the local clock stands still two years before the venue's."""
    with LoopbackVenue(market or ArithmeticMarket()) as venue:
        options = {name: {**base, **(extra or {}).get(name, {})} for name, base in venue.options.items()}
        source = ExchangeSource(
            *(venues or VENUES),
            options=options,
            environ=environ or {},
            keyring=None,
            sleep=Pauses() if pauses is None else pauses,
            rng=random.Random(7),
            clock=lambda: 1_700_000_000.0,
            **settings,
        )
        with source:
            yield venue, source


class MemoryStore:
    """The simplest store that keeps the promise of one."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str, str], pd.DataFrame] = {}
        self.absent: list[tuple[pd.Timestamp, pd.Timestamp]] = []
        self.appended: list[int] = []

    def read(
        self,
        venue: str,
        symbol: str,
        timeframe: str,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return a copy of what is there."""
        table = self.tables.get((venue, symbol, timeframe), frames.empty(frames.CANDLES))
        keep = np.ones(len(table), bool)
        if start is not None:
            keep &= table.index >= start
        if end is not None:
            keep &= table.index < end
        return table[keep].copy()

    def append(self, venue: str, symbol: str, timeframe: str, candles: pd.DataFrame) -> None:
        """Add bars."""
        table = pd.concat([self.read(venue, symbol, timeframe), candles]) if self.tables else candles
        self.tables[venue, symbol, timeframe] = table[~table.index.duplicated(keep="last")].sort_index()
        self.appended.append(len(candles))

    def missing(
        self, venue: str, symbol: str, timeframe: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """Every bar on the grid that is neither there nor absent, as runs."""
        step = Timeframe.parse(timeframe).delta
        grid = pd.date_range(start, end, freq=step, inclusive="left")
        lacking = grid.difference(self.read(venue, symbol, timeframe).index)
        for low, high in self.absent:
            lacking = lacking[(lacking < low) | (lacking >= high)]
        runs: list[tuple[pd.Timestamp, pd.Timestamp]] = []
        for time in lacking:
            if runs and runs[-1][1] == time:
                runs[-1] = (runs[-1][0], time + step)
            else:
                runs.append((time, time + step))
        return runs

    def note_absent(self, venue: str, symbol: str, timeframe: str, start: pd.Timestamp, end: pd.Timestamp) -> None:
        """Remember a hole."""
        self.absent.append((start, end))
