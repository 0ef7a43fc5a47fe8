"""Hierarchical risk parity: weights from the tree of correlations alone, a reference no forecast enters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from heatlab._checks import parameter_error
from heatlab.portfolio.correlation.clusters import correlation_distance

TIE_DECIMALS = 12
"""Correlations that agree to this many decimals are equal: rounding must not decide the order of the leaves."""


def hierarchical_risk_parity(covariance: pd.DataFrame) -> pd.Series:
    """Weights of hierarchical risk parity with single linkage.

    The tree's leaves are put in order and halved again and again; each half gets weight in inverse proportion to the
    variance of its inverse-variance portfolio.

    Parameters
    ----------
    covariance : DataFrame of shape (n_assets, n_assets)
        Of returns, any unit of time; positive variances.

    Returns
    -------
    Series of shape (n_assets,)
        Positive, sums to 1; in the order of the columns.

    Raises
    ------
    ParameterError
        The table is not square, empty, or holds an unknown value or a variance that is not positive.

    References
    ----------
    López de Prado, M. (2016). Building diversified portfolios that outperform out of sample. Journal of Portfolio
    Management 42(4), 59-69.
    """
    values = covariance.to_numpy(dtype=np.float64)
    if not len(values) or not np.isfinite(values).all() or not (np.diag(values) > 0).all():
        raise parameter_error("covariance", "hierarchical_risk_parity", "known with positive variances", values.shape)
    scale = np.sqrt(np.diag(values))
    correlation = np.round(values / np.outer(scale, scale), TIE_DECIMALS)
    matrix = pd.DataFrame(correlation, index=covariance.index, columns=covariance.columns)
    distance = correlation_distance(matrix)
    if len(values) == 1:
        return pd.Series([1.0], index=covariance.columns, name="weight")
    order = leaves_list(linkage(squareform(distance, checks=False), method="single"))
    return pd.Series(_bisected(values, order), index=covariance.columns, name="weight")


def _bisected(values: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    weights = np.ones(len(values))
    stretches = [order]
    while stretches:
        stretch = stretches.pop()
        if len(stretch) < 2:
            continue
        left, right = stretch[: len(stretch) // 2], stretch[len(stretch) // 2 :]
        share = 1.0 - _variance(values, left) / (_variance(values, left) + _variance(values, right))
        weights[left] *= share
        weights[right] *= 1.0 - share
        stretches += [left, right]
    return weights


def _variance(values: NDArray[np.float64], part: NDArray[np.intp]) -> float:
    """Variance of the inverse-variance portfolio of a part."""
    inside = values[np.ix_(part, part)]
    weights = 1.0 / np.diag(inside)
    weights /= weights.sum()
    return float(weights @ inside @ weights)
