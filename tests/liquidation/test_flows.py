import numpy as np
import pandas as pd
import pytest

from heatlab.liquidation import MapSettings, liquidation_map
from heatlab.liquidation.flows import open_interest_flows
from tests.liquidation import markets

CANDLES = markets.candles(300)
INTEREST = markets.open_interest(CANDLES)


def test_open_interest_that_ends_is_not_carried_on():
    """Three bars after the last stamp volume stands in, and the note says since when."""
    ended = INTEREST.iloc[:101]
    flows = open_interest_flows(CANDLES, ended, MapSettings())
    assert flows.covered[:103].all()
    assert not flows.covered[103:].any()
    np.testing.assert_array_equal(flows.opened[103:], 0.05 * CANDLES["volume"].to_numpy()[103:])
    keep = 0.5 ** (1 / 168)
    assert flows.target[103] == pytest.approx(ended["open_interest"].iloc[-1] * keep + flows.opened[103])
    assert flows.notes == ("open interest ends 2025-03-05 04:00 UTC: volume stands in after it",)


def test_open_interest_that_starts_late_is_said():
    """Volume builds the state before the first stamp; the note says until when."""
    flows = open_interest_flows(CANDLES, INTEREST.iloc[100:], MapSettings())
    assert not flows.covered[:99].any()
    assert flows.covered[99:].all()
    assert flows.notes == ("open interest starts 2025-03-05 03:00 UTC: volume stands in before it",)


def test_a_hole_in_open_interest_is_bridged_by_volume():
    """After ten missing hours the level is taken up again without an opening of the difference."""
    holed = INTEREST.drop(INTEREST.index[101:111])
    flows = open_interest_flows(CANDLES, holed, MapSettings())
    back = 110
    assert not flows.covered[103:back].any()
    assert flows.covered[back]
    assert flows.level[back] == holed["open_interest"].iloc[101]
    assert flows.opened[back] == pytest.approx(0.05 * CANDLES["volume"].iloc[back])
    assert "lacks for 7 bars" in flows.notes[0]


def test_sparse_open_interest_counts_by_its_own_step():
    """Daily open interest on hourly bars is not stale within three days."""
    flows = open_interest_flows(CANDLES, INTEREST.iloc[::24], MapSettings())
    assert flows.covered.all()
    assert flows.notes == ()


@pytest.mark.parametrize(
    ("rows", "basis"),
    [
        (slice(None), "open interest"),
        (slice(0, 270), "open interest in part"),
        (slice(0, 150), "volume proxy"),
    ],
)
def test_basis_is_that_of_the_range_shown(rows, basis):
    """What most of the bars shown have: the last 40 of 300 bars here."""
    made = liquidation_map(CANDLES, INTEREST.iloc[rows], since=CANDLES.index[260])
    assert made.basis == basis
    assert any("open interest ends" in note for note in made.notes) == (basis != "open interest")
    assert made.times[0] >= pd.Timestamp(CANDLES.index[260])
