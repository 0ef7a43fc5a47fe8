"""How far a cluster must be cut for its shares to meet a target: closed form, for size and for risk."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import NAN
from heatlab.portfolio.book import exposure
from heatlab.portfolio.view import RiskView


def reduction(view: RiskView, cluster: int, *, target: float) -> tuple[float, float]:
    """Largest factors on a cluster's positions that bring its gross and its risk share to a target, in closed form.

    With gross ``G`` of the cluster and ``R`` of the rest, ``f G / (f G + R) = t``. With net exposures ``x`` by symbol,
    ``a = x_c' C x_c``, ``b = x_c' C x_r`` and ``d = x_r' C x_r``, the risk share ``(f^2 a + f b) / (f^2 a + 2 f b +
    d)`` is ``t`` at the positive root of ``(1 - t) a f^2 + (1 - 2 t) b f - t d``.

    Returns
    -------
    gross, risk : float
        At least 0; above 1 where the share is below the target already, inf where no size reaches it, 0 where the
        cluster is all there is, NaN where unknown.
    """
    check_range("target", target, 0, 1, caller="reduction", closed="neither")
    inside = (view.concentration["cluster"] == cluster).to_numpy(dtype=bool)
    signed = exposure(view.positions)
    own, rest = np.nansum(np.abs(signed[inside])), np.nansum(np.abs(signed[~inside]))
    gross = target * rest / ((1 - target) * own) if own > 0 else NAN
    return float(gross), _risk_factor(view, signed, cluster, target)


def _risk_factor(view: RiskView, signed: np.ndarray[Any, Any], cluster: int, target: float) -> float:
    net = pd.Series(signed).groupby(view.positions["symbol"].to_numpy()).sum(min_count=1)
    matrix = view.correlation.covariance.reindex(index=net.index, columns=net.index).to_numpy(dtype=np.float64)
    x = net.to_numpy(dtype=np.float64)
    known = np.isfinite(x) & np.isfinite(np.diag(matrix))
    own = known & (view.clusters.reindex(net.index).to_numpy() == cluster)
    held, others = np.where(own, x, 0.0)[known], np.where(known & ~own, x, 0.0)[known]
    inner = matrix[np.ix_(known, known)]
    a, b, d = float(held @ inner @ held), float(held @ inner @ others), float(others @ inner @ others)
    if not a > 0:
        return NAN
    half = (1 - 2 * target) * b
    root = math.sqrt(max(half * half + 4 * (1 - target) * target * a * d, 0.0))
    return max((root - half) / (2 * (1 - target) * a), 0.0)
