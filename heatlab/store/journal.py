"""The journal: readings, overrides, orders and notes with the state at their moment, and what came of them.

Nothing in it is ever changed or deleted: notes and outcomes are rows of their own, and the database refuses anything
else.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from heatlab._checks import check_choice, parameter_error
from heatlab.domain import JOURNAL_KINDS, JournalEntry
from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.frames import from_ms, stamp_ms
from heatlab.store.database import Database
from heatlab.store.packing import pack_values, unpack_values

MARK = 0x484C4A4E
LONGEST_TEXT = 10_000
LONGEST_STATE = 200_000
NUMBERS = ("entry_price", "exit_price", "forward_return", "favourable", "adverse")
OUTCOME_COLUMNS = ("horizon", "opened_at", "closed_at", *NUMBERS)
ENTRY_COLUMNS = (
    "number", "at", "kind", "symbol", "venue", "side", "text", "reason", "source", "state", "mark_price", "zone",
    "rule", "notes",
)  # fmt: skip
ZONES = {1.0: "green", 0.0: "amber", -1.0: "red"}


class Journal:
    """Entries in one SQLite file, numbered from 1 in the order they were made.

    Parameters
    ----------
    path : str or Path
        The file; made when first written. Several processes may share it, and one that is killed loses no entry
        whose number it was given.
    """

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, what="journal", mark=MARK, steps=STEPS)

    def __repr__(self) -> str:
        """Show where the file is."""
        return f"Journal({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def add(self, entry: JournalEntry, *, at: pd.Timestamp, source: str = "") -> int:
        """Write an entry down for good.

        Parameters
        ----------
        entry : JournalEntry
        at : Timestamp
            When (UTC; kept to the millisecond).
        source : str
            Market it was made on: a simulated one has other prices than the real one.

        Returns
        -------
        int
            Its number. It is on disk when the call returns.

        Raises
        ------
        ParameterError
            The kind is none of ``JOURNAL_KINDS``, the side none of -1, 0, 1, the text is empty or too long, or the
            state is not plain, too large, or names a secret.
        DataError, SourceError
            The file is damaged or cannot be written.
        """
        _check_entry(entry)
        state = pack_values(entry.state, caller="Journal.add")
        if len(state) > LONGEST_STATE:
            raise parameter_error("state", "Journal.add", f"at most {LONGEST_STATE} characters of JSON", len(state))
        texts = (entry.kind, entry.symbol, entry.venue, int(entry.side), entry.text.strip(), entry.reason.strip())
        with self._database.writing() as connection:
            done = connection.execute(
                "INSERT INTO entry (at, kind, symbol, venue, side, text, reason, source, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (stamp_ms(at), *texts, source, state),
            )
            return int(done.lastrowid or 0)

    def note(self, number: int, text: str, *, at: pd.Timestamp) -> None:
        """Add a later thought to an entry; the entry itself stays as it was.

        Raises
        ------
        ParameterError
            There is no such entry, or the text is empty or too long.
        """
        _check_text("text", text, caller="Journal.note")
        with self._database.writing() as connection:
            _check_known(connection, int(number), caller="Journal.note")
            connection.execute(
                "INSERT INTO note (entry, at, text) VALUES (?, ?, ?)", (int(number), stamp_ms(at), text.strip())
            )

    def set_outcome(self, number: int, *, at: pd.Timestamp, **outcome: Any) -> bool:
        """Record what came of an entry over one horizon; keywords as the columns of :meth:`set_outcomes`."""
        return self.set_outcomes(pd.DataFrame([{"number": number, **outcome}]), at=at) == 1

    def set_outcomes(self, outcomes: pd.DataFrame, *, at: pd.Timestamp) -> int:
        """Record outcomes; what is known already in the same words adds nothing, another reading is a new row.

        Parameters
        ----------
        outcomes : DataFrame
            Columns ``number`` (of the entry), ``horizon`` (such as "3d"), ``opened_at`` and ``closed_at`` (times),
            ``entry_price``, ``exit_price`` [quote], ``forward_return``, ``favourable``, ``adverse`` [fraction,
            signed by side].
        at : Timestamp
            When they were computed.

        Returns
        -------
        int
            Number of rows that were new.

        Raises
        ------
        MissingColumnsError
            A column is missing.
        ParameterError
            An entry is not known.
        """
        wanted = ["number", *OUTCOME_COLUMNS]
        if missing := [name for name in wanted if name not in outcomes.columns]:
            raise MissingColumnsError(f"The outcomes of Journal.set_outcomes must have {wanted}. Missing {missing}.")
        new = 0
        with self._database.writing() as connection:
            for row in outcomes[wanted].to_dict("records"):
                _check_known(connection, int(row["number"]), caller="Journal.set_outcomes")
                new += _add_outcome(connection, row, stamp_ms(at))
        return new

    def entries(
        self,
        *,
        kind: str | None = None,
        symbol: str | None = None,
        since: pd.Timestamp | None = None,
        horizon: str = "3d",
    ) -> pd.DataFrame:
        """Entries, newest first, with their outcome over one horizon.

        Parameters
        ----------
        kind, symbol : str, optional
            Only these.
        since : Timestamp, optional
            Only entries from then on.
        horizon : str
            Which outcome to show beside each; the latest reading counts.

        Returns
        -------
        DataFrame
            Columns ``ENTRY_COLUMNS`` (``state`` is a dict, ``zone`` a word, ``mark_price`` of the state, ``notes``
            a count) and ``OUTCOME_COLUMNS``; NaN and NaT while there is no outcome.

        Raises
        ------
        ParameterError
            ``kind`` is none of ``JOURNAL_KINDS``.
        """
        if kind is not None:
            check_choice("kind", kind, JOURNAL_KINDS, caller="Journal.entries")
        conditions = {"kind = ?": kind, "symbol = ?": symbol, "at >= ?": None if since is None else stamp_ms(since)}
        kept = {text: value for text, value in conditions.items() if value is not None}
        clause = f" WHERE {' AND '.join(kept)}" if kept else ""
        rows = self._rows(ENTRIES.format(clause=clause), [*kept.values()])
        entries = pd.DataFrame([self._entry(row) for row in rows], columns=list(ENTRY_COLUMNS))
        entries["at"] = pd.to_datetime(entries["at"], utc=True).dt.as_unit("ms")
        latest = self.outcomes().query("horizon == @horizon").drop(columns=["at", "horizon"])
        joined = entries.assign(horizon=horizon).merge(latest, on="number", how="left")
        return joined[[*ENTRY_COLUMNS, *OUTCOME_COLUMNS]]

    def outcomes(self) -> pd.DataFrame:
        """Latest outcome of every entry and horizon: number, at and ``OUTCOME_COLUMNS``."""
        rows = self._rows(OUTCOMES, [])
        table = pd.DataFrame(rows, columns=["number", "at", *OUTCOME_COLUMNS])
        for name in ("at", "opened_at", "closed_at"):
            table[name] = pd.to_datetime(table[name], unit="ms", utc=True).dt.as_unit("ms")
        return table.astype({"number": "int64"} | dict.fromkeys(NUMBERS, "float64"))

    def notes(self, number: int) -> pd.DataFrame:
        """Later notes on an entry, oldest first: at, text."""
        rows = self._rows("SELECT at, text FROM note WHERE entry = ? ORDER BY number", [int(number)])
        table = pd.DataFrame(rows, columns=["at", "text"])
        table["at"] = pd.to_datetime(table["at"], unit="ms", utc=True).dt.as_unit("ms")
        return table

    def export(self) -> pd.DataFrame:
        """Everything in one table for a CSV file: one row per entry and outcome, oldest first, state and notes as text.

        An entry without an outcome is one row with an empty ``horizon``.
        """
        entries = self.entries().drop(columns=list(OUTCOME_COLUMNS))
        entries["state"] = [pack_values(state, caller="Journal.export") for state in entries["state"]]
        notes = self._rows("SELECT entry, group_concat(text, ' | ') FROM note GROUP BY entry", [])
        entries["notes"] = entries["number"].map(dict(notes)).fillna("")
        table = entries.merge(self.outcomes().drop(columns="at"), on="number", how="left")
        table["horizon"] = table["horizon"].fillna("")
        return table.sort_values(["number", "closed_at"], kind="stable", ignore_index=True)

    def check(self) -> None:
        """Read the whole file.

        Raises
        ------
        DataError
            It is damaged.
        """
        self._database.check()

    def _entry(self, row: tuple[Any, ...]) -> dict[str, Any]:
        named = dict(zip(("number", "at", *ENTRY_COLUMNS[2:10], "notes"), row, strict=True))
        state = unpack_values(named["state"], where=str(self.path))
        price = state.get("mark_price", math.nan)
        return {
            **named,
            "at": from_ms(named["at"]),
            "state": state,
            "mark_price": float(price) if isinstance(price, int | float) else math.nan,
            "zone": _zone_word(state.get("zone")),
            "rule": str(state.get("rule") or ""),
        }

    def _rows(self, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        if not self._database.exists:
            return []
        with self._database.reading() as connection:
            return connection.execute(query, arguments).fetchall()


ENTRIES = """
SELECT number, at, kind, symbol, venue, side, text, reason, source, state,
       (SELECT count(*) FROM note WHERE note.entry = entry.number)
FROM entry{clause} ORDER BY at DESC, number DESC
"""
OUTCOMES = f"""
SELECT entry, at, {", ".join(OUTCOME_COLUMNS)} FROM outcome
WHERE number IN (SELECT max(number) FROM outcome GROUP BY entry, horizon) ORDER BY entry, closed_at
"""


def _zone_word(zone: Any) -> str:
    """Zone of a state as a word: numbers are +1 green, 0 amber, -1 red; unknown is empty."""
    if isinstance(zone, str):
        return zone
    return ZONES.get(float(zone), "") if isinstance(zone, int | float) else ""


def _check_entry(entry: JournalEntry) -> None:
    check_choice("kind", entry.kind, JOURNAL_KINDS, caller="Journal.add")
    check_choice("side", entry.side, (-1, 0, 1), caller="Journal.add")
    _check_text("text", entry.text, caller="Journal.add")
    for name in ("symbol", "venue", "reason"):
        value = getattr(entry, name)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise parameter_error(name, "Journal.add", f"text of at most {LONGEST_TEXT} characters", value)
    if not isinstance(entry.state, Mapping):
        raise parameter_error("state", "Journal.add", "names and values", entry.state)


def _check_text(name: str, text: str, *, caller: str) -> None:
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise parameter_error(name, caller, f"text of 1 to {LONGEST_TEXT} characters", text)


def _check_known(connection: sqlite3.Connection, number: int, *, caller: str) -> None:
    if connection.execute("SELECT 1 FROM entry WHERE number = ?", (number,)).fetchone() is None:
        raise ParameterError(f"The 'number' parameter of {caller} must be that of an entry. Got {number!r} instead.")


def _add_outcome(connection: sqlite3.Connection, row: Mapping[Any, Any], at: int) -> int:
    stamps = [None if pd.isna(row[name]) else stamp_ms(row[name]) for name in ("opened_at", "closed_at")]
    numbers = [None if pd.isna(row[name]) else float(row[name]) for name in NUMBERS]
    values = (int(row["number"]), str(row["horizon"]), *stamps, *numbers)
    same = " AND ".join(f"{name} IS ?" for name in ("entry", *OUTCOME_COLUMNS))
    latest = "number = (SELECT max(number) FROM outcome WHERE entry = ? AND horizon = ?)"
    if connection.execute(f"SELECT 1 FROM outcome WHERE {latest} AND {same}", (*values[:2], *values)).fetchone():
        return 0
    connection.execute(
        f"INSERT INTO outcome (entry, {', '.join(OUTCOME_COLUMNS)}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, at),
    )
    return 1


def _first(connection: sqlite3.Connection) -> None:
    """Version 1: entries, notes on them, outcomes of them; triggers keep all three as they were written."""
    connection.execute(
        "CREATE TABLE entry (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, "
        "symbol TEXT NOT NULL, venue TEXT NOT NULL, side INTEGER NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL, "
        "source TEXT NOT NULL, state TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE note (number INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL REFERENCES entry "
        "(number), at INTEGER NOT NULL, text TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE outcome (number INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL REFERENCES entry "
        "(number), at INTEGER NOT NULL, horizon TEXT NOT NULL, opened_at INTEGER, closed_at INTEGER, "
        "entry_price REAL, exit_price REAL, forward_return REAL, favourable REAL, adverse REAL)"
    )
    connection.execute("CREATE INDEX entry_at ON entry (at)")
    connection.execute("CREATE INDEX note_entry ON note (entry)")
    connection.execute("CREATE INDEX outcome_entry ON outcome (entry, horizon)")
    for table in ("entry", "note", "outcome"):
        for act in ("UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the journal keeps what was written'); END"
            )


STEPS = (_first,)
