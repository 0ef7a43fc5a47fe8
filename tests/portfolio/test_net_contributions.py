"""Risk shares of a book in which positions cancel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio import net_contributions, risk_contributions

COVARIANCE = np.array([[0.04, 0.04, 0.02], [0.04, 0.04, 0.02], [0.02, 0.02, 0.09]])


def test_legs_that_cancel_carry_nothing() -> None:
    """Long and short the same amount of BTC beside some DOGE: DOGE is the whole risk."""
    shares = net_contributions([10.0, -10.0, 1.0], COVARIANCE, instruments=["BTC", "BTC", "DOGE"])
    assert shares.tolist() == pytest.approx([0.0, 0.0, 1.0])


def test_the_larger_leg_carries_the_net() -> None:
    """Ten long and four short are six long, all of it with the long."""
    shares = net_contributions([10.0, -4.0, 1.0], COVARIANCE, instruments=["BTC", "BTC", "DOGE"])
    net = risk_contributions([6.0, 1.0], COVARIANCE[1:, 1:])
    assert shares.tolist() == pytest.approx([net[0], 0.0, net[1]])


def test_positions_on_one_side_share_by_size() -> None:
    """Two longs in one instrument split its share three to one."""
    shares = net_contributions([3.0, 1.0, 0.0], COVARIANCE, instruments=["BTC", "BTC", "DOGE"])
    assert shares.tolist() == pytest.approx([0.75, 0.25, 0.0])


def test_a_book_that_nets_to_nothing_has_no_shares() -> None:
    """All legs cancel: nothing carries risk, and nothing is unknown."""
    shares = net_contributions([5.0, -5.0], COVARIANCE[:2, :2], instruments=["BTC", "BTC"])
    assert shares.tolist() == [0.0, 0.0]


def test_an_unknown_leg_makes_its_instrument_unknown() -> None:
    """Without its size the net cannot be known; the others share 1."""
    shares = net_contributions([float("nan"), 2.0, 1.0], COVARIANCE, instruments=["BTC", "BTC", "DOGE"])
    assert np.isnan(shares[:2]).all()
    assert shares[2] == pytest.approx(1.0)


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=3).filter(lambda x: abs(sum(x[:2])) + abs(x[2]) > 1e-3))
def test_shares_sum_to_one(exposure: list[float]) -> None:
    """Netting conserves the whole."""
    shares = net_contributions(exposure, COVARIANCE, instruments=["BTC", "BTC", "DOGE"])
    assert shares.sum() == pytest.approx(1.0)


def test_lengths_must_agree() -> None:
    """One instrument per position."""
    with pytest.raises(ParameterError, match="The 'instruments' parameter of net_contributions must be of length 3"):
        net_contributions([1.0, 1.0, 1.0], COVARIANCE, instruments=["BTC"])
