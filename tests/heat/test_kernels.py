"""Rank, spread and zones in a moving window against brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.heat import kernels

VALUES = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6), st.just(np.nan)), max_size=60)


def hourly(values: list[float]) -> pd.Series:
    """Values an hour apart."""
    index = pd.date_range("2025-01-01", periods=len(values), freq="h", tz="UTC", unit="ms")
    return pd.Series(values, index=index, dtype=np.float64)


def run(kernel: object, series: pd.Series, hours: int, least: int) -> np.ndarray:
    """Call a window kernel on a series."""
    return kernel(series.to_numpy(copy=True), np.array(series.index.asi8), hours * 3_600_000, least)


def test_rank_of_a_short_row() -> None:
    """Each value among those so far, ties at their average."""
    ranks = run(kernels.window_rank, hourly([3.0, 1.0, 2.0, 2.0, 3.0]), 100, 1)
    np.testing.assert_allclose(ranks, [1.0, 1 / 2, 2 / 3, 2.5 / 4, 4.5 / 5])


def test_deviation_of_a_short_row() -> None:
    """Sample standard deviation over the last two hours."""
    spread = run(kernels.window_deviation, hourly([1.0, 3.0, 7.0]), 2, 2)
    np.testing.assert_allclose(spread, [np.nan, np.sqrt(2), np.sqrt(8)])


@settings(max_examples=60, deadline=None)
@given(values=VALUES, hours=st.integers(1, 20), least=st.integers(1, 4))
def test_rank_is_that_of_rolling_rank(values: list[float], hours: int, least: int) -> None:
    """The Fenwick tree over radix-sorted places agrees with pandas, ties, NaN and leaving values included."""
    series = hourly(values)
    expected = series.rolling(f"{hours}h", min_periods=least).rank(pct=True)
    np.testing.assert_allclose(run(kernels.window_rank, series, hours, least), expected, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.one_of(st.floats(-20, 20), st.just(np.nan)), max_size=60), hours=st.integers(2, 20))
def test_deviation_is_that_of_the_window(values: list[float], hours: int) -> None:
    """Adding and removing one value at a time agrees with numpy on the whole window."""
    series = hourly(values)
    got = run(kernels.window_deviation, series, hours, 2)
    for t, spread in enumerate(got):
        window = series.iloc[max(0, t - hours + 1) : t + 1].dropna()
        if np.isnan(series.iloc[t]) or len(window) < 2:
            assert np.isnan(spread)
        else:
            assert spread == pytest.approx(window.std(), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=50))
def test_places_order_every_kind_of_number(values: list[float]) -> None:
    """Negative, tiny, infinite and signed zero: the place is one plus how many are smaller."""
    array = np.array(values, dtype=np.float64)
    places, size = kernels.places(array)
    assert size == np.isfinite(array).sum() + np.isinf(array).sum()
    expected = [0 if np.isnan(value) else 1 + int((array < value).sum()) for value in array]
    assert places.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(heats=st.lists(st.floats(0, 100), min_size=1, max_size=40), green=st.floats(65, 85), red=st.floats(30, 50))
def test_a_zone_is_left_and_regained_only_three_points_apart(heats: list[float], green: float, red: float) -> None:
    """Between leaving a zone and entering it again heat has moved at least three points."""
    zone, left_at = np.nan, {}
    for heat in heats:
        fresh = kernels.next_zone(zone, heat, green, red, 3.0)
        if fresh != zone:
            if not np.isnan(zone) and zone != 0.0:
                left_at[zone] = heat
            if fresh in left_at:
                assert abs(heat - left_at[fresh]) >= 3.0 - 1e-12
        zone = fresh
        assert zone == 1.0 or heat < green
        assert zone == -1.0 or heat >= red


def test_zones_hold_on_for_three_points() -> None:
    """74 after 76 is still green, 71.9 is not; 42 after 39 is still red, 43 is not."""
    path = [76.0, 74.0, 72.0, 71.9, 39.0, 42.0, 43.0, 20.0, 90.0]
    zone, zones = np.nan, []
    for heat in path:
        zone = kernels.next_zone(zone, heat, 75.0, 40.0, 3.0)
        zones.append(zone)
    assert zones == [1, 1, 1, 0, -1, -1, 0, -1, 1]
