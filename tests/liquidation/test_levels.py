import numpy as np
import pytest

from heatlab.errors import DataError, ParameterError
from heatlab.liquidation.levels import TIERS, mixture, naive_offsets, placement_offsets, prior_weights
from heatlab.margin import default_brackets


def offsets(**changes):
    chosen = {"venue": "binanceusdm", "brackets": default_brackets(), "notional": 10_000.0, "jitter": 0.0} | changes
    return placement_offsets(TIERS, None, **chosen)


def test_prior_has_the_observed_quantiles():
    """About half below 8.3x, three quarters below 18.5x, nine tenths below 48x, as far as the tiers allow."""
    weights = prior_weights()
    assert weights.sum() == pytest.approx(1)
    fine = prior_weights(tuple(np.geomspace(1, 500, 400)))
    quantiles = np.interp([0.5, 0.75, 0.9], np.cumsum(fine), np.geomspace(1, 500, 400))
    np.testing.assert_allclose(quantiles, [8.3, 18.5, 48], rtol=0.12)


def test_tiers_the_brackets_forbid_get_nothing():
    """A notional that allows 20x leaves no share above it."""
    brackets = default_brackets()
    large = float(brackets["notional_floor"][brackets["max_leverage"] <= 20].min()) * 1.5
    weights = offsets(notional=large).weights
    assert weights[np.asarray(TIERS) > 20].sum() == 0
    assert weights.sum() == pytest.approx(1)


def test_long_lies_below_and_short_above_entry():
    """Higher leverage is nearer, on both sides."""
    distances = offsets().distances[:, 0]
    assert (distances[0] < 0).all()
    assert (distances[1] > 0).all()
    assert (np.diff(np.abs(distances), axis=1) < 0).all()


def test_jitter_spreads_the_log_distance():
    """The log distance has the spread asked for and the same median."""
    plain, spread = offsets().distances[0, 0, 3], offsets(jitter=0.2).distances[0, :, 3]
    logs = np.log(spread / plain)
    assert np.median(logs) == pytest.approx(0, abs=1e-12)
    assert logs.std() == pytest.approx(0.2, rel=0.03)


def test_naive_map_is_one_over_leverage():
    """A 10x long at 100 liquidates at 90, a short at 110."""
    np.testing.assert_allclose(100 * np.exp(naive_offsets((10.0,)).distances[:, 0, 0]), [90, 110])


def test_errors():
    """Wrong weights and brackets that allow nothing are named."""
    with pytest.raises(ParameterError, match="'weights' parameter of mixture must be 2 numbers"):
        mixture((2.0, 3.0), (1.0,), np.array([True, True]))
    with pytest.raises(DataError, match="must allow one of the leverages 200x"):
        placement_offsets((200.0,), None, venue="okx", brackets=default_brackets(), notional=1e4, jitter=0.0)
