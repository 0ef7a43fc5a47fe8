"""The portfolio heat app: heat by timeframe, alerts, correlation, stress, venues, replay, and positions typed in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.apps.book import venue_candles
from heatlab.apps.market import choices
from heatlab.apps.notify import environment_words, notifier
from heatlab.apps.portfolio_app import Desk, portfolio_panel
from heatlab.apps.scenarios import available_scenarios, scenario_candles
from heatlab.apps.shell import framed, remember, remembered
from heatlab.apps.user_data import Records
from heatlab.heat import HeatSettings
from heatlab.portfolio import RiskView
from heatlab.portfolio.alerts.settings import SENSITIVITIES
from heatlab.portfolio.alerts.state import ActiveAlert
from heatlab.portfolio.replay.snapshots import Row
from heatlab.portfolio.thresholds import overridden
from heatlab.sources import MarketSource
from heatlab.store import SettingsStore
from heatlab.widgets.alert_centre import SENSITIVITY, AlertCentre
from heatlab.widgets.book_panel import OWN_BOOK, BookPanel
from heatlab.widgets.correlation_section import CorrelationSection
from heatlab.widgets.heat_section import HeatSection
from heatlab.widgets.positions_section import PositionsSection
from heatlab.widgets.replay_section import ReplaySection
from heatlab.widgets.sections import BookInputs, Deferred, Section, Shared
from heatlab.widgets.stress_section import StressSection
from heatlab.widgets.timeframe_section import TimeframeSection
from heatlab.widgets.venue_section import VenueSection

log = logging.getLogger("heatlab.apps")
NAME, ALERTS = "portfolio_heat", "alerts"
REPLAYED = pd.Timedelta(days=366)


def portfolio_heat(
    source: MarketSource, store: SettingsStore | None = None, *, records: Records | None = None
) -> ipywidgets.Widget:
    """Build the portfolio heat app on a market source.

    Parameters
    ----------
    source : MarketSource
    store : SettingsStore, optional
        Remembers what was chosen between visits. The address of the page goes before it.
    records : Records, optional
        Journal, history and typed-in books (:func:`heatlab.apps.user_records`); without it nothing is kept.

    Returns
    -------
    Widget
        The app; if the source cannot deliver, what is wrong and what to do.
    """
    build = partial(portfolio_panel, source, store, records, name=NAME, title="Portfolio heat", sections=_sections)
    return framed(build, title="Portfolio heat")


def _sections(shared: Shared, panel: BookPanel, desk: Desk) -> Sequence[Section]:
    def in_force() -> HeatSettings:
        return overridden(HeatSettings(), panel.override)

    frames = HeatSettings().timeframes
    centre = _alerts(shared, panel, desk)
    source = desk.source
    states = None if desk.records is None else partial(stored_states, desk)
    return (
        HeatSection(shared, timeframes=frames, settings=in_force, override=panel.set_override),
        centre,
        Deferred(
            "Correlation",
            "correlation",
            lambda: CorrelationSection(shared, accepted=desk.accepted_pairs, settings=desk.cluster_settings),
        ),
        Deferred("Stress", "stress", lambda: _stress(shared, source)),
        Deferred("Venues", "venues", lambda: _venues(shared, panel, source)),
        Deferred("Timeframes", "timeframes", lambda: TimeframeSection(shared)),
        Deferred("Replay", "replay", lambda: ReplaySection(shared, snapshots=states, settings=in_force)),
        *_positions(shared, panel, desk),
    )


def _stress(shared: Shared, source: MarketSource) -> StressSection:
    return StressSection(
        shared, scenarios=partial(available_scenarios, source), load_scenario=partial(scenario_candles, source)
    )


def _venues(shared: Shared, panel: BookPanel, source: MarketSource) -> VenueSection:
    return VenueSection(shared, load=lambda venue: _on_venue(source, panel, venue), venues=source.venues())


def _alerts(shared: Shared, panel: BookPanel, desk: Desk) -> AlertCentre:
    """Alerts of the book in use: each book has its own state, and only the source's own book is told of outside."""

    def place() -> str:
        return f"{ALERTS} {desk.snapshot_name}"

    def send(alerts: Sequence[ActiveAlert]) -> str:
        if target is None or desk.book != OWN_BOOK:
            return ""
        return target.send(alerts)

    def keep(settings: Mapping[str, Any]) -> None:
        remember(desk.store, place())(settings)

    kept, target = remembered(desk.store, place()), notifier(name=desk.source.name)
    sensitivity = str(kept.get("sensitivity", SENSITIVITY))
    centre = AlertCentre(
        shared,
        state=kept.get("state"),
        keep=keep,
        send=None if target is None else send,
        sensitivity=sensitivity if sensitivity in SENSITIVITIES else SENSITIVITY,
        accepted=desk.accepted_pairs,
        where=environment_words(),
    )
    shown = [place()]

    def view(inputs: BookInputs, measured: RiskView) -> None:
        if shown[0] != place():
            shown[0] = place()
            centre.restore(remembered(desk.store, place()).get("state"))
        centre.update(inputs, measured)

    panel.on_view(view)
    return centre


def _on_venue(source: MarketSource, panel: BookPanel, venue: str) -> Mapping[tuple[str, str, str], pd.DataFrame]:
    """Bars of the book's symbols on another venue; what could not be had is logged, and missing on the screen."""
    symbols = () if panel.inputs is None else tuple(dict.fromkeys(panel.inputs.positions["symbol"]))
    tables, problems = venue_candles(source, symbols, venue)
    for problem in problems:
        log.warning(problem)
    return tables


def stored_states(desk: Desk, inputs: BookInputs) -> list[Row]:
    """States of the past year that were kept of this source, as the replay takes them."""
    if desk.records is None:
        return []
    end = inputs.now + pd.Timedelta(minutes=1)
    kept = desk.records.snapshots.range(desk.snapshot_name, end - REPLAYED, end, names=("heat", "concentration"))
    return [(one.at, _with_risk(one.tables), _plain(one.values)) for one in kept if "heat" in one.tables]


def _with_risk(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Heat table with the share of risk, exposure and concentration of each position."""
    heat, table = tables["heat"], tables.get("concentration")
    if table is None or table.empty:
        return heat
    added = pd.DataFrame(
        {
            "symbol": table["symbol"],
            "venue": table["venue"],
            "side": table["side"],
            "risk": table["risk_share"],
            "exposure": table["side"] * table["notional"],
            "correlation_heat": table["correlation_heat"],
        }
    ).drop_duplicates(["symbol", "venue", "side"])
    return heat.merge(added, on=["symbol", "venue", "side"], how="left")


def _plain(values: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of a snapshot; its profit stands for the value of the book."""
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return numbers | {"value": numbers.get("unrealized_pnl", float("nan"))}


def _positions(shared: Shared, panel: BookPanel, desk: Desk) -> tuple[Section, ...]:
    """Section to type positions in, where they can be kept."""
    records = desk.records
    if records is None:
        return ()

    def save(name: str, table: pd.DataFrame) -> None:
        records.books.write(name, table)
        panel.offer_books(desk.books(), choose=name)

    def make() -> PositionsSection:
        return PositionsSection(shared, markets=choices(desk.source).symbols, save=save, books=records.books)

    return (Deferred("Positions", "positions", make),)
