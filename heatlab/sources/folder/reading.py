"""Bytes of one file to raw columns: headers without the data, rows when asked, times and numbers with clear errors."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heatlab.errors import DataError, MissingColumnsError
from heatlab.frames import TIMESTAMP, time_index

VENUE_COLUMNS = ("exchange", "venue")
TEXT_COLUMNS = (TIMESTAMP, "symbol", *VENUE_COLUMNS, "side", "position_side", "order_side", "amount_unit", "snapshot")
OFFSET = r"(Z|UTC|[+-]\d{2}:?\d{2})$"
TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one venue and symbol within a file. The names are the file's own; "" where it has no such column."""

    venue: str
    symbol: str
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    rows: int


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a file without reading its numbers."""

    columns: tuple[str, ...]
    venue_column: str
    parts: tuple[Part, ...]


def read_header(path: Path) -> Header:
    """Read a file's columns and which venues and symbols it holds.

    Raises
    ------
    DataError
        The file is damaged or empty, or the stamps of its ends cannot be read.
    """
    return _parquet_header(path) if path.suffix.lower() == ".parquet" else _csv_header(path)


def read_rows(path: Path, part: Part, *, where: str) -> pd.DataFrame:
    """Read the rows of one venue and symbol, columns as they are in the file, index 0..n-1.

    Raises
    ------
    DataError
        The file is damaged.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet_rows(path, part, where)
    raw = _read_csv(path, where)
    for names, value in ((VENUE_COLUMNS, part.venue), (("symbol",), part.symbol)):
        column = next((name for name in names if name in raw), None)
        if column and value:
            raw = raw[raw[column] == value]
    return raw


def _parquet_header(path: Path) -> Header:
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            venue_column = next((name for name in VENUE_COLUMNS if name in columns), "")
            if not file.metadata.num_rows:
                raise DataError(f"{path.name} has no rows.")
            parts = _from_statistics(file.metadata, columns, venue_column) or _from_rows(file, columns, venue_column)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path.name} is no readable Parquet file ({_short(error)}).") from error
    return Header(columns, venue_column, parts)


def _from_statistics(metadata: Any, columns: tuple[str, ...], venue_column: str) -> tuple[Part, ...]:
    """One part from the footer alone, where venue and symbol each have one value; else ()."""
    wanted = [name for name in (venue_column, "symbol", TIMESTAMP) if name in columns]
    ends: dict[str, tuple[Any, Any]] = {}
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        chunks = {row_group.column(i).path_in_schema: row_group.column(i) for i in range(row_group.num_columns)}
        for name in wanted:
            statistics = chunks[name].statistics if name in chunks else None
            if statistics is None or not statistics.has_min_max:
                return ()
            low, high = ends.get(name, (statistics.min, statistics.max))
            ends[name] = (min(low, statistics.min), max(high, statistics.max))
    texts = {name: ends[name] for name in (venue_column, "symbol") if name in ends}
    if any(low != high for low, high in texts.values()):
        return ()
    first, last = (_stamp(value) for value in ends.get(TIMESTAMP, (None, None)))
    names = {name: str(low) for name, (low, _) in texts.items()}
    return (Part(names.get(venue_column, ""), names.get("symbol", ""), first, last, metadata.num_rows),)


def _from_rows(file: Any, columns: tuple[str, ...], venue_column: str) -> tuple[Part, ...]:
    keys = [name for name in (venue_column, "symbol") if name in columns]
    if not keys:
        return (Part("", "", None, None, file.metadata.num_rows),)
    timed = TIMESTAMP in columns and pa.types.is_timestamp(file.schema_arrow.field(TIMESTAMP).type)
    table = file.read(columns=[*keys, TIMESTAMP] if timed else keys)
    wanted = [(keys[0], "count"), *([(TIMESTAMP, "min"), (TIMESTAMP, "max")] if timed else [])]
    return tuple(
        Part(
            str(row.get(venue_column) or ""),
            str(row.get("symbol") or ""),
            _stamp(row.get(f"{TIMESTAMP}_min")),
            _stamp(row.get(f"{TIMESTAMP}_max")),
            int(row[f"{keys[0]}_count"]),
        )
        for row in table.group_by(keys).aggregate(wanted).to_pylist()
    )


def _stamp(value: Any) -> pd.Timestamp | None:
    stamp = pd.Timestamp(value) if hasattr(value, "tzinfo") and value.tzinfo is not None else None
    return stamp.tz_convert("UTC") if stamp is not None else None


def _parquet_rows(path: Path, part: Part, where: str) -> pd.DataFrame:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{where} is no readable Parquet file ({_short(error)}).") from error
    for names, value in ((VENUE_COLUMNS, part.venue), (("symbol",), part.symbol)):
        column = next((name for name in names if name in table.column_names), None)
        if column and value:
            table = table.filter(pc.equal(table[column], value))
    rows: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
    return rows


def _csv_header(path: Path) -> Header:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            lines = csv.reader(handle)
            columns, first = tuple(next(lines, ())), next(lines, [])
            last = _last_line(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is no readable CSV file ({_short(error)}).") from error
    if not columns:
        raise DataError(f"{path.name} is empty: it has no header row.")
    if not first:
        raise DataError(f"{path.name} has a header but no rows.")
    venue_column = next((name for name in VENUE_COLUMNS if name in columns), "")
    keys = [name for name in (venue_column, "symbol") if name in columns]
    if keys:
        return Header(columns, venue_column, _csv_parts(path, keys, venue_column))
    return Header(columns, "", (Part("", "", *_csv_ends(path, columns, first, last), 0),))


def _csv_parts(path: Path, keys: list[str], venue_column: str) -> tuple[Part, ...]:
    raw = _read_csv(path, path.name)
    labels = raw[keys].fillna("")
    found = []
    for _, rows in labels.groupby(keys, sort=False):
        texts = [str(rows[name].iloc[0]) if name in keys else "" for name in (venue_column, "symbol")]
        ends: Any = (None, None)
        if TIMESTAMP in raw:
            ends = parse_times(raw.loc[rows.index[[0, -1]], TIMESTAMP], where=path.name, first_row=2)
        found.append(Part(texts[0], texts[1], ends[0], ends[1], len(rows)))
    return tuple(found)


def _csv_ends(
    path: Path, columns: tuple[str, ...], first: list[str], last: list[str]
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    if TIMESTAMP not in columns:
        return None, None
    place = columns.index(TIMESTAMP)
    stamps = [line[place] if place < len(line) else "" for line in (first, last)]
    try:
        ends = parse_times(pd.Series(stamps, dtype="object"), where=path.name, first_row=2)
    except DataError:  # read the whole column, so that the message names the first bad row of the file
        ends = parse_times(_read_csv(path, path.name)[TIMESTAMP], where=path.name, first_row=2)
    return ends[0], ends[-1]


def _last_line(path: Path) -> list[str]:
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = handle.read().decode("utf-8", errors="replace").splitlines()
    return next(csv.reader([line for line in reversed(lines) if line.strip()][:1]), [])


def _read_csv(path: Path, where: str) -> pd.DataFrame:
    text: Any = dict.fromkeys(TEXT_COLUMNS, "str")
    try:
        return pd.read_csv(path, dtype=text, encoding="utf-8-sig", skip_blank_lines=False, low_memory=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{where} is no readable CSV file ({_short(error)}).") from error


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def require_columns(raw: pd.DataFrame, names: tuple[str, ...], *, where: str) -> None:
    """Raise MissingColumnsError unless ``raw`` has all of ``names``."""
    missing = [name for name in names if name not in raw]
    if missing:
        raise MissingColumnsError(
            f"{where} must have the columns {', '.join(names)}. "
            f"Missing {', '.join(missing)}; got {', '.join(map(str, raw.columns))}."
        )


def parse_numbers(raw: pd.DataFrame, name: str, *, where: str, first_row: int) -> np.ndarray:
    """Column ``name`` as float64, NaN where the file has nothing.

    Raises
    ------
    DataError
        A value is text; the message names its row.
    """
    values = raw[name]
    numbers = pd.to_numeric(values, errors="coerce")
    text = np.flatnonzero(numbers.isna() & values.notna())
    if len(text):
        row = int(text[0])
        raise DataError(
            f"Column '{name}' of {where} must be numeric. Row {row + first_row} is {str(values.iloc[row])!r}."
        )
    return numbers.to_numpy(dtype="float64", na_value=np.nan)


def parse_times(values: pd.Series[Any], *, where: str, first_row: int) -> pd.DatetimeIndex:
    """Stamps as a canonical index: instants with a time zone, or integer milliseconds since 1970-01-01 UTC.

    Raises
    ------
    DataError
        A stamp is missing, has no time zone, has another one than the first, or is no time; the message names it.
    """
    place = f"Column '{TIMESTAMP}' of {where}"
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        _refuse_missing(values.isna().to_numpy(), place, first_row)
        return pd.DatetimeIndex(values).tz_convert("UTC").as_unit("ms").rename(TIMESTAMP)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise DataError(f"{place} must name a time zone. Row {first_row} ({values.iloc[0]}) has none; store it as UTC.")
    _refuse_missing(values.isna().to_numpy(), place, first_row)
    texts = values.astype("str").str.strip()
    if texts.str.fullmatch(r"\d+").all():
        return _from_milliseconds(texts, place, first_row)
    return _from_text(texts, place, first_row)


def _from_milliseconds(texts: pd.Series[Any], place: str, first_row: int) -> pd.DatetimeIndex:
    numbers = texts.str[:18].astype("int64").to_numpy()
    bad = np.flatnonzero((numbers < 10**11) | (numbers >= 10**13))
    if len(bad):
        row = int(bad[0])
        raise DataError(
            f"{place} must be milliseconds since 1970 (12 or 13 digits). Row {row + first_row} is {texts.iloc[row]}."
        )
    return time_index(numbers)


def _from_text(texts: pd.Series[Any], place: str, first_row: int) -> pd.DatetimeIndex:
    zones = texts.str.extract(OFFSET, expand=False).replace({"Z": "+00:00", "UTC": "+00:00"})
    plain = np.flatnonzero(zones.isna())
    parsed = pd.to_datetime(texts.str.replace(r"\s*UTC$", "Z", regex=True), utc=True, format="ISO8601", errors="coerce")
    bad = np.flatnonzero(parsed.isna())
    if len(bad):
        row = int(bad[0])
        raise DataError(f"{place} must be a time. Row {row + first_row} is {texts.iloc[row]!r}.")
    if len(plain):
        row = int(plain[0])
        raise DataError(
            f"{place} must name a time zone in every row, such as 2026-01-31T22:00:00Z. "
            f"Row {row + first_row} is {texts.iloc[row]!r}."
        )
    other = np.flatnonzero(zones.str.replace(":", "") != str(zones.iloc[0]).replace(":", ""))
    if len(other):
        row = int(other[0])
        raise DataError(
            f"{place} must keep to one time zone. Row {row + first_row} is {texts.iloc[row]!r}, "
            f"row {first_row} is {texts.iloc[0]!r}."
        )
    return pd.DatetimeIndex(parsed).as_unit("ms").rename(TIMESTAMP)


def _refuse_missing(missing: np.ndarray, place: str, first_row: int) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise DataError(f"{place} must have a time in every row. Row {row + first_row} has none.")
