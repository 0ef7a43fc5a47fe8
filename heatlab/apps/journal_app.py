"""The journal app: every reading, override, order and note that was logged, and what came of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.apps import url
from heatlab.apps.market import Progress, choices, market_of, taken
from heatlab.apps.shell import framed, remember, remembered
from heatlab.apps.user_data import log_to, user_journal
from heatlab.domain import JOURNAL_KINDS
from heatlab.errors import HeatlabError
from heatlab.portfolio.outcomes import DONE, GROUPS, HORIZONS, OUTCOME_COLUMNS, OutcomeSettings, entry_outcomes
from heatlab.sources import MarketSource
from heatlab.store import Journal, SettingsStore
from heatlab.widgets.journal_panel import JournalPanel
from heatlab.widgets.journal_view import DEFAULTS, MOST_COST, SPANS, ZONES, JournalActions, JournalInputs

NAME = "journal"
BARS = "1h"
MARGIN = pd.Timedelta(days=8)
"""Bars fetched after an entry: the longest horizon and a day for the first open."""

MOST_MARKETS = 300
LONGEST_SEARCH = 100
OTHER = "other market"


def journal(
    source: MarketSource, store: SettingsStore | None = None, *, journal: Journal | None = None
) -> ipywidgets.Widget:
    """Build the journal app on a market source.

    Parameters
    ----------
    source : MarketSource
        Where prices after each entry come from.
    store : SettingsStore, optional
        Remembers the filters between visits. The address of the page goes before it.
    journal : Journal, optional
        The one to show; by default that of this user (see :func:`heatlab.apps.user_data.user_journal`), with one of
        its own for the simulated market.

    Returns
    -------
    Widget
        The app; if the journal cannot be read, what is wrong and what to do.
    """
    return framed(lambda: _panel(source, store, journal), title="Journal")


def journal_inputs(
    source: MarketSource,
    journal: Journal,
    *,
    settings: OutcomeSettings | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> JournalInputs:
    """Entries of a journal with their outcomes; those that have become known are written to it.

    Prices are fetched only for entries whose outcome is not in the journal yet. ``progress`` is told after each market
    (done, total, which); ``cancel`` stops before the next.

    Raises
    ------
    DataError, SourceError
        The journal cannot be read. A journal that cannot be written is read all the same; the notes say so.
    """
    used = settings or OutcomeSettings()
    entries, known = journal.entries(), journal.outcomes()
    counts = known[known["horizon"].isin(used.horizons)].groupby("number").size()
    open_ones = entries[entries["number"].map(counts).fillna(0) < len(used.horizons)]
    ours = open_ones[_same_market(open_ones, source)]
    candles, problems = _candles_after(source, ours, progress=progress, cancel=cancel)
    fresh = entry_outcomes(open_ones, candles, now=source.now(), settings=used)
    fresh.loc[~fresh["number"].isin(ours["number"]), "status"] = OTHER
    problems += _kept(journal, fresh[fresh["status"] == DONE], source.now())
    stored = known.drop(columns="at").assign(status=DONE)
    found = fresh.merge(stored[["number", "horizon"]], on=["number", "horizon"], how="left", indicator=True)
    missing = fresh[(found["_merge"] == "left_only").to_numpy()]
    parts = [table for table in (stored[stored["horizon"].isin(used.horizons)], missing) if len(table)]
    outcomes = pd.concat(parts, ignore_index=True) if parts else fresh
    return JournalInputs(
        entries=entries,
        outcomes=_in_order(outcomes, used),
        markets=_markets(source),
        now=source.now(),
        source_name=source.name,
        is_simulated=source.is_simulated,
        notices=tuple(problems),
        place=str(journal.path),
    )


def clean(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make safe what an address or a file asks for: numbers clamped, choices checked, the rest left at its default."""
    text = {name: str(value) for name, value in asked.items()}
    return {
        "kind": url.choice(text, "kind", default="", allowed=("", *JOURNAL_KINDS)),
        "symbol": text.get("symbol", "")[:LONGEST_SEARCH],
        "zone": url.choice(text, "zone", default="", allowed=("", *ZONES)),
        "since": url.choice(text, "since", default="all", allowed=tuple(SPANS)),
        "search": text.get("search", "")[:LONGEST_SEARCH],
        "horizon": url.choice(text, "horizon", default=DEFAULTS["horizon"], allowed=HORIZONS),
        "cost": url.number(text, "cost", default=DEFAULTS["cost"], low=0.0, high=MOST_COST),
        "by": url.choice(text, "by", default=DEFAULTS["by"], allowed=tuple(GROUPS)),
        "entry": url.integer(text, "entry", default=0, low=0, high=2**53),
    }


def _panel(source: MarketSource, store: SettingsStore | None, given: Journal | None) -> JournalPanel:
    kept = given if given is not None else user_journal(simulated=source.is_simulated)
    actions = JournalActions(
        add=log_to(kept, source),
        note=lambda number, text: kept.note(number, text, at=source.now()),
        notes=kept.notes,
        bars=partial(_bars, source),
        export=lambda: kept.export().to_csv(index=False).encode(),
    )
    with contextlib.suppress(HeatlabError):  # fills the source's memory before the reader is known
        journal_inputs(source, kept)  # an error comes again when the panel loads, where it is shown
    place = f"{NAME} simulated" if source.is_simulated else NAME
    settings = clean({**remembered(store, place), **url.query_parameters()})
    panel = JournalPanel(partial(journal_inputs, source, kept), actions, defaults=settings)
    panel.on_change(remember(store, place))
    return panel


def _same_market(entries: pd.DataFrame, source: MarketSource) -> pd.Series:
    """Whether the prices of a source are those an entry was made on: each simulated market has its own."""
    unnamed = entries["source"] == ""
    if source.is_simulated:
        return unnamed | (entries["source"] == source.name)
    return unnamed | ~entries["source"].str.startswith("simulated")


def _candles_after(
    source: MarketSource, entries: pd.DataFrame, *, progress: Progress | None, cancel: threading.Event | None
) -> tuple[dict[tuple[str, str], pd.DataFrame], list[str]]:
    """Hourly candles from the first to the last of the entries of each market, and one line for each that failed."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    problems: list[str] = []
    dated = entries[(entries["symbol"] != "") & (entries["side"] != 0)]
    groups = list(dated.groupby(["venue", "symbol"], sort=False))
    for done, (owner, rows) in enumerate(groups, start=1):
        venue, symbol = map(str, owner)
        if cancel is not None and cancel.is_set():
            break
        try:
            found = _bars(source, symbol, venue, rows["at"].min(), rows["at"].max() + MARGIN, cancel=cancel)
        except HeatlabError as error:
            problems.append(f"{symbol} on {venue or 'the first venue'}: {error}")
            continue
        tables[venue, symbol] = found
        if progress is not None:
            progress(done, len(groups), f"{symbol} on {venue}")
    return tables, problems


def _bars(
    source: MarketSource,
    symbol: str,
    venue: str,
    start: pd.Timestamp,
    end: pd.Timestamp,
    *,
    cancel: threading.Event | None = None,
) -> pd.DataFrame:
    market = market_of(source)
    extras = taken(market.candles, {"cancel": cancel})
    return market.candles(symbol, BARS, venue=venue or None, start=start, end=min(end, source.now()), **extras)


def _kept(journal: Journal, outcomes: pd.DataFrame, now: pd.Timestamp) -> list[str]:
    """Write outcomes that have become known; a journal that cannot be written is no reason not to show them."""
    if outcomes.empty:
        return []
    try:
        journal.set_outcomes(outcomes, at=now)
    except HeatlabError as error:
        return [f"The outcomes shown were not kept: {error}"]
    return []


def _in_order(outcomes: pd.DataFrame, settings: OutcomeSettings) -> pd.DataFrame:
    place = outcomes["horizon"].map({name: k for k, name in enumerate(settings.horizons)})
    return outcomes.assign(place=place).sort_values(["number", "place"], ignore_index=True)[OUTCOME_COLUMNS]


def _markets(source: MarketSource) -> tuple[tuple[str, str], ...]:
    """Markets the form offers: those of the open positions first, then what the venues list."""
    book = source.positions()
    own = list(zip(book["symbol"], book["venue"], strict=True))
    listed = [(symbol, venue) for venue, symbols in choices(source).symbols.items() for symbol in symbols]
    return tuple(dict.fromkeys([*own, *listed]))[:MOST_MARKETS]
