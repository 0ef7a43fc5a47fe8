"""Three ways out of a cluster that carries too much: reduce it, hedge it, or leave and come back. Each one priced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_choice, check_range
from heatlab.domain import NAN, MarginMode, Side
from heatlab.portfolio.book import IDENTITY, exposure
from heatlab.portfolio.correlation.clusters import ClusterSettings
from heatlab.portfolio.orders.apply import ProposedOrder, apply_orders
from heatlab.portfolio.orders.costs import CostSettings, price_orders
from heatlab.portfolio.orders.hedging import HedgeChoice, best_hedge
from heatlab.portfolio.orders.lots import lot_of, rounded_down, rounded_up
from heatlab.portfolio.orders.reduction import reduction
from heatlab.portfolio.orders.shares import BookShares, book_shares, unmoved, volatility_falls
from heatlab.portfolio.rule import ORDER_COLUMNS
from heatlab.portfolio.view import RiskView

Owner = tuple[str, str]
Key = tuple[str, str, str]
REDUCE, HEDGE, EXIT = "reduce", "hedge", "exit and re-enter"
INSIDE = 1.0 - 1e-7
"""The target is met just inside the mark, so that round-off does not leave the cluster on it."""


@dataclass(frozen=True, slots=True)
class RemedySettings:
    """What a remedy aims at.

    Parameters
    ----------
    target : float
        Share of gross and of risk the cluster is brought to [fraction]; the mark of a watch.
    min_effectiveness : float
        Least share of the cluster's variance a hedge must remove (``rho^2``) to be offered.
    hedge_scale : float
        Part of the minimum-variance hedge that is proposed.
    clusters : ClusterSettings
    costs : CostSettings
    """

    target: float = 0.20
    min_effectiveness: float = 0.5
    hedge_scale: float = 1.0
    clusters: ClusterSettings = field(default_factory=ClusterSettings)
    costs: CostSettings = field(default_factory=CostSettings)

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "RemedySettings"
        check_range("target", self.target, 0, 1, caller=caller, closed="neither")
        check_range("min_effectiveness", self.min_effectiveness, 0, 1, caller=caller)
        check_range("hedge_scale", self.hedge_scale, 0, 1, caller=caller, closed="right")


DEFAULT = RemedySettings()


@dataclass(frozen=True)
class Option:
    """One way out, with what it costs and what it changes.

    Attributes
    ----------
    name : str
        "reduce", "hedge" or "exit and re-enter".
    offered : bool
        Whether it makes sense; ``words`` say why not.
    words : tuple of str
        Sentences for the screen.
    orders : DataFrame
        Proposed now, as :func:`heatlab.portfolio.orders.costs.price_orders` gives them.
    later : DataFrame
        To place once the condition in ``words`` holds; priced at today's prices.
    before, after : BookShares
        Shares of ALL clusters and the effective bets, without it and with it.
    cost : float
        Of ``orders`` and ``later`` [quote]; NaN where a price is unknown.
    """

    name: str
    offered: bool
    words: tuple[str, ...]
    orders: pd.DataFrame
    later: pd.DataFrame
    before: BookShares
    after: BookShares
    cost: float


@dataclass(frozen=True)
class _Task:
    """What every option needs to know."""

    view: RiskView
    cluster: int
    inside: np.ndarray[Any, Any]
    before: BookShares
    spreads: Mapping[Owner, float] | None
    fees: Mapping[str, float] | None
    lots: Mapping[Owner, float] | None
    settings: RemedySettings

    @property
    def rows(self) -> list[dict[Any, Any]]:
        """Positions of the cluster."""
        return self.view.positions[self.inside].to_dict("records")

    @cached_property
    def held(self) -> dict[Owner, tuple[MarginMode, float]]:
        """Margin mode and leverage of every market held."""
        names = ("venue", "symbol", "margin_mode", "leverage")
        rows = zip(*(self.view.positions[name] for name in names), strict=True)
        return {(venue, symbol): (MarginMode(str(mode)), float(times)) for venue, symbol, mode, times in rows}

    def priced(self, rows: list[dict[str, Any]], rule: str) -> pd.DataFrame:
        """Orders table with prices and costs."""
        numeric = {"side": np.int64, "quantity": np.float64, "notional": np.float64}
        table = pd.DataFrame([{**row, "rule": rule} for row in rows], columns=ORDER_COLUMNS).astype(numeric)
        return price_orders(table, spreads=self.spreads, fees=self.fees, settings=self.settings.costs)


def cluster_options(
    view: RiskView,
    cluster: int,
    *,
    candles: Mapping[Key, pd.DataFrame],
    spreads: Mapping[Owner, float] | None = None,
    fees: Mapping[str, float] | None = None,
    lots: Mapping[Owner, float] | None = None,
    settings: RemedySettings = DEFAULT,
) -> tuple[Option, ...]:
    """Offer three priced ways out of a cluster, each with the shares of every cluster before and after it.

    Parameters
    ----------
    view : RiskView
    cluster : int
        Label, one of those in ``view.clusters``.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Markets that may hedge: those with ``1h`` bars.
    spreads, fees : mapping, optional
        As for :func:`heatlab.portfolio.orders.costs.price_orders`.
    lots : mapping of (venue, symbol) to float, optional
        Lots [base].
    settings : RemedySettings

    Returns
    -------
    tuple of Option
        Reduce, hedge, exit and re-enter. One that makes no sense has ``offered = False`` and no orders.

    Raises
    ------
    ParameterError
        The cluster is none of the view's.
    """
    known = [int(label) for label in view.cluster_shares["cluster"]]
    check_choice("cluster", int(cluster), known, caller="cluster_options")
    inside = (view.concentration["cluster"] == cluster).to_numpy(dtype=bool)
    before = book_shares(view.positions, view.correlation, view.clusters, settings=settings.clusters)
    task = _Task(view, int(cluster), inside, before, spreads, fees, lots, settings)
    return _reduce(task), _hedge(task, candles), _exit(task)


def _reduce(task: _Task) -> Option:
    target = task.settings.target
    gross, risk = reduction(task.view, task.cluster, target=target * INSIDE)
    factor = float(np.nanmin([gross, risk])) if np.isfinite([gross, risk]).any() else NAN
    if math.isnan(factor):
        return _declined(task, REDUCE, "The sizes of this cluster are unknown, so no reduction can be solved.")
    if factor >= 1:
        return _declined(task, REDUCE, f"Nothing to reduce: its shares are at or below {target:.0%} already.")
    if factor <= 0:
        text = "This cluster is the whole book: its share stays 100 % at any size. Add another bet, or exit."
        return _declined(task, REDUCE, text)
    words = f"scale to {factor:.1%} of today's size"
    orders = [_cut(task, row, 1 - factor, words) for row in task.rows]
    binding = "gross" if gross <= risk or math.isnan(risk) else "risk"
    return _offered(
        task,
        REDUCE,
        orders,
        words=(f"Keep {factor:.1%} of every position of the cluster: its {binding} share falls to {target:.0%}.",),
    )


def _exit(task: _Task) -> Option:
    orders = [_cut(task, row, 1.0, "close, to re-enter later") for row in task.rows]
    orders = [order for order in orders if order["quantity"] > 0]
    if not orders:
        return _declined(task, EXIT, "The sizes of this cluster are unknown, so there is nothing to close.")
    target = task.settings.target
    factors = reduction(task.view, task.cluster, target=target * INSIDE)
    known = [factor for factor in factors if math.isfinite(factor) and factor > 0]
    factor = min(1.0, *known) if known else 1.0
    condition = _condition(task, factor if known else NAN)
    later = [_cut(task, row, factor, "re-enter on the condition", again=True) for row in task.rows]
    words = ("Close the cluster now.", condition, "The cost counts both ways at today's prices.")
    return _offered(task, EXIT, orders, later=[order for order in later if order["quantity"] > 0], words=words)


def _condition(task: _Task, factor: float) -> str:
    held = task.view.positions.loc[task.inside, IDENTITY]
    heats = held.merge(task.view.heat.overall, on=IDENTITY, how="left")
    heat, green = float(heats["heat"].mean()), float(heats["green"].mean())
    size = float(np.nansum(np.abs(exposure(task.view.positions)[task.inside])))
    now = f"its mean heat is green again (now {heat:.0f}, green from {green:.0f})"
    if math.isnan(heat):
        now = "its heat is known and green"
    if math.isnan(factor):
        return f"Re-enter when {now}, beside another bet: alone it is 100 % of the book at any size."
    most = f"${size * factor:,.0f}" + (f" ({factor:.0%} of today's size)" if factor < 1 else "")
    return f"Re-enter when {now}, with at most {most}: there its share is {task.settings.target:.0%} or less."


def _hedge(task: _Task, candles: Mapping[Key, pd.DataFrame]) -> Option:
    choice = _best(task, candles)
    if choice is None:
        text = "No instrument to hedge with: no other perpetual has enough hourly history here."
        return _declined(task, HEDGE, text)
    least = task.settings.min_effectiveness
    name = f"{choice.symbol} on {choice.venue}"
    if choice.hedge.effectiveness < least:
        text = (
            f"Not offered: the best instrument, {name}, would remove {choice.hedge.effectiveness:.0%} of the cluster's "
            f"variance (rho {choice.correlation:+.2f}); at least {least:.0%} is asked for."
        )
        return _declined(task, HEDGE, text)
    notional = choice.hedge.notional * task.settings.hedge_scale
    quantity = rounded_down(abs(notional) / choice.price, lot_of(task.lots, choice.venue, choice.symbol))
    side = Side.LONG if notional > 0 else Side.SHORT
    if not quantity > 0:
        return _declined(task, HEDGE, f"The hedge in {name} would be smaller than one lot.")
    ratio = choice.hedge.ratio * task.settings.hedge_scale
    reason = f"hedge the cluster: ratio {abs(ratio):.2f}, rho {choice.correlation:+.2f}"
    order = {**_order(choice.symbol, choice.venue, side, quantity, choice.price), "reason": reason}
    words = _hedge_words(choice, side, ratio, task.settings.hedge_scale)
    if (choice.venue, choice.symbol) in task.held:
        words = (*words, f"{choice.symbol} is held there already: the order is netted with that position.")
    return _offered(task, HEDGE, [order], words=words, choice=choice)


def _best(task: _Task, candles: Mapping[Key, pd.DataFrame]) -> HedgeChoice | None:
    """Find an instrument outside the cluster where one is good enough, else the best of all."""
    outside = best_hedge(task.view, task.cluster, candles=candles)
    if outside is not None and outside.hedge.effectiveness >= task.settings.min_effectiveness:
        return outside
    inside = best_hedge(task.view, task.cluster, candles=candles, held_too=True)
    return inside or outside


def _hedge_words(choice: HedgeChoice, side: Side, ratio: float, scale: float) -> tuple[str, ...]:
    kept = math.sqrt(1 - choice.hedge.effectiveness * scale * (2 - scale))
    verb = "Buy" if side is Side.LONG else "Sell"
    how = f"ratio {abs(ratio):.2f} of the cluster's exposure, rho {choice.correlation:+.2f}"
    return (
        f"{verb} {choice.symbol} on {choice.venue}: {how}. {kept:.0%} of the cluster's volatility stays.",
        "A hedge is a position too: gross grows, two positions pay funding, and rho can break.",
    )


def _offered(
    task: _Task,
    name: str,
    rows: list[dict[str, Any]],
    *,
    words: tuple[str, ...],
    later: list[dict[str, Any]] | None = None,
    choice: HedgeChoice | None = None,
) -> Option:
    orders, back = task.priced(rows, name), task.priced(later or [], name)
    filled = [_as_proposed(task, row) for row in orders.to_dict("records") if row["price"] > 0]
    after = apply_orders(task.view.positions, filled)
    estimate = task.view.correlation if choice is None else choice.estimate
    labels = task.view.clusters if choice is None else choice.clusters
    shares = book_shares(after, estimate, labels, settings=task.settings.clusters)
    if filled and (kept := unmoved(task.before, shares, task.cluster)):
        held = book_shares(task.view.positions, estimate, labels, settings=task.settings.clusters)
        if not volatility_falls(held, shares):
            return _declined(task, name, f"It does nothing: {kept}, and the book's volatility hardly falls.")
        words = (*words, f"{kept[0].upper()}{kept[1:]}: only the book's volatility falls.")
    words = (*words, *_still_over(shares.clusters, task.settings.clusters))
    cost = float(orders["cost"].sum(skipna=False)) + float(back["cost"].sum(skipna=False))
    unpriced = len(orders) - len(filled)
    if unpriced:
        words = (*words, f"{unpriced} of {len(orders)} orders have no mark price: they are not in the shares after.")
    return Option(name, True, words, orders, back, task.before, shares, cost)


def _still_over(clusters: pd.DataFrame, settings: ClusterSettings) -> tuple[str, ...]:
    """Name the clusters over alert afterwards: shares sum to one, so what one loses the others gain."""
    over = clusters[clusters["level"] == "alert"]
    if over.empty:
        return ()
    named = ", ".join(
        f"{row['name']} {np.nanmax([row['gross_share'], row['risk_share']]):.0%}" for row in over.to_dict("records")
    )
    few = len(clusters) * settings.alert <= 1
    kind = "one cluster it" if len(clusters) == 1 else f"{len(clusters)} clusters one"
    why = f": with {kind} always is, only more bets help" if few else ""
    return (f"Over alert then: {named}{why}.",)


def _declined(task: _Task, name: str, why: str) -> Option:
    nothing = task.priced([], name)
    return Option(name, False, (why,), nothing, nothing, task.before, task.before, NAN)


def _cut(task: _Task, row: Mapping[Any, Any], part: float, words: str, *, again: bool = False) -> dict[str, Any]:
    side, held = Side.parse(row["side"]), float(row["quantity"])
    lot = lot_of(task.lots, row["venue"], row["symbol"])
    whole = part >= 1
    quantity = held if whole else (rounded_down(held * part, lot) if again else rounded_up(held * part, lot, most=held))
    order = _order(row["symbol"], row["venue"], side if again else Side(-side), quantity, float(row["mark_price"]))
    return {**order, "reason": f"{side.label}: {words}"}


def _order(symbol: str, venue: str, side: Side, quantity: float, price: float) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "venue": venue,
        "side": int(side),
        "quantity": quantity,
        "notional": quantity * price,
    }


def _as_proposed(task: _Task, row: Mapping[Any, Any]) -> ProposedOrder:
    """Order at its mark; leverage and margin mode as the market is held, since shares do not depend on them."""
    mode, leverage = task.held.get((row["venue"], row["symbol"]), (MarginMode.CROSS, 1.0))
    return ProposedOrder(
        row["symbol"],
        row["venue"],
        Side(int(row["side"])),
        quantity=float(row["quantity"]),
        notional=float(row["notional"]),
        leverage=leverage,
        margin_mode=mode,
        price=float(row["price"]),
    )
