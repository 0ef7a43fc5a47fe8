"""Where the risk of a book sits: by size, by correlation, by cluster."""

from __future__ import annotations

from dataclasses import dataclass

from heatlab.domain import NAN


@dataclass(frozen=True, slots=True)
class ConcentrationMeasures:
    """A book's concentration in numbers; NaN where unknown.

    Attributes
    ----------
    gross_exposure, net_exposure : float
        [quote]
    volatility : float
        Of the book, per day [quote].
    hhi : float
        Herfindahl index of sizes, ``sum s^2``, in [1/n, 1].
    effective_positions, effective_bets, effective_principal_bets : float
        ``1/hhi``; entropy of the risk contributions; Meucci's entropy along principal components.
    diversification_ratio : float
        Of Choueifaty and Coignard, 1 = one bet.
    """

    gross_exposure: float = NAN
    net_exposure: float = NAN
    volatility: float = NAN
    hhi: float = NAN
    effective_positions: float = NAN
    effective_bets: float = NAN
    effective_principal_bets: float = NAN
    diversification_ratio: float = NAN
