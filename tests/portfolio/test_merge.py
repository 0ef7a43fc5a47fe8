"""Books of several accounts as one, and the worth of every contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import MissingColumnsError
from heatlab.frames import POSITIONS, check
from heatlab.margin import inverse_equity
from heatlab.portfolio.book import exposure
from heatlab.portfolio.merge import joined_accounts, merge_positions, position_pnl, position_value, quantity_at_entry

NAN = float("nan")
BTC, COIN, SPOT = "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT"


def book(*rows: dict[str, Any], wallets: dict[str, float] | None = None) -> pd.DataFrame:
    """Positions of these rows; what is not said is a long of one BTC from 100 at 110."""
    usual = {
        "symbol": BTC, "venue": "okx", "side": 1, "quantity": 1.0, "entry_price": 100.0, "mark_price": 110.0,
        "leverage": 10.0, "margin_mode": "isolated", "margin": 10.0, "liquidation_price": 91.0,
    }  # fmt: skip
    table = pd.DataFrame([{**usual, **row} for row in rows], columns=list(POSITIONS.names))
    table.attrs["wallet_balance"] = wallets or {}
    return table


def test_profit_by_contract() -> None:
    """From 100 to 110: 10 per coin; contracts worth 110 made 110 * (1/100 - 1/110) = 0.1 coin, worth 11."""
    table = book({}, {"symbol": SPOT}, {"symbol": COIN}, {"symbol": COIN, "side": -1})
    assert position_pnl(table).tolist() == pytest.approx([10.0, 10.0, 11.0, -11.0])
    assert position_value(table).tolist() == [110.0] * 4
    assert exposure(table).tolist() == [110.0, 110.0, 110.0, -110.0]


@settings(max_examples=50)
@given(entry=st.floats(1, 1e5), growth=st.floats(0.2, 5), coins=st.floats(0.01, 100), side=st.sampled_from([1, -1]))
def test_inverse_profit_is_that_of_the_margin_maths(entry: float, growth: float, coins: float, side: int) -> None:
    """Equity in coin above nothing put down, valued at the mark."""
    mark = entry * growth
    table = book({"symbol": COIN, "side": side, "quantity": coins, "entry_price": entry, "mark_price": mark})
    in_coin = inverse_equity(side, coins * mark, entry_price=entry, price=mark, margin=0.0)
    assert position_pnl(table).iloc[0] == pytest.approx(float(in_coin) * mark, abs=1e-6)


def test_an_unknown_mark_leaves_value_and_profit_unknown() -> None:
    """NaN, never 0."""
    table = book({"mark_price": NAN})
    assert position_value(table).isna().all()
    assert position_pnl(table).isna().all()


def test_the_quantity_a_file_states() -> None:
    """1.1 coin at a mark of 100 were 1 coin... of contracts worth 110, at an entry of 110."""
    table = book({"symbol": COIN, "quantity": 1.1, "entry_price": 110.0, "mark_price": 100.0}, {"quantity": 3.0})
    assert quantity_at_entry(table).tolist() == pytest.approx([1.0, 3.0])


def test_the_same_leg_of_two_accounts_is_one_row() -> None:
    """Quantities and margins add up, the entry is weighted; prices that differ are no one price."""
    one = book({"quantity": 1.0, "entry_price": 100.0, "margin": 10.0, "liquidation_price": 91.0})
    other = book({"quantity": 3.0, "entry_price": 120.0, "margin": 72.0, "leverage": 5.0, "liquidation_price": 97.0})
    (row,) = merge_positions({"main": one, "alt": other}).to_dict("records")
    assert (row["quantity"], row["entry_price"], row["margin"]) == (4.0, 115.0, 82.0)
    assert row["leverage"] == pytest.approx(460 / 82)
    assert np.isnan(row["liquidation_price"])
    assert row["nearest_liquidation_price"] == 97.0
    assert row["account"] == "main, alt"


def test_entries_of_inverse_legs_are_weighted_by_coin() -> None:
    """100 of contracts from 50 (2 coin) and 100 from 100 (1 coin): 200 for 3 coin is an entry of 66.67."""
    legs = [{"symbol": COIN, "quantity": 0.5, "mark_price": 200.0, "entry_price": entry} for entry in (50.0, 100.0)]
    merged = merge_positions({"main": book(legs[0]), "alt": book(legs[1])})
    assert merged["entry_price"].iloc[0] == pytest.approx(200 / 3)
    apart = position_pnl(book(*legs)).sum()
    assert position_pnl(merged).iloc[0] == pytest.approx(apart)


def test_legs_of_other_venues_sides_and_modes_stay_apart() -> None:
    """Four legs, four rows; one account's price stays its own."""
    one = book({}, {"venue": "bybit"}, {"side": -1}, {"margin_mode": "cross"})
    merged = merge_positions({"main": one})
    assert len(merged) == 4
    assert merged["liquidation_price"].tolist() == [91.0] * 4
    check(merged, POSITIONS)


def test_an_unknown_margin_or_leverage_stays_unknown() -> None:
    """Half of it known is not known."""
    merged = merge_positions({"main": book({}), "alt": book({"margin": NAN, "leverage": NAN})})
    assert merged[["margin", "leverage"]].isna().all(axis=None)


def test_wallets_add_up_where_all_are_known() -> None:
    """Okx of both; bybit's second account does not say, so its balance is unknown."""
    cross = {"margin_mode": "cross"}
    one = book(cross, {**cross, "venue": "bybit"}, wallets={"okx": 100.0, "bybit": 50.0})
    other = book(cross, {**cross, "venue": "bybit"}, wallets={"okx": 20.0})
    assert merge_positions({"a": one, "b": other}).attrs["wallet_balance"] == {"okx": 120.0}


def test_every_leg_of_every_account_is_kept() -> None:
    """The detail behind a merged row."""
    merged = merge_positions({"main": book({}), "alt": book({"quantity": 2.0})})
    kept = [(leg["account"], leg["quantity"]) for leg in merged.attrs["accounts"]]
    assert kept == [("main", 1.0), ("alt", 2.0)]


def test_no_books_and_empty_books_are_an_empty_book() -> None:
    """Canonical columns and no rows."""
    assert merge_positions({}).empty
    assert list(merge_positions({"main": book()}).columns[: len(POSITIONS.names)]) == list(POSITIONS.names)


def test_a_table_that_is_no_book_is_refused() -> None:
    """The account is named."""
    with pytest.raises(MissingColumnsError, match="positions table from alt"):
        merge_positions({"alt": pd.DataFrame({"symbol": [BTC]})})


def test_books_stay_untouched(pure: Callable[..., Any]) -> None:
    """Merging makes a new table."""
    one = book({}, wallets={"okx": 1.0})
    pure(lambda table: merge_positions({"a": table, "b": table}), one)


@settings(max_examples=40, deadline=None)
@given(
    legs=st.lists(
        st.tuples(st.sampled_from([BTC, COIN, SPOT]), st.sampled_from([1, -1]), st.floats(0.1, 10), st.floats(50, 200)),
        min_size=1,
        max_size=6,
    )
)
def test_merging_keeps_value_and_profit(legs: list[tuple[str, int, float, float]]) -> None:
    """The book as a whole is worth and has made what its accounts did."""
    books = {
        f"account {place}": book({"symbol": symbol, "side": side, "quantity": quantity, "entry_price": entry})
        for place, (symbol, side, quantity, entry) in enumerate(legs)
    }
    merged, apart = merge_positions(books), pd.concat(books.values())
    assert exposure(merged).sum() == pytest.approx(exposure(apart).sum())
    assert position_pnl(merged).sum() == pytest.approx(position_pnl(apart).sum(), abs=1e-9)


def test_accounts_are_joined_where_several_decide_about_one_liquidation() -> None:
    """Isolated legs by leg, cross ones by venue and currency; a book of one account joins nothing."""
    cross = {"margin_mode": "cross"}
    main = book({}, {"symbol": SPOT}, {"symbol": "ETH/USDT:USDT", **cross})
    second = book({}, {"symbol": COIN, **cross}, {"symbol": "SOL/USDT:USDT", **cross})
    merged = merge_positions({"main": main, "second": second})
    assert dict(zip(merged["symbol"], joined_accounts(merged), strict=True)) == {
        BTC: True, SPOT: False, "ETH/USDT:USDT": True, COIN: False, "SOL/USDT:USDT": True,
    }  # fmt: skip
    assert not joined_accounts(main).any()
