"""How likely a price is met within hours, from the distance to it and the price's own volatility."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from heatlab._checks import check_positive

HOURS_A_DAY = 24.0
WINDOW = 720
"""Hourly returns the volatility is taken from: 30 days."""


def touch_probability(
    distance: npt.ArrayLike, volatility: npt.ArrayLike, *, hours: float = 24.0
) -> npt.NDArray[np.float64]:
    """Chance that a price moves by ``distance`` at some time within ``hours``.

    By the reflection principle, for a logarithm of the price that is a Brownian motion without drift (returns
    independent, normal, of constant volatility)::

        2 * Phi(-|d| / (sigma * sqrt(hours / 24)))

    Real returns have fat tails and volatility that clusters, so far distances are met more often than this says and
    near ones less often; :func:`touch_record` counts how often on candles.

    Parameters
    ----------
    distance : float or array
        ``d``, logarithm of the price over the price now; its sign plays no part.
    volatility : float or array
        ``sigma``, standard deviation of a day's return [fraction].
    hours : float
        Horizon.

    Returns
    -------
    ndarray
        In [0, 1]; NaN where either is unknown or the volatility is not positive, 0 for an infinite distance.

    Raises
    ------
    ParameterError
        ``hours`` is not positive.

    References
    ----------
    Karatzas and Shreve, Brownian Motion and Stochastic Calculus, section 2.6 (the reflection principle).
    """
    check_positive("hours", hours, caller="touch_probability")
    away, sigma = np.abs(np.asarray(distance, dtype=np.float64)), np.asarray(volatility, dtype=np.float64)
    known = np.where(sigma > 0, sigma, np.nan)
    return np.asarray(2.0 * ndtr(-away / (known * np.sqrt(hours / HOURS_A_DAY))), dtype=np.float64)


def touch_distance(probability: float, volatility: float, *, hours: float = 24.0) -> float:
    """Distance [logarithm] that is met with ``probability`` within ``hours``: the inverse of the above."""
    return float(-ndtri(probability / 2) * volatility * np.sqrt(hours / HOURS_A_DAY))


def touch_record(candles: pd.DataFrame, *, probabilities: Sequence[float], hours: int = 24) -> pd.DataFrame:
    """Count how often hourly candles met the distances that ought to be met with given probabilities.

    At each hour the distance follows from the volatility of the 30 days before it; it is met if a low (for a fall) or
    a high (for a rise) of the next ``hours`` bars reaches it. Starts overlap, so neighbours tell much the same.

    Parameters
    ----------
    candles : DataFrame
        Canonical hourly candles.
    probabilities : sequence of float in (0, 1)
    hours : int
        Horizon [bars].

    Returns
    -------
    DataFrame
        side (+1: a long's fall, -1: a short's rise), predicted, realised [fractions], starts (how many were counted).
    """
    close = candles["close"].to_numpy(dtype="float64")
    returns = pd.Series(np.diff(np.log(close), prepend=np.nan))
    sigma = returns.rolling(WINDOW).std().to_numpy() * np.sqrt(HOURS_A_DAY)
    lowest = _ahead(candles["low"], hours, lowest=True)
    highest = _ahead(candles["high"], hours, lowest=False)
    known = np.isfinite(sigma) & np.isfinite(lowest)
    rows = []
    for predicted in probabilities:
        away = touch_distance(predicted, 1.0, hours=hours) * sigma
        for side, met in ((1, lowest <= close * np.exp(-away)), (-1, highest >= close * np.exp(away))):
            realised = float(met[known].mean()) if known.any() else np.nan
            rows.append({"side": side, "predicted": predicted, "realised": realised, "starts": int(known.sum())})
    return pd.DataFrame(rows)


def _ahead(values: pd.Series, bars: int, *, lowest: bool) -> npt.NDArray[np.float64]:
    """Extreme of the ``bars`` bars after each one; NaN where they are not all there."""
    backwards = values[::-1].reset_index(drop=True).rolling(bars)
    extreme = (backwards.min() if lowest else backwards.max()).to_numpy(dtype="float64")[::-1]
    return np.append(extreme[1:], np.nan)
