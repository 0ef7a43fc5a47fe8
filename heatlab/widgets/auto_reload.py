"""Reload by the clock, while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets

from heatlab._checks import check_choice
from heatlab.widgets.presence import Presence

EVERY = {"by hand": 0.0, "every minute": 60.0, "every 5 minutes": 300.0, "every hour": 3600.0}


class AutoReload(ipywidgets.Box):  # type: ignore[misc]
    """A list of intervals; ``reload`` is called after each, as long as the page is open.

    Parameters
    ----------
    reload : callable
        Called without arguments on the event loop.
    busy : callable
        ``busy() -> bool``; an interval that ends while it is True is skipped.
    """

    def __init__(self, reload: Callable[[], Any], *, busy: Callable[[], bool]) -> None:
        self._reload, self._busy = reload, busy
        self._task: asyncio.Task[None] | None = None
        self.interval = ipywidgets.Dropdown(description="Reload", options=list(EVERY.items()), value=0.0)
        self.presence = Presence(self._stop, on_back=self._start)
        self.interval.observe(lambda _: self._start(), "value")
        super().__init__([self.interval, self.presence])

    def choose(self, label: str) -> None:
        """Set the interval by its label.

        Raises
        ------
        ParameterError
            There is no such interval.
        """
        check_choice("label", label, EVERY, caller="AutoReload.choose")
        self.interval.value = EVERY[label]

    @property
    def running(self) -> bool:
        """Whether the clock runs."""
        return self._task is not None and not self._task.done()

    def _start(self) -> None:
        self._stop()
        if self.interval.value > 0 and not self.presence.gone:
            self._task = asyncio.get_running_loop().create_task(self._tick(float(self.interval.value)))

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _tick(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            if not self._busy():
                self._reload()
