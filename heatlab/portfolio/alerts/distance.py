"""How far each position is from its liquidation price: as a fraction, as a chance within hours, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Contract, MarginMode, Side
from heatlab.margin import contract_of
from heatlab.portfolio.alerts.touch import HOURS_A_DAY, touch_probability
from heatlab.portfolio.book import exposure
from heatlab.portfolio.merge import NEAREST, joined_accounts
from heatlab.portfolio.view import RiskView

ACCOUNT_COLUMNS = ["venue", "currency", "positions", "room", "volatility", "chance"]


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
    """Chance that each position is liquidated within ``hours``; NaN where unknown.

    The larger of :func:`price_chance` and, for a cross position, that of its account (:func:`account_chances`).
    """
    chance = price_chance(view, hours=hours)
    for one in account_chances(view, hours=hours).to_dict("records"):
        members = _members(view.positions, str(one["venue"]), str(one["currency"]))
        chance = np.where(members, np.fmax(chance, one["chance"]), chance)
    return chance


def account_chances(view: RiskView, *, hours: float = 24.0) -> pd.DataFrame:
    """Chance that each cross account runs out of margin within ``hours``, its positions moving as they do together.

    A liquidation price holds for one position while all others stand still. In a fall they do not: five longs of
    correlated coins are liquidated long before any of them alone would be. What the account can lose is read off the
    liquidation prices of its positions, ``quantity * |mark - price|``, the least of them; its volatility comes from the
    covariance in force. The chance is that of :func:`heatlab.portfolio.alerts.touch.touch_probability`.

    Returns
    -------
    DataFrame
        venue, currency, positions (how many), room: what it can lose [quote], volatility [quote per day], chance. Only
        accounts of two linear positions or more that are not joined from several; NaN where unknown.
    """
    held = view.positions
    perpetual = [":" in symbol and contract_of(symbol) is Contract.LINEAR for symbol in held["symbol"]]
    cross = (held["margin_mode"] == MarginMode.CROSS).to_numpy(dtype=bool) & ~joined_accounts(held)
    cross &= np.array(perpetual, dtype=bool)
    owners = dict.fromkeys(
        (str(venue), str(symbol).partition(":")[2]) for venue, symbol in held.loc[cross, ["venue", "symbol"]].to_numpy()
    )
    value, rows = exposure(held), []
    for venue, currency in owners:
        members = cross & _members(held, venue, currency)
        if members.sum() < 2:
            continue
        room, volatility = _room(held[members]), _account_volatility(view, members, value)
        chance = float(touch_probability(room, volatility, hours=hours)) if room > 0 else np.nan
        chance = 1.0 if room <= 0 else (0.0 if room > 0 and volatility == 0 else chance)
        rows.append((venue, currency, int(members.sum()), room, volatility, chance))
    return pd.DataFrame(rows, columns=ACCOUNT_COLUMNS)


def _members(positions: pd.DataFrame, venue: str, currency: str) -> np.ndarray:
    """Cross positions of one account."""
    settle = np.array([str(symbol).partition(":")[2] for symbol in positions["symbol"]], dtype=object)
    cross = (positions["margin_mode"] == MarginMode.CROSS).to_numpy(dtype=bool)
    return np.asarray(cross & (positions["venue"] == venue).to_numpy(dtype=bool) & (settle == currency), dtype=bool)


def _room(positions: pd.DataFrame) -> float:
    """Read what an account can lose off the liquidation prices of its positions [quote]; NaN where none says."""
    price = positions["liquidation_price"].to_numpy(dtype="float64")
    said = np.isfinite(price) & (price > 0)
    way = positions["side"] * (positions["mark_price"] - positions["liquidation_price"]) * positions["quantity"]
    known = way.to_numpy(dtype="float64")[said]
    known = known[np.isfinite(known)]
    return float(known.min()) if known.size else float("nan")


def _account_volatility(view: RiskView, members: np.ndarray, value: np.ndarray) -> float:
    """Volatility of the account's profit [quote per day]; NaN where one position's is unknown."""
    symbols = list(view.positions.loc[members, "symbol"])
    matrix = view.correlation.covariance.reindex(index=list(dict.fromkeys(symbols)))
    matrix = matrix.reindex(columns=matrix.index)
    net = pd.Series(value[members]).groupby(symbols, sort=False).sum(min_count=1).reindex(matrix.index).to_numpy()
    variance = float(net @ matrix.to_numpy(dtype="float64") @ net) if np.isfinite(value[members]).all() else np.nan
    return float(np.sqrt(max(variance, 0.0) * HOURS_A_DAY)) if np.isfinite(variance) else float("nan")


def price_chance(view: RiskView, *, hours: float = 24.0) -> np.ndarray:
    """Chance that each position's liquidation price is met within ``hours``; 1 beyond it, NaN where unknown.

    The price of a cross position holds while the account's others stand still. The volatility is that of the last 30
    days; see :func:`heatlab.portfolio.alerts.touch.touch_probability` for what is assumed.
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
