"""Bybit: liquidation price of linear and inverse positions, in each version of the formula Bybit has published.

Sources: help-center pages "Liquidation Price Calculation under Isolated Mode (Unified Trading Account)" as they stood
before and after 2026-05-27, and article 360039261334 for the classic account's inverse cross margin.

Under isolated margin Bybit takes the maintenance margin at the ENTRY value, so the bracket is the one holding the
notional at entry. A price is NaN where an input is unknown, 0.0 where a long and ``inf`` where a short cannot be
liquidated at all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatlab.margin._arrays import FloatArray, floats, plain, signs

INVERSE_FORMULA_CHANGED = pd.Timestamp("2026-05-27", tz="UTC")
TAKER_FEE = 0.00055


def linear_liquidation_price(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    leverage: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
    extra_margin: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Liquidation price of an isolated linear position: ``E - s*((IM - MM)/Q + extra/Q)``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quantity : float or array
        ``Q`` [base].
    entry_price, leverage : float or array
        ``IM = Q*E/leverage``.
    rate, amount : float or array
        ``MM = Q*E*rate - amount``; the amount is Bybit's "maintenance margin deduction" [quote].
    extra_margin : float or array
        Margin added by hand [quote].

    Returns
    -------
    float or array
        Price [quote].
    """
    sign = signs(side, caller="bybit.linear_liquidation_price")
    quantity, entry, times, m, c, extra = floats(quantity, entry_price, leverage, rate, amount, extra_margin)
    value = quantity * entry
    buffer = value / times - (value * m - c) + extra
    price = np.divide(buffer, quantity, out=np.full(value.shape, np.nan), where=quantity > 0)
    return plain(np.maximum(entry - sign * price, 0.0))


def inverse_liquidation_price(
    side: npt.ArrayLike | str,
    quote_notional: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    leverage: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
    extra_margin: npt.ArrayLike = 0.0,
    taker_fee: npt.ArrayLike = TAKER_FEE,
    when: pd.Timestamp | None = None,
) -> FloatArray:
    """Liquidation price of an isolated inverse position, by the formula in force at ``when``.

    With ``PV = N/E``: before 2026-05-27 ``N/(PV + s*(PV/L + extra - MM))``, ``MM = PV*m - amount``; since then
    ``N*(1 + s*m)/(PV + s*(PV/L + extra/(1 + s*f) + amount))``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quote_notional : float or array
        ``N`` [quote]: Bybit's inverse contracts are worth 1 USD each.
    entry_price, leverage, rate : float or array
    amount, extra_margin : float or array
        Maintenance margin deduction and margin added by hand [COIN].
    taker_fee : float or array
        ``f`` [fraction]; the newer formula alone uses it.
    when : Timestamp, optional
        Time the position is judged at (time zone aware); without it the newest formula holds.

    Returns
    -------
    float or array
        Price [quote].
    """
    sign = signs(side, caller="bybit.inverse_liquidation_price")
    worth, entry, times, m, c, extra, fee = floats(
        quote_notional, entry_price, leverage, rate, amount, extra_margin, taker_fee
    )
    value = worth / entry
    if when is not None and when < INVERSE_FORMULA_CHANGED:
        return plain(_ratio(worth, value + sign * (value / times + extra - (value * m - c))))
    return plain(_ratio(worth * (1 + sign * m), value + sign * (value / times + extra / (1 + sign * fee) + c)))


def classic_inverse_cross_prices(
    side: npt.ArrayLike | str,
    quote_notional: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    available_balance: npt.ArrayLike,
    rate: npt.ArrayLike,
    taker_fee: npt.ArrayLike = 0.00075,
) -> tuple[FloatArray, FloatArray]:
    """Bankruptcy and liquidation price of the classic account's inverse cross position.

    ``BP = N*(s + f)/(B + s*N/E)`` and ``B + s*N*(1/E - 1/LP) = m*N/E + f*N/BP``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quote_notional : float or array
        ``N`` [quote].
    entry_price : float or array
        ``E`` [quote].
    available_balance : float or array
        ``B`` [coin]: account balance less the margin of open orders.
    rate, taker_fee : float or array
        ``m`` and ``f`` [fraction].

    Returns
    -------
    (bankruptcy_price, liquidation_price) : pair of float or array
        Prices [quote], before Bybit rounds them to its tick.
    """
    sign = signs(side, caller="bybit.classic_inverse_cross_prices")
    worth, entry, balance, m, fee = floats(quote_notional, entry_price, available_balance, rate, taker_fee)
    value = worth / entry
    bankruptcy = _ratio(worth * (1 + sign * fee), value + sign * balance)
    closing_fee = worth * fee / bankruptcy
    liquidation = _ratio(worth, value + sign * (balance - value * m - closing_fee))
    return plain(bankruptcy), plain(liquidation)


def _ratio(worth: FloatArray, coin: FloatArray) -> FloatArray:
    """Divide; a coin value that is not positive means that no price is high enough."""
    top, bottom = floats(worth, coin)
    price = np.divide(top, bottom, out=np.full(top.shape, np.inf), where=bottom > 0)
    return np.where(np.isnan(top + bottom), np.nan, price)
