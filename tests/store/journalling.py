"""A process that forks writers on request: ``python -m tests.store.journalling FOLDER``, one request a line.

``KIND START COUNT`` forks a child that writes COUNT journal entries or snapshots numbered from START, and reports each
one the store has acknowledged. Forking saves importing pandas for every kill.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.store import Journal, SnapshotStore

BEGIN = pd.Timestamp("2026-01-01", tz="UTC")
SOURCE = "test market"


def moment(number: int) -> pd.Timestamp:
    """Instant of the state of that number."""
    return BEGIN + pd.Timedelta(hours=number)


def table(number: int) -> pd.DataFrame:
    """A table that follows from its number, so that any process writes the same."""
    rows = range(20)
    return pd.DataFrame({"symbol": [f"C{row}" for row in rows], "heat": [float(number + row) for row in rows]})


def write(folder: str, kind: str, start: int, count: int) -> None:
    """Write one after the other; say on standard output which are safe."""
    journal, history = Journal(Path(folder) / "journal.sqlite"), SnapshotStore(Path(folder) / "history.sqlite")
    for number in range(start, start + count):
        if kind == "journal":
            journal.add(JournalEntry("note", f"thought {number}"), at=moment(number))
        else:
            history.write(moment(number), SOURCE, {"heat": table(number)}, {"book_heat": float(number)})
        os.write(1, f"done {number + 1}\n".encode())


def main() -> None:
    """Fork a writer per request line; say its process id first, wait for it, say how it ended."""
    folder = sys.argv[1]
    write(f"{folder}-warm", "snapshot", 0, 1)
    os.write(1, b"ready\n")
    for line in sys.stdin:
        kind, start, count = line.split()
        child = os.fork()
        if child == 0:
            os.write(1, f"child {os.getpid()}\n".encode())
            write(folder, kind, int(start), int(count))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os.write(1, f"end {status}\n".encode())


if __name__ == "__main__":
    main()
