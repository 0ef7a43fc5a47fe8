"""A book and the market around it, from a source: what the portfolio apps are shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from heatlab.apps.market import Progress, heat_candles, market_of, notices, watch_list
from heatlab.errors import HeatlabError
from heatlab.heat import HeatSettings
from heatlab.sources import Capability, MarketSource
from heatlab.widgets.sections import BookInputs, Owner

MARKETS = 6
"""Markets of the first venue that are loaded beside the book's own: to hedge with, and to check a trade in."""
MOST_BOOKS = 30
"""Order books asked for at most; the spread of further markets is assumed."""
DEPTH = 5
T = TypeVar("T")


def book_inputs(
    source: MarketSource,
    *,
    held: pd.DataFrame | None = None,
    also: pd.DataFrame | None = None,
    settings: HeatSettings | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> BookInputs:
    """Positions, closed bars, brackets and spreads of a source.

    Parameters
    ----------
    source : MarketSource
    held : DataFrame, optional
        Canonical positions in place of the source's own, with their marks and liquidation prices.
    also : DataFrame, optional
        Columns symbol and venue: further markets to load candles of.
    settings : HeatSettings, optional
        Its timeframes are loaded.
    progress : callable, optional
        Told after each series: done, total, which.
    cancel : Event, optional
        Stops before the next series.

    Returns
    -------
    BookInputs
        A position without candles stays in the table without a reading; the notes say why. Where there is no
        position, a watch list.
    """
    used = settings or HeatSettings()
    own = source.positions() if held is None else held
    shown = watch_list(source) if own.empty else own
    around = _markets(source, shown, also)
    candles, problems = heat_candles(source, around, timeframes=used.timeframes, progress=progress, cancel=cancel)
    owners = list(dict.fromkeys(zip(around["venue"], around["symbol"], strict=True)))
    about = {*shown["venue"], *shown["symbol"]}
    missing: list[str] = []
    return BookInputs(
        positions=shown,
        candles=candles,
        now=source.now(),
        source_name=source.name,
        is_simulated=source.is_simulated,
        watching=own.empty,
        brackets=_each(source, owners, Capability.BRACKETS, _brackets, missing),
        spreads=_each(source, owners[:MOST_BOOKS], Capability.ORDER_BOOK, _spread, missing),
        notices=(*problems, *missing, *notices(source, about)),
    )


def venue_candles(
    source: MarketSource, symbols: tuple[str, ...], venue: str, *, settings: HeatSettings | None = None
) -> tuple[Mapping[tuple[str, str, str], pd.DataFrame], tuple[str, ...]]:
    """Candles of some symbols on another venue, and what could not be had."""
    used = settings or HeatSettings()
    listed = {one.symbol for one in source.instruments(venue)}
    table = pd.DataFrame({"symbol": [name for name in symbols if name in listed], "venue": venue})
    tables, problems = heat_candles(source, table, timeframes=used.timeframes)
    absent = [f"{name} is not listed on {venue}" for name in symbols if name not in listed]
    return tables, (*absent, *problems)


def _markets(source: MarketSource, shown: pd.DataFrame, also: pd.DataFrame | None) -> pd.DataFrame:
    """Owners of the book's positions, the first markets of the default venue, and what else was asked for."""
    tables = [shown, watch_list(source, most=MARKETS), *(() if also is None else (also,))]
    joined: pd.DataFrame = pd.concat([table[["symbol", "venue"]] for table in tables], ignore_index=True)
    return joined.drop_duplicates()


def _each(
    source: MarketSource,
    owners: list[Owner],
    capability: Capability,
    read: Callable[[MarketSource, str, str], T | None],
    problems: list[str],
) -> dict[Owner, T]:
    """Read something of every market that has it; what fails is a note, and assumed later."""
    market, found = market_of(source), {}
    for venue, symbol in owners:
        try:
            if capability in market.capabilities(symbol, venue=venue):
                value = read(market, venue, symbol)
                if value is not None:
                    found[venue, symbol] = value
        except HeatlabError as error:
            problems.append(f"{symbol} on {venue}, {capability.value}: {error}")
    return found


def _brackets(market: MarketSource, venue: str, symbol: str) -> pd.DataFrame | None:
    return market.brackets(symbol, venue=venue)


def _spread(market: MarketSource, venue: str, symbol: str) -> float | None:
    """Best ask less best bid over their mid; None where a side is empty."""
    book = market.order_book(symbol, venue=venue, depth=DEPTH)
    bids, asks = (book.loc[book["side"] == side, "price"] for side in (1, -1))
    if bids.empty or asks.empty:
        return None
    bid, ask = float(bids.max()), float(asks.min())
    spread = (ask - bid) / (0.5 * (ask + bid))
    return spread if np.isfinite(spread) and spread >= 0 else None
