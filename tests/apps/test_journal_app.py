"""The journal app: outcomes filled in from prices and kept, the address made safe, where the data live."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest

from heatlab import apps
from heatlab.apps import journal_app
from heatlab.apps.journal_app import clean, journal_inputs
from heatlab.apps.user_data import log_to, user_books, user_data, user_journal, user_snapshots
from heatlab.domain import JournalEntry
from heatlab.errors import ParameterError, SourceError
from heatlab.sources import SimulatedSource
from heatlab.store import Journal, SettingsStore
from heatlab.widgets.journal_panel import JournalPanel

BTC = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    """The built-in market."""
    return SimulatedSource(7)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.sqlite")


def add(journal: Journal, source: SimulatedSource, *, days: float = 10, name: str | None = None, **changes: Any) -> int:
    """A long on BTC, so many days before the source's clock."""
    given = {"kind": "signal", "text": "go", "symbol": BTC, "venue": source.venues()[0], "side": 1}
    at = source.now() - pd.Timedelta(days=days)
    return journal.add(JournalEntry(**{**given, **changes}), at=at, source=source.name if name is None else name)


def test_outcomes_are_filled_in_and_kept(source: SimulatedSource, journal: Journal) -> None:
    """All three horizons of a ten days old entry, from the source's own bars."""
    add(journal, source)
    found = journal_inputs(source, journal)
    assert found.outcomes["horizon"].tolist() == ["1d", "3d", "7d"]
    assert found.outcomes["status"].tolist() == ["done"] * 3
    at = source.now() - pd.Timedelta(days=10)
    first = source.candles(BTC, "1h", start=at).iloc[0]
    assert found.outcomes["entry_price"].tolist() == [first["open"]] * 3
    assert len(journal.outcomes()) == 3


def test_what_is_kept_is_not_fetched_again(
    source: SimulatedSource, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second visit asks for no candles and shows the same."""
    add(journal, source)
    before = journal_inputs(source, journal)

    def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("candles were fetched")

    monkeypatch.setattr(SimulatedSource, "candles", asked)
    after = journal_inputs(source, journal)
    pd.testing.assert_frame_equal(before.outcomes, after.outcomes, check_dtype=False)


def test_horizons_that_are_not_over_stay_pending(source: SimulatedSource, journal: Journal) -> None:
    """The one that is over is kept, the others wait; once kept it is not there twice."""
    add(journal, source, days=2)
    for _ in range(2):
        found = journal_inputs(source, journal)
        assert found.outcomes["status"].tolist() == ["done", "pending", "pending"]
    assert len(journal.outcomes()) == 1


def test_entries_of_another_simulated_market_get_no_outcome_here(source: SimulatedSource, journal: Journal) -> None:
    """Its prices are not these; one without a source is taken as ours."""
    add(journal, source, name="simulated market (seed 8)")
    add(journal, source, name="")
    found = journal_inputs(source, journal)
    by = found.outcomes.groupby("number")["status"].unique()
    assert [list(by[1]), list(by[2])] == [["other market"], ["done"]]


def test_a_market_the_source_lacks_is_a_note_not_a_failure(source: SimulatedSource, journal: Journal) -> None:
    """The others are scored."""
    add(journal, source, symbol="NOPE/USDT:USDT")
    add(journal, source)
    found = journal_inputs(source, journal)
    assert "NOPE/USDT:USDT" in found.notices[0]
    assert set(found.outcomes.loc[found.outcomes["number"] == 1, "status"]) == {"no prices"}
    assert set(found.outcomes.loc[found.outcomes["number"] == 2, "status"]) == {"done"}


def test_a_journal_that_cannot_be_written_still_shows_outcomes(
    source: SimulatedSource, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notes say that they were not kept."""
    add(journal, source)

    def refuse(*_: Any, **__: Any) -> int:
        raise SourceError("The folder may not be written to.")

    monkeypatch.setattr(Journal, "set_outcomes", refuse)
    found = journal_inputs(source, journal)
    assert found.outcomes["status"].tolist() == ["done"] * 3
    assert found.notices == ("The outcomes shown were not kept: The folder may not be written to.",)


def test_progress_is_told_and_cancel_heard(source: SimulatedSource, journal: Journal) -> None:
    """After each market; a cancelled load fetches no more."""
    add(journal, source)
    add(journal, source, symbol="ETH/USDT:USDT")
    told: list[tuple[float, float, str]] = []
    stop = threading.Event()
    stop.set()
    journal_inputs(source, journal, progress=lambda *step: told.append(step), cancel=stop)
    assert told == []
    journal_inputs(source, journal, progress=lambda *step: told.append(step))
    assert [step[:2] for step in told] == [(1, 2), (2, 2)]


def test_an_empty_journal_makes_no_file(source: SimulatedSource, journal: Journal) -> None:
    """Looking does not write; the form offers the markets of the book first."""
    found = journal_inputs(source, journal)
    assert found.outcomes.empty
    assert found.markets[0] == (source.positions()["symbol"].iloc[0], source.positions()["venue"].iloc[0])
    assert not journal.path.exists()


def test_the_app_shows_the_journal_and_writes_to_it(source: SimulatedSource, journal: Journal) -> None:
    """What the form writes is stamped with the source's clock and name."""
    add(journal, source)
    app = apps.journal(source, journal=journal)
    assert isinstance(app, JournalPanel)
    app.form.text.value = "watching"
    app.form.button.click()
    row = journal.entries().iloc[0]
    assert (row["number"], row["at"], row["source"]) == (2, source.now(), source.name)
    app.note.value = "later"
    app.add_note.click()
    assert journal.notes(2)["text"].tolist() == ["later"]
    assert app._actions.export().decode().startswith("number,at,kind")


def test_settings_come_from_the_address_before_the_last_visit(
    source: SimulatedSource, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are kept for the next."""
    add(journal, source)
    store = SettingsStore(tmp_path / "settings.json")
    store.write("journal simulated", {"horizon": "7d", "kind": "signal", "by": "nonsense"})
    monkeypatch.setenv("QUERY_STRING", "horizon=1d&entry=1&cost=99")
    app = apps.journal(source, store, journal=journal)
    assert isinstance(app, JournalPanel)
    kept = app.settings()
    assert (kept["horizon"], kept["kind"], kept["by"], kept["cost"], kept["entry"]) == ("1d", "signal", "kind", 5.0, 1)
    app.apply({"by": "zone"})
    assert store.read("journal simulated")["by"] == "zone"


def test_junk_in_the_address_is_made_safe() -> None:
    """Choices checked, numbers clamped, text cut."""
    made = clean({"kind": "<script>", "since": "ever", "entry": "-5", "cost": "nan", "search": "x" * 999, "zone": 3})
    assert made["kind"] == made["zone"] == ""
    assert (made["since"], made["entry"], made["cost"], len(made["search"])) == ("all", 0, 0.1, 100)


def test_a_damaged_journal_is_said_in_words(source: SimulatedSource, tmp_path: Path) -> None:
    """The app stands, names the file, and deletes nothing."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    app = apps.journal(source, journal=Journal(path))
    assert isinstance(app, JournalPanel)
    assert app.status.state == "error"
    assert "journal.sqlite is damaged" in app.status.text
    assert path.read_bytes().startswith(b"not a database")


def test_data_live_where_the_environment_says(tmp_path: Path) -> None:
    """Else in the usual place of the system; a relative path or a file is refused."""
    assert user_data({"HEATLAB_DATA": str(tmp_path)}) == tmp_path
    assert user_data({}).name == "heatlab"
    for bad in ("data", "./data", str(Path(__file__))):
        with pytest.raises(ParameterError, match="'HEATLAB_DATA' parameter of user_data must be the absolute path"):
            user_data({"HEATLAB_DATA": bad})


def test_simulated_entries_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No practice in the journal of real money."""
    monkeypatch.setenv("HEATLAB_DATA", str(tmp_path))
    assert user_journal().path == tmp_path / "journal.sqlite"
    assert user_journal(simulated=True).path == tmp_path / "journal-simulated.sqlite"
    assert user_snapshots(simulated=True).path == tmp_path / "snapshots-simulated.sqlite"
    assert user_books().path == tmp_path / "books.sqlite"


def test_a_bad_place_is_shown_in_words(source: SimulatedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app says what is wrong with the variable."""
    monkeypatch.setenv("HEATLAB_DATA", "relative")
    app = journal_app.journal(source)
    assert not isinstance(app, JournalPanel)
    texts = [child.value for child in app.children if isinstance(child, ipywidgets.HTML)]
    assert "HEATLAB_DATA" in texts[0]


def test_sections_log_with_clock_and_source(source: SimulatedSource, journal: Journal) -> None:
    """What the other apps are given."""
    assert log_to(journal, source)(JournalEntry("alert", "near")) == 1
    assert journal.entries()["at"].iloc[0] == source.now()
