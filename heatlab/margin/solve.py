"""The one equation behind every perpetual's liquidation price: equity equals maintenance margin.

Let ``V`` be the position's value in the margin currency (quote for a linear contract, coin for an inverse one),
``V_0`` its value at entry, ``M`` the margin, ``m`` the maintenance margin rate, ``c`` the maintenance amount and ``f``
a closing fee. With ``d = +1`` for a position hurt by a falling value (a linear long, an inverse short) and ``-1`` for
one hurt by a rising value::

    M + d * (V - V_0) = V * (m + f) - c     =>     V = (V_0 - d * (M + c)) / (1 - d * (m + f))

A linear contract of quantity ``Q`` then has the price ``V / Q``, an inverse one of ``N`` quote the price ``N / V``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatlab.margin._arrays import FloatArray, floats
from heatlab.margin.brackets import BracketArrays, bracket_arrays


def liquidation_notional(
    direction: npt.ArrayLike,
    entry_notional: npt.ArrayLike,
    *,
    margin: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
    taker_fee: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Position value at which equity equals maintenance margin, for one known bracket.

    Parameters
    ----------
    direction : +1 or -1, or an array of them
        +1 where a falling value hurts, -1 where a rising value does.
    entry_notional, margin : float or array
        ``V_0`` and ``M`` in the margin currency.
    rate, amount, taker_fee : float or array
        ``m`` [fraction], ``c`` [margin currency], ``f`` [fraction].

    Returns
    -------
    array
        Never below 0: a value of 0 means no price liquidates the position.
    """
    sign, value, own, m, c, fee = floats(direction, entry_notional, margin, rate, amount, taker_fee)
    return np.maximum((value - sign * (own + c)) / (1 - sign * (m + fee)), 0.0)


def bracket_liquidation_notional(
    direction: npt.ArrayLike,
    entry_notional: npt.ArrayLike,
    *,
    margin: npt.ArrayLike,
    brackets: pd.DataFrame,
    taker_fee: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Position value at which equity first equals maintenance margin, the bracket being the one that holds it THERE.

    Every bracket is solved; the answer is the first value met on the way from entry to loss at which some bracket
    both applies and asks for at least the equity. This holds for tables whose margin jumps at a border too.

    Parameters and result are those of :func:`liquidation_notional`, with a bracket table in place of one bracket.
    """
    sign, value, own, fee = (column[..., np.newaxis] for column in floats(direction, entry_notional, margin, taker_fee))
    table = bracket_arrays(brackets)
    roots = (value - sign * (own + table.amount)) / (1 - sign * (table.rate + fee))
    result = np.where(sign[..., 0] > 0, _first_falling(roots, table), _first_rising(roots, table))
    unknown = np.isnan(value + own + fee)[..., 0]
    return np.where(unknown, np.nan, np.maximum(result, 0.0))


def _first_falling(roots: FloatArray, table: BracketArrays) -> FloatArray:
    inside = np.where(roots >= _open_floors(table), np.minimum(roots, _open_caps(table)), -np.inf)
    return np.asarray(inside.max(axis=-1))


def _first_rising(roots: FloatArray, table: BracketArrays) -> FloatArray:
    inside = np.where(roots < _open_caps(table), np.maximum(roots, _open_floors(table)), np.inf)
    return np.asarray(inside.min(axis=-1))


def _open_floors(table: BracketArrays) -> FloatArray:
    return np.append(0.0, table.floor[1:])


def _open_caps(table: BracketArrays) -> FloatArray:
    return np.append(table.cap[:-1], np.inf)


def linear_price(notional: FloatArray, quantity: npt.ArrayLike) -> FloatArray:
    """Price of a linear position with that value; NaN where the quantity is not positive."""
    value, quantity = floats(notional, quantity)
    return np.asarray(np.divide(value, quantity, out=np.full(value.shape, np.nan), where=quantity > 0))


def inverse_price(notional: FloatArray, quote_notional: npt.ArrayLike) -> FloatArray:
    """Price of an inverse position worth ``quote_notional`` with that coin value: inf where the coin value is 0."""
    value, worth = floats(notional, quote_notional)
    price = np.divide(worth, value, out=np.full(value.shape, np.inf), where=value != 0)
    return np.where((worth > 0) & ~np.isnan(value), price, np.nan)
