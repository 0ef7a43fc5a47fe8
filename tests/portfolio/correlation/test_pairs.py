"""Pairs and their intervals; which of two to trim, and by how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.correlation.estimate import estimate_correlation
from heatlab.portfolio.correlation.pairs import PAIR_COLUMNS, correlation_pairs
from heatlab.portfolio.correlation.trim import trim_pair
from tests.portfolio.correlation.markets import closes, equal_returns, factor_returns

LOADS = np.array([[0.95, 0.0], [0.95, 0.0], [0.0, 0.5], [0.0, 0.5]])
ESTIMATE = estimate_correlation(closes(factor_returns(900, LOADS)))


def positions(**values: float) -> pd.DataFrame:
    """Positions worth so much at a mark of 1; negative = short."""
    return pd.DataFrame(
        {
            "symbol": list(values),
            "venue": "okx",
            "side": [1 if value > 0 else -1 for value in values.values()],
            "quantity": [abs(value) for value in values.values()],
            "mark_price": 1.0,
        }
    )


def covariance(rho: float, symbols: str = "ABC") -> pd.DataFrame:
    """A and B correlated, the others alone; unit variance."""
    matrix = pd.DataFrame(np.eye(len(symbols)), index=list(symbols), columns=list(symbols))
    matrix.loc["A", "B"] = matrix.loc["B", "A"] = rho
    return matrix


def test_pairs_come_strongest_first_and_are_flagged_above_the_limit() -> None:
    """Six pairs of four; one above 0.7."""
    table = correlation_pairs(ESTIMATE)
    assert list(table.columns) == PAIR_COLUMNS
    assert len(table) == 6
    assert table.loc[0, ["first", "second"]].tolist() == ["A", "B"]
    assert table["flagged"].tolist() == [True] + [False] * 5
    assert table["correlation"].is_monotonic_decreasing
    assert table.loc[0, "bars"] == 719


def test_an_accepted_pair_is_kept_apart() -> None:
    """In either order; one below the limit needs no acceptance."""
    table = correlation_pairs(ESTIMATE, accepted=[("B", "A"), ("C", "D")])
    assert not table["flagged"].any()
    assert table["accepted"].tolist() == [True] + [False] * 5


def test_two_markets_of_one_coin_are_the_same_asset() -> None:
    """Neither a decision nor an acceptance, and no break to announce."""
    names = ["A/USDT", "A/USDT:USDT", "C/USDT:USDT", "D/USDT:USDT"]
    estimate = estimate_correlation(closes(factor_returns(900, LOADS), names))
    broken = pd.DataFrame(np.ones((4, 4), dtype=bool), index=names, columns=names)
    table = correlation_pairs(replace(estimate, broken=broken), accepted=[(names[0], names[1])])
    assert table["same_asset"].tolist() == [True] + [False] * 5
    assert not table.loc[0, ["flagged", "accepted", "broken"]].any()
    assert table["broken"].tolist() == [False] + [True] * 5


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """95 % of 200 pairs of constant correlation, with fat tails."""
    held = []
    for seed in range(20):
        returns = equal_returns(720, 5, 0.6, seed=seed)
        returns *= np.sqrt(3 / np.random.default_rng(seed).chisquare(5, size=(720, 1)))
        table = correlation_pairs(estimate_correlation(closes(returns)))
        held.append(((table["low"] < 0.6) & (table["high"] > 0.6)).mean())
    assert np.mean(held) > 0.9


def test_unknown_symbols_have_no_pairs() -> None:
    """A new listing; and a book of one symbol."""
    table = closes(equal_returns(900, 3, 0.5))
    table.iloc[:-20, 2] = np.nan
    pairs = correlation_pairs(estimate_correlation(table))
    assert pairs[["first", "second"]].to_numpy().tolist() == [["A", "B"]]
    assert correlation_pairs(estimate_correlation(table[["A"]])).empty
    with pytest.raises(ParameterError, match=r"'limit' parameter of correlation_pairs must be in \[-1, 1\]"):
        correlation_pairs(ESTIMATE, limit=2)


def test_the_larger_contribution_is_trimmed_until_the_pair_is_at_its_mark() -> None:
    """A 6, B 2 of correlation 0.8, C 10: A is cut, and the two carry 20 %."""
    trim = trim_pair(positions(A=6, B=2, C=10), covariance(0.8), ("B", "A"))
    assert trim.symbol == "A"
    assert trim.before == pytest.approx((36 + 4 + 2 * 0.8 * 12) / (36 + 4 + 2 * 0.8 * 12 + 100))
    left = 6 * (1 - trim.fraction)
    pair = left**2 + 4 + 1.6 * left * 2
    assert pair / (pair + 100) == pytest.approx(trim.after)
    assert 0.195 < trim.after <= 0.2
    order = trim.orders.iloc[0]
    assert (order["symbol"], order["side"], order["rule"]) == ("A", -1, "trim correlated pair")
    assert order["quantity"] == pytest.approx(6 * trim.fraction)


def test_a_trimmed_short_is_bought_back() -> None:
    """The order is opposite to the position."""
    trim = trim_pair(positions(A=-6, B=-2, C=10), covariance(0.8), ("A", "B"))
    assert trim.orders["side"].tolist() == [1]


def test_where_closing_one_is_not_enough_the_rest_is_said() -> None:
    """Two equal positions and nothing else."""
    trim = trim_pair(positions(A=1, B=1), covariance(0.8, "AB"), ("A", "B"))
    assert trim.fraction == 1.0
    assert "still above 20%: look at the other one as well" in trim.text


def test_where_nothing_can_or_need_be_done_there_is_no_order() -> None:
    """A small pair, unknown sizes, an unknown symbol, an empty book."""
    assert "no trim is needed" in trim_pair(positions(A=1, B=1, C=10), covariance(0.8), ("A", "B")).text
    unknown = positions(A=1, B=1).assign(quantity=np.nan)
    for book in (unknown, positions(A=1), positions()):
        trim = trim_pair(book, covariance(0.8), ("A", "B"))
        assert trim.orders.empty
        assert "is not known" in trim.text
