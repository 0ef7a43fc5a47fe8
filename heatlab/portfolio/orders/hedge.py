"""How much of another instrument offsets most of a position's risk."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heatlab._checks import check_positive, check_range


@dataclass(frozen=True, slots=True)
class Hedge:
    """Minimum-variance hedge of one exposure with one instrument.

    Attributes
    ----------
    ratio : float
        ``h* = rho * sigma / sigma_hedge``: hedge notional per unit of exposure, before its sign is turned.
    notional : float
        Signed exposure to take in the hedge [quote]: ``-h* * notional``.
    residual_volatility : float
        Volatility left, ``sigma * sqrt(1 - rho^2)``, in the unit of ``sigma``.
    effectiveness : float
        Share of variance removed, ``rho^2``.
    """

    ratio: float
    notional: float
    residual_volatility: float
    effectiveness: float


def minimum_variance_hedge(sigma: float, sigma_hedge: float, *, correlation: float, notional: float = 1.0) -> Hedge:
    """Hedge that leaves the least variance (Johnson 1960, Ederington 1979).

    Parameters
    ----------
    sigma, sigma_hedge : float
        Volatility of the exposure and of the hedge over the same time, positive.
    correlation : float
        Of their returns, in [-1, 1].
    notional : float
        Signed exposure [quote].

    Raises
    ------
    ParameterError
        A volatility is not positive, or the correlation is none.
    """
    caller = "minimum_variance_hedge"
    check_positive("sigma", sigma, caller=caller)
    check_positive("sigma_hedge", sigma_hedge, caller=caller)
    check_range("correlation", correlation, -1, 1, caller=caller)
    ratio = correlation * sigma / sigma_hedge
    effectiveness = correlation**2
    return Hedge(ratio, -ratio * notional, sigma * math.sqrt(1 - effectiveness), effectiveness)
