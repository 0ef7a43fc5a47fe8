"""Time ranges: bar grids, windows of one page, and what a store still lacks. All times are milliseconds (UTC)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe

Range = tuple[int, int]
"""Start included, end excluded, both on the grid."""
Progress = Callable[[int, int, str], None]
"""Called with rows done, rows in total and a line for the screen."""
_MONDAY = 345_600_000


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


def floor_to(stamp: int, timeframe: Timeframe) -> int:
    """Open time of the bar that ``stamp`` [ms] lies in; weeks open on Monday 00:00 UTC."""
    origin = _MONDAY if timeframe is Timeframe.W1 else 0
    return (stamp - origin) // timeframe.milliseconds * timeframe.milliseconds + origin


def ceil_to(stamp: int, timeframe: Timeframe) -> int:
    """Open time of the first bar that opens at ``stamp`` [ms] or later."""
    return -floor_to(-stamp, timeframe) if timeframe is not Timeframe.W1 else _ceil_week(stamp)


def _ceil_week(stamp: int) -> int:
    down = floor_to(stamp, Timeframe.W1)
    return down if down == stamp else down + Timeframe.W1.milliseconds


def windows(wanted: Range, step: int, rows: int) -> Iterator[Range]:
    """Cut a range into windows of at most ``rows`` bars of ``step`` [ms], earliest first."""
    start, end = wanted
    for low in range(start, end, step * rows):
        yield low, min(end, low + step * rows)


def within(table: pd.DataFrame, span: Range) -> pd.DataFrame:
    """Rows of a timed table whose stamps lie in a range."""
    if table.empty:
        return table
    stamps = _stamps(table)
    inside: pd.DataFrame = table.loc[(stamps >= span[0]) & (stamps < span[1])]
    return inside


def whole_page(fetch: Callable[[Range], pd.DataFrame], window: Range, step: int) -> pd.DataFrame:
    """Fetch a window, and ask again for its start or end where the answer leaves them out.

    A venue may cap its pages below what it documents, or answer with nothing while it is busy. A part is believed to
    have no rows once it was asked for by itself and came back empty.

    Parameters
    ----------
    fetch : callable
        Range in, timed table out, rows inside the range only.
    window : Range
    step : int
        Spacing of the rows [ms].
    """
    page = fetch(window)
    if page.empty:
        page = fetch(window)
    parts, low, high = [page], window[0], window[1]
    while not page.empty and _stamps(page)[0] > low:
        page = fetch((low, int(_stamps(page)[0])))
        parts.insert(0, page)
    page = parts[-1]
    while not page.empty and _stamps(page)[-1] + step < high:
        page = fetch((int(_stamps(page)[-1]) + step, high))
        parts.append(page)
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled) if len(filled) > 1 else (filled or parts)[0]


def _stamps(table: pd.DataFrame) -> np.ndarray:
    return np.asarray(pd.DatetimeIndex(table.index).as_unit("ms").asi8)


def missing_ranges(stamps: np.ndarray, wanted: Range, step: int, *, absent: Iterable[Range] = ()) -> list[Range]:
    """List the parts of ``wanted`` that no bar covers.

    Parameters
    ----------
    stamps : ndarray of int
        Open times that are there [ms], sorted.
    wanted : Range
    step : int
        Length of a bar [ms].
    absent : iterable of Range
        Parts the venue has said it has no bars for; they are not asked for again.

    Returns
    -------
    list of Range
        Sorted and disjoint.
    """
    grid = np.arange(wanted[0], wanted[1], step, dtype=np.int64)
    lacking = ~np.isin(grid, stamps)
    for low, high in absent:
        lacking &= ~((grid >= low) & (grid < high))
    edges = np.flatnonzero(np.diff(np.r_[False, lacking, False].astype(np.int8)))
    return [(int(grid[low]), int(grid[high - 1]) + step) for low, high in edges.reshape(-1, 2)]


def stamp_ms(time: pd.Timestamp) -> int:
    """Milliseconds since 1970 of a timestamp; one without a time zone is UTC."""
    moment = time.tz_localize("UTC") if time.tzinfo is None else time
    return int(moment.value) // 1_000_000


def from_ms(stamp: int) -> pd.Timestamp:
    """UTC timestamp of milliseconds since 1970."""
    return pd.Timestamp(stamp, unit="ms", tz="UTC")
