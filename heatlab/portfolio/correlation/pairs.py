"""Every pair of symbols with its correlation, how sure it is, and whether it needs a decision."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range
from heatlab.domain import base_currency
from heatlab.portfolio.correlation.estimate import CorrelationEstimate

PAIR_COLUMNS = [
    "first",
    "second",
    "correlation",
    "long",
    "short",
    "low",
    "high",
    "bars",
    "broken",
    "flagged",
    "accepted",
    "same_asset",
]
NORMAL_95 = 1.959963984540054


def correlation_pairs(
    estimate: CorrelationEstimate, *, limit: float = 0.7, accepted: Iterable[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Pairs of known symbols, strongest first.

    Parameters
    ----------
    estimate : CorrelationEstimate
    limit : float in [-1, 1]
        A pair whose correlation in force is above this is flagged.
    accepted : iterable of (str, str)
        Pairs the trader has accepted, in either order: above the limit they are marked accepted instead of flagged.

    Returns
    -------
    DataFrame
        ``first, second`` (in the order of the matrix), ``correlation`` in force, ``long`` and ``short`` (30 days and
        3 days, plain), ``low, high`` (95 % interval of ``long``), ``bars`` shared, ``broken``, ``flagged``,
        ``accepted``, ``same_asset``: two markets of one coin, such as spot and perpetual, which move together by what
        they are and so are never flagged, accepted or broken. ``attrs["limit"]`` is the limit.

    Raises
    ------
    ParameterError
        ``limit`` lies outside [-1, 1].

    Notes
    -----
    The interval is Fisher's: ``tanh(atanh(rho) +- 1.96 / sqrt(n - 3))`` with n the effective number of returns
    (:attr:`CorrelationEstimate.effective`): hourly returns have fat tails, so an hour counts for less than one normal
    return. Where the estimate holds none, n is the number of returns.
    """
    check_range("limit", limit, -1, 1, caller="correlation_pairs")
    matrix = estimate.matrix.to_numpy(dtype=np.float64)
    first, second = np.triu_indices(len(matrix), 1)
    known = np.isfinite(matrix[first, second])
    first, second = first[known], second[known]

    def of(table: pd.DataFrame) -> np.ndarray:
        return np.asarray(table.to_numpy()[first, second])

    low, high = _interval(estimate, of(estimate.long).astype(np.float64), first, second)
    symbols = estimate.matrix.columns.to_numpy(dtype=object)
    taken = {frozenset(pair) for pair in accepted}
    same = same_asset(symbols)[first, second]
    table = pd.DataFrame(
        {
            "first": symbols[first],
            "second": symbols[second],
            "correlation": matrix[first, second],
            "long": of(estimate.long),
            "short": of(estimate.short),
            "low": low,
            "high": high,
            "bars": of(estimate.counts).astype(np.int64),
            "broken": of(estimate.broken).astype(bool) & ~same,
        },
        columns=PAIR_COLUMNS[:-3],
    )
    yes = _among(symbols[first], symbols[second], taken)
    above = (table["correlation"].to_numpy() > limit) & ~same
    table["flagged"], table["accepted"], table["same_asset"] = above & ~yes, above & yes, same
    table = table.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)
    table.attrs["limit"] = limit
    return table


def same_asset(symbols: Iterable[str]) -> NDArray[np.bool_]:
    """Tell which pairs of symbols are markets of one coin, such as BTC spot and BTC perpetual.

    Returns
    -------
    array of bool of shape (n_symbols, n_symbols)
        True on the diagonal.
    """
    coins = np.unique([base_currency(symbol) for symbol in symbols], return_inverse=True)[1]
    return np.asarray(coins[:, None] == coins[None, :])


def _among(first: np.ndarray, second: np.ndarray, taken: set[frozenset[str]]) -> np.ndarray:
    """Which pairs are among those taken, in either order; with none taken nothing is looked at."""
    if not taken:
        return np.zeros(len(first), dtype=bool)
    return np.array([frozenset(pair) in taken for pair in zip(first, second, strict=True)], dtype=bool)


def _interval(
    estimate: CorrelationEstimate, long: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    effective = estimate.counts if estimate.effective.empty else estimate.effective
    bars = effective.to_numpy(dtype=np.float64)[first, second]
    with np.errstate(divide="ignore", invalid="ignore"):
        z, width = np.arctanh(long), NORMAL_95 / np.sqrt(np.where(bars > 3, bars - 3.0, np.nan))
        low, high = np.tanh(z - width), np.tanh(z + width)
    same = np.abs(long) >= 1.0
    return np.where(same, long, low), np.where(same, long, high)
