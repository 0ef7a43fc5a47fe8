"""Positions ranked by heat, with what a trader asks next of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab.heat.zones import zone_label
from heatlab.portfolio.alerts.distance import liquidation_chance, liquidation_distance
from heatlab.portfolio.merge import position_pnl, position_value, quantity_at_entry
from heatlab.portfolio.view import RiskView

IDENTITY = ["symbol", "venue", "side"]
RANKED_COLUMNS = [
    "rank",
    *IDENTITY,
    "heat",
    "zone",
    "alignment",
    "heat_change",
    "value",
    "size_share",
    "weight_drift",
    "pnl",
    "risk_share",
    "cluster",
    "is_hedge",
    "entry_price",
    "mark_price",
    "liquidation_price",
    "liquidation_distance",
    "liquidation_chance",
]


def ranked_positions(view: RiskView, *, earlier: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rank positions by heat, weakest first, unknown last.

    Parameters
    ----------
    view : RiskView
    earlier : DataFrame, optional
        ``overall`` of the book's heat a day before, for ``heat_change``.

    Returns
    -------
    DataFrame
        One row per position: rank; symbol, venue, side; heat [0-100]; zone ("green", "amber", "red", "unknown");
        alignment: ``side * forecast`` in [-20, 20], positive where the trend agrees; heat_change: heat now less heat a
        day before; value [quote]; size_share [fraction of gross value]; weight_drift: size_share less the share at
        entry prices, so that a winner that has outgrown its plan is above zero; pnl [quote]; risk_share [fraction,
        negative = hedge]; cluster; is_hedge; entry, mark and liquidation price [quote]; liquidation_distance [fraction
        of mark]; liquidation_chance: of being liquidated within 24 h, alone or with its cross
        account. NaN where unknown.
    """
    held = view.positions
    if held.empty:
        return pd.DataFrame(columns=RANKED_COLUMNS)
    joined = held[IDENTITY].merge(view.heat.overall, on=IDENTITY, how="left")
    value = position_value(held)
    at_entry = quantity_at_entry(held) * held["entry_price"]
    table = held[[*IDENTITY, "entry_price", "mark_price", "liquidation_price"]].assign(
        heat=joined["heat"].to_numpy(dtype="float64"),
        zone=[zone_label(zone) for zone in joined["zone"].to_numpy(dtype="float64")],
        alignment=held["side"] * joined["forecast"].to_numpy(dtype="float64"),
        heat_change=_heat_change(joined, earlier),
        value=value,
        size_share=_share(value),
        weight_drift=_share(value) - _share(at_entry),
        pnl=position_pnl(held),
        risk_share=view.concentration["risk_share"].to_numpy(dtype="float64"),
        cluster=view.concentration["cluster"].to_numpy(),
        is_hedge=view.concentration["is_hedge"].to_numpy(),
        liquidation_distance=liquidation_distance(held),
        liquidation_chance=liquidation_chance(view),
    )
    ranked = table.sort_values("heat", kind="stable", na_position="last", ignore_index=True)
    return ranked.assign(rank=np.arange(1, len(ranked) + 1))[RANKED_COLUMNS]


def _share(value: pd.Series) -> pd.Series:
    """Fraction of the whole; NaN throughout while any part is unknown."""
    return (value / value.sum(skipna=False)).astype("float64")


def _heat_change(joined: pd.DataFrame, earlier: pd.DataFrame | None) -> np.ndarray:
    if earlier is None or earlier.empty:
        return np.full(len(joined), np.nan)
    before = joined[IDENTITY].merge(earlier[[*IDENTITY, "heat"]].drop_duplicates(IDENTITY), on=IDENTITY, how="left")
    return np.asarray(joined["heat"].to_numpy(dtype="float64") - before["heat"].to_numpy(dtype="float64"))
