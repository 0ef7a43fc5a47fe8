"""Which file holds what: built from names, headers and footers, never from the numbers."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from heatlab.domain import Timeframe
from heatlab.errors import DataError, MissingColumnsError, SourceError
from heatlab.frames import CANDLES, TIMESTAMP
from heatlab.sources.base import Capability, Notice
from heatlab.sources.folder.names import RULE, FileName, is_unified, parse_name, symbol_of, venue_id, venue_of_file
from heatlab.sources.folder.reading import Header, Part, read_header

MOST_FILES = 20_000
SUFFIXES = (".parquet", ".csv")
LABELS = {TIMESTAMP, "symbol", "exchange", "venue"}
OPEN_INTEREST_COLUMNS = LABELS | {"open_interest", "open_interest_value"}
FUNDING_COLUMNS = LABELS | {"funding_rate", "funding_interval"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's rows of one venue and symbol.

    ``error`` says why they cannot be used, if they cannot; ``shared`` that the file holds other symbols too.
    """

    kind: Capability
    path: Path
    where: str
    venue: str
    symbol: str
    part: Part
    timeframe: Timeframe | None = None
    size: int = 0
    error: DataError | None = None
    shared: bool = False


@dataclass
class Index:
    """Everything usable in a folder, by kind, venue and symbol, and notices of the rest."""

    entries: dict[tuple[Capability, str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    notices: list[Notice] = field(default_factory=list)

    def find(self, kind: Capability, venue: str, symbol: str) -> list[Entry]:
        """Entries of one table, broken ones included."""
        return self.entries.get((kind, venue, symbol), [])

    def usable(self, kind: Capability) -> list[Entry]:
        """Entries of one kind that are not known to be broken."""
        return [entry for key, found in self.entries.items() if key[0] is kind for entry in found if not entry.error]


def build_index(root: Path) -> Index:
    """Look at every Parquet and CSV file below ``root``.

    Raises
    ------
    SourceError
        The folder holds more files than a data folder has.
    """
    index = Index()
    for path in _files(root):
        where = str(path.relative_to(root))
        name = parse_name(path.stem)
        try:
            found: list[Entry] | str = _entries(path, where, name, read_header(path))
        except DataError as error:
            found = _broken(path, where, name, error)
        if isinstance(found, str):
            index.notices.append(Notice(where, found))
            continue
        for entry in found:
            index.entries[entry.kind, entry.venue, entry.symbol].append(entry)
            if entry.error:
                index.notices.append(Notice(where, str(entry.error)))
    return index


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
        if len(found) > MOST_FILES:
            raise SourceError(f"{root} holds more than {MOST_FILES} data files. Name the folder that holds the market.")
    return found


def kind_of(columns: set[str]) -> Capability | None:
    """Name the canonical table that columns can be turned into, if any."""
    rules = {
        Capability.CANDLES: {"open", "high", "low", "close", "volume", TIMESTAMP} <= columns,
        Capability.OPEN_INTEREST: TIMESTAMP in columns
        and bool({"open_interest", "open_interest_value"} & columns)
        and columns <= OPEN_INTEREST_COLUMNS,
        Capability.FUNDING: {TIMESTAMP, "funding_rate"} <= columns <= FUNDING_COLUMNS,
        Capability.LIQUIDATIONS: {TIMESTAMP, "price", "quantity"} <= columns
        and bool({"side", "position_side"} & columns)
        and bool({"notional", "notional_usd"} & columns),
        Capability.ORDER_BOOK: {TIMESTAMP, "side", "price"} <= columns
        and bool({"amount", "quantity"} & columns)
        and not {"notional", "notional_usd", "account"} & columns,
        Capability.BRACKETS: {"maintenance_margin_rate", "max_leverage"} <= columns
        and bool({"min_notional", "notional_floor"} & columns),
    }
    return next((kind for kind, holds in rules.items() if holds), None)


def _entries(path: Path, where: str, name: FileName, header: Header) -> list[Entry] | str:
    """Entries of a readable file, or the reason to leave it out."""
    kind = kind_of(set(header.columns))
    if kind is None:
        return _no_table(path, where, name, header)
    if kind is Capability.CANDLES:
        if name.timeframe is None:
            return f"Skipped: its name does not say the timeframe. Candle files are named {RULE}."
        if name.rest:
            return f"Skipped: its name says '{name.rest}', so these are no candles of trades."
    entries = [_entry(kind, path, where, name, part, len(header.parts)) for part in header.parts]
    known = [entry for entry in entries if isinstance(entry, Entry)]
    return known or str(next(iter(entries), "Skipped: it has no rows."))


def _entry(kind: Capability, path: Path, where: str, name: FileName, part: Part, parts: int) -> Entry | str:
    symbol = (
        part.symbol if is_unified(part.symbol) else symbol_of(part.symbol or "") or ("" if part.symbol else name.symbol)
    )
    if not symbol:
        named = f"its symbol '{part.symbol}' is not" if part.symbol else "neither its rows nor its name say"
        return f"Skipped: {named} a unified symbol such as BTC/USDT:USDT. Files are named {RULE}."
    shared = not name.symbol and kind is not Capability.CANDLES
    venue = venue_id(part.venue or venue_of_file(path, name, shared=shared), symbol)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_. -]*", venue):
        return f"Skipped: '{venue}' names no single venue, so its rows belong to no market."
    error = None
    if kind is Capability.CANDLES and name.symbol and name.symbol != symbol:
        error = DataError(f"{where} is named after {name.symbol} but holds {symbol}.")
        symbol = name.symbol
    size = path.stat().st_size // parts
    timeframe = name.timeframe if kind is Capability.CANDLES else None
    return Entry(kind, path, where, venue, symbol, part, timeframe, size, error, parts > 1)


def _no_table(path: Path, where: str, name: FileName, header: Header) -> list[Entry] | str:
    missing = [column for column in (TIMESTAMP, *CANDLES.required) if column not in header.columns]
    if name.symbol and name.timeframe and not name.rest and len(missing) < len(CANDLES.required):
        error = MissingColumnsError(
            f"{where} must have the columns {TIMESTAMP}, {', '.join(CANDLES.required)}. "
            f"Missing {', '.join(missing)}; got {', '.join(header.columns)}."
        )
        return _broken(path, where, name, error)
    shown = ", ".join(header.columns[:6]) + (", ..." if len(header.columns) > 6 else "")
    return f"Skipped: its columns ({shown}) make none of the tables this source reads."


def _broken(path: Path, where: str, name: FileName, error: DataError) -> list[Entry] | str:
    if not (name.symbol and name.timeframe) or name.rest:
        return str(error)
    venue = venue_id(path.parent.name, name.symbol)
    part = Part("", "", None, None, 0)
    return [Entry(Capability.CANDLES, path, where, venue, name.symbol, part, name.timeframe, 0, error)]


def span(entries: list[Entry]) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """First open and last close over candle entries, from their footers; None where no footer says."""
    ends = [
        (entry.part.first, entry.part.last + entry.timeframe.delta)
        for entry in entries
        if entry.part.first is not None and entry.part.last is not None and entry.timeframe is not None
    ]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None
