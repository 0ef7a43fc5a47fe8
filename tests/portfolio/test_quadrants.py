"""Quadrants: conviction against size, undecided first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.quadrants import QUADRANTS, QuadrantSettings, quadrants
from tests.portfolio.books_of_risk import book

ROWS = [("BTC", "okx", 1, 500.0), ("ETH", "okx", 1, 300.0), ("SOL", "okx", -1, 120.0), ("XRP", "okx", 1, 80.0)]


def overall(positions: pd.DataFrame, forecasts: list[float]) -> pd.DataFrame:
    """What position_heat gives of them."""
    return positions[["symbol", "venue", "side"]].assign(forecast=forecasts)


def concentration(positions: pd.DataFrame, *, hedges: tuple[int, ...] = ()) -> pd.DataFrame:
    """Sizes, and which rows are hedges."""
    notional = positions["quantity"] * positions["mark_price"]
    return pd.DataFrame({"size_share": notional / notional.sum(), "is_hedge": positions.index.isin(hedges)})


def places(table: pd.DataFrame) -> dict[str, str]:
    """Quadrant by base."""
    return {symbol[:3]: name for symbol, name in zip(table["symbol"], table["quadrant"], strict=True)}


def test_four_positions_in_four_quadrants(pure: Callable[..., Any]) -> None:
    """Large with and without conviction, a hedge, a small one; the unsure one first."""
    positions = book(ROWS)
    table = pure(quadrants, positions, overall(positions, [15, 2, 4, 3]), concentration(positions, hedges=(2,)))
    assert places(table) == {
        "ETH": "unsure",
        "BTC": "high conviction, large",
        "XRP": "speculative, small",
        "SOL": "hedge",
    }
    assert table["symbol"].iloc[0] == "ETH/USDT:USDT"
    assert table.attrs == {"conviction": 0.5, "size_share": 0.25}
    assert table["reason"].tolist()[:2] == ["large, without conviction", "large, and the trend speaks for it"]


def test_conviction_is_the_forecast_along_the_position() -> None:
    """A falling market speaks for a short: -20 x -1 / 20 = 1."""
    positions = book([("BTC", "okx", -1, 100.0), ("ETH", "okx", 1, 100.0)])
    table = quadrants(positions, overall(positions, [-20.0, -10.0]), concentration(positions))
    assert dict(zip(table["side"], table["conviction"], strict=True)) == {-1: 1.0, 1: -0.5}
    assert table["reason"].iloc[0] == "large, and the trend speaks against it"


def test_what_is_unknown_needs_a_decision() -> None:
    """No forecast, no reading at all, or no size: unsure; of unknown size comes first."""
    positions = book(ROWS)
    sizes = concentration(positions)
    sizes.loc[3, "size_share"] = np.nan
    known = overall(positions, [15.0, np.nan, 12.0, 12.0]).iloc[[0, 1, 3]]
    table = quadrants(positions, known, sizes)
    assert table["quadrant"].tolist() == ["unsure", "unsure", "unsure", "high conviction, large"]
    assert table["reason"].tolist()[:2] == [
        "size unknown: no quantity or no mark price",
        "conviction unknown: too little history for a forecast",
    ]


def test_a_hedge_stays_a_hedge_without_forecast() -> None:
    """It is there for others, not for a view."""
    positions = book(ROWS[:2])
    table = quadrants(positions, overall(positions, [15.0, np.nan]), concentration(positions, hedges=(1,)))
    assert places(table) == {"BTC": "high conviction, large", "ETH": "hedge"}


def test_a_small_one_of_high_conviction_says_so() -> None:
    """Its size and its conviction disagree, at no risk."""
    positions = book(ROWS)
    table = quadrants(positions, overall(positions, [15, 15, -15, 15]), concentration(positions))
    assert table.iloc[-1]["reason"] == "small, for all its conviction"


def test_equal_sizes_are_all_large() -> None:
    """The limit is the equal share, round-off aside."""
    positions = book([(f"C{k}", "okx", 1, 70.0) for k in range(7)])
    table = quadrants(positions, overall(positions, [12.0] * 7), concentration(positions))
    assert set(table["quadrant"]) == {"high conviction, large"}


def test_limits_are_settings() -> None:
    """Twice the equal share, and any conviction will do."""
    positions = book(ROWS)
    chosen = QuadrantSettings(conviction=0.1, large=1.5)
    table = quadrants(positions, overall(positions, [15, 2, 4, 3]), concentration(positions), settings=chosen)
    assert places(table)["ETH"] == "speculative, small"
    assert table.attrs == {"conviction": 0.1, "size_share": 0.375}


def test_an_empty_book_and_a_watch_list_have_no_limit() -> None:
    """Columns stand, nothing is decided; markets without a quantity are unsure."""
    positions = book(ROWS)
    empty = quadrants(positions.iloc[:0], overall(positions, [1, 1, 1, 1]), concentration(positions).iloc[:0])
    assert empty.empty
    assert np.isnan(empty.attrs["size_share"])
    watched = quadrants(positions, overall(positions, [1, 1, 1, 1]), concentration(positions).assign(size_share=np.nan))
    assert set(watched["quadrant"]) == {"unsure"}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 20))
def test_every_position_has_one_quadrant_and_order_does_not_matter(seed: int, count: int) -> None:
    """The same rows for a shuffled book; quadrants in their order, largest first within each."""
    generator = np.random.default_rng(seed)
    positions = book([(f"C{k}", "okx", int(generator.choice([-1, 1])), generator.uniform(1, 9)) for k in range(count)])
    known = overall(positions, list(np.where(generator.random(count) < 0.2, np.nan, generator.uniform(-20, 20, count))))
    sizes = concentration(positions, hedges=tuple(generator.integers(count, size=2)))
    table = quadrants(positions, known, sizes)
    order = generator.permutation(count)
    pd.testing.assert_frame_equal(quadrants(positions.iloc[order], known, sizes.iloc[order]), table)
    rank = table["quadrant"].map(QUADRANTS.index)
    assert rank.is_monotonic_increasing
    assert table.groupby(rank)["size_share"].apply(lambda part: part.is_monotonic_decreasing).all()


def test_wrong_input_is_refused() -> None:
    """The message says what is allowed."""
    positions = book(ROWS)
    with pytest.raises(ParameterError, match="'large' parameter of QuadrantSettings must be a positive"):
        QuadrantSettings(large=0)
    with pytest.raises(ParameterError, match=r"'concentration' parameter of quadrants must be one row per position"):
        quadrants(positions, overall(positions, [1, 1, 1, 1]), concentration(positions).iloc[:2])
    with pytest.raises(MissingColumnsError, match="The overall table of quadrants must have"):
        quadrants(positions, positions, concentration(positions))
