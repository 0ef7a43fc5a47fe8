"""Hyperliquid: liquidation price from the coin's maximum leverage.

Source: Hyperliquid docs, "Liquidations": ``price - side * margin_available / quantity / (1 - l * side)`` with
``l = 1 / maintenance_leverage`` and a maintenance leverage of twice the maximum leverage.
"""

from __future__ import annotations

import numpy.typing as npt
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.margin._arrays import FloatArray, floats, plain, signs
from heatlab.margin.solve import bracket_liquidation_notional, linear_price, liquidation_notional


def maintenance_margin_rate(max_leverage: npt.ArrayLike) -> FloatArray:
    """Half of the initial margin at maximum leverage: ``1 / (2 * max_leverage)`` [fraction]."""
    (leverage,) = floats(max_leverage)
    return plain(1 / (2 * leverage))


def liquidation_price(
    side: npt.ArrayLike | str,
    quantity: npt.ArrayLike,
    *,
    entry_price: npt.ArrayLike,
    margin: npt.ArrayLike,
    max_leverage: npt.ArrayLike | None = None,
    brackets: pd.DataFrame | None = None,
) -> FloatArray:
    """Liquidation price: ``E - s*(M - E*Q*l)/Q/(1 - l*s)``.

    Parameters
    ----------
    side : "long"/"short" or +1/-1, or an array of them
    quantity : float or array
        ``Q`` [base].
    entry_price : float or array
        ``E`` [quote].
    margin : float or array
        ``M`` [quote]: isolated margin; for a cross position the account's value less this position's profit and the
        maintenance margin of the others.
    max_leverage : float or array, optional
        The coin's maximum leverage, for a coin without margin tiers.
    brackets : DataFrame, optional
        Canonical brackets of a coin with margin tiers; the tier is the one at the liquidation price.

    Returns
    -------
    float or array
        Price [quote]; 0.0 where a long cannot be liquidated, NaN where an input is unknown.

    Raises
    ------
    ParameterError
        Neither or both of ``max_leverage`` and ``brackets`` are given.
    """
    if (max_leverage is None) == (brackets is None):
        got = "neither" if brackets is None else "both"
        raise parameter_error("max_leverage", "hyperliquid.liquidation_price", "given, or 'brackets' instead", got)
    direction = signs(side, caller="hyperliquid.liquidation_price")
    quantity, entry = floats(quantity, entry_price)
    if brackets is not None:
        notional = bracket_liquidation_notional(direction, quantity * entry, margin=margin, brackets=brackets)
    else:
        rate = maintenance_margin_rate(max_leverage)  # type: ignore[arg-type]
        notional = liquidation_notional(direction, quantity * entry, margin=margin, rate=rate)
    return plain(linear_price(notional, quantity))
