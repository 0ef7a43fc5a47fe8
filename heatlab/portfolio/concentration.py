"""Where the risk of a book sits: by size, by correlation, by cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN
from heatlab.errors import MissingColumnsError
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.risk import (
    diversification_ratio,
    effective_bets,
    effective_positions,
    effective_principal_bets,
    portfolio_volatility,
)

Floats = NDArray[np.float64]
HOURS_A_DAY = 24
CANCELLED = 1e-12
"""Share of the gross below which a net, or a negative contribution, is round-off."""
COLUMNS = [
    "symbol",
    "venue",
    "side",
    "notional",
    "size_share",
    "size_heat",
    "correlation_heat",
    "risk_share",
    "cluster",
    "is_hedge",
]


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


def concentration_table(
    positions: pd.DataFrame,
    estimate: CorrelationEstimate,
    clusters: pd.Series,
    *,
    contributions: ArrayLike,
    hedge_correlation: float = 0.7,
) -> pd.DataFrame:
    """Concentration heat of every position: by its size, and by the neighbourhood it sits in.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions; ``symbol``, ``venue``, ``side``, ``quantity`` and ``mark_price`` are read.
    estimate : CorrelationEstimate
        Over symbols; a symbol it does not hold has unknown correlation.
    clusters : Series of int
        Label by symbol.
    contributions : array of shape (n_positions,)
        Risk contributions (Euler) in the order of ``positions``; negative = hedge.
    hedge_correlation : float in (0, 1]
        Absolute correlation from which an opposite position counts as held against this one.

    Returns
    -------
    DataFrame
        One row per position, in order: ``symbol, venue, side, notional`` [quote], ``size_share`` of the known gross
        [fraction], ``size_heat = 100 |w_i| / gross``, ``correlation_heat = 100 sum_j max(side_i side_j rho_ij, 0)
        s_j`` [0-100], ``risk_share``, ``cluster`` (0 where unknown), ``is_hedge``. A position without quantity or
        mark price has no notional, share or heat and counts in no other's; one of unknown correlation has no
        ``correlation_heat`` and adds nothing to the others', which are then lower bounds.

    Raises
    ------
    MissingColumnsError
        ``positions`` lacks a column.
    ParameterError
        ``contributions`` has another length, or ``hedge_correlation`` lies outside (0, 1].

    Notes
    -----
    Two positions of size ``s`` and correlation ``rho`` are hotter than a lone one of size ``l`` exactly when
    ``s (1 + rho) > l``. A position is a hedge if its risk share is negative, or if it is the smaller leg, in
    volatility, against the net of its symbol and of those correlated with it by ``hedge_correlation`` or more; legs
    that cancel are hedges of each other.
    """
    caller = "concentration_table"
    _need(positions, caller)
    check_range("hedge_correlation", hedge_correlation, 0, 1, caller=caller, closed="right")
    shares = _contributions(contributions, len(positions), caller)
    table = positions[["symbol", "venue"]].reset_index(drop=True)
    side = positions["side"].to_numpy(dtype=np.float64)
    signed = _exposure(positions)
    share = _size_share(signed)
    known, related = _related(positions["symbol"], estimate)
    near = np.maximum(side[:, None] * side[None, :] * related, 0.0) @ np.nan_to_num(share)
    table["side"] = side.astype(np.int64)
    table["notional"] = np.abs(signed)
    table["size_share"] = share
    table["size_heat"] = 100.0 * share
    table["correlation_heat"] = np.where(known & np.isfinite(share), np.clip(100.0 * near, 0.0, 100.0), np.nan)
    table["risk_share"] = shares
    table["cluster"] = table["symbol"].map(clusters.to_dict()).fillna(0).astype(np.int64)
    scaled = signed * _deviation(positions["symbol"], estimate)
    table["is_hedge"] = (shares < -CANCELLED) | _against_its_kind(scaled, related, hedge_correlation)
    return table[COLUMNS]


def concentration_measures(
    positions: pd.DataFrame, estimate: CorrelationEstimate, *, contributions: ArrayLike
) -> ConcentrationMeasures:
    """Concentration of a whole book in numbers.

    Sizes (gross, net, HHI, effective positions) count every position. Risk (volatility, effective bets,
    diversification ratio) counts bets: positions in one symbol are netted first, whatever their venue.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    estimate : CorrelationEstimate
        Of hourly returns.
    contributions : array of shape (n_positions,)
        Risk contributions in the order of ``positions``.

    Returns
    -------
    ConcentrationMeasures
        Positions without a price are left out of everything, those without history out of the risk; NaN where
        nothing is left. A book that is wholly hedged has volatility 0 and no diversification ratio.

    Raises
    ------
    MissingColumnsError, ParameterError
        As :func:`concentration_table`.
    """
    caller = "concentration_measures"
    _need(positions, caller)
    shares = _contributions(contributions, len(positions), caller)
    signed = _exposure(positions)
    valued = signed[np.isfinite(signed)]
    count = effective_positions(signed)
    bets = pd.Series(shares).groupby(positions["symbol"].to_numpy()).sum(min_count=1)
    net, matrix = _bets(positions["symbol"], signed, estimate)
    return ConcentrationMeasures(
        gross_exposure=float(np.abs(valued).sum()) if valued.size or not signed.size else NAN,
        net_exposure=float(valued.sum()) if valued.size or not signed.size else NAN,
        volatility=portfolio_volatility(net, matrix) * math.sqrt(HOURS_A_DAY),
        hhi=1.0 / count,
        effective_positions=count,
        effective_bets=effective_bets(bets.to_numpy(dtype=np.float64)),
        effective_principal_bets=effective_principal_bets(net, matrix),
        diversification_ratio=diversification_ratio(net, matrix),
    )


def _bets(symbols: pd.Series, signed: Floats, estimate: CorrelationEstimate) -> tuple[Floats, Floats]:
    """Net exposure of each symbol, round-off removed, and their covariance per hour."""
    groups = pd.Series(signed).groupby(symbols.to_numpy(), sort=False)
    net, gross = groups.sum(min_count=1), groups.agg(lambda part: part.abs().sum())
    exact = net.where(~(net.abs() <= CANCELLED * gross), 0.0)
    matrix = estimate.covariance.reindex(index=exact.index, columns=exact.index)
    return np.asarray(exact, dtype=np.float64), np.asarray(matrix, dtype=np.float64)


def _exposure(positions: pd.DataFrame) -> Floats:
    """Signed value at the mark [quote]; NaN unless it is a finite number."""
    signed = (positions["side"] * positions["quantity"] * positions["mark_price"]).to_numpy(dtype=np.float64)
    return np.where(np.isfinite(signed), signed, np.nan)


def _size_share(signed: Floats) -> Floats:
    gross = np.nansum(np.abs(signed))
    return np.abs(signed) / gross if gross > 0 else np.full(signed.size, np.nan)


def _related(symbols: pd.Series, estimate: CorrelationEstimate) -> tuple[NDArray[np.bool_], Floats]:
    """Whose correlation is known, and the correlation of positions: 1 within a symbol, 0 where it is unknown."""
    codes, names = pd.factorize(symbols.to_numpy())
    matrix = estimate.matrix.reindex(index=names, columns=names).to_numpy(dtype=np.float64)
    known = np.isfinite(np.diag(matrix))
    filled = np.where(np.isfinite(matrix), matrix, 0.0)
    np.fill_diagonal(filled, 1.0)
    return known[codes], np.asarray(filled[np.ix_(codes, codes)], dtype=np.float64)


def _deviation(symbols: pd.Series, estimate: CorrelationEstimate) -> Floats:
    """Volatility by position; 1 where unknown, since there only the symbol itself is compared."""
    values = symbols.map(estimate.deviation.to_dict()).to_numpy(dtype=np.float64)
    return np.where(values > 0, values, 1.0)


def _against_its_kind(scaled: Floats, related: Floats, limit: float) -> NDArray[np.bool_]:
    """Smaller legs: opposed to some position of their kind, and not on the side its net is on."""
    kind = np.where(np.abs(related) >= limit, related, 0.0)
    effect = kind * np.nan_to_num(scaled)[None, :]
    against = np.sign(scaled)[:, None] * effect < 0
    net = effect.sum(axis=1) * np.sign(scaled)
    return np.asarray(against.any(axis=1) & (net <= CANCELLED * np.abs(effect).sum(axis=1)))


def _contributions(contributions: ArrayLike, count: int, caller: str) -> Floats:
    shares = np.asarray(contributions, dtype=np.float64)
    if shares.shape != (count,):
        raise parameter_error("contributions", caller, f"one per position ({count})", shares.shape)
    return shares


def _need(positions: pd.DataFrame, caller: str) -> None:
    needed = ["symbol", "venue", "side", "quantity", "mark_price"]
    missing: list[Any] = [name for name in needed if name not in positions.columns]
    if missing:
        raise MissingColumnsError(
            f"The positions table of {caller} must have the columns {', '.join(needed)}. "
            f"Missing {', '.join(missing)}; got {', '.join(map(str, positions.columns)) or 'none'}."
        )
