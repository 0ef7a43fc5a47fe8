"""Shocks worked out by hand, and what cannot be known."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import MarginMode, Position, Side
from heatlab.errors import DataError, ParameterError
from heatlab.margin import position_liquidation_price
from heatlab.portfolio.merge import merge_positions
from heatlab.portfolio.orders.account import account_liquidation_prices, free_margin
from heatlab.portfolio.stress.prepared import prepare_stress, stress
from heatlab.portfolio.stress.settings import StressSettings
from tests.portfolio.stress.books import NAN, ONE_PERCENT, beta_table, positions, prepared

CROSS = {"margin_mode": "cross", "leverage": 5.0}
ETH = {"symbol": "ETH/USDT:USDT", "entry_price": 50.0, "mark_price": 50.0}
PAIR = positions(CROSS, {**CROSS, **ETH})


def test_an_isolated_long_within_its_limit() -> None:
    """1 BTC at 100, margin 10: at -5 % it has lost 5 and keeps 5."""
    row = prepared(positions({})).at(-0.05).positions.iloc[0]
    assert (row["price"], row["pnl"], row["margin_left"]) == pytest.approx((95.0, -5.0, 5.0))
    assert row["outcome"] == "held"
    assert row["liquidation_move"] == pytest.approx(-1 / 11)
    assert row["distance_after"] == pytest.approx(100 * (10 / 11) / 95 - 1)


def test_an_isolated_long_loses_its_margin_and_no_more() -> None:
    """Beyond 90.91 it is gone, with all of its margin of 10."""
    ready = prepared(positions({}))
    for move in (-0.10, -0.30):
        result = ready.at(move)
        assert (result.pnl, result.equity, result.liquidated) == pytest.approx((-10.0, 0.0, 1))
    assert result.positions["margin_left"][0] == 0.0


def test_the_liquidation_price_itself_liquidates() -> None:
    """Just before it nothing happens."""
    ready = prepared(positions({}))
    limit = -1 / 11
    assert [ready.at(limit + step).liquidated for step in (1e-9, -1e-9)] == [0, 1]


def test_an_isolated_short_is_hurt_by_a_rise() -> None:
    """Margin 10, rate 1 %: liquidated at 110 / 1.01."""
    ready = prepared(positions({"side": -1}))
    assert ready.at(-0.3).pnl == pytest.approx(30.0)
    assert ready.at(0.10).pnl == pytest.approx(-10.0)
    assert ready.marks()["move"].tolist() == pytest.approx([110 / 1.01 / 100 - 1])


def test_falls_use_the_downside_beta_and_rises_the_beta() -> None:
    """Beta 1.5 up, 2 down."""
    ready = prepared(positions({**ETH, "leverage": 2.0}), ETH=(1.5, 2.0))
    assert ready.at(0.1).pnl == pytest.approx(7.5)
    assert ready.at(-0.1).pnl == pytest.approx(-10.0)
    assert ready.at(-0.1).positions["beta_used"].tolist() == [2.0]


def test_an_inverse_long_and_its_coin_collateral() -> None:
    """1,000 USD at 100 with 2 coin: -10 % costs 100 on the contract and 20 on the coin; 80 of 200 are left."""
    book = positions({"symbol": "BTC/USD:BTC", "quantity": 10.0, "leverage": 5.0})
    result = prepared(book).at(-0.1)
    assert result.positions["pnl"].tolist() == pytest.approx([-100.0])
    assert (result.collateral, result.pnl) == pytest.approx((-20.0, -120.0))
    assert (result.equity_before, result.equity) == pytest.approx((200.0, 80.0))


def test_a_liquidated_inverse_position_loses_its_coin() -> None:
    """The whole equity of 200 is gone, whatever the coin is then worth."""
    book = positions({"symbol": "BTC/USD:BTC", "quantity": 10.0, "leverage": 5.0})
    result = prepared(book).at(-0.3)
    assert (result.liquidated, result.pnl, result.equity) == pytest.approx((1, -200.0, 0.0))


def test_spot_cannot_be_liquidated() -> None:
    """2 ETH at 50 with beta 2 are worth 80 after -10 %."""
    book = positions({**ETH, "symbol": "ETH/USDT", "quantity": 2.0, "leverage": NAN})
    result = prepared(book, ETH=2.0).at(-0.1)
    row = result.positions.iloc[0]
    assert (row["pnl"], row["margin_left"], row["outcome"]) == (pytest.approx(-20.0), pytest.approx(80.0), "held")
    assert row["note"] == "beta of ETH/USDT:USDT"
    assert np.isinf(row["liquidation_move"])


def test_cross_positions_share_a_wallet() -> None:
    """Wallet 20: equity 20 + 200x meets maintenance 1.5 + 2x at x = -18.5/198."""
    ready = prepared(PAIR, wallets={"binanceusdm": 20.0}, ETH=2.0)
    limit = -18.5 / 198
    account = ready.at(-0.05).accounts.iloc[0]
    assert account["liquidation_move"] == pytest.approx(limit, rel=1e-10)
    assert (account["equity"], account["maintenance"], account["margin_left"]) == pytest.approx((10.0, 1.4, 8.6))
    assert account["margin_ratio"] == pytest.approx(0.14)
    assert [ready.at(limit + step).liquidated for step in (1e-9, -1e-9)] == [0, 2]


def test_a_liquidated_account_loses_all_it_had() -> None:
    """Both positions together lose the wallet of 20, by what each lost and needed."""
    result = prepared(PAIR, wallets={"binanceusdm": 20.0}, ETH=2.0).at(-0.2)
    assert result.positions["outcome"].tolist() == ["liquidated", "liquidated"]
    assert result.positions["pnl"].sum() == pytest.approx(-20.0)
    assert result.accounts["outcome"].tolist() == ["liquidated"]
    assert (result.equity, result.accounts["margin_left"][0]) == (0.0, 0.0)


def test_one_cross_position_agrees_with_the_formula_of_its_venue() -> None:
    """Alone in its account, the joint move is that of its own liquidation price."""
    for venue, side in (("binanceusdm", 1), ("binanceusdm", -1), ("okx", 1), ("okx", -1), ("hyperliquid", 1)):
        book = positions({**CROSS, "venue": venue, "side": side})
        one = Position("BTC/USDT:USDT", venue, Side(side), 1.0, 100.0, 100.0, margin_mode=MarginMode.CROSS)
        price = position_liquidation_price(one, ONE_PERCENT, others=(), wallet_balance=15.0)
        ready = prepared(book, wallets={venue: 15.0})
        assert ready.moves.tolist() == pytest.approx([price / 100 - 1], rel=1e-10)


def test_a_hedge_in_the_same_account_is_not_liquidated() -> None:
    """A long and a short of one size move against each other."""
    book = positions({**CROSS}, {**CROSS, "symbol": "BTC/USDC:USDT", "side": -1})
    result = prepared(book, wallets={"binanceusdm": 5.0}).at(-0.3)
    assert (result.pnl, result.liquidated) == pytest.approx((0.0, 0))


def test_a_coin_wallet_backs_inverse_cross_positions() -> None:
    """0.3 coin behind 100 USD at 100: equity 0.3 + 1 - 1/p = 0.01/p at p = 1.01/1.3."""
    book = positions({**CROSS, "symbol": "BTC/USD:BTC"})
    ready = prepared(book, wallets={("binanceusdm", "BTC"): 0.3})
    assert ready.moves.tolist() == pytest.approx([1.01 / 1.3 - 1], rel=1e-10)
    result = ready.at(-0.1)
    assert result.equity == pytest.approx((0.3 + 1 - 1 / 0.9) * 90)
    assert result.equity - result.equity_before == pytest.approx(result.pnl)


def test_a_missing_wallet_is_unknown_never_safe() -> None:
    """P&L is told, the outcome is not."""
    result = prepared(PAIR, ETH=2.0).at(-0.3)
    assert result.positions["outcome"].tolist() == ["unknown", "unknown"]
    assert (result.unknown, result.pnl) == (2, pytest.approx(-60.0))
    assert np.isnan(result.equity)
    assert result.accounts["note"].tolist() == ["its wallet balance is not known"]


def test_a_wallet_follows_from_a_liquidation_price_of_the_venue() -> None:
    """Liquidated at 1000/11 with nothing else: the wallet holds 10."""
    book = positions({**CROSS, "liquidation_price": 1000 / 11})
    ready = prepared(book)
    assert ready.book.accounts[0].wallet == pytest.approx(10.0)
    assert ready.moves.tolist() == pytest.approx([-1 / 11])
    assert any("inferred" in note for note in ready.at(0.0).notes)


def test_a_margin_follows_from_a_liquidation_price_of_the_venue() -> None:
    """The same for an isolated position without margin and leverage."""
    book = positions({"leverage": NAN, "liquidation_price": 1000 / 11})
    assert prepared(book).at(-0.2).pnl == pytest.approx(-10.0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"leverage": NAN}, "neither its leverage nor its margin is known"),
        ({"venue": "somewhere"}, "no exact margin formula of somewhere is known"),
        ({"leverage": 500.0}, "binanceusdm does not allow 500x here"),
        ({**CROSS, "venue": "bybit"}, "cross margin on bybit has no closed form"),
        ({"quantity": NAN}, "its price or quantity is not known: left out; its quantity or entry price is not known"),
    ],
)
def test_what_cannot_be_known_says_why(row: dict[str, Any], why: str) -> None:
    """An unknown outcome with its reason."""
    one = prepared(positions(row), wallets={"bybit": 100.0}).at(-0.3).positions.iloc[0]
    assert (one["outcome"], one["note"]) == ("unknown", why)


def test_a_position_without_beta_is_left_out_and_said() -> None:
    """Its P&L is unknown, not 0."""
    result = prepared(positions({}, {**ETH, "symbol": "NEW/USDT:USDT"})).at(-0.05)
    assert np.isnan(result.positions["pnl"][1])
    assert (result.pnl, result.left_out) == (pytest.approx(-5.0), 1)
    assert result.notes == ("Left out of the P&L: NEW/USDT:USDT on binanceusdm (no hourly candles, beta unknown).",)


def test_a_beta_of_one_is_taken_when_asked_for() -> None:
    """And said."""
    settings = StressSettings(assume_beta=True)
    result = prepared(positions({**ETH, "symbol": "NEW/USDT:USDT"}), settings=settings).at(-0.05)
    assert (result.pnl, result.left_out) == (pytest.approx(-2.5), 0)
    assert result.notes == ("Beta unknown, taken as 1: NEW/USDT:USDT on binanceusdm.",)


def test_an_account_with_a_position_left_out_is_unknown() -> None:
    """Its margin depends on a price nobody knows."""
    book = positions(CROSS, {**CROSS, "symbol": "NEW/USDT:USDT"})
    result = prepared(book, wallets={"binanceusdm": 50.0}).at(-0.1)
    assert result.positions["outcome"].tolist() == ["unknown", "unknown"]
    assert result.accounts["note"].tolist() == ["a position in it has no price or beta"]


def test_a_position_already_beyond_its_liquidation_price_is_liquidated_at_once() -> None:
    """With its margin gone it can lose nothing more."""
    result = prepared(positions({"mark_price": 85.0})).at(0.0)
    assert (result.liquidated, result.pnl) == (1, 0.0)
    assert result.positions["note"].tolist() == ["already beyond its liquidation price"]


def test_missing_brackets_are_assumed_and_said() -> None:
    """Typical ones stand in."""
    notes = prepare_stress(positions({}), beta_table()).at(0.0).notes
    assert notes == ("Leverage brackets are assumed for BTC/USDT:USDT on binanceusdm.",)


def test_an_idle_wallet_counts_as_equity() -> None:
    """A venue whose positions are all isolated still holds its balance."""
    result = prepared(positions({}), wallets={"binanceusdm": 90.0}).at(-0.3)
    assert (result.equity_before, result.equity) == pytest.approx((100.0, 90.0))
    assert result.pnl_share == pytest.approx(-0.1)


def test_an_empty_book_has_nothing_to_lose() -> None:
    """No positions: tables without rows."""
    result = prepare_stress(positions().astype({"side": "int64"}), beta_table()).at(-0.1)
    assert (len(result.positions), len(result.accounts), result.liquidated) == (0, 0, 0)
    assert np.isnan(result.pnl)


def test_the_curve_and_the_shock_agree() -> None:
    """Each point of the curve is what a shock of that size gives."""
    ready = prepared(PAIR, wallets={"binanceusdm": 20.0}, ETH=2.0)
    curve = ready.curve()
    assert len(curve) == 61
    for row in curve.iloc[::10].to_dict("records"):
        result = ready.at(float(row["move"]))
        assert (result.pnl, result.liquidated) == pytest.approx((row["pnl"], row["liquidated"]))
    assert ready.marks()["label"].tolist() == ["binanceusdm cross"]
    left = ready.account_curves()["binanceusdm USDT"]
    assert (left.iloc[0], left.iloc[30]) == pytest.approx((0.0, 18.5))


def test_stress_is_the_prepared_shock() -> None:
    """One call for one move."""
    brackets = {("binanceusdm", "BTC/USDT:USDT"): ONE_PERCENT}
    assert stress(positions({}), -0.05, beta_table(), brackets=brackets).pnl == pytest.approx(-5.0)


def test_a_move_beyond_the_reach_is_refused() -> None:
    """The slider ends at 30 %."""
    with pytest.raises(ParameterError, match=r"'move' parameter of stress must be in \[-0.3, 0.3\]"):
        stress(positions({}), -0.5, beta_table())


def test_a_table_that_is_no_book_is_refused() -> None:
    """The columns are named."""
    with pytest.raises(DataError, match="leverage"):
        prepare_stress(positions({}).drop(columns="leverage"), beta_table())


def test_inputs_stay_as_they_are(pure: Callable[..., Any]) -> None:
    """Positions and betas are read only."""
    pure(stress, positions({}), -0.1, beta_table())


def test_five_hundred_positions_follow_the_slider() -> None:
    """A shock in 50 ms and the whole curve in 200 ms, once prepared."""
    rows = [{**(CROSS if k % 2 else {}), "quantity": 0.1 + k / 500, "venue": ("binanceusdm", "okx")[k % 3 == 0]}
            for k in range(500)]  # fmt: skip
    ready = prepared(positions(*rows), wallets={"binanceusdm": 4000.0, "okx": 2000.0})

    def best(function: Callable[[], Any]) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
        return min(times)

    assert best(lambda: ready.at(-0.07)) < 0.05
    assert best(ready.curve) < 0.2


def test_the_positions_index_does_not_matter() -> None:
    """Only their order does."""
    book = positions({}, ETH).set_index(pd.Index([7, 3]))
    assert prepared(book, ETH=1.0).at(-0.05).positions["pnl"].tolist() == pytest.approx([-5.0, -2.5])


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_joined_accounts_are_unknown_never_safe(mode: str) -> None:
    """10 coins behind 110 fall at -11 %; a rich second account does not help them, though their sum would hold."""
    poor, rich = (positions({"quantity": size, "margin_mode": mode}) for size in (10.0, 1.0))
    poor.attrs["wallet_balance"], rich.attrs["wallet_balance"] = {"binanceusdm": 110.0}, {"binanceusdm": 5000.0}
    both = merge_positions({"main": poor, "second": rich})
    result = prepared(both).at(-0.2)
    assert result.positions["outcome"].tolist() == ["unknown"]
    assert "several accounts are joined in it" in result.positions["note"].iloc[0]
    assert np.isnan(account_liquidation_prices(both, "binanceusdm", {})).all()
    assert np.isnan(free_margin(both, "binanceusdm")) or mode == "isolated"


def test_an_account_with_an_unknown_price_has_unknown_equity() -> None:
    """Profit that is not known is not 0."""
    book = positions({"margin_mode": "cross"}, {"symbol": "ETH/USDT:USDT", "margin_mode": "cross", "mark_price": NAN})
    row = prepared(book, wallets={"binanceusdm": 500.0}, ETH=1.0).at(-0.2).accounts.iloc[0]
    assert np.isnan([row["equity_before"], row["equity"]]).all()


def test_equity_is_known_in_part_where_a_wallet_is_missing() -> None:
    """An isolated long with a margin of 10 beside a cross one without a wallet: 10 before, 5 after, and the gap."""
    book = positions({}, {"symbol": "ETH/USDT:USDT", "margin_mode": "cross", "venue": "okx"})
    result = prepared(book, ETH=1.0).at(-0.05)
    assert np.isnan(result.equity)
    assert (result.known_before.amount, result.known.amount) == pytest.approx((10.0, 5.0))
    assert result.known_before.gaps == result.known.gaps == ("okx USDT: its wallet is unknown",)


def test_equity_after_does_not_count_what_has_no_beta() -> None:
    """Known before the shock, not after it: counted as unmoved it would look safe."""
    result = prepared(positions({}, {"symbol": "NEW/USDT:USDT"})).at(-0.05)
    assert (result.known_before.amount, result.known_before.gaps) == (pytest.approx(20.0), ())
    assert result.known.amount == pytest.approx(5.0)
    assert len(result.known.gaps) == 1
    assert result.known.gaps[0].startswith("NEW/USDT:USDT on binanceusdm: ")


def test_a_book_known_in_full_has_no_gap() -> None:
    """The known equity is the equity."""
    result = prepared(positions({}, {"symbol": "ETH/USDT:USDT"}), ETH=1.0).at(-0.05)
    assert (result.known.amount, result.known.gaps) == (pytest.approx(result.equity), ())


def test_nothing_after_a_shock_is_known_of_what_is_left_out() -> None:
    """Neither the margin left nor the way to liquidation; the way from its price now is."""
    row = prepared(positions({"symbol": "NEW/USDT:USDT"})).at(-0.05).positions.iloc[0]
    assert np.isnan([row["margin_left"], row["distance_after"]]).all()
    assert row["distance"] == pytest.approx(90 / 0.99 / 100 - 1)
