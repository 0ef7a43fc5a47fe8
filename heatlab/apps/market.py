"""From a market source to what the panels need: the joints between sources, stores and widgets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import platformdirs

from heatlab.domain import Contract, MarginMode, Side, Timeframe
from heatlab.errors import HeatlabError
from heatlab.frames import POSITIONS, empty, resample_candles
from heatlab.sources import Capability, MarketSource, from_environment
from heatlab.store import CandleStore, SettingsStore
from heatlab.widgets.liquidation_panel import Choices, MarketInputs

WARM_UP = pd.Timedelta(days=21)
"""Bars before the range shown: three holding half-lives, after which seven eighths of older positions are closed."""

HEAT_HISTORY = {"1h": pd.Timedelta(days=430), "1d": pd.Timedelta(days=1500)}
"""What the heat of a position is read from: a year for its rank and room for the slowest rule before it."""

BUILT_FROM = {"1h": "1h", "4h": "1h", "1d": "1d", "1w": "1d"}
RANGES = (1, 3, 7, 14, 30, 90)


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
    """Venues, their perpetuals (spot pairs where there are none) and the timeframes to choose from."""
    symbols = {}
    for venue in source.venues():
        listed = source.instruments(venue)
        kept = [one.symbol for one in listed if one.contract is not Contract.SPOT] or [one.symbol for one in listed]
        if kept:
            symbols[venue] = tuple(kept)
    return Choices(symbols=symbols, range_days=RANGES)


def market_inputs(source: MarketSource, venue: str, symbol: str, timeframe: str, range_days: int) -> MarketInputs:
    """Everything the liquidation panel shows of one symbol.

    Raises
    ------
    SourceError
        The source has no candles for it. Open interest and brackets may be missing: the panel says so.
    """
    now = source.now()
    since = now - pd.Timedelta(days=range_days)
    candles = source.candles(symbol, timeframe, venue=venue, start=since - WARM_UP)
    have = source.capabilities(symbol, venue=venue)
    open_interest = brackets = None
    if Capability.OPEN_INTEREST in have:
        open_interest = source.open_interest(symbol, venue=venue, timeframe=timeframe, start=since - WARM_UP)
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
    )


def watch_list(source: MarketSource, *, most: int = 12) -> pd.DataFrame:
    """Positions table of the default venue's first perpetuals, as if held long, every amount unknown."""
    offered = choices(source).symbols
    venue = next(iter(offered), "")
    rows = [{"symbol": symbol, "venue": venue, "side": int(Side.LONG)} for symbol in offered.get(venue, ())[:most]]
    table = empty(POSITIONS) if not rows else pd.DataFrame(rows).reindex(columns=POSITIONS.names)
    return table.assign(margin_mode=MarginMode.ISOLATED.value)


def notices(source: MarketSource, about: set[str]) -> tuple[str, ...]:
    """List what the source skipped, as far as it concerns the names in ``about``."""
    return tuple(f"{one.where}: {one.message}" for one in source.notices() if one.where in about)


def heat_candles(
    source: MarketSource, book: pd.DataFrame, *, timeframes: tuple[str, ...]
) -> tuple[dict[tuple[str, str, str], pd.DataFrame], tuple[str, ...]]:
    """Candles for every position and timeframe, longer bars built from shorter ones.

    Returns
    -------
    tables, problems
        Candles by (venue, symbol, timeframe), and one line for each that could not be had.
    """
    now = source.now()
    tables: dict[tuple[str, str, str], pd.DataFrame] = {}
    problems: list[str] = []
    for venue, symbol in dict.fromkeys(zip(book["venue"], book["symbol"], strict=True)):
        for native in dict.fromkeys(BUILT_FROM.get(timeframe, timeframe) for timeframe in timeframes):
            try:
                bars = source.candles(symbol, native, venue=venue, start=now - HEAT_HISTORY[native])
            except HeatlabError as error:
                problems.append(f"{symbol} on {venue}, {native}: {error}")
                continue
            for timeframe in timeframes:
                if BUILT_FROM.get(timeframe, timeframe) == native:
                    tables[venue, symbol, timeframe] = resample_candles(bars, Timeframe.parse(timeframe), now=now)
    return tables, tuple(problems)
