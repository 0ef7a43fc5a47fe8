"""OKX and Gate: liquidation price of isolated linear positions, closing fee included.

Source: the venues' help pages, ``(E - s*M/Q) / (1 - s*(m + f))``. Their tiers go by the size of the position, so the
bracket is the one holding the notional at entry. A price is NaN where an input is unknown, 0.0 where a long cannot
be liquidated at all.
"""

from __future__ import annotations

import numpy.typing as npt

from heatlab.margin._arrays import FloatArray, floats, plain, signs
from heatlab.margin.solve import inverse_price, linear_price, liquidation_notional

TAKER_FEE = 0.0005


def linear_liquidation_price(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    margin: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
    taker_fee: npt.ArrayLike = TAKER_FEE,
) -> FloatArray:
    """Liquidation price of an isolated linear position: ``(E - s*(M + c)/Q) / (1 - s*(m + f))``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quantity : float or array
        ``Q`` [base].
    entry_price : float or array
        ``E`` [quote].
    margin : float or array
        ``M`` [quote].
    rate, amount, taker_fee : float or array
        ``m`` [fraction], ``c`` [quote] (0 on OKX), ``f`` [fraction].

    Returns
    -------
    float or array
        Price [quote].
    """
    direction = signs(side, caller="okx.linear_liquidation_price")
    quantity, entry = floats(quantity, entry_price)
    notional = liquidation_notional(
        direction, quantity * entry, margin=margin, rate=rate, amount=amount, taker_fee=taker_fee
    )
    return plain(linear_price(notional, quantity))


def inverse_liquidation_price(
    side: npt.ArrayLike | str,
    quote_notional: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    margin: npt.ArrayLike,
    rate: npt.ArrayLike,
    amount: npt.ArrayLike = 0.0,
    taker_fee: npt.ArrayLike = TAKER_FEE,
) -> FloatArray:
    """Liquidation price of an isolated inverse position: ``N*(m + f + s) / (M + c + s*N/E)``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quote_notional : float or array
        ``N`` [quote].
    entry_price : float or array
        ``E`` [quote].
    margin, amount : float or array
        ``M`` and ``c`` [COIN].
    rate, taker_fee : float or array
        ``m`` and ``f`` [fraction].

    Returns
    -------
    float or array
        Price [quote]; ``inf`` where a short cannot be liquidated at all.
    """
    direction = -signs(side, caller="okx.inverse_liquidation_price")
    worth, entry = floats(quote_notional, entry_price)
    notional = liquidation_notional(
        direction, worth / entry, margin=margin, rate=rate, amount=amount, taker_fee=taker_fee
    )
    return plain(inverse_price(notional, worth))
