"""What a book holds once proposed orders are filled: net mode, as venues keep one position per contract."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from heatlab._checks import check_choice, check_positive, parameter_error
from heatlab.domain import NAN, Contract, MarginMode, Side
from heatlab.frames import POSITIONS, check
from heatlab.margin import contract_of

WALLET = "wallet_balance"
ROUND_OFF = 1e-9
"""Part of a position below which a remainder is rounding error, not a position."""


@dataclass(frozen=True, slots=True)
class ProposedOrder:
    """An order somebody thinks of; nothing is sent.

    Attributes
    ----------
    symbol, venue : str
    side : Side
        LONG buys, SHORT sells.
    quantity : float
        [base]; or give ``notional``.
    notional : float
        [quote]; or give ``quantity``.
    leverage : float
        Of what it opens.
    margin_mode : MarginMode
    price : float
        Expected price [quote]; the mark price without it.
    """

    symbol: str
    venue: str
    side: Side
    quantity: float = NAN
    notional: float = NAN
    leverage: float = NAN
    margin_mode: MarginMode = MarginMode.ISOLATED
    price: float = NAN


def filled(order: ProposedOrder, mark_price: float, *, caller: str = "apply_order") -> ProposedOrder:
    """Check an order and complete its price and quantity.

    Parameters
    ----------
    order : ProposedOrder
    mark_price : float
        Of its market; NaN where unknown.
    caller : str
        Named in the messages.

    Raises
    ------
    ParameterError
        Quantity and notional are both missing, both given, or not positive; the leverage is not a positive number; no
        price is known; the margin mode or the side is none.
    """
    check_choice("side", order.side, (Side.LONG, Side.SHORT), caller=caller)
    check_choice("margin_mode", order.margin_mode, tuple(MarginMode), caller=caller)
    price = mark_price if math.isnan(order.price) else order.price
    if math.isnan(price):
        allowed = f"given: no mark price of {order.symbol} on {order.venue} is known"
        raise parameter_error("price", caller, allowed, order.price)
    check_positive("price", price, caller=caller)
    if math.isnan(order.quantity) == math.isnan(order.notional):
        got = "neither" if math.isnan(order.quantity) else "both"
        raise parameter_error("quantity", caller, "given, or 'notional' in its place", got)
    check_positive("leverage", order.leverage, caller=caller)
    name = "notional" if math.isnan(order.quantity) else "quantity"
    check_positive(name, getattr(order, name), caller=caller)
    quantity = order.notional / price if name == "notional" else order.quantity
    return replace(order, quantity=quantity, notional=quantity * price, price=price)


def apply_orders(
    positions: pd.DataFrame,
    orders: Iterable[ProposedOrder],
    *,
    fee: float = 0.0,
    marks: Mapping[tuple[str, str], float] | None = None,
) -> pd.DataFrame:
    """Positions once orders are filled at their prices.

    An order against a position of the same market reduces it, closes it, or turns it round with what is left; one on
    its side adds to it at the weighted entry. Where a market is held both ways, the opposite leg is reduced first.
    Margin is freed and taken in proportion; profit, freed margin of isolated positions, margin of new ones and fees
    move the wallet of the venue where ``attrs["wallet_balance"]`` knows it.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    orders : iterable of ProposedOrder
        Complete ones, as :func:`filled` makes them.
    fee : float
        Taken from the wallet [fraction of notional].
    marks : mapping of (venue, symbol) to float, optional
        Mark price of markets not held yet [quote]; the order's price without it.

    Returns
    -------
    DataFrame
        Canonical positions with a RangeIndex, in order, new ones last, ``attrs`` kept. The liquidation price of a
        position that changed is NaN: see :func:`heatlab.portfolio.orders.account.account_liquidation_prices`.

    Raises
    ------
    MissingColumnsError, DataError
        ``positions`` is not a canonical table.
    ParameterError
        An order asks for another margin mode than its market is held in: venues keep one.
    """
    check(positions, POSITIONS, where="apply_orders")
    rows: list[dict[Any, Any]] = positions.to_dict("records")
    wallets = dict(positions.attrs.get(WALLET, {}))
    for order in orders:
        mark = (marks or {}).get((order.venue, order.symbol), NAN)
        change = _fill(rows, order, mark) - fee * order.notional
        if order.venue in wallets:
            wallets[order.venue] += change
    kept = [row for row in rows if row["quantity"] != 0]
    made = pd.DataFrame(kept, columns=list(positions.columns)).astype(positions.dtypes.to_dict() if kept else {})
    made.attrs = {**positions.attrs, **({WALLET: wallets} if wallets else {})}
    return made


def _fill(rows: list[dict[Any, Any]], order: ProposedOrder, mark: float) -> float:
    """Change the rows; what flows into the wallet [quote]."""
    legs = [row for row in rows if (row["symbol"], row["venue"]) == (order.symbol, order.venue) and row["quantity"] > 0]
    against = next((row for row in legs if row["side"] == -order.side), None)
    left, flow = order.quantity, 0.0
    if against is not None:
        closed = min(left, against["quantity"])
        closed = against["quantity"] if against["quantity"] - closed <= ROUND_OFF * closed else closed
        flow, left = _reduce(against, closed, order.price), left - closed
    if left <= ROUND_OFF * order.quantity:
        return flow
    along = next((row for row in legs if row["side"] == order.side), None)
    if along is None:
        known = mark if against is None or not against["mark_price"] > 0 else against["mark_price"]
        rows.append(_opened(order, left, known if known > 0 else order.price))
        return flow - _own_margin(rows[-1])
    before = _own_margin(along)
    _add(along, order, left)
    return flow - (_own_margin(along) - before)


def _reduce(row: dict[Any, Any], closed: float, price: float) -> float:
    part = closed / row["quantity"]
    inverse = contract_of(row["symbol"]) is Contract.INVERSE
    value = row["mark_price"] / row["entry_price"] if inverse and row["mark_price"] > 0 else 1.0
    profit = row["side"] * closed * value * (price - row["entry_price"])
    freed = _own_margin(row) * part
    row["quantity"] = 0.0 if part >= 1 else row["quantity"] - closed
    row["margin"] *= 1 - part
    row["liquidation_price"] = NAN
    return float(freed + profit)


def _opened(order: ProposedOrder, quantity: float, mark: float) -> dict[Any, Any]:
    return {
        "symbol": order.symbol,
        "venue": order.venue,
        "side": int(order.side),
        "quantity": quantity,
        "entry_price": order.price,
        "mark_price": mark,
        "leverage": order.leverage,
        "margin_mode": str(order.margin_mode),
        "margin": quantity * order.price / order.leverage,
        "liquidation_price": NAN,
    }


def _add(row: dict[Any, Any], order: ProposedOrder, quantity: float) -> None:
    if str(row["margin_mode"]) != str(order.margin_mode):
        allowed = f"{row['margin_mode']}, as the position held in {order.symbol} on {order.venue}"
        raise parameter_error("margin_mode", "apply_orders", allowed, str(order.margin_mode))
    held, entry = row["quantity"], row["entry_price"]
    total = held + quantity
    if contract_of(row["symbol"]) is Contract.INVERSE:  # equal worth in quote: the harmonic mean
        row["entry_price"] = total / (held / entry + quantity / order.price)
    else:
        row["entry_price"] = (held * entry + quantity * order.price) / total
    row["margin"] += quantity * order.price / order.leverage
    if not math.isnan(row["margin"]):
        row["leverage"] = (held * entry + quantity * order.price) / row["margin"]
    row["quantity"], row["liquidation_price"] = total, NAN


def _own_margin(row: dict[Any, Any]) -> float:
    """Margin set aside for an isolated position [quote]; cross positions share the wallet."""
    if str(row["margin_mode"]) != MarginMode.ISOLATED or math.isnan(row["margin"]):
        return 0.0
    return float(row["margin"])
