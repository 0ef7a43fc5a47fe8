"""Risk contributions and diversification against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import portfolio
from heatlab.errors import ParameterError

COVARIANCE = [[0.04, 0.01], [0.01, 0.01]]  # volatilities 0.2 and 0.1, correlation 0.5


def test_two_assets_by_closed_form() -> None:
    """Half in each: 0.1323 volatility, five sevenths of it from the wilder one."""
    w = [0.5, 0.5]
    assert portfolio.portfolio_volatility(w, COVARIANCE) == pytest.approx(0.13228756555322954, abs=1e-12)
    np.testing.assert_allclose(portfolio.risk_components(w, COVARIANCE), [0.0944911182523068, 0.03779644730092272])
    np.testing.assert_allclose(portfolio.risk_contributions(w, COVARIANCE), [0.7142857142857143, 0.28571428571428575])
    assert portfolio.diversification_ratio(w, COVARIANCE) == pytest.approx(1.1338934190276817, abs=1e-12)


def test_three_small_bets_of_one_cluster_outshine_larger_lone_ones() -> None:
    """43 % of gross, 51 % of risk."""
    correlation = np.eye(5)
    correlation[:3, :3] = np.where(np.eye(3) == 1, 1.0, 0.9)
    shares = portfolio.risk_contributions([0.1, 0.1, 0.1, 0.2, 0.2], correlation)
    np.testing.assert_allclose(shares, [0.17073170731707316] * 3 + [0.24390243902439024] * 2, rtol=1e-12)
    assert shares[:3].sum() == pytest.approx(0.5121951219512195, abs=1e-12)


def test_a_hedge_is_negative() -> None:
    """A short of the correlated asset takes risk away."""
    shares = portfolio.risk_contributions([1.0, -0.3], COVARIANCE)
    assert shares[1] < 0
    assert shares.sum() == pytest.approx(1.0)


def test_four_equal_independent_bets_are_four() -> None:
    """By size and by entropy of contributions."""
    shares = portfolio.risk_contributions([0.25] * 4, np.eye(4) * 0.04)
    assert portfolio.effective_bets(shares) == pytest.approx(4.0)
    assert portfolio.effective_positions([0.25, -0.25, 0.25, -0.25]) == pytest.approx(4.0)


def test_four_equal_bets_on_one_factor_are_one() -> None:
    """Equicorrelation 0.9: volatility 0.1924, a quarter of the risk each, one principal bet."""
    covariance = 0.04 * np.where(np.eye(4) == 1, 1.0, 0.9)
    w = [0.25] * 4
    assert portfolio.effective_principal_bets(w, covariance) == pytest.approx(1.0, abs=1e-9)
    assert portfolio.portfolio_volatility(w, covariance) == pytest.approx(0.19235384061671346, abs=1e-9)
    np.testing.assert_allclose(portfolio.risk_contributions(w, covariance), w)


def test_nothing_held_is_unknown() -> None:
    """No exposure, no variance, no bets: NaN, never infinity."""
    assert np.isnan(portfolio.risk_contributions([0.0, 0.0], COVARIANCE)).all()
    assert np.isnan(portfolio.diversification_ratio([0.0, 0.0], COVARIANCE))
    assert np.isnan(portfolio.effective_positions([0.0]))
    assert np.isnan(portfolio.effective_bets([np.nan]))
    assert np.isnan(portfolio.effective_principal_bets([0.0, 0.0], COVARIANCE))
    assert np.isnan(portfolio.portfolio_volatility([np.nan], [[1.0]]))


def test_an_unknown_asset_is_left_out_of_the_sum() -> None:
    """NaN for it; the others share 1."""
    covariance = np.full((3, 3), np.nan)
    covariance[:2, :2] = COVARIANCE
    shares = portfolio.risk_contributions([0.5, 0.5, 0.5], covariance)
    np.testing.assert_allclose(shares, [0.7142857142857143, 0.28571428571428575, np.nan])


def test_wrong_shapes_and_missing_pairs_are_refused() -> None:
    """The message says what is allowed and where."""
    with pytest.raises(ParameterError, match=r"'covariance' parameter of risk_contributions must be of shape \(3, 3\)"):
        portfolio.risk_contributions([1, 2, 3], COVARIANCE)
    with pytest.raises(ParameterError, match="'exposure' parameter of risk_components must be of one dimension"):
        portfolio.risk_components([[1.0, 2.0]], COVARIANCE)
    with pytest.raises(ParameterError, match="must be known between positions 0 and 1"):
        portfolio.risk_contributions([1, 2], [[1.0, np.nan], [np.nan, 1.0]])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 6), factor=st.floats(0.001, 1000))
def test_contributions_sum_to_one_and_do_not_depend_on_scale(seed: int, count: int, factor: float) -> None:
    """Euler: the parts make the whole, in any unit and with every sign turned."""
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(count, count + 3))
    covariance = root @ root.T
    exposure = generator.normal(size=count)
    shares = portfolio.risk_contributions(exposure, covariance)
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(portfolio.risk_contributions(-factor * exposure, covariance), shares, rtol=1e-8)
    total = portfolio.risk_components(exposure, covariance).sum()
    assert total == pytest.approx(portfolio.portfolio_volatility(exposure, covariance))
    assert portfolio.diversification_ratio(exposure, covariance) >= 1 - 1e-9
