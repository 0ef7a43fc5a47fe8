"""The book's heat and the orders that follow from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import portfolio
from heatlab.errors import MissingColumnsError, ParameterError


def book() -> pd.DataFrame:
    """A long of BTC, a short of ETH, a long of SOL with no known mark price."""
    return pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"],
            "venue": ["binanceusdm", "okx", "bybit"],
            "side": [1, -1, 1],
            "quantity": [2.0, 10.0, 100.0],
            "entry_price": [50_000.0, 3_000.0, 100.0],
            "mark_price": [60_000.0, 2_500.0, np.nan],
            "leverage": [5.0, 3.0, 2.0],
            "margin_mode": ["isolated", "cross", "isolated"],
            "margin": [20_000.0, np.nan, 5_000.0],
            "liquidation_price": [40_000.0, np.nan, 50.0],
        }
    )


def test_portfolio_heat_is_weighted_by_absolute_contribution() -> None:
    """(0.9 * 80 + 0.3 * 20) / 1.2: the hedge of -0.3 counts by its size; the zone is amber."""
    assert portfolio.portfolio_heat([80.0, 20.0], [0.9, -0.3]) == pytest.approx(65.0)
    table = pd.DataFrame({"heat": [80.0, 20.0]})
    assert portfolio.portfolio_heat(table, [0.9, -0.3]) == pytest.approx(65.0)


def test_unknown_positions_do_not_count() -> None:
    """NaN heat or contribution is left out; nothing left is NaN."""
    assert portfolio.portfolio_heat([80.0, np.nan, 20.0], [0.5, 0.5, np.nan]) == 80.0
    assert np.isnan(portfolio.portfolio_heat([np.nan], [1.0]))
    assert np.isnan(portfolio.portfolio_heat([], []))


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.tuples(st.floats(0, 100), st.floats(-2, 2)), min_size=1, max_size=8))
def test_portfolio_heat_lies_between_the_coldest_and_the_hottest(parts: list[tuple[float, float]]) -> None:
    """A mean, whatever the weights."""
    heats, shares = map(np.array, zip(*parts, strict=True))
    got = portfolio.portfolio_heat(heats, shares)
    assert np.isnan(got) if np.abs(shares).sum() == 0 else heats.min() <= got <= heats.max()


def test_zone_of_the_book_has_memory_if_given() -> None:
    """74 is amber at first sight and green after green."""
    assert [portfolio.portfolio_zone(heat) for heat in (75.0, 74.0, 39.0)] == [1.0, 0.0, -1.0]
    assert portfolio.portfolio_zone(74.0, previous=1.0) == 1.0
    assert portfolio.portfolio_zone(42.0, previous=-1.0) == -1.0
    assert np.isnan(portfolio.portfolio_zone(np.nan, previous=1.0))


def test_below_fifty_every_position_is_halved(pure: Callable[..., Any]) -> None:
    """Half of each quantity, on the other side, at the mark price."""
    orders = pure(portfolio.heat_rule, book(), 45.0, [80.0, 10.0, np.nan])
    assert list(orders.columns) == ["symbol", "venue", "side", "quantity", "notional", "reason", "rule"]
    assert orders["side"].tolist() == [-1, 1, -1]
    assert orders["quantity"].tolist() == [1.0, 5.0, 50.0]
    np.testing.assert_array_equal(orders["notional"], [60_000.0, 12_500.0, np.nan])
    assert set(orders["rule"]) == {"halve"}
    assert orders.attrs["rule"] == "halve"
    assert orders["reason"][0] == "halve the long: portfolio heat 45.0 is below 50, own heat 80.0"


def test_below_thirty_marginal_positions_are_closed_first() -> None:
    """Own heat below 50: the whole quantity; the others and the unknown are halved."""
    orders = portfolio.heat_rule(book(), 29.9, [80.0, 10.0, np.nan])
    assert orders["symbol"].str[:3].tolist() == ["ETH", "BTC", "SOL"]
    assert orders["quantity"].tolist() == [10.0, 1.0, 50.0]
    assert set(orders["rule"]) == {"to cash"}
    assert orders["reason"][0] == "close the short: portfolio heat 29.9 is below 30, own heat 10.0"
    assert orders["reason"][2].endswith("own heat unknown")


@pytest.mark.parametrize("heat", [50.0, 75.0, np.nan])
def test_at_fifty_and_above_or_unknown_there_are_no_orders(heat: float) -> None:
    """An empty table with all columns."""
    orders = portfolio.heat_rule(book(), heat, [80.0, 10.0, 20.0])
    assert len(orders) == 0
    assert orders.attrs["rule"] == "none"
    assert list(orders.columns) == portfolio.ORDER_COLUMNS


def test_at_thirty_it_is_still_halving() -> None:
    """The threshold itself belongs to the milder rule."""
    assert set(portfolio.heat_rule(book(), 30.0, [1.0, 1.0, 1.0])["rule"]) == {"halve"}


def test_thresholds_are_parameters() -> None:
    """A rule that closes everything below 90."""
    strict = portfolio.RuleSettings(halve_below=95.0, cash_below=90.0, marginal_below=100.0)
    orders = portfolio.heat_rule(book(), 80.0, [99.0, 10.0, 50.0], settings=strict)
    assert orders["quantity"].tolist() == [2.0, 10.0, 100.0]


def test_a_heat_table_is_matched_by_symbol_venue_and_side() -> None:
    """Order does not matter; a position the table lacks has unknown heat."""
    table = book()[["symbol", "venue", "side"]].assign(heat=[80.0, 10.0, 20.0])[::-1][1:]
    orders = portfolio.heat_rule(book(), 20.0, table)
    assert dict(zip(orders["symbol"].str[:3], orders["quantity"], strict=True)) == {"ETH": 10, "BTC": 1, "SOL": 50}


def test_an_empty_book_needs_no_orders() -> None:
    """Nothing held, nothing to do."""
    assert len(portfolio.heat_rule(book()[:0], 10.0, [])) == 0


@settings(max_examples=30, deadline=None)
@given(first=st.floats(0, 100), second=st.floats(0, 100), heats=st.tuples(*[st.floats(0, 100)] * 3))
def test_a_colder_book_never_sells_less(first: float, second: float, heats: tuple[float, ...]) -> None:
    """Orders only grow as heat falls, never beyond the position, always on the other side."""
    cold, warm = sorted((first, second))
    less, more = (portfolio.heat_rule(book(), heat, heats).set_index("symbol") for heat in (warm, cold))
    held = book().set_index("symbol")
    for symbol, order in more.iterrows():
        assert less["quantity"].get(symbol, 0.0) <= order["quantity"] <= held.loc[symbol, "quantity"]
        assert order["side"] == -held.loc[symbol, "side"]
    assert set(less.index) <= set(more.index)


def test_wrong_inputs_are_refused() -> None:
    """Heat within bounds, one per position, canonical positions, ordered thresholds."""
    with pytest.raises(ParameterError, match=r"'portfolio_heat' parameter of heat_rule must be in \[0, 100\]. Got 120"):
        portfolio.heat_rule(book(), 120.0, [1, 2, 3])
    with pytest.raises(ParameterError, match=r"'position_heat' parameter of heat_rule must be one per position \(3\)"):
        portfolio.heat_rule(book(), 20.0, [1, 2])
    with pytest.raises(ParameterError, match=r"'position_heat' parameter of heat_rule must be in \[0, 100\]"):
        portfolio.heat_rule(book(), 20.0, [1, 2, -3])
    with pytest.raises(MissingColumnsError, match=r"from heat_rule must have the columns .* Missing quantity"):
        portfolio.heat_rule(book().drop(columns="quantity"), 20.0, [1, 2, 3])
    with pytest.raises(ParameterError, match=r"'cash_below' parameter of RuleSettings must be in \[0, 50\]. Got 60"):
        portfolio.RuleSettings(cash_below=60.0)
    with pytest.raises(ParameterError, match="'contributions' parameter of portfolio_heat must be of shape"):
        portfolio.portfolio_heat([1.0, 2.0], [1.0])
    with pytest.raises(ParameterError, match="'position_heat' parameter of portfolio_heat"):
        portfolio.portfolio_heat([101.0], [1.0])
    with pytest.raises(ParameterError, match="'heat' parameter of portfolio_zone"):
        portfolio.portfolio_zone(-1.0)


def test_a_halving_is_rounded_up_to_whole_lots() -> None:
    """Half of 2 BTC in lots of 0.3 is 1.2; half of 10 ETH in lots of 20 is all of it; SOL has no known lot."""
    lots = {("binanceusdm", "BTC/USDT:USDT"): 0.3, ("okx", "ETH/USDT:USDT"): 20.0}
    orders = portfolio.heat_rule(book(), 45.0, [80.0, 10.0, np.nan], lots=lots)
    assert orders["quantity"].tolist() == [1.2, 10.0, 50.0]
    assert orders["notional"].tolist()[:2] == [72_000.0, 25_000.0]


def test_all_to_cash_is_one_setting_away() -> None:
    """With every position marginal, a book below thirty is closed."""
    closing = portfolio.RuleSettings(marginal_below=100.0)
    assert portfolio.heat_rule(book(), 20.0, [80.0, 10.0, 99.0], settings=closing)["quantity"].tolist() == [2, 10, 100]
