"""The file under every SQLite store: versions, strangers, damage, two processes, and kills."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import IO

import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.errors import DataError, SourceError
from heatlab.store import BookStore, Journal, SnapshotStore
from heatlab.store.database import Database
from tests.store.journalling import SOURCE, moment, table

NOBODY = 65534
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def make(connection: sqlite3.Connection) -> None:
    """First version: a table of words."""
    connection.execute("CREATE TABLE word (text TEXT)")


def widen(connection: sqlite3.Connection) -> None:
    """Second version: their lengths."""
    connection.execute("ALTER TABLE word ADD COLUMN length INTEGER")
    connection.execute("UPDATE word SET length = length(text)")


def fail(connection: sqlite3.Connection) -> None:
    """A step that ends half-way."""
    connection.execute("ALTER TABLE word ADD COLUMN half INTEGER")
    raise RuntimeError("half-way")


def words(path: Path, *steps: object) -> Database:
    """A database of words with these steps."""
    return Database(path, what="dictionary", mark=77, steps=steps)  # type: ignore[arg-type]


def put(database: Database, text: str) -> None:
    """Write one word."""
    with database.writing() as connection:
        connection.execute("INSERT INTO word (text) VALUES (?)", (text,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Place of a file in a folder that is not there yet."""
    return tmp_path / "deep" / "words.sqlite"


def test_an_older_file_is_brought_up_to_date_with_its_content(path: Path) -> None:
    """Steps run in order, once."""
    put(words(path, make), "heat")
    newer = words(path, make, widen)
    with newer.reading() as connection:
        assert connection.execute("SELECT text, length FROM word").fetchall() == [("heat", 4)]
    assert newer.version() == 2


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    """The file stays at the version before, whole."""
    put(words(path, make), "heat")
    with pytest.raises(RuntimeError, match="half-way"):
        put(words(path, make, fail), "cold")
    assert words(path, make).version() == 1
    with closing(sqlite3.connect(path)) as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(word)")] == ["text"]


def test_a_file_of_a_newer_heatlab_is_refused_and_left_alone(path: Path) -> None:
    """Neither read nor written."""
    put(words(path, make, widen), "heat")
    older = words(path, make)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"words\.sqlite was written by a newer heatlab \(version 2"):
        put(older, "cold")
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused(path: Path) -> None:
    """A database without our mark that holds tables is not ours."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(DataError, match="belongs to another store or program"):
        put(words(path, make), "heat")


def test_one_store_does_not_open_the_file_of_another(tmp_path: Path) -> None:
    """A journal is no history."""
    place = tmp_path / "one.sqlite"
    Journal(place).add(JournalEntry("note", "x"), at=moment(0))
    with pytest.raises(DataError, match="no history of heatlab"):
        SnapshotStore(place).sources()


@pytest.mark.parametrize("where", [0, 4096], ids=["head", "page"])
def test_damage_is_named_and_nothing_deleted(tmp_path: Path, where: int) -> None:
    """The message names the file; the file stays as it is."""
    place = tmp_path / "journal.sqlite"
    for number in range(30):
        Journal(place).add(JournalEntry("note", "x" * 500), at=moment(number))
    content = bytearray(place.read_bytes())
    content[where : where + 4096] = b"\xff" * 4096
    place.write_bytes(content)
    with pytest.raises(DataError, match=r"journal\.sqlite is damaged .* Nothing was deleted"):
        Journal(place).check()
    with pytest.raises(DataError, match=r"journal\.sqlite"):
        Journal(place).entries()
    assert place.read_bytes() == content


def test_a_sound_file_passes_its_check(tmp_path: Path) -> None:
    """Nothing there is sound, too."""
    journal = Journal(tmp_path / "journal.sqlite")
    journal.check()
    journal.add(JournalEntry("note", "x"), at=moment(0))
    journal.check()


def test_a_folder_that_cannot_be_made_is_an_error_a_reader_understands(tmp_path: Path) -> None:
    """The place is named, and what to check."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match=r"journal in .*file.*Check that its folder may be written to"):
        Journal(tmp_path / "file" / "journal.sqlite").add(JournalEntry("note", "x"), at=moment(0))


def test_a_read_only_folder_can_be_read_but_not_written(tmp_path: Path) -> None:
    """Reading needs no log; writing says what is wrong. Root, who may write everywhere, tries it as nobody."""
    with tempfile.TemporaryDirectory() as open_to_all:
        folder = Path(open_to_all) / "locked"
        journal = Journal(folder / "journal.sqlite")
        journal.add(JournalEntry("note", "x"), at=moment(0))
        Path(open_to_all).chmod(0o755)
        journal.path.chmod(0o444)
        folder.chmod(0o555)
        owner = os.geteuid()
        if owner == 0:
            os.seteuid(NOBODY)
        try:
            assert len(journal.entries()) == 1
            with pytest.raises(SourceError, match="cannot be opened or written"):
                journal.add(JournalEntry("note", "y"), at=moment(1))
        finally:
            os.seteuid(owner)
            folder.chmod(0o755)


def test_an_error_inside_a_transaction_leaves_nothing(path: Path) -> None:
    """All or none."""
    database = words(path, make)
    put(database, "heat")

    def broken() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO word VALUES ('cold')")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        broken()
    with database.reading() as connection:
        assert connection.execute("SELECT text FROM word").fetchall() == [("heat",)]


def test_a_fault_of_the_program_is_not_dressed_up(path: Path) -> None:
    """A wrong query stays an error of SQLite."""
    database = words(path, make)
    put(database, "heat")
    with pytest.raises(sqlite3.OperationalError, match="no such table"), database.reading() as connection:
        connection.execute("SELECT * FROM absent")


def test_reading_goes_on_while_another_writes(path: Path) -> None:
    """A reader sees the state before the transaction under way."""
    database = words(path, make)
    put(database, "heat")
    with database.writing() as writer:
        writer.execute("INSERT INTO word VALUES ('cold')")
        with database.reading() as reader:
            assert reader.execute("SELECT count(*) FROM word").fetchone() == (1,)


def test_threads_that_start_a_file_together_lose_nothing(tmp_path: Path) -> None:
    """Making the file, migrating it and writing it do not get in each other's way."""
    journal = Journal(tmp_path / "journal.sqlite")
    numbers: list[int] = []

    def work() -> None:
        numbers.extend(journal.add(JournalEntry("note", "x"), at=moment(0)) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 31))


def test_every_store_says_where_it_is(tmp_path: Path) -> None:
    """The repr names class and file."""
    for kind in (Journal, SnapshotStore, BookStore):
        assert repr(kind(tmp_path / "x")) == f"{kind.__name__}({str(tmp_path / 'x')!r})"


def _writer(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.journalling", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while _line(process.stdout) != "ready":
        pass
    return process


def _line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def _ask(process: subprocess.Popen[str], kind: str, start: int, count: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{kind} {start} {count}\n")
    process.stdin.flush()


@needs_fork
@pytest.mark.parametrize("kind", ["journal", "snapshot"])
def test_kills_lose_nothing_acknowledged(tmp_path: Path, kind: str) -> None:
    """A writer killed at any moment leaves everything it had acknowledged, and a sound file."""
    folder, chance, safe = tmp_path / "data", random.Random(11), 0
    journal, history = Journal(folder / "journal.sqlite"), SnapshotStore(folder / "history.sqlite")
    with _writer(folder) as process:
        for _ in range(25):
            _ask(process, kind, safe, 100_000)
            child = int(_line(process.stdout).split()[1])
            time.sleep(chance.uniform(0.0, 0.1))
            os.kill(child, signal.SIGKILL)
            while (line := _line(process.stdout)).startswith("done"):
                safe = int(line.split()[1])
            assert line == "end 9"
        process.stdin.close()  # type: ignore[union-attr]
    assert safe > 0
    if kind == "journal":
        journal.check()
        texts = set(journal.entries()["text"])
        assert {f"thought {number}" for number in range(safe)} <= texts
        assert journal.add(JournalEntry("note", "after"), at=moment(0)) > safe
    else:
        assert len(history.times(SOURCE)) >= safe
        last = history.read(SOURCE, moment(safe - 1))
        pd.testing.assert_frame_equal(last.tables["heat"], table(safe - 1))


@needs_fork
def test_two_processes_write_one_journal(tmp_path: Path) -> None:
    """Writers wait for each other and lose nothing."""
    folder = tmp_path / "data"
    with _writer(folder) as one, _writer(folder) as two:
        for process, start in ((one, 0), (two, 1000)):
            _ask(process, "journal", start, 40)
        for process in (one, two):
            while not (line := _line(process.stdout)).startswith("end"):
                pass
            assert line == "end 0"
            process.stdin.close()  # type: ignore[union-attr]
    entries = Journal(folder / "journal.sqlite").entries()
    assert sorted(entries["number"]) == list(range(1, 81))
