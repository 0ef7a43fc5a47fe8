"""Candles from a store and a venue: fetch only what is missing, put it away page by page."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.sources.exchange.paging import (
    CandleStorage,
    Progress,
    Range,
    floor_to,
    from_ms,
    missing_ranges,
    stamp_ms,
)
from heatlab.sources.exchange.quirks import DAY
from heatlab.sources.exchange.venue import Cancel, Venue

Key = tuple[str, str, str]
LISTING_MARGIN = 90 * DAY
"""Venues state a listing date that can lie after the first bar (Binance's BTC by 17 days)."""


class CandleHistory:
    """Reads candles through a store, and remembers for this run where a venue has no bars.

    Parameters
    ----------
    store : CandleStorage or None
        Without one everything is fetched every time.
    notify : callable
        Called with where and what for each hole the venue has in its history.
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
        gaps = self._missing(key, wanted, step)
        total, done, pages = sum(high - low for low, high in gaps) // step, 0, []
        for gap in gaps:
            for window, page in venue.candle_pages(symbol, timeframe, gap, cancel=cancel):
                pages.append(page)
                self._keep(key, page, window, step, now=venue.now_ms())
                done += (window[1] - window[0]) // step
                if progress is not None:
                    progress(done, total, f"{' '.join(key)}: {from_ms(window[1]):%Y-%m-%d %H:%M}")
        if self._store is None:
            return _merged(pages)
        return self._store.read(*key, from_ms(wanted[0]), from_ms(wanted[1]))

    def _missing(self, key: Key, wanted: Range, step: int) -> list[Range]:
        if self._store is None:
            return [wanted] if wanted[0] < wanted[1] else []
        with self._lock:
            absent = list(self._absent.get(key, ()))
        spans = self._store.missing(*key, from_ms(wanted[0]), from_ms(wanted[1]))
        nothing = np.array([], dtype=np.int64)
        return [
            gap
            for low, high in spans
            for gap in missing_ranges(nothing, (stamp_ms(low), stamp_ms(high)), step, absent=absent)
        ]

    def _keep(self, key: Key, page: pd.DataFrame, window: Range, step: int, *, now: int) -> None:
        """Put a page and its holes away.

        A hole with a bar after it in the same answer is the venue's word and goes into the store. An empty answer
        or one that ends early is believed for this run, and only where it is a day old: the last bar may be late.
        """
        if self._store is not None and not page.empty:
            self._store.append(*key, page)
        stamps = _stamps(page)
        for low, high in missing_ranges(stamps, window, step):
            if len(stamps) and high <= stamps[-1]:
                self._note_hole(key, (low, high), step, inside=low > window[0])
            elif high < now - DAY:
                with self._lock:
                    self._absent.setdefault(key, []).append((low, high))

    def _note_hole(self, key: Key, hole: Range, step: int, *, inside: bool) -> None:
        if self._store is not None:
            self._store.note_absent(*key, from_ms(hole[0]), from_ms(hole[1]))
        if inside:
            bars = (hole[1] - hole[0]) // step
            self._notify(" ".join(key), f"the venue has no candles from {from_ms(hole[0])} on ({bars} missing).")


def _since_listing(venue: Venue, symbol: str, timeframe: Timeframe, wanted: Range) -> Range:
    listed = venue.market(symbol).get("created")
    if not listed:
        return wanted
    first = max(wanted[0], floor_to(int(listed) - LISTING_MARGIN, timeframe))
    return first, max(first, wanted[1])


def _stamps(table: pd.DataFrame) -> np.ndarray:
    return np.asarray(pd.DatetimeIndex(table.index).as_unit("ms").asi8)


def _merged(pages: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [page for page in pages if not page.empty]
    return pd.concat(filled) if filled else frames.empty(frames.CANDLES)
