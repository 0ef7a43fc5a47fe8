"""What a folder holds, read on demand and kept in memory: the part of a folder source that knows files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from heatlab.domain import Instrument, Timeframe
from heatlab.errors import DataError, SourceError
from heatlab.frames import CANDLES, FUNDING, LIQUIDATIONS, OPEN_INTEREST, resample_candles
from heatlab.sources.base import Capability, Notice
from heatlab.sources.folder import tables
from heatlab.sources.folder.cache import TableCache
from heatlab.sources.folder.index import Entry, Index, build_index, span
from heatlab.sources.folder.names import RULE, is_perpetual
from heatlab.sources.folder.ranking import ordered_instruments, ordered_venues
from heatlab.sources.folder.reading import read_rows

Made = TypeVar("Made")
SCHEMAS = {
    Capability.CANDLES: CANDLES,
    Capability.OPEN_INTEREST: OPEN_INTEREST,
    Capability.FUNDING: FUNDING,
    Capability.LIQUIDATIONS: LIQUIDATIONS,
}


class Library:
    """Files of a folder by kind, venue and symbol; their tables joined, built and remembered.

    Threads may share it: one lock guards everything that is remembered.

    Parameters
    ----------
    root : Path
        An existing folder.
    cache_bytes : int
        Memory for tables kept.
    """

    def __init__(self, root: Path, cache_bytes: int) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._cache = TableCache(cache_bytes, self._lock)
        self._found: list[Notice] = []
        self._facts: dict[str, Any] = {}

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        with self._lock:
            if name not in self._facts:
                self._facts[name] = make()
            return self._facts[name]  # type: ignore[no-any-return]

    @property
    def index(self) -> Index:
        """What each file holds; built once, on first use."""
        return self._once("index", lambda: build_index(self._root))

    @property
    def candle_files(self) -> list[Entry]:
        """Candle files not known to be damaged."""
        return self._once("candle files", lambda: self.index.usable(Capability.CANDLES))

    @property
    def venues(self) -> tuple[str, ...]:
        """Venues with candles, most perpetuals first."""
        return self._once("venues", lambda: ordered_venues(self.candle_files))

    @property
    def now(self) -> pd.Timestamp:
        """Close of the last perpetual candle of the first venue (of any candle where it has no perpetuals)."""
        return self._once("now", self._end)

    def _end(self) -> pd.Timestamp:
        if not self.candle_files:
            reasons = "".join(f" {notice.where}: {notice.message}" for notice in self.index.notices[:3])
            raise SourceError(f"{self._root} holds no candles heatlab can read. Files are named {RULE}.{reasons}")
        ours = [entry for entry in self.candle_files if entry.venue == self.venues[0]]
        perpetuals = [entry for entry in ours if is_perpetual(entry.symbol)]
        known = span(perpetuals or ours) or span(self.candle_files)
        return known[1] if known is not None else self._last_close(ours[0])

    def _last_close(self, entry: Entry) -> pd.Timestamp:
        timeframe = entry.timeframe or Timeframe.H1
        return pd.Timestamp(self.native(entry.venue, entry.symbol, timeframe).index[-1] + timeframe.delta)

    def instruments(self, venue: str) -> tuple[Instrument, ...]:
        """Instruments of a venue that have candles, most traded first."""
        return self._once(f"instruments of {venue}", lambda: ordered_instruments(self.candle_files, venue, self.now))

    def notices(self) -> tuple[Notice, ...]:
        """Files left out or damaged, and differences between files, found so far."""
        with self._lock:
            return (*self.index.notices, *self._found)

    def places(self, kind: Capability, symbol: str) -> list[str]:
        """Venues that have a kind of table of a symbol, in the order of :attr:`venues`, others after."""
        order = {venue: place for place, venue in enumerate(self.venues)}
        found = [venue for known, venue, named in self.index.entries if known is kind and named == symbol]
        return sorted(found, key=lambda venue: (order.get(venue, len(order)), venue))

    def kinds(self, symbol: str) -> list[str]:
        """Kinds of tables there are of a symbol on any venue."""
        return sorted({kind.value for kind, _, named in self.index.entries if named == symbol})

    def timeframes(self, venue: str, symbol: str) -> list[Timeframe]:
        """Timeframes of the candle files of a symbol, shortest first."""
        entries = self.index.find(Capability.CANDLES, venue, symbol)
        return [member for member in Timeframe if any(entry.timeframe is member for entry in entries)]

    def delivers(self, kind: Capability, venue: str, symbol: str) -> bool:
        """Tell whether a table can be had at :attr:`now`; open interest counts where its base quantity is known."""
        return any(self._useful(entry) for entry in self.index.find(kind, venue, symbol))

    def _useful(self, entry: Entry) -> bool:
        if entry.error:
            return False
        if entry.kind in (Capability.CANDLES, Capability.FUNDING):
            return True
        try:
            table = self._load(entry)
        except DataError:  # already a notice; raised again when the table itself is asked for
            return False
        if entry.kind is Capability.OPEN_INTEREST:
            table = table[(table.index <= self.now) & table["open_interest"].notna()]
        return not table.empty

    def native(self, venue: str, symbol: str, timeframe: Timeframe) -> pd.DataFrame:
        """Candles as the files have them.

        Raises
        ------
        DataError
            A file of the series is damaged, or files disagree.
        """
        entries = self.index.find(Capability.CANDLES, venue, symbol)
        return self._joined([entry for entry in entries if entry.timeframe is timeframe], timeframe)

    def built(self, venue: str, symbol: str, base: Timeframe, wanted: Timeframe) -> pd.DataFrame:
        """Candles resampled from those of the files."""
        key = ("built", venue, symbol, wanted)
        return self._cache.get(key, lambda: resample_candles(self.native(venue, symbol, base), wanted))

    def joined(self, kind: Capability, venue: str, symbol: str) -> pd.DataFrame:
        """Table of all files of one kind, venue and symbol, up to :attr:`now`."""
        table = self._joined(self.index.find(kind, venue, symbol), None)
        return table[table.index <= self.now]

    def single(self, kind: Capability, venue: str, symbol: str) -> list[pd.DataFrame]:
        """Tables of the files of a kind that is not joined, those without rows at :attr:`now` left out."""
        loaded = [self._load(entry) for entry in _sound(self.index.find(kind, venue, symbol))]
        return [_labelled(table, venue, symbol) for table in loaded if not table.empty]

    def _joined(self, entries: list[Entry], timeframe: Timeframe | None) -> pd.DataFrame:
        key = ("joined", entries[0].kind, entries[0].venue, entries[0].symbol, timeframe)
        return self._cache.get(key, lambda: self._join(entries, timeframe))

    def _join(self, entries: list[Entry], timeframe: Timeframe | None) -> pd.DataFrame:
        places = [entry.where for entry in _sound(entries)]
        parts = [self._load(entry) for entry in entries]
        table, difference = tables.join(parts, places, SCHEMAS[entries[0].kind])
        if difference:
            self._notice(Notice(places[0], difference))
        _labelled(table, entries[0].venue, entries[0].symbol)
        if timeframe:
            table.attrs["timeframe"] = timeframe.value
        return table

    def _load(self, entry: Entry) -> pd.DataFrame:
        if entry.kind is Capability.CANDLES:
            return self._read(entry)  # kept joined, not twice
        return self._cache.get(("file", entry.where, entry.venue, entry.symbol), lambda: self._read(entry))

    def _read(self, entry: Entry) -> pd.DataFrame:
        where, first_row = entry.where, 2 if entry.path.suffix.lower() == ".csv" else 0
        if entry.shared:
            where, first_row = f"{where}, rows of {entry.symbol}", 1
        try:
            return self._canonical(entry, read_rows(entry.path, entry.part, where=entry.where), where, first_row)
        except DataError as error:
            self._notice(Notice(entry.where, str(error)))
            raise

    def _canonical(self, entry: Entry, raw: pd.DataFrame, where: str, first_row: int) -> pd.DataFrame:
        if entry.timeframe is not None:
            return tables.candles_table(raw, entry.timeframe, where=where, first_row=first_row)
        if entry.kind is Capability.OPEN_INTEREST:
            return tables.open_interest_table(raw, where=where, first_row=first_row)
        if entry.kind is Capability.FUNDING:
            return tables.funding_table(raw, where=where, first_row=first_row)
        if entry.kind is Capability.LIQUIDATIONS:
            return tables.liquidations_table(raw, entry.venue, where=where, first_row=first_row)
        if entry.kind is Capability.ORDER_BOOK:
            return tables.order_book_table(raw, entry.venue, self.now, where=where, first_row=first_row)
        return tables.brackets_table(raw, self.now, where=where, first_row=first_row)

    def _notice(self, notice: Notice) -> None:
        with self._lock:
            if notice not in self.notices():
                self._found.append(notice)


def _sound(entries: list[Entry]) -> list[Entry]:
    for entry in entries:
        if entry.error:
            raise type(entry.error)(str(entry.error))
    return entries


def _labelled(table: pd.DataFrame, venue: str, symbol: str) -> pd.DataFrame:
    table.attrs = {"venue": venue, "symbol": symbol}
    return table
