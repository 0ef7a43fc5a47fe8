"""A liquidation map as tables: its last column by side and leverage, and the whole of it, price by time."""

from __future__ import annotations

from typing import Any

import pandas as pd

from heatlab.liquidation.density import LiquidationMap


def profile_table(made: LiquidationMap) -> pd.DataFrame:
    """Last column of a map.

    Returns
    -------
    DataFrame of shape (n_bins, 2 + 2 x n_tiers)
        ``price_low``, ``price_high`` [quote] and, per side and tier, ``long_10x`` ... [quote], each bin at its own
        price.
    """
    columns: dict[str, Any] = {"price_low": made.price_edges[:-1], "price_high": made.price_edges[1:]}
    for side, table in (("long", made.long_by_tier), ("short", made.short_by_tier)):
        for tier, quantity in zip(made.tiers, table, strict=True):
            columns[f"{side}_{tier:g}x"] = quantity * made.prices
    return pd.DataFrame(columns)


def heatmap_table(made: LiquidationMap) -> pd.DataFrame:
    """Whole map, price by time, as it is drawn.

    Returns
    -------
    DataFrame of shape (n_bins, 2 + n_columns)
        ``price_low``, ``price_high`` [quote], then one column per open time (ISO 8601, UTC): long and short together
        [quote], weighted by recency.
    """
    prices = pd.DataFrame({"price_low": made.price_edges[:-1], "price_high": made.price_edges[1:]})
    stamps = [f"{stamp:%Y-%m-%dT%H:%M}Z" for stamp in made.times]
    return pd.concat([prices, pd.DataFrame(made.notional(), columns=stamps)], axis=1)
