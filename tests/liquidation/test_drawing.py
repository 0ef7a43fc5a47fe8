import numpy as np
import pytest

from heatlab.liquidation import MapSettings, _kernel, drawing, liquidation_map, liquidation_zones
from tests.liquidation import markets

BARS = {"5m": 2000, "1h": 1500, "4h": 900, "1d": 400}
MANY = 4096


def interest_of(timeframe, candles):
    """Open interest; the helper reads the bar from attrs."""
    candles.attrs["timeframe"] = timeframe.replace("d", "D")
    table = markets.open_interest(candles, noise=0.002)
    candles.attrs["timeframe"] = timeframe
    return table


@pytest.mark.parametrize("timeframe", list(BARS))
def test_deposits_are_enough(timeframe, monkeypatch):
    """Within 7 % per bin, and within one zone, of a map with 64 times the deposits."""
    candles = markets.candles(BARS[timeframe], timeframe.replace("d", "D"), seed=3)
    interest = interest_of(timeframe, candles)
    chosen = MapSettings(columns=50)
    ours = liquidation_map(candles, interest, settings=chosen)
    monkeypatch.setattr(drawing, "MOST_DEPOSITS", MANY)
    monkeypatch.setattr(drawing, "DEPOSITS_PER_HOUR", 64 * drawing.DEPOSITS_PER_HOUR)
    many = liquidation_map(candles, interest, settings=chosen)
    held = many.long + many.short
    counted = held > np.median(held[held > 0])
    error = ((ours.long + ours.short) / np.where(counted, held, 1) - 1)[counted]
    assert np.sqrt((error**2).mean()) <= 0.07
    zones = len(liquidation_zones(many))
    assert zones > 0
    assert abs(len(liquidation_zones(ours)) - zones) <= 1


def test_smoothing_keeps_mass_and_sides():
    """A lump below the price spreads below it and keeps its sum; a lump at the edge stays on the grid."""
    columns = np.zeros((2, 1, 200))
    columns[0, 0, [0, 40, 99]] = [1.0, 10.0, 5.0]
    columns[1, 0, [101, 199]] = [2.0, 3.0]
    smooth = _kernel.smooth(columns, np.array([100.5]), 0.05)
    np.testing.assert_allclose(smooth.sum(axis=2), columns.sum(axis=2), rtol=1e-12)
    assert not smooth[0, 0, 100:].any()
    assert not smooth[1, 0, :101].any()
    assert smooth[0, 0, 40] == pytest.approx(10 / 7, rel=0.05)
    assert np.flatnonzero(smooth[0, 0]).tolist() == [0, *range(34, 46), 99]


def test_without_jitter_nothing_is_smoothed():
    """A map of exact prices stays exact."""
    candles = markets.candles(50)
    made = liquidation_map(candles, settings=MapSettings(jitter=0.0, tiers=(10.0,), columns=1))
    assert (made.long[:, -1] > 0).sum() < len(made.long) / 2
    np.testing.assert_allclose(made.long_by_tier.sum(), made.ledger[-1, 0, _kernel.NEAR], rtol=1e-9)
