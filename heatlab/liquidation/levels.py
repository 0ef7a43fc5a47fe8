"""Where a position opened now would be liquidated: leverage tiers, their prior mixture, distance from entry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from heatlab._checks import parameter_error
from heatlab.domain import Contract, Side
from heatlab.errors import DataError
from heatlab.margin import liquidation_price, liquidation_ratio, maximum_leverage

TIERS = (2.0, 3.0, 5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 100.0, 125.0)
PRIOR_MEDIAN_LEVERAGE = 8.3
PRIOR_LOG_SPREAD = 1.28
PHASES = 64

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Offsets:
    """Log distance from entry to liquidation for every side, quantile of the jitter and tier.

    Attributes
    ----------
    distances : ndarray of shape (2, n_phases, n_tiers)
        ``log(liquidation price / entry price)``; row 0 is long (negative), row 1 short (positive).
    weights : ndarray of shape (n_tiers,)
        Share of each tier; sums to 1, 0 for a tier the brackets do not allow.
    """

    distances: Array
    weights: Array


def prior_weights(tiers: tuple[float, ...] = TIERS) -> Array:
    """Share of isolated positions in each leverage tier before any calibration.

    A log-normal leverage with median 8.3 and log spread 1.28, which reproduces what was observed on isolated
    positions (median 8.3x, 75 % below 18.5x, 90 % below 48x), cut at the geometric means between tiers.

    Parameters
    ----------
    tiers : tuple of float
        Leverages, rising.

    Returns
    -------
    ndarray of shape (n_tiers,)
        Sums to 1.
    """
    logs = np.log(np.asarray(tiers, dtype="float64"))
    cuts = (logs[1:] + logs[:-1]) / 2
    below = [
        0.5 * math.erfc((math.log(PRIOR_MEDIAN_LEVERAGE) - cut) / (PRIOR_LOG_SPREAD * math.sqrt(2))) for cut in cuts
    ]
    return np.diff(np.r_[0.0, below, 1.0])


def mixture(tiers: tuple[float, ...], weights: tuple[float, ...] | None, allowed: NDArray[np.bool_]) -> Array:
    """Weights of the tiers a venue allows, summing to 1.

    Parameters
    ----------
    tiers, weights : tuple of float
        ``weights=None`` means :func:`prior_weights`.
    allowed : ndarray of bool
        False for a tier above the venue's maximum leverage; its share goes to the others in proportion.

    Raises
    ------
    ParameterError
        The weights do not match the tiers, are negative, or leave nothing for the allowed tiers.
    """
    raw = prior_weights(tiers) if weights is None else np.asarray(weights, dtype="float64")
    wanted = f"{len(tiers)} numbers >= 0, one per tier, with a positive sum over the tiers the venue allows"
    if raw.shape != (len(tiers),) or not np.isfinite(raw).all() or (raw < 0).any() or raw[allowed].sum() <= 0:
        raise parameter_error("weights", "mixture", wanted, weights)
    kept = np.where(allowed, raw, 0.0)
    return np.asarray(kept / kept.sum(), dtype="float64")


def placement_offsets(
    tiers: tuple[float, ...],
    weights: tuple[float, ...] | None,
    *,
    venue: str,
    brackets: pd.DataFrame,
    notional: float,
    jitter: float,
    contract: Contract = Contract.LINEAR,
) -> Offsets:
    """Offsets of the liquidation price from the entry, by the venue's exact formula, spread by the jitter.

    The jitter is log-normal in the DISTANCE: ``distance * exp(jitter * z)``, at :data:`PHASES` equal-mass quantiles
    of ``z``.

    Parameters
    ----------
    tiers, weights : tuple of float
        See :func:`mixture`.
    venue : str
        Whose formula to use.
    brackets : DataFrame
        Canonical leverage brackets.
    notional : float
        Notional of the typical position, in the unit of the brackets (quote for linear, coin for inverse contracts);
        it selects the bracket.
    jitter : float
        Spread of the log distance.
    contract : Contract
        Linear or inverse.

    Raises
    ------
    DataError
        The brackets allow none of the tiers.
    """
    leverages = np.asarray(tiers, dtype="float64")
    ratios = np.stack(
        [
            _ratios(side, leverages, venue=venue, brackets=brackets, notional=notional, contract=contract)
            for side in (Side.LONG, Side.SHORT)
        ]
    )
    allowed = (ratios[0] > 0) & (ratios[0] < 1) & (ratios[1] > 1)
    if not allowed.any():
        raise DataError(
            f"The venue must allow one of the leverages {', '.join(f'{tier:g}x' for tier in tiers)} for a position of "
            f"{notional:g}. It allows at most {brackets['max_leverage'].max():g}x: choose a lower one too."
        )
    distances = np.log(np.where(allowed, ratios, [[0.5], [2.0]]))
    spread = np.exp(jitter * jitter_quantiles(PHASES if jitter > 0 else 1))
    return Offsets(distances[:, None, :] * spread[None, :, None], mixture(tiers, weights, allowed))


def _ratios(
    side: Side, leverages: Array, *, venue: str, brackets: pd.DataFrame, notional: float, contract: Contract
) -> Array:
    """Liquidation price over entry price; NaN for a leverage the brackets forbid."""
    if contract == Contract.LINEAR:
        return np.asarray(liquidation_ratio(side, leverages, venue=venue, brackets=brackets, notional=notional))
    prices = liquidation_price(
        side, notional, venue=venue, entry_price=1.0, brackets=brackets, leverage=leverages, contract=contract
    )
    allowed = leverages <= np.asarray(maximum_leverage(notional, brackets))
    return np.asarray(np.where(allowed, prices, np.nan), dtype="float64")


def jitter_quantiles(count: int) -> Array:
    """Mid-points of ``count`` equal-mass slices of the standard normal distribution."""
    return np.asarray(ndtri((np.arange(count) + 0.5) / count), dtype="float64")


def naive_offsets(leverages: tuple[float, ...]) -> Offsets:
    """Offsets of the map every amateur tool draws: ``entry * (1 - 1/L)``, all leverages alike, no spread."""
    inverse = 1 / np.asarray(leverages, dtype="float64")
    values = np.stack([np.log1p(-inverse), np.log1p(inverse)])[:, None, :]
    return Offsets(values, np.full(len(leverages), 1 / len(leverages)))
