"""Positions typed by people, in a file or in a table on screen: one set of rules for both."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from heatlab.domain import NAN, MarginMode, Side
from heatlab.errors import DataError, ParameterError
from heatlab.frames.schema import POSITIONS, check, empty

REQUIRED = ("symbol", "venue", "side", "quantity", "entry_price")
NUMBERS = {
    "quantity": "a positive number [base]",
    "entry_price": "a positive number [quote]",
    "mark_price": "a positive number [quote]",
    "leverage": "a positive number",
    "margin": "a number of 0 or more [quote]",
    "liquidation_price": "a number of 0 or more [quote]",
}
FROM_ZERO = ("margin", "liquidation_price")
WALLET = "wallet_balance"
FIELDS = (*POSITIONS.names, WALLET)
"""Columns a person may fill in."""
MOST_PROBLEMS = 10
Record = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with, or worth knowing about, one cell.

    Attributes
    ----------
    row : int
        Number of the row as its owner counts them.
    column : str
        Empty where it is about the whole row.
    message : str
        What is allowed and what was given, or what follows from it.
    """

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        """``row 3, column 'side' must be ...``."""
        return f"row {self.row}{f', column {self.column!r}' if self.column else ''} {self.message}"


@dataclass(frozen=True)
class PositionsRead:
    """What came of reading records.

    Attributes
    ----------
    table : DataFrame or None
        Canonical positions, ``attrs["wallet_balance"]`` the balance by venue; None where there are problems.
    problems : tuple of CellProblem
        Cells that break their rule, in the order of the rows.
    notes : tuple of CellProblem
        Cells that are allowed but leave something unknown.
    """

    table: pd.DataFrame | None
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[CellProblem, ...] = ()

    def or_raise(self, where: str) -> pd.DataFrame:
        """Return the table, or raise DataError listing up to ten problems of ``where``."""
        if self.table is None:
            raise DataError(_listed(self.problems, where))
        return self.table


def positions_from_records(
    records: Sequence[Record],
    *,
    where: str = "",
    rows: Sequence[int] | None = None,
    markets: Mapping[str, Collection[str]] | None = None,
) -> PositionsRead:
    """Read positions from rows of text.

    Parameters
    ----------
    records : sequence of mappings of column to text
        Columns as in ``FIELDS``; ``symbol``, ``venue``, ``side``, ``quantity`` and ``entry_price`` are required. An
        empty optional cell is unknown (NaN), an empty ``margin_mode`` is isolated. The quantity of a coin-margined
        (inverse) contract is its worth in coin at entry.
    where : str
        What is being read, for messages.
    rows : sequence of int, optional
        Number of each record; 1 and up without.
    markets : mapping of venue to symbols, optional
        Markets that are known: a symbol that is none of them is noted, not refused.

    Returns
    -------
    PositionsRead
    """
    numbers = list(rows) if rows is not None else list(range(1, len(records) + 1))
    problems: list[CellProblem] = []
    made = [_record(number, record, problems) for number, record in zip(numbers, records, strict=True)]
    problems += _repeats(made, numbers)
    wallets = _wallets(records, numbers, problems)
    wrong = {(problem.row, problem.column) for problem in problems}
    notes = [
        note
        for number, record, given in zip(numbers, made, records, strict=True)
        for note in _notes(number, record, given, markets)
        if (note.row, note.column) not in wrong
    ]
    if problems:
        return PositionsRead(None, tuple(problems), tuple(notes))
    table = pd.DataFrame(made, columns=list(POSITIONS.names)) if made else empty(POSITIONS)
    table.attrs[WALLET] = wallets
    return PositionsRead(check(table, POSITIONS, where=where), (), tuple(notes))


def records_of(positions: pd.DataFrame) -> list[dict[str, str]]:
    """Turn positions into rows of text that :func:`positions_from_records` reads back; unknown is empty."""
    wallets = positions.attrs.get(WALLET, {})
    rows = []
    for position in positions.to_dict("records"):
        row = {name: _text(name, position.get(name)) for name in POSITIONS.names}
        balance = wallets.get(position["venue"], NAN)
        rows.append({**row, WALLET: _text(WALLET, balance)})
    return rows


def number(text: str) -> float:
    """Read a plain decimal number; NaN where the text is none."""
    try:
        return float(text) if "_" not in text else NAN
    except ValueError:
        return NAN


def _text(name: str, value: Any) -> str:
    if name == "side":
        return Side.parse(value).label
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _record(row: int, cells: Record, problems: list[CellProblem]) -> dict[str, Any]:
    text = {name: (cells.get(name) or "").strip() for name in POSITIONS.names}
    record: dict[str, Any] = {"symbol": text["symbol"], "venue": text["venue"].lower()}

    def refuse(column: str, allowed: str) -> None:
        problems.append(CellProblem(row, column, f"must be {allowed}. Got {text[column]!r}."))

    if text["symbol"].count("/") != 1 or " " in text["symbol"]:
        refuse("symbol", "a unified symbol such as BTC/USDT:USDT")
    if not text["venue"]:
        refuse("venue", "the name of a venue such as binanceusdm")
    try:
        record["side"] = int(Side.parse(text["side"]))
    except ParameterError:
        refuse("side", "long or short")
    record["margin_mode"] = (text["margin_mode"] or MarginMode.ISOLATED.value).lower()
    if record["margin_mode"] not in set(MarginMode):
        refuse("margin_mode", "isolated or cross")
    for column, allowed in NUMBERS.items():
        record[column] = number(text[column])
        blank = not text[column] and column not in REQUIRED
        if not blank and not _allowed(record[column], column):
            refuse(column, allowed)
    return record


def _allowed(value: float, column: str) -> bool:
    least = 0.0 if column in FROM_ZERO else math.ulp(0.0)
    return (math.isfinite(value) and value >= least) or (column == "liquidation_price" and value == math.inf)


def _repeats(records: list[dict[str, Any]], rows: list[int]) -> Iterator[CellProblem]:
    seen: dict[tuple[Any, ...], int] = {}
    for row, record in zip(rows, records, strict=True):
        key = (record["symbol"], record["venue"], record.get("side"))
        if key in seen:
            yield CellProblem(
                row, "", f"repeats symbol, venue and side of row {seen[key]}: write one row per position."
            )
        seen.setdefault(key, row)


def _wallets(records: Sequence[Record], rows: list[int], problems: list[CellProblem]) -> dict[str, float]:
    """Wallet balance of each venue that gives one; two values for one venue are a problem."""
    found: dict[str, float] = {}
    for row, cells in zip(rows, records, strict=True):
        text, venue = (cells.get(WALLET) or "").strip(), (cells.get("venue") or "").strip().lower()
        if not text:
            continue
        value = number(text)
        if not (math.isfinite(value) and value >= 0):
            problems.append(CellProblem(row, WALLET, f"must be a number of 0 or more [quote]. Got {text!r}."))
        elif found.setdefault(venue, value) != value:
            allowed = f"must be the same for all rows of {venue}. Got {text!r} after {found[venue]:g}."
            problems.append(CellProblem(row, WALLET, allowed))
    return found


def _notes(
    row: int, record: dict[str, Any], given: Record, markets: Mapping[str, Collection[str]] | None
) -> Iterator[CellProblem]:
    cross, spot = record["margin_mode"] == MarginMode.CROSS, ":" not in record["symbol"]
    wallet = number((given.get(WALLET) or "").strip())
    if markets and record["symbol"].count("/") == 1:
        yield from _unknown_market(row, record["symbol"], record["venue"], markets)
    if spot:
        return
    if record["margin"] == 0 and not cross:
        yield CellProblem(row, "margin", "is 0: without equity the position is liquidated where it stands.")
    if cross and wallet == 0:
        yield CellProblem(row, WALLET, "is 0: without equity every cross position of the venue is liquidated.")
    if not math.isnan(record["liquidation_price"]):
        return
    if cross and math.isnan(wallet):
        yield CellProblem(row, WALLET, "is unknown, and so is the liquidation price of a cross position.")
    if not cross and math.isnan(record["leverage"]) and math.isnan(record["margin"]):
        yield CellProblem(row, "leverage", "is unknown and so is the margin: the liquidation price stays unknown.")


@functools.lru_cache(maxsize=4096)
def _nearest(symbol: str, known: tuple[str, ...]) -> str:
    """Known symbol most like a typed one, or nothing; kept, as a table is read again with every cell typed."""
    return next(iter(difflib.get_close_matches(symbol, known, n=1, cutoff=0.7)), "")


def _unknown_market(row: int, symbol: str, venue: str, markets: Mapping[str, Collection[str]]) -> Iterator[CellProblem]:
    if venue not in markets:
        yield CellProblem(row, "venue", f"{venue!r} is none of the source's venues: {', '.join(markets)}.")
    every = set().union(*markets.values())
    if symbol not in markets.get(venue, every):
        near = _nearest(symbol, tuple(sorted(markets.get(venue, every))))
        hint = f" Did you mean {near}?" if near else ""
        yield CellProblem(row, "symbol", f"{symbol!r} is not among the markets here: its heat stays unknown.{hint}")


def _listed(problems: Sequence[CellProblem], name: str) -> str:
    count = len(problems)
    more = f"\n... and {count - MOST_PROBLEMS} more." if count > MOST_PROBLEMS else ""
    lines = "\n".join(f"- {problem}" for problem in problems[:MOST_PROBLEMS])
    return f"The positions file {name} has {count} problem{'s' if count > 1 else ''}:\n{lines}{more}"
