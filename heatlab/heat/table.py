"""Heat of a book: one row per position and timeframe, and one row per position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Side, Timeframe
from heatlab.errors import MissingColumnsError
from heatlab.frames import TIMESTAMP
from heatlab.heat.momentum import COLUMNS, momentum_heat
from heatlab.heat.settings import DEFAULT, HeatSettings
from heatlab.heat.zones import zone_of

Key = tuple[str, str, str]
IDENTITY = ["symbol", "venue", "side"]
TABLE_COLUMNS = [
    *IDENTITY,
    "timeframe",
    "heat",
    "zone",
    "green",
    "red",
    "forecast",
    "volatility_percentile",
    TIMESTAMP,
    "age",
    "bars",
    "note",
]
STALE_BARS = 3


def heat_table(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    now: pd.Timestamp,
    settings: HeatSettings = DEFAULT,
    known: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Heat of every position on every timeframe at ``now``.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions; ``symbol``, ``venue`` and ``side`` are read.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Canonical candles. Bars that close after ``now`` are left out.
    now : Timestamp (UTC)
    settings : HeatSettings
        Its ``timeframe_weights`` name the timeframes.
    known : DataFrame, optional
        Table of the same candles, ``now`` and settings for other positions: its readings are taken over.

    Returns
    -------
    DataFrame
        Columns ``symbol, venue, side, timeframe, heat, zone, green, red, forecast, volatility_percentile,
        timestamp`` (open time of the last closed bar), ``age`` (since its close), ``bars``, ``note``. What is
        unknown is NaN and ``note`` says why; ``note`` is empty where all is well.

    Raises
    ------
    MissingColumnsError
        ``positions`` lacks a column.
    """
    _need(positions, IDENTITY, "positions table of heat_table")
    readings = _taken_over(known)
    rows = []
    for symbol, venue, sign in zip(positions["symbol"], positions["venue"], positions["side"], strict=True):
        side = Side.parse(sign)
        for timeframe in settings.timeframes:
            key = (venue, symbol, timeframe)
            if (key, side) not in readings:
                readings[key, side] = _reading(candles.get(key), Timeframe.parse(timeframe), side, now, settings)
            rows.append({"symbol": symbol, "venue": venue, "side": int(side), "timeframe": timeframe})
            rows[-1].update(readings[key, side])
    table = pd.DataFrame(rows, columns=TABLE_COLUMNS)
    table[TIMESTAMP] = pd.to_datetime(table[TIMESTAMP], utc=True).dt.as_unit("ms")
    table["age"] = pd.Series([row["age"] for row in rows], dtype="timedelta64[ms]")
    return table.astype({"bars": np.int64} | dict.fromkeys(COLUMNS, np.float64))


def _taken_over(known: pd.DataFrame | None) -> dict[tuple[Key, Side], dict[str, Any]]:
    """Sort the readings of an earlier table by what they are of."""
    rows = [] if known is None else known.to_dict("records")
    return {
        ((str(row["venue"]), str(row["symbol"]), str(row["timeframe"])), Side.parse(row["side"])): {
            str(name): value for name, value in row.items() if name not in (*IDENTITY, "timeframe")
        }
        for row in rows
    }


def _reading(
    candles: pd.DataFrame | None, timeframe: Timeframe, side: Side, now: pd.Timestamp, settings: HeatSettings
) -> dict[str, Any]:
    empty: dict[str, Any] = {**dict.fromkeys(COLUMNS, np.nan), TIMESTAMP: pd.NaT, "age": pd.NaT, "bars": 0}
    if candles is None:
        return empty | {"note": "no candles"}
    closed = candles[candles.index <= now - timeframe.delta]
    if closed.empty:
        return empty | {"note": "no closed bar yet"}
    last = momentum_heat(closed, side, settings=settings).iloc[-1]
    age = now - (closed.index[-1] + timeframe.delta)
    place = {TIMESTAMP: closed.index[-1], "age": age, "bars": len(closed)}
    return {
        **dict(zip(COLUMNS, last, strict=True)),
        **place,
        "note": _note(closed, float(last["heat"]), age, timeframe, settings),
    }


def _note(closed: pd.DataFrame, heat: float, age: pd.Timedelta, timeframe: Timeframe, settings: HeatSettings) -> str:
    needed = settings.forecast.warm_up + settings.min_history - 1
    known = int(closed["close"].notna().sum())
    if np.isnan(closed["close"].iloc[-1]):
        return "the last bar has no close"
    if np.isnan(heat):
        return f"{known} of {needed} bars" if known < needed else "the price does not move"
    return f"stale: {timeframe} bars {age / timeframe.delta:.0f} missing" if age > STALE_BARS * timeframe.delta else ""


def position_heat(table: pd.DataFrame, *, settings: HeatSettings = DEFAULT) -> pd.DataFrame:
    """Heat of each position: the weighted mean over the timeframes that are known.

    Parameters
    ----------
    table : DataFrame
        As :func:`heat_table` returns it.
    settings : HeatSettings
        Its ``timeframe_weights`` weigh the timeframes; one it does not name has weight 0.

    Returns
    -------
    DataFrame
        One row per symbol, venue and side in the order of ``table``: ``heat``, ``zone``, ``green``, ``red`` (means
        with the same weights), ``forecast``, ``timeframes`` (how many were known). Heat is NaN where none was.

    Raises
    ------
    MissingColumnsError
        ``table`` lacks a column.
    """
    measures = ["heat", "green", "red", "forecast"]
    _need(table, [*IDENTITY, "timeframe", *measures], "heat table of position_heat")
    weights = table["timeframe"].map(dict(settings.timeframe_weights)).fillna(0.0).to_numpy(dtype=np.float64)
    weights = np.where(table["heat"].isna(), 0.0, weights)
    parts = table[IDENTITY].copy()
    parts[measures] = np.where(weights[:, None] > 0, table[measures].to_numpy() * weights[:, None], 0.0)
    parts["weight"] = weights
    parts["timeframes"] = (weights > 0).astype(np.int64)
    sums = parts.groupby(IDENTITY, sort=False, as_index=False).sum()
    total = np.where(sums["weight"] > 0, sums["weight"], np.nan)
    for name in measures:
        sums[name] /= total
    sums["zone"] = zone_of(sums["heat"], sums["green"], sums["red"])
    return sums[[*IDENTITY, "heat", "zone", "green", "red", "forecast", "timeframes"]]


def _need(table: pd.DataFrame, columns: list[str], place: str) -> None:
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise MissingColumnsError(
            f"The {place} must have the columns {', '.join(columns)}. "
            f"Missing {', '.join(missing)}; got {', '.join(map(str, table.columns)) or 'none'}."
        )
