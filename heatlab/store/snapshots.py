"""Snapshots: what the book looked like at each refresh, for replay and for the day before a drawdown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from heatlab._checks import parameter_error
from heatlab.errors import DataError
from heatlab.frames import from_ms, stamp_ms, time_index
from heatlab.store.database import Database
from heatlab.store.packing import pack_table, pack_values, unpack_table, unpack_values

MARK = 0x484C5350
COLUMNS = ("book_heat", "effective_bets")
"""Values that have a column of their own in the database, for queries from outside; NULL where unknown."""

UPSERT = """
INSERT INTO snapshot (source, at, "values", book_heat, effective_bets) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source, at) DO UPDATE SET
"values" = excluded."values", book_heat = excluded.book_heat, effective_bets = excluded.effective_bets
RETURNING number
"""


@dataclass(frozen=True)
class Snapshot:
    """One stored state.

    Attributes
    ----------
    at : Timestamp (UTC)
    source : str
    tables : mapping of str to DataFrame
    values : mapping of str to float or str
    """

    at: pd.Timestamp
    source: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    values: Mapping[str, float | str] = field(default_factory=dict)


class SnapshotStore:
    """States of a book in one SQLite file, one per source and instant.

    Parameters
    ----------
    path : str or Path
        The file; made when first written. Several processes may share it; see
        :class:`heatlab.store.database.Database` for what happens when one is killed.
    """

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, what="history", mark=MARK, steps=STEPS)

    def __repr__(self) -> str:
        """Show where the file is."""
        return f"SnapshotStore({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def write(
        self,
        at: pd.Timestamp,
        source: str,
        tables: Mapping[str, pd.DataFrame],
        values: Mapping[str, float | str],
    ) -> int:
        """Keep a state; the same source and instant again replaces it, so that a repeated refresh adds nothing.

        Parameters
        ----------
        at : Timestamp
            Instant the state describes (UTC; kept to the millisecond).
        source : str
        tables : mapping of str to DataFrame
            Such as heat by position and timeframe. ``attrs`` are not kept.
        values : mapping of str to float or str
            Key figures, read back in bulk by :meth:`values`; NaN is kept as unknown.

        Returns
        -------
        int
            Number of the snapshot. It is on disk when the call returns.

        Raises
        ------
        ParameterError
            There is no source, or a value is not plain.
        DataError, SourceError
            The file is damaged or cannot be written.
        """
        return self.write_all([Snapshot(at, source, tables, values)])[0]

    def write_all(self, snapshots: Iterable[Snapshot]) -> list[int]:
        """Keep many states in one transaction: all of them or none; numbers in their order."""
        packed = [_packed(one) for one in snapshots]
        with self._database.writing() as connection:
            return [_insert(connection, row, tables) for row, tables in packed]

    def sources(self) -> tuple[str, ...]:
        """Names of the sources there are snapshots of, in alphabetical order."""
        return tuple(row[0] for row in self._rows("SELECT DISTINCT source FROM snapshot ORDER BY source", ()))

    def times(self, source: str) -> pd.DatetimeIndex:
        """Instants of the snapshots of a source, oldest first."""
        rows = self._rows("SELECT at FROM snapshot WHERE source = ? ORDER BY at", (source,))
        return time_index(pd.Series([row[0] for row in rows], dtype="int64").to_numpy())

    def values(self, source: str, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """Key figures of every snapshot with ``start`` <= at < ``end``, oldest first, without its tables.

        Returns
        -------
        DataFrame
            Index ``timestamp``; one column per name ever stored, NaN where a snapshot lacks it.
        """
        condition, arguments = _span(source, start, end)
        rows = self._rows(f'SELECT at, "values" FROM snapshot WHERE {condition} ORDER BY at', arguments)
        where = str(self.path)
        return pd.DataFrame(
            [unpack_values(row[1], where=where) for row in rows],
            index=time_index(pd.Series([row[0] for row in rows], dtype="int64").to_numpy()),
        )

    def read(self, source: str, at: pd.Timestamp) -> Snapshot:
        """Return the snapshot of one instant.

        Raises
        ------
        DataError
            There is none; the message names the nearest before it.
        """
        found = self.range(source, at, at + pd.Timedelta(milliseconds=1))
        if found:
            return found[0]
        before = self.times(source)[self.times(source) <= from_ms(stamp_ms(at))]
        nearest = f"The last one before is of {before[-1]}." if len(before) else "There is none before it either."
        raise DataError(f"{self.path} has no snapshot of {source!r} at {at}. {nearest}")

    def range(
        self, source: str, start: pd.Timestamp, end: pd.Timestamp, *, names: Sequence[str] | None = None
    ) -> list[Snapshot]:
        """Snapshots with ``start`` <= at < ``end``, oldest first.

        Parameters
        ----------
        names : sequence of str, optional
            Tables to read; all of them without. The fewer, the quicker.
        """
        if not self._database.exists:
            return []
        condition, arguments = _span(source, start, end)
        with self._database.reading() as connection:
            query = f'SELECT number, at, "values" FROM snapshot WHERE {condition} ORDER BY at'
            heads = connection.execute(query, arguments).fetchall()
            inner = f"SELECT number FROM snapshot WHERE {condition}"
            contents = f"SELECT snapshot, name, body FROM content WHERE snapshot IN ({inner})"
            tables: dict[int, dict[str, pd.DataFrame]] = {}
            for number, name, body in connection.execute(contents, arguments):
                if names is None or name in names:
                    tables.setdefault(number, {})[name] = unpack_table(body, where=str(self.path))
        where = str(self.path)
        return [
            Snapshot(from_ms(at), source, tables.get(number, {}), unpack_values(text, where=where))
            for number, at, text in heads
        ]

    def prune(self, keep: pd.Timedelta) -> int:
        """Delete what is older than ``keep`` before the newest snapshot of its source; returns how many went.

        Raises
        ------
        ParameterError
            ``keep`` is not positive.
        """
        if not keep > pd.Timedelta(0):
            raise parameter_error("keep", "SnapshotStore.prune", "a positive length of time", keep)
        if not self._database.exists:
            return 0
        old = "at < (SELECT max(at) FROM snapshot AS newest WHERE newest.source = snapshot.source) - ?"
        with self._database.writing() as connection:
            gone = connection.execute(f"DELETE FROM snapshot WHERE {old}", (keep // pd.Timedelta(milliseconds=1),))
            return gone.rowcount

    def _rows(self, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        if not self._database.exists:
            return []
        with self._database.reading() as connection:
            return connection.execute(query, arguments).fetchall()


def _packed(one: Snapshot) -> tuple[tuple[Any, ...], dict[str, bytes]]:
    if not one.source or not isinstance(one.source, str):
        raise parameter_error("source", "SnapshotStore.write", "the name of a source", one.source)
    text = pack_values(one.values, caller="SnapshotStore.write")
    row = (one.source, stamp_ms(one.at), text, *_own_columns(one.values))
    return row, {name: pack_table(table) for name, table in one.tables.items()}


def _own_columns(values: Mapping[str, Any]) -> tuple[float | None, ...]:
    """Values of ``COLUMNS``; None where one is not there, not a number or unknown."""
    found = (values.get(name) for name in COLUMNS)
    return tuple(None if isinstance(one, str) or pd.isna(one) else float(one) for one in found)


def _insert(connection: sqlite3.Connection, row: tuple[Any, ...], tables: Mapping[str, bytes]) -> int:
    number = int(connection.execute(UPSERT, row).fetchone()[0])
    connection.execute("DELETE FROM content WHERE snapshot = ?", (number,))
    rows = [(number, name, body) for name, body in tables.items()]
    connection.executemany("INSERT INTO content (snapshot, name, body) VALUES (?, ?, ?)", rows)
    return number


def _span(source: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> tuple[str, list[Any]]:
    condition, arguments = "source = ?", [source]
    for sign, bound in ((">=", start), ("<", end)):
        if bound is not None:
            condition += f" AND at {sign} ?"
            arguments.append(stamp_ms(bound))  # type: ignore[arg-type]
    return condition, arguments


def _first(connection: sqlite3.Connection) -> None:
    """Version 1: states with their values as JSON, and their tables beside them."""
    connection.execute(
        'CREATE TABLE snapshot (number INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, "values" TEXT '
        "NOT NULL, UNIQUE (source, at))"
    )
    connection.execute(
        "CREATE TABLE content (snapshot INTEGER NOT NULL REFERENCES snapshot (number) ON DELETE CASCADE, "
        "name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (snapshot, name))"
    )


def _second(connection: sqlite3.Connection) -> None:
    """Version 2: heat and effective bets in columns of their own, filled from the values of every snapshot."""
    for name in COLUMNS:
        connection.execute(f"ALTER TABLE snapshot ADD COLUMN {name} REAL")
    rows = connection.execute('SELECT number, "values" FROM snapshot').fetchall()
    filled = [(*_own_columns(unpack_values(text, where="an older history")), number) for number, text in rows]
    connection.executemany("UPDATE snapshot SET book_heat = ?, effective_bets = ? WHERE number = ?", filled)


STEPS = (_first, _second)
