"""Compiled loop of the replay: covariance of a moving window, row by row, and the risk of a book under it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from heatlab.portfolio.correlation.estimate import IDENTICAL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STILL = 1e-14
"""A sum of squared returns at or below this is none: what is left of a window after its moves went is rounding."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _move(row: Floats, sign: float, cross: Floats, sums: Floats, lost: Floats) -> None:
    """Let one row of returns join (+1) or leave (-1) the window.

    ``cross`` (m, m): sum r_i r_j, lower triangle. ``sums`` (3, m): count, sum, sum of squares. ``lost`` (3, m, m): the
    same three of asset i over rows where asset j is missing, so that complete rows cost nothing more.
    """
    for i in range(row.size):
        value = row[i]
        if np.isnan(value):
            continue
        sums[0, i] += sign
        sums[1, i] += sign * value
        sums[2, i] += sign * value * value
        for j in range(i + 1):
            if not np.isnan(row[j]):
                cross[i, j] += sign * value * row[j]
        for j in range(row.size):
            if np.isnan(row[j]):
                lost[0, i, j] += sign
                lost[1, i, j] += sign * value
                lost[2, i, j] += sign * value * value


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _correlate(
    cross: Floats, sums: Floats, lost: Floats, min_bars: float, share: float, scale: Floats, matrix: Floats
) -> bool:
    """Shrunk correlation and deviations, as ``estimate_correlation``; True if the matrix may be indefinite."""
    size = scale.size
    doubtful = False
    total = 0.0
    pairs = 0
    for i in range(size):
        spread = sums[2, i] - sums[1, i] ** 2 / max(sums[0, i], 1.0)
        known = sums[0, i] >= min_bars
        scale[i] = math.sqrt((spread if spread > STILL else 0.0) / (sums[0, i] - 1.0)) if known else np.nan
    for i in range(size):
        for j in range(i):
            matrix[i, j] = np.nan
            if np.isnan(scale[i] + scale[j]):
                continue
            both = sums[0, i] - lost[0, i, j]
            sum_i, sum_j = sums[1, i] - lost[1, i, j], sums[1, j] - lost[1, j, i]
            square_i = sums[2, i] - lost[2, i, j] - sum_i**2 / max(both, 1.0)
            square_j = sums[2, j] - lost[2, j, i] - sum_j**2 / max(both, 1.0)
            if both >= min_bars and square_i > STILL and square_j > STILL:
                rho = (cross[i, j] - sum_i * sum_j / both) / math.sqrt(square_i * square_j)
                matrix[i, j] = min(max(rho, -1.0), 1.0)
                if matrix[i, j] < IDENTICAL:
                    total += matrix[i, j]
                    pairs += 1
            doubtful |= lost[0, i, j] + lost[0, j, i] > 0 or np.isnan(matrix[i, j])
    mean = total / pairs if pairs else 0.0
    for i in range(size):
        matrix[i, i] = 1.0
        for j in range(i):
            value = mean if np.isnan(matrix[i, j]) else matrix[i, j]
            if value < IDENTICAL:
                value = (1.0 - share) * value + share * mean
            matrix[i, j] = matrix[j, i] = value
    return doubtful


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _definite(matrix: Floats, known: NDArray[np.bool_], work: Floats) -> bool:
    """Whether the known part is positive definite (Cholesky succeeds)."""
    for i in range(known.size):
        for j in range(i + 1):
            if not (known[i] and known[j]):
                continue
            value = matrix[i, j]
            for k in range(j):
                if known[k]:
                    value -= work[i, k] * work[j, k]
            if i == j:
                if value <= 0.0:
                    return False
                work[i, i] = math.sqrt(value)
            else:
                work[i, j] = value / work[j, j]
    return True


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rolling_risk(
    returns: Floats,
    first: Ints,
    last: Ints,
    net: Floats,
    held: Floats,
    min_bars: float,
    shrinkage: float,
    parts: Floats,
    near: Floats,
    doubtful: NDArray[np.bool_],
) -> None:
    """Risk of a book at many rows, each under the covariance of its own window.

    Parameters
    ----------
    returns : array of shape (n_rows, m)
        NaN where unknown.
    first, last : arrays of shape (n,), non-decreasing
        Rows of each window, both included.
    net : array of shape (n, m)
        Signed net value of each symbol; NaN unknown.
    held : array of shape (2, n, m)
        Share of gross held long and short.
    min_bars, shrinkage : float
        As in ``CorrelationSettings``.
    parts : array of shape (n, m)
        Written: ``x_i (C x)_i``, NaN where unknown.
    near : array of shape (2, n, m)
        Written: correlation-weighted size around a long and around a short of each symbol.
    doubtful : array of shape (n,)
        Written: missing returns made the matrix indefinite, so ``parts`` must be taken from a repaired one.
    """
    size = returns.shape[1]
    cross, sums, lost = np.zeros((size, size)), np.zeros((3, size)), np.zeros((3, size, size))
    scale, matrix, work = np.empty(size), np.empty((size, size)), np.empty((size, size))
    start, end = first[0] if first.size else 0, first[0] if first.size else 0
    for t in range(last.size):
        while end <= last[t]:
            _move(returns[end], 1.0, cross, sums, lost)
            end += 1
        while start < first[t]:
            _move(returns[start], -1.0, cross, sums, lost)
            start += 1
        unsure = _correlate(cross, sums, lost, min_bars, shrinkage, scale, matrix)
        doubtful[t] = unsure and not _definite(matrix, np.isfinite(scale), work)
        for i in range(size):
            parts[t, i] = near[0, t, i] = near[1, t, i] = np.nan
            if np.isnan(scale[i]):
                continue
            covered = along = against = 0.0
            for j in range(size):
                if np.isnan(scale[j]):
                    continue
                covered += 0.0 if np.isnan(net[t, j]) else matrix[i, j] * scale[j] * net[t, j]
                like, unlike = max(matrix[i, j], 0.0), max(-matrix[i, j], 0.0)
                along += like * held[0, t, j] + unlike * held[1, t, j]
                against += unlike * held[0, t, j] + like * held[1, t, j]
            parts[t, i] = net[t, i] * scale[i] * covered
            near[0, t, i], near[1, t, i] = along, against
