"""How far each position is from its liquidation price: as a fraction, as a chance within hours, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import MarginMode, Side
from heatlab.portfolio.alerts.touch import HOURS_A_DAY, touch_probability
from heatlab.portfolio.merge import NEAREST
from heatlab.portfolio.view import RiskView


def liquidation_distance(positions: pd.DataFrame) -> pd.Series:
    """Move of the mark price that liquidates each position [fraction of mark, positive while alive].

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.

    Returns
    -------
    Series
        Same index; NaN where the liquidation price is unknown, inf for a short that no price can liquidate. A merged
        leg of several accounts counts by the account that is liquidated first (``nearest_liquidation_price``).
    """
    side = positions["side"].to_numpy(dtype="float64")
    mark = positions["mark_price"].to_numpy(dtype="float64")
    liquidation = _nearest_price(positions).to_numpy(dtype="float64")
    return pd.Series(side * (mark - liquidation) / mark, index=positions.index, name="liquidation_distance")


def _nearest_price(positions: pd.DataFrame) -> pd.Series:
    price = positions["liquidation_price"]
    return price.fillna(positions[NEAREST]) if NEAREST in positions.columns else price


def daily_volatility(view: RiskView) -> np.ndarray:
    """Volatility of each position's price [fraction per day], of the last 30 days; NaN where unknown."""
    deviation = view.correlation.deviation.reindex(view.positions["symbol"]).to_numpy(dtype="float64")
    return np.asarray(deviation * np.sqrt(HOURS_A_DAY))


def liquidation_chance(view: RiskView, *, hours: float = 24.0) -> np.ndarray:
    """Chance that each position's liquidation price is met within ``hours``; 1 beyond it, NaN where unknown.

    The volatility is that of the last 30 days; see :func:`heatlab.portfolio.alerts.touch.touch_probability` for what is
    assumed.
    """
    away = liquidation_distance(view.positions).to_numpy(dtype="float64")
    side = view.positions["side"].to_numpy(dtype="float64")
    ratio = np.maximum(1.0 - side * away, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = touch_probability(np.log(ratio), daily_volatility(view), hours=hours)
    safe = np.isposinf(away) | ((side > 0) & (away == 1.0))
    return np.where(safe, 0.0, np.where(away <= 0, 1.0, chance))


def liquidation_words(position: Mapping[Any, Any], away: float) -> str:
    """Say how far a position is from its liquidation price, or why that is unknown."""
    word = Side.parse(position["side"]).label
    if not np.isnan(away):
        price = f"its liquidation price {position['liquidation_price']:,.6g}"
        return f"the {word} is {away:.1%} from {price}" if away > 0 else f"the {word} is {-away:.1%} beyond {price}"
    if np.isnan(position["mark_price"]):
        return f"the {word} has no mark price, so its distance to liquidation is unknown"
    if position["margin_mode"] == MarginMode.CROSS:
        return f"the {word} has no computable liquidation price: it shares margin with the whole account"
    if np.isnan(position["leverage"]) and np.isnan(position["margin"]):
        return f"the {word} has no computable liquidation price: give its leverage or its margin"
    return f"the {word} has no computable liquidation price here: the app's notes on the data say why"
