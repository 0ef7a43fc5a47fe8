"""A folder of Parquet or CSV files as a market."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.domain import Instrument, Timeframe
from heatlab.errors import SourceError
from heatlab.frames import POSITIONS, empty, milliseconds
from heatlab.sources.base import Capability, Notice
from heatlab.sources.counts import check_count
from heatlab.sources.folder.library import Library

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
        self._library = Library(self._path, cache_bytes)

    def __repr__(self) -> str:
        """Show which folder it is."""
        return f"FolderSource({str(self._path)!r})"

    @property
    def name(self) -> str:
        """Name of the folder, for the screen."""
        return f"folder {self._path.name}"

    def venues(self) -> tuple[str, ...]:
        """Venues with candles: most perpetuals first."""
        return self._library.venues

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Instruments with candles, perpetuals first, most traded first; without ``venue`` those of every venue."""
        if venue is not None and venue not in self.venues():
            raise parameter_error("venue", self.name, f"one of {', '.join(self.venues())}", venue)
        names = self.venues() if venue is None else (venue,)
        return tuple(item for name in names for item in self._library.instruments(name))

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """Timeframes of the files and those that can be built from them, shortest first."""
        native = self._library.timeframes(self._venue(Capability.CANDLES, symbol, venue), symbol)
        return tuple(
            wanted.value
            for wanted in Timeframe
            if any(wanted.milliseconds % given.milliseconds == 0 for given in native)
        )

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Tables there are for the symbol at :meth:`now`. Open interest counts where its base quantity is known."""
        library = self._library
        return frozenset(
            kind
            for kind in Capability
            for place in (library.places(kind, symbol) if venue is None else [venue])
            if library.delivers(kind, place, symbol)
        )

    def now(self) -> pd.Timestamp:
        """Close of the last perpetual candle of the default venue (of any candle where it has no perpetuals)."""
        return self._library.now

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
        last = None if limit is None else -check_count("limit", limit, caller="FolderSource.candles")
        place = self._venue(Capability.CANDLES, symbol, venue)
        table = self._series(place, symbol, wanted)
        return _between(table[table.index <= self.now() - wanted.delta], start, end).iloc[last:]

    def _series(self, venue: str, symbol: str, wanted: Timeframe) -> pd.DataFrame:
        native = self._library.timeframes(venue, symbol)
        if wanted in native:
            return self._library.native(venue, symbol, wanted)
        divisors = [given for given in native if wanted.milliseconds % given.milliseconds == 0]
        if not divisors:
            have = ", ".join(self.timeframes(symbol, venue=venue))
            raise SourceError(f"{self.name} has no {wanted} candles of {symbol} on {venue}. It has {have}.")
        base = max(divisors, key=lambda given: given.milliseconds)
        return self._library.built(venue, symbol, base, wanted)

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
        table = self._joined(Capability.OPEN_INTEREST, symbol, venue)
        step = Timeframe.parse(timeframe)
        bucket = milliseconds(table.index) // step.milliseconds
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
        return _between(self._joined(Capability.FUNDING, symbol, venue), start, end)

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return forced closings in the files; ``average_price``, the fill, where a file gives it."""
        return _between(self._joined(Capability.LIQUIDATIONS, symbol, venue), start, end)

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Latest book at :meth:`now`, however old: look at ``age``. Amounts in contracts are left out."""
        if depth is not None:
            depth = check_count("depth", depth, caller="FolderSource.order_book")
        place = self._venue(Capability.ORDER_BOOK, symbol, venue)
        books = self._library.single(Capability.ORDER_BOOK, place, symbol)
        if not books:
            raise SourceError(f"{self.name} has no order book of {symbol} on {place} at {self.now()}.")
        table = min(books, key=lambda book: book["age"].iloc[0])
        if depth is None:
            return table
        bids, asks = table[table["side"] > 0], table[table["side"] < 0]
        return pd.concat([bids.iloc[:depth], asks.iloc[:depth]], ignore_index=True)

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets of the latest snapshot at or before :meth:`now`."""
        place = self._venue(Capability.BRACKETS, symbol, venue)
        found = self._library.single(Capability.BRACKETS, place, symbol)
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
        return self._library.notices()

    def _joined(self, kind: Capability, symbol: str, venue: str | None) -> pd.DataFrame:
        return self._library.joined(kind, self._venue(kind, symbol, venue), symbol)

    def _venue(self, kind: Capability, symbol: str, venue: str | None) -> str:
        places = self._library.places(kind, symbol)
        if places and (venue is None or venue in places):
            return venue or places[0]
        where = f" on {venue}" if venue else ""
        known = ", ".join(self._library.kinds(symbol)) or "nothing"
        have = f"It has them on {', '.join(places)}." if places else f"It has {known} of it."
        raise SourceError(f"{self.name} has no {kind.value} of {symbol}{where}. {have}")


def _between(table: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    for name, value in (("start", start), ("end", end)):
        if value is not None and value.tzinfo is None:
            raise parameter_error(name, "FolderSource", "a Timestamp with a time zone", value)
    low = 0 if start is None else int(table.index.searchsorted(start, side="left"))
    high = len(table) if end is None else int(table.index.searchsorted(end, side="left"))
    return table.iloc[low : max(low, high)]
