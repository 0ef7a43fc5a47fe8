"""Intervals of shares and means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.portfolio.intervals import block_picks, mean_interval, share_interval


def test_a_share_of_a_known_case() -> None:
    """8 of 10 at 95 %: 0.4902 to 0.9433 (Wilson 1927; Newcombe 1998, table I form); none of 10: 0 to 0.2775."""
    assert share_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert share_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_none_of_none_is_unknown() -> None:
    """No trials, no interval."""
    assert np.isnan(share_interval(0, 0)).all()


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 500), share=st.floats(0, 1))
def test_a_share_lies_inside_its_interval(count: int, share: float) -> None:
    """0 <= low <= hits / count <= high <= 1."""
    hits = int(share * count)
    low, high = share_interval(hits, count)
    assert 0.0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1.0


def test_blocks_stay_whole_and_go_round() -> None:
    """Within a block of four each row follows the one before, the first follows the last."""
    rows = block_picks(10, block=4, seed=1, resamples=50)
    assert rows.shape == (50, 10)
    assert ((np.diff(rows[:, :4], axis=1) % 10) == 1).all()
    assert rows.min() == 0
    assert rows.max() == 9


def test_a_bootstrap_mean_lies_inside_its_interval() -> None:
    """0 to 59 has the mean 29.5."""
    mean, low, high = mean_interval(np.arange(60.0), block=4, seed=1)
    assert low < mean == 29.5 < high


def test_too_few_blocks_have_no_interval() -> None:
    """Five values are less than three blocks of four."""
    mean, low, high = mean_interval(np.arange(5.0), block=4, seed=1)
    assert mean == 2.0
    assert np.isnan([low, high]).all()
