"""The combined forecast: scale, cap, multiplier and time's arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import trend
from heatlab.errors import MissingColumnsError, ParameterError
from tests.heat import reference
from tests.trend.walks import candles, walk

RULES = ["ewmac_8_32", "ewmac_16_64", "ewmac_32_128", "breakout_40"]


def test_uncorrelated_quarters_double() -> None:
    """1 / sqrt(w' H w) of four equal uncorrelated forecasts is 2."""
    assert trend.diversification_multiplier([0.25] * 4, np.eye(4)) == pytest.approx(2.0)


def test_one_factor_hardly_diversifies() -> None:
    """Equicorrelation 0.9, four equal weights: 1.0397504898."""
    correlation = np.full((4, 4), 0.9)
    np.fill_diagonal(correlation, 1.0)
    assert trend.diversification_multiplier([0.25] * 4, correlation) == pytest.approx(1.0397504898200727, abs=1e-12)


def test_the_multiplier_stops_at_its_limit() -> None:
    """Ten uncorrelated forecasts would give 3.16; the limit is 2.5, and negative correlation does not help."""
    assert trend.diversification_multiplier([0.1] * 10, np.eye(10)) == 2.5
    assert trend.diversification_multiplier([0.5, 0.5], [[1, -1], [-1, 1]]) == pytest.approx(np.sqrt(2))


def test_wrong_shapes_are_refused() -> None:
    """Weights and correlation fit each other."""
    with pytest.raises(ParameterError, match=r"'correlation' parameter of diversification_multiplier must be of shape"):
        trend.diversification_multiplier([0.5, 0.5], np.eye(3))
    with pytest.raises(ParameterError, match="with w' H w above zero"):
        trend.diversification_multiplier([0.0, 0.0], np.eye(2))


def test_forecast_is_that_of_the_plain_reference() -> None:
    """Every rule and the combination agree with pandas to 1e-9."""
    table = walk(1500)
    close = table[["close"]]
    parts, _ = reference.rules(close)
    combined, _ = reference.forecast(close)
    got = trend.forecast(table)
    for name, part in zip(RULES, parts, strict=True):
        np.testing.assert_allclose(got[name], part["close"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(got["forecast"], combined["close"], rtol=1e-9, atol=1e-9)


def test_the_mean_absolute_forecast_comes_to_ten() -> None:
    """On a long random walk each rule is scaled to about 10 whatever its published scalar."""
    means = trend.forecast(walk(20_000))[RULES].abs().mean()
    assert means.between(8.5, 10.5).all()


def test_rules_speak_once_their_span_is_filled() -> None:
    """32, 64, 128 and 40 bars; the combination starts with the first of them."""
    first = trend.forecast(walk(200)).notna().to_numpy().argmax(axis=0)
    assert list(first) == [31, 63, 127, 39, 31]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 399), holes=st.booleans())
def test_no_foresight(seed: int, cut: int, holes: bool) -> None:
    """A forecast never changes when later bars arrive, to the last bit."""
    table = walk(400, seed=seed)
    if holes:
        table.loc[np.random.default_rng(seed).random(400) < 0.05, "close"] = np.nan
    pd.testing.assert_frame_equal(trend.forecast(table[:cut]), trend.forecast(table)[:cut], check_exact=True)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), jump=st.floats(0.01, 100.0))
def test_forecasts_stay_within_the_cap(seed: int, jump: float) -> None:
    """Even a jump of the price leaves every column within 20."""
    table = walk(300, seed=seed)
    close = table["close"].to_numpy(copy=True)
    close[200:] *= jump
    assert (trend.forecast(candles(close)).abs().max() <= 20.0).all()


def test_the_unit_of_price_does_not_matter() -> None:
    """Cents or dollars: the same forecast."""
    table = walk(500)
    other = candles(table["close"].to_numpy() * 1024.0)
    np.testing.assert_allclose(trend.forecast(other), trend.forecast(table), rtol=1e-9, atol=1e-9)


def test_a_mirrored_price_path_has_the_opposite_forecast() -> None:
    """Reflecting the path about a level turns every forecast around."""
    table = walk(500)
    mirrored = candles(1000.0 - table["close"].to_numpy())
    np.testing.assert_allclose(trend.forecast(mirrored), -trend.forecast(table), rtol=1e-7, atol=1e-7)


def test_only_one_rule_needs_no_multiplier() -> None:
    """With a single rule the combination is that rule."""
    table = trend.forecast(walk(300), settings=trend.ForecastSettings(speeds=((16, 64),), breakouts=()))
    pd.testing.assert_series_equal(table["forecast"], table["ewmac_16_64"], check_names=False)


def test_one_row_and_no_rows_are_unknown(pure: Callable[..., Any]) -> None:
    """Too little history is NaN, not an error, and inputs are left alone."""
    assert pure(trend.forecast, walk(1)).isna().all(axis=None)
    assert len(pure(trend.forecast, walk(3)[:0])) == 0


def test_a_constant_price_is_unknown_not_infinite() -> None:
    """Nothing to scale by: NaN."""
    assert trend.forecast(candles(np.full(300, 7.0))).isna().all(axis=None)


def test_a_table_without_closes_is_refused() -> None:
    """The message names what is missing."""
    with pytest.raises(MissingColumnsError, match=r"from forecast must have the columns .* Missing close"):
        trend.forecast(walk(10).drop(columns="close"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"speeds": (), "breakouts": ()}, "'speeds' parameter of ForecastSettings must be given"),
        ({"speeds": ((32, 8),)}, r"'speeds' parameter of ForecastSettings must be in \[1, 8\)"),
        ({"weights": (1.0,)}, "must be one per rule"),
        ({"weights": (0.0, 0.0, 0.0, 0.0)}, "above zero in sum"),
        ({"weights": (1.0, -1.0, 1.0, 1.0)}, "'weights' parameter of ForecastSettings must be in"),
        ({"prior_bars": 0}, "'prior_bars' parameter of ForecastSettings"),
        ({"cap": 0.0}, "'cap' parameter of ForecastSettings must be a positive finite number"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    """Each message says what, where and what is allowed."""
    with pytest.raises(ParameterError, match=message):
        trend.ForecastSettings(**values)
