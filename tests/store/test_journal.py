"""The journal: what it takes, what it keeps for ever, outcomes and notes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JOURNAL_KINDS, JournalEntry
from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.store import Journal
from heatlab.store.journal import ENTRY_COLUMNS, OUTCOME_COLUMNS

NOW = pd.Timestamp("2026-03-01 12:00", tz="UTC")


def entry(**changes: Any) -> JournalEntry:
    """A reading of a long."""
    state = {"mark_price": 65_000.0, "zone": 1, "rule": "halve", "heat": 71.5}
    given = {"kind": "reading", "text": "goes with the trend", "symbol": "BTC/USDT:USDT", "venue": "okx", "side": 1}
    return JournalEntry(**{**given, "state": state, **changes})


def outcome(number: int = 1, horizon: str = "3d", forward: float = 0.05) -> dict[str, Any]:
    """What came of an entry."""
    return {
        "number": number,
        "horizon": horizon,
        "opened_at": NOW + pd.Timedelta("1h"),
        "closed_at": NOW + pd.Timedelta("73h"),
        "entry_price": 65_000.0,
        "exit_price": 65_000.0 * (1 + forward),
        "forward_return": forward,
        "favourable": 0.07,
        "adverse": -0.01,
    }


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "data" / "journal.sqlite")


def test_reads_back_an_entry_with_its_state(journal: Journal) -> None:
    """Number, time, words, and what the state says of price, zone and rule."""
    assert journal.add(entry(reason="breakout"), at=NOW, source="okx") == 1
    row = journal.entries().iloc[0]
    assert (row["number"], row["kind"], row["side"], row["reason"], row["source"]) == (
        1,
        "reading",
        1,
        "breakout",
        "okx",
    )
    assert row["at"] == NOW
    assert row["state"] == {"mark_price": 65_000.0, "zone": 1, "rule": "halve", "heat": 71.5}
    assert (row["mark_price"], row["zone"], row["rule"]) == (65_000.0, "green", "halve")
    assert np.isnan(row["forward_return"])
    assert pd.isna(row["closed_at"])


def test_an_empty_journal_has_its_columns_and_no_file(journal: Journal) -> None:
    """Looking does not write."""
    assert list(journal.entries().columns) == [*ENTRY_COLUMNS, *OUTCOME_COLUMNS]
    assert journal.entries().empty
    assert journal.outcomes().empty
    assert journal.export().empty
    assert not journal.path.exists()


def test_newest_first_and_filtered(journal: Journal) -> None:
    """By kind, symbol and time."""
    journal.add(entry(), at=NOW)
    journal.add(entry(kind="note", symbol="ETH/USDT:USDT"), at=NOW + pd.Timedelta("1h"))
    journal.add(entry(kind="note"), at=NOW - pd.Timedelta("1h"))
    assert journal.entries()["number"].tolist() == [2, 1, 3]
    assert journal.entries(kind="note")["number"].tolist() == [2, 3]
    assert journal.entries(symbol="BTC/USDT:USDT")["number"].tolist() == [1, 3]
    assert journal.entries(kind="note", since=NOW)["number"].tolist() == [2]


@pytest.mark.parametrize("kind", JOURNAL_KINDS)
def test_every_kind_is_taken(journal: Journal, kind: str) -> None:
    """The kinds of the domain are the journal's."""
    assert journal.add(entry(kind=kind), at=NOW) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "gossip"}, "'kind' parameter of Journal.add must be one of 'reading'"),
        ({"side": 2}, "'side' parameter"),
        ({"text": "  "}, "'text' parameter"),
        ({"text": "x" * 10_001}, "'text' parameter"),
        ({"reason": None}, "'reason' parameter"),
        ({"state": {"api_key": "x"}}, "must hold no secret"),
        ({"state": {"x": object()}}, "plain values"),
        ({"state": {"x": "y" * 200_001}}, "'state' parameter"),
    ],
)
def test_what_is_no_entry_is_refused(journal: Journal, changes: dict[str, Any], words: str) -> None:
    """Nothing is written, and the message names the parameter."""
    with pytest.raises(ParameterError, match=words):
        journal.add(entry(**changes), at=NOW)
    assert journal.entries().empty


def test_unknown_state_is_unknown(journal: Journal) -> None:
    """No price is NaN, no zone is empty; odd values do no harm."""
    journal.add(entry(state={}), at=NOW)
    journal.add(entry(state={"mark_price": float("nan"), "zone": float("nan"), "rule": None}), at=NOW)
    journal.add(entry(state={"mark_price": "dear", "zone": [1]}), at=NOW)
    found = journal.entries()
    assert found["mark_price"].isna().all()
    assert found["zone"].tolist() == ["", "", ""]


def test_an_outcome_stands_beside_its_entry(journal: Journal) -> None:
    """One horizon at a time; the other is still open."""
    journal.add(entry(), at=NOW)
    assert journal.set_outcome(1, at=NOW, **{k: v for k, v in outcome().items() if k != "number"})
    assert journal.entries(horizon="3d")["forward_return"].iloc[0] == 0.05
    assert np.isnan(journal.entries(horizon="7d")["forward_return"].iloc[0])


def test_the_same_outcome_again_adds_nothing_another_is_kept_beside(journal: Journal) -> None:
    """The latest counts; the older one stays in the file."""
    journal.add(entry(), at=NOW)
    assert journal.set_outcomes(pd.DataFrame([outcome(), outcome(horizon="1d")]), at=NOW) == 2
    assert journal.set_outcomes(pd.DataFrame([outcome(), outcome(horizon="1d")]), at=NOW) == 0
    assert journal.set_outcomes(pd.DataFrame([outcome(forward=0.02)]), at=NOW) == 1
    assert journal.entries(horizon="3d")["forward_return"].iloc[0] == 0.02
    with closing(sqlite3.connect(journal.path)) as connection:
        assert connection.execute("SELECT count(*) FROM outcome").fetchone() == (3,)


def test_an_outcome_of_nothing_is_refused(journal: Journal) -> None:
    """The number must be that of an entry, the columns must be there; nothing of the batch stays."""
    journal.add(entry(), at=NOW)
    with pytest.raises(ParameterError, match=r"'number' parameter of Journal\.set_outcomes"):
        journal.set_outcomes(pd.DataFrame([outcome(), outcome(number=9)]), at=NOW)
    assert journal.outcomes().empty
    with pytest.raises(MissingColumnsError, match="adverse"):
        journal.set_outcomes(pd.DataFrame([outcome()]).drop(columns="adverse"), at=NOW)


def test_notes_are_added_and_the_entry_stays(journal: Journal) -> None:
    """A later thought does not touch the first one."""
    journal.add(entry(), at=NOW)
    journal.note(1, " took profit too early ", at=NOW + pd.Timedelta("2D"))
    assert journal.notes(1)["text"].tolist() == ["took profit too early"]
    assert journal.notes(journal.entries()["number"].iloc[0])["text"].tolist() == ["took profit too early"]
    assert journal.entries()["notes"].tolist() == [1]
    assert journal.entries()["text"].tolist() == ["goes with the trend"]
    with pytest.raises(ParameterError, match=r"'number' parameter of Journal\.note"):
        journal.note(9, "x", at=NOW)
    with pytest.raises(ParameterError, match=r"'text' parameter of Journal\.note"):
        journal.note(1, " ", at=NOW)


@pytest.mark.parametrize("table", ["entry", "note", "outcome"])
@pytest.mark.parametrize("act", ["UPDATE {} SET at = 0", "DELETE FROM {}"])
def test_nothing_written_can_be_changed(journal: Journal, table: str, act: str) -> None:
    """The database itself refuses, whoever asks."""
    journal.add(entry(), at=NOW)
    journal.note(1, "x", at=NOW)
    journal.set_outcomes(pd.DataFrame([outcome()]), at=NOW)
    with (
        closing(sqlite3.connect(journal.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="keeps what was written"),
    ):
        connection.execute(act.format(table))


def test_the_export_holds_everything_as_text_and_numbers(journal: Journal) -> None:
    """One row per entry and horizon, state as JSON, notes joined."""
    journal.add(entry(state={"zone": -1, "heat": float("nan")}), at=NOW)
    journal.add(entry(), at=NOW)
    journal.set_outcomes(pd.DataFrame([outcome(), outcome(horizon="1d")]), at=NOW)
    journal.note(1, "one", at=NOW)
    journal.note(1, "two", at=NOW)
    table = journal.export()
    assert table["number"].tolist() == [1, 1, 2]
    assert sorted(table["horizon"]) == ["", "1d", "3d"]
    assert json.loads(table["state"].iloc[0]) == {"zone": -1, "heat": None}
    assert table["notes"].iloc[0] == "one | two"
    assert "goes with the trend" in table.to_csv(index=False)
