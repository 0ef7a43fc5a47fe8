"""The portfolio heat app: every position on every timeframe, the book's heat and the orders its rule proposes."""

from __future__ import annotations

import threading
from functools import partial

import ipywidgets

from heatlab.apps import url
from heatlab.apps.market import Progress, heat_candles, notices, watch_list
from heatlab.apps.shell import framed, remember, remembered
from heatlab.heat import HeatSettings
from heatlab.sources import MarketSource
from heatlab.store import SettingsStore
from heatlab.widgets.heat_panel import HeatInputs, HeatPanel

NAME = "portfolio_heat"


def portfolio_heat(source: MarketSource, store: SettingsStore | None = None) -> ipywidgets.Widget:
    """Build the portfolio heat app on a market source.

    Parameters
    ----------
    source : MarketSource
    store : SettingsStore, optional
        Remembers what was selected between visits. The address of the page goes before it.

    Returns
    -------
    Widget
        The app; if the source cannot deliver, what is wrong and what to do.
    """
    return framed(lambda: _panel(source, store), title="Portfolio heat")


def heat_inputs(
    source: MarketSource,
    *,
    settings: HeatSettings | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> HeatInputs:
    """Positions and closed bars of a source, for the heat of the book; a watch list where there are no positions.

    A position without candles stays in the table without a reading; the notes say why. ``progress`` is told after each
    series (done, total, which); ``cancel`` stops before the next.
    """
    used = settings or HeatSettings()
    own = source.positions()
    book = watch_list(source) if own.empty else own
    candles, problems = heat_candles(source, book, timeframes=used.timeframes, progress=progress, cancel=cancel)
    about = {*book["venue"], *book["symbol"]}
    return HeatInputs(
        positions=book,
        candles=candles,
        now=source.now(),
        source_name=source.name,
        is_simulated=source.is_simulated,
        notices=(*problems, *notices(source, about)),
        watching=own.empty,
    )


def _panel(source: MarketSource, store: SettingsStore | None) -> HeatPanel:
    heat_inputs(source)  # fills the source's memory before the reader is known
    asked = {**remembered(store, NAME), **url.query_parameters()}
    frames = HeatSettings().timeframes
    settings = {
        "position": str(asked.get("position", "")),
        "timeframe": url.choice(asked, "timeframe", default=frames[0], allowed=frames),
    }
    panel = HeatPanel(partial(heat_inputs, source), defaults=settings)
    panel.on_change(remember(store, NAME))
    return panel
