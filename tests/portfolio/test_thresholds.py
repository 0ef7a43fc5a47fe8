"""Regimes, and thresholds set by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.heat import HeatSettings, heat_table
from heatlab.portfolio.thresholds import ThresholdOverride, overridden, regime, thresholds_in_force

AT = pd.Timestamp("2026-01-20", tz="UTC")


def walk(seed: int) -> pd.DataFrame:
    """Hourly random walk of 900 bars that ends at AT."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 900)))
    index = pd.date_range(end=AT - pd.Timedelta("1h"), periods=900, freq="1h", name="timestamp").as_unit("ms")
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close, "volume": 1.0}, index=index)


def table(settings: HeatSettings) -> pd.DataFrame:
    """Heat of one long with hourly bars."""
    positions = pd.DataFrame({"symbol": ["BTC/USDT:USDT"], "venue": ["okx"], "side": [1]})
    return heat_table(positions, {("okx", "BTC/USDT:USDT", "1h"): walk(1)}, now=AT, settings=settings)


@pytest.mark.parametrize(
    ("percentile", "word"), [(0.0, "calm"), (0.5, "usual"), (1.0, "wild"), (float("nan"), "unknown")]
)
def test_a_regime_is_a_third_of_the_year(percentile: float, word: str) -> None:
    """Calm, usual, wild; unknown stays unknown."""
    assert regime(percentile) == word


def test_an_override_is_in_force_at_every_volatility() -> None:
    """Both thresholds are the ones set, whatever the regime."""
    made = ThresholdOverride(green=60, red=20, reason="earnings week, less noise", at=AT)
    first = thresholds_in_force(table(overridden(HeatSettings(), made))).iloc[0]
    assert (first["green"], first["red"]) == (60, 20)


def test_without_an_override_thresholds_follow_the_regime() -> None:
    """The settings are the same object, and the green threshold moves with the percentile."""
    settings = HeatSettings()
    assert overridden(settings, None) is settings
    first = thresholds_in_force(table(settings)).iloc[0]
    wanted = np.clip(75 + 20 * (first["volatility_percentile"] - 0.5), 65, 85)
    assert first["green"] == pytest.approx(wanted)
    assert first["regime"] == regime(first["volatility_percentile"])


def test_an_override_needs_a_reason() -> None:
    """A word is not a reason."""
    with pytest.raises(ParameterError, match="'reason' parameter of ThresholdOverride must be at least 8 characters"):
        ThresholdOverride(green=60, red=20, reason="because", at=AT)


def test_thresholds_must_be_in_order() -> None:
    """Red above green is refused."""
    with pytest.raises(ParameterError, match="'red' parameter of ThresholdOverride"):
        ThresholdOverride(green=40, red=60, reason="a long enough reason", at=AT)
