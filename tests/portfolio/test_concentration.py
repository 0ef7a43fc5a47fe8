"""Concentration heat: by size, by neighbourhood, and what is a hedge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.concentration import ConcentrationMeasures, concentration_measures, concentration_table
from heatlab.portfolio.risk import net_contributions
from tests.portfolio.books_of_risk import book, estimate, labels

PAIR = [[1.0, 0.5], [0.5, 1.0]]
TRIO = [[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]]
NONE = pd.Series(dtype="int64")


def random_book(seed: int, count: int) -> tuple[pd.DataFrame, Any, np.ndarray]:
    """Positions in four symbols on two venues, their correlation and contributions."""
    generator = np.random.default_rng(seed)
    bases = ["BTC", "ETH", "SOL", "XRP"]
    rows = [
        (bases[generator.integers(4)], ("okx", "bybit")[k % 2], int(generator.choice([-1, 1])), generator.uniform(1, 9))
        for k in range(count)
    ]
    root = generator.normal(size=(4, 6)) + generator.normal(size=(1, 6))
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    known = estimate(bases, covariance / np.outer(scale, scale), deviation=scale / 100)
    positions = book(rows)
    exposure = (positions["side"] * positions["quantity"] * positions["mark_price"]).to_numpy()
    matrix = known.covariance.loc[positions["symbol"], positions["symbol"]]
    return positions, known, net_contributions(exposure, matrix, instruments=list(positions["symbol"]))


def test_size_heat_is_the_share_of_gross_and_neighbours_add_to_the_other() -> None:
    """60 and 40 at correlation 0.5: 60 + 20 and 40 + 30."""
    table = concentration_table(
        book([("BTC", "okx", 1, 600.0), ("ETH", "okx", 1, 400.0)]),
        estimate(["BTC", "ETH"], PAIR),
        labels(BTC=1, ETH=1),
        contributions=[0.7, 0.3],
    )
    assert table["size_heat"].tolist() == pytest.approx([60.0, 40.0])
    assert table["correlation_heat"].tolist() == pytest.approx([80.0, 70.0])
    assert table["notional"].tolist() == [600.0, 400.0]
    assert table["cluster"].tolist() == [1, 1]
    assert table["risk_share"].tolist() == [0.7, 0.3]
    assert not table["is_hedge"].any()


def test_a_short_of_the_correlated_asset_adds_nothing() -> None:
    """side_i side_j rho < 0 counts as 0, never as relief."""
    table = concentration_table(
        book([("BTC", "okx", 1, 600.0), ("ETH", "okx", -1, 400.0)]),
        estimate(["BTC", "ETH"], PAIR),
        NONE,
        contributions=[0.8, 0.2],
    )
    assert table["correlation_heat"].tolist() == pytest.approx([60.0, 40.0])
    assert table["cluster"].tolist() == [0, 0]


@settings(max_examples=60, deadline=None)
@given(small=st.floats(0.05, 1), large=st.floats(0.05, 3), rho=st.floats(0, 1))
def test_two_small_positions_of_a_cluster_outshine_a_lone_one(small: float, large: float, rho: float) -> None:
    """Exactly when s_small (1 + rho) > s_large."""
    known = estimate(["A", "B", "LONE"], [[1, rho, 0], [rho, 1, 0], [0, 0, 1]])
    positions = book([("A", "okx", 1, small), ("B", "okx", 1, small), ("LONE", "okx", 1, large)])
    heat = concentration_table(positions, known, NONE, contributions=[0.3, 0.3, 0.4])["correlation_heat"]
    if abs(small * (1 + rho) - large) > 1e-9:
        assert (heat[0] > heat[2]) == (small * (1 + rho) > large)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
def test_heats_stay_in_bounds_and_size_is_the_floor(seed: int, count: int) -> None:
    """0 to 100, a position is its own neighbour, and sizes sum to 100."""
    positions, known, shares = random_book(seed, count)
    table = concentration_table(positions, known, NONE, contributions=shares)
    assert table["correlation_heat"].between(0, 100).all()
    assert (table["correlation_heat"] >= table["size_heat"] - 1e-9).all()
    assert table["size_heat"].sum() == pytest.approx(100)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 10))
def test_order_and_scale_do_not_matter(seed: int, count: int) -> None:
    """Shuffled and tenfold positions: the same heats, hedges and measures."""
    positions, known, shares = random_book(seed, count)
    order = np.random.default_rng(seed).permutation(count)
    table = concentration_table(positions, known, NONE, contributions=shares)
    larger = positions.iloc[order].assign(quantity=positions["quantity"].iloc[order] * 10)
    other = concentration_table(larger, known, NONE, contributions=shares[order])
    for name in ("size_heat", "correlation_heat", "is_hedge"):
        np.testing.assert_allclose(other[name].astype(float), table[name].iloc[order].astype(float), atol=1e-9)
    first = concentration_measures(positions, known, contributions=shares)
    second = concentration_measures(larger, known, contributions=shares[order])
    assert second.volatility == pytest.approx(10 * first.volatility)
    for name in ("hhi", "effective_bets", "effective_principal_bets", "diversification_ratio"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), nan_ok=True)


def test_a_negative_contribution_is_a_hedge() -> None:
    """Whatever its correlation."""
    positions = book([("BTC", "okx", 1, 600.0), ("ETH", "okx", -1, 100.0)])
    table = concentration_table(positions, estimate(["BTC", "ETH"], PAIR), NONE, contributions=[1.1, -0.1])
    assert table["is_hedge"].tolist() == [False, True]


def test_the_smaller_leg_of_a_symbol_is_a_hedge() -> None:
    """On another venue, where its netted contribution is 0."""
    positions = book([("BTC", "okx", 1, 600.0), ("BTC", "bybit", -1, 400.0)])
    table = concentration_table(positions, estimate(["BTC"], [[1.0]]), NONE, contributions=[1.0, 0.0])
    assert table["is_hedge"].tolist() == [False, True]


def test_the_smaller_leg_against_a_near_twin_is_a_hedge_by_volatility() -> None:
    """At correlation 0.9 half the size of twice the volatility and a little less is the smaller leg; at 0.5 none is."""
    positions = book([("BTC", "okx", 1, 600.0), ("ETH", "okx", -1, 250.0)])
    twins = estimate(["BTC", "ETH"], [[1, 0.9], [0.9, 1]], deviation=[0.01, 0.02])
    assert concentration_table(positions, twins, NONE, contributions=[0.6, 0.4])["is_hedge"].tolist() == [False, True]
    loose = estimate(["BTC", "ETH"], PAIR)
    assert not concentration_table(positions, loose, NONE, contributions=[0.6, 0.4])["is_hedge"].any()


def test_legs_that_cancel_are_hedges_of_each_other() -> None:
    """A book that nets to nothing: volatility 0, no diversification ratio."""
    positions = book([("BTC", "okx", 1, 500.0), ("BTC", "bybit", -1, 500.0)])
    known = estimate(["BTC"], [[1.0]])
    assert concentration_table(positions, known, NONE, contributions=[0.0, 0.0])["is_hedge"].tolist() == [True, True]
    measures = concentration_measures(positions, known, contributions=[0.0, 0.0])
    assert (measures.volatility, measures.net_exposure, measures.gross_exposure) == (0.0, 0.0, 1000.0)
    assert np.isnan(measures.diversification_ratio)
    assert np.isnan(measures.effective_bets)


def test_a_missing_price_is_unknown_and_left_out_of_the_others() -> None:
    """NaN for it, the rest share the known gross."""
    positions = book([("BTC", "okx", 1, 600.0), ("ETH", "okx", 1, 400.0)])
    positions.loc[1, "mark_price"] = np.nan
    table = concentration_table(positions, estimate(["BTC", "ETH"], PAIR), NONE, contributions=[1.0, np.nan])
    assert table["size_heat"].tolist() == pytest.approx([100.0, np.nan], nan_ok=True)
    assert table["correlation_heat"].tolist() == pytest.approx([100.0, np.nan], nan_ok=True)


def test_a_symbol_without_history_has_size_but_no_neighbourhood() -> None:
    """NaN, and nothing added to the others; same where the estimate does not name it at all."""
    positions = book([("BTC", "okx", 1, 600.0), ("NEW", "okx", 1, 400.0)])
    matrix = [[1.0, np.nan], [np.nan, np.nan]]
    for known in (estimate(["BTC", "NEW"], matrix), estimate(["BTC"], [[1.0]])):
        table = concentration_table(positions, known, labels(BTC=3), contributions=[1.0, np.nan])
        assert table["size_heat"].tolist() == pytest.approx([60.0, 40.0])
        assert table["correlation_heat"].tolist() == pytest.approx([60.0, np.nan], nan_ok=True)
        assert table["cluster"].tolist() == [3, 0]
        assert concentration_measures(positions, known, contributions=[1.0, np.nan]).gross_exposure == 1000.0


def test_one_position_is_one_bet() -> None:
    """Heat 100, every effective number 1."""
    positions, known = book([("BTC", "okx", -1, 600.0)]), estimate(["BTC"], [[1.0]])
    table = concentration_table(positions, known, labels(BTC=1), contributions=[1.0])
    assert table[["size_heat", "correlation_heat"]].to_numpy().tolist() == [[100.0, 100.0]]
    expected = ConcentrationMeasures(600.0, -600.0, 600.0 * 0.01 * 24**0.5, 1.0, 1.0, 1.0, 1.0, 1.0)
    measures = concentration_measures(positions, known, contributions=[1.0])
    assert measures.volatility == pytest.approx(expected.volatility)
    assert measures.diversification_ratio == pytest.approx(1.0)
    assert (measures.hhi, measures.effective_bets, measures.net_exposure) == (1.0, 1.0, -600.0)


def test_one_symbol_on_two_venues_is_one_bet_of_two_positions() -> None:
    """Sizes count positions, risk counts bets."""
    positions, known = book([("BTC", "okx", 1, 500.0), ("BTC", "bybit", 1, 500.0)]), estimate(["BTC"], [[1.0]])
    measures = concentration_measures(positions, known, contributions=[0.5, 0.5])
    assert (measures.effective_positions, measures.effective_bets) == (2.0, 1.0)
    assert measures.diversification_ratio == pytest.approx(1.0)


def test_zero_and_unknown_sizes_have_no_shares() -> None:
    """Zero gross, or a watch list without quantities: NaN everywhere."""
    for size in (0.0, np.nan):
        positions = book([("BTC", "okx", 1, size), ("ETH", "okx", 1, size)])
        table = concentration_table(positions, estimate(["BTC", "ETH"], PAIR), NONE, contributions=[np.nan, np.nan])
        assert table[["size_share", "size_heat", "correlation_heat"]].isna().all(axis=None)
        assert not table["is_hedge"].any()
        measures = concentration_measures(positions, estimate(["BTC", "ETH"], PAIR), contributions=[np.nan, np.nan])
        assert np.isnan(measures.hhi)


def test_an_empty_book_has_an_empty_table_and_no_exposure() -> None:
    """Gross 0 is known; the rest is not."""
    positions = book([("BTC", "okx", 1, 1.0)]).iloc[:0]
    table = concentration_table(positions, estimate([], []), NONE, contributions=[])
    assert len(table) == 0
    measures = concentration_measures(positions, estimate([], []), contributions=[])
    assert (measures.gross_exposure, measures.net_exposure) == (0.0, 0.0)
    assert np.isnan(measures.volatility)
    assert np.isnan(measures.effective_principal_bets)


def test_five_hundred_positions_are_quick(pure: Callable[..., Any]) -> None:
    """One table, inputs untouched."""
    generator = np.random.default_rng(0)
    bases = [f"C{k}" for k in range(500)]
    returns = generator.normal(size=(800, 500)) + generator.normal(size=(800, 1))
    known = estimate(bases, np.corrcoef(returns.T))
    positions = book([(base, "okx", 1, generator.uniform(1, 9)) for base in bases])
    table = pure(concentration_table, positions, known, NONE, contributions=np.full(500, 0.002))
    assert table["correlation_heat"].between(0, 100).all()


def test_wrong_input_is_refused() -> None:
    """The message says what is allowed."""
    positions, known = book([("BTC", "okx", 1, 1.0)]), estimate(["BTC"], [[1.0]])
    with pytest.raises(ParameterError, match=r"'contributions' parameter of concentration_table must be one per"):
        concentration_table(positions, known, NONE, contributions=[0.5, 0.5])
    with pytest.raises(ParameterError, match="'hedge_correlation' parameter of concentration_table"):
        concentration_table(positions, known, NONE, contributions=[1.0], hedge_correlation=0.0)
    with pytest.raises(MissingColumnsError, match="Missing mark_price"):
        concentration_measures(positions.drop(columns="mark_price"), known, contributions=[1.0])
