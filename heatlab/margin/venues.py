"""One door for every venue: pick the formula, take the rate from the bracket table, keep the unknown unknown.

Venues whose name starts with ``binance`` (and any venue not listed here) use Binance's formula, ``hyperliquid`` the
same one with its own table, ``bybit`` its isolated formula, ``okx`` and ``gate`` theirs with the closing fee.

Prices are NaN where they cannot be computed, which never means safe; 0.0 where a long, ``inf`` where a short cannot
be liquidated by any price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

import heatlab.margin.binance as binance
import heatlab.margin.bybit as bybit
import heatlab.margin.okx as okx
from heatlab._checks import check_positive, parameter_error
from heatlab.domain import NAN, Contract, MarginMode, Position, Side
from heatlab.margin._arrays import FloatArray, floats, plain, signs
from heatlab.margin.brackets import bracket_arrays, maintenance_margin, maximum_leverage

TAKER_FEES = {"bybit": bybit.TAKER_FEE, "okx": okx.TAKER_FEE, "gate": 0.0005}


def formula_of(venue: str) -> str:
    """Name of the formula a venue uses: "bybit", "okx", "gate" or "binance" (also for venues not known here)."""
    name = venue.lower()
    return next((known for known in ("bybit", "okx", "gate") if name.startswith(known)), "binance")


def has_formula(venue: str) -> bool:
    """Tell whether the margin formula of a venue is known exactly; :func:`formula_of` falls back to Binance's."""
    return venue.lower().startswith(("binance", "bybit", "gate", "hyperliquid", "okx"))


def contract_of(symbol: str) -> Contract:
    """Contract kind of a ccxt-unified symbol: inverse where it settles in its base (``BTC/USD:BTC``)."""
    pair, _, settle = symbol.partition(":")
    if not settle:
        return Contract.LINEAR
    return Contract.INVERSE if settle.split("-")[0] == pair.split("/")[0] else Contract.LINEAR


def is_spot(symbol: str) -> bool:
    """Tell whether a ccxt-unified symbol is a pair traded spot: it names no currency to settle in."""
    return ":" not in symbol


def liquidation_price(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    venue: str,
    entry_price: npt.ArrayLike,
    brackets: pd.DataFrame,
    margin: npt.ArrayLike | None = None,
    leverage: npt.ArrayLike | None = None,
    contract: Contract = Contract.LINEAR,
    taker_fee: npt.ArrayLike | None = None,
) -> FloatArray:
    """Liquidation price of isolated positions by the formula of their venue.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quantity : float or array
        [base], positive; of an inverse position: its quote notional divided by its entry price.
    venue : str
    entry_price : float or array
        [quote]
    brackets : DataFrame
        Canonical brackets in the margin currency (quote for linear, coin for inverse contracts). Binance and
        Hyperliquid read them at the liquidation price, Bybit, OKX and Gate at entry.
    margin : float or array, optional
        The position's margin, in the margin currency.
    leverage : float or array, optional
        In place of ``margin``: the margin is the value at entry divided by it.
    contract : Contract
    taker_fee : float or array, optional
        Fee of closing [fraction]; the venue's usual one without it. Binance and Hyperliquid charge none here.

    Returns
    -------
    float or array
        Price [quote].

    Raises
    ------
    ParameterError
        Neither or both of ``margin`` and ``leverage`` are given; a side is none.
    """
    if (margin is None) == (leverage is None):
        got = "neither" if margin is None else "both"
        raise parameter_error("margin", "liquidation_price", "given, or 'leverage' in its place", got)
    sign = signs(side, caller="liquidation_price")
    quantity, entry, sign, given = floats(quantity, entry_price, sign, leverage if margin is None else margin)  # type: ignore[arg-type]
    value = quantity if contract is Contract.INVERSE else quantity * entry
    own = value / given if margin is None else given
    formula = formula_of(venue)
    fee = np.asarray(TAKER_FEES.get(formula, 0.0) if taker_fee is None else taker_fee, dtype=np.float64)
    price = _inverse if contract is Contract.INVERSE else _linear
    return price(formula, sign, quantity, entry, own, fee, brackets)


def _linear(
    formula: str,
    sign: FloatArray,
    quantity: FloatArray,
    entry: FloatArray,
    margin: FloatArray,
    fee: FloatArray,
    brackets: pd.DataFrame,
) -> FloatArray:
    if formula == "binance":
        return binance.linear_liquidation_price(
            sign, quantity, entry_price=entry, wallet_balance=margin, brackets=brackets
        )
    rate, amount = _at_entry(quantity * entry, brackets)
    if formula == "bybit":
        return bybit.linear_liquidation_price(
            sign, quantity, entry_price=entry, leverage=np.inf, rate=rate, amount=amount, extra_margin=margin
        )
    return okx.linear_liquidation_price(
        sign, quantity, entry_price=entry, margin=margin, rate=rate, amount=amount, taker_fee=fee
    )


def _inverse(
    formula: str,
    sign: FloatArray,
    quantity: FloatArray,
    entry: FloatArray,
    margin: FloatArray,
    fee: FloatArray,
    brackets: pd.DataFrame,
) -> FloatArray:
    worth = quantity * entry
    if formula == "binance":
        return binance.inverse_liquidation_price(
            sign, worth, contract_size=1.0, entry_price=entry, wallet_balance=margin, brackets=brackets
        )
    rate, amount = _at_entry(quantity, brackets)
    if formula == "bybit":
        times = np.divide(quantity, margin, out=np.full(np.shape(quantity), np.inf), where=margin != 0)
        return bybit.inverse_liquidation_price(
            sign, worth, entry_price=entry, leverage=times, rate=rate, amount=amount, taker_fee=fee
        )
    return okx.inverse_liquidation_price(
        sign, worth, entry_price=entry, margin=margin, rate=rate, amount=amount, taker_fee=fee
    )


def _at_entry(notional: FloatArray, brackets: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    table = bracket_arrays(brackets)
    row = table.index(notional)
    return table.rate[row], table.amount[row]


def liquidation_ratio(
    side: npt.ArrayLike | str,
    leverage: npt.ArrayLike,
    *,
    venue: str,
    brackets: pd.DataFrame,
    notional: npt.ArrayLike,
    taker_fee: npt.ArrayLike | None = None,
) -> FloatArray:
    """Liquidation price over entry price of an isolated position just opened.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    leverage : float or array
        Leverage the position is opened with, positive.
    venue : str
        ``binancecoinm`` means an inverse contract, every other venue a linear one.
    brackets : DataFrame
        Canonical brackets, in the unit of ``notional``.
    notional : float or array
        Value at entry [quote], positive.
    taker_fee : float or array, optional
        As for :func:`liquidation_price`.

    Returns
    -------
    float or array
        Below 1 for a long (0.0: never), above 1 for a short (``inf``: never). NaN where the leverage is beyond the
        maximum of the bracket holding the notional, or the position would be liquidated as it opens.

    Raises
    ------
    ParameterError
        A leverage or a notional is not positive.
    """
    sign = signs(side, caller="liquidation_ratio")
    sign, times, value = floats(sign, leverage, notional)
    for name, given in (("leverage", times), ("notional", value)):
        if (given <= 0).any():
            check_positive(name, float(given[given <= 0].flat[0]), caller="liquidation_ratio")
    contract = Contract.INVERSE if venue.lower().startswith("binancecoinm") else Contract.LINEAR
    price = liquidation_price(
        sign,
        value,
        venue=venue,
        entry_price=1.0,
        brackets=brackets,
        leverage=times,
        contract=contract,
        taker_fee=taker_fee,
    )
    allowed = ~(times > maximum_leverage(value, brackets)) & (sign * (1 - price) > 0)
    return plain(np.where(allowed, price, np.nan))


def position_liquidation_price(
    position: Position,
    brackets: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    others: Sequence[Position] | None = None,
    wallet_balance: float = NAN,
    taker_fee: float | None = None,
) -> float:
    """Liquidation price of one position by the formula of its venue.

    Parameters
    ----------
    position : Position
        An isolated one needs its ``margin`` or its ``leverage``. Quantity and margin [quote] of an inverse position
        are its worth in coin and the coin's worth at its mark price, or at its entry price where the mark is unknown.
    brackets : DataFrame or mapping of symbol to DataFrame
        Canonical brackets; one table alone is used for every position.
    others : sequence of Position, optional
        The account's OTHER positions, for a cross position; an empty one says that there are none. Isolated ones among
        them play no part.
    wallet_balance : float
        The account's wallet balance [quote], for a cross position.
    taker_fee : float, optional
        As for :func:`liquidation_price`.

    Returns
    -------
    float
        Price [quote]. NaN where it cannot be computed: a cross position without its wallet balance or without the
        others, with others whose mark price, brackets or settlement currency do not fit; a cross position on Bybit
        (its unified account has no closed form) or in an inverse contract; an isolated one without margin and leverage.
        Coins held spot give 0.0, spot on borrowed money or coins NaN.
    """
    if is_spot(position.symbol):
        return 0.0 if position.side == Side.LONG and not position.leverage > 1 else NAN
    table = _table_of(position.symbol, brackets)
    if table is None or not position.quantity > 0:
        return NAN
    contract = contract_of(position.symbol)
    quantity = _quantity_at_entry(position) if contract is Contract.INVERSE else position.quantity
    if position.margin_mode == MarginMode.CROSS:
        margin = _cross_margin(position, brackets, others, wallet_balance, taker_fee)
    else:
        margin = _isolated_margin(position, contract)
    if np.isnan(margin):
        return NAN
    return float(
        liquidation_price(
            position.side,
            quantity,
            venue=position.venue,
            entry_price=position.entry_price,
            brackets=table,
            margin=margin,
            contract=contract,
            taker_fee=taker_fee,
        )
    )


def _table_of(symbol: str, brackets: pd.DataFrame | Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    return brackets if isinstance(brackets, pd.DataFrame) else brackets.get(symbol)


def _isolated_margin(position: Position, contract: Contract) -> float:
    """Margin in the margin currency: the one on record, else value at entry over leverage."""
    coin = contract is Contract.INVERSE
    if position.margin > 0:
        rate = position.mark_price if position.mark_price > 0 else position.entry_price
        return position.margin / rate if coin else position.margin
    if not position.leverage > 0:
        return NAN
    return (_quantity_at_entry(position) if coin else position.quantity * position.entry_price) / position.leverage


def _quantity_at_entry(position: Position) -> float:
    """Worth in coin, at the entry price, of an inverse position: its worth in quote is the same at every price."""
    known = position.mark_price > 0
    return position.quantity * (position.mark_price / position.entry_price if known else 1.0)


def _cross_margin(
    position: Position,
    brackets: pd.DataFrame | Mapping[str, pd.DataFrame],
    others: Sequence[Position] | None,
    wallet_balance: float,
    taker_fee: float | None,
) -> float:
    """Wallet balance less the others' maintenance margin plus their profit; NaN where any part is unknown."""
    formula = formula_of(position.venue)
    if others is None or formula == "bybit" or contract_of(position.symbol) is Contract.INVERSE:
        return NAN
    fee = TAKER_FEES.get(formula, 0.0) if taker_fee is None or formula == "binance" else taker_fee
    settle = position.symbol.partition(":")[2]
    margin = wallet_balance
    for other in others:
        if other.margin_mode != MarginMode.CROSS or is_spot(other.symbol):
            continue
        table = _table_of(other.symbol, brackets)
        if table is None or other.symbol.partition(":")[2] != settle:
            return NAN
        needed = maintenance_margin(other.notional, table) + fee * other.notional
        margin += other.unrealized_pnl - float(needed)
    return margin
