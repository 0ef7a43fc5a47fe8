"""Alerts sent through apprise, to a server on this machine."""

from __future__ import annotations

import importlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pandas as pd
import pytest

from heatlab.apps.notify import Notifier, environment_words, message, notifier
from heatlab.errors import MissingDependencyError
from heatlab.portfolio.alerts.state import ActiveAlert

NOW = pd.Timestamp("2026-02-01 12:00", tz="UTC")
SECRET = "hunter2"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise", "ignore:.imghdr. is deprecated")
"""apprise loads plugins that import what Python 3.13 drops."""


def alert(
    level: str = "red", symbol: str = "BTC/USDT:USDT", detail: str = "the long is 2.0% from 60,000"
) -> ActiveAlert:
    """One alert to send."""
    return ActiveAlert(("liquidation", symbol, "okx", 1), level, detail, NOW)


class Inbox(HTTPServer):
    """A loopback server that keeps what it is sent."""

    status = 200

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Hear)


class Hear(BaseHTTPRequestHandler):
    """Keep the body of each POST."""

    server: Inbox

    def do_POST(self) -> None:
        """Read JSON and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A server for one test."""
    pytest.importorskip("apprise")
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(inbox: Inbox) -> str:
    """Where it listens, with a password in the address."""
    return f"json://user:{SECRET}@127.0.0.1:{inbox.server_port}/alerts"


def test_one_message_for_a_batch(inbox: Inbox) -> None:
    """Title with the counts, a line an alert."""
    said = Notifier(address(inbox), name="okx").send([alert(), alert("amber", "ETH/USDT:USDT", "on the edge")])
    (got,) = inbox.got
    assert got["title"] == "heatlab: 1 red, 1 amber (okx)"
    assert got["message"].splitlines() == [
        "RED liquidation BTC/USDT:USDT on okx: the long is 2.0% from 60,000",
        "AMBER liquidation ETH/USDT:USDT on okx: on the edge",
    ]
    assert got["type"] == "failure"
    assert said == "Sent to 1 target (json)."


def test_nothing_to_say_sends_nothing(inbox: Inbox) -> None:
    """No empty messages."""
    assert Notifier(address(inbox)).send([]) == ""
    assert inbox.got == []


def test_a_refusal_is_said_and_logged_without_the_address(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """The server answers 500; no line holds the password."""
    inbox.status = 500
    with caplog.at_level(logging.DEBUG):
        said = Notifier(address(inbox)).send([alert()])
    assert said == "Not every one of 1 target (json) took the alerts; they are listed here."
    assert "could not be sent" in caplog.text
    assert SECRET not in caplog.text + said


def test_a_server_that_is_not_there_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A closed port is a line in the log and on the screen."""
    pytest.importorskip("apprise")
    with caplog.at_level(logging.DEBUG):
        said = Notifier(f"json://user:{SECRET}@127.0.0.1:9/").send([alert()])
    assert "took the alerts" in said
    assert SECRET not in caplog.text


def test_an_exception_stops_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Its kind is said, not its text, which can hold an address."""
    apprise = pytest.importorskip("apprise")

    def fail(*_args: Any, **_kwargs: Any) -> bool:
        raise OSError(f"json://user:{SECRET}@host")

    monkeypatch.setattr(apprise.Apprise, "notify", fail)
    said = Notifier("json://127.0.0.1:9/").send([alert()])
    assert "OSError" in said
    assert SECRET not in said + caplog.text


def test_targets_are_never_shown() -> None:
    """Kinds only, also of what cannot be read."""
    pytest.importorskip("apprise")
    made = Notifier(f"json://user:{SECRET}@127.0.0.1/ {SECRET}")
    other = Notifier(f"json://user:{SECRET}@127.0.0.1/, xyz://{SECRET}")
    for text in (repr(made), made.words, repr(other), other.words):
        assert SECRET not in text
        assert "json" in text
    assert "1 in HEATLAB_NOTIFY cannot be read" in other.words


def test_the_environment_names_the_targets(inbox: Inbox) -> None:
    """None without any; the words for the screen."""
    assert notifier({}) is None
    made = notifier({"HEATLAB_NOTIFY": address(inbox)}, name="okx")
    assert made is not None
    assert made.send([alert()]).startswith("Sent")
    assert "also sent to 1 target (json)" in environment_words({"HEATLAB_NOTIFY": address(inbox)})
    assert "shown here only" in environment_words({})


def test_without_apprise_the_reader_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Alerts stay on screen; the extra is named."""

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"heatlab\[alerts\]"):
        Notifier("json://127.0.0.1/")
    assert notifier({"HEATLAB_NOTIFY": f"json://{SECRET}@127.0.0.1/"}) is None
    assert "heatlab[alerts]" in caplog.text
    assert SECRET not in caplog.text
    assert "heatlab[alerts]" in environment_words({"HEATLAB_NOTIFY": "json://127.0.0.1/"})


def test_a_long_batch_is_cut() -> None:
    """Twelve lines and how many more."""
    _title, body = message([alert()] * 20, name="okx")
    assert len(body.splitlines()) == 13
    assert body.endswith("and 8 more")
