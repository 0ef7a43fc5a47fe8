"""Momentum heat of one series of candles."""

from __future__ import annotations

import numpy as np
import pandas as pd

import heatlab.heat.kernels as kernels
from heatlab._checks import check_choice
from heatlab.domain import Side
from heatlab.frames import CANDLES, check
from heatlab.heat.settings import DEFAULT, HeatSettings, kernel_arguments
from heatlab.trend.combine import kernel_arguments as trend_arguments

COLUMNS = ("forecast", "heat", "volatility_percentile", "green", "red", "zone")


def momentum_heat(candles: pd.DataFrame, side: Side = Side.LONG, *, settings: HeatSettings = DEFAULT) -> pd.DataFrame:
    """Heat of a position held on this series, bar by bar.

    With the aligned forecast ``A = side * F``: ``heat = 100 * (0.5 * Phi(A / sd(A)) + 0.5 * ECDF(A))``, standard
    deviation and rank over the last 365 days. Half is strength, half is rank within the asset's own history.
    Equal forecasts share their average rank.

    Parameters
    ----------
    candles : DataFrame
        Canonical candles, closed bars only. A bar without a close (NaN) is treated as absent.
    side : Side
    settings : HeatSettings

    Returns
    -------
    DataFrame
        Index of ``candles``; columns ``forecast`` [-20, 20], ``heat`` [0, 100], ``volatility_percentile`` (0, 1],
        ``green`` and ``red`` (thresholds in force), ``zone`` (+1 green, 0 amber, -1 red; a zone is left only
        ``hysteresis`` points behind its threshold). NaN until there is enough history and while the price does
        not move. Row t uses rows up to t only.

    Raises
    ------
    ParameterError
        ``side`` is neither LONG nor SHORT.
    DataError
        ``candles`` is not a canonical table.
    """
    check_choice("side", side, (Side.LONG, Side.SHORT), caller="momentum_heat")
    check(candles, CANDLES, where="momentum_heat")
    close = np.ascontiguousarray(candles["close"].to_numpy(dtype=np.float64, copy=True))
    stamps = np.array(candles.index.as_unit("ms").asi8)  # type: ignore[attr-defined]
    values = np.empty((len(COLUMNS), close.size))
    arguments = trend_arguments(settings.forecast), kernel_arguments(settings)
    kernels.heat_of_closes(close, stamps, float(side), *arguments, values)
    table = pd.DataFrame(values.T, index=candles.index, columns=list(COLUMNS))
    table.attrs = {**candles.attrs, "side": side.label}
    return table
