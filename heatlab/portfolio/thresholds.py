"""Thresholds of the heat zones: the regime they follow, and an override that is never silent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.heat import HeatSettings

CALM, WILD = 1 / 3, 2 / 3
SHORTEST_REASON = 8


@dataclass(frozen=True, slots=True)
class ThresholdOverride:
    """Fixed zone thresholds in place of the adaptive ones.

    Parameters
    ----------
    green, red : float
        Thresholds [heat points], red at most green.
    reason : str
        Why, in at least eight characters: moving one's own thresholds is the classic self-deception.
    at : Timestamp
        Since when (UTC).

    Raises
    ------
    ParameterError
        A threshold is out of range, or there is no reason.
    """

    green: float
    red: float
    reason: str
    at: pd.Timestamp

    def __post_init__(self) -> None:
        """Refuse thresholds in the wrong order, and an override without a reason."""
        check_range("green", self.green, 0, 100, caller="ThresholdOverride")
        check_range("red", self.red, 0, self.green, caller="ThresholdOverride")
        if len(self.reason.strip()) < SHORTEST_REASON:
            raise parameter_error("reason", "ThresholdOverride", f"at least {SHORTEST_REASON} characters", self.reason)


def overridden(settings: HeatSettings, override: ThresholdOverride | None) -> HeatSettings:
    """Heat settings with the override's thresholds at every volatility; unchanged without one."""
    if override is None:
        return settings
    green, red = float(override.green), float(override.red)
    return replace(settings, green=green, red=red, regime_shift=0.0, green_limits=(green, green), red_limits=(red, red))


def regime(volatility_percentile: float) -> str:
    """Word for where volatility stands in its own past year: "calm", "usual", "wild", or "unknown" for NaN.

    Parameters
    ----------
    volatility_percentile : float
        In [0, 1]; thirds of the year.
    """
    if np.isnan(volatility_percentile):
        return "unknown"
    if volatility_percentile < CALM:
        return "calm"
    return "wild" if volatility_percentile > WILD else "usual"


def thresholds_in_force(table: pd.DataFrame) -> pd.DataFrame:
    """Mean thresholds and volatility regime by timeframe.

    Parameters
    ----------
    table : DataFrame
        As :func:`heatlab.heat.heat_table` returns it.

    Returns
    -------
    DataFrame
        timeframe, green, red [heat points], volatility_percentile in [0, 1], regime; timeframes in their order.
    """
    means = table.groupby("timeframe", sort=False)[["green", "red", "volatility_percentile"]].mean().reset_index()
    return means.assign(regime=[regime(value) for value in means["volatility_percentile"]])
