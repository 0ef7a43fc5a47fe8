"""Orders filled in net mode, and the liquidation prices of the account they are in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.domain import NAN, Contract, MarginMode, Position, Side
from heatlab.errors import ParameterError
from heatlab.margin import bracket_table, liquidation_price, position_liquidation_price
from heatlab.portfolio.orders.account import account_liquidation_prices, brackets_of, free_margin
from heatlab.portfolio.orders.apply import ProposedOrder, apply_orders, filled
from heatlab.portfolio.stress.prepared import prepare_stress
from tests.portfolio.markets import positions

BTC, ETH, VENUE = "BTC/USDT:USDT", "ETH/USDT:USDT", "binanceusdm"


def order(side: int, quantity: float, price: float, **changes: Any) -> ProposedOrder:
    """A complete order of BTC, isolated, five times."""
    given = {"quantity": quantity, "leverage": 5.0, "margin_mode": MarginMode.ISOLATED} | changes
    return filled(ProposedOrder(given.pop("symbol", BTC), VENUE, Side(side), **given), price)


def long_btc(**wallets: float) -> Any:
    """2 BTC long from 100, marked at 110, isolated, five times: margin 40."""
    return positions((BTC, VENUE, 1, 2.0, 100, 110, 5, "isolated"), wallets={VENUE: 1000.0} | wallets)


def test_an_order_on_the_side_held_adds_at_the_weighted_entry(pure: Callable[..., Any]) -> None:
    """2 from 100 and 2 from 110 are 4 from 105; margin 40 + 44; the wallet pays the 44."""
    got = pure(apply_orders, long_btc(), [order(1, 2.0, 110.0)])
    row = got.iloc[0]
    assert (row["quantity"], row["entry_price"], row["margin"]) == (4.0, 105.0, 84.0)
    assert row["leverage"] == pytest.approx(5.0)
    assert got.attrs["wallet_balance"][VENUE] == pytest.approx(956.0)


def test_an_order_against_it_reduces_and_frees_margin() -> None:
    """Selling 0.5 of 2 at 110 realises 5 and frees a quarter of 40; a fee of 1 per mille takes 0.055."""
    got = apply_orders(long_btc(), [order(-1, 0.5, 110.0)], fee=0.001)
    row = got.iloc[0]
    assert (row["quantity"], row["entry_price"], row["margin"]) == (1.5, 100.0, 30.0)
    assert got.attrs["wallet_balance"][VENUE] == pytest.approx(1000 + 5 + 10 - 0.055)


def test_an_order_of_the_whole_closes_it() -> None:
    """No row of quantity 0 stays."""
    assert apply_orders(long_btc(), [order(-1, 2.0, 110.0)]).empty


def test_an_order_beyond_it_turns_it_round() -> None:
    """Selling 3 of 2 leaves a short of 1 from the order's price."""
    row = apply_orders(long_btc(), [order(-1, 3.0, 110.0)]).iloc[0]
    assert (row["side"], row["quantity"], row["entry_price"], row["margin"]) == (-1, 1.0, 110.0, 22.0)
    assert np.isnan(row["liquidation_price"])


def test_a_new_market_is_a_new_last_row_at_its_mark() -> None:
    """Bought at 95 while the mark is 100."""
    got = apply_orders(long_btc(), [order(1, 1.0, 95.0, symbol=ETH)], marks={(VENUE, ETH): 100.0})
    assert got["symbol"].tolist() == [BTC, ETH]
    assert got[["entry_price", "mark_price"]].iloc[1].tolist() == [95.0, 100.0]


def test_of_a_market_held_both_ways_the_opposite_leg_goes_first() -> None:
    """Long 2 and short 1: selling 2 closes the long and leaves the short alone."""
    both = positions((BTC, VENUE, 1, 2.0, 100, 110, 5, "isolated"), (BTC, VENUE, -1, 1.0, 105, 110, 5, "isolated"))
    got = apply_orders(both, [order(-1, 2.0, 110.0)])
    assert got[["side", "quantity"]].to_numpy().tolist() == [[-1, 1.0]]


def test_an_inverse_position_adds_at_the_harmonic_entry() -> None:
    """Equal worth at 100 and at 50 costs 66.67 on average, since contracts are worth quote."""
    book = positions(("BTC/USD:BTC", VENUE, 1, 1.0, 100, 50, 5, "isolated"))
    got = apply_orders(book, [order(1, 1.0, 50.0, symbol="BTC/USD:BTC")])
    assert got["entry_price"].iloc[0] == pytest.approx(200 / 3)


@settings(max_examples=50, deadline=None)
@given(quantity=st.floats(0.01, 10), price=st.floats(50, 200), side=st.sampled_from([1, -1]))
def test_there_and_back_leaves_the_book_and_the_wallet(quantity: float, price: float, side: int) -> None:
    """An order in a new market and its opposite at the same price change nothing."""
    there = apply_orders(long_btc(), [order(side, quantity, price, symbol=ETH)])
    back = apply_orders(there, [order(-side, quantity, price, symbol=ETH)])
    assert back["symbol"].tolist() == [BTC]
    assert back.attrs["wallet_balance"][VENUE] == pytest.approx(1000.0)


@settings(max_examples=50, deadline=None)
@given(quantity=st.floats(0.01, 10), price=st.floats(50, 200))
def test_no_order_makes_money_appear(quantity: float, price: float) -> None:
    """Wallet, margin and profit at the order's price sum to the same before and after, if the fee is nothing."""
    book = positions((BTC, VENUE, 1, 2.0, 100, price, 5, "isolated"), wallets={VENUE: 1000.0})
    after = apply_orders(book, [order(-1, quantity, price)])

    def worth(table: Any) -> float:
        profit = table["side"] * table["quantity"] * (price - table["entry_price"])
        return float(table.attrs["wallet_balance"][VENUE] + (table["margin"] + profit).sum())

    assert worth(after) == pytest.approx(worth(book))


def test_an_order_in_another_margin_mode_is_refused() -> None:
    """Venues keep one per market."""
    with pytest.raises(ParameterError, match="must be isolated, as the position held in BTC/USDT:USDT on binanceusdm"):
        apply_orders(long_btc(), [order(1, 1.0, 110.0, margin_mode=MarginMode.CROSS)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "'quantity' parameter of apply_order must be given, or 'notional' in its place. Got 'neither'"),
        ({"quantity": 1.0, "notional": 1.0}, "Got 'both'"),
        ({"quantity": 0.0}, "'quantity' parameter of apply_order must be a positive finite number. Got 0.0"),
        ({"notional": -5.0}, "'notional' parameter of apply_order must be a positive finite number. Got -5.0"),
        ({"quantity": 1.0, "leverage": NAN}, "'leverage' parameter of apply_order must be a positive finite number"),
        ({"quantity": 1.0, "price": -1.0}, "'price' parameter of apply_order must be a positive finite number"),
    ],
)
def test_an_incomplete_order_is_refused(changes: dict[str, Any], message: str) -> None:
    """What is missing, and what was given."""
    given = {"leverage": 5.0} | changes
    with pytest.raises(ParameterError, match=message):
        filled(ProposedOrder(BTC, VENUE, Side.LONG, **given), 100.0)


def test_an_order_without_any_price_is_refused() -> None:
    """Neither given nor known."""
    with pytest.raises(ParameterError, match="must be given: no mark price of BTC/USDT:USDT on binanceusdm is known"):
        filled(ProposedOrder(BTC, VENUE, Side.LONG, quantity=1.0, leverage=5.0), NAN)


def test_a_notional_becomes_a_quantity() -> None:
    """500 at 100 is 5."""
    got = filled(ProposedOrder(BTC, VENUE, Side.LONG, notional=500.0, leverage=5.0), 100.0)
    assert (got.quantity, got.price) == (5.0, 100.0)


def test_liquidation_prices_of_an_account_are_those_of_the_formula_one_by_one() -> None:
    """Each cross position sees the others' profit and maintenance margin; an isolated one only itself."""
    tables = {(VENUE, symbol): bracket_table([1e6, 1e8], [0.005, 0.01]) for symbol in (BTC, ETH)}
    book = positions(
        (BTC, VENUE, 1, 2.0, 100, 110, 5, "cross"),
        (ETH, VENUE, -1, 5.0, 50, 45, 5, "cross"),
        (ETH, VENUE, 1, 1.0, 40, 45, 5, "isolated"),
        (BTC, "okx", 1, 2.0, 100, 110, 5, "cross"),
        wallets={VENUE: 60.0},
    )
    got = account_liquidation_prices(book, VENUE, tables)
    first = Position(BTC, VENUE, Side.LONG, 2.0, 100.0, 110.0, 5.0, MarginMode.CROSS)
    second = Position(ETH, VENUE, Side.SHORT, 5.0, 50.0, 45.0, 5.0, MarginMode.CROSS)
    by_symbol = {symbol: table for (_, symbol), table in tables.items()}
    for place, own, other in ((0, first, second), (1, second, first)):
        exact = position_liquidation_price(own, by_symbol, others=[other], wallet_balance=60.0)
        assert got[place] == pytest.approx(exact)
    assert got[2] == pytest.approx(40 * 0.8 / 0.995)
    assert np.isnan(got[3])


def test_without_a_wallet_balance_a_cross_price_is_unknown() -> None:
    """NaN, which never means safe; so is free margin."""
    book = positions((BTC, VENUE, 1, 2.0, 100, 110, 5, "cross"))
    assert np.isnan(account_liquidation_prices(book, VENUE, {})).all()
    assert np.isnan(free_margin(book, VENUE))


def test_free_margin_is_equity_less_initial_margin() -> None:
    """60 and a profit of 20 less a fifth of 220; an isolated position plays no part."""
    book = positions(
        (BTC, VENUE, 1, 2.0, 100, 110, 5, "cross"),
        (ETH, VENUE, 1, 1.0, 40, 45, 5, "isolated"),
        wallets={VENUE: 60.0},
    )
    assert free_margin(book, VENUE) == pytest.approx(36.0)


def test_assumed_brackets_of_a_coin_margined_contract_are_in_coin() -> None:
    """300 BTC are 24 million dollars, not the smallest bracket: the price is the one the stress test computes."""
    book = positions(("BTC/USD:BTC", "binancecoinm", 1, 300.0, 80_000, 80_000, 10, "isolated"))
    book["margin"] = np.nan
    exact = liquidation_price(
        1,
        300.0,
        venue="binancecoinm",
        entry_price=80_000.0,
        brackets=brackets_of("binancecoinm", "BTC/USD:BTC", {}, price=80_000.0),
        leverage=10.0,
        contract=Contract.INVERSE,
    )
    got = account_liquidation_prices(book, "binancecoinm", {})[0]
    assert got == pytest.approx(exact)
    betas = pd.DataFrame({"symbol": [BTC], "beta": [1.0], "downside_beta": [1.0], "note": [""]})
    assert got == pytest.approx(prepare_stress(book, betas).book.limit[0])


def test_free_margin_is_unknown_beside_positions_that_settle_in_coin() -> None:
    """A wallet of dollars says nothing about a position whose margin is coin; spot plays no part."""
    linear, spot = (BTC, VENUE, 1, 2.0, 100, 110, 5, "cross"), ("ETH/USDT", VENUE, 1, 1.0, 40, 45, 1, "cross")
    coin = ("BTC/USD:BTC", VENUE, 1, 1.0, 100, 110, 5, "cross")
    assert np.isnan(free_margin(positions(linear, coin, wallets={VENUE: 60.0}), VENUE))
    assert free_margin(positions(linear, spot, wallets={VENUE: 60.0}), VENUE) == pytest.approx(36.0)
