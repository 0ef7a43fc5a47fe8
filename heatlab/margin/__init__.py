"""Exact maintenance margin, liquidation and bankruptcy prices per venue and contract; lending health factors.

The dispatching functions are here; each venue's own formulas are in its module (:mod:`binance`, :mod:`bybit`,
:mod:`okx` for OKX and Gate, :mod:`hyperliquid`, :mod:`aave`).

One convention throughout: a price is NaN where it cannot be computed (never "safe"), 0.0 where no fall liquidates a
long, ``inf`` where no rise liquidates a short. Scalars in, scalar out; arrays broadcast.
"""

from __future__ import annotations

from heatlab.margin import aave, binance, brackets, bybit, hyperliquid, okx
from heatlab.margin.brackets import (
    bracket_table,
    default_brackets,
    from_ccxt,
    maintenance_amounts,
    maintenance_margin,
    maximum_leverage,
)
from heatlab.margin.deleveraging import DeleveragingRank, deleveraging_rank
from heatlab.margin.equity import bankruptcy_price, inverse_equity, linear_equity, margin_after_funding
from heatlab.margin.streams import liquidated_side
from heatlab.margin.venues import (
    contract_of,
    has_formula,
    is_spot,
    liquidation_price,
    liquidation_ratio,
    position_liquidation_price,
)

__all__ = [
    "DeleveragingRank",
    "aave",
    "bankruptcy_price",
    "binance",
    "bracket_table",
    "brackets",
    "bybit",
    "contract_of",
    "default_brackets",
    "deleveraging_rank",
    "from_ccxt",
    "has_formula",
    "hyperliquid",
    "inverse_equity",
    "is_spot",
    "linear_equity",
    "liquidated_side",
    "liquidation_price",
    "liquidation_ratio",
    "maintenance_amounts",
    "maintenance_margin",
    "margin_after_funding",
    "maximum_leverage",
    "okx",
    "position_liquidation_price",
]
