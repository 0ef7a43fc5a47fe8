"""Who carries the risk: Euler contributions, diversification and effective numbers of bets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import parameter_error

Floats = NDArray[np.float64]
ROUND_OFF = 1e-14
"""Share of its terms below which a variance is round-off of a book that cancels, either side of 0."""


def risk_contributions(exposure: ArrayLike, covariance: ArrayLike) -> Floats:
    """Share of the portfolio's variance each position carries (Euler): ``x_i (C x)_i / x' C x``.

    Parameters
    ----------
    exposure : array of shape (n,)
        Signed: side times notional [quote], or weight.
    covariance : array of shape (n, n)
        Covariance of returns, any unit of time.

    Returns
    -------
    array of shape (n,)
        Sums to 1; negative = hedge. A position whose exposure or variance is unknown (NaN) gets NaN and the others
        share 1. All NaN where the portfolio has no variance.

    Raises
    ------
    ParameterError
        The shapes do not agree, or a covariance of two known positions is missing.
    """
    parts, variance = _parts(exposure, covariance, "risk_contributions")
    return parts / variance if variance > 0 else np.full(parts.size, np.nan)


def net_contributions(exposure: ArrayLike, covariance: ArrayLike, *, instruments: Sequence[Hashable]) -> Floats:
    """Risk contributions after positions in one instrument are netted.

    Two legs that cancel carry no risk, yet each leg alone would get a large contribution of opposite sign, and
    small errors of the covariance would decide the weights. So the net exposure of each instrument gets its Euler
    contribution, shared among the positions on its side by size; positions against it get 0.

    Parameters
    ----------
    exposure : array of shape (n,)
        Signed: side times notional [quote].
    covariance : array of shape (n, n)
        Covariance of returns; rows of one instrument agree.
    instruments : sequence of length n
        What each position is in; the same symbol on two venues is one bet.

    Returns
    -------
    array of shape (n,)
        Sums to 1. NaN where an instrument's exposure or variance is unknown; 0 for all of a book that nets to nothing.

    Raises
    ------
    ParameterError
        As :func:`risk_contributions`, or ``instruments`` has another length.
    """
    x = np.asarray(exposure, dtype=np.float64)
    if len(instruments) != x.size:
        raise parameter_error("instruments", "net_contributions", f"of length {x.size}", len(instruments))
    if not x.size:
        return x
    names = list(dict.fromkeys(instruments))
    group = np.array([names.index(instrument) for instrument in instruments])
    net = np.zeros(len(names))
    np.add.at(net, group, x)
    first = np.array([int(np.flatnonzero(group == k)[0]) for k in range(len(names))])
    shares = risk_contributions(net, np.asarray(covariance, dtype=np.float64)[np.ix_(first, first)])
    if not np.nansum(np.abs(net)) > 0 and np.isfinite(net).all():
        return np.zeros(x.size)
    along = np.where(np.sign(x) == np.sign(net[group]), np.abs(x), 0.0)
    total = np.zeros(len(names))
    np.add.at(total, group, along)
    part = np.divide(along, total[group], out=np.zeros_like(x), where=total[group] > 0)
    return np.where(np.isfinite(net[group]), shares[group] * part, np.nan)


def risk_components(exposure: ArrayLike, covariance: ArrayLike) -> Floats:
    """Volatility each position contributes, ``x_i (C x)_i / sqrt(x' C x)``; sums to :func:`portfolio_volatility`.

    Shapes, NaN rule and errors as :func:`risk_contributions`.
    """
    parts, variance = _parts(exposure, covariance, "risk_components")
    return parts / np.sqrt(variance) if variance > 0 else np.full(parts.size, np.nan)


def portfolio_volatility(exposure: ArrayLike, covariance: ArrayLike) -> float:
    """Volatility of the known positions, ``sqrt(x' C x)``, in the unit of exposure.

    Shapes, NaN rule and errors as :func:`risk_contributions`; NaN if nothing is known.
    """
    parts, variance = _parts(exposure, covariance, "portfolio_volatility")
    return float(np.sqrt(variance)) if np.isfinite(parts).any() else float("nan")


def diversification_ratio(exposure: ArrayLike, covariance: ArrayLike) -> float:
    """Volatility the positions would have side by side over what they have together: ``sum |x_i| s_i / sqrt(x' C x)``.

    1 for one bet, larger when the bets differ (Choueifaty and Coignard). Shapes, NaN rule and errors as
    :func:`risk_contributions`; NaN where the portfolio has no variance.
    """
    parts, variance = _parts(exposure, covariance, "diversification_ratio")
    known = np.isfinite(parts)
    alone = np.abs(np.asarray(exposure, dtype=np.float64)) * np.sqrt(np.diag(np.asarray(covariance, dtype=np.float64)))
    return float(alone[known].sum() / np.sqrt(variance)) if variance > 0 else float("nan")


def effective_positions(exposure: ArrayLike) -> float:
    """Effective number of positions by size: ``1 / sum s^2`` with ``s = |x| / gross`` (inverse Herfindahl index).

    NaN where the gross exposure is 0. Unknown exposures (NaN) are left out.
    """
    sizes = np.abs(np.asarray(exposure, dtype=np.float64))
    gross = np.nansum(sizes)
    return float(1.0 / np.nansum((sizes / gross) ** 2)) if gross > 0 else float("nan")


def effective_bets(contributions: ArrayLike) -> float:
    """Effective number of bets: ``exp(-sum p ln p)`` over the absolute risk contributions, scaled to sum to 1.

    The entropy is Meucci's; hedges count by their size. NaN where nothing is known.
    """
    return _entropy_number(np.abs(np.asarray(contributions, dtype=np.float64)))


def effective_principal_bets(exposure: ArrayLike, covariance: ArrayLike) -> float:
    """Effective number of uncorrelated bets (Meucci): entropy of the variance along the principal components.

    1 when one component carries everything, however many positions share it. Shapes, NaN rule and errors as
    :func:`risk_contributions`; NaN where the portfolio has no variance.
    """
    parts, _ = _parts(exposure, covariance, "effective_principal_bets")
    known = np.isfinite(parts)
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64)[np.ix_(known, known)])
    loads = vectors.T @ np.asarray(exposure, dtype=np.float64)[known]
    return _entropy_number(np.maximum(values, 0.0) * loads**2)


def _entropy_number(sizes: Floats) -> float:
    """``exp`` of the entropy of sizes scaled to sum to 1; NaN if none is above zero."""
    shares = sizes[sizes > 0]
    if not shares.size:
        return float("nan")
    shares = shares / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _parts(exposure: ArrayLike, covariance: ArrayLike, caller: str) -> tuple[Floats, float]:
    """Terms of ``x' C x`` by position, NaN where unknown, and their sum."""
    x = np.asarray(exposure, dtype=np.float64)
    matrix = np.asarray(covariance, dtype=np.float64)
    if x.ndim != 1:
        raise parameter_error("exposure", caller, "of one dimension", x.shape)
    if matrix.shape != (x.size, x.size):
        raise parameter_error("covariance", caller, f"of shape {(x.size, x.size)}", matrix.shape)
    known = np.isfinite(x) & np.isfinite(np.diag(matrix))
    inner = matrix[np.ix_(known, known)]
    if not np.isfinite(inner).all():
        row, column = (int(np.flatnonzero(known)[k]) for k in np.argwhere(~np.isfinite(inner))[0])
        raise parameter_error("covariance", caller, f"known between positions {row} and {column}", matrix[row, column])
    parts = np.full(x.size, np.nan)
    parts[known] = x[known] * (inner @ x[known])
    variance = float(parts[known].sum())
    return parts, 0.0 if abs(variance) <= ROUND_OFF * float(np.abs(parts[known]).sum()) else variance
