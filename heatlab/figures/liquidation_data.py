"""From a liquidation map to the arrays its figure draws. Plain functions: table in, columns out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import Side
from heatlab.figures import format as show

Floats = NDArray[np.float64]
Columns = dict[str, Any]
MAX_ROWS, MAX_COLUMNS = 600, 1000
TIER_EDGES = (0.0, 10.0, 25.0, 50.0, float("inf"))
TIER_NAMES = ("<10x", "10-24x", "25-49x", "50x+")


class MapLike(Protocol):
    """What the figures need of a liquidation map; see ``heatlab.liquidation.LiquidationMap``."""

    @property
    def times(self) -> pd.DatetimeIndex:
        """Open time of each column."""

    @property
    def price_edges(self) -> Floats:
        """Edges of the price bins [quote], evenly spaced in log price."""

    @property
    def long_by_tier(self) -> Floats:
        """Long quantity [base] at the last column, shape (n_tiers, n_bins)."""

    @property
    def short_by_tier(self) -> Floats:
        """Short quantity [base] at the last column, shape (n_tiers, n_bins)."""

    @property
    def tiers(self) -> Any:
        """Leverage of each tier."""

    @property
    def mark_price(self) -> float:
        """Mark price [quote]."""

    @property
    def symbol(self) -> str:
        """Unified symbol."""

    def notional(self) -> Floats:
        """Long plus short [quote] by bin and column."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the axes show first: prices [quote] and times [ms since 1970 UTC]; ``step`` is one image column [ms]."""

    price_low: float
    price_high: float
    start: float
    end: float
    step: float


@dataclass(frozen=True, slots=True)
class Raster:
    """Amounts [quote] on an even grid of log price and time, small enough to send: at most 600 x 1000."""

    amounts: Floats
    price_low: float
    price_high: float
    start: float
    step: float


def milliseconds(index: pd.DatetimeIndex) -> Floats:
    """Return times as float milliseconds since 1970 UTC, in an array of their own."""
    return index.as_unit("ms").asi8.astype("float64")


def raster(liquidation_map: MapLike, *, reach: float = 0.35) -> Raster:
    """Cut a map to the prices worth drawing and put it on an even time grid.

    Parameters
    ----------
    reach : float
        Prices farther from the mark than this fraction are left out, unless that leaves fewer than two bins.

    Notes
    -----
    Neighbouring bins are added up, never dropped, where there are more than 600 rows: each column keeps its total.
    A column with no snapshot of its own shows the latest before it.
    """
    edges = np.asarray(liquidation_map.price_edges, dtype="float64")
    amounts = np.asarray(liquidation_map.notional(), dtype="float64")
    first, last = _rows(edges, liquidation_map.mark_price, reach)
    count = last - first
    group = -(-count // MAX_ROWS)
    spare = -count % group
    stacked = np.pad(amounts[first:last], ((0, spare), (0, 0))).reshape(-1, group, amounts.shape[1]).sum(axis=1)
    ratio = (edges[-1] / edges[0]) ** (1 / (len(edges) - 1))
    times = milliseconds(liquidation_map.times)
    grid, step = _time_grid(times)
    columns = np.searchsorted(times, grid, side="right") - 1
    high = float(edges[first] * ratio ** (count + spare))
    return Raster(stacked[:, columns], float(edges[first]), high, float(grid[0]) if len(grid) else 0.0, step)


def _rows(edges: Floats, mark: float, reach: float) -> tuple[int, int]:
    if not np.isfinite(mark):
        return 0, len(edges) - 1
    first = int(np.clip(np.searchsorted(edges, mark * (1 - reach), side="right") - 1, 0, len(edges) - 2))
    last = int(np.clip(np.searchsorted(edges, mark * (1 + reach)), first + 1, len(edges) - 1))
    return (first, last) if last - first > 1 else (0, len(edges) - 1)


def _time_grid(times: Floats) -> tuple[Floats, float]:
    if len(times) < 2:
        return times, 3_600_000.0
    shortest = float(np.diff(times).min())
    span = times[-1] - times[0] + shortest
    count = int(min(max(round(span / shortest), 1), MAX_COLUMNS))
    step = span / count
    return times[0] + step * np.arange(count), step


def window(liquidation_map: MapLike, candles: pd.DataFrame) -> Window:
    """First view: all columns, and prices from the bars' range to 4-12 % beyond the mark, whichever is wider."""
    times = milliseconds(liquidation_map.times)
    grid, step = _time_grid(times)
    mark = liquidation_map.mark_price
    low, high = _extent(candles, mark)
    half = float(np.clip(max(high / mark - 1, 1 - low / mark), 0.04, 0.12)) if np.isfinite(mark) else 0.05
    low, high = min(low, mark * (1 - half)), max(high, mark * (1 + half))
    pad = (high / low) ** 0.02
    start = float(grid[0]) if len(grid) else 0.0
    bottom, top = max(low / pad, liquidation_map.price_edges[0]), min(high * pad, liquidation_map.price_edges[-1])
    return Window(bottom, top, start, start + step * max(len(grid), 1), step)


def _extent(candles: pd.DataFrame, mark: float) -> tuple[float, float]:
    if candles.empty:
        return mark, mark
    return float(candles["low"].min()), float(candles["high"].max())


def candle_columns(candles: pd.DataFrame, *, start: float, step: float) -> Columns:
    """Bars as the candlesticks and volume draw them, joined where the image has fewer columns than there are bars.

    Parameters
    ----------
    start, step : float
        First time and width of the image's columns [ms].

    Returns
    -------
    dict of arrays
        ``x`` (centre, ms), ``time`` (open, ms), ``open high low close volume`` (4 bytes each: they go to the screen),
        ``up`` (1 or 0).
    """
    stamps = milliseconds(pd.DatetimeIndex(candles.index)) if len(candles) else np.empty(0)
    inside = stamps >= start
    slots = np.floor((stamps[inside] - start) / step).astype("int64")
    firsts = np.flatnonzero(np.r_[True, np.diff(slots) > 0]) if len(slots) else np.empty(0, "int64")
    lasts = np.r_[firsts[1:], len(slots)] - 1 if len(slots) else firsts
    values = {
        name: candles[name].to_numpy(dtype="float64")[inside] for name in ("open", "high", "low", "close", "volume")
    }
    bars = {
        "open": values["open"][firsts],
        "high": _reduce(np.fmax, values["high"], firsts),
        "low": _reduce(np.fmin, values["low"], firsts),
        "close": values["close"][lasts],
        "volume": _reduce(np.add, values["volume"], firsts),
    }
    time = start + step * slots[firsts]
    up = (bars["close"] >= bars["open"]).astype("uint8")
    return {"x": time + step / 2, "time": time, "up": up, **{name: part.astype("f4") for name, part in bars.items()}}


def _reduce(how: np.ufunc, values: Floats, firsts: NDArray[np.int64]) -> Floats:
    return np.asarray(how.reduceat(values, firsts)) if len(firsts) else np.empty(0)


def profile_columns(liquidation_map: MapLike) -> tuple[Columns, Columns]:
    """Liquidation map at the last column: bars by leverage group, and running totals away from the mark.

    Returns
    -------
    bars : dict of arrays
        ``bottom top`` edges [quote] and, per group k, ``from_k to_k`` stacked [quote].
    totals : dict of arrays
        ``price``, ``long`` (sum from the mark down to the price; NaN above) and ``short`` (sum up; NaN below) [quote].
    """
    edges = np.asarray(liquidation_map.price_edges, dtype="float64")
    centres = np.sqrt(edges[:-1] * edges[1:])
    long = np.asarray(liquidation_map.long_by_tier, dtype="float64") * centres
    short = np.asarray(liquidation_map.short_by_tier, dtype="float64") * centres
    groups = np.digitize(np.asarray(liquidation_map.tiers, dtype="float64"), TIER_EDGES[1:-1])
    stacked = np.cumsum([(long + short)[groups == k].sum(axis=0) for k in range(len(TIER_NAMES))], axis=0)
    bars: Columns = {"bottom": edges[:-1].copy(), "top": edges[1:].copy()}
    for k in range(len(TIER_NAMES)):
        start = stacked[k - 1] if k else np.zeros(len(centres))
        bars |= {f"from_{k}": start.astype("f4"), f"to_{k}": stacked[k].astype("f4")}
    return bars, _totals(centres, long.sum(axis=0), short.sum(axis=0), liquidation_map.mark_price)


def _totals(centres: Floats, long: Floats, short: Floats, mark: float) -> Columns:
    below, above = centres <= mark, centres > mark
    long_total = np.where(below, np.cumsum(np.where(below, long, 0)[::-1])[::-1], np.nan)
    short_total = np.where(above, np.cumsum(np.where(above, short, 0)), np.nan)
    return {"price": centres, "long": long_total, "short": short_total}


LEVEL_MARK = {"red": "●", "amber": "○"}


def zone_columns(
    zones: pd.DataFrame | None,
    *,
    left: float,
    right: float,
    edge: float,
    gap: float = 0.01,
    labels: int = 8,
    within: tuple[float, float] = (0.0, float("inf")),
) -> Columns:
    """Zones as blocks at the right edge; the largest that do not touch get a label.

    Parameters
    ----------
    zones : DataFrame
        Columns side, price_low, price_high, notional [quote], level ("amber" or "red").
    left, right : float
        Times the blocks span [ms].
    edge : float
        Time at which the labels end [ms].
    gap : float
        Least distance of two labels [log price].
    within : (float, float)
        Prices in view [quote]. No label lies across their edges: that of a zone in view is half a gap inside, that of
        a zone out of view half a gap outside.
    """
    table = zones if zones is not None else pd.DataFrame(columns=["price_low", "price_high", "notional", "level"])
    low, high = (table[name].to_numpy(dtype="float64", copy=True) for name in ("price_low", "price_high"))
    notional = table["notional"].to_numpy(dtype="float64")
    level = [str(value) for value in table["level"]]
    text = [f"{LEVEL_MARK.get(name, '')} {show.usd(amount)}" for name, amount in zip(level, notional, strict=True)]
    middle = _beside_edges(low, high, within, ease=float(np.exp(gap / 2)))
    kept = _apart(np.log(middle), notional, labels, gap=gap)
    return {
        "bottom": low, "top": high, "middle": middle, "level": level, "notional": notional.copy(),
        "left": np.full(len(low), left), "right": np.full(len(low), right),
        "edge": np.full(len(low), edge),
        "text": [words if shown else "" for words, shown in zip(text, kept, strict=True)],
    }  # fmt: skip


def _beside_edges(low: Floats, high: Floats, within: tuple[float, float], *, ease: float) -> Floats:
    """Middle of each zone, moved off the edges of the view."""
    bottom, top = within
    middle = np.asarray(np.sqrt(low * high))
    seen = np.clip(middle, bottom * ease, top / ease)
    moved = np.where(low >= top, np.maximum(middle, top * ease), seen)
    return np.asarray(np.where(high <= bottom, np.minimum(middle, bottom / ease), moved))


def _apart(place: Floats, weight: Floats, most: int, *, gap: float) -> list[bool]:
    """Pick the heaviest places that keep ``gap`` from each other."""
    chosen: list[int] = []
    for i in np.argsort(-weight):
        if len(chosen) < most and all(abs(place[i] - place[k]) >= gap for k in chosen):
            chosen.append(int(i))
    return [i in chosen for i in range(len(place))]


def position_columns(positions: pd.DataFrame | None) -> tuple[Columns, Columns]:
    """Entry and liquidation lines of one's own positions.

    Returns
    -------
    entries, liquidations : dict
        ``price``, ``text`` and ``side`` (1 or -1). A position with no known liquidation price has an entry line only.
    """
    entries: Columns = {"price": [], "text": [], "side": []}
    exits: Columns = {"price": [], "text": [], "side": []}
    for row in positions.to_dict("records") if positions is not None else ():
        word = Side(int(row["side"])).label
        for lines, name in ((entries, "entry"), (exits, "liquidation")):
            price = float(row[f"{name}_price"])
            if np.isfinite(price):
                lines["price"].append(price)
                lines["text"].append(f"your {word} {name} {show.price(price)}")
                lines["side"].append(int(row["side"]))
    return entries, exits
