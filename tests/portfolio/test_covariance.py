"""Covariance of hourly returns: values, gaps, shrinkage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import portfolio
from heatlab.errors import DataError, ParameterError
from heatlab.frames import align
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation

PLAIN = CorrelationSettings(shrinkage=0.0)


def closes(hours: int = 800, assets: int = 3, *, seed: int = 7) -> pd.DataFrame:
    """Correlated random walks."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0, 0.01, (hours, assets)) + generator.normal(0, 0.01, (hours, 1))
    index = pd.date_range("2025-01-01", periods=hours, freq="h", tz="UTC", name="timestamp", unit="ms")
    return pd.DataFrame(100 * np.exp(np.cumsum(moves, axis=0)), index=index, columns=list("ABCDEF")[:assets])


def test_unshrunk_it_is_the_sample_covariance_of_thirty_days(pure: Callable[..., Any]) -> None:
    """720 closes, 719 log returns."""
    table = closes()
    expected = np.log(table.iloc[-720:]).diff().cov()
    pd.testing.assert_frame_equal(pure(portfolio.covariance, table, settings=PLAIN), expected, rtol=1e-10)


def test_shrinkage_moves_correlations_to_their_mean_and_keeps_variances() -> None:
    """Fully shrunk: one correlation for all."""
    table = closes()
    sample = np.log(table.iloc[-720:]).diff()
    got = portfolio.covariance(table, settings=CorrelationSettings(shrinkage=1.0))
    deviation = np.sqrt(np.diag(got))
    correlation = (got / np.outer(deviation, deviation)).to_numpy()
    np.testing.assert_allclose(deviation, sample.std())
    mean = sample.corr().to_numpy()[np.triu_indices(3, 1)].mean()
    np.testing.assert_allclose(correlation[np.triu_indices(3, 1)], mean)


def test_a_new_listing_is_unknown_and_the_others_are_not() -> None:
    """Fewer than 48 returns: NaN in its row and column."""
    table = closes()
    table.iloc[:-20, 1] = np.nan
    got = portfolio.covariance(table)
    assert got["B"].isna().all()
    assert got.drop(index="B", columns="B").notna().all(axis=None)


def test_two_that_never_met_get_the_mean_correlation() -> None:
    """A traded early, B late, C always: the pair A, B gets the mean of the two known pairs."""
    table = closes()
    table.iloc[-360:, 0] = np.nan
    table.iloc[:-360, 1] = np.nan
    got = portfolio.covariance(table, settings=PLAIN)
    deviation = np.sqrt(np.diag(got))
    correlation = (got / np.outer(deviation, deviation)).to_numpy()
    assert correlation[0, 1] == pytest.approx((correlation[0, 2] + correlation[1, 2]) / 2)


def test_a_still_price_has_no_variance() -> None:
    """Zero, not NaN: it is known not to move."""
    table = closes()
    table["A"] = 1.0
    got = portfolio.covariance(table)
    assert (got["A"] == 0).all()
    assert got.notna().all(axis=None)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), holes=st.floats(0, 0.6))
def test_it_is_symmetric_and_positive_semi_definite(seed: int, holes: float) -> None:
    """Whatever is missing, no portfolio has negative variance."""
    table = closes(300, 5, seed=seed)
    table = table.where(np.random.default_rng(seed).random(table.shape) > holes)
    got = portfolio.covariance(table, settings=CorrelationSettings(min_bars=10))
    known = got.dropna(how="all").dropna(axis=1, how="all").to_numpy()
    np.testing.assert_allclose(known, known.T)
    if known.size:
        assert np.linalg.eigvalsh(known).min() >= -1e-12 * np.trace(known)


def test_too_little_is_unknown() -> None:
    """No rows and one row: NaN."""
    assert portfolio.covariance(closes()[:1]).isna().all(axis=None)
    assert portfolio.covariance(closes()[:0]).isna().all(axis=None)


def test_bad_tables_and_settings_are_refused() -> None:
    """The message says which column and row."""
    table = closes()
    table.iloc[3, 1] = 0.0
    with pytest.raises(DataError, match=r"closes of estimate_correlation must be positive. Column 'B' has 0 at row 3"):
        portfolio.covariance(table)
    with pytest.raises(DataError, match="must have a sorted DatetimeIndex"):
        portfolio.covariance(closes()[::-1])
    with pytest.raises(ParameterError, match=r"'shrinkage' parameter of CorrelationSettings must be in \[0, 1\]"):
        CorrelationSettings(shrinkage=2)
    with pytest.raises(ParameterError, match="'window' parameter of CorrelationSettings must be a positive length"):
        CorrelationSettings(window="soon")


@pytest.mark.market
def test_real_coins_move_together(market_dir: Path) -> None:
    """BTC and ETH, hourly: annualised volatility between 20 % and 200 %, correlation above 0.5."""
    folder = market_dir / "ohlcv" / "binance_perp"
    tables = {
        coin: pd.read_parquet(folder / f"{coin}-USDT-USDT_1h.parquet").set_index("timestamp") for coin in ("BTC", "ETH")
    }
    got = portfolio.covariance(align(tables))
    deviation = np.sqrt(np.diag(got))
    assert ((deviation * np.sqrt(24 * 365) > 0.2) & (deviation * np.sqrt(24 * 365) < 2.0)).all()
    assert got.iloc[0, 1] / deviation.prod() > 0.5


def test_positions_in_one_symbol_share_its_column() -> None:
    """Columns that come twice are estimated once."""
    table = closes()
    twice = portfolio.covariance(table[["A", "B", "A"]])
    assert list(twice.columns) == ["A", "B", "A"]
    assert twice.iloc[0, 2] == twice.iloc[0, 0] == twice.iloc[2, 2]
    pd.testing.assert_frame_equal(twice.iloc[:2, :2], portfolio.covariance(table[["A", "B"]]))


def test_it_is_the_covariance_of_the_estimate() -> None:
    """One mechanism: what the correlation section shows is what the shares of risk rest on."""
    table = closes(1500)
    pd.testing.assert_frame_equal(portfolio.covariance(table), estimate_correlation(table).covariance)
