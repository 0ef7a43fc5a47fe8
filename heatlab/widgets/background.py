"""Work of a section that would freeze the page: in a thread where an event loop runs, the newest request wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.status import Status, guard


class Background:
    """Compute away from the event loop, display on it.

    Parameters
    ----------
    compute : callable
        ``compute(request)``, in a thread where an event loop runs; it must not touch widgets.
    display : callable
        ``display(result)``, on the event loop.
    status : Status
        Where an error is shown.
    """

    def __init__(self, compute: Callable[[Any], Any], display: Callable[[Any], Any], status: Status) -> None:
        self._compute, self._display = compute, display
        self._now, self._later = guard(self._run, status), guard(self._run_in_thread, status)
        self._latest = LatestWins(self._start)

    def __call__(self, request: Any) -> None:
        """Take a request; it overtakes those that wait."""
        self._latest(request)

    async def settled(self) -> None:
        """Wait until every request taken so far is dealt with."""
        await self._latest.settled()

    def _start(self, request: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._now(request)
        return self._later(request)

    def _run(self, request: Any) -> None:
        self._display(self._compute(request))

    async def _run_in_thread(self, request: Any) -> None:
        self._display(await asyncio.to_thread(self._compute, request))
