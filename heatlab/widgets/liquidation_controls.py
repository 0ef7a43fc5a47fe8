"""Controls of the liquidation panel: what there is to choose, what is chosen, and the widgets to choose with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
import traitlets

from heatlab._checks import check_choice, parameter_error
from heatlab.figures import PALETTES
from heatlab.liquidation.levels import TIERS
from heatlab.widgets.panel_parts import Chips

RANGES = (1, 3, 7, 14, 30, 90)
"""Lengths of time to choose from [days]."""
TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
"""Bar lengths to choose from, as far as the source serves them."""
FIRST_TIMEFRAME = "1h"
HALF_LIVES, SENSITIVITIES = (2, 336), (0.25, 4.0)
SCALES = {"logarithmic": "log", "linear": "linear"}
DEFAULTS: dict[str, Any] = {
    "range_days": 14,
    "half_life": 48,
    "sensitivity": 1.0,
    "tiers": tuple(float(tier) for tier in TIERS),
    "scale": "log",
    "palette": "ember",
}
LABELS = {"venue": "Venue", "symbol": "Symbol", "timeframe": "Bars", "range_days": "Range"}


@dataclass(frozen=True)
class Choices:
    """What the reader can choose from.

    Attributes
    ----------
    symbols : mapping of venue to symbols
        The first of each is the default.
    served : callable, optional
        ``served(venue, symbol)`` lists the bar lengths there are, asked when a symbol is chosen; without it, or where
        it knows none, every one of ``timeframes`` is offered.
    timeframes, range_days, tiers : tuple
    """

    symbols: Mapping[str, tuple[str, ...]]
    served: Callable[[str, str], tuple[str, ...]] | None = None
    timeframes: tuple[str, ...] = TIMEFRAMES
    range_days: tuple[int, ...] = RANGES
    tiers: tuple[float, ...] = field(default=tuple(float(tier) for tier in TIERS))

    def timeframes_of(self, venue: str, symbol: str) -> tuple[str, ...]:
        """Bar lengths to offer for a symbol."""
        if self.served is None:
            return self.timeframes
        there = set(self.served(venue, symbol))
        return tuple(name for name in self.timeframes if name in there) or self.timeframes


@dataclass(frozen=True)
class Asked:
    """What one load and one estimate are made for, frozen when they begin."""

    venue: str
    symbol: str
    timeframe: str
    range_days: int
    half_life: int
    sensitivity: float
    tiers: tuple[float, ...]

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What has to be loaded."""
        return self.venue, self.symbol, self.timeframe, self.range_days


def pick(offered: tuple[str, ...], wanted: Any, *, first: str = "") -> str:
    """Return ``wanted`` where it is offered, else ``first`` where that is, else the first there is."""
    return next(name for name in (wanted, first, offered[0]) if name in offered)


def start_settings(choices: Choices, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a set of settings to start with; a bar length that is not served gives way to one that is.

    Raises
    ------
    ParameterError
        The venue or symbol is not among the choices.
    """
    venue = wanted.get("venue", next(iter(choices.symbols)))
    check_choice("venue", venue, choices.symbols, caller="LiquidationPanel")
    symbol = wanted.get("symbol", choices.symbols[venue][0])
    check_choice("symbol", symbol, choices.symbols[venue], caller="LiquidationPanel")
    timeframe = pick(choices.timeframes_of(venue, symbol), wanted.get("timeframe"), first=FIRST_TIMEFRAME)
    return {**DEFAULTS, **wanted, "venue": venue, "symbol": symbol, "timeframe": timeframe}


def build(choices: Choices, start: Mapping[str, Any]) -> dict[str, Any]:
    """Make the widgets, set to ``start``; keys as in the panel's settings."""
    days = [(f"{count} days" if count > 1 else "1 day", count) for count in choices.range_days]
    lists = {
        "venue": list(choices.symbols),
        "symbol": list(choices.symbols[start["venue"]]),
        "timeframe": list(choices.timeframes_of(start["venue"], start["symbol"])),
        "range_days": days,
    }
    made: dict[str, Any] = {
        name: _labelled(ipywidgets.Dropdown, text, options=lists[name]) for name, text in LABELS.items()
    }
    low, high = HALF_LIVES
    made["half_life"] = _labelled(ipywidgets.IntSlider, "Half-life, h", min=low, max=high, step=2)
    low_s, high_s = SENSITIVITIES
    made["sensitivity"] = _labelled(ipywidgets.FloatSlider, "Sensitivity", min=low_s, max=high_s, step=0.25)
    made["tiers"] = Chips([(f"{tier:g}x", tier) for tier in choices.tiers], label="Leverage")
    made["scale"] = _labelled(ipywidgets.Dropdown, "Colours", options=list(SCALES.items()))
    made["palette"] = _labelled(ipywidgets.Dropdown, "Palette", options=list(PALETTES))
    for name, control in made.items():
        put(control, name, start[name])
    return made


def offer(control: Any, options: tuple[str, ...], *, first: str = "") -> None:
    """Change the options of a list; what is chosen stays where it can."""
    kept = control.value
    if tuple(control.options) != options:
        control.options = options
    control.value = pick(options, kept, first=first)


def put(control: Any, name: str, value: Any) -> None:
    """Set a control.

    Raises
    ------
    ParameterError
        The value is not one of its choices.
    """
    try:
        control.value = tuple(value) if name == "tiers" else value
    except (traitlets.TraitError, TypeError) as error:
        allowed = getattr(control, "options", None) or f"in [{control.min}, {control.max}]"
        raise parameter_error(name, "LiquidationPanel", f"one of {allowed}", value) from error


def _labelled(kind: Callable[..., Any], text: str, **traits: Any) -> Any:
    return kind(description=text, layout=ipywidgets.Layout(width="auto"), **traits)
