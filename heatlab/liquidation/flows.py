"""What opens in each bar and what is outstanding: from open interest, or from volume where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.frames import infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.levels import Array
from heatlab.liquidation.settings import MapSettings, duration

FRESH_STEPS = 3
"""Open interest counts for at most this many of its own usual steps, and for at least as many bars."""


@dataclass(frozen=True, slots=True)
class Flows:
    """What opens and what is outstanding, bar by bar [base]; see :func:`_kernel.sweep`.

    ``covered`` tells the bars that know their open interest; ``notes`` what stood in elsewhere.
    """

    opened: Array
    target: Array
    level: Array
    covered: NDArray[np.bool_]
    notes: tuple[str, ...]


def open_interest_flows(candles: pd.DataFrame, open_interest: pd.DataFrame | None, settings: MapSettings) -> Flows:
    """Quantity opened in each bar and open interest at its close.

    A stamp ``t`` of open interest describes instant ``t``: the value at a bar's close is the last one stamped at or
    before that close, unless it is older than three of the table's usual steps and than three bars. Bars without one
    use the volume proxy: ``rho * volume`` opens and positions fade with the holding half-life.
    """
    timeframe = infer_timeframe(candles)
    proxy = settings.rho * candles["volume"].to_numpy(dtype="float64")
    closes = candles.index.as_unit("ms").asi8 + timeframe.milliseconds  # type: ignore[attr-defined]
    stamps, values = _known(open_interest)
    known = _as_of(stamps, values, closes, bar=timeframe.milliseconds)
    covered = ~np.isnan(known)
    begins = covered & ~np.r_[False, covered[:-1]]
    at_open = _as_of(stamps, values, closes[begins] - timeframe.milliseconds, bar=timeframe.milliseconds)
    level = np.full(len(candles), np.nan)
    level[begins] = np.where(np.isnan(at_open), known[begins], at_open)
    before = np.where(begins, level, np.r_[np.nan, known[:-1]])
    opened = np.where(covered, np.maximum(known - before, 0.0) + proxy, proxy)
    keep = 0.5 ** (timeframe.delta / duration(settings.holding_half_life))
    notes = _notes(candles.index, covered, stamps)
    return Flows(opened, _targets(known, proxy, keep), level, covered, notes)


def _targets(known: Array, proxy: Array, keep: float) -> Array:
    """Open interest at each close; where it is not known it fades from the last known and volume adds to it."""
    target = known.copy()
    missing = np.isnan(known)
    edges = np.flatnonzero(np.diff(np.r_[False, missing, False].astype(np.int8)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        left = target[first - 1] if first else 0.0
        faded = left * keep ** np.arange(1, end - first + 1)
        target[first:end] = faded + _kernel.proxy_levels(proxy[first:end], keep)
    return target


def _known(open_interest: pd.DataFrame | None) -> tuple[NDArray[np.int64], Array]:
    """Stamps [ms] and values [base] of the rows that have one."""
    if open_interest is None:
        return np.empty(0, dtype=np.int64), np.empty(0)
    rows = open_interest[open_interest["open_interest"].notna()]
    stamps = np.asarray(rows.index.as_unit("ms").asi8, dtype=np.int64)  # type: ignore[attr-defined]
    return stamps, rows["open_interest"].to_numpy(dtype="float64")


def _as_of(stamps: NDArray[np.int64], values: Array, instants: NDArray[np.int64], *, bar: int) -> Array:
    """Value last stamped at or before each instant [base]; NaN before the first and where it is too old."""
    if not len(stamps):
        return np.full(len(instants), np.nan)
    step = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.0
    found = np.searchsorted(stamps, instants, side="right") - 1
    age = instants - stamps[np.maximum(found, 0)]
    return np.where((found >= 0) & (age <= FRESH_STEPS * max(step, bar)), values[np.maximum(found, 0)], np.nan)


def _notes(opens: pd.Index, covered: NDArray[np.bool_], stamps: NDArray[np.int64]) -> tuple[str, ...]:
    """Say where open interest lacks and what stands in."""
    inside = np.flatnonzero(covered)
    if not len(inside):
        return ("no open interest: rho x volume stands in",)
    notes: tuple[str, ...] = ()
    if inside[0] > 1:
        notes += (f"open interest starts {opens[inside[0]]:%Y-%m-%d %H:%M} UTC: volume stands in before it",)
    missing = int(inside[-1] - inside[0] + 1 - len(inside))
    if missing:
        notes += (f"open interest lacks for {missing} bars in between: volume stands in",)
    if inside[-1] < len(covered) - 1:
        end = pd.Timestamp(int(stamps[-1]), unit="ms")
        notes += (f"open interest ends {end:%Y-%m-%d %H:%M} UTC: volume stands in after it",)
    return notes
