"""Sums over a window of returns that give every pair's correlation and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatlab.portfolio.correlation._pairs import pair_statistics

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the bars both assets of a pair have; arrays of shape (n, n), row = x, column = y.

    Where nothing is missing, sums that do not depend on the column have shape (n, 1), and the count is one number.
    Sums of two windows add up if their returns were centred alike.
    """

    count: Floats
    x: Floats
    xx: Floats
    xxxx: Floats
    xy: Floats
    xxyy: Floats
    xxxy: Floats

    @property
    def arrays(self) -> tuple[Floats, ...]:
        """All sums in order, for the compiled loops."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def __add__(self, other: Moments) -> Moments:
        """Join the sums of two windows."""
        return Moments(*(mine + yours for mine, yours in zip(self.arrays, other.arrays, strict=True)))

    def __sub__(self, other: Moments) -> Moments:
        """Take the sums of a part out."""
        return Moments(*(mine - yours for mine, yours in zip(self.arrays, other.arrays, strict=True)))


def moments(returns: Floats) -> Moments:
    """Take the sums over a window.

    Parameters
    ----------
    returns : array of shape (n_bars, n_assets)
        Centred and scaled to be of order 1; NaN where unknown.
    """
    here = np.isfinite(returns)
    if here.all():
        square = returns**2
        alone = (returns, square, square**2)
        x, xx, xxxx = (part.sum(axis=0)[:, None] for part in alone)
        count = np.array([[float(len(returns))]])
    else:
        returns = np.where(here, returns, 0.0)
        square, seen = returns**2, here.astype(np.float64)
        x, xx, xxxx = returns.T @ seen, square.T @ seen, (square**2).T @ seen
        count = seen.T @ seen
    return Moments(count, x, xx, xxxx, returns.T @ returns, square.T @ square, (square * returns).T @ returns)


def standardised(returns: Floats) -> Floats:
    """Take the mean off and divide by the deviation, so that fourth powers stay in range; NaN stays."""
    here = np.isfinite(returns)
    count = np.maximum(here.sum(axis=0), 1)
    centred = returns - np.where(here, returns, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.where(here, centred**2, 0.0).sum(axis=0) / count)
    return np.asarray(centred / np.where(scale > 0, scale, 1.0), dtype=np.float64)


def correlation_of(sums: Moments, *, min_bars: int) -> tuple[Floats, Floats, Floats]:
    """Correlation of every pair, the variance of one bar's share in its Fisher z, and the bars shared.

    Parameters
    ----------
    sums : Moments
    min_bars : int
        A pair that shares fewer bars, or of which one does not move, is NaN.

    Returns
    -------
    correlation, spread, count : arrays of shape (n, n), symmetric
        ``spread / count`` is the sampling variance of ``atanh(rho)``: the influence of bar t on Fisher's z is
        ``(x y - rho (x^2 + y^2) / 2) / (1 - rho^2)`` for standardised x, y. Its mean square is 1 for normal
        returns and larger where tails are fat; as influences are uncorrelated through time while the correlation is
        constant, this stays right where volatility clusters.
    """
    correlation, spread, count = pair_statistics(sums.arrays, min_bars)
    return correlation, spread, count
