"""A table to type positions into: real inputs in the browser, rules in Python, nothing typed is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from heatlab.errors import DataError
from heatlab.frames.position_records import FIELDS, REQUIRED, CellProblem, PositionsRead, positions_from_records

MOST_ROWS = 1000
COLUMNS: tuple[dict[str, Any], ...] = (
    {"name": "symbol", "label": "Symbol", "hint": "ccxt-unified, BTC/USDT:USDT; spot is BTC/USDT", "width": "170px"},
    {"name": "venue", "label": "Venue", "hint": "ccxt id, such as binanceusdm", "width": "120px"},
    {"name": "side", "label": "Side", "hint": "long or short", "width": "78px", "start": "long"},
    {
        "name": "quantity",
        "label": "Quantity",
        "hint": "base coin; of a coin-margined contract its worth in coin at entry",
    },
    {"name": "entry_price", "label": "Entry", "hint": "price in quote"},
    {"name": "leverage", "label": "Leverage", "hint": "times", "width": "78px"},
    {"name": "margin_mode", "label": "Margin", "hint": "isolated or cross", "width": "96px", "start": "isolated"},
    {"name": "wallet_balance", "label": "Wallet", "hint": "balance of the venue's cross account", "extra": True},
    {"name": "margin", "label": "Own margin", "hint": "margin of this position", "extra": True},
    {"name": "mark_price", "label": "Mark", "hint": "else the last close", "extra": True},
    {"name": "liquidation_price", "label": "Liquidation", "hint": "else by the venue's formula", "extra": True},
)
TEXT = ("symbol", "venue", "side", "margin_mode")
ORDER = tuple(column["name"] for column in COLUMNS)


def column_specs() -> list[dict[str, Any]]:
    """Columns as the browser draws them."""
    usual = {"width": "104px", "start": "", "extra": False}
    return [
        {**usual, **one, "required": one["name"] in REQUIRED, "kind": "text" if one["name"] in TEXT else "number"}
        for one in COLUMNS
    ]


class PositionsTable(anywidget.AnyWidget):  # type: ignore[misc]
    """Editor of positions.

    Traits
    ------
    rows : list of dict of column to text
        What is typed.
    problems : list of dict
        row (from 1), column, level ("error" or "note"), short: what is said at the cell.
    markets : dict of venue to symbols
        Offered while typing.
    version : int
        Rises when Python changes the rows; the browser then draws them anew.

    Attributes
    ----------
    read : PositionsRead
        What the rows come to.
    """

    _esm = Path(__file__).parent / "static" / "positions_table.js"
    columns = traitlets.List().tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    problems = traitlets.List().tag(sync=True)
    markets = traitlets.Dict().tag(sync=True)
    version = traitlets.Int(0).tag(sync=True)

    def __init__(self, *, markets: Mapping[str, Sequence[str]] | None = None, **kwargs: Any) -> None:
        offered = {venue: list(symbols) for venue, symbols in (markets or {}).items()}
        super().__init__(columns=column_specs(), markets=offered, **kwargs)
        self.read = PositionsRead(None)
        self.observe(self._checked, "rows")
        self._checked(None)

    def filled(self) -> list[tuple[int, dict[str, str]]]:
        """Rows in which something is typed, with their numbers."""
        rows = [(number, _row(given)) for number, given in enumerate(self.rows, start=1)]
        starts = {column["name"]: column.get("start", "") for column in COLUMNS}
        return [
            (n, row) for n, row in rows if any(row[name] not in ("", starts[name]) for name in row if name != "venue")
        ]

    def put(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Show other rows."""
        with self.hold_sync():
            self.rows = [_row(row) for row in rows][:MOST_ROWS]
            self.version += 1

    def add_text(self, text: str, *, row: int = 0, column: str = "symbol") -> int:
        """Put pasted text into the table from a cell on; text with a header row goes below what is there.

        Returns
        -------
        int
            How many rows came in.

        Raises
        ------
        DataError
            There is nothing in it, or too much.
        """
        table = parse_text(text)
        header = _header(table[0])
        names = header or ORDER[ORDER.index(column) :]
        new = [dict(zip(names, cells, strict=False)) for cells in table[1 if header else 0 :]]
        new = [{name: value for name, value in cells.items() if name} for cells in new]
        kept = [_row(given) for given in self.rows]
        start = (max((n for n, _ in self.filled()), default=0)) if header else row
        if start + len(new) > MOST_ROWS:
            raise DataError(f"The table holds {MOST_ROWS} positions at most. Got {start + len(new)}.")
        kept += [_row({}) for _ in range(start + len(new) - len(kept))]
        for place, cells in enumerate(new, start=start):
            kept[place] = {**kept[place], **cells}
        self.put(kept)
        return len(new)

    def _checked(self, _change: Any) -> None:
        filled = self.filled()
        self.read = positions_from_records(
            [row for _, row in filled],
            where="what is typed",
            rows=[number for number, _ in filled],
            markets={venue: tuple(symbols) for venue, symbols in self.markets.items()},
        )
        found = [("error", one) for one in self.read.problems] + [("note", one) for one in self.read.notes]
        self.problems = [_problem(level, one) for level, one in found]


def parse_text(text: str) -> list[list[str]]:
    """Split pasted or imported text into cells: tabs, semicolons or commas, whichever the first line has.

    Raises
    ------
    DataError
        There is nothing in it, or its quotes do not close.
    """
    lines = text.lstrip("\ufeff").strip("\r\n")
    first = lines.partition("\n")[0]
    mark = next((mark for mark in ("\t", ";", ",") if mark in first), "\t")
    try:
        found = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(lines), delimiter=mark, strict=True)]
    except csv.Error as error:
        raise DataError(f"The text cannot be read as a table: {error}.") from error
    table = [row for row in found if any(row)]
    if not table:
        raise DataError("There is nothing to put into the table.")
    return table


def _header(cells: Sequence[str]) -> list[str]:
    """Columns a first row names, "" for those not known here; an empty list where it holds values."""
    labels = {str(column["label"]).lower(): str(column["name"]) for column in COLUMNS}
    names = [cell.lower().replace(" ", "_") for cell in cells]
    known = [name if name in FIELDS else labels.get(cell.lower(), "") for name, cell in zip(names, cells, strict=True)]
    return known if {"symbol", "quantity"} <= set(known) else []


def _row(given: Mapping[str, Any]) -> dict[str, str]:
    starts = {column["name"]: column.get("start", "") for column in COLUMNS}
    row = {name: str(given.get(name, starts[name]) or "") for name in ORDER}
    return {**row, "side": row["side"].strip().lower(), "margin_mode": row["margin_mode"].strip().lower()}


def _problem(level: str, problem: CellProblem) -> dict[str, Any]:
    return {"row": problem.row, "column": problem.column, "level": level, "short": problem.message}
