"""The single rules against published values and plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import trend
from heatlab.errors import ParameterError
from tests.trend.walks import walk


def test_a_straight_line_breaks_out_at_the_cap() -> None:
    """pysystemtrade's formula on 1..40 with lookback 20 is +20."""
    line = pd.Series(np.arange(1.0, 41.0))
    assert trend.breakout(line, lookback=20).iloc[-1] == 20.0
    assert trend.breakout(line[::-1], lookback=20).iloc[-1] == -20.0


def test_published_scalars_are_public() -> None:
    """The table of pysystemtrade's chapter 15 configuration, cap 20 and target 10."""
    assert trend.EWMAC_SCALARS == {
        (2, 8): 10.6,
        (4, 16): 7.5,
        (8, 32): 5.3,
        (16, 64): 3.75,
        (32, 128): 2.65,
        (64, 256): 1.87,
    }
    assert (trend.FORECAST_CAP, trend.TARGET_ABSOLUTE_FORECAST) == (20.0, 10.0)


def test_volatility_is_that_of_pandas() -> None:
    """Exponentially weighted standard deviation of changes, ten changes at least."""
    close = walk(400)["close"]
    expected = close.diff().ewm(span=35, min_periods=10).std()
    pd.testing.assert_series_equal(trend.price_volatility(close), expected, rtol=1e-10)


def test_crossover_is_that_of_pandas() -> None:
    """EMA difference over volatility, from the bar that fills the slow span."""
    close = walk(400)["close"]
    volatility = close.diff().ewm(span=35, min_periods=10).std()
    expected = (close.ewm(span=8).mean() - close.ewm(span=32, min_periods=32).mean()) / volatility
    pd.testing.assert_series_equal(trend.ewmac(close, fast=8, slow=32), expected, rtol=1e-9, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.integers(1, 9), min_size=1, max_size=60), lookback=st.integers(2, 12)
)  # small integers: many ties
def test_breakout_is_that_of_rolling_extremes(prices: list[int], lookback: int) -> None:
    """The monotone queues give the same highest and lowest as rolling windows."""
    close = pd.Series(prices, dtype=np.float64)
    top, bottom = close.rolling(lookback).max(), close.rolling(lookback).min()
    expected = 40 * (close - (top + bottom) / 2) / (top - bottom).where(top > bottom)
    pd.testing.assert_series_equal(trend.breakout(close, lookback=lookback), expected, rtol=1e-12)


def test_bars_without_a_close_are_as_if_absent() -> None:
    """NaN rows stay NaN and leave every other row as it is without them."""
    close = walk(200)["close"]
    holes = close.where(np.random.default_rng(1).random(200) > 0.1)
    for rule in (
        lambda series: trend.ewmac(series, fast=4, slow=16),
        lambda series: trend.breakout(series, lookback=10),
        trend.price_volatility,
    ):
        pd.testing.assert_series_equal(rule(holes), rule(holes.dropna()).reindex(holes.index), check_freq=False)


def test_a_price_that_stands_still_has_no_forecast() -> None:
    """Zero volatility and zero range give NaN, not infinity."""
    flat = pd.Series(np.full(100, 5.0))
    assert trend.ewmac(flat, fast=8, slow=32).isna().all()
    assert trend.breakout(flat, lookback=20).isna().all()


def test_wrong_spans_are_refused() -> None:
    """The fast span is below the slow one, a lookback has two bars."""
    close = walk(10)["close"]
    with pytest.raises(ParameterError, match=r"'fast' parameter of ewmac must be in \[1, 32\)\. Got 32"):
        trend.ewmac(close, fast=32, slow=32)
    with pytest.raises(ParameterError, match=r"'lookback' parameter of breakout must be in \[2, 100000\]\. Got 1"):
        trend.breakout(close, lookback=1)
    with pytest.raises(ParameterError, match="'span' parameter of price_volatility"):
        trend.price_volatility(close, span=1)
