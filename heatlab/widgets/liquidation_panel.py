"""Liquidation panel: controls, heatmap, liquidation map, zones and own positions. No maths of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from heatlab import frames
from heatlab._checks import check_choice, parameter_error
from heatlab.figures import PALETTES, THEMES, LiquidationFigure, positions_html, zones_html
from heatlab.figures import format as show
from heatlab.liquidation import LiquidationMap, MapSettings, liquidation_map, liquidation_zones
from heatlab.liquidation.levels import TIERS
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.downloads import download_link
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.status import Status, guard
from heatlab.widgets.styles import Stylesheet, stylesheet

DEFAULTS: dict[str, Any] = {
    "range_days": 14,
    "half_life": 48,
    "sensitivity": 1.0,
    "tiers": tuple(float(tier) for tier in TIERS),
    "scale": "log",
    "palette": "ember",
}
SCALES = {"logarithmic": "log", "linear": "linear"}
BASIS = {"open interest": "from open interest", "volume proxy": "volume proxy, no open interest history"}
SCORE = (
    "<details><summary>How good is this estimate?</summary><p>Scored on true liquidation prices of public leaderboard "
    "accounts (Hyperliquid, 4 to 12 February 2026, 15 coins): which price bands held a liquidation price, AUC 0.90 for "
    "this map, 0.81 for distance from the price alone, 0.82 for entry x (1 - 1/leverage). Much of that gain is knowing "
    "which coins hold near positions: <strong>within one coin the gain over distance alone, +0.015, is not proven"
    "</strong> (95 % interval -0.010 to +0.040). Leaderboard accounts are large and lucky, not typical. "
    '<a class="hl-link" href="liquidation_study.ipynb">The whole study</a></p></details>'
)
HALF_LIVES, SENSITIVITIES = (2, 336), (0.25, 4.0)


@dataclass(frozen=True)
class MarketInputs:
    """What one view needs: closed bars, open interest and brackets where known, own positions, and what to say.

    Bars before ``since`` build the estimate and are not drawn.
    """

    candles: pd.DataFrame
    now: pd.Timestamp
    source_name: str
    since: pd.Timestamp | None = None
    open_interest: pd.DataFrame | None = None
    brackets: pd.DataFrame | None = None
    positions: pd.DataFrame | None = None
    is_simulated: bool = False
    notices: tuple[str, ...] = ()

    @property
    def shown(self) -> pd.DataFrame:
        """Bars that are drawn."""
        return self.candles if self.since is None else self.candles[self.candles.index >= self.since]


@dataclass(frozen=True)
class Choices:
    """What the reader can choose from. ``symbols`` lists the symbols of each venue, the first being the default."""

    symbols: Mapping[str, tuple[str, ...]]
    timeframes: tuple[str, ...] = ("5m", "15m", "1h", "4h", "1d")
    range_days: tuple[int, ...] = (1, 3, 7, 14, 30, 90)
    tiers: tuple[float, ...] = field(default=tuple(float(tier) for tier in TIERS))


Load = Callable[[str, str, str, int], MarketInputs]


class LiquidationPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Liquidation heatmap and map of one symbol with everything that explains them.

    Parameters
    ----------
    load : callable
        ``load(venue, symbol, timeframe, range_days) -> MarketInputs``; it runs in a thread.
    choices : Choices
    defaults : mapping, optional
        Settings to start with, keys as in :meth:`settings`.
    style : Stylesheet, optional
        Of the page; one of its own without.

    Traits
    ------
    state : dict
        The settings in force. It changes with the controls; use :meth:`apply` to change them.
    """

    state = traitlets.Dict()

    def __init__(
        self,
        load: Load,
        *,
        choices: Choices,
        defaults: Mapping[str, Any] | None = None,
        style: Stylesheet | None = None,
    ) -> None:
        self._load, self._choices = load, choices
        self._followers = parts.Followers()
        self._shown: tuple[Any, ...] = ()
        self.map: LiquidationMap | None = None
        self.zones = pd.DataFrame()
        self.status = Status("Starting", state="busy")
        self.style_sheet = style or stylesheet()
        self.figure = LiquidationFigure(theme=THEMES[self.style_sheet.theme])
        self.controls = self._build_controls({**_first(choices), **DEFAULTS, **dict(defaults or {})})
        self.header, self.message, self.notes = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.legend, self.zone_table, self.position_table = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.permalink = ipywidgets.HTML()
        self.pane = BokehPane(self.figure.root, waiting="Drawing the liquidation map")
        super().__init__(self._layout())
        self.add_class("hl-app")
        self._refresh = parts.Refresher(
            load=self._fetch, compute=self._estimate, display=self._display, status=self.status
        )
        self._connect()
        self._say_state()
        self._say_legend()
        self.reload()

    def settings(self) -> dict[str, Any]:
        """Return the settings in force.

        Keys: venue, symbol, timeframe, range_days, half_life [h], sensitivity, tiers, scale, palette.
        """
        return {name: list(c.value) if name == "tiers" else c.value for name, c in self.controls.items()}

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Change some settings.

        Raises
        ------
        ParameterError
            A name is no setting or a value is not one of its choices.
        """
        for name, value in settings.items():
            check_choice("settings", name, self.controls, caller="LiquidationPanel.apply")
            _set(self.controls[name], name, value)

    def on_change(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change."""
        self._followers.add(callback)

    def reload(self) -> None:
        """Load the market again and redraw."""
        symbol, venue = self.controls["symbol"].value, self.controls["venue"].value
        self.status.busy(f"Loading {symbol} from {venue}")
        if self.map is None:
            self.message.value = parts.message_html(f"Loading bars of {symbol} from {venue}", kind="hl-skeleton")
        self._refresh(load=True)

    async def settled(self) -> None:
        """Wait until the view shows the settings."""
        await self._refresh.settled()

    def _build_controls(self, start: Mapping[str, Any]) -> dict[str, Any]:
        symbols = self._choices.symbols
        check_choice("venue", start["venue"], symbols, caller="LiquidationPanel")
        lists = {
            "venue": list(symbols),
            "symbol": list(symbols[start["venue"]]),
            "timeframe": list(self._choices.timeframes),
            "range_days": [(f"{days} days" if days > 1 else "1 day", days) for days in self._choices.range_days],
        }
        names = {"venue": "Venue", "symbol": "Symbol", "timeframe": "Bars", "range_days": "Range"}
        made: dict[str, Any] = {k: _labelled(ipywidgets.Dropdown, v, options=lists[k]) for k, v in names.items()}
        low, high = HALF_LIVES
        made["half_life"] = _labelled(ipywidgets.IntSlider, "Half-life, h", min=low, max=high, step=2)
        low_s, high_s = SENSITIVITIES
        made["sensitivity"] = _labelled(ipywidgets.FloatSlider, "Sensitivity", min=low_s, max=high_s, step=0.25)
        tiers = [(f"{tier:g}x", tier) for tier in self._choices.tiers]
        made["tiers"] = _labelled(ipywidgets.SelectMultiple, "Leverage", options=tiers, rows=6)
        made["scale"] = _labelled(ipywidgets.Dropdown, "Colours", options=list(SCALES.items()))
        made["palette"] = _labelled(ipywidgets.Dropdown, "Palette", options=list(PALETTES))
        for name, control in made.items():
            _set(control, name, start[name])
        return made

    def _layout(self) -> list[Any]:
        again = ipywidgets.Button(description="Reload", tooltip="Load the market again", icon="refresh")
        again.on_click(lambda _: self.reload())
        links = [
            self.permalink,
            download_link("liquidation_zones.csv", self._zones_csv, label="Zones as CSV"),
            download_link("liquidation_map.csv", self._profile_csv, label="Liquidation map as CSV"),
        ]
        controls = ipywidgets.VBox([*self.controls.values(), again, *links])
        controls.add_class("hl-controls")
        tables = ipywidgets.Box([self.zone_table, self.position_table])
        tables.add_class("hl-row")
        bar = ipywidgets.Box([self.status, parts.FullScreen()])
        bar.add_class("hl-toolbar")
        main = ipywidgets.VBox([bar, self.message, self.pane, self.legend, tables, self.notes])
        main.add_class("hl-main")
        body = ipywidgets.Box([controls, main])
        body.add_class("hl-body")
        return [self.style_sheet, self.header, body]

    def _connect(self) -> None:
        watch = {
            "venue": self._venue_changed,
            "scale": self._recolour,
            "palette": self._recolour,
            **dict.fromkeys(("symbol", "timeframe", "range_days"), lambda _: self.reload()),
            **dict.fromkeys(("half_life", "sensitivity", "tiers"), lambda _: self._refresh(load=False)),
        }
        for name, handler in watch.items():
            self.controls[name].observe(guard(handler, self.status), "value")
            self.controls[name].observe(lambda _: self._say_state(), "value")
        self.style_sheet.observe(guard(self._retheme, self.status), "theme")

    def _venue_changed(self, change: Any) -> None:
        symbol, options = self.controls["symbol"], list(self._choices.symbols[change["new"]])
        kept = symbol.value
        symbol.options = options
        if kept in options:
            symbol.value = kept
        self.reload()

    def _recolour(self, _change: Any) -> None:
        self.figure.set_palette(self.controls["palette"].value)
        self.figure.set_scale(self.controls["scale"].value)

    def _retheme(self, change: Any) -> None:
        self.figure.set_theme(THEMES[change["new"]])
        self._say_legend()

    def _fetch(self) -> MarketInputs:
        return self._load(*(self.controls[name].value for name in ("venue", "symbol", "timeframe", "range_days")))

    def _estimate(self, inputs: MarketInputs) -> tuple[LiquidationMap, pd.DataFrame] | None:
        tiers = tuple(self.controls["tiers"].value)
        if not tiers:
            raise parameter_error("tiers", "the liquidation panel", "at least one leverage", tiers)
        if inputs.shown.empty:
            return None
        settings = MapSettings(tiers=tiers, recency_half_life=f"{self.controls['half_life'].value}h")
        made = liquidation_map(
            inputs.candles,
            inputs.open_interest,
            brackets=inputs.brackets,
            venue=self.controls["venue"].value,
            settings=settings,
            since=inputs.since,
        )
        return made, liquidation_zones(made, sensitivity=self.controls["sensitivity"].value)

    def _display(self, inputs: MarketInputs, result: tuple[LiquidationMap, pd.DataFrame] | None) -> None:
        if result is None:
            self._say_empty(inputs)
            return
        self.map, self.zones = result
        shown = inputs.shown
        view = (self.map.venue, self.map.symbol, self.map.timeframe, *shown.index[[0, -1]])
        own = _own(inputs.positions, self.map.symbol)
        self.figure.update(
            self.map,
            shown,
            zones=self.zones,
            positions=own,
            scale=self.controls["scale"].value,
            keep_view=view == self._shown,
        )
        self._shown = view
        self.message.value = ""
        self.zone_table.value, self.position_table.value = zones_html(self.zones), positions_html(own)
        self._say_what(inputs, self.map)

    def _say_empty(self, inputs: MarketInputs) -> None:
        symbol, venue = self.controls["symbol"].value, self.controls["venue"].value
        text = (
            f"{inputs.source_name} has no bars of {symbol} on {venue} for this range. Choose another range or symbol."
        )
        self.message.value = parts.message_html(text)
        self.pane.add_class("hl-stale")
        self.status.ready("Nothing to show")

    def _say_what(self, inputs: MarketInputs, made: LiquidationMap) -> None:
        age = frames.age(inputs.candles, inputs.now)
        title = f"{made.symbol or self.controls['symbol'].value} · {self.controls['venue'].value}"
        facts = (str(self.controls["timeframe"].value), BASIS.get(made.basis, made.basis))
        self.header.value = parts.header_html(
            title,
            source_name=inputs.source_name,
            is_simulated=inputs.is_simulated,
            facts=facts,
            now=inputs.now,
            age=age,
        )
        self.notes.value = parts.notices_html([*inputs.notices, *made.notes])
        stale = frames.is_stale(inputs.candles, inputs.now)
        (self.pane.add_class if stale else self.pane.remove_class)("hl-stale")
        if stale:
            self.status.stale(f"The last bar closed {show.age(age)} ago: reload, or check the source")
        else:
            self.status.ready(f"{len(self.zones)} zones, mark {show.price(made.mark_price)}")

    def _say_state(self) -> None:
        self.state = self.settings()
        self.permalink.value = parts.permalink_html(self.state)
        self._followers.tell(self.state)

    def _say_legend(self) -> None:
        strong = "Brighter" if self.figure.theme.is_dark else "Darker"
        self.legend.value = (
            f'<p class="hl-muted">{strong} = more estimated liquidations (USD) if price gets there. Bars beside the '
            "chart split the present estimate by leverage; the lines add it up from the mark: solid for longs below, "
            "dashed for shorts above. Marks at the right edge are zones: ○ amber, ● red. "
            "Sizes are estimates, not reported positions.</p>" + SCORE
        )

    def _zones_csv(self) -> bytes:
        return self.zones.to_csv(index=False).encode()

    def _profile_csv(self) -> bytes:
        return b"" if self.map is None else profile_table(self.map).to_csv(index=False).encode()


def profile_table(made: LiquidationMap) -> pd.DataFrame:
    """Last column of a map as a table: price_low, price_high and, per side and tier, notional [quote]."""
    columns: dict[str, Any] = {"price_low": made.price_edges[:-1], "price_high": made.price_edges[1:]}
    for side, table in (("long", made.long_by_tier), ("short", made.short_by_tier)):
        for tier, quantity in zip(made.tiers, table, strict=True):
            columns[f"{side}_{tier:g}x"] = quantity * made.prices
    return pd.DataFrame(columns)


def _first(choices: Choices) -> dict[str, Any]:
    venue = next(iter(choices.symbols))
    frames_ = choices.timeframes
    return {
        "venue": venue,
        "symbol": choices.symbols[venue][0],
        "timeframe": "1h" if "1h" in frames_ else frames_[0],
    }


def _own(positions: pd.DataFrame | None, symbol: str) -> pd.DataFrame | None:
    return None if positions is None else positions[positions["symbol"] == symbol]


def _labelled(kind: Callable[..., Any], text: str, **traits: Any) -> Any:
    return kind(description=text, layout=ipywidgets.Layout(width="auto"), **traits)


def _set(control: Any, name: str, value: Any) -> None:
    try:
        control.value = tuple(value) if name == "tiers" else value
    except (traitlets.TraitError, TypeError) as error:
        allowed = getattr(control, "options", None) or f"in [{control.min}, {control.max}]"
        raise parameter_error(name, "LiquidationPanel", f"one of {allowed}", value) from error
