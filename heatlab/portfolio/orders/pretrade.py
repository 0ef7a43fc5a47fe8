"""Before an order is placed: what it does to heat, clusters, bets and every liquidation price of its account."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from heatlab._checks import check_positive, check_range, parameter_error
from heatlab.domain import NAN, Contract, MarginMode, Side, market_names
from heatlab.margin import contract_of, is_spot, maximum_leverage
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.orders.account import Brackets, brackets_of, free_margin
from heatlab.portfolio.orders.apply import ProposedOrder, apply_orders, filled
from heatlab.portfolio.orders.change import ROUND_OFF, Change
from heatlab.portfolio.orders.costs import CostSettings, price_orders
from heatlab.portfolio.orders.hedging import market_price
from heatlab.portfolio.rule import ORDER_COLUMNS
from heatlab.portfolio.view import RiskView

Key = tuple[str, str, str]
Owner = tuple[str, str]
GO, LOOK_AGAIN = "go", "look again"
RED = -1.0
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class PretradeSettings:
    """When to look again.

    Parameters
    ----------
    min_distance : float
        Least distance to liquidation, in daily volatilities of the symbol, and of a cross account as a whole. Ours:
        three is a bad day, not a rare one.
    max_bets_fall : float
        Largest fall of the effective number of bets [fraction of it].
    alert : float
        Share of gross or risk from which a cluster is alerted [fraction].
    min_share_rise : float
        Least rise of the share of a cluster that is over its alert already to look again at [fraction of the book];
        less is noted. A cluster the order takes over the alert is always looked at.
    costs : CostSettings
    """

    min_distance: float = 3.0
    max_bets_fall: float = 0.05
    alert: float = 0.25
    min_share_rise: float = 0.005
    costs: CostSettings = field(default_factory=CostSettings)

    def __post_init__(self) -> None:
        """Check every setting."""
        check_positive("min_distance", self.min_distance, caller="PretradeSettings")
        check_range("max_bets_fall", self.max_bets_fall, 0, 1, caller="PretradeSettings")
        check_range("alert", self.alert, 0, 1, caller="PretradeSettings")
        check_range("min_share_rise", self.min_share_rise, 0, 1, caller="PretradeSettings")


DEFAULT = PretradeSettings()


@dataclass(frozen=True)
class PretradeResult:
    """What an order would change.

    Attributes
    ----------
    verdict : str
        "go" or "look again": a threshold is broken by the order. Never a forecast of profit.
    reasons : tuple of str
        The thresholds broken, with their numbers; empty for "go".
    notes : tuple of str
        What is assumed or unknown.
    order : DataFrame
        The order, priced.
    figures : DataFrame
        figure, unit ("heat", "quote" or "count"), better (+1 more is better, -1 less is, 0 neither), before, after.
    clusters : DataFrame
        cluster, name, and gross_share, risk_share and level, each ``_before`` and ``_after``; largest first.
    distances : DataFrame
        Positions of the account the order touches: symbol, venue, side, ordered (bool: the order is in it),
        liquidation price [quote] and distance [fraction of mark] before and after, and the distance after in daily
        volatilities. NaN where unknown, or where there is no such position.
    positions : DataFrame
        The book after the order.
    words : str
        The order in words, such as "Buy $1,000 of BTC on binanceusdm at 5x, isolated".
    """

    verdict: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    order: pd.DataFrame
    figures: pd.DataFrame
    clusters: pd.DataFrame
    distances: pd.DataFrame
    positions: pd.DataFrame
    words: str = ""


def pretrade_check(
    order: ProposedOrder,
    positions: pd.DataFrame,
    *,
    measure: Callable[[pd.DataFrame], RiskView],
    candles: Mapping[Key, pd.DataFrame],
    brackets: Brackets | None = None,
    before: RiskView | None = None,
    spreads: Mapping[Owner, float] | None = None,
    fees: Mapping[str, float] | None = None,
    settings: PretradeSettings = DEFAULT,
) -> PretradeResult:
    """Measure a book with and without an order, and say whether a threshold breaks; nothing is sent.

    Only what the order makes worse counts. Shares sum to one, so an order that takes the book's volatility down is not
    blamed for the share that what is left then has.

    Parameters
    ----------
    order : ProposedOrder
    positions : DataFrame
        Canonical positions; ``attrs["wallet_balance"]`` for liquidation prices of cross accounts.
    measure : callable
        ``measure(positions) -> RiskView``, used for the book before and after alike.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Markets an order may be in.
    brackets : mapping of (venue, symbol) to DataFrame, optional
        Assumed, and said so, where a market has none.
    before : RiskView, optional
        Of ``positions``, where it is at hand.
    spreads, fees : mapping, optional
        As for :func:`heatlab.portfolio.orders.costs.price_orders`.
    settings : PretradeSettings

    Returns
    -------
    PretradeResult

    Raises
    ------
    ParameterError
        The market is unknown, or the order is incomplete: see :func:`heatlab.portfolio.orders.apply.filled`.
    """
    whole = _complete(order, positions, candles)
    priced = _priced(whole, spreads, fees, settings)
    rate = float(priced["fee"].iloc[0] / priced["notional"].iloc[0])
    marks = {(whole.venue, whole.symbol): market_price(positions, candles, whole.venue, whole.symbol)}
    after_book = apply_orders(positions, [whole], fee=rate, marks=marks)
    second = measure(after_book) if len(after_book) else _nothing(before or measure(positions))
    first = (before or measure(positions)) if len(positions) else _nothing(second)
    change = Change(whole, positions, after_book, first, second, brackets or {})
    distances, clusters = change.distances(), change.clusters()
    over, already = _cluster_rises(change, clusters, settings)
    reasons = (
        *_leverage_reasons(change),
        *over,
        *_bets_reasons(change, settings),
        *_distance_reasons(distances, settings),
        *_account_reasons(change, settings),
        *_heat_reasons(change),
    )
    return PretradeResult(
        verdict=LOOK_AGAIN if reasons else GO,
        reasons=reasons,
        notes=(*_notes(change, priced), *already),
        order=priced,
        figures=change.figures(),
        clusters=clusters,
        distances=distances,
        positions=after_book,
        words=_in_words(order, whole, _markets(positions, candles)),
    )


def _nothing(view: RiskView) -> RiskView:
    """View of an empty book in the market of another one."""
    none = ConcentrationMeasures(gross_exposure=0.0, net_exposure=0.0)
    heat = replace(view.heat, overall=view.heat.overall.iloc[:0], book_heat=NAN)
    return replace(view, heat=heat, cluster_shares=view.cluster_shares.iloc[:0], measures=none)


def _markets(positions: pd.DataFrame, candles: Mapping[Key, pd.DataFrame]) -> set[Owner]:
    held = zip(positions["venue"], positions["symbol"], strict=True)
    return {(venue, symbol) for venue, symbol, _ in candles} | set(held)


def _in_words(asked: ProposedOrder, whole: ProposedOrder, markets: set[Owner]) -> str:
    """Repeat an order as it was asked for: in quote or in base, at the mark or at a price."""
    name = market_names(sorted(symbol for venue, symbol in markets if venue == whole.venue))[whole.symbol]
    verb = "Buy" if whole.side is Side.LONG else "Sell"
    worth = f"${_figure(whole.notional, 2)}"
    amount = f"{worth} of {name}" if math.isnan(asked.quantity) else f"{_figure(whole.quantity, 8)} {name} ({worth})"
    terms = "" if is_spot(whole.symbol) else f" at {whole.leverage:g}x, {whole.margin_mode}"
    price = "" if math.isnan(asked.price) else f", filled at {_figure(whole.price, 8)}"
    return f"{verb} {amount} on {whole.venue}{terms}{price}"


def _figure(value: float, decimals: int) -> str:
    """Write a number with thousands separators and no more decimals than it needs."""
    text = f"{value:,.{decimals}f}".rstrip("0").rstrip(".")
    return text if text != "0" else f"{value:.3g}"


def _complete(order: ProposedOrder, positions: pd.DataFrame, candles: Mapping[Key, pd.DataFrame]) -> ProposedOrder:
    markets = _markets(positions, candles)
    if (order.venue, order.symbol) not in markets:
        here = sorted(symbol for venue, symbol in markets if venue == order.venue)
        venues = ", ".join(sorted({venue for venue, _ in markets}))
        known = f"one of {', '.join(here)}" if here else f"on a venue loaded here ({venues or 'none'})"
        raise parameter_error("symbol", "pretrade_check", known, f"{order.symbol} on {order.venue}")
    mark = market_price(positions, candles, order.venue, order.symbol)
    return filled(order, mark, caller="pretrade_check")


def _priced(
    order: ProposedOrder,
    spreads: Mapping[Owner, float] | None,
    fees: Mapping[str, float] | None,
    settings: PretradeSettings,
) -> pd.DataFrame:
    names = ("symbol", "venue", "quantity", "notional")
    row = {name: getattr(order, name) for name in names} | {"side": int(order.side)}
    row |= {"reason": f"typed in, {order.leverage:g}x {order.margin_mode}", "rule": "pre-trade"}
    return price_orders(pd.DataFrame([row], columns=ORDER_COLUMNS), spreads=spreads, fees=fees, settings=settings.costs)


def _leverage_reasons(change: Change) -> list[str]:
    """Leverage beyond the bracket, and margin that is not there."""
    if not change.opened > 0:
        return []
    row = change.own(change.made).iloc[0]
    inverse = contract_of(change.order.symbol) is Contract.INVERSE
    size = float(row["quantity"]) * (1.0 if inverse else float(row["entry_price"]))
    brackets = brackets_of(change.order.venue, change.order.symbol, change.brackets, price=float(row["entry_price"]))
    allowed = float(maximum_leverage(size, brackets))
    reasons = []
    if change.order.leverage > allowed:
        reasons.append(f"Leverage {change.order.leverage:g}x is beyond the {allowed:g}x allowed for {change.name}.")
    needed = change.opened * change.order.price / change.order.leverage
    free = free_margin(change.held, change.order.venue)
    if needed > free:
        reasons.append(f"It needs ${needed:,.0f} of margin; ${max(free, 0):,.0f} is free on {change.order.venue}.")
    return reasons


def _cluster_rises(change: Change, clusters: pd.DataFrame, settings: PretradeSettings) -> tuple[list[str], list[str]]:
    """Clusters over alert whose share the order raises, as reasons, and as notes where it hardly does.

    A first position is always alone, and only noted.
    """
    reasons: list[str] = []
    notes: list[str] = []
    if change.held.empty or change.lowers_risk:
        return reasons, notes
    for row in clusters.to_dict("records"):
        for kind in ("gross", "risk"):
            old, new = float(row[f"{kind}_share_before"]), float(row[f"{kind}_share_after"])
            if not new >= settings.alert or new <= old + ROUND_OFF:
                continue
            if old >= settings.alert and new - old < settings.min_share_rise - ROUND_OFF:
                notes.append(
                    f"Cluster {row['name']} is already over the alert at {settings.alert:.0%}: the order raises its "
                    f"{kind} share of {old:.1%} by less than {settings.min_share_rise * 100:g} percentage points."
                )
            else:
                reasons.append(
                    f"Cluster {row['name']}: {kind} share rises from {old:.1%} to {new:.1%}, over the alert at "
                    f"{settings.alert:.0%}."
                )
    return reasons, notes


def _bets_reasons(change: Change, settings: PretradeSettings) -> list[str]:
    """Fewer effective bets than before."""
    old, new = change.before.measures.effective_bets, change.after.measures.effective_bets
    if change.lowers_risk or not new < old * (1 - settings.max_bets_fall):
        return []
    return [f"Effective bets fall from {old:.2f} to {new:.2f}, by more than {settings.max_bets_fall:.0%}."]


def _distance_reasons(distances: pd.DataFrame, settings: PretradeSettings) -> list[str]:
    """Positions nearer to liquidation than a few daily volatilities, and nearer than before."""
    reasons: list[str] = []
    gone: list[str] = []
    for row in distances.to_dict("records"):
        label = f"{row['symbol']} {Side(int(row['side'])).label}"
        far, was, away = row["daily_volatilities"], row["distance_before"], row["distance_after"]
        if row["ordered"] and math.isnan(away):
            reasons.append(f"The liquidation price of the {label} would be unknown, which never means safe.")
        elif away <= 0 and (row["ordered"] or not away >= was - ROUND_OFF):
            gone.append(label)
        elif far < settings.min_distance and not away >= was - ROUND_OFF:
            reasons.append(
                f"Liquidation of the {label} would be {away:.1%} away, {far:.1f} daily volatilities; "
                f"at least {settings.min_distance:g} are asked for."
            )
    if gone:
        more = f" and {len(gone) - MOST_NAMED} more" if len(gone) > MOST_NAMED else ""
        reasons.insert(0, f"Liquidated at once: {', '.join(gone[:MOST_NAMED])}{more}.")
    return reasons


def _account_reasons(change: Change, settings: PretradeSettings) -> list[str]:
    """Name a cross account whose positions together are nearer to the end of its margin than before."""
    if change.order.margin_mode != MarginMode.CROSS or not change.opened > 0:
        return []
    was, away = change.account_moves()
    if not away < settings.min_distance or away >= was - ROUND_OFF:
        return []
    if away <= 0:
        return [f"The cross account on {change.order.venue} would be liquidated at once: no margin would be left."]
    told = (
        f"The cross account on {change.order.venue} would be {away:.1f} daily volatilities from the end of its "
        f"margin, its positions moving together; at least {settings.min_distance:g} are asked for."
    )
    return [told]


def _heat_reasons(change: Change) -> list[str]:
    """Name a position that grows against its trend."""
    if not change.opened > 0:
        return []
    row = change.own(change.after.heat.overall)
    if row.empty or float(row["zone"].iloc[0]) != RED:
        return []
    heat, red = float(row["heat"].iloc[0]), float(row["red"].iloc[0])
    return [f"The {change.order.side.label} of {change.order.symbol} is red: heat {heat:.1f}, red below {red:.1f}."]


def _notes(change: Change, priced: pd.DataFrame) -> tuple[str, ...]:
    """Say what is assumed or unknown."""
    notes = []
    if change.held.empty:
        notes.append("It is the only position: its cluster is the whole book, which no other bet balances yet.")
    if bool(priced["assumed"].iloc[0]):
        notes.append("Fee or spread is assumed, not measured.")
    if (change.order.venue, change.order.symbol) not in change.brackets:
        notes.append(f"Leverage brackets of {change.name} are not known: those of BTC on a large venue are assumed.")
    heat = change.own(change.after.heat.overall)
    if change.opened > 0 and (heat.empty or math.isnan(float(heat["heat"].iloc[0]))):
        notes.append("The heat of this position is unknown: too few bars.")
    if math.isnan(change.daily_volatility(change.order.symbol)):
        notes.append(f"The volatility of {change.order.symbol} is unknown: its share of risk and bets are too.")
    if math.isnan(free_margin(change.held, change.order.venue)):
        notes.append(f"The wallet balance on {change.order.venue} is not known: free margin is not checked.")
    if not change.after.state.trusted:
        notes.append("The market is unusual now: " + " ".join(change.after.state.words))
    return tuple(notes)
