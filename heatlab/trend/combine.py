"""All rules scaled, capped and combined into one forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

import heatlab.trend.kernels as kernels
from heatlab._checks import check_range, parameter_error
from heatlab.frames import CANDLES, check
from heatlab.trend.settings import (
    TARGET_ABSOLUTE_FORECAST,
    ForecastSettings,
    prior_levels,
    rule_weights,
)

DEFAULT = ForecastSettings()


def forecast(candles: pd.DataFrame, *, settings: ForecastSettings = DEFAULT) -> pd.DataFrame:
    """Trend forecast of one series of candles, from -20 (strong down) to +20 (strong up).

    Each rule is scaled to a mean absolute value of 10 on its expanding history and capped. The combination is
    ``F = FDM * sum(w f)``, capped, with ``FDM = 1 / sqrt(w' H w) <= 2.5`` and ``H`` the expanding correlation of
    the rules (Carver, pysystemtrade). The published scalars and a prior correlation count as ``prior_bars`` bars
    seen before the first.

    Parameters
    ----------
    candles : DataFrame
        Canonical candles, closed bars only. A bar without a close (NaN) is treated as absent.
    settings : ForecastSettings

    Returns
    -------
    DataFrame
        Index of ``candles``; one column per rule and ``forecast``. A rule is NaN until its slow span or lookback
        is filled; ``forecast`` combines the rules that speak. Row t uses rows up to t only.

    Raises
    ------
    DataError
        ``candles`` is not a canonical table.
    """
    check(candles, CANDLES, where="forecast")
    close = np.ascontiguousarray(candles["close"].to_numpy(dtype=np.float64))
    rules, combined, _ = kernels.forecast(close, *kernel_arguments(settings))
    table = pd.DataFrame(rules.T, index=candles.index, columns=list(settings.names))
    table["forecast"] = combined
    table.attrs = dict(candles.attrs)
    return table


def kernel_arguments(settings: ForecastSettings) -> tuple[Any, ...]:
    """Give the settings as the plain values :func:`heatlab.trend.kernels.forecast` takes after the closes."""
    return (
        np.array(settings.speeds, dtype=np.int64).reshape(-1, 2),
        np.array(settings.breakouts, dtype=np.int64),
        rule_weights(settings),
        prior_levels(settings),
        float(settings.volatility_span),
        float(settings.prior_bars),
        float(settings.prior_correlation),
        TARGET_ABSOLUTE_FORECAST,
        float(settings.cap),
        float(settings.max_multiplier),
    )


def diversification_multiplier(weights: ArrayLike, correlation: ArrayLike, *, maximum: float = 2.5) -> float:
    """``1 / sqrt(w' H w)`` with negative correlations set to 0, at most ``maximum`` (Carver).

    Parameters
    ----------
    weights : array of shape (n,)
        Weights summing to 1.
    correlation : array of shape (n, n)
    maximum : float

    Raises
    ------
    ParameterError
        The shapes do not agree or the weighted variance is not above zero.
    """
    check_range("maximum", maximum, 1, 100, caller="diversification_multiplier")
    w = np.asarray(weights, dtype=np.float64)
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.shape != (w.size, w.size):
        raise parameter_error("correlation", "diversification_multiplier", f"of shape {(w.size, w.size)}", matrix.shape)
    variance = float(w @ np.maximum(matrix, 0.0) @ w)
    if not variance > 0:
        raise parameter_error("weights", "diversification_multiplier", "with w' H w above zero", variance)
    return float(min(1.0 / np.sqrt(variance), maximum))
