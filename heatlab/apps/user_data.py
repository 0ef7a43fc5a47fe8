"""Where this user's journal, snapshots and books live, and how an app writes to the journal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from heatlab._checks import parameter_error
from heatlab.domain import JournalEntry
from heatlab.sources import MarketSource
from heatlab.store import BookStore, Journal, SnapshotStore

VARIABLE = "HEATLAB_DATA"


@dataclass(frozen=True)
class Records:
    """What the portfolio apps keep: a journal, the history of the book, and books typed in."""

    journal: Journal
    snapshots: SnapshotStore
    books: BookStore


def user_records(source: MarketSource) -> Records:
    """Open the records of this user; what happens on a simulated market has a journal and a history of its own."""
    simulated = source.is_simulated
    return Records(user_journal(simulated=simulated), user_snapshots(simulated=simulated), user_books())


def user_data(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of this user's data: the environment variable HEATLAB_DATA, else the usual place of the system.

    Raises
    ------
    ParameterError
        HEATLAB_DATA is not an absolute path, or names a file: data must not land wherever a server was started.
    """
    named = environ.get(VARIABLE)
    if not named:
        return Path(platformdirs.user_data_dir("heatlab", appauthor=False))
    folder = Path(named).expanduser()
    if not folder.is_absolute() or folder.is_file():
        raise parameter_error(VARIABLE, "user_data", "the absolute path of a folder", named)
    return folder


def user_journal(*, simulated: bool = False) -> Journal:
    """Open the journal of this user; what was logged on a simulated market has one of its own."""
    return Journal(user_data() / f"journal{_kind(simulated)}.sqlite")


def user_snapshots(*, simulated: bool = False) -> SnapshotStore:
    """Open the history of this user's book; that of the simulated market is kept apart."""
    return SnapshotStore(user_data() / f"snapshots{_kind(simulated)}.sqlite")


def user_books() -> BookStore:
    """Open the books this user typed in or uploaded."""
    return BookStore(user_data() / "books.sqlite")


def log_to(journal: Journal, source: MarketSource) -> Callable[[JournalEntry], int]:
    """``log(entry)`` for the sections of an app: stamps an entry with the source's clock and name; gives its number."""
    return lambda entry: journal.add(entry, at=source.now(), source=source.name)


def _kind(simulated: bool) -> str:
    return "-simulated" if simulated else ""
