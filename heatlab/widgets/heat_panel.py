"""Heat panel: positions x timeframes, the book's heat with the rule it triggers, and the history behind each cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from heatlab import heat, portfolio
from heatlab._checks import check_choice
from heatlab.domain import Side
from heatlab.figures import THEMES, HeatGrid, HeatHistory, orders_html, position_label, ranked_html
from heatlab.figures import format as show
from heatlab.figures.heat_grid import ALL, arrow
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.downloads import PictureLink, download_link
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.status import Status, guard
from heatlab.widgets.styles import Stylesheet, stylesheet

Key = tuple[str, str, str]
HISTORY_BARS = 500
ZONES = {1: ("green", "hl-good"), 0: ("amber", "hl-amber"), -1: ("red", "hl-bad")}
RULES = {
    "none": "no rule is triggered",
    "halve": "halve every position",
    "to cash": "close the marginal positions, halve the rest, stay in cash",
}


@dataclass(frozen=True)
class HeatInputs:
    """Open positions and closed bars by (venue, symbol, timeframe); ``1h`` bars also give the covariance.

    ``watching``: there is no position; ``positions`` lists markets to look at, as if held long, of unknown quantity.
    """

    positions: pd.DataFrame
    candles: Mapping[Key, pd.DataFrame]
    now: pd.Timestamp
    source_name: str
    is_simulated: bool = False
    notices: tuple[str, ...] = ()
    watching: bool = False


HeatView = portfolio.BookView


def heat_view(
    inputs: HeatInputs,
    *,
    settings: heat.HeatSettings | None = None,
    rules: portfolio.RuleSettings | None = None,
) -> HeatView:
    """View of the book in one set of inputs; see :func:`heatlab.portfolio.book_view`."""
    return portfolio.book_view(inputs.positions, inputs.candles, now=inputs.now, settings=settings, rules=rules)


class HeatPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Heat of a book: grid, one big number with its rule, orders, history and ranking.

    Parameters
    ----------
    load : callable
        ``load() -> HeatInputs``; it runs in a thread. Where it takes ``progress`` and ``cancel`` it gets them: a
        function of done, total and text, and a ``threading.Event``.
    defaults : mapping, optional
        Settings to start with, keys as in :meth:`settings`.
    heat_settings, rules : optional
        Settings of the heat and of the rule on the book's heat.
    style : Stylesheet, optional
        Of the page; one of its own without.

    Traits
    ------
    state : dict
        The settings in force.
    """

    state = traitlets.Dict()

    def __init__(
        self,
        load: Callable[[], HeatInputs],
        *,
        defaults: Mapping[str, Any] | None = None,
        heat_settings: heat.HeatSettings | None = None,
        rules: portfolio.RuleSettings | None = None,
        style: Stylesheet | None = None,
    ) -> None:
        self._heat, self._rules = heat_settings or heat.HeatSettings(), rules or portfolio.RuleSettings()
        self._followers = parts.Followers()
        self._inputs: HeatInputs | None = None
        self._wanted = dict(defaults or {})
        self.view: HeatView | None = None
        self.status = Status("Starting", state="busy")
        self.style_sheet = style or stylesheet()
        theme = THEMES[self.style_sheet.theme]
        self.grid, self.history = HeatGrid(_no_readings(), theme=theme), HeatHistory(theme=theme)
        self.position = ipywidgets.Dropdown(description="Position", options=[])
        self.timeframe = ipywidgets.Dropdown(description="Bars", options=list(self._heat.timeframes))
        self.header, self.message, self.figures = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.orders, self.ranking, self.notes = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.permalink = ipywidgets.HTML()
        self.grid.on_select(guard(self._clicked, self.status))
        self.panes = [BokehPane(self.grid.root, waiting="Drawing the heat"), BokehPane(self.history.root)]
        self._fetch = parts.loader(load)
        self._refresh = parts.Refresher(
            settings=lambda: None,
            load=lambda _settings, loading: self._fetch(loading=loading),
            compute=lambda inputs, _settings: heat_view(inputs, settings=self._heat, rules=self._rules),
            display=lambda inputs, view, _settings: self._display(inputs, view),
            status=self.status,
            name=lambda _settings: "positions and bars",
        )
        super().__init__(self._layout())
        self.add_class("hl-app")
        for control in (self.position, self.timeframe):
            control.observe(guard(self._selected, self.status), "value")
        self.style_sheet.observe(guard(self._retheme, self.status), "theme")
        self.reload()

    def settings(self) -> dict[str, Any]:
        """Return the settings in force: ``position`` (its label) and ``timeframe`` of the history."""
        return {"position": self._label(), "timeframe": self.timeframe.value}

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Change what the history shows; a position the book does not hold is ignored.

        Raises
        ------
        ParameterError
            A name is no setting, or the timeframe is none of those shown.
        """
        for name in settings:
            check_choice("settings", name, ("position", "timeframe"), caller="HeatPanel.apply")
        if "timeframe" in settings:
            check_choice("timeframe", settings["timeframe"], self._heat.timeframes, caller="HeatPanel.apply")
            self.timeframe.value = settings["timeframe"]
        for label, key in self.position.options:
            if label == settings.get("position"):
                self.position.value = key

    def on_change(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change."""
        self._followers.add(callback)

    def reload(self) -> None:
        """Load positions and bars again and redraw."""
        self.status.busy("Loading positions and bars")
        if self.view is None:
            self.message.value = parts.message_html("Loading positions and bars", kind="hl-skeleton")
        self._refresh(load=True)

    async def settled(self) -> None:
        """Wait until the view is up to date."""
        await self._refresh.settled()

    def _layout(self) -> list[Any]:
        links = [
            PictureLink(name="portfolio_heat.png"),
            download_link("heat.csv", lambda: self._csv("table"), label="Heat as CSV"),
            download_link("orders.csv", lambda: self._csv("orders"), label="Orders as CSV"),
        ]
        bar = ipywidgets.Box(
            [
                parts.reload_buttons(self.reload, self._refresh, self.status),
                self.status,
                *links,
                self.permalink,
                parts.FullScreen(),
            ]
        )
        bar.add_class("hl-toolbar")
        pick = ipywidgets.Box([self.position, self.timeframe])
        pick.add_class("hl-toolbar")
        tables = ipywidgets.Box([self.orders, self.ranking])
        tables.add_class("hl-row")
        main = ipywidgets.VBox(
            [bar, self.message, self.figures, self.panes[0], _legend(), pick, self.panes[1], tables, self.notes]
        )
        main.add_class("hl-main")
        body = ipywidgets.Box([main])
        body.add_class("hl-body")
        return [self.style_sheet, self.header, body]

    def _display(self, inputs: HeatInputs, view: HeatView) -> None:
        self._inputs, self.view = inputs, view
        self.grid.update(view.table, overall=view.overall)
        self._offer_positions(view)
        self.figures.value = self._figures_html(view)
        self.orders.value, self.ranking.value = orders_html(view.orders), ranked_html(view.overall)
        self.notes.value = parts.notices_html(inputs.notices)
        self.message.value = _message(inputs)
        self._say_what(inputs, view)
        self._selected(None)

    def _offer_positions(self, view: HeatView) -> None:
        keys = [(row["symbol"], row["venue"], int(row["side"])) for row in view.overall.to_dict("records")]
        options = [(position_label(*key), key) for key in keys]
        kept = self.position.value
        if list(self.position.options) != options:
            self.position.options = options
            self.position.value = kept if kept in keys else next(iter(keys), None)
        if self._wanted:
            wanted, self._wanted = self._wanted, {}
            self.apply(wanted)

    def _figures_html(self, view: HeatView) -> str:
        word, kind = ZONES.get(int(view.zone), ("", "")) if np.isfinite(view.zone) else ("unknown", "")
        limits = f"halve below {self._rules.halve_below:g}, to cash below {self._rules.cash_below:g}"
        known = view.table["volatility_percentile"].dropna()
        regime = f"percentile {known.mean() * 100:.0f} of the past year" if len(known) else "unknown"
        green, red = view.overall["green"].mean(), view.overall["red"].mean()
        thresholds = f"green from {show.number(green)}, red below {show.number(red)}"
        number = f"{show.number(view.book_heat, 1)} {arrow(view.zone)}"
        figures = {
            "Portfolio heat, 0 to 100": f'<span class="hl-badge {kind}" style="font-size:26px">{number}</span> {word}',
            "Rule in force": escape(self._rule_in_force(view)),
            "Rule thresholds": limits,
            "Zone thresholds, mean": thresholds,
            "Volatility regime, mean": regime,
        }
        style = ' style="font-size:15px;line-height:1.3;font-weight:550;letter-spacing:0"'
        cells = "".join(
            f'<div class="hl-figure" role="group" aria-label="{name}">'
            f'<div class="hl-figure-name" style="line-height:1.3">{name}</div>'
            f'<div class="hl-figure-value"{"" if k == 0 else style}>{text}</div></div>'
            for k, (name, text) in enumerate(figures.items())
        )
        return f'<div class="hl-figures">{cells}</div>'

    def _rule_in_force(self, view: HeatView) -> str:
        if view.coverage < self._rules.coverage:
            return f"none: the heat is known for only {view.coverage:.0%} of the book"
        return RULES.get(view.rule, view.rule)

    def _say_what(self, inputs: HeatInputs, view: HeatView) -> None:
        ages = view.table["age"].dropna()
        self.header.value = parts.header_html(
            "Portfolio heat",
            source_name=inputs.source_name,
            is_simulated=inputs.is_simulated,
            facts=("watch list, no positions" if inputs.watching else f"{len(inputs.positions)} positions",),
            now=inputs.now,
            age=ages.min() if len(ages) else pd.NaT,
        )
        stale = int(view.table["note"].str.startswith("stale").sum())
        for pane in self.panes:
            (pane.add_class if stale and stale == len(view.table) else pane.remove_class)("hl-stale")
        if stale:
            self.status.stale(f"{stale} of {len(view.table)} readings are old: reload, or check the source")
        else:
            self.status.ready(f"{int(view.table['heat'].notna().sum())} of {len(view.table)} readings known")

    def _clicked(self, row: dict[str, Any]) -> None:
        self.position.value = (row["symbol"], row["venue"], row["side"])
        if row["timeframe"] != ALL:
            self.timeframe.value = row["timeframe"]

    def _selected(self, _change: Any) -> None:
        if self._inputs is None or self.position.value is None:
            return
        symbol, venue, side = self.position.value
        timeframe = self.timeframe.value
        self.grid.select(symbol, venue, side, timeframe)
        candles = self._inputs.candles.get((venue, symbol, timeframe))
        title = f"{self._label()}, {timeframe}"
        if candles is None or candles.empty:
            self.history.clear(title=f"{title}: no candles")
        else:
            readings = heat.momentum_heat(candles, Side(side), settings=self._heat)
            quote = symbol.split(":", maxsplit=1)[0].partition("/")[2]
            self.history.update(readings.tail(HISTORY_BARS), candles.tail(HISTORY_BARS), title=title, quote=quote)
        self.state = self.settings()
        self.permalink.value = parts.permalink_html(self.state)
        self._followers.tell(self.state)

    def _label(self) -> str:
        return position_label(*self.position.value) if self.position.value else ""

    def _retheme(self, change: Any) -> None:
        for figure in (self.grid, self.history):
            figure.set_theme(THEMES[change["new"]])

    def _csv(self, name: str) -> bytes:
        return b"" if self.view is None else getattr(self.view, name).to_csv(index=False).encode()


def _message(inputs: HeatInputs) -> str:
    how = "Load yours with --positions FILE.csv, or point heatlab at an account with a read-only key."
    if inputs.watching:
        text = f"No positions here: markets are shown as if held long, and no rule applies. {how}"
        return f'<div class="hl-callout" role="status">{escape(text)}</div>'
    return parts.message_html(f"No positions. {how}") if inputs.positions.empty else ""


def _legend() -> ipywidgets.HTML:
    return ipywidgets.HTML(
        '<p class="hl-muted">Each number is momentum heat, 0 to 100: high = the position goes with the trend. ▲ green, '
        "● amber, ▼ red zone; below it the thresholds in force, red | green. Hatched = no reading. "
        "Click a cell, or use the lists, to see its history.</p>"
    )


def _no_readings() -> pd.DataFrame:
    names = ["symbol", "venue", "side", "timeframe", "heat", "zone", "green", "red"]
    return pd.DataFrame({name: pd.Series(dtype="object") for name in names})
