"""What each canonical table holds, and the check that a table does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

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
