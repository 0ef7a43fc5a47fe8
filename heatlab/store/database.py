"""One SQLite file per store: opened safely, migrated step by step, never repaired behind the reader's back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from heatlab._files import locked
from heatlab.errors import DataError, SourceError

Step = Callable[[sqlite3.Connection], None]
BUSY_SECONDS = 30.0
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
REFUSED = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}


class Database:
    """A SQLite file of one kind of store.

    Every call opens the file, does its work in one transaction and closes it again: threads, processes and forks may
    share a store, and a process killed at any moment leaves each finished call on disk and nothing of an unfinished
    one. Writers wait for each other up to ``BUSY_SECONDS``; readers never wait (write-ahead log).

    Parameters
    ----------
    path : str or Path
        The file; it and its folder are made when first written.
    what : str
        What it holds, for messages, such as ``"journal"``.
    mark : int
        ``application_id`` of the file: tells our stores apart, and from the files of other programs.
    steps : sequence of callables
        Migrations: step k brings an empty file (k = 0) or one of version k to version k + 1. Each runs in one
        transaction. Never change a step that was released; append another.

    References
    ----------
    SQLite, "Write-Ahead Logging", https://www.sqlite.org/wal.html, and "PRAGMA user_version".
    """

    def __init__(self, path: str | Path, *, what: str, mark: int, steps: Sequence[Step]) -> None:
        self.path = Path(path).expanduser()
        self.what = what
        self._mark, self._steps = mark, tuple(steps)

    @property
    def exists(self) -> bool:
        """Whether there is a file; a store that was never written to has none."""
        return self.path.exists()

    @property
    def newest(self) -> int:
        """Version of the schema this program writes."""
        return len(self._steps)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open for one reading; what it sees is one state of the file, whatever is written meanwhile.

        Raises
        ------
        DataError
            The file is damaged, of another program, or of a newer heatlab.
        SourceError
            It cannot be opened, or stays busy.
        """
        with self._explained(), closing(self._open()) as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open for one transaction: all of it is on disk when the block ends, or none of it after an error.

        Raises
        ------
        DataError, SourceError
            As for :meth:`reading`; also where the folder may not be written to or the disk is full.
        """
        self._make_folder()
        with self._explained(), closing(self._open()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def version(self) -> int:
        """Version of the schema on disk; 0 where there is no file."""
        if not self.exists:
            return 0
        with self._explained(), closing(self._connect()) as connection:
            return _pragma(connection, "user_version")

    def check(self) -> None:
        """Read every page.

        Raises
        ------
        DataError
            The file is damaged; the message names it and the first fault.
        """
        if not self.exists:
            return
        with self.reading() as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise self._damaged(found)

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            if _stamps(connection) != (self._mark, self.newest):
                self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        if self._is_read_only():
            address = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
            return sqlite3.connect(address, uri=True, isolation_level=None)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _is_read_only(self) -> bool:
        """Whether the file can only be looked at: the log beside it could not be made, and none is waiting."""
        log = self.path.with_name(f"{self.path.name}-wal")
        effective = os.access in os.supports_effective_ids
        return self.exists and not os.access(self.path.parent, os.W_OK, effective_ids=effective) and not log.exists()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the file to the newest version, one transaction a step; two processes take turns."""
        self._refuse_strangers(connection)
        if self._is_read_only():
            raise SourceError(
                f"The {self.what} in {self.path} has version {_pragma(connection, 'user_version')} and must be brought "
                f"to version {self.newest}, but its folder may not be written to."
            )
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            self._refuse_strangers(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            while (version := _pragma(connection, "user_version")) < self.newest:
                self._take_step(connection, version)

    def _take_step(self, connection: sqlite3.Connection, version: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._steps[version](connection)
            connection.execute(f"PRAGMA application_id = {self._mark}")
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _refuse_strangers(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")  # one state of the file: another process may be making it
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        mark, version = _stamps(connection)
        connection.execute("ROLLBACK")
        if mark != self._mark and (mark or version or tables):
            raise DataError(f"{self.path} is no {self.what} of heatlab: it belongs to another store or program.")
        if version > self.newest:
            raise DataError(
                f"The {self.what} in {self.path} was written by a newer heatlab (version {version} of its schema; "
                f"this one knows up to {self.newest}). Update heatlab; nothing was changed."
            )

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(str(error)) from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into what the reader can act on; faults of the program pass as they are."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in BROKEN:
                raise self._damaged(str(error)) from error
            if code in REFUSED:
                raise self._refused(str(error)) from error
            raise
        except OSError as error:
            raise self._refused(str(error)) from error

    def _damaged(self, why: str) -> DataError:
        line = " ".join(why.split())
        return DataError(
            f"The {self.what} in {self.path} is damaged ({line}). Nothing was deleted: put a backup in its place, or "
            "move the file away to start afresh."
        )

    def _refused(self, why: str) -> SourceError:
        return SourceError(
            f"The {self.what} in {self.path} cannot be opened or written ({why}). Check that its folder may be "
            "written to and has room, and that no other program holds the file."
        )


def _stamps(connection: sqlite3.Connection) -> tuple[int, int]:
    """Mark of the store and version of its schema."""
    return _pragma(connection, "application_id"), _pragma(connection, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    found: Any = connection.execute(f"PRAGMA {name}").fetchone()
    return int(found[0])
