"""Settings in the address are read safely."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from heatlab.apps import url


def test_the_address_is_read() -> None:
    """Names and values are unquoted; the last value of a name counts."""
    environ = {"QUERY_STRING": "symbol=BTC%2FUSDT%3AUSDT&scale=log&scale=linear"}
    assert url.query_parameters(environ) == {"symbol": "BTC/USDT:USDT", "scale": "linear"}


def test_without_an_address_there_are_no_parameters() -> None:
    """JupyterLab has none."""
    assert url.query_parameters({}) == {}


class Query(WebSocketHandler):
    """Voila's end: says who comes, to the kernel that asks."""

    asked: ClassVar[list[str]] = []

    def open(self, kernel: str) -> None:
        self.asked.append(kernel)
        self.write_message({"QUERY_STRING": "step=4"})


@pytest.fixture
def voila(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server in a thread, and the environment of a preheated kernel that belongs to it."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    ending, ready = threading.Event(), threading.Event()

    async def serve() -> None:
        server = HTTPServer(Application([(r"/voila/query/(.*)", Query)]))
        server.add_socket(listening)
        ready.set()
        while not ending.is_set():
            await asyncio.sleep(0.01)
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(5)
    for name, value in {"PREHEAT": "True", "APP_PORT": str(listening.getsockname()[1]), "KERNEL_ID": "k-1"}.items():
        monkeypatch.setenv(f"VOILA_{name}", value)
    monkeypatch.setenv("QUERY_STRING", "")
    Query.asked.clear()
    yield Query.asked
    ending.set()
    thread.join(5)
    listening.close()


def test_a_preheated_kernel_waits_for_its_visitor(voila: list[str]) -> None:
    """Only there the server is asked, and only once."""
    assert url.query_parameters() == {"step": "4"}
    assert url.query_parameters() == {"step": "4"}
    assert voila == ["k-1"]


def test_a_kernel_does_not_load_voila_to_wait(voila: list[str]) -> None:
    """Importing voila would hold every kernel for seconds."""
    code = (
        "import sys; from heatlab.apps import url; assert url.query_parameters(); print('voila' in sys.modules, end='')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "False"


def test_a_server_that_cannot_be_asked_leaves_the_defaults(
    voila: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The app opens, without the settings of the address; the log says so."""
    monkeypatch.setenv("VOILA_WS_BASE_URL", "/elsewhere/")
    assert url.query_parameters() == {}
    assert "settings in the address are not known" in caplog.text


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 5.0), ("-3", 0.0), ("1e9", 10.0), ("nan", 2.0), ("x", 2.0), ("inf", 10.0), ("", 2.0)]
)
def test_a_number_is_clamped(text: str, expected: float) -> None:
    """Out of range becomes the nearest limit; anything but a number becomes the default."""
    assert url.number({"n": text}, "n", default=2.0, low=0.0, high=10.0) == expected


@given(st.dictionaries(st.sampled_from(["n", "c"]), st.text(max_size=20)))
def test_no_address_can_break_the_reading(parameters: Mapping[str, str]) -> None:
    """Whatever stands in the address, the values stay within what is allowed."""
    assert 0 <= url.integer(parameters, "n", default=2, low=0, high=10) <= 10
    assert url.choice(parameters, "c", default="log", allowed=("log", "linear")) in ("log", "linear")
    assert set(url.choices(parameters, "c", default=("a",), allowed=("a", "b"))) <= {"a", "b"}


def test_choices_keep_their_order_and_drop_the_unknown() -> None:
    """A comma-separated list is read in order, without doubles."""
    assert url.choices({"c": "b,x,a,b"}, "c", default=("a",), allowed=("a", "b")) == ("b", "a")
