"""Positions from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from heatlab.errors import DataError, MissingColumnsError, SourceError
from heatlab.frames.position_records import FIELDS, REQUIRED, CellProblem, PositionsRead, positions_from_records


def read_positions(path: str | Path) -> pd.DataFrame:
    """Read positions from a CSV file with a header row.

    Columns ``symbol`` (unified, ``BTC/USDT:USDT``), ``venue`` (ccxt id), ``side`` (long or short), ``quantity``
    [base, > 0; of a coin-margined contract its worth in coin at entry] and ``entry_price`` [quote] are required;
    ``leverage``, ``margin_mode`` (isolated, the default, or cross), ``margin`` [quote], ``mark_price`` and
    ``liquidation_price`` [quote] may follow, and ``wallet_balance`` [quote]: the balance of the venue's cross account,
    the same in each of its rows. An empty optional cell is unknown (NaN). Rows without any text are ignored.

    Returns
    -------
    DataFrame
        Canonical positions, one row per row of the file; ``attrs["wallet_balance"]`` holds the balance by venue.

    Raises
    ------
    SourceError
        The file cannot be read.
    MissingColumnsError
        A required column is missing.
    DataError
        Cells break their rule; the message lists up to ten with row (the header is row 1), column, what is allowed
        and what the file has.
    """
    place = Path(path).expanduser()
    try:
        with place.open(encoding="utf-8-sig", newline="") as handle:
            rows = [(number, row) for number, row in _numbered(handle) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"The positions file {str(path)!r} cannot be read: {error}") from error
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    _check_header(header, place.name)
    records = [dict(zip(header, row, strict=False)) for _, row in rows[1:]]
    read = positions_from_records(records, where=place.name, rows=[number for number, _ in rows[1:]])
    short = [
        CellProblem(number, "", f"must have {len(header)} cells. Got {len(row)}.")
        for number, row in rows[1:]
        if len(row) != len(header)
    ]
    if short:
        read = PositionsRead(None, (*read.problems, *short))
    return read.or_raise(place.name)


def _numbered(handle: Any) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(handle)
    start = 1
    for row in reader:
        yield start, row
        start = reader.line_num + 1


def _check_header(header: list[str], name: str) -> None:
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise MissingColumnsError(
            f"The positions file {name} must have the columns {', '.join(REQUIRED)} in row 1. "
            f"Missing {', '.join(missing)}; got {', '.join(header) or 'an empty file'}."
        )
    unknown = [column for column in header if column not in FIELDS]
    if unknown or len(set(header)) != len(header):
        raise DataError(
            f"The positions file {name} may have each of the columns {', '.join(FIELDS)} once. "
            f"Got {', '.join(unknown) or ', '.join(header)}."
        )
