"""Candles from a store and a venue: fetch only what is missing, put it away page by page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.errors import DataError
from heatlab.frames import from_ms, stamp_ms
from heatlab.sources.base import CandleStorage
from heatlab.sources.exchange.paging import Progress, Range, floor_to, missing_ranges
from heatlab.sources.exchange.quirks import DAY
from heatlab.sources.exchange.venue import Cancel, Venue

Key = tuple[str, str, str]
log = logging.getLogger("heatlab.sources")
LISTING_MARGIN = 90 * DAY
"""Venues state a listing date that can lie after the first bar (Binance's BTC by 17 days)."""


class CandleHistory:
    """Reads candles through a store, and remembers for this run where a venue has no bars.

    A store that fails costs no candles: what was fetched is returned, and the failure is told and logged.

    Parameters
    ----------
    store : CandleStorage or None
        Without one everything is fetched every time.
    notify : callable
        Called with where and what for each hole the venue has in its history, and for a store that fails.
    """

    def __init__(self, store: CandleStorage | None, *, notify: Callable[[str, str], None]) -> None:
        self._store = store
        self._notify = notify
        self._absent: dict[Key, list[Range]] = {}
        self._lock = threading.Lock()

    def read(
        self,
        venue: Venue,
        symbol: str,
        timeframe: Timeframe,
        wanted: Range,
        *,
        progress: Progress | None = None,
        cancel: Cancel = None,
    ) -> pd.DataFrame:
        """Return the candles of a range, fetching what the store lacks."""
        wanted = _since_listing(venue, symbol, timeframe, wanted)
        key, step = (venue.name, symbol, timeframe.value), timeframe.milliseconds
        held, gaps = self._held(key, wanted, step)
        store = None if held is None else self._store
        total, done, pages = sum(high - low for low, high in gaps) // step, 0, []
        for gap in gaps:
            for window, page in venue.candle_pages(symbol, timeframe, gap, cancel=cancel):
                pages.append(page)
                holes = self._holes(key, page, window, step, now=venue.now_ms())
                store = self._kept(store, key, page, holes)
                done += (window[1] - window[0]) // step
                if progress is not None:
                    progress(done, total, f"{' '.join(key)}: {from_ms(window[1]):%Y-%m-%d %H:%M}")
        return _merged(pages if held is None else [held, *pages])

    def _held(self, key: Key, wanted: Range, step: int) -> tuple[pd.DataFrame | None, list[Range]]:
        """Return stored candles and what is left to fetch; None and everything where no store can be read."""
        everything = [wanted] if wanted[0] < wanted[1] else []
        if self._store is None:
            return None, everything
        try:
            gaps = self._missing(self._store, key, wanted, step)
            return self._store.read(*key, from_ms(wanted[0]), from_ms(wanted[1])), gaps
        except (OSError, DataError) as error:
            self._tell(key, "read", error)
            return None, everything

    def _missing(self, store: CandleStorage, key: Key, wanted: Range, step: int) -> list[Range]:
        with self._lock:
            absent = list(self._absent.get(key, ()))
        spans = store.missing(*key, from_ms(wanted[0]), from_ms(wanted[1]))
        nothing = np.array([], dtype=np.int64)
        return [
            gap
            for low, high in spans
            for gap in missing_ranges(nothing, (stamp_ms(low), stamp_ms(high)), step, absent=absent)
        ]

    def _holes(self, key: Key, page: pd.DataFrame, window: Range, step: int, *, now: int) -> list[Range]:
        """Return the holes of a page that are the venue's word: those with a bar after them in the same answer.

        An empty answer or one that ends early is believed for this run, and only where it is a day old: the last bar
        may be late.
        """
        stamps, sure = frames.milliseconds(page.index), []
        for low, high in missing_ranges(stamps, window, step):
            if len(stamps) and high <= stamps[-1]:
                sure.append((low, high))
                if low > window[0]:
                    bars = (high - low) // step
                    self._notify(" ".join(key), f"the venue has no candles from {from_ms(low)} on ({bars} missing).")
            elif high < now - DAY:
                with self._lock:
                    self._absent.setdefault(key, []).append((low, high))
        return sure

    def _kept(
        self, store: CandleStorage | None, key: Key, page: pd.DataFrame, holes: list[Range]
    ) -> CandleStorage | None:
        """Put a page and its holes away; return the store to go on with, None once it fails."""
        if store is None:
            return None
        try:
            if not page.empty:
                store.append(*key, page)
            for low, high in holes:
                store.note_absent(*key, from_ms(low), from_ms(high))
        except (OSError, DataError) as error:
            self._tell(key, "written", error)
            return None
        return store

    def _tell(self, key: Key, done: str, error: OSError | DataError) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        log.warning("The candle store cannot be %s for %s", done, " ".join(key), exc_info=error)
        self._notify(" ".join(key), f"the candle store cannot be {done}, so these candles are not kept: {reason}")


def _since_listing(venue: Venue, symbol: str, timeframe: Timeframe, wanted: Range) -> Range:
    listed = venue.market(symbol).get("created")
    if not listed:
        return wanted
    first = max(wanted[0], floor_to(int(listed) - LISTING_MARGIN, timeframe))
    return first, max(first, wanted[1])


def _merged(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Join tables in the order of time; where two hold a bar, the later one in the list counts."""
    filled = [part for part in parts if not part.empty]
    if not filled:
        return frames.empty(frames.CANDLES)
    table = pd.concat(filled)
    return table[~table.index.duplicated(keep="last")].sort_index()
