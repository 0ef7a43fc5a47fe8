"""The status line, and what becomes of a failing callback."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from heatlab.errors import SourceError
from heatlab.widgets import Status, guard, log_to_file


def test_a_status_line_shows_what_it_is_told() -> None:
    """Busy, ready and stale set state and text."""
    status = Status()
    status.busy("Reading candles")
    assert (status.state, status.text) == ("busy", "Reading candles")
    status.stale("3 h old")
    assert (status.state, status.text) == ("stale", "3 h old")
    status.ready("Done")
    assert (status.state, status.text) == ("ready", "Done")


def test_an_error_of_heatlab_is_shown_in_its_own_words() -> None:
    """The message says what, where and what to do; it needs no decoration."""

    def failing() -> None:
        raise SourceError("There is no folder 'x'.")

    status = Status()
    assert guard(failing, status)() is None
    assert (status.state, status.text) == ("error", "There is no folder 'x'.")


def test_another_error_is_named_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The user sees the kind and where to look; the trace goes to the log."""

    def failing() -> None:
        raise ZeroDivisionError("a / 0")

    status = Status()
    with caplog.at_level(logging.ERROR, "heatlab"):
        guard(failing, status)()
    assert status.text == "ZeroDivisionError: a / 0. The details are in the log."
    assert caplog.records[0].exc_info is not None


def test_a_long_error_is_cut_to_one_line() -> None:
    """A message of many lines becomes one of at most 300 characters."""
    status = Status()
    status.error("a\nb " * 400)
    assert len(status.text) == 300
    assert "\n" not in status.text


def test_a_guarded_handler_returns_what_the_handler_returns() -> None:
    """The guard changes nothing where nothing fails."""
    assert guard(lambda a, b: a + b, Status())(2, 3) == 5


async def test_a_coroutine_stays_one() -> None:
    """An asynchronous handler is awaited and guarded in the same way."""

    async def failing() -> None:
        raise SourceError("gone")

    status = Status()
    await guard(failing, status)()
    assert status.text == "gone"


def test_the_log_goes_to_one_file_once(tmp_path: Path) -> None:
    """Asking twice adds one handler; traces arrive in the file."""
    path = tmp_path / "heatlab.log"
    handler = log_to_file(str(path))
    try:
        assert log_to_file(str(path)) is handler
        logging.getLogger("heatlab.test").error("something broke")
        assert "something broke" in path.read_text()
    finally:
        assert handler is not None
        logging.getLogger("heatlab").removeHandler(handler)
        handler.close()
