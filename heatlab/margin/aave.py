"""Aave v3: health factor, the prices at which it is 1, and what a liquidator may take.

``health factor = sum(C_i * P_i * LT_i) / sum(D_j * P_j)``; an account below 1 may be liquidated. Sources:
aave-utilities ``math-utils`` (health factor, available borrows) and aave-v3-origin ``LiquidationLogic.sol`` (close
factor, seizure), in real arithmetic: the contract rounds the last unit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import LendingPosition, LendingReserve
from heatlab.margin._arrays import FloatArray, floats, plain

CLOSE_FACTOR_HEALTH = 0.95
CLOSE_FACTOR = 0.5
SMALL_POSITION = 2_000.0
SMALLEST_REMAINDER = 1_000.0


@dataclass(frozen=True, slots=True)
class LendingSummary:
    """Totals of one lending account, in the account's currency; thresholds are averages weighted by collateral."""

    collateral: float
    debt: float
    liquidation_threshold: float
    loan_to_value: float
    health_factor: float
    available_borrows: float


@dataclass(frozen=True, slots=True)
class Seizure:
    """What one liquidation moves: ``debt_repaid`` in the debt asset, the rest in the collateral asset."""

    debt_repaid: FloatArray
    collateral_seized: FloatArray
    collateral_to_liquidator: FloatArray
    protocol_fee: FloatArray


def health_factor(
    collateral: npt.ArrayLike, debt: npt.ArrayLike, *, liquidation_threshold: npt.ArrayLike
) -> FloatArray:
    """Health factor from totals: ``collateral * threshold / debt``; ``inf`` without debt.

    Parameters
    ----------
    collateral, debt : float or array
        Totals in one currency.
    liquidation_threshold : float or array
        Average threshold weighted by collateral [fraction].
    """
    backing, owed, threshold = floats(collateral, debt, liquidation_threshold)
    weighted = backing * threshold
    factor = np.divide(weighted, owed, out=np.full(owed.shape, np.inf), where=owed != 0)
    return plain(np.where(np.isnan(weighted + owed), np.nan, factor))


def available_borrows(collateral: npt.ArrayLike, debt: npt.ArrayLike, *, loan_to_value: npt.ArrayLike) -> FloatArray:
    """Compute what the account may still borrow: ``max(collateral * loan_to_value - debt, 0)``."""
    backing, owed, share = floats(collateral, debt, loan_to_value)
    return plain(np.maximum(backing * share - owed, 0.0))


def with_emode(
    position: LendingPosition,
    liquidation_thresholds: Mapping[str, float],
    *,
    loan_to_values: Mapping[str, float] | None = None,
) -> LendingPosition:
    """Return the account in efficiency mode: the category's numbers replace those of the assets in it, no others.

    Parameters
    ----------
    position : LendingPosition
    liquidation_thresholds, loan_to_values : mapping of asset to fraction
        The category's numbers for each asset that belongs to it.
    """
    ratios = loan_to_values or {}
    reserves = tuple(
        replace(
            reserve,
            liquidation_threshold=liquidation_thresholds.get(reserve.asset, reserve.liquidation_threshold),
            loan_to_value=ratios.get(reserve.asset, reserve.loan_to_value),
        )
        for reserve in position.reserves
    )
    return replace(position, reserves=reserves)


def summary(position: LendingPosition) -> LendingSummary:
    """Totals, average thresholds, health factor and available borrows of an account."""
    collateral = sum(reserve.collateral * reserve.price for reserve in position.reserves)
    debt = sum(reserve.debt * reserve.price for reserve in position.reserves)
    backing = sum(_backing(reserve) for reserve in position.reserves)
    lending = sum(reserve.collateral * reserve.price * reserve.loan_to_value for reserve in position.reserves)
    threshold = backing / collateral if collateral else 0.0
    ratio = lending / collateral if collateral else 0.0
    return LendingSummary(
        collateral=float(collateral),
        debt=float(debt),
        liquidation_threshold=threshold,
        loan_to_value=ratio,
        health_factor=float(backing / debt) if debt else float("inf"),
        available_borrows=float(max(lending - debt, 0.0)),
    )


def joint_shock(position: LendingPosition, assets: Collection[str]) -> float:
    """Solve for the common factor on the prices of ``assets`` at which the health factor is 1.

    All other prices stay: ``s = (D_fixed - C_fixed) / (C_shocked - D_shocked)`` with ``C`` collateral times
    threshold and ``D`` debt.

    Parameters
    ----------
    position : LendingPosition
    assets : collection of str
        Assets that move together, as collateral and as debt.

    Returns
    -------
    float
        Below 1: the account is liquidated when they FALL to that factor; :func:`liquidated_upward` tells when it is
        their RISE that liquidates. 0.0: no fall does it (or, upward, every price does). NaN: the assets carry no
        net weight, so no factor decides.

    Raises
    ------
    ParameterError
        An asset is not in the account.
    """
    shocked, fixed = _net_backing(position, assets)
    return max(-fixed / shocked, 0.0) if shocked else float("nan")


def liquidated_upward(position: LendingPosition, asset: str) -> bool:
    """Tell whether it is a RISE of the asset's price that liquidates: more of it is owed than its collateral backs."""
    return _net_backing(position, (asset,))[0] < 0


def liquidation_price(position: LendingPosition, asset: str) -> float:
    """Price of one asset at which the health factor is 1, all other prices unchanged.

    ``(D_other - sum_{i != j} C_i*P_i*LT_i) / (C_j*LT_j - D_j)``; with a negative denominator
    (:func:`liquidated_upward`) the account is liquidated ABOVE that price.

    Returns
    -------
    float
        In the account's currency; 0.0 where no fall of the price liquidates, NaN where the asset carries no net weight.

    Raises
    ------
    ParameterError
        The asset is not in the account.
    """
    price = next((reserve.price for reserve in position.reserves if reserve.asset == asset), float("nan"))
    return joint_shock(position, (asset,)) * price


def liquidation_prices(position: LendingPosition) -> pd.DataFrame:
    """Liquidation price of every asset of the account, one at a time.

    Returns
    -------
    DataFrame
        One row per asset: ``asset``, ``price``, ``liquidation_price``, ``upward`` (bool).
    """
    prices = {reserve.asset: reserve.price for reserve in position.reserves}
    return pd.DataFrame(
        {
            "asset": list(prices),
            "price": list(prices.values()),
            "liquidation_price": [liquidation_price(position, asset) for asset in prices],
            "upward": [liquidated_upward(position, asset) for asset in prices],
        }
    )


def liquidatable_debt(
    health_factor: float,
    *,
    reserve_collateral: float,
    reserve_debt: float,
    total_debt: float,
    liquidation_bonus: float | None = None,
) -> float:
    """Largest debt of one reserve that one liquidation may repay [USD].

    All of it, unless the health factor is above 0.95 and both the reserve's collateral and its debt are worth at
    least 2,000 USD: then half of the account's TOTAL debt at most. A remainder is at least 1,000 USD or zero.

    Parameters
    ----------
    health_factor : float
        Of the account; from 1 on nothing may be liquidated.
    reserve_collateral, reserve_debt : float
        Value of the collateral seized and of the debt repaid [USD].
    total_debt : float
        Of the account, all reserves [USD].
    liquidation_bonus : float, optional
        As a multiplier, such as 1.05. With it the remainder of the collateral is held to the same rule.
    """
    caller = "liquidatable_debt"
    check_range("reserve_collateral", reserve_collateral, 0, float("inf"), caller=caller)
    check_range("reserve_debt", reserve_debt, 0, float("inf"), caller=caller)
    check_range("total_debt", total_debt, reserve_debt, float("inf"), caller=caller)
    if health_factor >= 1:
        return 0.0
    small = min(reserve_collateral, reserve_debt) < SMALL_POSITION
    if health_factor <= CLOSE_FACTOR_HEALTH or small:
        return float(reserve_debt)
    most = min(reserve_debt, CLOSE_FACTOR * total_debt)
    if most == reserve_debt or (liquidation_bonus and most * liquidation_bonus >= reserve_collateral):
        return float(most)
    most = min(most, reserve_debt - SMALLEST_REMAINDER)
    if liquidation_bonus:
        most = min(most, (reserve_collateral - SMALLEST_REMAINDER) / liquidation_bonus)
    return float(most)


def close_factor(
    health_factor: float,
    *,
    reserve_collateral: float,
    reserve_debt: float,
    total_debt: float,
    liquidation_bonus: float | None = None,
) -> float:
    """Share of a reserve's debt that one liquidation may repay, as for :func:`liquidatable_debt`; NaN without debt."""
    if reserve_debt == 0:
        return float("nan")
    most = liquidatable_debt(
        health_factor,
        reserve_collateral=reserve_collateral,
        reserve_debt=reserve_debt,
        total_debt=total_debt,
        liquidation_bonus=liquidation_bonus,
    )
    return most / reserve_debt


def seize(
    debt_to_cover: npt.ArrayLike,
    *,
    debt_price: npt.ArrayLike,
    collateral_price: npt.ArrayLike,
    collateral_balance: npt.ArrayLike,
    liquidation_bonus: npt.ArrayLike,
    protocol_fee: npt.ArrayLike = 0.0,
) -> Seizure:
    """Work out what a liquidator pays and gets for covering debt.

    ``seized = min(debt * P_debt / P_coll * bonus, balance)``; if the balance binds, less debt is repaid. The protocol
    takes its fee from the bonus alone.

    Parameters
    ----------
    debt_to_cover : float or array
        In the debt asset.
    debt_price, collateral_price : float or array
        In one currency.
    collateral_balance : float or array
        The borrower's, in the collateral asset.
    liquidation_bonus : float or array
        As a multiplier, such as 1.05.
    protocol_fee : float or array
        Share of the bonus [fraction].

    Raises
    ------
    ParameterError
        The bonus is below 1.
    """
    debt, owed_price, price, balance, bonus, fee = floats(
        debt_to_cover, debt_price, collateral_price, collateral_balance, liquidation_bonus, protocol_fee
    )
    if (bonus < 1).any():
        raise parameter_error("liquidation_bonus", "seize", "a multiplier of at least 1", liquidation_bonus)
    wanted = debt * owed_price / price * bonus
    seized = np.minimum(wanted, balance)
    repaid = np.where(wanted > balance, balance * price / owed_price / bonus, debt)
    taken = (seized - seized / bonus) * fee
    return Seizure(plain(repaid), plain(seized), plain(seized - taken), plain(taken))


def _backing(reserve: LendingReserve) -> float:
    return reserve.collateral * reserve.price * reserve.liquidation_threshold


def _net_backing(position: LendingPosition, assets: Collection[str]) -> tuple[float, float]:
    """Collateral times threshold less debt, of the named assets and of the others."""
    known = {reserve.asset for reserve in position.reserves}
    for asset in assets:
        if asset not in known:
            raise parameter_error("assets", "joint_shock", f"among {', '.join(sorted(known))}", asset)
    named = [reserve for reserve in position.reserves if reserve.asset in assets]
    others = [reserve for reserve in position.reserves if reserve.asset not in assets]
    net = [sum(_backing(item) - item.debt * item.price for item in group) for group in (named, others)]
    return float(net[0]), float(net[1])
