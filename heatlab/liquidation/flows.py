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


@dataclass(frozen=True, slots=True)
class Flows:
    """What opens and what is outstanding, bar by bar [base]; see :func:`_kernel.sweep`."""

    opened: Array
    target: Array
    level: Array
    basis: str


def open_interest_flows(candles: pd.DataFrame, open_interest: pd.DataFrame | None, settings: MapSettings) -> Flows:
    """Quantity opened in each bar and open interest at its close.

    A stamp ``t`` of open interest describes instant ``t``: the value at a bar's close is the last one stamped at or
    before that close. Bars before the first stamp use the volume proxy: ``rho * volume`` opens and positions fade
    with the holding half-life.
    """
    timeframe = infer_timeframe(candles)
    volume = candles["volume"].to_numpy(dtype="float64")
    closes = candles.index.as_unit("ms").asi8 + timeframe.milliseconds  # type: ignore[attr-defined]
    known = _as_of(open_interest, closes)
    level = np.full(len(candles), np.nan)
    keep = 0.5 ** (timeframe.delta / duration(settings.holding_half_life))
    proxy = settings.rho * volume
    if np.isnan(known).all():
        return Flows(proxy, _kernel.proxy_levels(proxy, keep), level, "volume proxy")
    start = int(np.flatnonzero(~np.isnan(known))[0])
    at_open = _as_of(open_interest, closes[start : start + 1] - timeframe.milliseconds)[0]
    level[start] = known[start] if np.isnan(at_open) else at_open
    change = np.diff(known, prepend=level[start])
    change[start] = known[start] - level[start]
    opened = np.where(np.arange(len(known)) < start, proxy, np.maximum(change, 0.0) + proxy)
    target = known.copy()
    target[:start] = _kernel.proxy_levels(proxy[:start], keep)
    return Flows(opened, target, level, "open interest")


def _as_of(open_interest: pd.DataFrame | None, instants: NDArray[np.int64]) -> Array:
    """Open interest last stamped at or before each instant [base]; NaN before the first."""
    if open_interest is None:
        return np.full(len(instants), np.nan)
    rows = open_interest[open_interest["open_interest"].notna()]
    if rows.empty:
        return np.full(len(instants), np.nan)
    stamps = rows.index.as_unit("ms").asi8  # type: ignore[attr-defined]
    found = np.searchsorted(stamps, instants, side="right") - 1
    values = rows["open_interest"].to_numpy(dtype="float64")
    return np.where(found >= 0, values[np.maximum(found, 0)], np.nan)
