"""Heat section: positions x timeframes, the orders of the rule, the history behind a cell, thresholds and overrides."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab import heat
from heatlab.domain import JournalEntry, Side
from heatlab.errors import ParameterError
from heatlab.figures import HeatGrid, HeatHistory, orders_html, position_label, ranked_html
from heatlab.figures import format as show
from heatlab.figures.heat_grid import ALL
from heatlab.figures.tables import html_table
from heatlab.figures.theme import Theme
from heatlab.portfolio.orders.costs import price_orders
from heatlab.portfolio.ranking import ranked_positions
from heatlab.portfolio.thresholds import SHORTEST_REASON, ThresholdOverride, thresholds_in_force
from heatlab.portfolio.view import RiskView
from heatlab.widgets.downloads import download_link
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

HISTORY_BARS = 500
PAGE = 40
"""Positions drawn at once; more make pages."""
LEGEND = (
    '<p class="hl-muted">Each number is momentum heat, 0 to 100: high = the position goes with the trend. ▲ green, '
    "● amber, ▼ red zone; below it the thresholds in force, red | green. Hatched = no reading, or an old one. "
    "Click a cell, or use the lists, to see its history.</p>"
)
Override = Callable[[ThresholdOverride | None], None]


class HeatSection:
    """Momentum heat of every position on every timeframe, and what follows from it.

    Parameters
    ----------
    shared : Shared
    timeframes : tuple of str
        Of the heat table.
    settings : callable
        ``settings() -> HeatSettings`` in force, for the history of a cell.
    override : callable, optional
        ``override(ThresholdOverride | None)`` puts thresholds in force, or takes them back; without it there is no
        form.
    """

    title, name = "Heat", "heat"

    def __init__(
        self,
        shared: Shared,
        *,
        timeframes: tuple[str, ...],
        settings: Callable[[], heat.HeatSettings],
        override: Override | None = None,
    ) -> None:
        self._shared, self._settings, self._override = shared, settings, override
        self._given: tuple[BookInputs, RiskView] | None = None
        self._marking = False
        self._priced = pd.DataFrame()
        self.grid, self.history = HeatGrid(_no_readings(), theme=shared.theme), HeatHistory(theme=shared.theme)
        self.page = ipywidgets.Dropdown(description="Show", options=[("all", 0)])
        self.position = ipywidgets.Dropdown(description="Position", options=[])
        self.timeframe = ipywidgets.Dropdown(description="Bars", options=list(timeframes))
        self.orders, self.ranking, self.thresholds = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.green = ipywidgets.BoundedFloatText(value=75, min=0, max=100, step=1, description="Green from")
        self.red = ipywidgets.BoundedFloatText(value=40, min=0, max=100, step=1, description="Red below")
        self.reason = ipywidgets.Text(description="Reason", placeholder=f"why? At least {SHORTEST_REASON} characters")
        self.set_button = ipywidgets.Button(description="Override thresholds")
        self.clear_button = ipywidgets.Button(description="Back to adaptive")
        self.log_reading = LogButton(shared.log, self.reading, label="Log this reading")
        self.log_orders = LogButton(shared.log, self.proposal, label="Log these orders")
        self.panes = [BokehPane(self.grid.root, waiting="Drawing the heat"), BokehPane(self.history.root)]
        self.root = ipywidgets.VBox(self._parts())
        self._listen()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show the heat of a book."""
        self._given = inputs, view
        self._offer(view)
        self._draw(None)
        self._priced = price_orders(view.heat.orders, spreads=inputs.spreads, fees=inputs.fees)
        self.orders.value = orders_html(self._priced, caption="Orders that follow from the rule; nothing is sent")
        self.ranking.value = ranked_html(view.heat.overall)
        self.thresholds.value = thresholds_html(view.heat.table)
        self._selected(None)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of both figures."""
        self.grid.set_theme(theme)
        self.history.set_theme(theme)

    def csv(self, name: str) -> bytes:
        """Give ``table``, ``orders`` or ``ranked`` as CSV; empty before there is a book."""
        if self._given is None:
            return b""
        view = self._given[1]
        made = {"table": view.heat.table, "orders": self._priced}
        return (made[name] if name in made else ranked_positions(view)).to_csv(index=False).encode()

    def reading(self) -> JournalEntry | None:
        """Journal entry of the reading selected; None where there is none."""
        if self._given is None or not self._shared.selection.position:
            return None
        (symbol, venue, side), timeframe = self._shared.selection.position, self._shared.selection.timeframe
        view = self._given[1]
        rows = view.heat.table
        chosen = rows[
            (rows["symbol"] == symbol)
            & (rows["venue"] == venue)
            & (rows["side"] == side)
            & (rows["timeframe"] == timeframe)
        ]
        names = ("heat", "zone", "green", "red", "forecast", "volatility_percentile")
        values = chosen.iloc[0][list(names)].items() if len(chosen) else ()
        state: dict[str, Any] = {str(name): float(value) for name, value in values}
        state |= {"timeframe": timeframe, "portfolio heat": float(view.heat.book_heat), "rule": view.heat.rule}
        state |= {"mark_price": self._mark_price(symbol, venue)}
        text = f"heat {show.number(state.get('heat', np.nan), 1)} on {timeframe}"
        return JournalEntry("reading", text, symbol, venue, int(side), state=state)

    def proposal(self) -> JournalEntry | None:
        """Journal entry of the rule's orders; None where no rule is triggered."""
        if self._given is None or self._priced.empty:
            return None
        book = self._given[1].heat
        names = ["symbol", "venue", "side", "quantity", "notional", "cost", "reason"]
        state = {"rule": book.rule, "portfolio heat": float(book.book_heat), "zone": float(book.zone)}
        orders = self._priced[names].to_dict("records")
        return JournalEntry(
            "order", f"{len(orders)} orders of the rule '{book.rule}'", state=state | {"orders": orders}
        )

    def _mark_price(self, symbol: str, venue: str) -> float:
        assert self._given is not None
        rows = self._given[1].positions
        held = rows[(rows["symbol"] == symbol) & (rows["venue"] == venue)]["mark_price"]
        return float(held.iloc[0]) if len(held) else float("nan")

    def _parts(self) -> list[Any]:
        links = [
            download_link("heat.csv", lambda: self.csv("table"), label="Heat as CSV"),
            download_link("orders.csv", lambda: self.csv("orders"), label="Orders as CSV"),
            download_link("ranked.csv", lambda: self.csv("ranked"), label="Ranked positions as CSV"),
        ]
        top, pick = (
            ipywidgets.Box([self.page, *links]),
            ipywidgets.Box([self.position, self.timeframe, self.log_reading]),
        )
        orders = ipywidgets.VBox([self.orders, self.log_orders])
        tables = ipywidgets.Box([orders, self.ranking])
        form = ipywidgets.Box([self.green, self.red, self.reason, self.set_button, self.clear_button])
        for box in (top, pick, form):
            box.add_class("hl-toolbar")
        tables.add_class("hl-row")
        forms = [] if self._override is None else [form]
        return [top, self.panes[0], ipywidgets.HTML(LEGEND), pick, self.panes[1], tables, self.thresholds, *forms]

    def _listen(self) -> None:
        status, selection = self._shared.status, self._shared.selection
        self.grid.on_select(guard(self._clicked, status))
        self.page.observe(guard(self._draw, status), "value")
        self.position.observe(guard(self._picked, status), "value")
        self.timeframe.observe(guard(self._picked_bars, status), "value")
        selection.observe(guard(self._selected, status), ["position", "timeframe"])
        self.set_button.on_click(guard(lambda _: self._set(), status))
        self.clear_button.on_click(guard(lambda _: self._clear(), status))

    def _offer(self, view: RiskView) -> None:
        ranked = _by_risk(view)
        labels = [f"{k + 1} to {min(k + PAGE, len(ranked))} by risk" for k in range(0, len(ranked), PAGE)]
        pages = list(zip(labels, range(0, len(ranked), PAGE), strict=True)) if len(ranked) > PAGE else [("all", 0)]
        if list(self.page.options) != pages:
            self.page.options = pages
        self.page.layout.display = "" if len(pages) > 1 else "none"
        keys = [_key(row) for row in view.heat.overall.to_dict("records")]
        options = [(position_label(*key), key) for key in keys]
        if list(self.position.options) != options:
            with self.position.hold_trait_notifications():
                self.position.options = options
                self.position.value = None
        if self._shared.selection.position not in keys:
            self._shared.selection.position = next(iter(keys), ())

    def _draw(self, _change: Any) -> None:
        if self._given is None:
            return
        view = self._given[1]
        table, overall = view.heat.table, view.heat.overall
        if len(overall) > PAGE:
            first = self.page.value or 0
            kept = [_key(row) for row in _by_risk(view).iloc[first : first + PAGE].to_dict("records")]
            table, overall = _only(table, kept), _only(overall, kept)
        self.grid.update(table, overall=overall)
        self._mark()

    def _clicked(self, row: dict[str, Any]) -> None:
        if self._marking:
            return
        selection = self._shared.selection
        selection.position = (row["symbol"], row["venue"], int(row["side"]))
        if row["timeframe"] != ALL:
            selection.timeframe = row["timeframe"]

    def _picked(self, _change: Any) -> None:
        if self.position.value is not None:
            self._shared.selection.position = self.position.value

    def _picked_bars(self, _change: Any) -> None:
        self._shared.selection.timeframe = self.timeframe.value

    def _selected(self, _change: Any) -> None:
        selection = self._shared.selection
        if self._given is None or not selection.position:
            self.history.clear(title="No position")
            return
        if selection.position in [key for _, key in self.position.options]:
            self.position.value = selection.position
        if selection.timeframe in self.timeframe.options:
            self.timeframe.value = selection.timeframe
        self._mark()
        self._show_history()

    def _mark(self) -> None:
        selection = self._shared.selection
        if selection.position:
            self._marking = True
            symbol, venue, side = selection.position
            self.grid.select(symbol, venue, side, selection.timeframe)
            self._marking = False

    def _show_history(self) -> None:
        assert self._given is not None
        symbol, venue, side = self._shared.selection.position
        timeframe = self.timeframe.value
        candles = self._given[0].candles.get((venue, symbol, timeframe))
        title = f"{position_label(symbol, venue, side)}, {timeframe}"
        if candles is None or candles.empty:
            self.history.clear(title=f"{title}: no candles")
            return
        readings = heat.momentum_heat(candles, Side(side), settings=self._settings())
        quote = symbol.split(":", maxsplit=1)[0].partition("/")[2]
        self.history.update(readings.tail(HISTORY_BARS), candles.tail(HISTORY_BARS), title=title, quote=quote)

    def _set(self) -> None:
        if self._given is None or self._override is None:
            return
        now = self._given[0].now
        try:
            made = ThresholdOverride(green=self.green.value, red=self.red.value, reason=self.reason.value, at=now)
        except ParameterError:
            self._shared.status.error(self._refusal())
            return
        self._note(f"zone thresholds set by hand: green from {made.green:g}, red below {made.red:g}", made.reason)
        self._override(made)

    def _refusal(self) -> str:
        """Say in plain words what is wrong with the thresholds typed in."""
        if len(self.reason.value.strip()) < SHORTEST_REASON:
            return f"Reason: at least {SHORTEST_REASON} characters, please."
        return f"Red below {self.red.value:g} must not be above Green from {self.green.value:g}."

    def _clear(self) -> None:
        if self._override is not None:
            self._note("zone thresholds back to adaptive", self.reason.value)
            self._override(None)

    def _note(self, text: str, reason: str) -> None:
        if self._shared.log is None or self._given is None:
            return
        rows = thresholds_in_force(self._given[1].heat.table).to_dict("records")
        before = {str(row["timeframe"]): f"green {row['green']:.1f}, red {row['red']:.1f}" for row in rows}
        state = {"thresholds before": before, "portfolio heat": float(self._given[1].heat.book_heat)}
        self._shared.log(JournalEntry(kind="override", text=text, reason=reason, state=state))


def thresholds_html(table: pd.DataFrame) -> str:
    """Thresholds in force by timeframe, with the volatility regime they follow."""
    rows = [
        [
            str(row["timeframe"]),
            show.number(row["green"], 1),
            show.number(row["red"], 1),
            show.number(row["volatility_percentile"] * 100),
            str(row["regime"]),
        ]
        for row in thresholds_in_force(table).to_dict("records")
    ]
    heads = ("bars", "green from", "red below", "volatility percentile", "regime")
    caption = "Zone thresholds in force, mean over the positions; wilder markets ask for more heat"
    return html_table(caption, heads, rows, empty="No thresholds: there are no readings.")


def override_html(override: ThresholdOverride | None) -> str:
    """Say loudly that thresholds were set by hand; nothing without an override."""
    if override is None:
        return ""
    text = (
        f"Thresholds set by hand since {override.at:%Y-%m-%d %H:%M} UTC: green from {override.green:g}, red below "
        f"{override.red:g}, at every volatility. Reason given: {override.reason}"
    )
    return f'<div class="hl-callout hl-warning" role="status">{escape(text)}</div>'


def _by_risk(view: RiskView) -> pd.DataFrame:
    """Positions, largest risk first; unknown last."""
    overall = view.heat.overall
    return overall.loc[overall["risk"].abs().sort_values(ascending=False, na_position="last", kind="stable").index]


def _only(table: pd.DataFrame, kept: list[tuple[str, str, int]]) -> pd.DataFrame:
    place = {key: k for k, key in enumerate(kept)}
    order = [place.get(_key(row), -1) for row in table[["symbol", "venue", "side"]].to_dict("records")]
    chosen = table.assign(_order=order)
    return chosen[chosen["_order"] >= 0].sort_values("_order", kind="stable").drop(columns="_order")


def _key(row: Any) -> tuple[str, str, int]:
    return str(row["symbol"]), str(row["venue"]), int(row["side"])


def _no_readings() -> pd.DataFrame:
    names = ["symbol", "venue", "side", "timeframe", "heat", "zone", "green", "red"]
    return pd.DataFrame({name: pd.Series(dtype="object") for name in names})
