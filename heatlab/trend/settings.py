"""Settings of the trend forecast and the published scalars they start from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatlab._checks import check_positive, check_range, parameter_error

FORECAST_CAP = 20.0
"""Largest absolute forecast (Carver, Systematic Trading)."""

TARGET_ABSOLUTE_FORECAST = 10.0
"""Mean absolute forecast every rule is scaled to."""

EWMAC_SCALARS: dict[tuple[int, int], float] = {
    (2, 8): 10.6,
    (4, 16): 7.5,
    (8, 32): 5.3,
    (16, 64): 3.75,
    (32, 128): 2.65,
    (64, 256): 1.87,
}
"""Forecast scalars per (fast, slow) span: pysystemtrade, futures_chapter15/futuresconfig.yaml."""

BREAKOUT_SCALARS: dict[int, float] = {10: 0.60, 20: 0.67, 40: 0.70, 80: 0.73, 160: 0.74, 320: 0.74}
"""Forecast scalars per lookback: Carver, Advanced Futures Trading Strategies, breakout rules."""


@dataclass(frozen=True, slots=True)
class ForecastSettings:
    """How the trend forecast is built.

    Parameters
    ----------
    speeds : tuple of (fast, slow)
        Spans of the moving-average crossovers [bars].
    breakouts : tuple of int
        Lookbacks of the breakout rules [bars].
    weights : tuple of float, optional
        Weight of each rule, crossovers first; equal by default. They are divided by their sum.
    volatility_span : int
        Span of the exponentially weighted standard deviation of price changes [bars] (pysystemtrade: 35).
    prior_bars : int
        How many bars the published scalars and the prior correlation count as. Each scalar is
        ``10 * (prior_bars + n) / (prior_bars * 10 / published + sum |raw|)``: the published value first,
        the asset's own expanding history later, with no jump between the two.
    prior_correlation : float
        Correlation between two rules assumed before any history.
    cap : float
        Largest absolute forecast, of each rule and of the combination.
    max_multiplier : float
        Upper limit of the forecast diversification multiplier.
    """

    speeds: tuple[tuple[int, int], ...] = ((8, 32), (16, 64), (32, 128))
    breakouts: tuple[int, ...] = (40,)
    weights: tuple[float, ...] | None = None
    volatility_span: int = 35
    prior_bars: int = 250
    prior_correlation: float = 0.75
    cap: float = FORECAST_CAP
    max_multiplier: float = 2.5

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "ForecastSettings"
        if not self.speeds and not self.breakouts:
            raise parameter_error("speeds", caller, "given unless there are breakouts", self.speeds)
        for fast, slow in self.speeds:
            check_range("speeds", slow, 2, 100_000, caller=caller)
            check_range("speeds", fast, 1, slow, caller=caller, closed="left")
        for lookback in self.breakouts:
            check_range("breakouts", lookback, 2, 100_000, caller=caller)
        check_range("volatility_span", self.volatility_span, 2, 100_000, caller=caller)
        check_range("prior_bars", self.prior_bars, 1, 1_000_000, caller=caller)
        check_range("prior_correlation", self.prior_correlation, 0, 1, caller=caller)
        check_range("max_multiplier", self.max_multiplier, 1, 10, caller=caller)
        check_positive("cap", self.cap, caller=caller)
        self._check_weights(caller)

    def _check_weights(self, caller: str) -> None:
        if self.weights is None:
            return
        if len(self.weights) != len(self.names):
            raise parameter_error("weights", caller, f"one per rule ({', '.join(self.names)})", self.weights)
        for weight in self.weights:
            check_range("weights", weight, 0, math.inf, caller=caller, closed="left")
        if not sum(self.weights) > 0:
            raise parameter_error("weights", caller, "above zero in sum", self.weights)

    @property
    def names(self) -> tuple[str, ...]:
        """Column name of each rule, crossovers first."""
        crossovers = tuple(f"ewmac_{fast}_{slow}" for fast, slow in self.speeds)
        return crossovers + tuple(f"breakout_{lookback}" for lookback in self.breakouts)

    @property
    def warm_up(self) -> int:
        """Bars until the first rule speaks."""
        return min([slow for _, slow in self.speeds] + list(self.breakouts))


def prior_levels(settings: ForecastSettings) -> NDArray[np.float64]:
    """Mean absolute value each raw rule is expected to have before any history is seen.

    Crossovers outside :data:`EWMAC_SCALARS` use ``15 / sqrt(fast)``, which gives the published values to within
    half a percent; breakouts use the published lookback nearest in ratio.
    """
    scalars = [EWMAC_SCALARS.get(speed, 15.0 / math.sqrt(speed[0])) for speed in settings.speeds]
    for lookback in settings.breakouts:
        ratios = {abs(math.log(known / lookback)): scalar for known, scalar in BREAKOUT_SCALARS.items()}
        scalars.append(ratios[min(ratios)])
    return TARGET_ABSOLUTE_FORECAST / np.array(scalars, dtype=np.float64)


def rule_weights(settings: ForecastSettings) -> NDArray[np.float64]:
    """Weights of the rules, summing to 1."""
    count = len(settings.names)
    weights = np.array(settings.weights if settings.weights is not None else [1.0] * count, dtype=np.float64)
    return np.asarray(weights / weights.sum(), dtype=np.float64)
