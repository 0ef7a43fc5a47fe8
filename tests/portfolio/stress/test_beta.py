"""Beta and downside beta."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import DataError, ParameterError
from heatlab.portfolio.stress.beta import BetaSettings, betas

SHORT = BetaSettings(min_bars=10, min_downside_bars=3)


def closes(*columns: np.ndarray, names: tuple[str, ...] = ("B", "X")) -> pd.DataFrame:
    """Hourly closes that start at 100 and follow the returns given."""
    index = pd.date_range("2026-01-01", periods=len(columns[0]) + 1, freq="1h", tz="UTC", name="timestamp")
    return pd.DataFrame(
        {name: 100 * np.cumprod(np.r_[1.0, 1.0 + c]) for name, c in zip(names, columns, strict=False)}, index=index
    )


def walk(count: int = 600, seed: int = 1) -> np.ndarray:
    """Returns of 1 % a bar."""
    return np.random.default_rng(seed).normal(0, 0.01, count)


def test_a_symbol_that_moves_twice_as_far_has_beta_two() -> None:
    """Exactly, with nothing left unexplained."""
    b = walk()
    row = betas(closes(b, 2 * b), benchmark="B").iloc[1]
    assert (row["beta"], row["downside_beta"], row["r_squared"]) == pytest.approx((2.0, 2.0, 1.0))
    assert row["standard_error"] == pytest.approx(0.0, abs=1e-9)


def test_the_downside_beta_is_the_slope_of_falls_alone() -> None:
    """It moves by 1 in rises and by 3 in falls."""
    b = walk()
    row = betas(closes(b, np.where(b < 0, 3 * b, b)), benchmark="B").iloc[1]
    assert row["downside_beta"] == pytest.approx(3.0)
    assert 1.0 < row["beta"] < 3.0
    assert row["downside_bars"] == (b < 0).sum()


def test_it_agrees_with_the_textbook_covariance() -> None:
    """cov / var, and White's error by a plain sum."""
    b, noise = walk(), walk(seed=2)
    x = 0.7 * b + noise
    row = betas(closes(b, x), benchmark="B").iloc[1]
    slope = np.cov(x, b)[0, 1] / np.var(b, ddof=1)
    left = x - x.mean() - slope * (b - b.mean())
    error = np.sqrt((((b - b.mean()) * left) ** 2).sum()) / ((b - b.mean()) ** 2).sum()
    assert (row["beta"], row["standard_error"]) == pytest.approx((slope, error))
    assert row["r_squared"] == pytest.approx(np.corrcoef(x, b)[0, 1] ** 2)


def test_a_short_history_is_unknown_and_says_how_short() -> None:
    """Never 0, never 1."""
    b = walk(500)
    table = closes(b, 2 * b)
    table.loc[table.index[:-100], "X"] = np.nan
    row = betas(table, benchmark="B").iloc[1]
    assert np.isnan(row["beta"])
    assert row["note"] == "beta unknown: 99 hourly returns shared with the benchmark, 240 needed"


def test_gaps_do_not_make_long_returns() -> None:
    """A missing hour leaves two returns out."""
    b = walk(300)
    table = closes(b, 2 * b)
    row = betas(table.drop(table.index[150]), benchmark="B").iloc[1]
    assert row["bars"] == 298
    assert row["beta"] == pytest.approx(2.0)


def test_the_benchmark_may_come_from_outside() -> None:
    """It gets a row of its own, with beta 1."""
    b = walk()
    table = closes(b, 2 * b)
    result = betas(table[["X"]], benchmark=table["B"])
    assert result["symbol"].tolist() == ["X", "B"]
    assert result["beta"].tolist() == pytest.approx([2.0, 1.0])


def test_only_the_window_counts() -> None:
    """What was before it changes nothing."""
    b = walk(1000)
    x = np.where(np.arange(1000) < 500, -b, 2 * b)
    assert betas(closes(b, x), benchmark="B", settings=BetaSettings(window="20D")).iloc[1]["beta"] == pytest.approx(2.0)


def test_an_empty_table_gives_no_rows() -> None:
    """No symbols, no betas; the benchmark alone stays."""
    assert betas(closes(walk(50), names=("B",)), benchmark="B")["beta"].tolist() == [1.0]


def test_inputs_stay_as_they_are(pure: Callable[..., Any]) -> None:
    """The table is read only."""
    b = walk(50)
    pure(betas, closes(b, b), benchmark="B", settings=SHORT)


def test_an_unknown_benchmark_is_refused() -> None:
    """The message lists the columns."""
    with pytest.raises(ParameterError, match="one of 'B', 'X'"):
        betas(closes(walk(20), walk(20)), benchmark="Y")


def test_a_price_of_zero_is_refused() -> None:
    """With its place."""
    table = closes(walk(20), walk(20))
    table.iloc[3, 1] = 0.0
    with pytest.raises(DataError, match="Column 'X' has 0 at row 3"):
        betas(table, benchmark="B")


def test_settings_are_checked() -> None:
    """A window must be a length of time."""
    with pytest.raises(ParameterError, match="positive length of time"):
        BetaSettings(window="soon")
