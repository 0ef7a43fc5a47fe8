"""The walk forward: what is known at midnight of each day, and what the prices did after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.errors import DataError
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation

Floats = NDArray[np.float64]
HOURS = 24
WINDOW = 30 * HOURS
SEEN = 61 * HOURS
"""History the estimate is given: its window, and what its search for structural breaks looks at."""
YEAR = 365 * HOURS
KNOWN = 0.9
"""Share of a window's returns a coin must have to belong to the day."""

FEWEST = 3
"""Coins a day needs: with two, clusters and long against short say nothing."""


@dataclass(frozen=True)
class Prices:
    """Hourly prices on a grid without holes.

    Attributes
    ----------
    closes : DataFrame of shape (n_hours, n_coins) [quote]
        Stamped with the open of the bar; NaN where unknown.
    returns : ndarray of shape (n_hours, n_coins)
        Log returns; row t is the return of bar t.
    """

    closes: pd.DataFrame
    returns: Floats

    @property
    def midnights(self) -> NDArray[np.int64]:
        """Rows whose bar opens at midnight UTC and that have a window before them and a day after."""
        rows = np.flatnonzero(pd.DatetimeIndex(self.closes.index).hour == 0)
        return rows[(rows > WINDOW) & (rows + HOURS <= len(self.closes))]


@dataclass(frozen=True)
class Day:
    """What is known at one midnight.

    Attributes
    ----------
    row : int
        First row that is NOT known.
    date : Timestamp
    coins : ndarray of int
        Columns with enough history.
    covariance : ndarray of shape (n_coins, n_coins)
        Of hourly returns over the last 30 days, as the product has it in force: shrunk, breaks included.
    mean_correlation : float
        Plain correlation of the last 30 days, mean over the pairs: the figure the warning should lead.
    """

    row: int
    date: pd.Timestamp
    coins: NDArray[np.int64]
    covariance: Floats
    mean_correlation: float

    @property
    def correlation(self) -> Floats:
        """Correlation in force."""
        deviation = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(deviation, deviation), dtype=np.float64)


def prices(closes: pd.DataFrame) -> Prices:
    """Put hourly closes on a grid without holes.

    Raises
    ------
    DataError
        The index is not an hourly UTC index, sorted and unique.
    """
    index = closes.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC" or not index.is_monotonic_increasing:
        raise DataError("The closes of the risk study must have a sorted UTC DatetimeIndex.")
    if index.has_duplicates or (len(index) and (index != index.floor("h")).any()):
        raise DataError("The closes of the risk study must be hourly, one row per hour.")
    grid = pd.date_range(index[0], index[-1], freq="h") if len(index) else index
    wide = closes.reindex(grid)
    logs = np.log(wide.to_numpy(dtype=np.float64))
    returns = np.full(logs.shape, np.nan)
    returns[1:] = np.diff(logs, axis=0)
    return Prices(wide, returns)


def days(given: Prices, *, settings: CorrelationSettings, workers: int | None = None) -> Iterator[Day]:
    """Each midnight with at least three coins, in order of time; each sees rows before it only.

    ``workers`` threads, one per processor by default; the answer does not depend on it.
    """
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for day in pool.map(lambda row: _day(given, int(row), settings), given.midnights):
            if day is not None:
                yield day


def _day(given: Prices, row: int, settings: CorrelationSettings) -> Day | None:
    past = given.returns[row - WINDOW : row]
    usable = (np.isfinite(past).mean(axis=0) >= KNOWN) & np.isfinite(given.returns[row - 1])
    moving = np.nan_to_num(past).std(axis=0) > 0
    coins = np.flatnonzero(usable & moving)
    if coins.size < FEWEST:
        return None
    found = estimate_correlation(given.closes.iloc[max(row - SEEN, 0) : row, coins], settings=settings)
    matrix = found.covariance.to_numpy(dtype=np.float64)
    plain = found.long.to_numpy(dtype=np.float64)[np.triu_indices(coins.size, 1)]
    return Day(row, pd.Timestamp(given.closes.index[row]), coins, matrix, float(np.nanmean(plain)))
