"""Work that must not freeze the app: one long job with progress and Cancel, and bursts of events where the latest wins.

Both run on the kernel's own event loop, so widget messages keep being served; plain functions run in a thread.
`LatestWins` serves the panels; `Runner` and `Job` are for your own notebooks and for apps that compute for long.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from heatlab._checks import check_positive
from heatlab.widgets.status import Status, guard

MESSAGES_PER_SECOND = 10


class Cancelled(Exception):  # noqa: N818 - a request that was met, not an error
    """The user asked the job to stop."""


class Job:
    """What a running job is given: report progress, and notice a Cancel.

    Parameters
    ----------
    show : callable
        ``show(done, total, text)``, called on the event loop at most ten times a second and at the end.
    """

    def __init__(self, show: Callable[[float, float, str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._show = show
        self._stop = threading.Event()
        self._last = float("-inf")

    @property
    def cancelled(self) -> bool:
        """Whether the user asked to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask the job to stop at its next check."""
        self._stop.set()

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self.cancelled:
            raise Cancelled

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Report progress from any thread; also a check."""
        self.check()
        now = time.monotonic()
        if now - self._last < 1 / MESSAGES_PER_SECOND and done < total:
            return
        self._last = now
        self._loop.call_soon_threadsafe(self._show, done, total, text)


class Runner(ipywidgets.VBox):  # type: ignore[misc]
    """A Run button, a Cancel button, a progress bar and a status line around one job.

    Parameters
    ----------
    function : callable or coroutine function
        ``function(job)``. A plain function runs in a thread.
    label : str
        Text of the Run button.
    lock : sequence of widgets
        Controls to disable while the job runs.
    on_done : callable, optional
        Called on the event loop with the result.
    status : Status, optional
        Line to write to; one of its own by default.
    """

    def __init__(
        self,
        function: Callable[[Job], Any],
        *,
        label: str = "Run",
        lock: Sequence[Any] = (),
        on_done: Callable[[Any], Any] | None = None,
        status: Status | None = None,
    ) -> None:
        self._function, self._lock, self._on_done = function, tuple(lock), on_done
        self._task: asyncio.Task[Any] | None = None
        self._job: Job | None = None
        self.status = status or Status()
        self.run_button = ipywidgets.Button(description=label, button_style="primary")
        self.cancel_button = ipywidgets.Button(description="Cancel", disabled=True)
        self.bar = ipywidgets.FloatProgress(value=0, max=1, layout=ipywidgets.Layout(visibility="hidden"))
        self.run_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self.cancel())
        row = ipywidgets.HBox([self.run_button, self.cancel_button, self.bar])
        super().__init__([row] if status else [row, self.status])
        self.add_class("hl-runner")

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._task is not None and not self._task.done()

    def start(self) -> asyncio.Task[Any]:
        """Start the job, or return the one under way; the task's result is None after Cancel or an error."""
        if self._task is None or self._task.done():
            self._job = Job(self._progress)
            self._task = asyncio.get_running_loop().create_task(self._run(self._job))
        return self._task

    def cancel(self) -> None:
        """Ask the job to stop; a thread stops at its next check."""
        if self._job is None or not self.running:
            return
        self._job.cancel()
        self.cancel_button.disabled = True
        self.status.busy("Cancelling")
        if inspect.iscoroutinefunction(self._function) and self._task is not None:
            self._task.cancel()

    async def _run(self, job: Job) -> Any:
        self._set_running(True)
        self.status.busy(f"{self.run_button.description}: started")
        try:
            return await guard(self._work, self.status)(job)
        except (Cancelled, asyncio.CancelledError):
            self.status.ready("Cancelled")
            return None
        finally:
            self._set_running(False)

    async def _work(self, job: Job) -> Any:
        try:
            if inspect.iscoroutinefunction(self._function):
                result = await self._function(job)
            else:
                result = await asyncio.to_thread(self._function, job)
        except Cancelled:
            raise asyncio.CancelledError from None
        self.status.ready(f"{self.run_button.description}: done")
        if self._on_done is not None:
            outcome = self._on_done(result)
            if inspect.isawaitable(outcome):
                await outcome
        return result

    def _progress(self, done: float, total: float, text: str) -> None:
        if not self.running or (self._job is not None and self._job.cancelled):
            return
        self.bar.max, self.bar.value = max(total, 1e-12), done
        self.status.busy(f"{text} {done:g} of {total:g}".strip())

    def _set_running(self, on: bool) -> None:
        for control in (self.run_button, *self._lock):
            control.disabled = on
        self.cancel_button.disabled = not on
        self.bar.value = 0
        self.bar.layout.visibility = "visible" if on else "hidden"


class LatestWins:
    """Run a function for the newest value of a burst only, and never twice at once.

    Parameters
    ----------
    function : callable or coroutine function
        ``function(value)``; wrap it in ``guard`` first, so that an error is shown.
    min_gap : float
        Shortest time between two runs [s].

    Attributes
    ----------
    skipped : int
        How many values were overtaken by a newer one.
    """

    def __init__(self, function: Callable[[Any], Any], *, min_gap: float = 0.0) -> None:
        if min_gap:
            check_positive("min_gap", min_gap, caller="LatestWins")
        self._function, self._min_gap = function, min_gap
        self._pending: list[Any] = []
        self._task: asyncio.Task[None] | None = None
        self.skipped = 0

    def __call__(self, value: Any) -> None:
        """Take a value; without a running event loop the function runs at once."""
        self.skipped += len(self._pending)
        self._pending = [value]
        if self._task is not None and not self._task.done():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._pending = []
            self._function(value)
        else:
            self._task = loop.create_task(self._drain())

    async def settled(self) -> None:
        """Wait until every value taken so far is dealt with."""
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        await asyncio.sleep(0)  # let the messages that already wait come in first
        while self._pending:
            value = self._pending.pop()
            outcome = self._function(value)
            if inspect.isawaitable(outcome):
                await outcome
            await asyncio.sleep(self._min_gap)
