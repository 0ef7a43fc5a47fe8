"""The alert centre: what it shows, keeps, sends and lets the reader do."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.errors import ParameterError
from heatlab.figures import DARK
from heatlab.portfolio.alerts.state import ActiveAlert
from heatlab.portfolio.view import RiskView
from heatlab.widgets.alert_centre import AlertCentre
from heatlab.widgets.sections import BookInputs, Selection, Shared
from heatlab.widgets.status import Status
from tests.portfolio.hand_made import ETH, NOW, nothing, view

NEAR = {"deviation": 0.03}


def inputs(made: RiskView, *, hours: int = 0, watching: bool = False) -> BookInputs:
    """Inputs of a view, some hours on."""
    return BookInputs(made.positions, {}, NOW + pd.Timedelta(hours=hours), "test", watching=watching)


def centre(**kwargs: Any) -> AlertCentre:
    """A centre with its own status and selection."""
    return AlertCentre(Shared(Status(), Selection(), log=kwargs.pop("log", None)), **kwargs)


def shown(made: AlertCentre, risk: RiskView, *, hours: int = 0) -> AlertCentre:
    """The centre after a view."""
    made.update(inputs(risk, hours=hours), risk)
    return made


def click(made: AlertCentre, act: str, *, row: int = 0) -> None:
    """Press a button of a row."""
    made.list._handle_custom_msg({"act": act, "id": made.list.rows[row]["id"]}, [])


def test_alerts_are_listed_most_urgent_first() -> None:
    """Badge in word and shape, what and where, since when."""
    made = shown(centre(), view(**NEAR))
    first = made.list.rows[0]
    assert (first["badge"], first["title"]) == ("▼ red", "Liquidation · ETH · okx")
    assert first["since"] == "since 2026-02-01 12:00 UTC (0 s)"
    assert "In force: 1 red" in made.summary.value
    assert "Liquidation · ETH" in made.list.news


def test_the_age_of_an_alert_grows() -> None:
    """Since when, and how long that is."""
    made = shown(shown(centre(), view(**NEAR)), view(**NEAR), hours=3)
    assert made.list.rows[0]["since"] == "since 2026-02-01 12:00 UTC (3 h)"


def test_a_quiet_book_says_so() -> None:
    """In words, not with an empty list; before any book it waits; a watch list has its own words."""
    made = centre()
    assert "Waiting for a book" in made.summary.value
    assert "No alert in force" in shown(made, nothing()).summary.value
    made.update(inputs(nothing(), watching=True), nothing())
    assert "watch list" in made.summary.value


def test_sensitivity_is_spelled_out_and_changes_the_alerts() -> None:
    """Aggressive drops what balanced warns of; the choice is kept."""
    kept: list[dict[str, Any]] = []
    made = shown(centre(keep=kept.append), view(deviation=0.015))
    assert len(made.list.rows) == 1
    made.sensitivity.value = "aggressive"
    assert "red from 40%" in made.meaning.value
    assert kept[-1]["sensitivity"] == "aggressive"
    assert len(made.list.rows) == 1, "what is in force stays inside the margin"
    shown(made, view(deviation=0.011), hours=1)
    assert made.list.rows == []


def test_acknowledging_and_snoozing() -> None:
    """Seen: no more button for it, quiet; snoozed: until when."""
    kept: list[dict[str, Any]] = []
    made = shown(centre(keep=kept.append), view(**NEAR))
    click(made, "acknowledge")
    assert made.list.rows[0]["quiet"]
    assert "acknowledged" in made.list.rows[0]["since"]
    assert "acknowledge" not in dict(made.list.rows[0]["acts"])
    click(made, "snooze")
    assert "quiet until 16:00 UTC" in made.list.rows[0]["since"]
    assert kept[-1]["state"]["active"][0]["acknowledged"]


def test_a_click_selects_the_position_everywhere() -> None:
    """The key is the one the other sections use."""
    made = shown(centre(), view(**NEAR))
    click(made, "select")
    assert made._shared.selection.position == (ETH, "okx", 1)


def test_an_alert_can_be_logged_with_its_state() -> None:
    """Where there is a journal; without one there is no button."""
    entries: list[JournalEntry] = []
    made = shown(centre(log=entries.append), view(**NEAR))
    click(made, "log")
    (entry,) = entries
    assert (entry.kind, entry.symbol, entry.venue, entry.side) == ("alert", ETH, "okx", 1)
    assert entry.state["level"] == "red"
    assert "log" not in dict(shown(centre(), view(**NEAR)).list.rows[0]["acts"])


def test_new_alerts_are_sent_once() -> None:
    """The same view and the next one send nothing more; what came of it is shown."""
    batches: list[Sequence[ActiveAlert]] = []

    def send(raised: Sequence[ActiveAlert]) -> str:
        batches.append(raised)
        return "Sent to 1 target (json)."

    made = centre(send=send)
    risk = view(**NEAR)
    shown(shown(shown(made, risk), risk), view(**NEAR), hours=1)
    assert [len(batch) for batch in batches] == [1]
    assert "Sent to 1 target (json)." in made.sent.value


async def test_sending_does_not_block_the_app() -> None:
    """In an event loop it runs in a thread; a failure is shown and stops nothing."""

    def fail(_raised: Sequence[ActiveAlert]) -> str:
        raise OSError("no network")

    made = shown(centre(send=fail), view(**NEAR))
    assert made._sending is not None
    await made._sending
    assert "could not be sent" in made.sent.value
    assert len(made.list.rows) == 1


def test_what_was_known_is_carried_over() -> None:
    """An alert raised before a restart is neither new nor forgotten."""
    kept: list[dict[str, Any]] = []
    sent: list[Any] = []
    shown(centre(keep=kept.append), view(**NEAR))
    again = centre(state=kept[-1]["state"], send=lambda raised: str(sent.append(raised)))
    shown(again, view(**NEAR), hours=1)
    assert again.list.rows[0]["since"].startswith("since 2026-02-01 12:00")
    assert sent == []


def test_a_damaged_state_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """And said in the log."""
    with caplog.at_level(logging.ERROR):
        assert centre(state={"version": 77}).state.active == {}
    assert "start afresh" in caplog.text


def test_what_is_over_is_kept_in_a_table() -> None:
    """From when to when."""
    made = shown(shown(centre(), view(**NEAR)), nothing(), hours=2)
    assert "Cleared alerts (1)" in made.past.value
    assert "02-01 14:00" in made.past.value


def test_a_click_on_what_is_gone_does_nothing() -> None:
    """The list may be older than the state."""
    made = shown(centre(), view(**NEAR))
    made.list._handle_custom_msg({"act": "acknowledge", "id": "nothing"}, [])
    assert not made.list.rows[0]["quiet"]


def test_an_unknown_sensitivity_is_refused() -> None:
    """The message lists them."""
    with pytest.raises(ParameterError, match="'conservative', 'balanced', 'aggressive'"):
        centre(sensitivity="calm")


def test_it_is_a_section() -> None:
    """Title, name and theme."""
    made = centre()
    made.set_theme(DARK)
    made.show(inputs(nothing()), nothing())
    assert (made.title, made.name) == ("Alerts", "alerts")
