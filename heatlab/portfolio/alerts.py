"""What needs the trader's eye now: positions near liquidation, red heat, a rule that fires, stale data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import MarginMode, Side

COLUMNS = ("level", "what", "symbol", "venue", "detail")
Row = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Distances from mark to liquidation price [fraction of mark] at which a position is amber and red.

    Defaults are ours: 5 % is inside an ordinary day of a large coin, 10 % inside an ordinary week.
    """

    amber_distance: float = 0.10
    red_distance: float = 0.05

    def __post_init__(self) -> None:
        """Refuse distances that are not fractions."""
        check_range("amber_distance", self.amber_distance, 0, 1, caller="AlertSettings")
        check_range("red_distance", self.red_distance, 0, self.amber_distance, caller="AlertSettings")


def liquidation_distance(positions: pd.DataFrame) -> pd.Series:
    """Move of the mark price that liquidates each position [fraction of mark, positive while alive].

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.

    Returns
    -------
    Series
        Same index; NaN where the liquidation price is unknown, inf for a short that no price can liquidate.
    """
    side = positions["side"].to_numpy(dtype="float64")
    mark = positions["mark_price"].to_numpy(dtype="float64")
    liquidation = positions["liquidation_price"].to_numpy(dtype="float64")
    return pd.Series(side * (mark - liquidation) / mark, index=positions.index, name="liquidation_distance")


def liquidation_alerts(positions: pd.DataFrame, *, settings: AlertSettings | None = None) -> pd.DataFrame:
    """List the positions whose liquidation price is near or unknown.

    Returns
    -------
    DataFrame
        Columns level ("red", "amber", "note"), what, symbol, venue, detail; most urgent first.
    """
    limits = settings or AlertSettings()
    distance = liquidation_distance(positions)
    rows: list[Row] = []
    for position, away in zip(positions.to_dict("records"), distance, strict=True):
        level = _level(float(away), limits)
        if level:
            rows.append((level, "liquidation", str(position["symbol"]), str(position["venue"]), _words(position, away)))
    return _table(rows)


def heat_alerts(table: pd.DataFrame) -> pd.DataFrame:
    """List the positions that are red on most of their timeframes.

    Parameters
    ----------
    table : DataFrame
        Rows of :func:`heatlab.heat.heat_table`.
    """
    rows: list[Row] = []
    known = table[table["zone"].notna()]
    for key, group in known.groupby(["symbol", "venue", "side"], sort=False):
        symbol, venue, side = map(str, key)
        red = int((group["zone"] < 0).sum())
        if red * 2 > len(group):
            frames = ", ".join(group.loc[group["zone"] < 0, "timeframe"])
            level = "red" if red == len(group) else "amber"
            word = Side.parse(side).label
            rows.append((level, "heat", symbol, venue, f"the {word} is against the trend on {frames}"))
    return _table(rows)


def _level(away: float, limits: AlertSettings) -> str:
    if np.isnan(away):
        return "note"
    if away <= limits.red_distance:
        return "red"
    return "amber" if away <= limits.amber_distance else ""


def _words(position: Mapping[Any, Any], away: float) -> str:
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


def _table(rows: list[Row]) -> pd.DataFrame:
    ranked = sorted(rows, key=_urgency)
    return pd.DataFrame(ranked, columns=list(COLUMNS))


def _urgency(row: Row) -> int:
    return ("red", "amber", "note").index(row[0])
