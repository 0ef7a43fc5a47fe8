"""What the user's ``start``, ``end`` and ``limit`` mean on one venue, by that venue's clock."""

from __future__ import annotations

import pandas as pd

from heatlab.domain import Timeframe
from heatlab.frames import stamp_ms
from heatlab.sources.counts import check_count
from heatlab.sources.exchange.paging import Range, ceil_to, floor_to
from heatlab.sources.exchange.quirks import DAY
from heatlab.sources.exchange.venue import Venue

DEFAULT_BARS = 1000
DEFAULT_DAYS = 30
_LATENESS = 60_000  # kept clear of the oldest instant a venue still serves [ms]


def bar_span(
    place: Venue,
    wanted: Timeframe,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    limit: int | None,
    settle_ms: int,
) -> Range:
    """Open times of the bars to fetch: those closed at least ``settle_ms`` ago.

    Without ``start``: the last ``limit`` bars, :data:`DEFAULT_BARS` without a limit.

    Raises
    ------
    ParameterError
        ``limit`` is no whole number above zero.
    """
    if limit is not None:
        limit = check_count("limit", limit, caller="candles")
    closed = floor_to(place.now_ms() - settle_ms, wanted)
    last = closed if end is None else min(closed, ceil_to(stamp_ms(end), wanted))
    bars = DEFAULT_BARS if limit is None else limit
    first = last - bars * wanted.milliseconds if start is None else ceil_to(stamp_ms(start), wanted)
    return first, max(first, last)


def instant_span(
    place: Venue, start: pd.Timestamp | None, end: pd.Timestamp | None, *, kept: int | None
) -> tuple[Range, bool]:
    """Instants to fetch, cut to the ``kept`` milliseconds of history the venue serves.

    Without ``start``: :data:`DEFAULT_DAYS` days.

    Returns
    -------
    Range
    bool
        True if a ``start`` was asked for that lies before what the venue keeps.
    """
    now = place.now_ms()
    last = now + 1 if end is None else min(now + 1, stamp_ms(end))
    first = last - DEFAULT_DAYS * DAY if start is None else stamp_ms(start)
    oldest = first if kept is None else now - kept + _LATENESS
    cut = start is not None and first < oldest
    first = max(first, oldest)
    return (first, max(first, last)), cut
