"""The estimate in force: values, shrinkage, breaks, notes, no look-ahead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, ParameterError
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation
from tests.portfolio.correlation.markets import closes, equal_returns, factor_returns, real_closes

PLAIN = CorrelationSettings(shrinkage=0.0)


def note(estimate: Any, symbol: str) -> str:
    """Note on a symbol, "" if there is none."""
    found = estimate.notes.loc[estimate.notes["symbol"] == symbol, "note"]
    return found.iloc[0] if len(found) else ""


def test_long_and_short_are_plain_correlations_of_thirty_and_three_days(pure: Callable[..., Any]) -> None:
    """719 and 72 log returns; without shrinkage long is in force."""
    table = closes(equal_returns(1500, 4, 0.5))
    estimate = pure(estimate_correlation, table, settings=PLAIN)
    returns = np.log(table).diff()
    np.testing.assert_allclose(estimate.long, returns.iloc[-719:].corr(), atol=1e-10)
    np.testing.assert_allclose(estimate.short, returns.iloc[-72:].corr(), atol=1e-10)
    assert not estimate.broken.any(axis=None)
    pd.testing.assert_frame_equal(estimate.matrix, estimate.long, rtol=1e-10)
    assert (estimate.counts == 719).all(axis=None)
    np.testing.assert_allclose(estimate.deviation, returns.iloc[-719:].std())
    assert estimate.notes.empty


def test_gaps_are_dropped_pair_by_pair() -> None:
    """As DataFrame.corr does it."""
    table = closes(equal_returns(800, 4, 0.5))
    table = table.where(np.random.default_rng(1).random(table.shape) > 0.2)
    returns = np.log(table).diff().iloc[-719:]
    np.testing.assert_allclose(estimate_correlation(table).long, returns.corr(min_periods=48), atol=1e-10)


def test_a_missing_row_is_a_missing_bar() -> None:
    """A return over two hours is none: the two around the hole are dropped."""
    table = closes(equal_returns(800, 2, 0.5)).drop(index=closes(equal_returns(800, 2, 0.5)).index[700])
    assert estimate_correlation(table).counts.iloc[0, 1] == 717


def test_normal_returns_count_in_full_and_fat_tails_for_less() -> None:
    """Effective numbers near 719, and well below with three degrees of freedom."""
    normal = equal_returns(720, 2, 0.5, seed=3)
    tails = normal * np.sqrt(3 / np.random.default_rng(0).chisquare(3, size=(720, 1)))
    assert estimate_correlation(closes(normal)).effective.iloc[0, 1] > 600
    assert estimate_correlation(closes(tails)).effective.iloc[0, 1] < 400


def test_while_broken_the_larger_of_the_two_is_in_force() -> None:
    """From 0.1 to 0.9 six days ago: the short window rules; it is flagged."""
    table = closes(np.vstack([equal_returns(1300, 3, 0.1, seed=1), equal_returns(144, 3, 0.9, seed=2)]))
    estimate = estimate_correlation(table, settings=PLAIN)
    assert estimate.broken.loc["A", "B"]
    assert estimate.short.loc["A", "B"] > 0.8 > estimate.long.loc["A", "B"] + 0.3
    assert estimate.matrix.loc["A", "B"] == pytest.approx(estimate.short.loc["A", "B"], abs=1e-6)
    falling = closes(np.vstack([equal_returns(1300, 3, 0.9, seed=1), equal_returns(144, 3, 0.1, seed=2)]))
    fallen = estimate_correlation(falling, settings=PLAIN)
    assert fallen.broken.loc["A", "B"]
    assert fallen.matrix.loc["A", "B"] == pytest.approx(fallen.long.loc["A", "B"], abs=1e-6)


def test_the_estimated_shrinkage_draws_together_what_differs_by_chance() -> None:
    """Nearly all where every true correlation is 0.5, little where they differ."""
    by_chance = estimate_correlation(closes(equal_returns(900, 8, 0.5)), settings=CorrelationSettings(shrinkage=None))
    loads = np.array([[0.95, 0]] * 4 + [[0, 0.9]] * 4)
    apart = estimate_correlation(closes(factor_returns(900, loads)), settings=CorrelationSettings(shrinkage=None))
    assert by_chance.shrinkage > 0.7
    assert apart.shrinkage < 0.02


def test_identical_columns_stay_identical() -> None:
    """Shrinking would invent risk in a hedge."""
    returns = equal_returns(900, 3, 0.5)
    returns[:, 2] = returns[:, 0]
    assert estimate_correlation(closes(returns)).matrix.loc["A", "C"] == pytest.approx(1.0)


def test_short_histories_are_told_in_words() -> None:
    """Nothing at all, a listing of yesterday, one of ten days ago, one that ended, one that stands."""
    table = closes(equal_returns(1500, 6, 0.5))
    table["B"] = np.nan
    table.iloc[:-24, 2] = np.nan
    table.iloc[:-240, 3] = np.nan
    table.iloc[-30:, 4] = np.nan
    table["F"] = 1.0
    estimate = estimate_correlation(table)
    assert note(estimate, "A") == ""
    assert note(estimate, "B") == "no history: left out of correlation, clusters and shares of risk"
    assert "only 23 of the 48 returns needed (new listing, first close 2025-03-03 13:00)" in note(estimate, "C")
    assert note(estimate, "D").startswith("239 of 719 returns (new listing, first close 2025-02-22 13:00)")
    assert "no close for the last 30 h" in note(estimate, "E")
    assert "has not moved" in note(estimate, "F")
    assert estimate.matrix["B"].isna().all()
    assert estimate.matrix["C"].isna().all()
    assert estimate.matrix.loc["A", ["D", "E", "F"]].notna().all()


def test_two_that_share_too_little_are_told() -> None:
    """One traded early, one late."""
    table = closes(equal_returns(900, 3, 0.5))
    table.iloc[-360:, 0] = np.nan
    table.iloc[:-360, 1] = np.nan
    assert "shares under 48 returns with B" in note(estimate_correlation(table), "A")


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(100, 1199), seed=st.integers(0, 30))
def test_it_does_not_know_the_future(cut: int, seed: int) -> None:
    """What follows the last row of the table plays no part, whatever stands before the window."""
    table = closes(equal_returns(1200, 4, 0.5, seed=seed))
    later = table.copy()
    later.iloc[cut:] *= 3.0
    one, two = (estimate_correlation(given.iloc[:cut]) for given in (table, later))
    pd.testing.assert_frame_equal(one.matrix, two.matrix)
    pd.testing.assert_frame_equal(one.broken, two.broken)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), holes=st.floats(0, 0.7))
def test_the_matrix_in_force_is_positive_semi_definite(seed: int, holes: float) -> None:
    """Whatever is missing, broken or repeated."""
    returns = equal_returns(400, 5, 0.6, seed=seed)
    returns[:, 4] = returns[:, 3]
    returns[-80:] = equal_returns(80, 5, 0.05, seed=seed + 1)
    table = closes(returns)
    table = table.where(np.random.default_rng(seed).random(table.shape) > holes)
    matrix = estimate_correlation(table, settings=CorrelationSettings(min_bars=10)).matrix
    known = matrix.dropna(how="all").dropna(axis=1, how="all").to_numpy()
    np.testing.assert_allclose(known, known.T, atol=1e-12)
    if known.size:
        assert np.linalg.eigvalsh(known).min() > -1e-9
        np.testing.assert_allclose(np.diag(known), 1.0)


def test_empty_and_tiny_tables_are_unknown() -> None:
    """No symbols, no rows, one row, one symbol."""
    table = closes(equal_returns(100, 2, 0.5))
    assert estimate_correlation(table.iloc[:, :0]).matrix.shape == (0, 0)
    assert estimate_correlation(table.iloc[:0]).matrix.isna().all(axis=None)
    assert estimate_correlation(table.iloc[:1]).matrix.isna().all(axis=None)
    assert estimate_correlation(table[["A"]]).matrix.to_numpy().tolist() == [[1.0]]


def test_daily_bars_have_no_breaks() -> None:
    """Three bars in three days are too few to tell."""
    table = closes(equal_returns(400, 3, 0.5))
    table.index = pd.date_range("2024-01-01", periods=len(table), freq="D", tz="UTC", name="timestamp")
    estimate = estimate_correlation(table, settings=CorrelationSettings(window="365D"))
    assert estimate.counts.iloc[0, 1] == 364
    assert not estimate.broken.any(axis=None)


def test_bad_tables_and_settings_are_refused() -> None:
    """The message says which."""
    table = closes(equal_returns(100, 2, 0.5))
    with pytest.raises(DataError, match=r"must have each symbol once\. 'A' comes twice"):
        estimate_correlation(table[["A", "A"]])
    with pytest.raises(DataError, match="must have a sorted DatetimeIndex without repeats"):
        estimate_correlation(table[::-1])
    with pytest.raises(ParameterError, match="'short_window' parameter of CorrelationSettings must be a positive"):
        CorrelationSettings(short_window="now")
    with pytest.raises(ParameterError, match=r"'min_bars' parameter of CorrelationSettings must be in \[3"):
        CorrelationSettings(min_bars=1)


@pytest.mark.market
def test_real_new_listings_are_told_as_they_come(market_dir: Path) -> None:
    """On 2025-05-02 AAVE and others are a day old: left out; ten days later known and said to be new."""
    table = real_closes(market_dir)
    day = estimate_correlation(table[:"2025-05-02 06:00"].iloc[-2200:])
    assert "only 30 of the 48 returns needed (new listing, first close 2025-05-01 00:00)" in note(day, "AAVE/USDT:USDT")
    assert day.matrix["AAVE/USDT:USDT"].isna().all()
    assert day.matrix.loc["BTC/USDT:USDT", "ETH/USDT:USDT"] > 0.5
    later = estimate_correlation(table[:"2025-05-11 23:00"].iloc[-2200:])
    assert note(later, "AAVE/USDT:USDT").startswith("263 of 719 returns (new listing, first close 2025-05-01 00:00)")
    assert later.matrix.loc["BTC/USDT:USDT", "AAVE/USDT:USDT"] > 0.3
    assert note(later, "BTC/USDT:USDT") == ""
    full = estimate_correlation(table[:"2026-02-01"].iloc[-2200:])
    assert full.notes.empty


@pytest.mark.market
def test_real_breaks_are_the_exception(market_dir: Path) -> None:
    """Every 25 days from mid-2025 on fewer than a third of the pairs are broken in the mean."""
    table = real_closes(market_dir)["2025-06":]
    shares = []
    for end in range(2200, len(table), 600):
        broken = estimate_correlation(table.iloc[end - 2200 : end]).broken.to_numpy()
        shares.append(broken[np.triu_indices(len(broken), 1)].mean())
    assert 0 < np.mean(shares) < 1 / 3
