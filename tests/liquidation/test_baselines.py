import numpy as np
import pandas as pd
import pytest

from heatlab.liquidation import baselines
from tests.liquidation import markets


def test_uniform_is_the_width_of_the_bands():
    """Half a percent, half a percent, one, one, two, five."""
    np.testing.assert_allclose(baselines.uniform(1)[0, 0], [0.005, 0.005, 0.01, 0.01, 0.02, 0.05])


def test_bands_split_bins_and_keep_mass():
    """Longs below and shorts above the price; what lies beyond 10 % is left out."""
    edges = 100 * np.exp(np.linspace(-0.2, 0.2, 401))
    even = np.full((400, 1), 2.0)
    masses = baselines.band_masses(edges, even, even, np.array([100.0]))
    assert masses.shape == (1, 2, 6)
    assert masses[0, 0].sum() == pytest.approx(2.0 * -np.log(0.9) / 0.001)
    assert masses[0, 1].sum() == pytest.approx(2.0 * np.log(1.1) / 0.001)


def test_volume_profile_counts_volume_at_price():
    """Ten bars that traded 1 to 2 % below the last close put all of it in that band."""
    index = pd.date_range("2025-03-01", periods=11, freq="h", tz="UTC", name="timestamp")
    low, high = np.r_[np.full(10, 98.0), 99.9999], np.r_[np.full(10, 99.0), 100.0]
    table = pd.DataFrame({"open": low, "high": high, "low": low, "close": high, "volume": 5.0}, index=index)
    profile = baselines.volume_profile(table, pd.DatetimeIndex([index[-1] + pd.Timedelta("1h")]))
    np.testing.assert_allclose(profile[0, 0] * 55, [5, 0, 50, 0, 0, 0], atol=1e-9)


def test_baselines_do_not_look_ahead():
    """Later candles change neither the naive map, the volume profile nor the volatility."""
    table = markets.candles(400)
    at = table.index[[150, 200]]
    early = table.iloc[:250]
    early.attrs = table.attrs
    for measure in (baselines.naive_map, baselines.volume_profile, baselines.volatility):
        np.testing.assert_allclose(measure(early, at), measure(table, at), rtol=1e-9, atol=1e-9)
