"""What the panels share: header line, notices, full screen, and settings that others can follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anywidget
import pandas as pd
import traitlets

from heatlab.figures import format as show
from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.status import Status, guard

FRESH = pd.Timedelta(minutes=1)


class FullScreen(anywidget.AnyWidget):  # type: ignore[misc]
    """Button that shows the nearest ancestor with a class over the whole screen.

    Traits
    ------
    target : str
        The class.
    """

    _esm = Path(__file__).parent / "static" / "fullscreen.js"
    target = traitlets.Unicode("hl-main").tag(sync=True)


class Refresher:
    """Load when asked to, else only recompute; the newest request of a burst wins.

    Parameters
    ----------
    load, compute : callable
        ``load()`` fetches (in a thread where an event loop runs) and returns what ``compute(inputs)`` needs.
    display : callable
        ``display(inputs, result)``, on the event loop.
    status : Status
        Where an error is shown.
    """

    def __init__(
        self,
        *,
        load: Callable[[], Any],
        compute: Callable[[Any], Any],
        display: Callable[[Any, Any], None],
        status: Status,
    ) -> None:
        self._load, self._compute, self._display = load, compute, display
        self._inputs: Any = None
        self._needs_load = True
        self._now, self._later = guard(self._run, status), guard(self._run_in_thread, status)
        self._latest = LatestWins(self._start)

    def __call__(self, *, load: bool) -> None:
        """Ask for fresh inputs (``load``) or for a new result from those at hand."""
        self._needs_load = self._needs_load or load
        self._latest(None)

    async def settled(self) -> None:
        """Wait until every request taken so far is dealt with."""
        await self._latest.settled()

    def _start(self, _request: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._now()
        return self._later()

    def _run(self) -> None:
        self._show(*self._work(fresh=self._taken()))

    async def _run_in_thread(self) -> None:
        self._show(*await asyncio.to_thread(self._work, fresh=self._taken()))

    def _taken(self) -> bool:
        fresh, self._needs_load = self._needs_load or self._inputs is None, False
        return fresh

    def _work(self, *, fresh: bool) -> tuple[Any, Any]:
        if fresh:
            self._inputs = None
            self._inputs = self._load()
        return self._inputs, self._compute(self._inputs)

    def _show(self, inputs: Any, result: Any) -> None:
        self._display(inputs, result)


class Followers:
    """Callbacks that are told the settings after each change."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[dict[str, Any]], Any]] = []

    def add(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change."""
        self._callbacks.append(callback)

    def tell(self, settings: dict[str, Any]) -> None:
        """Tell them all."""
        for callback in self._callbacks:
            callback(settings)


def header_html(
    title: str, *, source_name: str, is_simulated: bool, facts: Iterable[str], now: pd.Timestamp, age: Any
) -> str:
    """Title, a badge where the market is simulated, facts, source, its clock and the age of the last bar."""
    simulated = ' <span class="hl-badge hl-amber">simulated market</span>' if is_simulated else ""
    badges = "".join(f' <span class="hl-badge">{escape(fact)}</span>' for fact in facts if fact)
    old = f" · as of {now:%Y-%m-%d %H:%M} UTC"
    if not pd.isna(age) and age >= FRESH:
        old += f", last bar closed {show.age(age)} ago"
    return (
        f'<div class="hl-toolbar"><h1>{escape(title)}</h1>{simulated}{badges}'
        f'<span class="hl-muted">source: {escape(source_name)}{old}</span></div>'
    )


def notices_html(notices: Sequence[str]) -> str:
    """List what the reader must know about the data; nothing where there is nothing to say."""
    items = "".join(f"<li>{escape(notice)}</li>" for notice in dict.fromkeys(notices))
    return f'<ul class="hl-muted" aria-label="Notes on the data">{items}</ul>' if items else ""


def message_html(text: str, *, kind: str = "hl-empty") -> str:
    """Framed message where content would be."""
    return f'<div class="{kind}" role="status">{escape(text)}</div>' if text else ""


def permalink_html(settings: dict[str, Any]) -> str:
    """Link to the page with these settings in its address; lists are joined by commas."""
    flat = {name: ",".join(map(str, v)) if isinstance(v, list | tuple) else v for name, v in settings.items()}
    return f'<a class="hl-link" href="?{escape(urlencode(flat))}">Link to this view</a>'
