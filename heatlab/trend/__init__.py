"""Trend forecasts from price alone: moving-average crossovers and a breakout, Carver's scale.

Everything is causal: row t uses rows up to t only, so a forecast never changes when later bars arrive.
"""

from __future__ import annotations

from heatlab.trend.combine import diversification_multiplier, forecast
from heatlab.trend.rules import breakout, ewmac, price_volatility
from heatlab.trend.settings import (
    BREAKOUT_SCALARS,
    EWMAC_SCALARS,
    FORECAST_CAP,
    TARGET_ABSOLUTE_FORECAST,
    ForecastSettings,
)

__all__ = [
    "BREAKOUT_SCALARS",
    "EWMAC_SCALARS",
    "FORECAST_CAP",
    "TARGET_ABSOLUTE_FORECAST",
    "ForecastSettings",
    "breakout",
    "diversification_multiplier",
    "ewmac",
    "forecast",
    "price_volatility",
]
