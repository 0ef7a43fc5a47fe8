"""The canonical tables: their columns and units, checks, resampling, alignment, gaps and age.

Every table of market history is a pandas DataFrame whose index is a UTC ``DatetimeIndex`` named ``timestamp``
holding the OPEN time of the bar (or the instant described). Unknown is NaN, never 0. ``attrs`` carries
``venue``, ``symbol`` and ``timeframe`` where they apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.errors import DataError, MissingColumnsError

TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    ``sign`` is what a value must be: "positive", "non-negative" or ""; ``bounded`` that it must be finite.
    """

    name: str
    unit: str
    sign: str = ""
    required: bool = True
    numeric: bool = True
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """Contract of one canonical table. ``unique`` demands that no timestamp repeats."""

    name: str
    columns: tuple[Column, ...]
    timed: bool = True
    unique: bool = True

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns a table must have."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, required or not."""
        return tuple(column.name for column in self.columns)


CANDLES = Schema(
    "candles",
    (
        Column("open", "quote", "positive"),
        Column("high", "quote", "positive"),
        Column("low", "quote", "positive"),
        Column("close", "quote", "positive"),
        Column("volume", "base", "non-negative"),
        Column("taker_buy_volume", "base", "non-negative", required=False),
    ),
)
OPEN_INTEREST = Schema(
    "open_interest",
    (
        Column("open_interest", "base", "non-negative"),
        Column("open_interest_value", "quote", "non-negative"),
    ),
)
FUNDING = Schema(
    "funding",
    (Column("funding_rate", "fraction per interval"), Column("funding_interval", "time", numeric=False)),
)
LIQUIDATIONS = Schema(
    "liquidations",
    (
        Column("side", "+1 long, -1 short: side of the position liquidated"),
        Column("price", "quote", "positive"),
        Column("quantity", "base", "positive"),
        Column("notional", "quote", "positive"),
        Column("venue", "name", numeric=False),
    ),
    unique=False,
)
ORDER_BOOK = Schema(
    "order_book",
    (
        Column("side", "+1 bid, -1 ask"),
        Column("price", "quote", "positive"),
        Column("quantity", "base", "positive"),
        Column("venue", "name", numeric=False),
        Column("age", "time", numeric=False),
    ),
    timed=False,
)
BRACKETS = Schema(
    "brackets",
    (
        Column("notional_floor", "quote", "non-negative"),
        Column("notional_cap", "quote", "positive", bounded=False),
        Column("maintenance_margin_rate", "fraction", "positive"),
        Column("maintenance_amount", "quote", "non-negative"),
        Column("max_leverage", "times", "positive"),
    ),
    timed=False,
)
POSITIONS = Schema(
    "positions",
    (
        Column("symbol", "name", numeric=False),
        Column("venue", "name", numeric=False),
        Column("side", "+1 long, -1 short"),
        Column("quantity", "base", "positive"),
        Column("entry_price", "quote", "positive"),
        Column("mark_price", "quote", "positive"),
        Column("leverage", "times", "positive"),
        Column("margin_mode", "isolated or cross", numeric=False),
        Column("margin", "quote", "non-negative"),
        Column("liquidation_price", "quote; 0 or inf: no move liquidates", "non-negative", bounded=False),
    ),
    timed=False,
)
SCHEMAS = {
    schema.name: schema for schema in (CANDLES, OPEN_INTEREST, FUNDING, LIQUIDATIONS, ORDER_BOOK, BRACKETS, POSITIONS)
}


def empty(schema: Schema) -> pd.DataFrame:
    """Return a table of the schema with no rows."""
    columns = {
        column.name: pd.Series(dtype="float64" if column.numeric else "object")
        for column in schema.columns
        if column.required
    }
    table = pd.DataFrame(columns)
    if schema.timed:
        table.index = pd.DatetimeIndex([], dtype="datetime64[ms, UTC]", name=TIMESTAMP)
    return table


def check(table: pd.DataFrame, schema: Schema, *, where: str = "", first_row: int = 0) -> pd.DataFrame:
    """Return ``table`` unchanged if it keeps the contract of ``schema``.

    Parameters
    ----------
    table : DataFrame
    schema : Schema
    where : str
        Where the table came from (a file, a venue and symbol), named in the message.
    first_row : int
        Number the messages give the first row: 0, or 2 for a CSV file whose header is row 1.

    Raises
    ------
    MissingColumnsError
        Required columns are missing.
    DataError
        The index is not a sorted, unique UTC time index, or a value breaks its column's rule. The message names
        the column and the first bad row. Nothing is repaired.
    """
    place = f"{schema.name} table{f' from {where}' if where else ''}"
    missing = [name for name in schema.required if name not in table.columns]
    if missing:
        raise MissingColumnsError(
            f"The {place} must have the columns {', '.join(schema.required)}. "
            f"Missing {', '.join(missing)}; got {', '.join(map(str, table.columns)) or 'none'}."
        )
    if schema.timed:
        _check_index(table.index, place, unique=schema.unique, first_row=first_row)
    for column in schema.columns:
        if column.numeric and column.name in table.columns:
            _check_column(table[column.name], column, place, first_row)
    if schema is CANDLES:
        _check_candle_order(table, place, first_row)
    return table


def _check_index(index: pd.Index[Any], place: str, *, unique: bool, first_row: int) -> None:
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC" or index.name != TIMESTAMP:
        zone = getattr(index, "tz", None)
        raise DataError(
            f"The index of the {place} must be a UTC DatetimeIndex named 'timestamp'. "
            f"Got {type(index).__name__} named {index.name!r} with time zone {zone}."
        )
    if index.hasnans:
        row = int(np.flatnonzero(index.isna())[0]) + first_row
        raise DataError(f"Column 'timestamp' of the {place} has no time at row {row}.")
    steps = np.diff(index.asi8)
    if (steps < 0).any():
        row = int(np.flatnonzero(steps < 0)[0]) + 1
        raise DataError(
            f"Column 'timestamp' of the {place} must be sorted. Row {row + first_row} ({index[row]}) "
            f"is before row {row + first_row - 1} ({index[row - 1]})."
        )
    if unique and (steps == 0).any():
        row = int(np.flatnonzero(steps == 0)[0]) + 1
        raise DataError(
            f"Column 'timestamp' of the {place} must not repeat. Row {row + first_row} ({index[row]}) is a duplicate."
        )


def _check_column(values: pd.Series[Any], column: Column, place: str, first_row: int) -> None:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        _refuse_text(values, column, place, first_row)
    numbers = values.to_numpy(dtype="float64")
    bad = np.isinf(numbers)
    if not column.bounded:
        bad &= ~np.isposinf(numbers)
    if column.sign:
        bad |= numbers <= 0 if column.sign == "positive" else numbers < 0
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        allowed = " and ".join(filter(None, (column.sign, "finite" if column.bounded else "")))
        raise DataError(
            f"Column '{column.name}' of the {place} must be {allowed} [{column.unit}]. "
            f"Row {row + first_row}{_label(values.index, row)} is {numbers[row]:g}."
        )


def _refuse_text(values: pd.Series[Any], column: Column, place: str, first_row: int) -> None:
    for row, value in enumerate(values):
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
            raise DataError(
                f"Column '{column.name}' of the {place} must be numeric [{column.unit}]. "
                f"Row {row + first_row}{_label(values.index, row)} is {value!r}."
            )
    if len(values):
        raise DataError(
            f"Column '{column.name}' of the {place} must be numeric [{column.unit}]. "
            f"Its numbers are stored as {values.dtype}; convert them to float64."
        )


def _check_candle_order(table: pd.DataFrame, place: str, first_row: int) -> None:
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    body_low = np.minimum(table["open"].to_numpy(), table["close"].to_numpy())
    body_high = np.maximum(table["open"].to_numpy(), table["close"].to_numpy())
    bad = (low > high) | (body_low < low) | (body_high > high)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        values = ", ".join(f"{name} {table[name].iloc[row]:g}" for name in ("open", "high", "low", "close"))
        raise DataError(
            f"The {place} must have low <= open, close <= high. "
            f"Row {row + first_row}{_label(table.index, row)} has {values}."
        )


def _label(index: pd.Index[Any], row: int) -> str:
    return f" ({index[row]})" if isinstance(index, pd.DatetimeIndex) else ""


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
    stamps = _milliseconds(candles.index)
    limit = int(stamps[-1]) + source.milliseconds
    if now is not None:
        limit = min(limit, int(now.timestamp() * 1000))
    bars = candles if source is target else _join_bars(candles, stamps, target)
    bars = bars[_milliseconds(bars.index) + target.milliseconds <= limit]
    bars.attrs = {**candles.attrs, "timeframe": target.value}
    return bars


def _join_bars(candles: pd.DataFrame, stamps: np.ndarray, target: Timeframe) -> pd.DataFrame:
    origin = 345_600_000 if target is Timeframe.W1 else 0  # 1970-01-05 was a Monday
    bucket = (stamps - origin) // target.milliseconds * target.milliseconds + origin
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


def time_index(milliseconds: np.ndarray) -> pd.DatetimeIndex:
    """Canonical index from integer milliseconds since 1970-01-01 UTC, shape (n,)."""
    return pd.DatetimeIndex(np.asarray(milliseconds).astype("datetime64[ms]"), name=TIMESTAMP).tz_localize("UTC")


def _milliseconds(index: pd.Index[Any]) -> np.ndarray:
    return np.asarray(pd.DatetimeIndex(index).as_unit("ms").asi8)


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
    stamps = _milliseconds(candles.index)
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
    wide = pd.concat({key: table[column] for key, table in tables.items()}, axis=1).sort_index()
    wide.index.name = TIMESTAMP
    return wide


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
    return _holes(_milliseconds(candles.index), step)


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
    steps = np.diff(_milliseconds(table.index))
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
    holes = _holes(_milliseconds(index), 1 if pd.isna(usual) else round(usual.total_seconds() * 1000))
    return {
        "rows": len(index),
        "first": index[0] if len(index) else pd.NaT,
        "last": index[-1] if len(index) else pd.NaT,
        "age": age(table, now),
        "stale": is_stale(table, now),
        "gaps": len(holes),
        "missing_bars": int(holes["missing_bars"].sum()),
    }
