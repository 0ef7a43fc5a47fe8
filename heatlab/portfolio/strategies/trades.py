"""Lists of trades: one row per round trip, the table a strategy is compared by."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from heatlab.domain import Side
from heatlab.errors import DataError, MissingColumnsError, ParameterError

TRADE_COLUMNS = [
    "symbol",
    "venue",
    "side",
    "quantity",
    "entry_time",
    "entry_price",
    "exit_time",
    "exit_price",
]
"""Canonical columns: ``side`` +1/-1, ``quantity`` [base], prices [quote], times UTC; an open trade has no exit."""


def is_trades(table: pd.DataFrame) -> bool:
    """Tell a list of trades from a table of positions: it says when it entered."""
    return "entry_time" in table.columns


def check_trades(table: pd.DataFrame, *, where: str = "") -> pd.DataFrame:
    """Return a list of trades in canonical types; nothing is repaired.

    Parameters
    ----------
    table : DataFrame
        With :data:`TRADE_COLUMNS`; sides as words or numbers, times as text or timestamps (UTC where they say nothing).
    where : str
        Named in the messages.

    Returns
    -------
    DataFrame
        Canonical, in order of entry.

    Raises
    ------
    MissingColumnsError
        A column is missing.
    DataError
        A quantity or a price is not positive, a side is none, a time cannot be read, or an exit comes before its entry
        or has no price; the row is named.
    """
    place = f" of {where}" if where else ""
    if missing := [name for name in TRADE_COLUMNS if name not in table.columns]:
        needed = ", ".join(TRADE_COLUMNS)
        raise MissingColumnsError(f"The trades{place} must have the columns {needed}. Missing {', '.join(missing)}.")
    made = table[TRADE_COLUMNS].reset_index(drop=True).copy()
    made["side"] = [_side(value, row, place) for row, value in enumerate(made["side"])]
    for name in ("entry_time", "exit_time"):
        made[name] = _times(made[name], name, place)
    for name in ("quantity", "entry_price", "exit_price"):
        made[name] = pd.to_numeric(made[name], errors="coerce").astype("float64")
    _check_rows(made, place)
    return made.sort_values("entry_time", kind="stable", ignore_index=True)


def trades_from_csv(text: str, *, where: str = "the file") -> pd.DataFrame:
    """Read a list of trades from the text of a CSV file; columns beyond the canonical ones are left out.

    Raises
    ------
    MissingColumnsError, DataError
        As :func:`check_trades`, or the text is no table.
    """
    try:
        table = pd.read_csv(io.StringIO(text))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{where} cannot be read as CSV: {error}.") from None
    return check_trades(table, where=where)


def _side(value: object, row: int, place: str) -> int:
    try:
        return int(Side.parse(value))  # type: ignore[arg-type]
    except ParameterError as error:
        raise DataError(f"Column 'side' of the trades{place}, row {row}: {error}") from None


def _times(values: pd.Series, name: str, place: str) -> pd.Series:
    text = None if pd.api.types.is_datetime64_any_dtype(values) else "ISO8601"
    times = pd.to_datetime(values, utc=True, errors="coerce", format=text)
    unread = times.isna() & values.notna()
    if unread.any():
        row = int(np.flatnonzero(unread)[0])
        raise DataError(f"Column '{name}' of the trades{place}, row {row}: {values.iloc[row]!r} is no time.")
    return times.dt.as_unit("ms")


def _check_rows(table: pd.DataFrame, place: str) -> None:
    closed = table["exit_time"].notna()
    problems = {
        "'quantity' must be positive": ~(table["quantity"] > 0),
        "'entry_price' must be positive": ~(table["entry_price"] > 0),
        "'entry_time' must be known": table["entry_time"].isna(),
        "'exit_price' must be positive where there is an exit": closed & ~(table["exit_price"] > 0),
        "'exit_time' must not come before the entry": closed & (table["exit_time"] < table["entry_time"]),
    }
    for rule, broken in problems.items():
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            name = rule.split("'")[1]
            raise DataError(f"Column {rule} in the trades{place}. Row {row} is {table[name].iloc[row]}.")
