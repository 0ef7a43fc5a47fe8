"""Margin of one account: liquidation prices of all its positions at once, and what is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import NAN, Contract, MarginMode, Position, Side
from heatlab.margin import (
    contract_of,
    default_brackets,
    has_formula,
    is_spot,
    maintenance_margin,
    position_liquidation_price,
)
from heatlab.margin.venues import TAKER_FEES, formula_of
from heatlab.portfolio.merge import joined_accounts
from heatlab.portfolio.orders.apply import WALLET

Owner = tuple[str, str]
Floats = NDArray[np.float64]
Brackets = Mapping[Owner, pd.DataFrame]
AMOUNTS = ["notional_floor", "notional_cap", "maintenance_amount"]


def account_liquidation_prices(positions: pd.DataFrame, venue: str, brackets: Brackets) -> Floats:
    """Liquidation price of every position of one venue by its exact formula, cross positions together.

    A cross position's margin is the wallet balance plus profit less maintenance margin of the account's other cross
    positions at their marks, so an order in one moves the price of all.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions; ``attrs["wallet_balance"]`` maps venue to the balance of its cross account [quote].
    venue : str
    brackets : mapping of (venue, symbol) to DataFrame
        Canonical brackets in the margin currency; :func:`heatlab.margin.default_brackets` where a market has none.

    Returns
    -------
    array of shape (n_positions,)
        [quote]; NaN for other venues and where the price cannot be computed, as where accounts are joined.
    """
    rows = [_position(row) if row["venue"] == venue else None for row in positions.to_dict("records")]
    prices = np.full(len(rows), np.nan)
    if not has_formula(venue):
        return prices
    tables = {
        one.symbol: brackets_of(venue, one.symbol, brackets, price=one.entry_price) for one in rows if one is not None
    }
    wallet = float(positions.attrs.get(WALLET, {}).get(venue, NAN))
    slack, joined = [_slack(one, tables) for one in rows], joined_accounts(positions)
    for place, one in enumerate(rows):
        if one is not None and not joined[place]:
            others = wallet + _others(rows, slack, place)
            prices[place] = position_liquidation_price(one, tables, others=(), wallet_balance=others)
    return prices


def free_margin(positions: pd.DataFrame, venue: str) -> float:
    """Equity of a venue's cross account less the initial margin of its cross positions [quote].

    NaN where the wallet is unknown, and where cross positions settle in more than one currency or in coin, or are of
    several accounts: the wallet then says nothing about each alone. Spot needs no margin and plays no part.
    """
    wallet = float(positions.attrs.get(WALLET, {}).get(venue, NAN))
    here = (positions["venue"] == venue) & (positions["margin_mode"] == MarginMode.CROSS)
    cross = positions[here & ~positions["symbol"].map(is_spot).astype(bool)]
    settled = {symbol.partition(":")[2].split("-")[0] for symbol in cross["symbol"]}
    coin = any(contract_of(symbol) is Contract.INVERSE for symbol in cross["symbol"])
    if coin or len(settled) > 1 or joined_accounts(cross).any():
        return NAN
    profit = cross["side"] * cross["quantity"] * (cross["mark_price"] - cross["entry_price"])
    initial = cross["quantity"] * cross["mark_price"] / cross["leverage"]
    return wallet + float((profit - initial).sum(skipna=False))


def brackets_of(venue: str, symbol: str, brackets: Brackets, *, price: float = NAN) -> pd.DataFrame:
    """Brackets of a market in its margin currency; the assumed ones, marked in ``attrs["assumed"]``, where it has none.

    Assumed brackets are in quote: for a coin-margined contract they are turned into coin at ``price`` [quote].
    """
    table = brackets.get((venue, symbol))
    table = _assumed() if table is None else table
    if contract_of(symbol) is not Contract.INVERSE or not table.attrs.get("assumed") or not price > 0:
        return table
    return table.assign(**{name: table[name] / price for name in AMOUNTS})


@cache
def _assumed() -> pd.DataFrame:
    """Build the brackets assumed once: a book of hundreds of markets asks for them hundreds of times."""
    return default_brackets()


def _slack(one: Position | None, tables: Mapping[str, pd.DataFrame]) -> float:
    """Count what a cross position adds to the account beyond what it needs: profit less maintenance margin and fee."""
    if one is None or one.margin_mode != MarginMode.CROSS or ":" not in one.symbol:
        return 0.0
    formula = formula_of(one.venue)
    fee = 0.0 if formula == "binance" else TAKER_FEES.get(formula, 0.0)
    if not one.notional > 0:
        return NAN
    return one.unrealized_pnl - float(maintenance_margin(one.notional, tables[one.symbol])) - fee * one.notional


def _others(rows: list[Position | None], slack: list[float], place: int) -> float:
    """Slack of the other positions of the account; NaN where one settles in another currency."""
    own = rows[place]
    assert own is not None
    if own.margin_mode != MarginMode.CROSS:
        return 0.0
    settle = own.symbol.partition(":")[2]
    total = 0.0
    for other, part in zip(rows, slack, strict=True):
        if other is None or other is own or part == 0.0:
            continue
        if other.symbol.partition(":")[2] != settle:
            return NAN
        total += part
    return total


def _position(row: Mapping[Any, Any]) -> Position:
    names = ("quantity", "entry_price", "mark_price", "leverage", "margin", "liquidation_price")
    numbers = {name: float(row[name]) if not _missing(row[name]) else NAN for name in names}
    return Position(
        symbol=str(row["symbol"]),
        venue=str(row["venue"]),
        side=Side.parse(row["side"]),
        margin_mode=MarginMode(str(row["margin_mode"])),
        **numbers,
    )


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
