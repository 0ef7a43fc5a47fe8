"""Small folders of market data for the tests of the folder source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.frames import time_index

START = "2026-01-05 00:00"


def at(text: str) -> pd.Timestamp:
    """UTC time."""
    return pd.Timestamp(text, tz="UTC")


def bars(
    count: int, timeframe: str = "1h", *, start: str = START, price: float = 100.0, volume: float = 1.0
) -> pd.DataFrame:
    """Candles with a column of stamps; every value follows from its open time."""
    step = Timeframe(timeframe).milliseconds
    stamps = int(at(start).timestamp() * 1000) + np.arange(count) * step
    wave = price * (1 + 0.01 * np.sin(stamps / 86_400_000))
    columns = {"open": wave, "high": wave * 1.002, "low": wave * 0.998, "close": wave, "volume": np.full(count, volume)}
    return pd.DataFrame({"timestamp": time_index(stamps), **columns})


def save(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as its file name asks, making folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path


def lines(path: Path, *rows: str, header: str = "timestamp,open,high,low,close,volume") -> Path:
    """Write a CSV file line by line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def row(hour: int, *, close: str = "101", volume: str = "5", zone: str = "Z", low: str = "99") -> str:
    """One good hourly row of a CSV file, with a cell to spoil."""
    return f"2026-01-05T{hour:02d}:00:00{zone},100,102,{low},{close},{volume}"
