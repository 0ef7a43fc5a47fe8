"""The candle cache: closed bars on disk, one Parquet file per venue, symbol, timeframe and month."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heatlab._checks import parameter_error
from heatlab._files import locked, remove_leftovers, write_atomically
from heatlab.domain import Timeframe
from heatlab.errors import DataError
from heatlab.frames import CANDLES, TIMESTAMP, check, empty, from_ms, milliseconds, stamp_ms

Span = tuple[pd.Timestamp, pd.Timestamp]
RELATIVE_TOLERANCE = 1e-9


class CandleStore:
    """Closed candles kept on disk so that they are fetched once.

    Files are ``root/VENUE/BASE-QUOTE-SETTLE_TIMEFRAME_YYYY-MM.parquet``, which a folder source reads as it stands.
    A closed bar never changes: appending it again is fine, appending another version of it raises. Each file is
    written whole beside its place, flushed and renamed, so that a crash at any moment leaves every stored bar
    readable; a month without new bars is not rewritten. Writers of one series wait for each other (several processes
    may share a store on POSIX systems); readers never wait.

    Parameters
    ----------
    root : str or Path
        Folder of the store; made when first written to.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).expanduser()

    def __repr__(self) -> str:
        """Show where the store is."""
        return f"CandleStore({str(self._root)!r})"

    @property
    def root(self) -> Path:
        """Folder of the store."""
        return self._root

    def read(
        self,
        venue: str,
        symbol: str,
        timeframe: Timeframe | str,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return stored candles with ``start`` <= open time < ``end``; an empty table where there are none.

        Raises
        ------
        DataError
            A file is damaged or holds another series; the message names it.
        """
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        parts = [series.load(path) for path in series.files() if _overlaps(path, start, end)]
        table = pd.concat(parts) if parts else empty(CANDLES)
        if start is not None:
            table = table[table.index >= start]
        if end is not None:
            table = table[table.index < end]
        table.attrs = {"venue": venue, "symbol": symbol, "timeframe": series.timeframe.value}
        return table

    def append(self, venue: str, symbol: str, timeframe: Timeframe | str, candles: pd.DataFrame) -> int:
        """Store closed candles; bars already stored are compared, not rewritten.

        Parameters
        ----------
        candles : DataFrame
            Canonical candles, closed bars only, on the grid of ``timeframe``; may overlap what is stored.

        Returns
        -------
        int
            Number of bars that were new. They are on disk when the call returns.

        Raises
        ------
        DataError
            The table breaks its contract, or a stored bar would change (the message names bar, column and both
            values; nothing is written then).
        """
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        check(candles, CANDLES, where=f"{venue} {symbol} {series.timeframe}")
        _check_labels(candles, series)
        _check_grid(candles, series)
        if candles.empty:
            return 0
        with locked(series.lock):
            remove_leftovers(series.folder, series.prefix)
            changed = [series.merged(month, rows) for month, rows in _by_month(candles)]
            for path, table, new in changed:
                if new:
                    write_atomically(path, lambda handle, table=table: series.dump(table, handle))  # type: ignore[misc]
        return sum(new for _, _, new in changed)

    def first(self, venue: str, symbol: str, timeframe: Timeframe | str) -> pd.Timestamp | None:
        """Open time of the first stored bar, or None."""
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        files = series.files()
        return series.load(files[0]).index[0] if files else None

    def last(self, venue: str, symbol: str, timeframe: Timeframe | str) -> pd.Timestamp | None:
        """Open time of the last stored bar, or None: where fetching resumes."""
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        files = series.files()
        return series.load(files[-1]).index[-1] if files else None

    def missing(
        self, venue: str, symbol: str, timeframe: Timeframe | str, start: pd.Timestamp, end: pd.Timestamp
    ) -> list[Span]:
        """List what is left to fetch between ``start`` (included) and ``end`` (excluded).

        Returns
        -------
        list of (start, end)
            Ranges of open times on the grid that are neither stored nor noted as absent, oldest first.

        Raises
        ------
        DataError
            A file is damaged; the message names it.
        """
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        step, origin = series.timeframe.milliseconds, series.timeframe.origin_ms
        low = -(-(stamp_ms(start) - origin) // step) * step + origin
        wanted = np.arange(low, stamp_ms(end), step)
        held = milliseconds(self.read(venue, symbol, timeframe, start, end).index)
        open_times = wanted[~np.isin(wanted, held)]
        for first, last in series.absent():
            open_times = open_times[(open_times < first) | (open_times >= last)]
        cuts = np.flatnonzero(np.diff(open_times) > step) + 1
        runs = [run for run in np.split(open_times, cuts) if len(run)]
        return [(from_ms(run[0]), from_ms(run[-1] + step)) for run in runs]

    def note_absent(
        self, venue: str, symbol: str, timeframe: Timeframe | str, start: pd.Timestamp, end: pd.Timestamp
    ) -> None:
        """Remember that the venue has no bars between ``start`` and ``end``, so that nobody asks again.

        For holes a venue has confirmed (downtime, the time before the listing), never for the present.
        """
        series = _Series(self._root, venue, symbol, Timeframe.parse(timeframe))
        with locked(series.lock):
            spans = _union([*series.absent(), (stamp_ms(start), stamp_ms(end))])
            write_atomically(series.absences, lambda handle: handle.write(json.dumps(spans).encode()))


class _Series:
    """Places and contents of the files of one venue, symbol and timeframe."""

    def __init__(self, root: Path, venue: str, symbol: str, timeframe: Timeframe) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", venue):
            raise parameter_error("venue", "CandleStore", "letters, digits, '_', '.' or '-'", venue)
        slug = re.sub(r"[/:]", "-", symbol)
        if not slug or not slug.isprintable() or re.search(r"[\\\s_]|^\.", slug):
            raise parameter_error("symbol", "CandleStore", "a unified symbol such as 'BTC/USDT:USDT'", symbol)
        self.venue, self.symbol, self.timeframe = venue, symbol, timeframe
        self.folder = root / venue
        self.prefix = f"{slug}_{timeframe.value}_"
        self.lock = self.folder / f".{slug}_{timeframe.value}.lock"
        self.absences = self.folder / f"{slug}_{timeframe.value}_absent.json"

    def files(self) -> list[Path]:
        """Files of the series, oldest month first."""
        pattern = re.compile(re.escape(self.prefix) + r"\d{4}-\d{2}\.parquet")
        return sorted(path for path in self.folder.glob("*.parquet") if pattern.fullmatch(path.name))

    def load(self, path: Path) -> pd.DataFrame:
        """Candles of one file, canonical."""
        try:
            raw = pq.ParquetFile(path).read(use_threads=False).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"The stored candles in {path} cannot be read ({error}). Delete the file to fetch its month again."
            ) from error
        names = {"venue": self.venue, "symbol": self.symbol}
        if not {TIMESTAMP, "exchange", "symbol"} <= set(raw.columns) or raw.empty:
            raise DataError(f"{path} is no file of this store: it lacks rows, timestamp, exchange or symbol.")
        found = {"venue": raw["exchange"].iloc[0], "symbol": raw["symbol"].iloc[0]}
        if found != names:
            raise DataError(f"{path} must hold {names}. Got {found} instead.")
        table = raw.drop(columns=["exchange", "symbol"]).set_index(TIMESTAMP)
        return check(table, CANDLES, where=str(path))

    def dump(self, table: pd.DataFrame, handle: Any) -> None:
        """Write one month to an open file."""
        flat = table.reset_index().assign(exchange=self.venue, symbol=self.symbol)
        arrow = pa.Table.from_pandas(flat, preserve_index=False, nthreads=1).replace_schema_metadata(None)
        pq.write_table(arrow, handle, compression="zstd")

    def merged(self, month: str, rows: pd.DataFrame) -> tuple[Path, pd.DataFrame, int]:
        """File of a month, its new content and how many bars (or values not known before) are new."""
        path = self.folder / f"{self.prefix}{month}.parquet"
        if not path.exists():
            return path, rows, len(rows)
        stored = self.load(path)
        _check_unchanged(stored, rows, self)
        fresh = int((~rows.index.isin(stored.index)).sum())
        if not fresh:
            return path, stored, 0
        table = stored.combine_first(rows).sort_index()
        table.index.name = TIMESTAMP
        return path, table[[name for name in CANDLES.names if name in table]], fresh

    def absent(self) -> list[tuple[int, int]]:
        """Ranges [ms] the venue is known to have no bars for."""
        if not self.absences.exists():
            return []
        try:
            spans = json.loads(self.absences.read_text(encoding="utf-8"))
            return [(int(first), int(last)) for first, last in spans]
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"What {self.venue} is known to lack cannot be read in {self.absences} ({error}). "
                f"Delete the file to ask the venue again."
            ) from error


def _check_labels(candles: pd.DataFrame, series: _Series) -> None:
    wanted = {"venue": series.venue, "symbol": series.symbol, "timeframe": series.timeframe.value}
    wrong = {name: candles.attrs[name] for name in wanted if candles.attrs.get(name, wanted[name]) != wanted[name]}
    if wrong:
        raise DataError(f"Candles stored as {wanted} must be labelled so. Got attrs {wrong} instead.")


def _check_grid(candles: pd.DataFrame, series: _Series) -> None:
    off = np.flatnonzero((milliseconds(candles.index) - series.timeframe.origin_ms) % series.timeframe.milliseconds)
    if len(off):
        raise DataError(
            f"Candles of {series.venue} {series.symbol} must open on the grid of {series.timeframe}. "
            f"Row {off[0]} opens at {candles.index[off[0]]}."
        )


def _check_unchanged(stored: pd.DataFrame, rows: pd.DataFrame, series: _Series) -> None:
    common = stored.index.intersection(rows.index)
    for name in stored.columns.intersection(rows.columns):
        old, new = (table.loc[common, name].to_numpy(dtype="float64") for table in (stored, rows))
        same = np.isclose(old, new, rtol=RELATIVE_TOLERANCE, atol=0.0) | np.isnan(old) | np.isnan(new)
        if not same.all():
            at = int(np.flatnonzero(~same)[0])
            raise DataError(
                f"A closed bar must not change. {series.venue} {series.symbol} {series.timeframe} at {common[at]}: "
                f"stored {name} {old[at]!r}, got {new[at]!r}. Was a bar stored before it closed? "
                f"Delete its month in {series.folder} to fetch it again."
            )


def _by_month(candles: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    columns = candles[[name for name in CANDLES.names if name in candles]].astype("float64")
    columns.index = pd.DatetimeIndex(columns.index).as_unit("ms")
    columns.attrs = {}
    months = pd.DatetimeIndex(columns.index).strftime("%Y-%m")
    return [(str(month), rows) for month, rows in columns.groupby(months)]


def _overlaps(path: Path, start: pd.Timestamp | None, end: pd.Timestamp | None) -> bool:
    month = path.stem[-7:]
    return (start is None or month >= start.tz_convert("UTC").strftime("%Y-%m")) and (
        end is None or month <= end.tz_convert("UTC").strftime("%Y-%m")
    )


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(span for span in spans if span[0] < span[1]):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
