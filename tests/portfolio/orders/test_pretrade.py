"""The check before an order: what it changes, and every threshold that makes one look again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import MarginMode, Side
from heatlab.errors import ParameterError
from heatlab.portfolio.market_state import MarketState
from heatlab.portfolio.orders.account import account_liquidation_prices
from heatlab.portfolio.orders.apply import ProposedOrder
from heatlab.portfolio.orders.pretrade import PretradeResult, PretradeSettings, pretrade_check
from heatlab.portfolio.view import RiskView
from tests.portfolio.orders import worlds
from tests.portfolio.orders.worlds import BTC, ETH, SOL, VENUE, XRP


def check(
    order: ProposedOrder,
    held: pd.DataFrame | None = None,
    *,
    change: Any = None,
    **settings: Any,
) -> PretradeResult:
    """Check an order against the book of the world; ``change`` alters each view."""

    def measure(table: pd.DataFrame) -> RiskView:
        view = worlds.measure(table)
        return view if change is None else change(view)

    return pretrade_check(
        order,
        worlds.book() if held is None else held,
        measure=measure,
        candles=worlds.candles(),
        brackets=worlds.BRACKETS,
        settings=PretradeSettings(**settings),
    )


def order(symbol: str, side: Side = Side.LONG, **changes: Any) -> ProposedOrder:
    """An order of 1,000, cross at five times."""
    given = {"leverage": 5.0, "margin_mode": MarginMode.CROSS} | changes
    if "quantity" not in given:
        given.setdefault("notional", 1_000.0)
    return ProposedOrder(symbol, VENUE, side, **given)


def figure(result: PretradeResult, name: str) -> pd.Series:
    """Row of one figure."""
    return result.figures.set_index("figure").loc[name]


def neutral(view: RiskView) -> RiskView:
    """A view whose positions are all amber, so that heat says nothing."""
    return replace(view, heat=replace(view.heat, overall=view.heat.overall.assign(zone=0.0)))


def test_an_order_that_lowers_risk_is_a_go() -> None:
    """Selling some of the largest cluster: no threshold breaks, gross falls by what is sold."""
    got = check(order(BTC, Side.SHORT))
    assert (got.verdict, got.reasons) == ("go", ())
    assert figure(got, "gross exposure")[["before", "after"]].tolist() == pytest.approx([15_000.0, 14_000.0])
    assert figure(got, "volatility per day")["after"] < figure(got, "volatility per day")["before"]


def test_adding_to_the_largest_cluster_is_looked_at_again() -> None:
    """Its gross and its risk share rise over the alert, and the bets fall."""
    got = check(order(BTC, notional=10_000.0), change=neutral)
    assert got.verdict == "look again"
    assert any("gross share rises from 40.0% to 64.0%, over the alert at 25%" in reason for reason in got.reasons)
    assert any(reason.startswith("Effective bets fall from ") for reason in got.reasons)


def test_a_cluster_over_its_alert_already_is_noted_where_the_order_hardly_raises_it() -> None:
    """$10 of 15,000 are less than half a percentage point; the setting decides."""
    got = check(order(BTC, notional=10.0), change=neutral)
    assert not any("Cluster" in reason for reason in got.reasons)
    assert any("is already over the alert at 25%: the order raises its gross share of 40.0%" in it for it in got.notes)
    strict = check(order(BTC, notional=10.0), change=neutral, min_share_rise=0.0)
    assert any("gross share rises from 40.0% to 40.0%" in reason for reason in strict.reasons)


def test_an_account_that_is_over_at_once_is_said_so() -> None:
    """No negative distance, and at most three positions by name."""
    got = check(order(BTC, notional=5_000_000.0, leverage=50.0), change=neutral)
    assert any(reason.startswith("Liquidated at once: BTC/USDT:USDT long") for reason in got.reasons)
    assert "The cross account on binanceusdm would be liquidated at once: no margin would be left." in got.reasons
    assert not any(" -" in reason for reason in got.reasons)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"margin_mode": MarginMode.ISOLATED}, "Buy $1,000 of ADA on binanceusdm at 5x, isolated"),
        ({"quantity": 0.5, "price": 100.0}, "Buy 0.5 ADA ($50) on binanceusdm at 5x, cross, filled at 100"),
        ({"side": Side.SHORT, "notional": 20.5}, "Sell $20.5 of ADA on binanceusdm at 5x, cross"),
    ],
)
def test_an_order_is_repeated_in_words(changes: dict[str, Any], words: str) -> None:
    """In quote or in base, as it was asked for."""
    assert check(order(worlds.ADA, **changes)).words == words


def test_shares_before_and_after_come_from_the_measure() -> None:
    """What the app itself would show for either book."""
    got = check(order(SOL))
    view = worlds.measure(got.positions)
    after = got.clusters.set_index("cluster")["gross_share_after"]
    assert after.to_dict() == pytest.approx(view.cluster_shares.set_index("cluster")["gross_share"].to_dict())


def test_liquidation_prices_of_the_whole_cross_account_move() -> None:
    """The exact prices before and after, for the position ordered and those beside it."""
    got = check(order(SOL, notional=20_000.0))
    exact = account_liquidation_prices(got.positions, VENUE, worlds.BRACKETS)
    by_key = got.distances.set_index("symbol")["liquidation_after"]
    expected = dict(zip(got.positions["symbol"], exact, strict=True))
    assert by_key.to_dict() == pytest.approx(expected, nan_ok=True)
    assert got.distances.set_index("symbol")["ordered"].to_dict() == {BTC: False, ETH: False, SOL: True, XRP: False}
    assert (got.distances["distance_after"] <= got.distances["distance_before"] + 1e-12).all()


def test_a_position_near_liquidation_is_looked_at_again() -> None:
    """At 40 times the margin is gone within three daily volatilities."""
    got = check(order(worlds.ADA, leverage=40.0, margin_mode=MarginMode.ISOLATED), change=neutral)
    assert any(
        reason.startswith("Liquidation of the ADA/USDT:USDT long would be ") and "at least 3 are asked for" in reason
        for reason in got.reasons
    )


def test_a_red_position_is_looked_at_again() -> None:
    """Only if the order makes it grow."""

    def red(view: RiskView) -> RiskView:
        return replace(view, heat=replace(view.heat, overall=view.heat.overall.assign(zone=-1.0, heat=12.0, red=40.0)))

    assert "The long of SOL/USDT:USDT is red: heat 12.0, red below 40.0." in check(order(SOL), change=red).reasons
    assert not any("is red" in reason for reason in check(order(SOL, Side.SHORT), change=red).reasons)


def test_leverage_beyond_the_bracket_is_looked_at_again() -> None:
    """200,000 may be held at 20 times, not at 30."""
    got = check(order(SOL, notional=200_000.0, leverage=30.0), change=neutral)
    assert "Leverage 30x is beyond the 20x allowed for SOL/USDT:USDT on binanceusdm." in got.reasons


def test_margin_that_is_not_there_is_looked_at_again() -> None:
    """7,000 is free: 10,000 of equity less a fifth of 15,000; 50,000 at five times needs 10,000."""
    got = check(order(SOL, notional=50_000.0), change=neutral)
    assert "It needs $10,000 of margin; $7,000 is free on binanceusdm." in got.reasons


def test_a_first_position_is_not_blamed_for_being_alone() -> None:
    """It is noted; the book before is empty."""
    got = check(order(SOL), worlds.book(0, 0, 0, 0), change=neutral)
    assert not any("Cluster" in reason for reason in got.reasons)
    assert got.notes[0].startswith("It is the only position")
    assert figure(got, "gross exposure")["before"] == 0.0


def test_an_order_that_closes_the_last_position_leaves_an_empty_book() -> None:
    """Nothing held, nothing to look at again."""
    held = worlds.book(btc=0.0, eth=0.0, xrp=0.0)
    got = check(order(SOL, Side.SHORT, quantity=float(held["quantity"].iloc[0])), held)
    assert got.positions.empty
    assert (got.verdict, figure(got, "gross exposure")["after"]) == ("go", 0.0)


def test_what_is_assumed_or_unknown_is_noted() -> None:
    """Fee, brackets, wallet, correlation."""
    held = worlds.book()
    held.attrs = {}

    def shocked(view: RiskView) -> RiskView:
        return replace(neutral(view), state=MarketState(trusted=False, words=("News shock.",)))

    got = pretrade_check(
        order(SOL), held, measure=lambda table: shocked(worlds.measure(table)), candles=worlds.candles()
    )
    notes = " ".join(got.notes)
    for words in (
        "Fee or spread is assumed",
        "those of BTC on a large venue are assumed",
        "wallet balance",
        "News shock",
    ):
        assert words in notes
    assert "liquidation price of the SOL/USDT:USDT long would be unknown, which never means safe" in " ".join(
        got.reasons
    )


def test_a_price_typed_in_is_used_and_the_mark_stays() -> None:
    """Bought at half the mark: entry there, value at the mark."""
    got = check(order(worlds.ADA, price=worlds.mark(worlds.ADA) / 2, margin_mode=MarginMode.ISOLATED))
    row = got.positions.iloc[-1]
    assert row["entry_price"] == pytest.approx(worlds.mark(worlds.ADA) / 2)
    assert row["mark_price"] == pytest.approx(worlds.mark(worlds.ADA))
    assert got.order["notional"].iloc[0] == pytest.approx(1_000.0)


def test_the_book_is_left_alone() -> None:
    """Positions, wallet and all."""
    held = worlds.book()
    kept, wallet = held.copy(), dict(held.attrs["wallet_balance"])
    check(order(BTC), held)
    pd.testing.assert_frame_equal(held, kept)
    assert held.attrs["wallet_balance"] == wallet


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (replace(order(BTC), symbol="NO/USDT:USDT"), "'symbol' parameter of pretrade_check must be one of ADA/USDT"),
        (replace(order(BTC), venue="mars"), "must be on a venue loaded here"),
        (
            order(BTC, leverage=np.nan),
            "'leverage' parameter of pretrade_check must be a positive finite number",
        ),
        (order(BTC, notional=0.0), "'notional' parameter of pretrade_check must be a positive finite number. Got 0.0"),
        (order(BTC, quantity=-1.0), "'quantity' parameter of pretrade_check must be a positive finite number"),
        (order(BTC, margin_mode=MarginMode.ISOLATED), "must be cross, as the position held in BTC/USDT:USDT"),
    ],
)
def test_an_order_that_cannot_be_is_refused(wrong: ProposedOrder, message: str) -> None:
    """What is wrong, in one sentence a form can show."""
    with pytest.raises(ParameterError, match=message):
        check(wrong)


def test_wrong_settings_are_refused() -> None:
    """A distance and shares within bounds."""
    with pytest.raises(ParameterError, match="'min_distance' parameter of PretradeSettings must be a positive"):
        PretradeSettings(min_distance=0.0)
    with pytest.raises(ParameterError, match=r"'alert' parameter of PretradeSettings must be in \[0, 1\]"):
        PretradeSettings(alert=2.0)


def test_a_cross_account_is_judged_by_all_its_positions_together() -> None:
    """BTC and ETH move as one: each alone is five daily volatilities from liquidation, the account less than three."""
    held = worlds.book(btc=60_000.0, eth=40_000.0, sol=0.0, xrp=0.0)
    got = check(order(ETH, notional=20_000.0), held, change=neutral)
    away = got.distances.set_index("symbol")["daily_volatilities"]
    assert (away > 3).all()
    (reason,) = (one for one in got.reasons if one.startswith("The cross account on binanceusdm would be "))
    assert "daily volatilities from the end of its margin, its positions moving together" in reason
    small = check(order(ETH, Side.SHORT, notional=20_000.0), held, change=neutral)
    assert not any("cross account" in one for one in small.reasons)
