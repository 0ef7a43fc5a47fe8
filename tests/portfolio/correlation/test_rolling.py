"""Rolling correlation: against pandas, with gaps, drifting prices, stillness and outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.correlation.rolling import pair_columns, rolling_correlation
from tests.portfolio.correlation.markets import equal_returns


def by_pandas(table: np.ndarray, window: int, min_bars: int | None = None) -> np.ndarray:
    """Series.rolling.corr of every pair."""
    frame = pd.DataFrame(table)
    pairs = zip(*pair_columns(table.shape[1]), strict=True)
    return np.column_stack([frame[i].rolling(window, min_periods=min_bars or window).corr(frame[j]) for i, j in pairs])


def two_pass(table: np.ndarray, window: int) -> np.ndarray:
    """Correlation of each window on its own; NaN where one of the two is still."""
    first, second = pair_columns(table.shape[1])
    out = np.full((len(table), len(first)), np.nan)
    for t in range(window - 1, len(table)):
        part = table[t - window + 1 : t + 1]
        moves = part.std(axis=0) > 1e-10 * np.abs(part.mean(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            whole = np.corrcoef(part.T)[first, second]
        out[t] = np.where(moves[first] & moves[second], whole, np.nan)
    return out


def test_the_example_of_the_pandas_docstring() -> None:
    """3 3 3 5 8 and 3 4 4 4 8, window 4."""
    table = np.array([[3, 3, 3, 5, 8], [3, 4, 4, 4, 8]], dtype=float).T
    np.testing.assert_allclose(rolling_correlation(table, 4)[:, 0], [np.nan] * 3 + [0.333333, 0.916949], atol=1e-6)


def test_pairs_run_along_the_upper_triangle() -> None:
    """(0, 1), (0, 2), (1, 2); none for one asset."""
    assert [side.tolist() for side in pair_columns(3)] == [[0, 0, 1], [1, 2, 2]]
    assert pair_columns(1)[0].size == 0


@pytest.mark.parametrize("prices", [False, True], ids=["returns", "prices"])
@pytest.mark.parametrize(("window", "min_bars"), [(50, None), (50, 10), (700, 48)])
def test_it_agrees_with_pandas(window: int, min_bars: int | None, prices: bool, pure: Callable[..., Any]) -> None:
    """To 1e-9, on returns and on prices that drift, where nothing is missing."""
    table = equal_returns(2500, 4, 0.5)
    table = 60_000 * np.exp(np.cumsum(table, axis=0)) if prices else table
    ours = pure(rolling_correlation, pd.DataFrame(table), window, min_bars=min_bars)
    np.testing.assert_allclose(ours, by_pandas(table, window, min_bars), atol=1e-9, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), holes=st.floats(0.0, 0.6), window=st.integers(5, 80), late=st.integers(0, 200))
def test_with_gaps_each_pair_uses_the_bars_both_have(seed: int, holes: float, window: int, late: int) -> None:
    """Random holes and a new listing, as pandas drops them."""
    table = equal_returns(300, 4, 0.4, seed=seed)
    table[np.random.default_rng(seed).random(table.shape) < holes] = np.nan
    table[:late, 1] = np.nan
    ours = rolling_correlation(table, window, min_bars=4)
    np.testing.assert_allclose(ours, by_pandas(table, window, 4), atol=1e-8, rtol=0)


def test_a_still_or_nearly_still_series_is_unknown() -> None:
    """A price that stands, and one that moves only in its last digit: NaN, not noise between -1 and 1."""
    table = equal_returns(600, 3, 0.5)
    table[200:400, 1] = 3.3
    table[:, 2] = 1.0 + 1e-14 * np.arange(600) % 2
    for one in (table, np.where(np.arange(600)[:, None] == 50, np.nan, table)):
        ours = rolling_correlation(one, 60, min_bars=30)
        assert np.isnan(ours[270:390, 0]).all()
        assert np.isnan(ours[:, 1]).all()
        assert np.isfinite(ours[70:200, 0]).all()


def test_an_outlier_leaves_nothing_behind() -> None:
    """A bad tick of a million: once it has left the window the result is exact again."""
    table = equal_returns(900, 3, 0.5)
    table[300, 0] = 1e6
    np.testing.assert_allclose(rolling_correlation(table, 60), two_pass(table, 60), atol=1e-9, rtol=0)
    table[100, 1] = np.nan
    ours = rolling_correlation(table, 60, min_bars=60)
    np.testing.assert_allclose(ours[400:], two_pass(table, 60)[400:], atol=1e-9, rtol=0)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(1, 400), seed=st.integers(0, 50), gaps=st.booleans())
def test_no_row_knows_the_future(cut: int, seed: int, gaps: bool) -> None:
    """The first rows do not change when more are added."""
    table = equal_returns(400, 3, 0.5, seed=seed)
    if gaps:
        table[np.random.default_rng(seed).random(table.shape) < 0.1] = np.nan
    whole, part = (rolling_correlation(t, 40, min_bars=10) for t in (table, table[:cut]))
    np.testing.assert_allclose(part, whole[:cut], atol=1e-12, rtol=0)


def test_neither_threads_nor_pairs_nor_steps_change_a_number() -> None:
    """One thread or three, all pairs or some in any order, every bar or every fifth."""
    table = equal_returns(2000, 60, 0.5)
    table[7, 3] = np.nan
    whole = rolling_correlation(table, 100, min_bars=50, workers=1)
    np.testing.assert_array_equal(rolling_correlation(table, 100, min_bars=50, workers=3), whole)
    np.testing.assert_allclose(rolling_correlation(table, 100, min_bars=50, every=5), whole[::5], atol=1e-12, rtol=0)
    first, second = pair_columns(60)
    chosen = np.array([1700, 3, 4, 900])
    some = rolling_correlation(table, 100, min_bars=50, pairs=(first[chosen], second[chosen]))
    np.testing.assert_allclose(some, whole[:, chosen], atol=1e-12, rtol=0)
    swapped = rolling_correlation(table, 100, min_bars=50, pairs=(second[chosen], first[chosen]))
    np.testing.assert_allclose(swapped, whole[:, chosen], atol=1e-12, rtol=0)


def test_float32_halves_the_memory_and_keeps_six_digits() -> None:
    """Sums stay float64."""
    table = equal_returns(500, 4, 0.5)
    ours = rolling_correlation(table, 100, dtype=np.float32)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, rolling_correlation(table, 100), atol=1e-6)


def test_small_and_empty_tables_have_a_shape() -> None:
    """No rows, one asset, fewer rows than the window."""
    assert rolling_correlation(np.empty((0, 3)), 5).shape == (0, 3)
    assert rolling_correlation(np.ones((4, 1)), 5).shape == (4, 0)
    assert np.isnan(rolling_correlation(equal_returns(4, 2, 0.5), 5)).all()


def test_bad_parameters_are_refused() -> None:
    """With name, range and value."""
    table = equal_returns(10, 2, 0.5)
    with pytest.raises(ParameterError, match=r"'window' parameter of rolling_correlation must be in \[2"):
        rolling_correlation(table, 1)
    with pytest.raises(ParameterError, match=r"'min_bars' parameter of rolling_correlation must be in \[2, 5\]"):
        rolling_correlation(table, 5, min_bars=6)
    with pytest.raises(ParameterError, match="'pairs' parameter of rolling_correlation must be two equally long"):
        rolling_correlation(table, 5, pairs=([0], [2]))
    with pytest.raises(ParameterError, match="'dtype' parameter of rolling_correlation must be one of 'float64'"):
        rolling_correlation(table, 5, dtype=np.int64)
    with pytest.raises(ParameterError, match="'returns' parameter of rolling_correlation must be a table"):
        rolling_correlation(table[:, 0], 5)
