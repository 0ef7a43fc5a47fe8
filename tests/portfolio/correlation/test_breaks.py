"""Structural breaks: found when there, at about the stated rate when not."""

from __future__ import annotations

import numpy as np
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.correlation.breaks import STEPS, cusum_limit, structural_breaks, volatility_adjusted
from tests.portfolio.correlation.markets import equal_returns, wild_returns

SHORT, LONG = 72, 720


def flagged(returns: np.ndarray, **options: float) -> float:
    """Share of pairs flagged."""
    broken = structural_breaks(returns, short=SHORT, long=LONG, **options)[0]
    return float(broken[np.triu_indices(len(broken), 1)].mean())


def test_the_limit_is_the_quantile_of_the_cusum() -> None:
    """Simulated with independent normal gaps: one in a hundred passes."""
    gaps = np.random.default_rng(1).normal(size=(200_000, STEPS))
    up = down = np.zeros(len(gaps))
    for k in range(STEPS):
        up, down = np.maximum(up + gaps[:, k] - 0.5, 0), np.maximum(down - gaps[:, k] - 0.5, 0)
    assert cusum_limit(STEPS, 0.01) == pytest.approx(4.29, abs=0.01)
    assert (np.maximum(up, down) > cusum_limit(STEPS, 0.01)).mean() == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.85])
@pytest.mark.parametrize("kind", [equal_returns, wild_returns], ids=["normal", "fat tails and clustered volatility"])
def test_a_constant_correlation_is_flagged_no_more_often_than_stated(kind: object, rho: float) -> None:
    """At 5 %, for which fewer simulations do: 15 looks at 66 pairs each."""
    rates = [flagged(kind(20 * SHORT, 12, rho, seed=seed), false_alarms=0.05) for seed in range(15)]  # type: ignore[operator]
    assert np.mean(rates) < 0.06


@pytest.mark.parametrize(("before", "after"), [(0.8, 0.2), (0.2, 0.8)])
def test_a_changed_correlation_is_found_within_six_days(before: float, after: float) -> None:
    """Most pairs of eight, and the statistic has the sign of the change."""
    old, new = equal_returns(1300, 8, before, seed=1), equal_returns(2 * SHORT, 8, after, seed=2)
    broken, statistic = structural_breaks(np.vstack([old, new]), short=SHORT, long=LONG)
    pairs = np.triu_indices(8, 1)
    assert broken[pairs].mean() > 0.8
    assert (np.sign(statistic[pairs]) == np.sign(after - before)).mean() > 0.9
    assert (broken == broken.T).all()


def test_a_burst_of_one_volatility_is_no_break() -> None:
    """One asset four times as wild for three days: after its own volatility is taken out nothing has changed."""
    returns = equal_returns(1440, 6, 0.7, seed=3)
    returns[-SHORT:, 0] *= 4
    assert flagged(returns) < 0.1


def test_a_change_long_ago_is_no_longer_a_break() -> None:
    """45 days later the month before holds the new correlation alone."""
    old, new = equal_returns(1300, 6, 0.8, seed=1), equal_returns(45 * 24 + 720, 6, 0.2, seed=2)
    assert flagged(np.vstack([old, new])) < 0.1


def test_short_histories_and_gaps_break_nothing() -> None:
    """No rows, nine days, a new listing, two columns alike and one that stands."""
    assert not structural_breaks(np.empty((0, 3)), short=SHORT, long=LONG)[0].any()
    assert not structural_breaks(equal_returns(216, 3, 0.5), short=SHORT, long=LONG)[0].any()
    returns = equal_returns(1440, 5, 0.5)
    returns[:-100, 1], returns[:, 2], returns[:, 3] = np.nan, 0.0, returns[:, 0]
    assert not structural_breaks(returns, short=SHORT, long=LONG, false_alarms=1e-4)[0].any()


def test_the_volatility_taken_out_is_that_of_the_past() -> None:
    """A jump is divided by the volatility before it; later rows do not change earlier ones but for the mean."""
    returns = equal_returns(500, 1, 0.0)
    returns -= returns.mean()
    jumped = returns.copy()
    jumped[300] = 0.5
    a, b = volatility_adjusted(returns, half_life=24), volatility_adjusted(jumped, half_life=24)
    np.testing.assert_allclose(a[24:300], b[24:300], atol=0.2)
    assert b[300, 0] > 30
    assert np.isnan(a[:24]).all()


def test_bad_parameters_are_refused() -> None:
    """With name, range and value."""
    returns = equal_returns(100, 2, 0.5)
    with pytest.raises(ParameterError, match=r"'short' parameter of structural_breaks must be in \[8"):
        structural_breaks(returns, short=4, long=720)
    with pytest.raises(ParameterError, match="'long' parameter of structural_breaks must be at least 3 times short"):
        structural_breaks(returns, short=72, long=100)
    with pytest.raises(ParameterError, match=r"'false_alarms' parameter of structural_breaks must be in \(0, 0.5\)"):
        structural_breaks(returns, short=72, long=720, false_alarms=0.7)
