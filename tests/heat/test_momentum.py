"""Momentum heat of one series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from heatlab import heat
from heatlab.domain import Side
from heatlab.errors import DataError, MissingColumnsError, ParameterError
from tests.heat import reference
from tests.trend.walks import candles, walk

COLUMNS = ["forecast", "heat", "volatility_percentile", "green", "red", "zone"]


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
@pytest.mark.parametrize("timeframe", ["1h", "1d"])
def test_heat_is_that_of_the_plain_reference(side: Side, timeframe: str) -> None:
    """Every column agrees with pandas to 1e-9, with a year that moves on (1d) and one that fills (1h)."""
    table = walk(900, timeframe=timeframe)
    expected = reference.heat(table[["close"]], side=int(side))
    got = heat.momentum_heat(table, side)
    for column, values in expected.items():
        np.testing.assert_allclose(got[column], values["close"], rtol=1e-9, atol=1e-9)


def test_half_is_strength_and_half_is_rank() -> None:
    """The last bar by hand: 50 Phi(A / sd) + 50 ECDF over its own history."""
    got = heat.momentum_heat(walk(600))
    aligned = got["forecast"].dropna()
    strength = ndtr(aligned.iloc[-1] / aligned.std())
    rank = (aligned <= aligned.iloc[-1]).mean()
    assert got["heat"].iloc[-1] == pytest.approx(50 * strength + 50 * rank, abs=1e-9)


def test_thresholds_follow_the_volatility_and_are_clipped() -> None:
    """green = clip(75 + 20 (v - 0.5), 65, 85), red = clip(40 + 20 (v - 0.5), 30, 50)."""
    got = heat.momentum_heat(walk(600)).dropna()
    shift = 20 * (got["volatility_percentile"] - 0.5)
    np.testing.assert_allclose(got["green"], (75 + shift).clip(65, 85))
    np.testing.assert_allclose(got["red"], (40 + shift).clip(30, 50))


def test_narrow_limits_clip_the_thresholds() -> None:
    """Limits of the settings hold."""
    limits = heat.HeatSettings(green_limits=(74.0, 76.0), red_limits=(39.0, 41.0))
    got = heat.momentum_heat(walk(600), settings=limits).dropna()
    assert got["green"].between(74, 76).all()
    assert got["red"].between(39, 41).all()
    assert got["green"].max() == 76


def test_heat_starts_after_the_warm_up() -> None:
    """32 bars for the first forecast and 20 forecasts to compare with: the 51st bar is the first."""
    got = heat.momentum_heat(walk(120))
    assert got["heat"].first_valid_index() == got.index[50]
    assert got["heat"].iloc[50:].notna().all()


def test_a_long_in_a_rally_is_hot_and_a_short_is_not() -> None:
    """High is aligned."""
    rally = np.r_[np.zeros(300), np.full(40, 0.01)] + np.random.default_rng(3).normal(0, 0.01, 340)
    table = candles(100 * np.exp(np.cumsum(rally)))
    assert heat.momentum_heat(table, Side.LONG)["zone"].iloc[-1] == 1
    assert heat.momentum_heat(table, Side.SHORT)["zone"].iloc[-1] == -1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_other_side_mirrors_the_heat(seed: int) -> None:
    """Strength turns around exactly; the rank too, but for the value itself, which counts on both sides."""
    table = walk(300, seed=seed)
    long, short = heat.momentum_heat(table, Side.LONG), heat.momentum_heat(table, Side.SHORT)
    count = long["forecast"].notna().cumsum()
    np.testing.assert_allclose(long["heat"] + short["heat"], (100 + 50 / count).where(long["heat"].notna()), rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 499), timeframe=st.sampled_from(["1h", "1d"]))
def test_no_foresight(seed: int, cut: int, timeframe: str) -> None:
    """Heat, thresholds and zones never change when later bars arrive, to the last bit."""
    table = walk(500, seed=seed, timeframe=timeframe)
    table.loc[np.random.default_rng(seed).random(500) < 0.03, "close"] = np.nan
    whole, part = heat.momentum_heat(table), heat.momentum_heat(table[:cut])
    pd.testing.assert_frame_equal(part, whole[:cut], check_exact=True)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), jump=st.floats(0.01, 100), side=st.sampled_from(list(Side)))
def test_bounds_hold_and_zones_partition(seed: int, jump: float, side: Side) -> None:
    """Heat within 0 and 100, nothing infinite, and a zone wherever there is heat, consistent with its thresholds."""
    close = walk(300, seed=seed)["close"].to_numpy(copy=True)
    close[200:] *= jump
    got = heat.momentum_heat(candles(close), side)
    known = got.dropna()
    assert not np.isinf(got.to_numpy()).any()
    assert known["heat"].between(0, 100).all()
    assert (got["zone"].notna() == got["heat"].notna()).all()
    assert (known["zone"][known["heat"] >= known["green"]] == 1).all()
    assert (known["zone"][known["heat"] < known["red"]] == -1).all()
    assert (known["heat"][known["zone"] == 1] >= known["green"][known["zone"] == 1] - 3).all()
    assert (known["heat"][known["zone"] == -1] < known["red"][known["zone"] == -1] + 3).all()


def test_bars_without_a_close_are_as_if_absent() -> None:
    """NaN rows are NaN; the rest is as if they were not there."""
    table = walk(400)
    table.loc[np.random.default_rng(1).random(400) < 0.1, "close"] = np.nan
    got = heat.momentum_heat(table)[["forecast", "heat", "zone"]]
    dropped = heat.momentum_heat(table.dropna())[["forecast", "heat", "zone"]]
    pd.testing.assert_frame_equal(got, dropped.reindex(got.index), check_freq=False)


def test_one_row_and_no_rows_are_unknown(pure: Callable[..., Any]) -> None:
    """Too little history is NaN, not an error; the columns are there and the input is left alone."""
    one = pure(heat.momentum_heat, walk(1))
    assert list(one.columns) == COLUMNS
    assert one.isna().all(axis=None)
    assert len(pure(heat.momentum_heat, walk(3)[:0])) == 0


def test_a_constant_price_is_unknown_not_infinite() -> None:
    """Nothing moves: no heat."""
    got = heat.momentum_heat(candles(np.full(300, 7.0)))
    assert got[["forecast", "heat", "zone"]].isna().all(axis=None)


def test_a_table_without_closes_is_refused() -> None:
    """The message names what is missing."""
    with pytest.raises(MissingColumnsError, match=r"from momentum_heat must have the columns .* Missing close"):
        heat.momentum_heat(walk(10).drop(columns="close"))


def test_bars_out_of_order_are_refused() -> None:
    """The message names the row."""
    with pytest.raises(DataError, match=r"must be sorted. Row 1"):
        heat.momentum_heat(walk(10)[::-1])


def test_a_negative_price_is_refused() -> None:
    """The message names the column and the row."""
    table = walk(10)
    table.loc[table.index[3], "close"] = -1.0
    with pytest.raises(DataError, match=r"Column 'close' .* must be positive and finite .* Row 3"):
        heat.momentum_heat(table)


def test_a_wrong_side_is_refused() -> None:
    """Only long and short."""
    with pytest.raises(ParameterError, match="'side' parameter of momentum_heat must be one of"):
        heat.momentum_heat(walk(10), 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_history": 1}, r"'min_history' parameter of HeatSettings must be in \[2, 1e\+06\]. Got 1"),
        ({"red": 80.0}, r"'red' parameter of HeatSettings must be in \[0, 75\]. Got 80"),
        ({"window": "a year"}, "'window' parameter of HeatSettings must be a positive length of time"),
        ({"window": "-1D"}, "'window' parameter of HeatSettings must be a positive length of time"),
        ({"red_limits": (30.0, 70.0)}, "'red_limits' parameter of HeatSettings must be below the green limits"),
        ({"green_limits": (85.0, 65.0)}, "'green_limits' parameter of HeatSettings"),
        ({"timeframe_weights": (("7h", 1.0),)}, "'timeframe' parameter must be one of"),
        ({"timeframe_weights": (("1h", -1.0),)}, "'timeframe_weights' parameter of HeatSettings"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    """Each message says what, where and what is allowed."""
    with pytest.raises(ParameterError, match=message):
        heat.HeatSettings(**values)


@pytest.mark.market
def test_six_years_of_bitcoin_stay_in_bounds(market_dir: Path) -> None:
    """Hourly BTC: NaN only at the start, every zone seen, thresholds within their limits."""
    table = pd.read_parquet(market_dir / "ohlcv" / "binance_perp" / "BTC-USDT-USDT_1h.parquet").set_index("timestamp")
    got = heat.momentum_heat(table)
    assert got["heat"].iloc[:50].isna().all()
    known = got.iloc[50:]
    assert known.notna().all(axis=None)
    assert known["heat"].between(0, 100).all()
    assert known["green"].between(65, 85).all()
    assert known["red"].between(30, 50).all()
    assert set(known["zone"]) == {-1.0, 0.0, 1.0}
