"""The liquidation app: price x time heatmap under candles, the map beside it, zones and own positions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import ipywidgets

from heatlab.apps import url
from heatlab.apps.market import choices, market_inputs
from heatlab.apps.shell import framed, remember, remembered
from heatlab.errors import HeatlabError
from heatlab.figures import PALETTES
from heatlab.sources import MarketSource
from heatlab.store import SettingsStore
from heatlab.widgets.liquidation_controls import (
    DEFAULTS,
    FIRST_TIMEFRAME,
    HALF_LIVES,
    SENSITIVITIES,
    Choices,
    pick,
)
from heatlab.widgets.liquidation_panel import LiquidationPanel

NAME = "liquidation"


def liquidation(source: MarketSource, store: SettingsStore | None = None) -> ipywidgets.Widget:
    """Build the liquidation app on a market source.

    Parameters
    ----------
    source : MarketSource
    store : SettingsStore, optional
        Remembers the reader's settings between visits, for each source. The address of the page goes before it.

    Returns
    -------
    Widget
        The app; if the source cannot deliver, what is wrong and what to do.
    """
    return framed(lambda: _panel(source, store), title="Liquidation heatmap")


def _panel(source: MarketSource, store: SettingsStore | None) -> LiquidationPanel:
    offered = choices(source)
    load = partial(market_inputs, source)
    _load_ahead(load, offered)
    place = f"{NAME} {source.name}"
    settings = clean({**remembered(store, place), **url.query_parameters()}, offered)
    panel = LiquidationPanel(load, choices=offered, defaults=settings)
    panel.on_change(remember(store, place))
    return panel


def _load_ahead(load: Any, offered: Choices) -> None:
    """Fill the source's memory with the first view before the reader is known; errors come again when it is shown."""
    first = next(iter(offered.symbols))
    try:
        symbol = offered.symbols[first][0]
        timeframe = pick(offered.timeframes_of(first, symbol), FIRST_TIMEFRAME)
        load(first, symbol, timeframe, DEFAULTS["range_days"])
    except HeatlabError:
        return


def clean(wanted: Mapping[str, Any], offered: Choices) -> dict[str, Any]:
    """Make safe what an address or a file asks for: numbers clamped, choices checked, unknown names dropped.

    Parameters
    ----------
    wanted : mapping
        Text or values by setting name.
    offered : Choices
        What there is to choose from.

    Returns
    -------
    dict
        A complete set of settings of the liquidation panel.
    """
    text = {name: ",".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for name, v in wanted.items()}
    venue = url.choice(text, "venue", default=next(iter(offered.symbols)), allowed=offered.symbols)
    symbols = offered.symbols[venue]
    symbol = url.choice(text, "symbol", default=symbols[0], allowed=symbols)
    frames = offered.timeframes_of(venue, symbol)
    ranges = offered.range_days
    tiers = {f"{tier:g}": tier for tier in offered.tiers}
    asked = {"tiers": ",".join(part.strip().removesuffix(".0") for part in text.get("tiers", "").split(","))}
    days = url.number(text, "range_days", default=DEFAULTS["range_days"], low=min(ranges), high=max(ranges))
    return {
        "venue": venue,
        "symbol": symbol,
        "timeframe": url.choice(text, "timeframe", default=pick(frames, FIRST_TIMEFRAME), allowed=frames),
        "range_days": min(ranges, key=lambda known: abs(known - days)),
        "half_life": url.integer(
            text, "half_life", default=DEFAULTS["half_life"], low=HALF_LIVES[0], high=HALF_LIVES[1]
        ),
        "sensitivity": url.number(text, "sensitivity", default=1.0, low=SENSITIVITIES[0], high=SENSITIVITIES[1]),
        "tiers": tuple(tiers[name] for name in url.choices(asked, "tiers", default=tuple(tiers), allowed=tiers)),
        "scale": url.choice(text, "scale", default="log", allowed=("log", "linear")),
        "palette": url.choice(text, "palette", default=DEFAULTS["palette"], allowed=tuple(PALETTES)),
    }
