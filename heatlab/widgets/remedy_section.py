"""Remedies: three priced ways out of a cluster that carries too much, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.figures import format as show
from heatlab.figures.decision_tables import priced_orders_html, shares_html, words_html
from heatlab.figures.theme import Theme
from heatlab.portfolio.correlation.clusters import ClusterSettings
from heatlab.portfolio.orders.remedies import EXIT, HEDGE, REDUCE, Option, RemedySettings, cluster_options
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import Background
from heatlab.widgets.downloads import download_link
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.panel_parts import message_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

TITLES = {REDUCE: "Reduce", HEDGE: "Hedge", EXIT: "Exit and re-enter"}
NOTHING_SENT = "Proposed orders, nothing is sent."
HOW = (
    f'<p class="hl-muted">{NOTHING_SENT} Costs are the taker fee and half the spread; ~ marks one that is assumed, '
    "not measured. Shares after are measured by the same functions as everywhere here, with today's correlation. "
    "Hatched bars: the cluster hedges the book.</p>"
)


@dataclass(frozen=True)
class _Asked:
    inputs: BookInputs
    view: RiskView
    cluster: int
    settings: RemedySettings


class RemedySection:
    """Reduce, hedge, or exit and re-enter: what each costs and what it does to every cluster.

    Parameters
    ----------
    shared : Shared
    limits : callable, optional
        ``limits() -> ClusterSettings``: marks of watch and alert in force.
    """

    title, name = "Remedies", "remedies"

    def __init__(self, shared: Shared, *, limits: Callable[[], ClusterSettings] | None = None) -> None:
        self._shared, self._limits = shared, limits or ClusterSettings
        self._given: tuple[BookInputs, RiskView] | None = None
        self.options: tuple[Option, ...] = ()
        self.cluster = ipywidgets.Dropdown(description="Cluster", options=[])
        self.target = ipywidgets.IntSlider(
            value=20, min=5, max=90, step=1, description="Target share [%]", readout_format="d", continuous_update=False
        )
        self.target.style.description_width = "initial"
        self.target.tooltip = "Share of gross and of risk the cluster is brought to [%]"
        self.option = ipywidgets.ToggleButtons(
            description="Option", options=[(title, name) for name, title in TITLES.items()]
        )
        self.option.add_class("hl-choice")
        self.message, self.cards = ipywidgets.HTML(), ipywidgets.HTML()
        self.log_button = LogButton(shared.log, self.entry, label="Log this proposal")
        self.link = download_link("proposed_orders.csv", self.csv, label="Orders as CSV")
        self.body = ipywidgets.VBox(self._parts())
        self.root = ipywidgets.VBox([self.message, self.body])
        self._work = Background(_solve, self._display, shared.status)
        for control in (self.cluster, self.target):
            control.observe(guard(lambda _: self._ask(), shared.status), "value")
        self.option.observe(guard(lambda _: self._draw(), shared.status), "value")

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Offer the clusters of a book, those in alert first."""
        words = _nothing_to_do(inputs, view)
        self.body.layout.display = "none" if words else ""
        if words:
            self._given, self.options = None, ()
            self.message.value = message_html(words)
            return
        self._given = None
        options = [(_label(row), int(row["cluster"])) for row in _ranked(view).to_dict("records")]
        kept = self.cluster.value
        if list(self.cluster.options) != options:
            self.cluster.options = options
            self.cluster.value = kept if kept in [value for _, value in options] else options[0][1]
        self._given = (inputs, view)
        self.message.value = _callout(view)
        self._ask()

    def set_theme(self, theme: Theme) -> None:
        """Nothing to do: cards follow the page."""

    def chosen(self) -> Option | None:
        """Return the option the CSV and the journal speak of; None before there is one."""
        return next((option for option in self.options if option.name == self.option.value), None)

    def csv(self) -> bytes:
        """Orders of the chosen option as CSV; those to place later say so. Empty where there are none."""
        option = self.chosen()
        if option is None:
            return b""
        tables = [option.orders.assign(when="now"), option.later.assign(when="once the condition holds")]
        kept = [table for table in tables if len(table)]
        return pd.concat(kept).to_csv(index=False).encode() if kept else b""

    def entry(self) -> JournalEntry | None:
        """Journal entry of the chosen option, with shares and cost; None where it has no orders."""
        option, label = self.chosen(), {value: text for text, value in self.cluster.options}
        if option is None or not option.offered:
            return None
        state: dict[str, Any] = {
            "option": option.name,
            "cluster": label.get(self.cluster.value, ""),
            "orders": [
                f"{'buy' if row['side'] > 0 else 'sell'} {row['quantity']:.6g} {row['symbol']} on {row['venue']}"
                for row in option.orders.to_dict("records")
            ],
            "cost": float(option.cost),
            "independent bets before": float(option.before.measures.effective_principal_bets),
            "independent bets after": float(option.after.measures.effective_principal_bets),
            "effective bets before": float(option.before.measures.effective_bets),
            "effective bets after": float(option.after.measures.effective_bets),
        }
        for when, shares in (("before", option.before), ("after", option.after)):
            state[f"shares {when}"] = {
                str(row["name"]): [float(row["gross_share"]), float(row["risk_share"])]
                for row in shares.clusters.to_dict("records")
            }
        return JournalEntry(kind="order", text=f"{TITLES[option.name]}: {' '.join(option.words)}", state=state)

    async def settled(self) -> None:
        """Wait until every request is dealt with."""
        await self._work.settled()

    def _parts(self) -> list[Any]:
        self.cluster.layout.width = "min(460px, 100%)"
        self.target.layout.width = "min(380px, 100%)"
        pick, act = (
            ipywidgets.Box([self.cluster, self.target]),
            ipywidgets.Box([self.option, self.link, self.log_button]),
        )
        for box in (pick, act):
            box.add_class("hl-toolbar")
        return [pick, act, self.cards, ipywidgets.HTML(HOW)]

    def _ask(self) -> None:
        if self._given is not None and self.cluster.value is not None:
            settings = RemedySettings(target=self.target.value / 100, clusters=self._limits())
            self._work(_Asked(*self._given, int(self.cluster.value), settings))

    def _display(self, options: tuple[Option, ...]) -> None:
        self.options = options
        self._draw()

    def _draw(self) -> None:
        cards = "".join(option_html(option, chosen=option.name == self.option.value) for option in self.options)
        self.cards.value = f'<div class="hl-options">{cards}</div>'


def option_html(option: Option, *, chosen: bool = False) -> str:
    """One option as a card: cost, independent and effective bets, words, shares before and after, orders."""
    title = TITLES[option.name]
    if not option.offered:
        words = f'<h3>{title} <span class="hl-badge">declined</span></h3>{words_html(option.words)}'
        return f'<section class="hl-option hl-declined" aria-label="{title}">{words}</section>'
    mark = ' <span class="hl-badge">chosen</span>' if chosen else ""
    before, after = option.before.measures, option.after.measures
    figures = {
        "Cost": show.usd(option.cost),
        "Independent bets": (
            f"{show.number(before.effective_principal_bets, 2)} → {show.number(after.effective_principal_bets, 2)}"
        ),
        "Effective bets": f"{show.number(before.effective_bets, 2)} → {show.number(after.effective_bets, 2)}",
        "Volatility a day": f"{show.usd(before.volatility)} → {show.usd(after.volatility)}",
    }
    cells = "".join(
        f'<div class="hl-figure"><div class="hl-figure-name">{name}</div>'
        f'<div class="hl-figure-value">{escape(text)}</div></div>'
        for name, text in figures.items()
    )
    later = priced_orders_html(option.later, caption="Later, once the condition holds") if len(option.later) else ""
    return (
        f'<section class="hl-option{" hl-chosen" if chosen else ""}" aria-label="{title}"><h3>{title}{mark}</h3>'
        f'<div class="hl-figures">{cells}</div>{words_html(option.words)}'
        f"{shares_html(option.before.clusters, option.after.clusters)}"
        f"{priced_orders_html(option.orders, caption='Proposed orders, nothing is sent')}{later}</section>"
    )


def _solve(asked: _Asked) -> tuple[Option, ...]:
    return cluster_options(
        asked.view,
        asked.cluster,
        candles=asked.inputs.candles,
        spreads=asked.inputs.spreads,
        fees=asked.inputs.fees,
        settings=asked.settings,
    )


def _ranked(view: RiskView) -> pd.DataFrame:
    """Clusters in alert first, then watch, each in the order of the table: largest first."""
    order = view.cluster_shares["level"].map({"alert": 0, "watch": 1}).fillna(2)
    return view.cluster_shares.loc[order.sort_values(kind="stable").index]


def _label(row: dict[Any, Any]) -> str:
    level = f", {row['level']}" if row["level"] else ""
    gross, risk = show.percent(row["gross_share"], signed=False), show.percent(row["risk_share"], signed=False)
    return f"{row['name']}: gross {gross}, risk {risk}{level}"


def _callout(view: RiskView) -> str:
    if (view.cluster_shares["level"] != "").any():
        return ""
    text = "No cluster is at its watch mark: nothing needs to be done. What follows answers what if."
    return f'<div class="hl-callout hl-good" role="status">{text}</div>'


def _nothing_to_do(inputs: BookInputs, view: RiskView) -> str:
    if inputs.watching or view.positions.empty:
        return "No positions, so there is nothing to reduce or hedge. Load yours to see priced ways out."
    if not view.concentration["notional"].notna().any():
        return "No position has a known quantity and mark price, so no share can be changed by a known amount."
    return ""
