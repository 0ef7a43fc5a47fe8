"""Presence: know whether anybody still looks at the app.

A session whose tab vanished keeps its kernel, and a kernel that streams is never idle, so the server never culls it.
Presence pings while the page is open and calls ``on_gone`` once it has been quiet for too long: stop streams there.
The gallery uses it; it is meant for every app that streams.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from heatlab._checks import check_positive

log = logging.getLogger("heatlab.widgets")


class Presence(anywidget.AnyWidget):  # type: ignore[misc]
    """Call ``on_gone`` when no page has answered for ``limit`` seconds, ``on_back`` when one does again.

    Parameters
    ----------
    on_gone, on_back : callable
        Called without arguments on the event loop; coroutine functions are awaited. An error is logged.
    limit : float
        Quiet time [s]. Browsers slow the timers of a hidden tab to one a minute, so keep it above 60.
    every : float
        Time between two pings [s].
    clock : callable
        Seconds from any fixed instant, for tests.
    """

    _esm = Path(__file__).parent / "static" / "presence.js"
    every = traitlets.Float(5.0).tag(sync=True)
    _task: asyncio.Task[None] | None = None

    def __init__(
        self,
        on_gone: Callable[[], Any],
        *,
        on_back: Callable[[], Any] | None = None,
        limit: float = 90.0,
        every: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        check_positive("limit", limit, caller="Presence")
        check_positive("every", every, caller="Presence")
        super().__init__(every=every, **kwargs)
        self._on_gone, self._on_back, self._limit, self._clock = on_gone, on_back, limit, clock
        self._last = clock()
        self.gone = False
        self.on_msg(self._hear)
        self._watch_if_possible()

    def close(self) -> None:
        """Stop watching and close the widget."""
        if self._task is not None:
            self._task.cancel()
        super().close()

    def _watch_if_possible(self) -> None:
        try:
            self._task = asyncio.get_running_loop().create_task(self._watch())
        except RuntimeError:
            log.debug("no event loop: presence starts watching at the first ping")

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if "ping" not in content:
            return
        self._last = self._clock()
        self.send({"pong": 1})
        if self._task is None:
            self._watch_if_possible()
        if self.gone:
            self.gone = False
            self._call_soon(self._on_back)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._limit / 4)
            if not self.gone and self._clock() - self._last > self._limit:
                self.gone = True
                await _call(self._on_gone)

    def _call_soon(self, function: Callable[[], Any] | None) -> None:
        if function is not None and self._task is not None:
            self._back = asyncio.get_running_loop().create_task(_call(function))


async def _call(function: Callable[[], Any]) -> None:
    try:
        result = function()
        if inspect.isawaitable(result):
            await result
    except Exception:
        log.exception("a presence callback failed")
