"""Pre-trade check: type an order in, see the book before and after it, and whether to look again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.domain import NAN, JournalEntry, MarginMode, Side
from heatlab.errors import HeatlabError, ParameterError
from heatlab.figures.decision_tables import (
    change_html,
    distances_html,
    priced_orders_html,
    shares_html,
    verdict_html,
)
from heatlab.figures.theme import Theme
from heatlab.portfolio.correlation.clusters import ClusterSettings
from heatlab.portfolio.orders.apply import ProposedOrder
from heatlab.portfolio.orders.pretrade import PretradeResult, PretradeSettings, pretrade_check
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import Background
from heatlab.widgets.downloads import download_link
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.panel_parts import message_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

Measure = Callable[[pd.DataFrame, BookInputs], RiskView]
NOTIONAL, QUANTITY = "notional", "quantity"
FIRST_NOTIONAL = 1_000.0
HOW = (
    '<p class="hl-muted">Nothing is sent. The order is taken as filled at its price: against a position it reduces it '
    "and turns it round beyond that, with it it adds at the weighted entry. Liquidation prices follow from the "
    "venue's exact formula for the whole account. Go means that no threshold is broken, not that the trade is good. "
    "A cluster over its alert already counts only if the order raises its share by at least {points:g} percentage "
    "points; less is noted.</p>"
)
NAMES = {
    "quantity": "Amount",
    "notional": "Amount",
    "leverage": "Leverage",
    "price": "Price",
    "margin_mode": "Margin",
    "symbol": "Market",
    "side": "Side",
}
"""What the form calls the parameters of an order."""
REFUSED = re.compile(r"^The '(\w+)' parameter of \w+ must be (.*)\. Got (.*) instead\.$", re.DOTALL)


@dataclass(frozen=True)
class _Asked:
    order: ProposedOrder
    inputs: BookInputs
    view: RiskView | None
    settings: PretradeSettings


class PretradeSection:
    """An order that somebody thinks of, and what it would do.

    Parameters
    ----------
    shared : Shared
    measure : callable
        ``measure(positions, inputs) -> RiskView``: the measure of the app itself, so that before and after are alike.
        It runs in a thread.
    settings : PretradeSettings, optional
    limits : callable, optional
        ``limits() -> ClusterSettings``: its mark of an alert goes before the one of ``settings``.
    """

    title, name = "Pre-trade", "pretrade"

    def __init__(
        self,
        shared: Shared,
        *,
        measure: Measure,
        settings: PretradeSettings | None = None,
        limits: Callable[[], ClusterSettings] | None = None,
    ) -> None:
        self._shared, self._measure, self._settings = shared, measure, settings or PretradeSettings()
        self._limits = limits
        self._given: tuple[BookInputs, RiskView | None] | None = None
        self.result: PretradeResult | None = None
        self.market = ipywidgets.Dropdown(description="Market", options=[])
        self.side = ipywidgets.ToggleButtons(description="Side", options=[("Buy", 1), ("Sell", -1)])
        self.side.style.button_width = "72px"
        self.side.add_class("hl-choice")
        self.unit = ipywidgets.Dropdown(
            description="Amount in", options=[("quote (notional)", NOTIONAL), ("base (quantity)", QUANTITY)]
        )
        self.amount = ipywidgets.Text(description="Amount", value=f"{FIRST_NOTIONAL:g}")
        self.leverage = ipywidgets.Text(description="Leverage", value="5")
        self.mode = ipywidgets.Dropdown(description="Margin", options=[mode.value for mode in MarginMode])
        self.price = ipywidgets.Text(description="Price", placeholder="mark price")
        self.problem, self.verdict = ipywidgets.HTML(), ipywidgets.HTML()
        self.changes, self.shares, self.distances = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.priced = ipywidgets.HTML()
        self.log_button = LogButton(shared.log, self.entry, label="Log this proposal")
        self.link = download_link("pretrade_check.csv", self.csv, label="Check as CSV")
        self.answer = ipywidgets.VBox(self._answer_parts())
        how = HOW.format(points=self._settings.min_share_rise * 100)
        self.body = ipywidgets.VBox([self._form(), self.problem, self.answer, ipywidgets.HTML(how)])
        self.message = ipywidgets.HTML()
        self.root = ipywidgets.VBox([self.message, self.body])
        self._work = Background(self._check, self._display, shared.status)
        self.market.observe(guard(lambda _: self._match_mode(), shared.status), "value")
        for control in self._controls():
            control.observe(guard(lambda _: self._ask(), shared.status), "value")
        shared.selection.observe(guard(lambda _: self._follow(), shared.status), ["position", "section"])

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Offer the markets there are, and check the order again."""
        self._given = None
        held = list(zip(view.positions["venue"], view.positions["symbol"], strict=True))
        markets = list(dict.fromkeys([*held, *((venue, symbol) for venue, symbol, _ in inputs.candles)]))
        words = "" if markets else "No market is loaded, so there is nothing to trade."
        self.message.value = message_html(words)
        self.body.layout.display = "none" if words else ""
        if words:
            self.result = None
            return
        options = [
            (f"{symbol} · {venue}", (venue, symbol)) for venue, symbol in sorted(markets, key=lambda at: at[::-1])
        ]
        kept = self.market.value
        if list(self.market.options) != options:
            self.market.options = options
            self.market.value = kept if kept in markets else markets[0]
        self._given = (_without_watched(inputs), None if inputs.watching else view)
        if kept is None:
            self._follow()
            self._match_mode()
        self._ask()

    def set_theme(self, theme: Theme) -> None:
        """Nothing to do: tables follow the page."""

    def order(self) -> ProposedOrder:
        """Read the order that is typed in.

        Raises
        ------
        ParameterError
            A field is not a number above 0.
        """
        venue, symbol = self.market.value
        return ProposedOrder(
            symbol,
            venue,
            Side(self.side.value),
            leverage=_number(self.leverage),
            margin_mode=MarginMode(self.mode.value),
            price=_number(self.price, empty=NAN),
            **{str(self.unit.value): _number(self.amount)},
        )

    def csv(self) -> bytes:
        """Return the order, figures, cluster shares and distances of the check in one CSV; empty without a result."""
        if self.result is None:
            return b""
        tables = ("order", "figures", "clusters", "distances")
        parts = [getattr(self.result, name).assign(table=name) for name in tables]
        head = pd.DataFrame({"table": "verdict", "figure": [self.result.verdict, *self.result.reasons]})
        return bytes(pd.concat([head, *parts]).to_csv(index=False).encode())

    def entry(self) -> JournalEntry | None:
        """Journal entry of the order with its verdict; None without a result."""
        if self.result is None:
            return None
        row = self.result.order.iloc[0]
        verb = "buy" if row["side"] > 0 else "sell"
        figures = self.result.figures.to_dict("records")
        state: dict[str, Any] = {
            "verdict": self.result.verdict,
            "reasons": list(self.result.reasons),
            "quantity": float(row["quantity"]),
            "notional": float(row["notional"]),
            "price": float(row["price"]),
            "order": str(row["reason"]),
            **{f"{one['figure']}, {when}": float(one[when]) for one in figures for when in ("before", "after")},
        }
        text = f"Pre-trade check, {self.result.verdict}: {verb} {row['quantity']:.6g} {row['symbol']} on {row['venue']}"
        return JournalEntry(
            kind="order", text=text, symbol=row["symbol"], venue=row["venue"], side=int(row["side"]), state=state
        )

    async def settled(self) -> None:
        """Wait until every request is dealt with."""
        await self._work.settled()

    def _controls(self) -> list[Any]:
        return [self.market, self.side, self.unit, self.amount, self.leverage, self.mode, self.price]

    def _form(self) -> ipywidgets.Box:
        for control in self._controls():
            control.layout.width = "100%"
        form = ipywidgets.Box(self._controls())
        form.add_class("hl-order-form")
        return form

    def _answer_parts(self) -> list[Any]:
        tables = ipywidgets.Box([self.changes, self.shares])
        tables.add_class("hl-row")
        act = ipywidgets.Box([self.link, self.log_button])
        act.add_class("hl-toolbar")
        return [self.verdict, act, tables, self.distances, self.priced]

    def _follow(self) -> None:
        """Take the market of the position selected elsewhere."""
        selection = self._shared.selection
        if self._given is None or not selection.position or not selection.in_view(self.name):
            return
        symbol, venue, _side = selection.position
        if (venue, symbol) in [value for _, value in self.market.options]:
            self.market.value = (venue, symbol)

    def _match_mode(self) -> None:
        """Take the margin mode the market is held in: venues keep one."""
        if self._given is None or self.market.value is None:
            return
        venue, symbol = self.market.value
        held = self._given[0].positions
        same = held[(held["venue"] == venue) & (held["symbol"] == symbol)]
        if len(same):
            self.mode.value = str(same["margin_mode"].iloc[0])

    def _ask(self) -> None:
        if self._given is None or self.market.value is None:
            return
        try:
            order = self.order()
        except ParameterError as error:
            self._display(error)
            return
        limits = self._limits() if self._limits is not None else None
        settings = self._settings if limits is None else replace(self._settings, alert=limits.alert)
        self._work(_Asked(order, *self._given, settings))

    def _check(self, asked: _Asked) -> PretradeResult | HeatlabError:
        """Check an order; what is wrong with it is an answer, not a failure."""
        inputs = asked.inputs
        try:
            return pretrade_check(
                asked.order,
                inputs.positions,
                measure=lambda positions: self._measure(positions, inputs),
                candles=inputs.candles,
                brackets=inputs.brackets,
                before=asked.view,
                spreads=inputs.spreads,
                fees=inputs.fees,
                settings=asked.settings,
            )
        except HeatlabError as error:
            return error

    def _display(self, result: PretradeResult | HeatlabError) -> None:
        problem = _plain(result) if isinstance(result, HeatlabError) else ""
        self.problem.value = message_html(problem, kind="hl-callout hl-error") if problem else ""
        self.answer.layout.display = "none" if problem else ""
        self.result = None if isinstance(result, HeatlabError) else result
        if self.result is None:
            return
        self.verdict.value = verdict_html(
            self.result.verdict, self.result.reasons, self.result.notes, order=self.result.words
        )
        self.changes.value = change_html(self.result.figures)
        before, after = (_side(self.result.clusters, when) for when in ("before", "after"))
        self.shares.value = shares_html(before, after)
        self.distances.value = distances_html(self.result.distances)
        self.priced.value = priced_orders_html(self.result.order, caption="The order, priced; nothing is sent")


def _side(clusters: pd.DataFrame, when: str) -> pd.DataFrame:
    """Shares before or after, under their plain names."""
    names = ("gross_share", "risk_share", "level")
    return clusters.rename(columns={f"{name}_{when}": name for name in names})[["cluster", "name", *names]]


def _number(field: ipywidgets.Text, *, empty: float | None = None) -> float:
    text = str(field.value).strip().replace(",", "").replace("_", "").removesuffix("x")
    if not text and empty is not None:
        return empty
    try:
        number = float(text)
    except ValueError:
        number = NAN
    if not 0 < number < math.inf:
        raise ParameterError(f"{field.description} must be a number above 0; got {field.value!r}.")
    return number


def _plain(error: HeatlabError) -> str:
    """Message of an error in the words of the form."""
    found = REFUSED.match(str(error))
    if found is None or found[1] not in NAMES:
        return str(error)
    return f"{NAMES[found[1]]} must be {found[2]}; got {found[3]}."


def _without_watched(inputs: BookInputs) -> BookInputs:
    """While only watching nothing is held: the rows are markets, not positions."""
    if not inputs.watching:
        return inputs
    return BookInputs(
        inputs.positions.iloc[:0],
        inputs.candles,
        inputs.now,
        inputs.source_name,
        brackets=inputs.brackets,
        spreads=inputs.spreads,
        fees=inputs.fees,
    )
