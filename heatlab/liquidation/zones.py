"""Price ranges that hold unusually much: contiguous bins above thresholds from the symbol's own history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_positive, check_range
from heatlab.domain import Side
from heatlab.errors import ParameterError
from heatlab.liquidation.density import History, LiquidationMap
from heatlab.liquidation.levels import Array

NOTHING = 1e-9
LEVELS = ("amber", "red")
COLUMNS = (
    "side",
    "price_low",
    "price_high",
    "price_peak",
    "notional",
    "distance",
    "age",
    "age_is_minimum",
    "persistence",
    "level",
)
WIDTH = 0.004
"""Log price over which density is taken: wider than most bins, so that their height does not matter."""
REACH = 0.3
MARGIN = 0.15
"""Log distance from the price of its time, and from the range of prices, within which a bin counts for thresholds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSettings:
    """When a price range counts as a zone.

    Attributes
    ----------
    amber, red : float
        Quantiles of the density (notional over log price) near the price of its time; a bin at or above is amber or
        red.
    history : str
        Span the quantiles are taken from, at most the map's :class:`~heatlab.liquidation.density.History` (90 days).
    hysteresis : float
        A bin leaves its level only below this fraction of the threshold.
    join : float
        Zones of a side nearer than this log distance are one.
    recent : str
        Span over which ``persistence`` is measured.
    """

    amber: float = 0.90
    red: float = 0.98
    history: str = "90D"
    hysteresis: float = 0.8
    join: float = 0.003
    recent: str = "24h"

    def __post_init__(self) -> None:
        """Check every value."""
        check_range("amber", self.amber, 0, 1, caller="ZoneSettings", closed="neither")
        check_range("red", self.red, 0, 1, caller="ZoneSettings", closed="neither")
        check_range("hysteresis", self.hysteresis, 0, 1, caller="ZoneSettings", closed="right")
        check_range("join", self.join, 0, 1, caller="ZoneSettings")
        if self.red < self.amber:
            raise ParameterError(
                f"The 'red' parameter of ZoneSettings must be at least 'amber' ({self.amber:g}). "
                f"Got {self.red:g} instead."
            )


def zone_thresholds(
    liquidation_map: LiquidationMap, *, sensitivity: float = 1.0, settings: ZoneSettings | None = None
) -> tuple[float, float]:
    """Density [quote per unit of log price] from which a bin is amber and red.

    Quantiles of the bins that hold anything within 30 % of the price of their time and 15 % of the range of prices,
    over all candles the map was made from: neither the range shown nor the height of a bin matters. Divided by
    ``sensitivity``: at 2 a bin needs half as much, at 0.5 twice. NaN where the history holds nothing.
    """
    check_positive("sensitivity", sensitivity, caller="zone_thresholds")
    settings = settings or ZoneSettings()
    past = _history(liquidation_map)
    recent = np.flatnonzero(past.known_at > past.known_at[-1] - pd.Timedelta(settings.history))
    logs, closes = np.log(_middles(past.price_edges)), np.log(past.closes[recent])
    near = np.abs(logs[:, None] - closes) <= REACH
    near &= ((logs >= closes.min() - MARGIN) & (logs <= closes.max() + MARGIN))[:, None]
    held = np.concatenate([_density(past.price_edges, table[:, recent])[near] for table in (past.long, past.short)])
    held = held[held > NOTHING * held.max(initial=0.0)]
    if not len(held):
        return float("nan"), float("nan")
    amber, red = np.quantile(held, [settings.amber, settings.red]) / sensitivity
    return float(amber), float(red)


def liquidation_zones(
    liquidation_map: LiquidationMap, *, sensitivity: float = 1.0, settings: ZoneSettings | None = None
) -> pd.DataFrame:
    """Find the zones standing in the last column of a map.

    Parameters
    ----------
    liquidation_map : LiquidationMap
    sensitivity : float
        Divides both thresholds: above 1 shows more zones, below 1 fewer. The map itself does not change.
    settings : ZoneSettings, optional

    Returns
    -------
    DataFrame
        One row per zone, largest notional first: ``side`` (+1 long, -1 short), ``price_low``, ``price_high``,
        ``price_peak`` [quote], ``notional`` (outstanding between its edges, not faded by recency [quote]),
        ``distance`` (peak over mark price, minus 1), ``age`` (how long its oldest bin has stood),
        ``age_is_minimum`` (it stood when the candles begin, or 90 days ago), ``persistence`` (share of the recent
        columns its peak bin stood in), ``level``. A zone is amber; it is red if any of its bins is.
    """
    settings = settings or ZoneSettings()
    thresholds = zone_thresholds(liquidation_map, sensitivity=sensitivity, settings=settings)
    rows: list[dict[str, object]] = []
    if np.isfinite(thresholds[0]):
        for side in (Side.LONG, Side.SHORT):
            rows += _side_zones(liquidation_map, side, thresholds, settings)
    zones = pd.DataFrame(rows, columns=list(COLUMNS))
    zones["age"] = pd.to_timedelta(zones["age"])
    zones["age_is_minimum"] = zones["age_is_minimum"].astype("bool")
    return zones.sort_values("notional", ascending=False, ignore_index=True)


def _side_zones(
    liquidation_map: LiquidationMap, side: Side, thresholds: tuple[float, float], settings: ZoneSettings
) -> list[dict[str, object]]:
    past, row = _history(liquidation_map), 0 if side == Side.LONG else 1
    step = _step(liquidation_map.price_edges)
    start = round(float(np.log(liquidation_map.price_edges[0] / past.price_edges[0])) / step)
    table = _density(past.price_edges, (past.long, past.short)[row])[start : start + len(liquidation_map.prices)]
    since = standing_since(table, thresholds[0], settings.hysteresis)
    red = standing_since(table, thresholds[1], settings.hysteresis) >= 0
    recent = liquidation_map.known_at > liquidation_map.known_at[-1] - pd.Timedelta(settings.recent)
    shown = _density(liquidation_map.price_edges, (liquidation_map.long, liquidation_map.short)[row][:, recent])
    outstanding = liquidation_map.outstanding()[row]
    rows: list[dict[str, object]] = []
    for low, high in _runs(since >= 0, round(settings.join / step)):
        peak = low + int(table[low:high, -1].argmax())
        started = int(since[low:high][since[low:high] >= 0].min())
        rows.append(
            {
                "side": int(side),
                "price_low": liquidation_map.price_edges[low],
                "price_high": liquidation_map.price_edges[high],
                "price_peak": liquidation_map.prices[peak],
                "notional": float(outstanding[low:high].sum()),
                "distance": liquidation_map.prices[peak] / liquidation_map.mark_price - 1,
                "age": past.known_at[-1] - past.known_at[started],
                "age_is_minimum": started == 0,
                "persistence": float((shown[peak] >= thresholds[0] * settings.hysteresis).mean()),
                "level": LEVELS[int(red[low:high].any())],
            }
        )
    return rows


def _history(liquidation_map: LiquidationMap) -> History:
    """History of a map; its own columns where it has none."""
    given = liquidation_map
    if given.history is not None:
        return given.history
    return History(
        known_at=given.known_at, price_edges=given.price_edges, long=given.long, short=given.short, closes=given.closes
    )


def _density(edges: Array, table: Array) -> Array:
    """Notional over log price [quote] around the middle of each bin, :data:`WIDTH` wide or one bin if that is more."""
    step = _step(edges)
    notional = np.cumsum(table * _middles(edges)[:, None], axis=0)
    below = np.vstack([np.zeros((1, table.shape[1])), notional])
    half = max(WIDTH / step, 1.0) / 2
    rows: Array = np.arange(len(table), dtype=np.float64) + 0.5
    upper, lower = _between(below, rows + half), _between(below, rows - half)
    return np.asarray((upper - lower) / (2 * half * step))


def _between(table: Array, rows: Array) -> Array:
    """Rows of a table at fractional row numbers."""
    inside = np.clip(rows, 0, len(table) - 1)
    first = np.minimum(inside.astype(int), len(table) - 2)
    share = (inside - first)[:, None]
    return np.asarray(table[first] * (1 - share) + table[first + 1] * share)


def _middles(edges: Array) -> Array:
    return np.asarray(np.sqrt(edges[1:] * edges[:-1]))


def _step(edges: Array) -> float:
    return float(np.log(edges[-1] / edges[0])) / (len(edges) - 1)


def standing_since(held: Array, threshold: float, hysteresis: float) -> NDArray[np.int64]:
    """Column since which each bin has stood at a level, -1 where it does not stand in the last column.

    A bin rises to the level at ``threshold`` and leaves it only below ``hysteresis * threshold``.

    Parameters
    ----------
    held : ndarray of shape (n_bins, n_columns)
    """
    count = held.shape[1]
    below = held < hysteresis * threshold
    left = np.where(below.any(axis=1), count - below[:, ::-1].argmax(axis=1), 0)
    reached = (held >= threshold) & (np.arange(count) >= left[:, None])
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


def _runs(flags: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of True; runs at most ``gap`` apart are one."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] - ends[:-1] > gap
    return (
        [
            (int(start), int(end))
            for start, end in zip(starts[np.r_[True, apart]], ends[np.r_[apart, True]], strict=True)
        ]
        if len(starts)
        else []
    )
