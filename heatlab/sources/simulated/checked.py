"""What was asked of the simulated market: names and times checked, tables cut and marked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.domain import Timeframe
from heatlab.errors import SourceError
from heatlab.sources.simulated.settings import BY_SYMBOL, VENUES, Listing


def listing_of(symbol: str) -> Listing:
    """Find a listing by its symbol; SourceError names those there are."""
    if symbol not in BY_SYMBOL:
        raise SourceError(f"The simulated market lists {', '.join(BY_SYMBOL)}. Got symbol {symbol!r}.")
    return BY_SYMBOL[symbol]


def venue_of(venue: str | None) -> str:
    """Check a venue, the first one where None; SourceError names those there are."""
    if venue is not None and venue not in VENUES:
        raise SourceError(f"The simulated market has the venues {', '.join(VENUES)}. Got venue {venue!r}.")
    return VENUES[0] if venue is None else venue


def timeframe_of(timeframe: str) -> Timeframe:
    """Read a timeframe; SourceError names those there are."""
    names = [member.value for member in Timeframe]
    if timeframe not in names:
        raise SourceError(f"The simulated market has the timeframes {', '.join(names)}. Got timeframe {timeframe!r}.")
    return Timeframe(timeframe)


def utc(name: str, instant: pd.Timestamp) -> pd.Timestamp:
    """Refuse a time without a time zone (ParameterError)."""
    if instant.tz is None:
        raise parameter_error(name, "SimulatedSource", "a time with a time zone", str(instant))
    return instant


def between(table: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    """Cut a table to ``start`` included and ``end`` excluded."""
    index = pd.DatetimeIndex(table.index)
    first = 0 if start is None else int(np.asarray(index.searchsorted(utc("start", start))))
    last = len(index) if end is None else int(np.asarray(index.searchsorted(utc("end", end))))
    return table.iloc[first:last]


def signed(table: pd.DataFrame, symbol: str, venue: str, timeframe: str | None) -> pd.DataFrame:
    """Shallow copy with the marks a canonical table carries; pandas copies on write."""
    marked = table.copy(deep=False)
    names = {"venue": venue, "symbol": symbol, "timeframe": timeframe}
    marked.attrs = {key: value for key, value in names.items() if value is not None}
    return marked
