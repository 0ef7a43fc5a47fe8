"""From a market source to what the panels need: the joints between sources, stores and widgets."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import platformdirs

from heatlab.domain import Contract, MarginMode, Side, Timeframe
from heatlab.errors import HeatlabError
from heatlab.frames import POSITIONS, empty, resample_candles
from heatlab.sources import Capability, MarketSource, WithPositions, from_environment
from heatlab.store import CandleStore, SettingsStore
from heatlab.widgets.liquidation_controls import Choices
from heatlab.widgets.liquidation_panel import MarketInputs

WARM_UP = pd.Timedelta(days=21)
"""Bars before the range shown: three holding half-lives, after which seven eighths of older positions are closed."""

HEAT_HISTORY = {"1h": pd.Timedelta(days=430), "1d": pd.Timedelta(days=1500)}
"""What the heat of a position is read from: a year for its rank and room for the slowest rule before it."""

BUILT_FROM = {"1h": "1h", "4h": "1h", "1d": "1d", "1w": "1d"}
Progress = Callable[[float, float, str], None]


def open_market(environ: Mapping[str, str] = os.environ) -> MarketSource:
    """Open the source the environment names, with the candle cache of this user.

    Parameters
    ----------
    environ : mapping
        ``HEATLAB_SOURCE`` is a line as for :func:`heatlab.sources.open_source` (default ``"simulated"``),
        ``HEATLAB_POSITIONS`` a CSV file of positions, ``HEATLAB_CACHE`` the folder of the candle store.

    Raises
    ------
    ParameterError, SourceError, DataError
        As for :func:`heatlab.sources.open_source` and :func:`heatlab.sources.read_positions`.
    """
    cache = environ.get("HEATLAB_CACHE") or Path(platformdirs.user_cache_dir("heatlab")) / "candles"
    return from_environment(environ, store=CandleStore(cache))


def user_settings() -> SettingsStore:
    """Open the settings of this user of this machine."""
    return SettingsStore(Path(platformdirs.user_config_dir("heatlab")) / "settings.json")


def choices(source: MarketSource) -> Choices:
    """Venues, their perpetuals and what bars there are; spot pairs only where the source has nothing else."""
    listed = {venue: source.instruments(venue) for venue in source.venues()}
    dated = {venue: [one for one in given if one.contract is not Contract.SPOT] for venue, given in listed.items()}
    kept = dated if any(dated.values()) else listed
    symbols = {venue: tuple(one.symbol for one in given) for venue, given in kept.items() if given}
    return Choices(symbols=symbols, served=partial(served, source))


def served(source: MarketSource, venue: str, symbol: str) -> tuple[str, ...]:
    """List the bar lengths a source has of a symbol; none where it cannot tell."""
    try:
        return source.timeframes(symbol, venue=venue)
    except HeatlabError:
        return ()


def market_inputs(
    source: MarketSource,
    venue: str,
    symbol: str,
    timeframe: str,
    range_days: int,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> MarketInputs:
    """Everything the liquidation panel shows of one symbol.

    Parameters
    ----------
    progress : callable, optional
        Handed to sources that take it: called with done, total and a line.
    cancel : Event, optional
        Handed to sources that take it: set it to stop.

    Raises
    ------
    SourceError
        The source has no candles for it, or was cancelled. Open interest and brackets may be missing: the panel says
        so.
    """
    now, market = source.now(), market_of(source)
    since = now - pd.Timedelta(days=range_days)
    extras = {"progress": progress, "cancel": cancel}
    first = since - WARM_UP
    candles = market.candles(symbol, timeframe, venue=venue, start=first, **taken(market.candles, extras))
    last = None if (candles.index >= since).any() else _last_close(source, venue, symbol, timeframe)
    have = source.capabilities(symbol, venue=venue)
    open_interest = brackets = None
    if last is None and Capability.OPEN_INTEREST in have:
        given = taken(market.open_interest, extras)
        open_interest = market.open_interest(symbol, venue=venue, timeframe=timeframe, start=first, **given)
    if Capability.BRACKETS in have:
        brackets = source.brackets(symbol, venue=venue)
    return MarketInputs(
        candles=candles,
        since=since,
        now=now,
        source_name=source.name,
        open_interest=open_interest,
        brackets=brackets,
        positions=source.positions(),
        is_simulated=source.is_simulated,
        notices=notices(source, {venue, symbol}),
        last=last,
    )


def market_of(source: MarketSource) -> MarketSource:
    """Where market data come from: the source itself, or the one that positions of a file are laid over."""
    return source.source if isinstance(source, WithPositions) else source


def taken(function: Callable[..., Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the keywords a source's method knows; the protocol asks for none of them."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in extras.items() if value is not None and name in known}


def _last_close(source: MarketSource, venue: str, symbol: str, timeframe: str) -> pd.Timestamp | None:
    """When the newest bar closed; None where there is none."""
    found = source.candles(symbol, timeframe, venue=venue, limit=1)
    return None if found.empty else found.index[-1] + Timeframe.parse(timeframe).delta


def watch_list(source: MarketSource, *, most: int = 12) -> pd.DataFrame:
    """Positions table of the default venue's first perpetuals, as if held long, every amount unknown."""
    offered = choices(source).symbols
    venue = next(iter(offered), "")
    rows = [{"symbol": symbol, "venue": venue, "side": int(Side.LONG)} for symbol in offered.get(venue, ())[:most]]
    table = empty(POSITIONS) if not rows else pd.DataFrame(rows).reindex(columns=POSITIONS.names)
    return table.assign(margin_mode=MarginMode.ISOLATED.value)


def notices(source: MarketSource, about: set[str]) -> tuple[str, ...]:
    """List what the source skipped, as far as it concerns the names in ``about``."""
    return tuple(f"{one.where}: {one.message}" for one in source.notices() if set(one.where.split()) & about)


def heat_candles(
    source: MarketSource,
    book: pd.DataFrame,
    *,
    timeframes: tuple[str, ...],
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[dict[tuple[str, str, str], pd.DataFrame], tuple[str, ...]]:
    """Candles for every position and timeframe, longer bars built from shorter ones.

    Parameters
    ----------
    progress : callable, optional
        Called after each series with series done, series in total and what it was.
    cancel : Event, optional
        Set it to stop; what is missing then is a problem like any other.

    Returns
    -------
    tables, problems
        Candles by (venue, symbol, timeframe), and one line for each that could not be had.
    """
    now, market = source.now(), market_of(source)
    extras = taken(market.candles, {"cancel": cancel})
    tables: dict[tuple[str, str, str], pd.DataFrame] = {}
    problems: list[str] = []
    natives = tuple(dict.fromkeys(BUILT_FROM.get(timeframe, timeframe) for timeframe in timeframes))
    owners = dict.fromkeys(zip(book["venue"], book["symbol"], strict=True))
    wanted = [(*owner, native) for owner in owners for native in natives]
    for done, (venue, symbol, native) in enumerate(wanted, start=1):
        if cancel is not None and cancel.is_set():
            break
        try:
            bars = market.candles(symbol, native, venue=venue, start=now - HEAT_HISTORY[native], **extras)
        except HeatlabError as error:
            problems.append(f"{symbol} on {venue}, {native}: {error}")
            continue
        for timeframe in timeframes:
            if BUILT_FROM.get(timeframe, timeframe) == native:
                tables[venue, symbol, timeframe] = resample_candles(bars, Timeframe.parse(timeframe), now=now)
        if progress is not None:
            progress(done, len(wanted), f"{symbol} on {venue}, {native}")
    return tables, tuple(problems)
