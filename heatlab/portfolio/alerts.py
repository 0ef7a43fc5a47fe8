"""What needs the trader's eye now: positions near liquidation, red heat, a rule that fires, stale data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_positive, check_range
from heatlab.domain import MarginMode, Side
from heatlab.portfolio.merge import NEAREST

COLUMNS = ("level", "what", "symbol", "venue", "detail")
Row = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """When something is worth an alert.

    Parameters
    ----------
    amber_distance, red_distance : float
        Distances from mark to liquidation price [fraction of mark] at which a position is amber and red where the
        volatility of its price is unknown. Defaults are ours: 5 % is inside an ordinary day of a large coin, 10 %
        inside an ordinary week.
    amber_probability, red_probability : float
        Chance of meeting the liquidation price within ``hours`` at which it is amber and red where the volatility is
        known (:func:`heatlab.portfolio.touch.touch_probability`).
    hours : float
        Horizon of that chance.
    cluster_watch, cluster_alert : float
        Share of value or risk in one cluster that is amber and red [fraction].
    correlation_limit : float
        Correlation of two positions that is worth a line.
    near_heat : float
        Points of heat a reading may recover before its alert is given up.
    """

    amber_distance: float = 0.10
    red_distance: float = 0.05
    amber_probability: float = 0.05
    red_probability: float = 0.20
    hours: float = 24.0
    cluster_watch: float = 0.20
    cluster_alert: float = 0.25
    correlation_limit: float = 0.7
    near_heat: float = 3.0

    def __post_init__(self) -> None:
        """Refuse distances, chances and shares that are no fractions, and reds that are milder than ambers."""
        check_range("amber_distance", self.amber_distance, 0, 1, caller="AlertSettings")
        check_range("red_distance", self.red_distance, 0, self.amber_distance, caller="AlertSettings")
        check_range("red_probability", self.red_probability, 0, 1, caller="AlertSettings", closed="neither")
        check_range(
            "amber_probability", self.amber_probability, 0, self.red_probability, caller="AlertSettings", closed="right"
        )
        check_positive("hours", self.hours, caller="AlertSettings")
        check_range("cluster_alert", self.cluster_alert, 0, 1, caller="AlertSettings", closed="right")
        check_range("cluster_watch", self.cluster_watch, 0, self.cluster_alert, caller="AlertSettings", closed="right")
        check_range("correlation_limit", self.correlation_limit, 0, 1, caller="AlertSettings", closed="right")
        check_range("near_heat", self.near_heat, 0, 100, caller="AlertSettings")


SENSITIVITIES: dict[str, AlertSettings] = {
    "conservative": AlertSettings(
        amber_distance=0.15, red_distance=0.08, amber_probability=0.02, red_probability=0.10,
        cluster_watch=0.15, cluster_alert=0.20, correlation_limit=0.6,
    ),
    "balanced": AlertSettings(),
    "aggressive": AlertSettings(
        amber_distance=0.07, red_distance=0.03, amber_probability=0.10, red_probability=0.40,
        cluster_watch=0.25, cluster_alert=0.35, correlation_limit=0.8,
    ),
}  # fmt: skip
"""From warning early to warning late. Conservative traders are told first, aggressive ones when it is pressing."""


def sensitivity_words(settings: AlertSettings) -> str:
    """Say in one sentence what settings alert on."""
    return (
        f"Liquidation: amber from a {settings.amber_probability:.0%} chance of being met within {settings.hours:g} h, "
        f"red from {settings.red_probability:.0%} (where volatility is unknown: within {settings.amber_distance:.0%} "
        f"and {settings.red_distance:.0%} of the mark). Clusters: amber from {settings.cluster_watch:.0%}, red from "
        f"{settings.cluster_alert:.0%} of value or risk. Pairs: from a correlation of {settings.correlation_limit:g}."
    )


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
    nearest = _nearest_price(positions)
    for position, away, price in zip(positions.to_dict("records"), distance, nearest, strict=True):
        level = _level(float(away), limits)
        if level:
            position["liquidation_price"] = price
            rows.append(
                (
                    level,
                    "liquidation",
                    str(position["symbol"]),
                    str(position["venue"]),
                    liquidation_words(position, away),
                )
            )
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


def _table(rows: list[Row]) -> pd.DataFrame:
    ranked = sorted(rows, key=_urgency)
    return pd.DataFrame(ranked, columns=list(COLUMNS))


def _urgency(row: Row) -> int:
    return ("red", "amber", "note").index(row[0])
