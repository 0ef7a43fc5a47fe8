"""A folder of Parquet or CSV files as a market."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import Instrument, Timeframe
from heatlab.errors import DataError, SourceError
from heatlab.frames import CANDLES, FUNDING, LIQUIDATIONS, OPEN_INTEREST, POSITIONS, Schema, empty, resample_candles
from heatlab.sources.base import Capability, Notice
from heatlab.sources.folder import tables
from heatlab.sources.folder.cache import TableCache
from heatlab.sources.folder.index import Entry, Index, build_index, span
from heatlab.sources.folder.names import RULE, is_perpetual
from heatlab.sources.folder.ranking import ordered_instruments, ordered_venues
from heatlab.sources.folder.reading import read_rows

CACHE_BYTES = 256 * 2**20


class FolderSource:
    """Market data in a folder: what the files hold, by venue and symbol, and nothing made up.

    Files are recognised by their columns and names. Candle files are named ``SYMBOL_TIMEFRAME.csv`` or ``.parquet``
    with ``-`` for ``/`` and ``:`` (``BTC-USDT-USDT_1h.csv``; a period may follow, ``_2020-2024``) and have the
    columns ``timestamp, open, high, low, close, volume``. The venue is a column ``exchange`` or ``venue``, else the
    name of the folder the file lies in. Open interest, funding, liquidations, order books and leverage brackets are
    recognised by their columns. Several files of one series are joined; where they overlap they must agree. Every
    other Parquet or CSV file is left out with a notice.

    The folder is looked at on first use, without reading data; data are read when asked for and kept in memory. A
    damaged file raises :class:`~heatlab.errors.DataError` naming file, column and row when its data are asked for,
    and never affects other symbols.

    Parameters
    ----------
    path : str or Path
        An existing folder.
    cache_bytes : int
        Memory for tables kept.

    Raises
    ------
    SourceError
        ``path`` is no folder.
    """

    is_simulated = False

    def __init__(self, path: str | Path, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._path = Path(path).expanduser().resolve()
        if not self._path.is_dir():
            raise SourceError(f"FolderSource needs an existing folder. Got {str(path)!r} instead.")
        self._cache = TableCache(cache_bytes)
        self._found: list[Notice] = []

    def __repr__(self) -> str:
        """Show which folder it is."""
        return f"FolderSource({str(self._path)!r})"

    @property
    def name(self) -> str:
        """Name of the folder, for the screen."""
        return f"folder {self._path.name}"

    @cached_property
    def _index(self) -> Index:
        return build_index(self._path)

    @cached_property
    def _candles(self) -> list[Entry]:
        return self._index.usable(Capability.CANDLES)

    @cached_property
    def _venues(self) -> tuple[str, ...]:
        return ordered_venues(self._candles)

    @cached_property
    def _now(self) -> pd.Timestamp:
        if not self._candles:
            reasons = "".join(f" {notice.where}: {notice.message}" for notice in self._index.notices[:3])
            raise SourceError(f"{self._path} holds no candles heatlab can read. Files are named {RULE}.{reasons}")
        ours = [entry for entry in self._candles if entry.venue == self._venues[0]]
        perpetuals = [entry for entry in ours if is_perpetual(entry.symbol)]
        known = span(perpetuals or ours) or span(self._candles)
        if known is not None:
            return known[1]
        entry = self._candles[0]
        series = self._native(entry.venue, entry.symbol, entry.timeframe or Timeframe.H1)
        return pd.Timestamp(series.index[-1] + Timeframe.parse(series.attrs["timeframe"]).delta)

    def venues(self) -> tuple[str, ...]:
        """Venues with candles: most perpetuals first."""
        return self._venues

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Instruments with candles, perpetuals first, most traded first; without ``venue`` those of every venue."""
        venues = self._venues if venue is None else (self._known_venue(venue),)
        return tuple(item for name in venues for item in self._listed(name))

    def _listed(self, venue: str) -> tuple[Instrument, ...]:
        known: dict[str, tuple[Instrument, ...]] = self.__dict__.setdefault("_instruments", {})
        if venue not in known:
            known[venue] = ordered_instruments(self._candles, venue, self.now())
        return known[venue]

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """Timeframes of the files and those that can be built from them, shortest first."""
        native = self._timeframes(self._venue(Capability.CANDLES, symbol, venue), symbol)
        return tuple(
            wanted.value
            for wanted in Timeframe
            if any(wanted.milliseconds % given.milliseconds == 0 for given in native)
        )

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Tables there are for the symbol at :meth:`now`. Open interest counts where its base quantity is known."""
        found = set()
        for kind in Capability:
            for place in self._places(kind, symbol) if venue is None else (venue,):
                if any(self._delivers(entry) for entry in self._index.find(kind, place, symbol)):
                    found.add(kind)
        return frozenset(found)

    def _delivers(self, entry: Entry) -> bool:
        if entry.error:
            return False
        if entry.kind in (Capability.CANDLES, Capability.FUNDING):
            return True
        try:
            table = self._load(entry)
        except DataError:  # already a notice; raised again when the table itself is asked for
            return False
        if entry.kind is Capability.OPEN_INTEREST:
            table = table[(table.index <= self.now()) & table["open_interest"].notna()]
        return not table.empty

    def now(self) -> pd.Timestamp:
        """Close of the last perpetual candle of the default venue (of any candle where it has no perpetuals)."""
        return self._now

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
        """Candles of the files, or built from the longest of their timeframes that divides the one wanted.

        Raises
        ------
        SourceError
            There are none; the message says what there is.
        DataError
            A file of the series breaks its contract.
        """
        wanted = Timeframe.parse(timeframe)
        if limit is not None:
            check_range("limit", limit, 1, 10_000_000, caller="FolderSource.candles")
        place = self._venue(Capability.CANDLES, symbol, venue)
        table = self._series(place, symbol, wanted)
        table = _between(table[table.index <= self.now() - wanted.delta], start, end)
        return table if limit is None else table.iloc[-limit:]

    def _series(self, venue: str, symbol: str, wanted: Timeframe) -> pd.DataFrame:
        native = self._timeframes(venue, symbol)
        if wanted in native:
            return self._native(venue, symbol, wanted)
        divisors = [given for given in native if wanted.milliseconds % given.milliseconds == 0]
        if not divisors:
            have = ", ".join(self.timeframes(symbol, venue=venue))
            raise SourceError(f"{self.name} has no {wanted} candles of {symbol} on {venue}. It has {have}.")
        base = max(divisors, key=lambda given: given.milliseconds)
        key = ("built", venue, symbol, wanted)
        return self._cache.get(key, lambda: resample_candles(self._native(venue, symbol, base), wanted))

    def _native(self, venue: str, symbol: str, timeframe: Timeframe) -> pd.DataFrame:
        entries = self._index.find(Capability.CANDLES, venue, symbol)
        chosen = [entry for entry in entries if entry.timeframe is timeframe]
        return self._joined(chosen, CANDLES, timeframe)

    def _timeframes(self, venue: str, symbol: str) -> list[Timeframe]:
        entries = self._index.find(Capability.CANDLES, venue, symbol)
        return [member for member in Timeframe if any(entry.timeframe is member for entry in entries)]

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Open interest at the instants stamped: the first one in each ``timeframe``.

        A stamp equal to a bar's open describes the open of that bar. Where a file gives one unit only the other is
        NaN.
        """
        table = self._table(Capability.OPEN_INTEREST, OPEN_INTEREST, symbol, venue, None, None)
        step = Timeframe.parse(timeframe)
        bucket = np.asarray(pd.DatetimeIndex(table.index).as_unit("ms").asi8) // step.milliseconds
        thin = table[np.diff(bucket, prepend=-1) > 0]
        thin.attrs = {**table.attrs, "timeframe": step.value}
        return _between(thin, start, end)

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Settled funding rates; an interval no file gives is the step to the settlement before."""
        return self._table(Capability.FUNDING, FUNDING, symbol, venue, start, end)

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return forced closings in the files; ``average_price``, the fill, where a file gives it."""
        return self._table(Capability.LIQUIDATIONS, LIQUIDATIONS, symbol, venue, start, end)

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Latest book at :meth:`now`, however old: look at ``age``. Amounts in contracts are left out."""
        if depth is not None:
            check_range("depth", depth, 1, 1_000_000, caller="FolderSource.order_book")
        place = self._venue(Capability.ORDER_BOOK, symbol, venue)
        books = [self._load(entry) for entry in self._usable(self._index.find(Capability.ORDER_BOOK, place, symbol))]
        books = [book for book in books if not book.empty]
        if not books:
            raise SourceError(f"{self.name} has no order book of {symbol} on {place} at {self.now()}.")
        table = min(books, key=lambda book: book["age"].iloc[0])
        table.attrs = {"venue": place, "symbol": symbol}
        if depth is None:
            return table
        bids, asks = table[table["side"] > 0], table[table["side"] < 0]
        return pd.concat([bids.iloc[:depth], asks.iloc[:depth]], ignore_index=True)

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets of the latest snapshot at or before :meth:`now`."""
        place = self._venue(Capability.BRACKETS, symbol, venue)
        found = [self._brackets(entry) for entry in self._usable(self._index.find(Capability.BRACKETS, place, symbol))]
        found = [table for table in found if not table.empty]
        if not found:
            raise SourceError(f"{self.name} has no leverage brackets of {symbol} on {place} at {self.now()}.")
        return found[0]

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """No positions: a folder of market data has no account. Empty."""
        table = empty(POSITIONS)
        table.attrs = {"venue": venue or ""}
        return table

    def notices(self) -> tuple[Notice, ...]:
        """Files left out or damaged, and differences between files, found so far."""
        return (*self._index.notices, *self._found)

    def _known_venue(self, venue: str) -> str:
        if venue not in self._venues:
            raise parameter_error("venue", self.name, f"one of {', '.join(self._venues)}", venue)
        return venue

    def _places(self, kind: Capability, symbol: str) -> list[str]:
        order = {venue: place for place, venue in enumerate(self._venues)}
        found = [venue for known, venue, named in self._index.entries if known is kind and named == symbol]
        return sorted(found, key=lambda venue: (order.get(venue, len(order)), venue))

    def _venue(self, kind: Capability, symbol: str, venue: str | None) -> str:
        places = self._places(kind, symbol)
        if places and (venue is None or venue in places):
            return venue or places[0]
        where = f" on {venue}" if venue else ""
        have = f"It has them on {', '.join(places)}." if places else f"It has {self._kinds(symbol)} of it."
        raise SourceError(f"{self.name} has no {kind.value} of {symbol}{where}. {have}")

    def _kinds(self, symbol: str) -> str:
        kinds = sorted({kind.value for kind, _, named in self._index.entries if named == symbol})
        return ", ".join(kinds) or "nothing"

    def _usable(self, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            if entry.error:
                raise type(entry.error)(str(entry.error))
        return entries

    def _table(
        self,
        kind: Capability,
        schema: Schema,
        symbol: str,
        venue: str | None,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
    ) -> pd.DataFrame:
        place = self._venue(kind, symbol, venue)
        table = self._joined(self._index.find(kind, place, symbol), schema, None)
        return _between(table[table.index <= self.now()], start, end)

    def _joined(self, entries: list[Entry], schema: Schema, timeframe: Timeframe | None) -> pd.DataFrame:
        venue, symbol = entries[0].venue, entries[0].symbol
        key = ("joined", schema.name, venue, symbol, timeframe)
        return self._cache.get(key, lambda: self._join(entries, schema, timeframe))

    def _join(self, entries: list[Entry], schema: Schema, timeframe: Timeframe | None) -> pd.DataFrame:
        places = [entry.where for entry in self._usable(entries)]
        parts = [self._load(entry) for entry in entries]
        table, difference = tables.join(parts, places, schema)
        if difference:
            self._notice(Notice(places[0], difference))
        table.attrs = {"venue": entries[0].venue, "symbol": entries[0].symbol}
        if timeframe:
            table.attrs["timeframe"] = timeframe.value
        return table

    def _load(self, entry: Entry) -> pd.DataFrame:
        if entry.kind is Capability.CANDLES:
            return self._read(entry)  # kept joined, not twice
        return self._cache.get(("file", entry.where, entry.venue, entry.symbol), lambda: self._read(entry))

    def _brackets(self, entry: Entry) -> pd.DataFrame:
        table = self._load(entry)
        table.attrs = {"venue": entry.venue, "symbol": entry.symbol}
        return table

    def _read(self, entry: Entry) -> pd.DataFrame:
        where = entry.where
        try:
            raw = read_rows(entry.path, entry.part, where=where)
            first_row = 2 if entry.path.suffix == ".csv" else 0
            if entry.shared:
                where, first_row = f"{where}, rows of {entry.symbol}", 1
            return self._canonical(entry, raw, where, first_row)
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
            return tables.order_book_table(raw, entry.venue, self.now(), where=where, first_row=first_row)
        return tables.brackets_table(raw, self.now(), where=where, first_row=first_row)

    def _notice(self, notice: Notice) -> None:
        if notice not in self.notices():
            self._found.append(notice)


def _between(table: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    for name, value in (("start", start), ("end", end)):
        if value is not None and value.tzinfo is None:
            raise parameter_error(name, "FolderSource", "a Timestamp with a time zone", value)
    low = 0 if start is None else int(table.index.searchsorted(start, side="left"))
    high = len(table) if end is None else int(table.index.searchsorted(end, side="left"))
    return table.iloc[low : max(low, high)]
