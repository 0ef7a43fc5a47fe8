"""Raw columns to canonical tables, one function a kind. Nothing is repaired: what breaks the contract raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Side, Timeframe
from heatlab.errors import DataError, ParameterError
from heatlab.frames import (
    BRACKETS,
    CANDLES,
    FUNDING,
    LIQUIDATIONS,
    OPEN_INTEREST,
    ORDER_BOOK,
    TIMESTAMP,
    Schema,
    check,
    milliseconds,
)
from heatlab.sources.folder.reading import parse_numbers, parse_times, require_columns

SETTLEMENT_STEPS = [pd.Timedelta(hours=hours) for hours in (1, 2, 4, 8)]


def candles_table(raw: pd.DataFrame, timeframe: Timeframe, *, where: str, first_row: int) -> pd.DataFrame:
    """Candles of one file: complete rows on the grid of ``timeframe``."""
    require_columns(raw, (TIMESTAMP, *CANDLES.required), where=where)
    table = _timed(raw, [name for name in CANDLES.names if name in raw], where, first_row)
    check(table, CANDLES, where=where, first_row=first_row)
    for name in CANDLES.required:
        _refuse_unknown(table[name], where, first_row)
    off = np.flatnonzero((milliseconds(table.index) - timeframe.origin_ms) % timeframe.milliseconds)
    if len(off):
        row = int(off[0])
        raise DataError(
            f"Column '{TIMESTAMP}' of {where} must keep to the {timeframe} grid its name says. "
            f"Row {row + first_row} opens at {table.index[row]}."
        )
    return table


def open_interest_table(raw: pd.DataFrame, *, where: str, first_row: int) -> pd.DataFrame:
    """Open interest; the unit a file does not give is NaN."""
    table = _timed(raw, [name for name in OPEN_INTEREST.names if name in raw], where, first_row)
    return check(table.reindex(columns=list(OPEN_INTEREST.names)), OPEN_INTEREST, where=where, first_row=first_row)


def funding_table(raw: pd.DataFrame, *, where: str, first_row: int) -> pd.DataFrame:
    """Funding rates; an interval the file does not give is the step to the settlement before.

    Where that step is no usual interval (1, 2, 4 or 8 h: a gap, or the first row) it is the step to the next
    settlement, and NaT where that is none either.
    """
    table = _timed(raw, ["funding_rate"], where, first_row)
    if "funding_interval" in raw:
        table["funding_interval"] = pd.to_timedelta(raw["funding_interval"].to_numpy())
    else:
        steps = pd.Series(pd.DatetimeIndex(table.index)).diff()
        after = steps.shift(-1)
        steps = steps.where(steps.isin(SETTLEMENT_STEPS), after.where(after.isin(SETTLEMENT_STEPS)))
        table["funding_interval"] = steps.to_numpy()
    return check(table, FUNDING, where=where, first_row=first_row)


def liquidations_table(raw: pd.DataFrame, venue: str, *, where: str, first_row: int) -> pd.DataFrame:
    """Turn prints into forced closings: ``side`` of the position, ``price`` of the order, ``average_price`` paid."""
    raw = raw.rename(columns={"notional_usd": "notional"})
    numbers = ["price", "quantity", "notional", *(["average_price"] if "average_price" in raw else [])]
    table = _timed(raw, numbers, where, first_row)
    column = "position_side" if "position_side" in raw else "side"
    table.insert(0, "side", _sides(raw[column], where, first_row))
    table["venue"] = venue
    return check(table, LIQUIDATIONS, where=where, first_row=first_row)


def order_book_table(raw: pd.DataFrame, venue: str, now: pd.Timestamp, *, where: str, first_row: int) -> pd.DataFrame:
    """Latest book at or before ``now``: bids, best first, then asks, best first; no rows if all are later."""
    raw = raw.rename(columns={"amount": "quantity"})
    units = sorted(set(raw.get("amount_unit", pd.Series(["base"])).astype("str")) - {"base"})
    if units:
        raise DataError(f"The order book in {where} must have amounts in base coin. Got {units[0]!r}.")
    table = _timed(raw, ["price", "quantity"], where, first_row)
    table.insert(0, "side", _book_sides(raw["side"], where, first_row))
    table = table[table.index <= now]
    if table.empty:
        return table
    stamp = table.index.max()
    table = table[table.index == stamp].reset_index(drop=True)
    table["venue"] = venue
    table["age"] = now - stamp
    order = np.lexsort((-table["side"] * table["price"], -table["side"]))
    return check(table.iloc[order].reset_index(drop=True), ORDER_BOOK, where=where)


def brackets_table(raw: pd.DataFrame, now: pd.Timestamp, *, where: str, first_row: int) -> pd.DataFrame:
    """Leverage brackets of the latest snapshot at or before ``now``; no rows if all are later."""
    raw = raw.rename(columns={"min_notional": "notional_floor", "max_notional": "notional_cap"})
    require_columns(raw, BRACKETS.required, where=where)
    dated = next((name for name in ("file_date", TIMESTAMP, "date") if name in raw), None)
    if dated:
        raw = _latest(raw, dated, now, where, first_row)
    table = pd.DataFrame({name: parse_numbers(raw, name, where=where, first_row=first_row) for name in BRACKETS.names})
    table = check(table.sort_values("notional_floor", ignore_index=True), BRACKETS, where=where)
    floors, caps = table["notional_floor"].to_numpy(), table["notional_cap"].to_numpy()
    torn = np.flatnonzero(floors[1:] != caps[:-1])
    if len(torn):
        row = int(torn[0]) + 1
        raise DataError(
            f"Brackets of {where} must follow one another. "
            f"The one from {floors[row]:g} comes after one that ends at {caps[row - 1]:g}."
        )
    return table


def _latest(raw: pd.DataFrame, dated: str, now: pd.Timestamp, where: str, first_row: int) -> pd.DataFrame:
    dates = pd.DatetimeIndex(pd.to_datetime(raw[dated], utc=True, errors="coerce"))
    unread = np.flatnonzero(dates.isna())
    if len(unread):
        row = int(unread[0])
        raise DataError(
            f"Column '{dated}' of {where} must be a date. Row {row + first_row} is {raw[dated].iloc[row]!r}."
        )
    known = dates[dates <= now]
    return raw[dates == known.max()] if len(known) else raw.iloc[:0]


def _timed(raw: pd.DataFrame, names: list[str], where: str, first_row: int) -> pd.DataFrame:
    index = parse_times(raw[TIMESTAMP], where=where, first_row=first_row)
    columns = {name: parse_numbers(raw, name, where=where, first_row=first_row) for name in names}
    return pd.DataFrame(columns, index=index)


def _refuse_unknown(values: pd.Series[Any], where: str, first_row: int) -> None:
    missing = np.flatnonzero(values.isna())
    if len(missing):
        row = int(missing[0])
        raise DataError(
            f"Column '{values.name}' of {where} must have a value in every row. "
            f"Row {row + first_row} ({values.index[row]}) has none."
        )


def _sides(values: pd.Series[Any], where: str, first_row: int) -> np.ndarray:
    known: dict[Any, int] = {}
    for value in values.unique():
        try:
            known[value] = int(Side.parse(value))
        except (ParameterError, ValueError) as error:
            row = int(np.flatnonzero(values == value)[0]) + first_row if pd.notna(value) else "?"
            raise DataError(
                f"Column '{values.name}' of {where} must be long or short. Row {row} is {value!r}."
            ) from error
    return values.map(known).to_numpy(dtype="float64")


def _book_sides(values: pd.Series[Any], where: str, first_row: int) -> np.ndarray:
    words = {"bid": 1.0, "ask": -1.0, "buy": 1.0, "sell": -1.0, "1": 1.0, "-1": -1.0, "1.0": 1.0, "-1.0": -1.0}
    sides = values.astype("str").str.lower().map(words)
    wrong = np.flatnonzero(sides.isna())
    if len(wrong):
        row = int(wrong[0])
        raise DataError(f"Column 'side' of {where} must be bid or ask. Row {row + first_row} is {values.iloc[row]!r}.")
    return sides.to_numpy(dtype="float64")


def join(tables: list[pd.DataFrame], places: list[str], schema: Schema) -> tuple[pd.DataFrame, str]:
    """Put tables of one series together; where they overlap they must agree.

    The longest table wins a stamp they share. Prices (or the first column) that differ by more than 0.1 % in more
    than 1 % of the shared stamps are another series and raise; fewer or smaller differences are described.

    Returns
    -------
    table, difference : DataFrame, str
        ``difference`` is "" if all shared values agree within 1e-6.
    """
    order = sorted(range(len(tables)), key=lambda place: -len(tables[place]))
    joined, message = tables[order[0]], ""
    column = "close" if "close" in schema.names else schema.required[0]
    for place in order[1:]:
        other = tables[place]
        common = joined.index.intersection(other.index)
        ours, theirs = (table.loc[common, column].to_numpy(dtype="float64") for table in (joined, other))
        apart = ~np.isclose(ours, theirs, rtol=1e-6, atol=0.0, equal_nan=True)
        if apart.any():
            far = ~np.isclose(ours, theirs, rtol=1e-3, atol=0.0, equal_nan=True)
            first = int(np.flatnonzero(apart)[0])
            message = (
                f"{apart.sum()} of {len(common)} shared values of '{column}' differ between {places[order[0]]} and "
                f"{places[place]}, first at {common[first]}: {ours[first]:g} and {theirs[first]:g}."
            )
            if schema is CANDLES and far.sum() > max(1.0, 0.01 * len(common)):
                raise DataError(f"{message} Files of one series must agree; move one of them out of the folder.")
            message += f" {places[order[0]]} counts."
        joined = pd.concat([joined, other[~other.index.isin(joined.index)]]).sort_index()
    return joined, message
