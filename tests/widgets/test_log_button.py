"""The Log button: from anywhere, with a reason, confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from heatlab.domain import JournalEntry
from heatlab.errors import ParameterError, SourceError
from heatlab.widgets.log_button import NO_JOURNAL, LogButton


class Log:
    """Keeps entries and numbers them from 12."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    def __call__(self, entry: JournalEntry) -> int:
        self.entries.append(entry)
        return 11 + len(self.entries)


def reading() -> JournalEntry:
    """An entry with its state."""
    return JournalEntry("reading", "heat 71", "BTC/USDT:USDT", "okx", 1, state={"heat": 71.0})


def test_a_press_logs_with_the_reason_and_confirms() -> None:
    """State and words go in; the reason is emptied for the next time."""
    log = Log()
    button = LogButton(log, reading)
    button.reason.value = " looks strong "
    button.button.click()
    assert log.entries[0].reason == "looks strong"
    assert log.entries[0].state == {"heat": 71.0}
    assert (button.status.text, button.status.state) == ("Logged as #12", "ready")
    assert button.reason.value == ""


def test_who_wants_to_know_is_told() -> None:
    """The section may mark what was logged."""
    told: list[Any] = []
    LogButton(Log(), reading, label="Accept", on_logged=told.append).button.click()
    assert told == [12]


def test_a_reason_may_be_required() -> None:
    """An override without one is refused in words; one given by the entry counts."""
    log = Log()
    button = LogButton(log, reading, needs_reason=True)
    with pytest.raises(ParameterError, match="Give a reason first"):
        button.press()
    button.button.click()
    assert button.status.state == "error"
    assert log.entries == []
    button.reason.value = "CPI"
    button.button.click()
    assert button.status.text == "Logged as #12"


def test_without_a_journal_it_is_off_and_says_why() -> None:
    """Nobody wonders why nothing happens."""
    button = LogButton(None, reading)
    assert button.button.disabled
    assert button.reason.disabled
    assert button.button.tooltip == NO_JOURNAL
    assert button.press() is None
    assert button.status.text == NO_JOURNAL


def test_nothing_to_log_is_said() -> None:
    """Before there is a reading."""
    log = Log()
    button = LogButton(log, lambda: None)
    assert button.press() is None
    assert button.status.text == "There is nothing to log yet."
    assert log.entries == []


def test_a_journal_that_cannot_be_written_is_an_error_on_screen() -> None:
    """The reason typed in stays."""

    def full(_entry: JournalEntry) -> int:
        raise SourceError("The disk is full.")

    button = LogButton(full, reading)
    button.reason.value = "why"
    button.button.click()
    assert (button.status.state, button.status.text) == ("error", "The disk is full.")
    assert button.reason.value == "why"
