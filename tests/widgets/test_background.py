"""Work away from the event loop: at once without one, in a thread with one, the newest request wins."""

from __future__ import annotations

import threading
from typing import Any

from heatlab.errors import SourceError
from heatlab.widgets.background import Background, in_thread
from heatlab.widgets.status import Status


def broken() -> Any:
    """Fail as a source does."""
    raise SourceError("the venue is silent")


def test_without_a_loop_everything_happens_at_once() -> None:
    """The result is handed on before the call returns."""
    heard: list[int] = []
    assert in_thread(lambda: 3, heard.append, Status()) is None
    assert heard == [3]


async def test_with_a_loop_the_work_is_done_elsewhere() -> None:
    """Work in another thread, display in the loop's own."""
    heard: list[int] = []
    await in_thread(threading.get_ident, lambda ident: heard.extend([ident, threading.get_ident()]), Status())
    assert heard[0] != threading.get_ident()
    assert heard[1] == threading.get_ident()


def test_an_error_is_told_and_nothing_is_displayed() -> None:
    """On the status and to whoever asked, without a loop."""
    heard: list[Any] = []
    status, told = Status(), []
    in_thread(broken, heard.append, status, failed=lambda error: told.append(str(error)))
    assert (heard, told, status.state) == ([], ["the venue is silent"], "error")


async def test_an_error_in_a_thread_is_told() -> None:
    """The same with a loop."""
    heard: list[Any] = []
    status, told = Status(), []
    await in_thread(broken, heard.append, status, failed=lambda error: told.append(str(error)))
    assert (heard, told, status.state) == ([], ["the venue is silent"], "error")


async def test_the_newest_request_of_a_burst_wins() -> None:
    """Three at once: only the last is computed."""
    computed: list[int] = []
    shown: list[int] = []

    def compute(request: int) -> int:
        computed.append(request)
        return request * 10

    work = Background(compute, shown.append, Status())
    for request in (1, 2, 3):
        work(request)
    await work.settled()
    assert (computed, shown) == ([3], [30])
