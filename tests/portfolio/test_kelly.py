"""Kelly's fraction: worked cases, no edge, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.kelly import kelly_fraction, kelly_from_trades, kelly_leverage, kelly_weights


def test_an_even_bet_won_six_times_in_ten_stakes_a_fifth() -> None:
    """(1 * 0.6 - 0.4) / 1."""
    assert kelly_fraction(0.6, 1.0) == pytest.approx(0.2)


def test_a_bet_without_an_edge_stakes_nothing() -> None:
    """The raw formula says -0.2; nothing is staked."""
    assert kelly_fraction(0.4, 1.0) == 0.0
    assert kelly_fraction(0.4, 1.0, clamp=False) == pytest.approx(-0.2)


def test_thorp_half_kelly_keeps_three_quarters_of_the_excess_growth() -> None:
    """m = 11 %, s = 15 %, r = 6 %: 2.222 times, growth 11.56 %, at half the leverage 10.17 %."""
    got = kelly_leverage(0.11, 0.15, rate=0.06)
    assert got.leverage == pytest.approx(2.2222222222222223, rel=1e-12)
    assert got.growth == pytest.approx(0.11555555555555556, rel=1e-12)
    assert got.half_growth == pytest.approx(0.10166666666666668, rel=1e-12)


def test_kelly_weights_of_one_asset_are_its_leverage() -> None:
    """Both formulas agree."""
    assert kelly_weights([0.05], [[0.0225]]).weights[0] == pytest.approx(kelly_leverage(0.05, 0.15).leverage)


def test_a_record_is_read_with_caution() -> None:
    """32 of 47 won: 68 %, but the data allow 53.8 %; the fraction falls from 31 % to 0."""
    got = kelly_from_trades(32, 47, 180.0, 210.0)
    assert got.win_rate_low == pytest.approx(0.5383, abs=1e-4)
    assert got.fraction == pytest.approx(0.3085106382978723)
    assert got.fraction_low == pytest.approx(0.0, abs=1e-3)
    assert got.profit_factor == pytest.approx(1.8285714285714285)


def test_a_record_without_a_loss_has_no_finite_profit_factor() -> None:
    """Nothing was lost yet."""
    assert math.isinf(kelly_from_trades(3, 3, 10.0, 5.0).profit_factor)


@settings(max_examples=50, deadline=None)
@given(win_rate=st.floats(0.01, 0.99), payoff=st.floats(0.05, 20))
def test_no_other_fraction_grows_faster(win_rate: float, payoff: float) -> None:
    """Expected log growth at the clamped fraction is at least that at any other stake."""
    best = kelly_fraction(win_rate, payoff)
    stakes = np.append(np.linspace(0, 0.99, 100), best)
    growth = win_rate * np.log1p(stakes * payoff) + (1 - win_rate) * np.log1p(-stakes)
    assert growth[-1] >= growth.max() - 1e-9


def test_wrong_inputs_are_refused() -> None:
    """What, where, allowed, got."""
    with pytest.raises(ParameterError, match=r"'win_rate' parameter of kelly_fraction must be in \[0, 1\]. Got 1.2"):
        kelly_fraction(1.2, 1.0)
    with pytest.raises(ParameterError, match="'payoff_ratio' parameter of kelly_fraction must be a positive finite"):
        kelly_fraction(0.5, math.nan)
    with pytest.raises(ParameterError, match="'volatility' parameter of kelly_leverage must be a positive"):
        kelly_leverage(0.1, 0.0)
    with pytest.raises(ParameterError, match=r"'wins' parameter of kelly_from_trades must be in \[0, 3\]. Got 4"):
        kelly_from_trades(4, 3, 1.0, 1.0)
    with pytest.raises(ParameterError, match="'covariance' parameter of kelly_weights must be known and positive def"):
        kelly_weights([0.1, 0.1], [[1.0, 1.0], [1.0, 1.0]])
    with pytest.raises(ParameterError, match="'mean' parameter of kelly_weights must be known numbers"):
        kelly_weights([math.nan], [[1.0]])
    with pytest.raises(ParameterError, match=r"'covariance' parameter of kelly_weights must be of shape \(1, 1\)"):
        kelly_weights([0.1], [[1.0, 0.0], [0.0, 1.0]])
