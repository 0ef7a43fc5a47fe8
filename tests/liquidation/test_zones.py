import dataclasses

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.liquidation import (
    LiquidationMap,
    MapSettings,
    ZoneSettings,
    liquidation_map,
    liquidation_zones,
    zone_thresholds,
)
from heatlab.liquidation.zones import COLUMNS, standing_since
from tests.liquidation import markets


def drawn(long, short=None, *, mark=100.0):
    """A map of ten 1 % bins from 90 up, hourly columns."""
    long = np.asarray(long, dtype=float)
    times = pd.date_range("2025-03-01", periods=long.shape[1], freq="h", tz="UTC", name="timestamp")
    edges = 90 * 1.01 ** np.arange(len(long) + 1)
    return LiquidationMap(
        times=times,
        known_at=times + pd.Timedelta("1h"),
        price_edges=edges,
        long=long,
        short=np.zeros_like(long) if short is None else np.asarray(short, dtype=float),
        tiers=np.array([10.0]),
        long_by_tier=long[None, :, -1],
        short_by_tier=long[None, :, -1] * 0,
        closes=np.full(long.shape[1], mark),
        mark_price=mark,
        basis="open interest",
        ledger=np.zeros((long.shape[1], 2, 5)),
    )


def lump(columns=20, *, height=50.0, since=10):
    """Quiet bins of 1 and one lump in bins 3 and 4 from a column on."""
    table = np.ones((10, columns))
    table[3:5, since:] = height
    table[4, since:] += 1
    return table


def test_lump_is_one_zone():
    """Two loud neighbours make one zone with the edges, notional, distance and age they have."""
    table = drawn(lump())
    zones = liquidation_zones(table, settings=ZoneSettings(amber=0.91, red=0.96))
    assert list(zones.columns) == list(COLUMNS)
    row = zones.iloc[0]
    assert len(zones) == 1
    assert row["side"] == 1
    assert (row["price_low"], row["price_high"]) == (table.price_edges[3], table.price_edges[5])
    assert row["price_peak"] == pytest.approx(table.prices[4])
    assert row["notional"] == pytest.approx(50 * table.prices[3] + 51 * table.prices[4])
    assert row["distance"] == pytest.approx(table.prices[4] / 100 - 1)
    assert row["age"] == pd.Timedelta("9h")
    assert row["level"] == "red"


def test_sensitivity_divides_the_thresholds():
    """Twice as sensitive: half the notional is enough; the map stays as it is."""
    table = drawn(lump())
    amber, red = zone_thresholds(table)
    assert zone_thresholds(table, sensitivity=2.0) == (amber / 2, red / 2)


def test_more_sensitive_never_shows_less():
    """Every price in a zone stays in one when sensitivity rises."""
    candles = markets.candles(300)
    table = liquidation_map(candles, markets.open_interest(candles))
    covered = []
    for sensitivity in (0.5, 1.0, 2.0):
        zones = liquidation_zones(table, sensitivity=sensitivity)
        covered.append((zones["price_high"] - zones["price_low"]).sum())
    assert covered[0] <= covered[1] <= covered[2]
    assert covered[2] > 0


def test_hysteresis_holds_a_bin_until_it_clearly_falls():
    """Up at 10, held at 8.5, gone at 7.9; a bin never at 10 does not stand at 9."""
    held = np.array([[5, 10, 8.5, 9.0], [5, 10, 7.9, 9.0], [9, 9, 9, 9.0], [10, 10, 10, 10.0]])
    assert standing_since(held, 10.0, 0.8).tolist() == [1, -1, -1, 0]


def test_empty_map_has_no_zones():
    """Nothing held: no threshold, no zone."""
    table = drawn(np.zeros((10, 3)))
    assert np.isnan(zone_thresholds(table)).all()
    assert liquidation_zones(table).empty


def test_errors():
    """Sensitivity and quantiles are checked."""
    with pytest.raises(ParameterError, match="'sensitivity' parameter of zone_thresholds must be a positive"):
        zone_thresholds(drawn(lump()), sensitivity=0.0)
    with pytest.raises(ParameterError, match="'red' parameter of ZoneSettings must be at least"):
        ZoneSettings(amber=0.9, red=0.8)


def test_thresholds_do_not_depend_on_the_range_shown():
    """A zone is the same whether 50 days, 2 days or 6 hours of the same candles are shown."""
    candles = markets.candles(1200, seed=4)
    interest = markets.open_interest(candles, noise=0.002)
    made = [liquidation_map(candles, interest, since=start) for start in (None, candles.index[-48], candles.index[-6])]
    np.testing.assert_allclose([zone_thresholds(one) for one in made], [zone_thresholds(made[0])] * 3, rtol=0.01)
    whole, days, hours = (liquidation_zones(one).drop(columns="persistence") for one in made)
    pd.testing.assert_frame_equal(days, hours)
    assert len(whole) == len(days) == 1
    assert whole["level"].tolist() == days["level"].tolist()
    np.testing.assert_allclose(whole[["price_low", "price_high"]], days[["price_low", "price_high"]], rtol=0.004)
    assert (whole["age"] - days["age"]).abs().max() <= pd.Timedelta("5h")


def test_bin_height_does_not_matter_to_the_thresholds():
    """Density is per log price: bins three times as high have the same threshold."""
    candles = markets.candles(600)
    interest = markets.open_interest(candles)
    fine, coarse = (
        zone_thresholds(liquidation_map(candles, interest, settings=MapSettings(bin_bps=height))) for height in (10, 30)
    )
    np.testing.assert_allclose(coarse, fine, rtol=0.1)


def test_zone_notional_is_what_is_outstanding():
    """The half-life of the display moves no dollars: a zone holds the state between its edges."""
    candles = markets.candles(400)
    interest = markets.open_interest(candles, noise=0.002)
    slow, fast = (
        liquidation_map(candles, interest, settings=MapSettings(recency_half_life=fade)) for fade in ("48h", "24h")
    )
    zones = liquidation_zones(slow)
    assert len(zones)
    for _, row in zones.iterrows():
        inside = (fast.prices > row["price_low"]) & (fast.prices < row["price_high"])
        side = 0 if row["side"] == 1 else 1
        assert fast.outstanding()[side, inside].sum() == pytest.approx(row["notional"], rel=1e-12)


def test_age_of_a_zone_older_than_the_history_is_a_minimum():
    """There in the first column: at least as old as the history; later: exactly as old."""
    chosen = ZoneSettings(amber=0.85, red=0.96)
    assert liquidation_zones(drawn(lump(since=0)), settings=chosen)["age_is_minimum"].tolist() == [True]
    assert liquidation_zones(drawn(lump()), settings=ZoneSettings(amber=0.91, red=0.96))["age_is_minimum"].tolist() == [
        False
    ]


def test_joining_rounds_to_bins():
    """A gap of one bin of 0.3 % is within a join of 0.3 %."""
    table = np.full((10, 20), 1.0)
    table[[3, 5], 10:] = 50.0
    apart = drawn(table)
    near = dataclasses.replace(apart, price_edges=100 * np.exp(-0.03 + 0.003 * np.arange(11)))
    chosen = ZoneSettings(amber=0.905, red=0.98)
    assert len(liquidation_zones(apart, settings=chosen)) == 2
    assert len(liquidation_zones(near, settings=chosen)) == 1
