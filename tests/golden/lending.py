"""Which function of heatlab.margin.aave computes a case of a lending account."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from heatlab.domain import LendingPosition, LendingReserve
from heatlab.margin import aave

Case = Mapping[str, Any]
Function = Callable[[Case], Mapping[str, Any]]


def lending_function(case: Case) -> Function | None:
    """Function that computes the case, None if there is none."""
    by_input: dict[str, Function] = {
        "debt_to_cover": seizure,
        "reserve_debt_usd": close_factor,
        "collaterals": prices,
        "reserves": account_summary,
        "collateral": totals,
    }
    inputs = case.get("inputs", {})
    return next((function for name, function in by_input.items() if name in inputs), None)


def seizure(case: Case) -> Mapping[str, Any]:
    names = ("debt_price", "collateral_price", "collateral_balance", "liquidation_bonus", "protocol_fee")
    inputs = case["inputs"]
    result = aave.seize(inputs["debt_to_cover"], **{name: inputs[name] for name in names if name in inputs})
    return {
        "debt_repaid": result.debt_repaid,
        "collateral_seized": result.collateral_seized,
        "collateral_to_liquidator": result.collateral_to_liquidator,
        "protocol_fee_collateral": result.protocol_fee,
    }


def close_factor(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    arguments = {
        "reserve_collateral": inputs["reserve_collateral_usd"],
        "reserve_debt": inputs["reserve_debt_usd"],
        "total_debt": inputs["total_debt_usd"],
        "liquidation_bonus": inputs.get("liquidation_bonus"),
    }
    return {
        "max_liquidatable_fraction_of_reserve_debt": aave.close_factor(inputs["health_factor"], **arguments),
        "max_liquidatable_debt_usd": aave.liquidatable_debt(inputs["health_factor"], **arguments),
    }


def totals(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    backing, debt = inputs["collateral"], inputs["debt"]
    found: dict[str, Any] = {}
    if "liquidation_threshold" in inputs:
        threshold = inputs["liquidation_threshold"]
        found["health_factor"] = no_debt(aave.health_factor(backing, debt, liquidation_threshold=threshold))
    ratio = inputs.get("ltv", inputs.get("loan_to_value"))
    if ratio is not None:
        free = aave.available_borrows(backing, debt, loan_to_value=ratio)
        found.update(available_borrows=free, available_borrows_usd=free)
    return found


def account_summary(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    scale = inputs.get("ref_usd", 1.0)
    position = account(
        LendingReserve(
            asset=str(place),
            price=one["price_ref"] * scale,
            collateral=one.get("supply", 0.0),
            debt=one.get("borrow", 0.0),
            liquidation_threshold=one["lt"],
            loan_to_value=one.get("ltv", 0.0),
        )
        for place, one in enumerate(inputs["reserves"])
    )
    if inputs.get("emode"):
        listed = {str(place): one for place, one in enumerate(inputs["reserves"]) if one.get("emode_lt") is not None}
        thresholds = {asset: one["emode_lt"] for asset, one in listed.items()}
        ratios = {asset: one["emode_ltv"] for asset, one in listed.items() if "emode_ltv" in one}
        position = aave.with_emode(position, thresholds, loan_to_values=ratios)
    result = aave.summary(position)
    return {
        "health_factor": no_debt(result.health_factor),
        "current_lt": result.liquidation_threshold,
        "current_ltv": result.loan_to_value,
        "total_collateral_usd": result.collateral,
        "total_debt_usd": result.debt,
        "available_borrows_usd": result.available_borrows,
    }


def prices(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    collaterals = [
        LendingReserve(one.get("sym", f"collateral {place}"), one["price"], one["qty"], 0.0, one["lt"])
        for place, one in enumerate(inputs["collaterals"])
    ]
    debts = [
        LendingReserve(one.get("sym", f"debt {place}"), one["price"], 0.0, one["qty"])
        for place, one in enumerate(inputs["debts"])
    ]
    position = account([*collaterals, *debts])
    each = [price_or_never(position, reserve.asset) for reserve in collaterals]
    shocked = [collaterals[place].asset for place in inputs.get("shocked", range(len(collaterals)))]
    shock = aave.joint_shock(position, shocked)
    found = {
        "liq_price": price_or_never(position, inputs["asset"]) if "asset" in inputs else each,
        "liq_price_per_asset": each,
        "shock": shock,
        "joint_shock": shock,
        "health_factor": no_debt(aave.summary(position).health_factor),
    }
    if "wrong_value_defillama_v3" in case["expected"]:
        found["wrong_value_defillama_v3"] = wrong_value(case, each[0])
    return found


def wrong_value(case: Case, ours: float | None) -> float | None:
    """Value a published adapter gives for the first collateral (it scales by the collateral's weight), if not ours."""
    inputs = case["inputs"]
    values = [one["qty"] * one["price"] for one in inputs["collaterals"]]
    debt = sum(one["qty"] * one["price"] for one in inputs["debts"])
    first = inputs["collaterals"][0]
    theirs = first["price"] * (debt / sum(values) / first["lt"]) * values[0] / sum(values)
    return theirs if ours is None or not math.isclose(theirs, ours) else None


def account(reserves: Any) -> LendingPosition:
    return LendingPosition("case", "aave_v3", tuple(reserves))


def price_or_never(position: LendingPosition, asset: str) -> float | None:
    price = aave.liquidation_price(position, asset)
    return None if price == 0.0 and not aave.liquidated_upward(position, asset) else price


def no_debt(factor: float) -> float:
    """Write an infinite health factor as -1, as aave-utilities does."""
    return -1.0 if math.isinf(factor) else float(factor)
