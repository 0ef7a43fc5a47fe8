"""The canonical tables: their columns and units, checks, resampling, alignment, gaps and age.

Every table of market history is a pandas DataFrame whose index is a UTC ``DatetimeIndex`` named ``timestamp``
holding the OPEN time of the bar (or the instant described). Unknown is NaN, never 0. ``attrs`` carries
``venue``, ``symbol`` and ``timeframe`` where they apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.errors import DataError, MissingColumnsError

TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table. ``sign`` is what a finite value must be: "positive", "non-negative" or ""."""

    name: str
    unit: str
    sign: str = ""
    required: bool = True
    numeric: bool = True


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
        Column("notional_cap", "quote", "positive"),
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
        Column("liquidation_price", "quote", "positive"),
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


def check(table: pd.DataFrame, schema: Schema, *, where: str = "") -> pd.DataFrame:
    """Return ``table`` unchanged if it keeps the contract of ``schema``.

    Parameters
    ----------
    table : DataFrame
    schema : Schema
    where : str
        Where the table came from (a file, a venue and symbol), named in the message.

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
        _check_index(table.index, place, unique=schema.unique)
    for column in schema.columns:
        if column.numeric and column.name in table.columns:
            _check_column(table[column.name], column, place)
    if schema is CANDLES:
        _check_candle_order(table, place)
    return table


def _check_index(index: pd.Index, place: str, *, unique: bool) -> None:
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC" or index.name != TIMESTAMP:
        zone = getattr(index, "tz", None)
        raise DataError(
            f"The index of the {place} must be a UTC DatetimeIndex named 'timestamp'. "
            f"Got {type(index).__name__} named {index.name!r} with time zone {zone}."
        )
    if index.hasnans:
        row = int(np.flatnonzero(index.isna())[0])
        raise DataError(f"Column 'timestamp' of the {place} has no time at row {row}.")
    stamps = index.asi8
    steps = np.diff(stamps)
    if (steps < 0).any():
        row = int(np.flatnonzero(steps < 0)[0]) + 1
        raise DataError(
            f"Column 'timestamp' of the {place} must be sorted. Row {row} ({index[row]}) is before row {row - 1} ({index[row - 1]})."
        )
    if unique and (steps == 0).any():
        row = int(np.flatnonzero(steps == 0)[0]) + 1
        raise DataError(f"Column 'timestamp' of the {place} must not repeat. Row {row} ({index[row]}) is a duplicate.")


def _check_column(values: pd.Series, column: Column, place: str) -> None:
    if not pd.api.types.is_numeric_dtype(values):
        text = next((value for value in values if not isinstance(value, int | float | np.number)), values.dtype)
        row = (
            int(np.flatnonzero([not isinstance(value, int | float | np.number) for value in values])[0])
            if len(values)
            else 0
        )
        raise DataError(
            f"Column '{column.name}' of the {place} must be numeric [{column.unit}]. Row {row} is {text!r}."
        )
    numbers = values.to_numpy(dtype="float64")
    rules = {"positive": numbers <= 0, "non-negative": numbers < 0}
    bad = rules.get(column.sign, np.zeros(len(numbers), bool)) | np.isinf(numbers)
    if column.name == "notional_cap":
        bad &= ~np.isposinf(numbers)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        allowed = f"{column.sign} and finite" if column.sign else "finite"
        raise DataError(
            f"Column '{column.name}' of the {place} must be {allowed} [{column.unit}]. "
            f"Row {row}{_label(values.index, row)} is {numbers[row]:g}."
        )


def _check_candle_order(table: pd.DataFrame, place: str) -> None:
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    body_low = np.minimum(table["open"].to_numpy(), table["close"].to_numpy())
    body_high = np.maximum(table["open"].to_numpy(), table["close"].to_numpy())
    bad = (low > high) | (body_low < low) | (body_high > high)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        values = ", ".join(f"{name} {table[name].iloc[row]:g}" for name in ("open", "high", "low", "close"))
        raise DataError(
            f"The {place} must have low <= open, close <= high. Row {row}{_label(table.index, row)} has {values}."
        )


def _label(index: pd.Index, row: int) -> str:
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
        Canonical candles. A bar appears if at least one of its parts does; bars with no parts are gaps, not rows.

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
    limit = candles.index[-1] + source.delta
    limit = limit if now is None else min(limit, now)
    if source is target:
        kept = candles[candles.index + source.delta <= limit]
        kept.attrs = {**candles.attrs, "timeframe": target.value}
        return kept
    stamps = candles.index.as_unit("ms").asi8
    origin = 345_600_000 if target is Timeframe.W1 else 0  # 1970-01-05 was a Monday
    bucket = (stamps - origin) // target.milliseconds * target.milliseconds + origin
    starts = np.flatnonzero(np.r_[True, np.diff(bucket) > 0])
    ends = np.r_[starts[1:], len(stamps)] - 1
    columns = {
        "open": candles["open"].to_numpy()[starts],
        "high": np.fmax.reduceat(candles["high"].to_numpy(), starts),
        "low": np.fmin.reduceat(candles["low"].to_numpy(), starts),
        "close": candles["close"].to_numpy()[ends],
        "volume": np.add.reduceat(candles["volume"].to_numpy(), starts),
    }
    if "taker_buy_volume" in candles:
        columns["taker_buy_volume"] = np.add.reduceat(candles["taker_buy_volume"].to_numpy(), starts)
    index = pd.DatetimeIndex(bucket[starts].astype("datetime64[ms]"), name=TIMESTAMP).tz_localize("UTC")
    bars = pd.DataFrame(columns, index=index)
    bars = bars[bars.index + target.delta <= limit]
    bars.attrs = {**candles.attrs, "timeframe": target.value}
    return bars


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
    stamps = candles.index.as_unit("ms").asi8  # type: ignore[attr-defined]
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
    step = Timeframe.parse(timeframe) if timeframe else infer_timeframe(candles)
    stamps = candles.index.as_unit("ms").asi8  # type: ignore[attr-defined]
    jumps = np.diff(stamps)
    holes = np.flatnonzero(jumps > step.milliseconds)
    starts = (stamps[holes] + step.milliseconds).astype("datetime64[ms]")
    ends = (stamps[holes + 1] - step.milliseconds).astype("datetime64[ms]")
    return pd.DataFrame(
        {
            "start": pd.DatetimeIndex(starts).tz_localize("UTC"),
            "end": pd.DatetimeIndex(ends).tz_localize("UTC"),
            "missing_bars": jumps[holes] // step.milliseconds - 1,
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
        return pd.NaT  # type: ignore[return-value]
    last = table.index[-1]
    return now - (last + infer_timeframe(table).delta if "close" in table.columns else last)


def is_stale(table: pd.DataFrame, now: pd.Timestamp, *, interval: pd.Timedelta | None = None) -> bool:
    """Tell whether a table is older than three of its usual intervals (or has no rows)."""
    if table.empty:
        return True
    usual = interval if interval is not None else infer_timeframe(table).delta
    return bool(age(table, now) > 3 * usual)
