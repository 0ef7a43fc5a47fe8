"""The risk study on a folder of market data: open the files, hand the tables to the study, say what lacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from heatlab.apps.studies import _fits
from heatlab.domain import Instrument, Timeframe
from heatlab.errors import DataError, SourceError
from heatlab.frames import align, resample_candles
from heatlab.portfolio.risk_study import RiskStudyResult
from heatlab.portfolio.risk_study import risk_study as study
from heatlab.portfolio.risk_study.study import VenuePair
from heatlab.sources import FolderSource, MarketSource

HOUR = "1h"
PAIR_FRAMES = ("1m", "5m", "15m", "1h")
PAIR_BARS = 1_000
MOST_PAIRS = 12
MOST_COINS = 40
OTHER_TABLE = "make none of the tables"
"""Files of other kinds are no lack of this study."""


def risk_study(market_path: str | Path) -> RiskStudyResult:
    """Score the risk model on every perpetual a folder holds; nothing is tuned to it.

    Parameters
    ----------
    market_path : str or Path
        Folder with hourly candles of linear perpetuals. A coin counts once, on the venue with the most history; a
        symbol on two venues also gets the test of which moves first.

    Returns
    -------
    RiskStudyResult
        With empty tables, and ``lacked`` saying why, where the candles do not reach.
    """
    source = FolderSource(market_path)
    result = _study(source)
    unread = [f"{notice.where}: {notice.message}" for notice in source.notices() if OTHER_TABLE not in notice.message]
    return dataclasses.replace(result, lacked=(*result.lacked, *unread))


def simulated_risk_study(*, seed: int = 7) -> RiskStudyResult:
    """Score the risk model on the simulated market: this checks the machinery, not the market."""
    from heatlab.sources import SimulatedSource

    return _study(SimulatedSource(seed), notes=("prices are simulated, not real",))


def _study(source: MarketSource, *, notes: tuple[str, ...] = ()) -> RiskStudyResult:
    lacked: list[str] = []
    tables = _hourly(source, lacked)
    chosen, used = _one_per_coin(tables)
    chosen = _longest(chosen, lacked)
    closes = align(chosen) if chosen else pd.DataFrame(index=pd.DatetimeIndex([], tz="UTC"))
    pairs = _pairs(source, lacked)
    used += [f"{pair.symbol} {pair.timeframe} bars of {' and '.join(pair.venues)}" for pair in pairs]
    if not pairs:
        lacked.append("a symbol with bars of one length and time on two venues (which venue moves first)")
    return study(closes, pairs=pairs, used=tuple(used), lacked=tuple(lacked), notes=notes)


def _hourly(source: MarketSource, lacked: list[str]) -> dict[tuple[str, str], tuple[Instrument, pd.DataFrame]]:
    """Hourly candles of all linear perpetuals in dollars, by venue and symbol."""
    found = {}
    for venue in source.venues():
        for item in source.instruments(venue):
            if _fits(item) and HOUR in source.timeframes(item.symbol, venue=venue):
                table = _candles(source, item.symbol, HOUR, venue, lacked)
                if table is not None and len(table):
                    found[venue, item.symbol] = (item, table)
    return found


def _one_per_coin(
    tables: dict[tuple[str, str], tuple[Instrument, pd.DataFrame]],
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Each coin on the venue with the most hours of all coins; coins it lacks from the next venue."""
    hours: dict[str, int] = {}
    for (venue, _), (_, table) in tables.items():
        hours[venue] = hours.get(venue, 0) + len(table)
    chosen: dict[str, pd.DataFrame] = {}
    bases: set[str] = set()
    used = []
    for venue in sorted(hours, key=lambda name: -hours[name]):
        new = [(symbol, *tables[at, symbol]) for at, symbol in tables if at == venue]
        fresh = []
        for symbol, item, table in new:
            if item.base not in bases:
                bases.add(item.base)
                chosen[symbol] = table
                fresh.append(table)
        if fresh:
            first, last = min(table.index[0] for table in fresh), max(table.index[-1] for table in fresh)
            used.append(f"{len(fresh)} perpetuals of {venue}, hourly, {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    return chosen, used


def _longest(chosen: dict[str, pd.DataFrame], lacked: list[str]) -> dict[str, pd.DataFrame]:
    """Keep the coins with the most hours, so that the study stays under a minute; say how many are left out."""
    if len(chosen) <= MOST_COINS:
        return chosen
    kept = sorted(chosen, key=lambda symbol: -len(chosen[symbol]))[:MOST_COINS]
    out = [symbol for symbol in chosen if symbol not in kept]
    lacked.append(f"time for {len(out)} coins with the shortest histories, left out: {', '.join(out)}")
    return {symbol: table for symbol, table in chosen.items() if symbol in kept}


def _candles(source: MarketSource, symbol: str, timeframe: str, venue: str, lacked: list[str]) -> pd.DataFrame | None:
    try:
        return source.candles(symbol, timeframe, venue=venue)
    except (DataError, SourceError) as error:
        lacked.append(str(error))
        return None


def _pairs(source: MarketSource, lacked: list[str]) -> list[VenuePair]:
    """Symbols on two venues: the shortest bars with enough in common, and hourly ones."""
    listed: dict[str, list[str]] = {}
    for venue in source.venues():
        for item in source.instruments(venue):
            if _fits(item):
                listed.setdefault(item.symbol, []).append(venue)
    found: list[VenuePair] = []
    for symbol, venues in listed.items():
        for other in venues[1:]:
            found += _pair(source, symbol, (venues[0], other), lacked)
    return found[:MOST_PAIRS]


def _pair(source: MarketSource, symbol: str, venues: tuple[str, str], lacked: list[str]) -> list[VenuePair]:
    pairs: list[VenuePair] = []
    for timeframe in PAIR_FRAMES:
        if pairs and timeframe != PAIR_FRAMES[-1]:
            continue
        both = [_bars(source, symbol, timeframe, venue, lacked) for venue in venues]
        first, second = max(product(*both), key=_shared, default=(None, None))
        if first is not None and second is not None and _shared((first, second)) >= PAIR_BARS:
            pairs.append(VenuePair(symbol, timeframe, venues, first, second))
    return pairs


def _shared(tables: Sequence[pd.DataFrame]) -> int:
    return len(tables[0].index.intersection(tables[1].index))


def _bars(source: MarketSource, symbol: str, timeframe: str, venue: str, lacked: list[str]) -> list[pd.DataFrame]:
    """Bars of this length, as they are and built from each shorter length: files cover different times."""
    wanted = Timeframe.parse(timeframe)
    found = []
    for name in source.timeframes(symbol, venue=venue):
        if name in PAIR_FRAMES and Timeframe.parse(name).milliseconds <= wanted.milliseconds:
            table = _candles(source, symbol, name, venue, lacked)
            if table is not None and len(table):
                found.append(table if name == timeframe else resample_candles(table, wanted))
    return found
