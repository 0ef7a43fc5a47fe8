"""The seam between heatlab and the world: one protocol, canonical tables in both directions, never venue payloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import pandas as pd

from heatlab.domain import Instrument


class Capability(StrEnum):
    """What a source can deliver for a venue and symbol."""

    CANDLES = "candles"
    OPEN_INTEREST = "open interest"
    FUNDING = "funding"
    LIQUIDATIONS = "liquidations"
    ORDER_BOOK = "order book"
    BRACKETS = "leverage brackets"
    POSITIONS = "positions"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a source skipped or could not do, for the screen: ``where`` (a file, a venue) and ``message``."""

    where: str
    message: str


@runtime_checkable
class MarketSource(Protocol):
    """Where market data and positions come from.

    Every table is canonical (see :mod:`heatlab.frames`) with ``venue``, ``symbol`` and ``timeframe`` in ``attrs``.
    ``venue=None`` means the first venue that lists the symbol. ``start`` is included, ``end`` is excluded; both
    compare with the bar's open time. Only bars closed at :meth:`now` are returned. What the source has no data for
    raises :class:`~heatlab.errors.SourceError`; ask :meth:`capabilities` first.
    """

    @property
    def name(self) -> str:
        """Short name for the screen, such as ``"simulated market (seed 7)"`` or ``"binanceusdm"``."""
        ...

    @property
    def is_simulated(self) -> bool:
        """True if no number here comes from a real market; every screen then says "simulated"."""
        ...

    def venues(self) -> tuple[str, ...]:
        """Names of the venues, first is the default."""
        ...

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Perpetuals (and spot pairs) of a venue, most traded first."""
        ...

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """Timeframes the candles come in, shortest first; built ones included."""
        ...

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Tell what can be asked for this symbol on this venue."""
        ...

    def now(self) -> pd.Timestamp:
        """Read the source's clock (UTC): the present for a live venue, the end of the data for files."""
        ...

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
        """Return closed candles; ``limit`` keeps the last so many."""
        ...

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Open interest at the instants stamped, no denser than ``timeframe`` where that saves work."""
        ...

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Settled funding rates."""
        ...

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return forced closings that were observed (a lower bound on real venues)."""
        ...

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Latest book, best prices first on each side; ``side`` +1 bid, -1 ask."""
        ...

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets, smallest notional first."""
        ...

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """Open positions of the user's account; empty where there is none."""
        ...

    def notices(self) -> tuple[Notice, ...]:
        """Everything skipped so far and why."""
        ...


class CandleStorage(Protocol):
    """What a candle store must offer; :class:`heatlab.store.CandleStore` does."""

    def read(
        self,
        venue: str,
        symbol: str,
        timeframe: str,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return stored candles with ``start <= open time < end``; an empty table where there are none."""
        ...

    def append(self, venue: str, symbol: str, timeframe: str, candles: pd.DataFrame) -> object:
        """Add closed candles, in any order of time, for good."""
        ...

    def missing(
        self, venue: str, symbol: str, timeframe: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> Sequence[tuple[pd.Timestamp, pd.Timestamp]]:
        """List the ranges that are neither stored nor noted as absent, oldest first."""
        ...

    def note_absent(self, venue: str, symbol: str, timeframe: str, start: pd.Timestamp, end: pd.Timestamp) -> None:
        """Remember that the venue has no bars in a range."""
        ...
