"""Binance futures: liquidation price of USD-margined (linear) and coin-margined (inverse) positions.

Source: Binance FAQ "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts" (b3c689c1f50a44cabb3a84e663b81d93)
and of COIN-M contracts (ceccfcfb4e3a45e3b48b0b1bb1a8ae46).

A price is NaN where an input is unknown, 0.0 where a long and ``inf`` where a short cannot be liquidated at all.
"""

from __future__ import annotations

import numpy.typing as npt
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.margin._arrays import FloatArray, floats, plain, signs
from heatlab.margin.solve import bracket_liquidation_notional, inverse_price, linear_price, liquidation_notional


def linear_liquidation_price(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    wallet_balance: npt.ArrayLike,
    brackets: pd.DataFrame | None = None,
    rate: npt.ArrayLike | None = None,
    amount: npt.ArrayLike = 0.0,
    other_maintenance_margin: npt.ArrayLike = 0.0,
    other_unrealized_pnl: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Liquidation price of a USD-margined position.

    ``(WB - TMM + UPNL + c - s*Q*E) / (Q*(m - s))``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quantity : float or array
        ``Q`` [base], positive.
    entry_price : float or array
        ``E`` [quote].
    wallet_balance : float or array
        ``WB`` [quote]: the position's own margin if isolated, the wallet balance if cross.
    brackets : DataFrame, optional
        Canonical brackets [quote]; the bracket is the one holding the notional AT the liquidation price.
    rate, amount : float or array, optional
        ``m`` and ``c`` of one known bracket, in place of ``brackets``.
    other_maintenance_margin, other_unrealized_pnl : float or array
        ``TMM`` and ``UPNL`` of the account's OTHER cross positions at their mark prices [quote].

    Returns
    -------
    float or array
        Price [quote].

    Raises
    ------
    ParameterError
        Neither or both of ``brackets`` and ``rate`` are given.
    """
    caller = "binance.linear_liquidation_price"
    direction = signs(side, caller=caller)
    quantity, entry, wallet, other, profit = floats(
        quantity, entry_price, wallet_balance, other_maintenance_margin, other_unrealized_pnl
    )
    notional = _solve(direction, quantity * entry, wallet - other + profit, brackets, rate, amount, caller)
    return plain(linear_price(notional, quantity))


def inverse_liquidation_price(
    side: npt.ArrayLike | str,
    contracts: npt.ArrayLike,
    *,
    contract_size: npt.ArrayLike,
    entry_price: npt.ArrayLike,
    wallet_balance: npt.ArrayLike,
    brackets: pd.DataFrame | None = None,
    rate: npt.ArrayLike | None = None,
    amount: npt.ArrayLike = 0.0,
    other_maintenance_margin: npt.ArrayLike = 0.0,
    other_unrealized_pnl: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Liquidation price of a coin-margined position.

    ``N*(m + s) / ((WB - TMM + UPNL + c) + s*N/E)`` with ``N = contracts * contract_size``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    contracts : float or array
        Number of contracts, positive.
    contract_size : float or array
        Worth of one contract [quote], such as 100 USD.
    entry_price : float or array
        ``E`` [quote].
    wallet_balance, other_maintenance_margin, other_unrealized_pnl : float or array
        As for :func:`linear_liquidation_price`, in COIN.
    brackets, rate, amount
        As for :func:`linear_liquidation_price`, notionals and amounts in COIN.

    Returns
    -------
    float or array
        Price [quote].

    Raises
    ------
    ParameterError
        Neither or both of ``brackets`` and ``rate`` are given.
    """
    caller = "binance.inverse_liquidation_price"
    direction = -signs(side, caller=caller)
    count, unit, entry, wallet, other, profit = floats(
        contracts, contract_size, entry_price, wallet_balance, other_maintenance_margin, other_unrealized_pnl
    )
    worth = count * unit
    notional = _solve(direction, worth / entry, wallet - other + profit, brackets, rate, amount, caller)
    return plain(inverse_price(notional, worth))


def inverse_maintenance_margin(
    contracts: npt.ArrayLike,
    contract_size: npt.ArrayLike,
    *,
    mark_price: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Maintenance margin of a coin-margined position [coin]: ``contracts * contract_size / mark * m - c``."""
    count, unit, mark, m, c = floats(contracts, contract_size, mark_price, rate, amount)
    return plain(count * unit / mark * m - c)


def _solve(
    direction: FloatArray,
    entry_notional: FloatArray,
    margin: FloatArray,
    brackets: pd.DataFrame | None,
    rate: npt.ArrayLike | None,
    amount: npt.ArrayLike,
    caller: str,
) -> FloatArray:
    if brackets is not None and rate is None:
        return bracket_liquidation_notional(direction, entry_notional, margin=margin, brackets=brackets)
    if brackets is None and rate is not None:
        return liquidation_notional(direction, entry_notional, margin=margin, rate=rate, amount=amount)
    got = "neither" if rate is None else "both"
    raise parameter_error("brackets", caller, "given, or 'rate' in its place", got)
