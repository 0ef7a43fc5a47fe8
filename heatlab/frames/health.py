"""How complete and how fresh a table is: holes, age, staleness, a report over many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.frames.bars import infer_timeframe, milliseconds, time_index


def gaps(candles: pd.DataFrame, timeframe: Timeframe | str | None = None) -> pd.DataFrame:
    """List the holes in a candle table.

    Returns
    -------
    DataFrame
        ``start`` and ``end`` (open times of the first and last missing bar) and ``missing_bars``, one row per hole.
    """
    if candles.empty and timeframe is None:
        step = 1
    else:
        step = (Timeframe.parse(timeframe) if timeframe else infer_timeframe(candles)).milliseconds
    return _holes(milliseconds(candles.index), step)


def _holes(stamps: np.ndarray, step: int) -> pd.DataFrame:
    jumps = np.diff(stamps)
    holes = np.flatnonzero(jumps > step)
    return pd.DataFrame(
        {
            "start": time_index(stamps[holes] + step),
            "end": time_index(stamps[holes + 1] - step),
            "missing_bars": -(-jumps[holes] // step) - 1,
        }
    )


def age(table: pd.DataFrame, now: pd.Timestamp) -> pd.Timedelta:
    """Time since the last row became known: since the close of the last bar for candles, else since its stamp.

    Returns
    -------
    Timedelta
        ``NaT`` for an empty table.
    """
    if table.empty:
        return pd.Timedelta("NaT")
    known = pd.Timestamp(pd.DatetimeIndex(table.index)[-1])
    if "close" in table.columns:
        known += infer_timeframe(table).delta
    return now - known


def is_stale(table: pd.DataFrame, now: pd.Timestamp, *, interval: pd.Timedelta | None = None) -> bool:
    """Tell whether a table is older than three of its usual intervals (or has no rows).

    Without ``interval`` the timeframe of candles counts, else the median step between rows; a single row without
    either is stale.
    """
    if table.empty:
        return True
    usual = interval if interval is not None else _usual_interval(table)
    return bool(pd.isna(usual) or age(table, now) > 3 * usual)


def _usual_interval(table: pd.DataFrame) -> pd.Timedelta:
    if "close" in table.columns or table.attrs.get("timeframe"):
        return infer_timeframe(table).delta
    steps = np.diff(milliseconds(table.index))
    steps = steps[steps > 0]
    return pd.Timedelta(int(np.median(steps)), unit="ms") if len(steps) else pd.Timedelta("NaT")


def report(tables: Mapping[Any, pd.DataFrame], now: pd.Timestamp) -> pd.DataFrame:
    """Say how complete and how fresh each of several time-stamped tables is.

    Parameters
    ----------
    tables : mapping of any key to DataFrame
        Candles, open interest, funding, ... with the canonical index.
    now : Timestamp
        The clock to measure age by.

    Returns
    -------
    DataFrame
        One row per table, index ``table`` = the key (its parts joined by a blank), columns ``rows``, ``first`` and
        ``last`` (stamps), ``age`` [time], ``stale`` (older than three usual intervals, or empty), ``gaps`` (holes)
        and ``missing_bars`` (steps missing in them; the step is the timeframe of candles, else the median step).
    """
    rows = [_report_row(table, now) for table in tables.values()]
    names = [" ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in tables]
    columns = ["rows", "first", "last", "age", "stale", "gaps", "missing_bars"]
    return pd.DataFrame(rows, index=pd.Index(names, name="table", dtype="object"), columns=columns)


def _report_row(table: pd.DataFrame, now: pd.Timestamp) -> dict[str, Any]:
    index = pd.DatetimeIndex(table.index)
    usual = _usual_interval(table) if len(index) else pd.Timedelta("NaT")
    holes = _holes(milliseconds(index), 1 if pd.isna(usual) else round(usual.total_seconds() * 1000))
    return {
        "rows": len(index),
        "first": index[0] if len(index) else pd.NaT,
        "last": index[-1] if len(index) else pd.NaT,
        "age": age(table, now),
        "stale": is_stale(table, now),
        "gaps": len(holes),
        "missing_bars": int(holes["missing_bars"].sum()),
    }
