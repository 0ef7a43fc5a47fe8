"""Damaged files: each kind is named with file, column and row, and harms no other symbol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from heatlab.errors import DataError, MissingColumnsError
from heatlab.sources import FolderSource
from tests.sources.folders import bars, lines, row, save

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
GOOD = [row(hour) for hour in range(4)]


def csv(*rows: str, **kwargs: str) -> Callable[[Path], Path]:
    """Writer of a CSV file of these rows."""
    return lambda folder: lines(folder / "BTC-USDT-USDT_1h.csv", *rows, **kwargs)


def parquet(table: pd.DataFrame) -> Callable[[Path], Path]:
    """Writer of a Parquet file of this table."""
    return lambda folder: save(table, folder / "BTC-USDT-USDT_1h.parquet")


def cut_short(folder: Path) -> Path:
    """Parquet file without its footer."""
    path = save(bars(50), folder / "BTC-USDT-USDT_1h.parquet")
    path.write_bytes(path.read_bytes()[:-30])
    return path


def no_text(folder: Path) -> Path:
    """File of bytes that are no text."""
    path = lines(folder / "BTC-USDT-USDT_1h.csv", *GOOD)
    path.write_bytes(path.read_bytes() + b"\xff\xfe\x80\n")
    return path


def with_cell(column: str, place: int, value: object) -> pd.DataFrame:
    """Good candles with one bad cell."""
    table = bars(10)
    table[column] = table[column].astype("object") if isinstance(value, str) else table[column]
    table.loc[place, column] = value
    return table.astype({column: "str"}) if isinstance(value, str) else table


DAMAGE = {
    "negative price": (
        csv(*GOOD, row(4, close="-101", low="-102")),
        r"Column 'low' .*BTC-USDT-USDT_1h.csv.* Row 6 .* is -102",
    ),
    "zero price": (csv(*GOOD, row(4, low="0")), r"Column 'low' .* must be positive and finite .* Row 6 "),
    "negative volume": (csv(*GOOD, row(4, volume="-5")), r"Column 'volume' .* Row 6 .* is -5"),
    "close above high": (csv(*GOOD, row(4, close="103")), r"low <= open, close <= high\. Row 6 "),
    "text in a number column": (
        csv(*GOOD, row(4, close="n.a.")),
        r"Column 'close' .*\.csv must be numeric\. Row 6 is 'n\.a\.'",
    ),
    "thousands separators": (csv(row(0), row(1, close='"1,010"')), r"Column 'close' .* Row 3 is '1,010'"),
    "missing value": (csv(row(0), row(1, close=""), row(2)), r"Column 'close' .* a value in every row\. Row 3 "),
    "missing volume": (csv(row(0), row(1, volume="")), r"Column 'volume' .* a value in every row\. Row 3 "),
    "cut last line": (csv(*GOOD, "2026-01-05T04:00:00Z,100,10"), r"Column 'low' .* a value in every row\. Row 6 "),
    "too many cells": (csv(row(0), row(1) + ",7,8"), r"no readable CSV file .*line 3"),
    "unsorted": (csv(row(1), row(0), row(2)), r"Column 'timestamp' .* must be sorted\. Row 3 .* before row 2"),
    "duplicated": (csv(row(0), row(1), row(1)), r"must not repeat\. Row 4 .* duplicate"),
    "off the grid": (
        csv(row(0), row(1).replace("01:00:00", "01:05:00")),
        r"1h grid its name says\. Row 3 opens at .*01:05",
    ),
    "naive time": (
        csv(row(0), row(1, zone=""), row(2)),
        r"must name a time zone in every row.* Row 3 is '2026-01-05T01:00:00'",
    ),
    "naive times": (csv(row(0, zone=""), row(1, zone="")), r"must name a time zone in every row.* Row 2 "),
    "mixed time zones": (csv(row(0), row(1, zone="+01:00"), row(2)), r"keep to one time zone\. Row 3 is .*\+01:00"),
    "no time": (csv(row(0), row(1).replace("2026-01-05T01", "yesterday")), r"must be a time\. Row 3 is 'yesterday"),
    "empty time": (csv(row(0), row(1)[20:], row(2)), r"must have a time in every row\. Row 3 has none"),
    "seconds for milliseconds": (csv("1767571200,1,1,1,1,1"), r"must be milliseconds since 1970.* Row 2 is 1767571200"),
    "wrong columns": (csv(*GOOD, header="time,o,h,l,c,v"), None),
    "a column missing": (
        csv("2026-01-05T00:00:00Z,1,1,1,1", header="timestamp,open,high,low,close"),
        r"Missing volume",
    ),
    "empty file": (lambda folder: lines(folder / "BTC-USDT-USDT_1h.csv", header=""), r"is empty: it has no header row"),
    "header only": (csv(), r"has a header but no rows"),
    "no text": (no_text, r"no readable CSV file"),
    "truncated Parquet": (cut_short, r"BTC-USDT-USDT_1h\.parquet is no readable Parquet file"),
    "Parquet without rows": (parquet(bars(0)), r"has no rows"),
    "Parquet with naive times": (
        parquet(bars(3).assign(timestamp=lambda t: t["timestamp"].dt.tz_localize(None))),
        r"must name a time zone\. Row 0 .* has none",
    ),
    "Parquet with text": (parquet(with_cell("close", 4, "x")), r"Column 'close' .* must be numeric\. Row 4 is 'x'"),
    "Parquet with an infinite price": (
        parquet(with_cell("high", 4, float("inf"))),
        r"Column 'high' .* Row 4 .* is inf",
    ),
    "Parquet with a missing price": (
        parquet(with_cell("close", 4, float("nan"))),
        r"Column 'close' .* Row 4 .* has none",
    ),
}


@pytest.mark.parametrize("kind", sorted(set(DAMAGE) - {"wrong columns"}))
def test_a_damaged_file_is_an_error_when_asked_for(tmp_path: Path, kind: str) -> None:
    """The message names file, column and row; the other symbol is served; the gallery gets a notice."""
    write, message = DAMAGE[kind]
    write(tmp_path / "okx")
    save(bars(4, price=3_000), tmp_path / "okx" / "ETH-USDT-USDT_1h.csv")
    source = FolderSource(tmp_path)
    for _ in range(2):
        with pytest.raises(DataError, match=message):
            source.candles(BTC, "1h")
    assert len(source.candles(ETH, "1h")) == 4
    assert any("BTC-USDT-USDT_1h" in notice.where for notice in source.notices())
    assert len(source.notices()) == 1


def test_a_missing_column_has_its_own_error(tmp_path: Path) -> None:
    """Callers can tell a table of another shape from bad values."""
    DAMAGE["a column missing"][0](tmp_path / "okx")
    with pytest.raises(MissingColumnsError, match=r"must have the columns timestamp, open.*got timestamp, open"):
        FolderSource(tmp_path).candles(BTC, "1h")


def test_a_file_of_other_columns_is_left_out(tmp_path: Path) -> None:
    """Nothing is guessed from columns with other names."""
    DAMAGE["wrong columns"][0](tmp_path / "okx")
    (notice,) = FolderSource(tmp_path).notices()
    assert "its columns (time, o, h, l, c, v)" in notice.message


def test_damage_in_one_timeframe_spares_the_others_of_the_symbol(tmp_path: Path) -> None:
    """Only what the damaged file holds is refused, and what would be built from it."""
    cut_short(tmp_path / "okx")
    save(bars(48, "1m"), tmp_path / "okx" / "BTC-USDT-USDT_1m.csv")
    source = FolderSource(tmp_path)
    assert len(source.candles(BTC, "15m")) == 3
    for timeframe in ("1h", "4h"):
        with pytest.raises(DataError, match="no readable Parquet file"):
            source.candles(BTC, timeframe)


def test_a_damaged_symbol_is_not_listed(tmp_path: Path) -> None:
    """The gallery shows what can be read."""
    cut_short(tmp_path / "okx")
    save(bars(4), tmp_path / "okx" / "ETH-USDT-USDT_1h.csv")
    assert [item.base for item in FolderSource(tmp_path).instruments()] == ["ETH"]


def test_rows_of_one_symbol_are_numbered_within_it(tmp_path: Path) -> None:
    """In a file of many symbols the message says whose rows it counts."""
    both = pd.concat([bars(3).assign(symbol=ETH), bars(3).assign(symbol=BTC)], ignore_index=True)
    both.loc[4, "volume"] = -1.0
    save(both, tmp_path / "okx" / "all_1h.csv")
    source = FolderSource(tmp_path)
    with pytest.raises(DataError, match=r"all_1h\.csv, rows of BTC/USDT:USDT .* Row 2 "):
        source.candles(BTC, "1h")
    assert len(source.candles(ETH, "1h")) == 3
