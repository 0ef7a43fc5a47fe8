"""Time ranges: bar grids, windows of one page, and what a store still lacks. All times are milliseconds (UTC)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.frames import milliseconds

Range = tuple[int, int]
"""Start included, end excluded, both on the grid."""
Progress = Callable[[int, int, str], None]
"""Called with rows done, rows in total and a line for the screen."""


def floor_to(stamp: int, timeframe: Timeframe) -> int:
    """Open time of the bar that ``stamp`` [ms] lies in; weeks open on Monday 00:00 UTC."""
    past = (stamp - timeframe.origin_ms) // timeframe.milliseconds * timeframe.milliseconds
    return past + timeframe.origin_ms


def ceil_to(stamp: int, timeframe: Timeframe) -> int:
    """Open time of the first bar that opens at ``stamp`` [ms] or later."""
    down = floor_to(stamp, timeframe)
    return down if down == stamp else down + timeframe.milliseconds


def windows(wanted: Range, step: int, rows: int) -> Iterator[Range]:
    """Cut a range into windows of at most ``rows`` bars of ``step`` [ms], earliest first."""
    start, end = wanted
    for low in range(start, end, step * rows):
        yield low, min(end, low + step * rows)


def within(table: pd.DataFrame, span: Range) -> pd.DataFrame:
    """Rows of a timed table whose stamps lie in a range."""
    if table.empty:
        return table
    stamps = milliseconds(table.index)
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
    while not page.empty and milliseconds(page.index)[0] > low:
        page = fetch((low, int(milliseconds(page.index)[0])))
        parts.insert(0, page)
    page = parts[-1]
    while not page.empty and milliseconds(page.index)[-1] + step < high:
        page = fetch((int(milliseconds(page.index)[-1]) + step, high))
        parts.append(page)
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled) if len(filled) > 1 else (filled or parts)[0]


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
