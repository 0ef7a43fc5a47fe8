"""Scenarios from a market source: which there are, and the candles they need."""

from __future__ import annotations

import threading

import pandas as pd

from heatlab.apps.market import Progress, market_of, taken
from heatlab.errors import DataError, HeatlabError
from heatlab.portfolio.stress.beta import BENCHMARK
from heatlab.portfolio.stress.scenario import NAMED, Scenario, covered, not_among, worst_windows
from heatlab.sources import MarketSource

BAR = "1h"
BACK = pd.Timedelta(days=430)
"""How far back the worst day and week are looked for: what the heat loads anyway."""


def available_scenarios(
    source: MarketSource,
    *,
    named: tuple[Scenario, ...] = NAMED,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Scenario, ...]:
    """Scenarios a source has candles of the benchmark for: named days, then the worst day and week of its last year.

    A simulated market has other days than the real one, so that none is offered by name.

    Parameters
    ----------
    source : MarketSource
    named : tuple of Scenario
        Days to look for.
    progress : callable, optional
        Told after each: done, total, which.
    cancel : Event, optional
        Set it to stop; what was found so far is returned.
    """
    days = () if source.is_simulated else named
    found: list[Scenario] = []
    for done, scenario in enumerate(days, start=1):
        if cancel is not None and cancel.is_set():
            return tuple(found)
        bars = _bars(source, BENCHMARK, None, scenario, cancel)
        if bars is not None and covered(bars, scenario):
            found.append(scenario)
        if progress is not None:
            progress(done, len(days), scenario.name)
    recent = Scenario("recent", source.now() - BACK, source.now())
    bars = _bars(source, BENCHMARK, None, recent, cancel)
    return (*found, *(() if bars is None else not_among(found, worst_windows(bars))))


def scenario_candles(
    source: MarketSource,
    positions: pd.DataFrame,
    scenario: Scenario,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> dict[tuple[str, str], pd.DataFrame]:
    """Hourly candles of the benchmark and of every symbol of a book in the window of a scenario.

    Parameters
    ----------
    source : MarketSource
    positions : DataFrame
        Canonical positions.
    scenario : Scenario
    progress : callable, optional
        Told after each symbol: done, total, which.
    cancel : Event, optional
        Set it to stop.

    Returns
    -------
    dict of (venue, symbol) to DataFrame
        A symbol that was not listed then, or that the source has no candles of, is not in it: it moves by beta.

    Raises
    ------
    DataError
        It was cancelled.
    """
    owners: list[tuple[str | None, str]] = [(None, BENCHMARK)]
    owners += list(dict.fromkeys(zip(positions["venue"], positions["symbol"], strict=True)))
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for done, (venue, symbol) in enumerate(owners, start=1):
        if cancel is not None and cancel.is_set():
            raise DataError(f"Loading the scenario {scenario.name} was cancelled.")
        bars = _bars(source, symbol, venue, scenario, cancel)
        if bars is not None and len(bars):
            found[str(bars.attrs.get("venue", venue or "")) if venue is None else venue, symbol] = bars
        if progress is not None:
            progress(done, len(owners), symbol)
    return found


def _bars(
    source: MarketSource, symbol: str, venue: str | None, scenario: Scenario, cancel: threading.Event | None
) -> pd.DataFrame | None:
    """Candles of the window; None where the source has none, on that venue or on any."""
    market = market_of(source)
    extras = taken(market.candles, {"cancel": cancel})
    for choice in dict.fromkeys((venue, None)):
        try:
            bars = market.candles(symbol, BAR, venue=choice, start=scenario.start, end=scenario.end, **extras)
        except HeatlabError:
            continue
        if not bars.empty:
            return bars
    return None
