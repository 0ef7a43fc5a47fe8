"""The concentration app: where the risk sits, what to do about a cluster, decisions, a trade before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import ipywidgets
import pandas as pd

from heatlab.apps.portfolio_app import Desk, portfolio_panel
from heatlab.apps.shell import framed
from heatlab.apps.user_data import Records
from heatlab.portfolio import ClusterSettings, RiskView
from heatlab.sources import MarketSource
from heatlab.store import SettingsStore
from heatlab.widgets.book_panel import BookPanel
from heatlab.widgets.comparison_section import ComparisonSection
from heatlab.widgets.concentration_section import ConcentrationSection
from heatlab.widgets.pretrade_section import PretradeSection
from heatlab.widgets.quadrant_section import QuadrantSection
from heatlab.widgets.remedy_section import RemedySection
from heatlab.widgets.sections import BookInputs, Deferred, Section, Shared

NAME = "concentration"


def concentration(
    source: MarketSource, store: SettingsStore | None = None, *, records: Records | None = None
) -> ipywidgets.Widget:
    """Build the concentration app on a market source.

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
    build = partial(portfolio_panel, source, store, records, name=NAME, title="Concentration", sections=_sections)
    return framed(build, title="Concentration")


def _sections(shared: Shared, panel: BookPanel, desk: Desk) -> Sequence[Section]:
    def measure(positions: pd.DataFrame, inputs: BookInputs) -> RiskView:
        return desk.view(positions, inputs, override=panel.override)

    def settle(settings: ClusterSettings) -> None:
        desk.keep_limits(settings)
        panel.remeasure()

    def limits() -> ClusterSettings:
        return desk.cluster_settings

    return (
        ConcentrationSection(shared, settings=desk.cluster_settings, on_settings=settle),
        Deferred("Remedies", "remedies", lambda: RemedySection(shared, limits=limits)),
        Deferred("Quadrants", "quadrants", lambda: QuadrantSection(shared)),
        Deferred("Pre-trade", "pretrade", lambda: PretradeSection(shared, measure=measure, limits=limits)),
        Deferred("A/B", "compare", lambda: ComparisonSection(shared, books=desk.all_books)),
    )
