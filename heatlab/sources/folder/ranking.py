"""Which venue comes first, and which instruments trade most."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heatlab.domain import Instrument
from heatlab.sources.folder.index import Entry
from heatlab.sources.folder.names import instrument, is_perpetual
from heatlab.sources.folder.reading import TAIL_BYTES

RECENT_BARS = 168
DAY_MS = 86_400_000


def ordered_venues(entries: list[Entry]) -> tuple[str, ...]:
    """Venues with candles: most perpetuals first, then most bytes, then by name."""
    perpetuals: dict[str, set[str]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for entry in entries:
        sizes[entry.venue] += entry.size
        if is_perpetual(entry.symbol):
            perpetuals[entry.venue].add(entry.symbol)
    return tuple(sorted(sizes, key=lambda venue: (-len(perpetuals[venue]), -sizes[venue], venue)))


def ordered_instruments(entries: list[Entry], venue: str, now: pd.Timestamp) -> tuple[Instrument, ...]:
    """Instruments of one venue: perpetuals before spot pairs, most traded first.

    Traded is notional a day over the last 168 bars of the file that ends last. Symbols whose data end more than a
    week before ``now`` follow after those; file size decides ties.
    """
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.venue == venue:
            found[entry.symbol].append(entry)
    ranks = {symbol: _rank(symbol, files, now) for symbol, files in found.items()}
    return tuple(instrument(symbol, venue) for symbol in sorted(ranks, key=lambda symbol: ranks[symbol]))


def _rank(symbol: str, entries: list[Entry], now: pd.Timestamp) -> tuple[bool, bool, float, int, str]:
    latest = max(entries, key=lambda entry: (_last(entry), entry.timeframe or ""))
    old = now - _last(latest) > pd.Timedelta(days=7)
    size = sum(entry.size for entry in entries)
    return not is_perpetual(symbol), old, -daily_notional(latest), -size, symbol


def _last(entry: Entry) -> pd.Timestamp:
    return entry.part.last if entry.part.last is not None else pd.Timestamp(0, tz="UTC")


def daily_notional(entry: Entry) -> float:
    """Mean notional traded a day [quote] over the last bars of a candle file; 0.0 where its tail has no numbers.

    For ordering only: the file's errors are raised when its candles are asked for.
    """
    if entry.timeframe is None:
        return 0.0
    close, volume = _tail(entry)
    notional = pd.to_numeric(close, errors="coerce") * pd.to_numeric(volume, errors="coerce")
    mean = notional.mean() if len(notional) else np.nan
    return float(mean) * DAY_MS / entry.timeframe.milliseconds if np.isfinite(mean) else 0.0


def _tail(entry: Entry) -> tuple[pd.Series, pd.Series]:
    try:
        table = _parquet_tail(entry) if entry.path.suffix.lower() == ".parquet" else _csv_tail(entry.path)
    except (OSError, ValueError, pa.ArrowException):  # damaged since the index was built; reported when asked for
        table = pd.DataFrame({"close": [], "volume": []})
    table = table.iloc[-RECENT_BARS:]
    return table["close"], table["volume"]


def _parquet_tail(entry: Entry) -> pd.DataFrame:
    with pq.ParquetFile(entry.path) as file:
        labels = [name for name in ("symbol",) if name in file.schema_arrow.names and entry.part.symbol]
        rows = file.read_row_group(file.metadata.num_row_groups - 1, columns=["close", "volume", *labels])
    table: pd.DataFrame = rows.to_pandas()
    return table[table["symbol"] == entry.part.symbol] if labels else table


def _csv_tail(path: Path) -> pd.DataFrame:
    with path.open("rb") as handle:
        names = handle.readline().decode("utf-8-sig", errors="replace").strip().split(",")
        start = handle.tell()
        handle.seek(max(start, path.stat().st_size - TAIL_BYTES))
        lines = handle.read().decode("utf-8", errors="replace").splitlines()[1:]
    cells = [line.split(",") for line in lines if line.count(",") == len(names) - 1]
    return pd.DataFrame(cells, columns=names)
