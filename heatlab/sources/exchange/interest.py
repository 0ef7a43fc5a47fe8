"""Open interest of one venue: pages joined, put on the wanted grid, coin and value both."""

from __future__ import annotations

import pandas as pd

from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.sources.exchange.paging import Progress, Range, ceil_to
from heatlab.sources.exchange.venue import Cancel, Venue


def read_interest(
    place: Venue,
    symbol: str,
    wanted: Timeframe,
    span: Range,
    *,
    progress: Progress | None = None,
    cancel: Cancel = None,
) -> pd.DataFrame:
    """Fetch open interest on the coarsest grid the venue has that fits the wanted one, and keep the wanted stamps.

    Parameters
    ----------
    span : Range
        Instants [ms].
    """
    spacing = place.quirks.interest_timeframe(wanted)
    first = ceil_to(span[0], spacing)
    total, done, pages = max(0, -((first - span[1]) // spacing.milliseconds)), 0, []
    for page in place.interest_pages(symbol, spacing, (first, span[1]), cancel=cancel):
        pages.append(page)
        done = min(total, done + place.quirks.interest_page)
        if progress is not None:
            progress(done, total, f"{place.name} open interest of {symbol}")
    filled = [page for page in pages if not page.empty]
    return _on_grid(pd.concat(filled), wanted, spacing) if filled else frames.empty(frames.OPEN_INTEREST)


def _on_grid(table: pd.DataFrame, wanted: Timeframe, spacing: Timeframe) -> pd.DataFrame:
    """Thin a table to the wanted grid where that is the coarser one."""
    if spacing.milliseconds >= wanted.milliseconds:
        return table
    off = (frames.milliseconds(table.index) - wanted.origin_ms) % wanted.milliseconds
    kept: pd.DataFrame = table.loc[off == 0]
    return kept


def lacks_a_column(table: pd.DataFrame) -> bool:
    """Tell whether the venue gave coin without value or value without coin (Bybit does)."""
    return not table.empty and bool(table.isna().all().any())


def valued(table: pd.DataFrame, candles: pd.DataFrame, spacing: Timeframe) -> pd.DataFrame:
    """Fill the column a venue leaves out from the price at each stamp: the close of the bar that ends there.

    Parameters
    ----------
    table : DataFrame
        Open interest with one column unknown.
    candles : DataFrame
        Bars of length ``spacing`` over the same time, from one bar before the first stamp.
    """
    price = candles["close"].set_axis(candles.index + spacing.delta).reindex(table.index)
    amount = table["open_interest"].fillna(table["open_interest_value"] / price)
    value = table["open_interest_value"].fillna(table["open_interest"] * price)
    return pd.DataFrame({"open_interest": amount, "open_interest_value": value})
