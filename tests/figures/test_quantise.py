"""One byte per cell, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.figures import ColourScale, dequantise, fit_scale, quantise
from heatlab.figures.quantise import scale_ticks


def test_ends_of_the_scale_are_levels_1_and_255() -> None:
    """Below the scale is level 0, above it 255."""
    scale = ColourScale(10.0, 1000.0)
    assert quantise(np.array([0.0, 9.99, 10.0, 100.0, 1000.0, 5000.0]), scale).tolist() == [0, 0, 1, 128, 255, 255]


def test_nan_is_level_0() -> None:
    """Unknown draws nothing."""
    assert quantise(np.array([np.nan]), ColourScale(1.0, 2.0)).tolist() == [0]


@settings(max_examples=50)
@given(
    low=st.floats(1e-9, 1e9),
    ratio=st.floats(1.01, 1e8),
    kind=st.sampled_from(["log", "linear"]),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_round_trip_stays_within_one_level(low: float, ratio: float, kind: str, shares: list[float]) -> None:
    """A second trip gives the same level."""
    scale = ColourScale(low, low * ratio, kind)
    amounts = np.clip(low * ratio ** np.array(shares), scale.low, scale.high)
    levels = quantise(amounts, scale).astype(int)
    again = quantise(dequantise(levels.astype("uint8"), scale) * (1 + 1e-12), scale).astype(int)
    assert np.abs(levels - again).max() <= 1
    assert np.all(np.diff(levels[np.argsort(amounts)]) >= 0)


def test_a_scale_that_cannot_be_inverted_is_refused() -> None:
    """low must be below high and above zero."""
    with pytest.raises(ParameterError, match="0 < low < high"):
        ColourScale(2.0, 2.0)


def test_an_all_zero_map_gets_a_valid_scale() -> None:
    """Nothing above zero: nothing to fit, nothing breaks."""
    scale = fit_scale(np.zeros((3, 3)))
    assert quantise(np.zeros((3, 3)), scale).sum() == 0


@pytest.mark.parametrize("amount", [1e-12, 1.0, 1e15])
def test_a_single_amount_fits(amount: float) -> None:
    """One value above zero is the top of the scale."""
    assert quantise(np.array([amount]), fit_scale(np.array([0.0, amount]))).tolist() == [255]


@pytest.mark.parametrize("kind", ["log", "linear"])
def test_ticks_are_round_and_on_the_scale(kind: str) -> None:
    """Two to seven amounts whose levels lie on the bar and rise."""
    amounts, levels = scale_ticks(ColourScale(3_000.0, 900_000.0, kind))
    assert 2 <= len(amounts) <= 7
    assert all(1 <= level <= 255 for level in levels)
    assert levels == sorted(levels)


def test_log_ticks_are_1_2_5() -> None:
    """Literal ticks of two decades."""
    assert scale_ticks(ColourScale(1e4, 1e6))[0] == pytest.approx([1e4, 5e4, 2e5, 1e6])
