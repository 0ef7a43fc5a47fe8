"""Work of a section that would freeze the page: in a thread where an event loop runs, the newest request wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.status import Status, guard


def in_thread(
    work: Callable[[], Any],
    then: Callable[[Any], Any],
    status: Status,
    *,
    failed: Callable[[Exception], Any] | None = None,
) -> Any:
    """Do ``then(work())``, the work in a thread where an event loop runs, at once where none does.

    Parameters
    ----------
    work : callable
        It must not touch widgets.
    then : callable
        ``then(result)``, on the event loop.
    status : Status
        Where an error is shown.
    failed : callable, optional
        ``failed(error)``, on the event loop, if the work raises.

    Returns
    -------
    awaitable or None
        What to wait for where an event loop runs.
    """

    async def later() -> None:
        try:
            result = await asyncio.to_thread(work)
        except Exception as error:
            if failed is not None:
                failed(error)
            raise
        then(result)

    def now() -> None:
        try:
            result = work()
        except Exception as error:
            if failed is not None:
                failed(error)
            raise
        then(result)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return guard(now, status)()
    return guard(later, status)()


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
        self._latest = LatestWins(lambda request: in_thread(lambda: compute(request), display, status))

    def __call__(self, request: Any) -> None:
        """Take a request; it overtakes those that wait."""
        self._latest(request)

    async def settled(self) -> None:
        """Wait until every request taken so far is dealt with."""
        await self._latest.settled()
