"""Books of the reader's own: named tables of positions, typed in or uploaded."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd

from heatlab._checks import parameter_error
from heatlab.errors import DataError
from heatlab.frames import POSITIONS, check
from heatlab.store.database import Database
from heatlab.store.packing import pack_table, pack_values, unpack_table, unpack_values

MARK = 0x484C424B
NAME = re.compile(r"\w(?:[\w .()+&-]{0,58}[\w.()+&-])?")


class BookStore:
    """Named books in one SQLite file; names differ in more than upper and lower case.

    Parameters
    ----------
    path : str or Path
        The file; made when first written.
    """

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, what="store of books", mark=MARK, steps=STEPS)

    def __repr__(self) -> str:
        """Show where the file is."""
        return f"BookStore({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def names(self) -> tuple[str, ...]:
        """Names of the books, in alphabetical order."""
        if not self._database.exists:
            return ()
        with self._database.reading() as connection:
            return tuple(row[0] for row in connection.execute("SELECT name FROM book ORDER BY name"))

    def read(self, name: str) -> pd.DataFrame:
        """Return the positions of a book with its ``attrs["wallet_balance"]``.

        Raises
        ------
        DataError
            There is no such book, or what is stored is damaged.
        """
        row = None
        if self._database.exists:
            with self._database.reading() as connection:
                row = connection.execute("SELECT body, attrs FROM book WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise DataError(f"{self.path} has no book {name!r}. It has {', '.join(self.names()) or 'none yet'}.")
        where = f"the book {name!r} of {self.path}"
        table = check(unpack_table(row[0], where=where), POSITIONS, where=where)
        table.attrs.update(unpack_values(row[1], where=where))
        return table

    def write(self, name: str, positions: pd.DataFrame) -> None:
        """Keep a book under a name; one of that name is replaced.

        Parameters
        ----------
        name : str
            1 to 60 letters, digits, spaces and ``_ . ( ) + & -``; begins with a letter or digit.
        positions : DataFrame
            Canonical positions, may be empty; ``attrs["wallet_balance"]`` maps venue to the balance of its cross
            account [quote] and is kept.

        Raises
        ------
        ParameterError
            The name or the wallet balance is not allowed.
        MissingColumnsError, DataError
            The positions are not a canonical table.
        """
        if not isinstance(name, str) or not NAME.fullmatch(name):
            allowed = "1 to 60 letters, digits, spaces and _ . ( ) + & -, a letter or digit first"
            raise parameter_error("name", "BookStore.write", allowed, name)
        check(positions, POSITIONS, where=f"the book {name!r}")
        body = pack_table(positions.reset_index(drop=True))
        attrs = pack_values({"wallet_balance": _wallets(positions)}, caller="BookStore.write")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO book (name, body, attrs) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "name = excluded.name, body = excluded.body, attrs = excluded.attrs",
                (name, body, attrs),
            )

    def remove(self, name: str) -> bool:
        """Delete a book; False where there was none."""
        if not self._database.exists:
            return False
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM book WHERE name = ?", (name,)).rowcount > 0


def _wallets(positions: pd.DataFrame) -> dict[str, float]:
    found: Any = positions.attrs.get("wallet_balance") or {}
    try:
        return {str(venue): float(balance) for venue, balance in found.items()}
    except (AttributeError, TypeError, ValueError):
        raise parameter_error("wallet_balance", "BookStore.write", "balances by venue", found) from None


def _first(connection: sqlite3.Connection) -> None:
    """Version 1: a table of positions per name."""
    connection.execute(
        "CREATE TABLE book (name TEXT PRIMARY KEY COLLATE NOCASE, body BLOB NOT NULL, attrs TEXT NOT NULL)"
    )


STEPS = (_first,)
