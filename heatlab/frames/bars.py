"""Bars: their timeframe, longer ones from shorter ones, several tables side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.errors import DataError
from heatlab.frames.schema import TIMESTAMP


def resample_candles(
    candles: pd.DataFrame, timeframe: Timeframe | str, *, now: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Build longer bars from shorter ones; only bars that are complete are returned.

    Parameters
    ----------
    candles : DataFrame
        Canonical candles with ``attrs["timeframe"]`` or at least two rows.
    timeframe : Timeframe or str
        Length of the wanted bars; a multiple of the given length. Weeks start on Monday 00:00 UTC.
    now : Timestamp, optional
        Bars that close after ``now`` are left out. Without it, the close of the last given bar counts as now.

    Returns
    -------
    DataFrame
        Canonical candles. The first bar is left out if the data begin inside it: its open is not known. After
        that a bar appears if at least one of its parts does; bars with no parts are gaps, not rows.

    Raises
    ------
    DataError
        The given bars are longer than the wanted ones, or do not divide them.
    """
    target = Timeframe.parse(timeframe)
    if candles.empty:
        return candles.copy()
    source = infer_timeframe(candles)
    if target.milliseconds % source.milliseconds:
        raise DataError(
            f"resample_candles needs bars that divide the wanted timeframe {target}. Got bars of {source} instead."
        )
    stamps = milliseconds(candles.index)
    limit = int(stamps[-1]) + source.milliseconds
    if now is not None:
        limit = min(limit, int(now.timestamp() * 1000))
    bars = candles if source is target else _join_bars(candles, stamps, target)
    bars = bars[milliseconds(bars.index) + target.milliseconds <= limit]
    bars.attrs = {**candles.attrs, "timeframe": target.value}
    return bars


def _join_bars(candles: pd.DataFrame, stamps: np.ndarray, target: Timeframe) -> pd.DataFrame:
    bucket = (stamps - target.origin_ms) // target.milliseconds * target.milliseconds + target.origin_ms
    starts = np.flatnonzero(np.r_[True, np.diff(bucket) > 0])
    ends = np.r_[starts[1:], len(stamps)] - 1
    columns = {
        "open": candles["open"].to_numpy()[starts],
        "high": np.fmax.reduceat(candles["high"].to_numpy(), starts),
        "low": np.fmin.reduceat(candles["low"].to_numpy(), starts),
        "close": candles["close"].to_numpy()[ends],
    }
    for name in ("volume", "taker_buy_volume"):
        if name in candles:
            columns[name] = np.add.reduceat(candles[name].to_numpy(), starts)
    bars = pd.DataFrame(columns, index=time_index(bucket[starts]))
    return bars if stamps[0] == bucket[0] else bars.iloc[1:]


def time_index(stamps: np.ndarray) -> pd.DatetimeIndex:
    """Canonical index from integer milliseconds since 1970-01-01 UTC, shape (n,)."""
    return pd.DatetimeIndex(np.asarray(stamps).astype("datetime64[ms]"), name=TIMESTAMP).tz_localize("UTC")


def milliseconds(index: pd.Index[Any]) -> np.ndarray:
    """Integer milliseconds since 1970-01-01 UTC of a time index, shape (n,): the reverse of :func:`time_index`."""
    return np.asarray(pd.DatetimeIndex(index).as_unit("ms").asi8)


def stamp_ms(time: pd.Timestamp) -> int:
    """Whole milliseconds since 1970-01-01 UTC of a time; one without a time zone is UTC."""
    moment = time.tz_localize("UTC") if time.tzinfo is None else time
    return int(moment.value) // 1_000_000


def from_ms(stamp: int) -> pd.Timestamp:
    """UTC time of integer milliseconds since 1970-01-01: the reverse of :func:`stamp_ms`."""
    return pd.Timestamp(stamp, unit="ms", tz="UTC")


def infer_timeframe(candles: pd.DataFrame) -> Timeframe:
    """Timeframe of a candle table: its ``attrs``, else its smallest step.

    Raises
    ------
    DataError
        There is no ``attrs["timeframe"]`` and the smallest step is no known timeframe.
    """
    named = candles.attrs.get("timeframe")
    if named:
        return Timeframe.parse(named)
    stamps = milliseconds(candles.index)
    step = int(np.diff(stamps).min()) if len(stamps) > 1 else 0
    for timeframe in Timeframe:
        if timeframe.milliseconds == step:
            return timeframe
    raise DataError(f"infer_timeframe needs attrs['timeframe'] or bars of a known length. Got a step of {step} ms.")


def align(tables: Mapping[str, pd.DataFrame], *, column: str = "close") -> pd.DataFrame:
    """Put one column of several tables side by side on the union of their times.

    Returns
    -------
    DataFrame
        One column per key; NaN where a table has no row. Nothing is filled forward.
    """
    if not tables:
        return pd.DataFrame(index=pd.DatetimeIndex([], dtype="datetime64[ms, UTC]", name=TIMESTAMP))
    wide = pd.concat({key: table[column] for key, table in tables.items()}, axis=1, sort=True).sort_index()
    wide.index.name = TIMESTAMP
    return wide
