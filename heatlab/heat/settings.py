"""Settings of the momentum heat."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import Timeframe
from heatlab.trend import ForecastSettings


@dataclass(frozen=True, slots=True)
class HeatSettings:
    """How heat, its thresholds and its zones are built.

    Parameters
    ----------
    forecast : ForecastSettings
    window : str
        Length of the asset's own history that strength, rank and volatility percentile are taken from.
    min_history : int
        Values needed inside the window before any of the three is given [bars].
    green, red : float
        Thresholds of the zones at median volatility, in heat points.
    regime_shift : float
        Points by which the thresholds move from the calmest to the wildest volatility of the window:
        ``green + regime_shift * (v - 0.5)``, the same for red.
    green_limits, red_limits : tuple of (low, high)
        Limits the moved thresholds are clipped to.
    hysteresis : float
        Points heat must fall back behind a threshold before the zone is left.
    timeframe_weights : tuple of (timeframe, weight)
        Timeframes of the heat table and their weights in a position's heat.
    """

    forecast: ForecastSettings = field(default_factory=ForecastSettings)
    window: str = "365D"
    min_history: int = 20
    green: float = 75.0
    red: float = 40.0
    regime_shift: float = 20.0
    green_limits: tuple[float, float] = (65.0, 85.0)
    red_limits: tuple[float, float] = (30.0, 50.0)
    hysteresis: float = 3.0
    timeframe_weights: tuple[tuple[str, float], ...] = (("1h", 1.0), ("4h", 1.0), ("1d", 1.0), ("1w", 1.0))

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "HeatSettings"
        check_range("min_history", self.min_history, 2, 1_000_000, caller=caller)
        check_range("green", self.green, 0, 100, caller=caller)
        check_range("red", self.red, 0, self.green, caller=caller)
        check_range("regime_shift", self.regime_shift, 0, 100, caller=caller)
        check_range("hysteresis", self.hysteresis, 0, 50, caller=caller)
        for name, (low, high) in (("green_limits", self.green_limits), ("red_limits", self.red_limits)):
            check_range(name, high, 0, 100, caller=caller)
            check_range(name, low, 0, high, caller=caller)
        if self.red_limits[1] > self.green_limits[0]:
            raise parameter_error("red_limits", caller, f"below the green limits {self.green_limits}", self.red_limits)
        if self.window_ms <= 0:
            raise parameter_error("window", caller, "a positive length of time such as '365D'", self.window)
        for timeframe, weight in self.timeframe_weights:
            Timeframe.parse(timeframe)
            check_range("timeframe_weights", weight, 0, math.inf, caller=caller, closed="left")

    @property
    def window_ms(self) -> int:
        """Length of the window [ms]."""
        try:
            return int(pd.Timedelta(self.window).total_seconds() * 1000)
        except ValueError:
            return 0

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Timeframes of the heat table."""
        return tuple(timeframe for timeframe, _ in self.timeframe_weights)


DEFAULT = HeatSettings()


def kernel_arguments(settings: HeatSettings) -> tuple[Any, ...]:
    """Give the settings as the plain numbers :func:`heatlab.heat.kernels.heat` takes last."""
    return (
        settings.window_ms,
        settings.min_history,
        float(settings.green),
        float(settings.red),
        float(settings.regime_shift),
        *map(float, settings.green_limits),
        *map(float, settings.red_limits),
        float(settings.hysteresis),
    )
