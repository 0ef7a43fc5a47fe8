"""Covariance of hourly returns over the last 30 days: gaps allowed, shrunk, always usable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range, parameter_error
from heatlab.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CovarianceSettings:
    """How the covariance is estimated.

    Parameters
    ----------
    window : str
        Length of history used.
    min_bars : int
        Returns two assets must share before their correlation is used.
    shrinkage : float
        Share of the mean correlation mixed into every correlation, in [0, 1].
    """

    window: str = "30D"
    min_bars: int = 48
    shrinkage: float = 0.1

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "CovarianceSettings"
        check_range("min_bars", self.min_bars, 3, 1_000_000, caller=caller)
        check_range("shrinkage", self.shrinkage, 0, 1, caller=caller)
        try:
            length = pd.Timedelta(self.window)
        except ValueError:
            length = pd.Timedelta(0)
        if not length > pd.Timedelta(0):
            raise parameter_error("window", caller, "a positive length of time such as '30D'", self.window)


DEFAULT = CovarianceSettings()


def covariance(closes: pd.DataFrame, *, settings: CovarianceSettings = DEFAULT) -> pd.DataFrame:
    """Covariance of log returns per bar over the last ``window`` of the table.

    Parameters
    ----------
    closes : DataFrame of shape (n_bars, n_assets) [quote]
        Closes side by side as :func:`heatlab.frames.align` gives them (hourly is meant); NaN where unknown. A
        return needs two neighbouring closes.
    settings : CovarianceSettings

    Returns
    -------
    DataFrame of shape (n_assets, n_assets) [fraction^2 per bar]
        Symmetric and positive semi-definite over the known assets. An asset with fewer than ``min_bars`` returns
        has NaN throughout; two assets that share fewer get the mean correlation of the others.

    Raises
    ------
    DataError
        The index is not a sorted time index, or a close is not above zero.
    """
    _check(closes)
    recent = closes[closes.index > closes.index[-1] - pd.Timedelta(settings.window)] if len(closes) else closes
    returns = np.diff(np.log(recent.to_numpy(dtype=np.float64)), axis=0)
    counts = np.isfinite(returns).astype(np.float64)
    known = counts.sum(axis=0) >= settings.min_bars
    matrix = np.full((known.size, known.size), np.nan)
    if known.any():
        matrix[np.ix_(known, known)] = _estimate(returns[:, known], settings)
    return pd.DataFrame(matrix, index=closes.columns, columns=closes.columns)


def _estimate(returns: Floats, settings: CovarianceSettings) -> Floats:
    here = np.isfinite(returns)
    centred = np.where(here, returns - np.nanmean(returns, axis=0), 0.0)
    weight = here.astype(np.float64)
    shared = weight.T @ weight
    deviation = np.sqrt((centred**2).sum(axis=0) / (weight.sum(axis=0) - 1.0))
    squares = (centred**2).T @ weight
    scale = np.sqrt(squares * squares.T)
    enough = (shared >= settings.min_bars) & (scale > 0)
    correlation = np.where(enough, (centred.T @ centred) / np.where(scale > 0, scale, 1.0), np.nan)
    correlation = _shrunk(correlation, settings.shrinkage)
    return np.asarray(correlation * np.outer(deviation, deviation), dtype=np.float64)


IDENTICAL = 1.0 - 1e-9
"""At or above this correlation two columns are the same instrument: shrinking would invent risk in a hedge."""


def _shrunk(correlation: Floats, share: float) -> Floats:
    """Fill unknown pairs with the mean correlation, mix it into all, and lift negative eigenvalues to 0."""
    apart = ~np.eye(len(correlation), dtype=bool)
    pairs = correlation[apart & np.isfinite(correlation)]
    mean = float(pairs.mean()) if pairs.size else 0.0
    filled = np.where(np.isfinite(correlation), correlation, mean)
    mixed = np.where(filled >= IDENTICAL, filled, (1.0 - share) * filled + share * mean)
    np.fill_diagonal(mixed, 1.0)
    values, vectors = np.linalg.eigh(mixed)
    if values[0] >= 0:
        return np.asarray(mixed, dtype=np.float64)
    lifted = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    return np.asarray(lifted / np.outer(scale, scale), dtype=np.float64)


def _check(closes: pd.DataFrame) -> None:
    if not isinstance(closes.index, pd.DatetimeIndex) or not closes.index.is_monotonic_increasing:
        raise DataError(
            f"The closes of covariance must have a sorted DatetimeIndex. Got {type(closes.index).__name__}."
        )
    values = closes.to_numpy(dtype=np.float64)
    bad = np.argwhere(values <= 0)
    if bad.size:
        row, column = bad[0]
        raise DataError(
            f"The closes of covariance must be positive. Column '{closes.columns[column]}' has "
            f"{values[row, column]:g} at row {row} ({closes.index[row]})."
        )
