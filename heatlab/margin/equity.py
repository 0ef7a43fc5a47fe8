"""What a position is worth to its owner: equity, the price that leaves none, and what funding takes from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatlab._checks import parameter_error
from heatlab.domain import Contract
from heatlab.margin._arrays import FloatArray, floats, plain, signs


def bankruptcy_price(
    side: npt.ArrayLike | str,
    entry_price: npt.ArrayLike,
    *,
    leverage: npt.ArrayLike,
    contract: Contract = Contract.LINEAR,
) -> FloatArray:
    """Price at which an isolated position's equity is zero.

    Linear: ``E*(1 - s/L)``. Inverse: ``E*L/(L + s)``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    entry_price : float or array
        ``E`` [quote].
    leverage : float or array
        ``L``, positive.
    contract : Contract
        LINEAR or INVERSE.

    Returns
    -------
    float or array
        Price [quote]; ``inf`` for an inverse short of leverage 1 or less, which no price ruins.
    """
    if contract is Contract.SPOT:
        raise parameter_error("contract", "bankruptcy_price", "linear or inverse", contract.value)
    sign = signs(side, caller="bankruptcy_price")
    entry, times, sign = floats(entry_price, leverage, sign)
    if contract is Contract.LINEAR:
        return plain(np.maximum(entry * (1 - sign / times), 0.0))
    ruin = times + sign
    price = np.divide(entry * times, ruin, out=np.full(ruin.shape, np.inf), where=ruin > 0)
    return plain(np.where(np.isnan(entry * ruin), np.nan, price))


def linear_equity(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    price: npt.ArrayLike,
    margin: npt.ArrayLike,
) -> FloatArray:
    """Margin plus unrealised profit of a linear position [quote]: ``M + s*Q*(P - E)``."""
    sign = signs(side, caller="linear_equity")
    quantity, entry, at, own = floats(quantity, entry_price, price, margin)
    return plain(own + sign * quantity * (at - entry))


def inverse_equity(
    side: npt.ArrayLike | str,
    quote_notional: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    price: npt.ArrayLike,
    margin: npt.ArrayLike,
) -> FloatArray:
    """Margin plus unrealised profit of an inverse position [coin]: ``M + s*N*(1/E - 1/P)``."""
    sign = signs(side, caller="inverse_equity")
    worth, entry, at, own = floats(quote_notional, entry_price, price, margin)
    return plain(own + sign * worth * (1 / entry - 1 / at))


def margin_after_funding(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    margin: npt.ArrayLike,
    funding_rate: npt.ArrayLike,
    mark_price: npt.ArrayLike,
    free_balance: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Margin left after each funding settlement: ``M_t = M_0 - s * sum(rate_i * Q * mark_i)``.

    Longs pay a positive rate, shorts receive it. What funding costs comes from ``free_balance`` first (Bybit) and
    then from the margin; what it earns goes to the free balance where there is one to begin with, else to the margin.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array that broadcasts with the leading shape
    quantity : float
        ``Q`` [base].
    margin : float
        ``M_0`` [quote].
    funding_rate, mark_price : array of shape (..., n_settlements)
        Rate [fraction per interval] and mark price [quote] of each settlement, oldest first; they broadcast.
    free_balance : float
        Balance outside the position that pays first [quote]. 0: the margin pays and earns everything.

    Returns
    -------
    array of shape (..., n_settlements)
        Margin after each settlement [quote], never below 0.
    """
    sign = signs(side, caller="margin_after_funding")
    rates, marks = floats(np.atleast_1d(funding_rate), np.atleast_1d(mark_price))
    quantity, own, free, sign = (column[..., np.newaxis] for column in floats(quantity, margin, free_balance, sign))
    spent = np.cumsum(sign * quantity * rates * marks, axis=-1)
    overdraft = np.maximum(np.maximum.accumulate(spent, axis=-1) - free, 0.0)
    left = np.where(free > 0, own - overdraft, own - spent)
    return np.maximum(left, 0.0)
