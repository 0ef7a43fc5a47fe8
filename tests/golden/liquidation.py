"""Which function of heatlab.margin computes a case of margin maths, chosen by the case's fields, never by its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from heatlab import margin
from heatlab.domain import Contract
from tests.golden import lending

Case = Mapping[str, Any]
Function = Callable[[Case], Mapping[str, Any]]


def liquidation_function(case: Case) -> Function | None:
    """Function that computes the case, None if there is none."""
    if case.get("contract") == "lending" or str(case.get("venue", "")).startswith("aave"):
        return lending.lending_function(case)
    inputs, expected = case.get("inputs", {}), case.get("expected", {})
    by_input = {
        "stream": side_of_stream,
        "bankrupt_value": deleveraging,
        "funding_rate": funding_drain,
        "funding_rates": funding_drain,
        "mmr_prev": next_amount,
    }
    for name, function in by_input.items():
        if name in inputs:
            return function
    if "cum" in expected:
        return amounts
    if "liq_price" in expected:
        return PRICES.get((venue_of(case), str(case.get("contract"))))
    if "bankruptcy_price" in expected:
        return bankruptcy
    return maintenance if any(name.startswith("maintenance_margin") for name in expected) else None


def venue_of(case: Case) -> str:
    """Venue family of a case; cases of no particular venue use Binance's formula."""
    name = str(case.get("venue", "")).lower()
    known = ("binance", "bybit", "okx", "gate", "hyperliquid")
    return next((venue for venue in known if name.startswith(venue)), "binance" if name == "generic" else name)


def side_of_stream(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    given = inputs.get("S", inputs.get("side"))
    return {"liquidated": margin.liquidated_side(case["venue"], inputs["stream"], side=given).label}


def deleveraging(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    result = margin.deleveraging_rank(
        inputs["mark_value"], inputs["avg_entry_value"], bankruptcy_value=inputs["bankrupt_value"]
    )
    return {"effective_leverage": result.effective_leverage, "pnl_pct": result.profit, "rank": result.rank}


def funding_drain(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    side, quantity, entry = inputs["side"], inputs["qty"], inputs["entry"]
    before = inputs.get("wallet_balance", entry * quantity / inputs["leverage"])
    rates = inputs.get("funding_rates", [inputs.get("funding_rate")] * inputs.get("n_fundings", 1))
    left = margin.margin_after_funding(
        side,
        quantity,
        margin=before,
        funding_rate=rates,
        mark_price=inputs.get("marks", inputs.get("mark", entry)),
        free_balance=inputs.get("free_balance", inputs.get("available_balance", 0.0)),
    )

    def price(own: float) -> float:
        return margin.binance.linear_liquidation_price(
            side,
            quantity,
            entry_price=entry,
            wallet_balance=own,
            rate=inputs["mmr"],
            amount=inputs.get("maint_amount", 0.0),
        )

    return {"liq_price": price(left[-1]), "liq_price_before": price(before), "margin": left[-1]}


def next_amount(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    floor = next(value for name, value in inputs.items() if name.startswith("bracket_floor"))
    step = margin.maintenance_amounts([floor, 2 * floor], [inputs["mmr_prev"], inputs["mmr_n"]])[-1]
    return {"cum_n": inputs.get("cum_prev", 0.0) + step}


def amounts(case: Case) -> Mapping[str, Any]:
    tiers = case["inputs"]["tiers"]
    return {"cum": margin.maintenance_amounts([tier["cap"] for tier in tiers], [tier["mmr"] for tier in tiers])}


def bankruptcy(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    contract = Contract.INVERSE if case["contract"] == "inverse" else Contract.LINEAR
    price = margin.bankruptcy_price(inputs["side"], inputs["entry"], leverage=inputs["leverage"], contract=contract)
    return {"bankruptcy_price": price}


def maintenance(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    rate, amount = inputs.get("mmr"), inputs.get("maint_amount", 0.0)
    if case["contract"] == "inverse":
        needed = margin.binance.inverse_maintenance_margin(
            inputs["contracts"], inputs["contract_size_usd"], mark_price=inputs["mark"], rate=rate, amount=amount
        )
        coin = inputs["contracts"] * inputs["contract_size_usd"] / inputs["mark"]
        return {"notional_coin": coin, "maintenance_margin_coin": needed}
    notional = inputs.get("notional", inputs.get("qty", 1.0) * inputs.get("mark", inputs.get("entry", 0.0)))
    table = table_of(inputs["tiers"]) if "tiers" in inputs else one_bracket(rate, amount)
    return {"notional": notional, "maintenance_margin": margin.maintenance_margin(notional, table)}


def table_of(tiers: list[Mapping[str, Any]]) -> pd.DataFrame:
    caps = [float("inf") if tier.get("cap") is None else tier["cap"] for tier in tiers]
    table = margin.bracket_table(caps, [tier["mmr"] for tier in tiers])
    if all("cum" in tier for tier in tiers):
        table["maintenance_amount"] = [float(tier["cum"]) for tier in tiers]
    return table


def one_bracket(rate: float, amount: float) -> pd.DataFrame:
    table = margin.bracket_table([float("inf")], [rate])
    table["maintenance_amount"] = float(amount)
    return table


def others_of(inputs: Mapping[str, Any]) -> tuple[float, float]:
    """Maintenance margin and profit of the other positions, given or added up from the list of them."""
    listed = inputs.get("other_positions", [])
    needed = sum(one["amount"] * one["mark_price"] * one["mm_ratio"] - one["maintenance_amt"] for one in listed)
    profit = sum(
        (-1 if one.get("side") == "short" else 1) * one["amount"] * (one["mark_price"] - one["open_rate"])
        for one in listed
    )
    return inputs.get("tmm_other", needed), inputs.get("upnl_other", profit)


def bracket_arguments(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if "tiers" in inputs:
        return {"brackets": table_of(inputs["tiers"])}
    return {"rate": inputs["mmr"], "amount": inputs.get("maint_amount", 0.0)}


def binance_linear(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    needed, profit = others_of(inputs)
    quantity, entry = inputs["qty"], inputs["entry"]
    price = margin.binance.linear_liquidation_price(
        inputs["side"],
        quantity,
        entry_price=entry,
        wallet_balance=inputs["wallet_balance"]
        if "wallet_balance" in inputs
        else quantity * entry / inputs["leverage"],
        other_maintenance_margin=needed,
        other_unrealized_pnl=profit,
        **bracket_arguments(inputs),
    )
    return {"liq_price": never(case, price), **bracket_at(inputs, quantity * price)}


def bracket_at(inputs: Mapping[str, Any], notional: float) -> Mapping[str, Any]:
    """Rate and amount of the bracket that holds a notional, for cases that expect them."""
    if "tiers" not in inputs:
        return {}
    table = table_of(inputs["tiers"])
    row = table[table["notional_floor"] <= notional].iloc[-1]
    return {"tier_mmr": row["maintenance_margin_rate"], "maint_amount": row["maintenance_amount"]}


def binance_inverse(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    needed, profit = others_of(inputs)
    worth = inputs["contracts"] * inputs["contract_size_usd"]
    price = margin.binance.inverse_liquidation_price(
        inputs["side"],
        inputs["contracts"],
        contract_size=inputs["contract_size_usd"],
        entry_price=inputs["entry"],
        wallet_balance=inputs.get("wallet_balance_coin", worth / inputs["entry"] / inputs.get("leverage", 1.0)),
        other_maintenance_margin=needed,
        other_unrealized_pnl=profit,
        **bracket_arguments(inputs),
    )
    return {"liq_price": never(case, price), **bracket_at(inputs, worth / price)}


def bybit_linear(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    value = inputs["qty"] * inputs["entry"]
    leverage = inputs["leverage"] if "leverage" in inputs else value / inputs["wallet_balance"]
    deduction = inputs.get("mm_deduction", inputs.get("maint_amount", 0.0))
    price = margin.bybit.linear_liquidation_price(
        inputs["side"],
        inputs["qty"],
        entry_price=inputs["entry"],
        leverage=leverage,
        rate=inputs["mmr"],
        amount=deduction,
        extra_margin=inputs.get("extra_margin", 0.0),
    )
    return {
        "liq_price": never(case, price),
        "position_value": value,
        "initial_margin": value / leverage,
        "maintenance_margin": value * inputs["mmr"] - deduction,
        "bankruptcy_price": margin.bankruptcy_price(inputs["side"], inputs["entry"], leverage=leverage),
    }


def bybit_inverse(case: Case) -> Mapping[str, Any]:
    """Choose the version: cross is the classic account's; naming a fee or extra margin is the newer page's."""
    inputs = case["inputs"]
    if "account_balance_coin" in inputs:
        ruin, price = margin.bybit.classic_inverse_cross_prices(
            inputs["side"],
            inputs["contracts_usd"],
            entry_price=inputs["entry"],
            available_balance=inputs["account_balance_coin"] - inputs.get("order_margin", 0.0),
            rate=inputs["mmr"],
            taker_fee=inputs["taker_fee"],
        )
        return {"bankruptcy_price": ruin, "liq_price": never(case, price)}
    newer = "taker_fee" in inputs or "extra_margin" in inputs
    changed = margin.bybit.INVERSE_FORMULA_CHANGED
    value = inputs["contracts_usd"] / inputs["entry"]
    deduction = inputs.get("mm_deduction", 0.0)
    price = margin.bybit.inverse_liquidation_price(
        inputs["side"],
        inputs["contracts_usd"],
        entry_price=inputs["entry"],
        leverage=inputs["leverage"],
        rate=inputs["mmr"],
        amount=deduction,
        extra_margin=inputs.get("extra_margin", 0.0),
        taker_fee=inputs.get("taker_fee", margin.bybit.TAKER_FEE),
        when=changed if newer else changed - pd.Timedelta(days=1),
    )
    return {
        "liq_price": never(case, price),
        "position_value": value,
        "initial_margin": value / inputs["leverage"],
        "maintenance_margin": value * inputs["mmr"] - deduction,
    }


def okx_linear(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    price = margin.okx.linear_liquidation_price(
        inputs["side"],
        inputs["qty"],
        entry_price=inputs["entry"],
        margin=inputs["wallet_balance"],
        rate=inputs["mmr"],
        amount=inputs.get("maint_amount", 0.0),
        taker_fee=inputs.get("taker_fee", margin.okx.TAKER_FEE),
    )
    return {"liq_price": never(case, price)}


def okx_inverse(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    worth = inputs["contracts_usd"] if "contracts_usd" in inputs else inputs["contracts"] * inputs["contract_size_usd"]
    price = margin.okx.inverse_liquidation_price(
        inputs["side"],
        worth,
        entry_price=inputs["entry"],
        margin=inputs["wallet_balance_coin"],
        rate=inputs["mmr"],
        taker_fee=inputs.get("taker_fee", margin.okx.TAKER_FEE),
    )
    return {"liq_price": never(case, price)}


def hyperliquid_linear(case: Case) -> Mapping[str, Any]:
    inputs = case["inputs"]
    own = inputs["isolated_margin"] if "isolated_margin" in inputs else inputs["wallet_balance"]
    price = margin.hyperliquid.liquidation_price(
        inputs["side"],
        inputs["qty"],
        entry_price=inputs["entry"],
        margin=own,
        max_leverage=inputs["max_leverage"],
    )
    decimals = len(repr(float(own)).partition(".")[2])
    return {"liq_price": never(case, price), "_slack": 0.5 * 10.0**-decimals / inputs["qty"]}


def never(case: Case, price: float) -> float | None:
    """Answer None for "never liquidated" where the case writes it that way."""
    return None if case["expected"]["liq_price"] is None and price in (0.0, float("inf")) else price


PRICES: dict[tuple[str, str], Function] = {
    ("binance", "linear"): binance_linear,
    ("binance", "inverse"): binance_inverse,
    ("bybit", "linear"): bybit_linear,
    ("bybit", "inverse"): bybit_inverse,
    ("okx", "linear"): okx_linear,
    ("okx", "inverse"): okx_inverse,
    ("gate", "linear"): okx_linear,
    ("gate", "inverse"): okx_inverse,
    ("hyperliquid", "linear"): hyperliquid_linear,
}
