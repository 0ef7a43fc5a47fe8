"""Chance of meeting a price within hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.alerts.touch import touch_distance, touch_probability, touch_record


def test_the_reflection_principle() -> None:
    """One deviation away: twice the tail of 15.9 %; at the price itself 1; four days are two deviations."""
    assert touch_probability([0.05, 0.0], 0.05).tolist() == pytest.approx([0.3173105, 1.0])
    assert touch_probability(0.05, 0.05, hours=96) == pytest.approx(0.6170751)


def test_unknown_is_unknown_and_never_is_zero() -> None:
    """NaN without a distance or a volatility; an infinite distance is never met."""
    assert np.isnan(touch_probability([np.nan, 0.1, 0.1], [0.05, np.nan, 0.0])).all()
    assert touch_probability([np.inf, -np.inf], 0.05).tolist() == [0.0, 0.0]


@settings(max_examples=50)
@given(st.floats(0.001, 0.999), st.floats(0.001, 0.5), st.floats(1, 200))
def test_distance_and_probability_are_inverse(probability: float, volatility: float, hours: float) -> None:
    """There and back."""
    distance = touch_distance(probability, volatility, hours=hours)
    assert touch_probability(distance, volatility, hours=hours) == pytest.approx(probability)


@settings(max_examples=50)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.2))
def test_further_is_less_likely(one: float, other: float, volatility: float) -> None:
    """Never the other way."""
    near, far = sorted((one, other))
    assert touch_probability(near, volatility) >= touch_probability(far, volatility)


def test_no_time_is_refused() -> None:
    """A horizon is positive."""
    with pytest.raises(ParameterError, match="The 'hours' parameter of touch_probability"):
        touch_probability(0.1, 0.1, hours=0)


def walk(bars: int, *, seed: int = 3) -> pd.DataFrame:
    """Candles of a driftless walk in steps of a minute, so that highs and lows are close to true."""
    steps = np.random.default_rng(seed).normal(0, 0.001, (bars, 60)).cumsum(axis=1)
    start = np.concatenate([[0.0], steps[:-1, -1].cumsum()])[:, None]
    path = np.exp(start + steps)
    index = pd.date_range("2025-01-01", periods=bars, freq="1h", tz="UTC", name="timestamp")
    return pd.DataFrame({"low": path.min(axis=1), "high": path.max(axis=1), "close": path[:, -1]}, index=index)


def test_a_driftless_walk_is_met_as_often_as_predicted() -> None:
    """5 % and 20 %, both sides, within what three years of hours can tell."""
    record = touch_record(walk(26_000), probabilities=(0.05, 0.20))
    assert record["realised"].tolist() == pytest.approx(record["predicted"].tolist(), abs=0.025)
    assert record["starts"].tolist() == [26_000 - 720 - 24] * 4


def test_the_record_looks_ahead_only_at_what_it_scores() -> None:
    """The last hours, whose future is not there, are not counted, and a short table has no record."""
    assert touch_record(walk(100), probabilities=(0.1,))["realised"].isna().all()


@pytest.mark.market
def test_on_bitcoin_far_prices_are_met_more_often_than_predicted(market_dir: Path) -> None:
    """Fat tails: a predicted 1 % is several; a predicted 20 % is about that."""
    candles = pd.read_parquet(market_dir / "ohlcv/binance_perp/BTC-USDT-USDT_1h.parquet")
    record = touch_record(candles, probabilities=(0.01, 0.20)).set_index(["side", "predicted"])["realised"]
    assert record[1, 0.01] > 0.02
    assert record[1, 0.20] == pytest.approx(0.2, abs=0.06)
