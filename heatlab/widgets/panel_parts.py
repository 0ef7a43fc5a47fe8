"""What the panels share: header line, notices, full screen, and settings that others can follow."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anywidget
import ipywidgets
import pandas as pd
import traitlets

from heatlab.figures import format as show
from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.status import Status, guard

FRESH = pd.Timedelta(minutes=1)
SAY_EVERY = 0.1
"""Least time between two lines of progress [s]."""


class FullScreen(anywidget.AnyWidget):  # type: ignore[misc]
    """Button that shows the nearest ancestor with a class over the whole screen.

    Traits
    ------
    target : str
        The class.
    """

    _esm = Path(__file__).parent / "static" / "fullscreen.js"
    target = traitlets.Unicode("hl-main").tag(sync=True)


class Chips(anywidget.AnyWidget):  # type: ignore[misc]
    """A row of small toggle buttons of which any number may be on, with "all" and "none".

    Traits
    ------
    label : str
        What is chosen; names the group.
    options : tuple of (str, number)
        Names and values, in the order shown.
    value : tuple of numbers
        What is on, in the order of the options.
    """

    _esm = Path(__file__).parent / "static" / "chips.js"
    label = traitlets.Unicode().tag(sync=True)
    options = traitlets.List().tag(sync=True)
    value = traitlets.Tuple().tag(sync=True)

    def __init__(self, options: Sequence[tuple[str, float]], **kwargs: Any) -> None:
        super().__init__(options=[list(option) for option in options], **kwargs)

    @traitlets.validate("value")  # type: ignore[untyped-decorator]
    def _known(self, proposal: Any) -> tuple[float, ...]:
        known = [value for _, value in self.options]
        if unknown := [value for value in proposal["value"] if value not in known]:
            raise traitlets.TraitError(f"{unknown} are not among {known}")
        return tuple(value for value in known if value in proposal["value"])


class Loading:
    """One load under way: how far it is, and whether the reader wants it to stop.

    Parameters
    ----------
    say : callable
        ``say(text)``, called on the event loop at most ten times a second; at once where there is no loop.
    what : str
        What is being loaded, such as ``"BTC/USDT:USDT from okx"``.

    Attributes
    ----------
    cancel : threading.Event
        Hand it to the source.
    """

    def __init__(self, say: Callable[[str], Any], what: str) -> None:
        self.cancel = threading.Event()
        self._say, self._what, self._last = say, what, float("-inf")
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def progress(self, done: float, total: float, _text: str = "") -> None:
        """Report from any thread."""
        now = time.monotonic()
        if self.cancel.is_set() or now - self._last < SAY_EVERY:
            return
        self._last = now
        text = f"Loading {self._what}: {done:g} of {total:g}"
        if self._loop is None:
            self._say(text)
        else:
            self._loop.call_soon_threadsafe(self._tell, text)

    def _tell(self, text: str) -> None:
        if not self.cancel.is_set():
            self._say(text)


def loader(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f(*key, loading)`` that hands ``progress`` and ``cancel`` to ``function`` where it takes them."""
    taken = inspect.signature(function).parameters
    names = [name for name in ("progress", "cancel") if name in taken]

    def call(*key: Any, loading: Loading) -> Any:
        return function(*key, **{name: getattr(loading, name) for name in names})

    return call


class Refresher:
    """Load when asked to, else only recompute; the newest request of a burst wins.

    The settings are read once, on the event loop, when a request is taken; load, compute and display get that record
    and never look at the controls, which may have moved on by then.

    Parameters
    ----------
    settings : callable
        ``settings()`` returns a frozen record of what is asked for.
    load, compute : callable
        ``load(settings, loading)`` fetches (in a thread where an event loop runs) and returns what
        ``compute(inputs, settings)`` needs.
    display : callable
        ``display(inputs, result, settings)``, on the event loop.
    status : Status
        Where progress and errors are shown.
    name : callable
        ``name(settings)``: what is loaded, for the status line.
    """

    def __init__(
        self,
        *,
        settings: Callable[[], Any],
        load: Callable[..., Any],
        compute: Callable[[Any, Any], Any],
        display: Callable[[Any, Any, Any], None],
        status: Status,
        name: Callable[[Any], str],
    ) -> None:
        self._settings, self._load, self._compute, self._display = settings, load, compute, display
        self._status, self._name = status, name
        self._inputs: Any = None
        self._needs_load = True
        self._stopped = False
        self._loading: Loading | None = None
        self._now, self._later = guard(self._run, status), guard(self._run_in_thread, status)
        self._latest = LatestWins(self._start)

    def __call__(self, *, load: bool) -> None:
        """Ask for fresh inputs (``load``) or for a new result from those at hand; a load overtakes one under way."""
        self._needs_load = self._needs_load or load
        if load and self._loading is not None:
            self._loading.cancel.set()
        self._latest(None)

    def cancel(self) -> None:
        """Give up the load under way, if there is one: what was shown stays."""
        if self._loading is not None:
            self._stopped = True
            self._loading.cancel.set()
            self._status.busy("Cancelling")

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
        settings, loading = self._taken()
        self._show(*self._work(settings, loading), settings)

    async def _run_in_thread(self) -> None:
        settings, loading = self._taken()
        try:
            inputs, result = await asyncio.to_thread(self._work, settings, loading)
        except Exception:
            if self._given_up(loading):
                return
            raise
        finally:
            self._loading = None
        if not self._given_up(loading):
            self._show(inputs, result, settings)

    def _taken(self) -> tuple[Any, Loading | None]:
        fresh, self._needs_load = self._needs_load or self._inputs is None, False
        settings = self._settings()
        self._stopped = False
        self._loading = Loading(self._status.busy, self._name(settings)) if fresh else None
        return settings, self._loading

    def _work(self, settings: Any, loading: Loading | None) -> tuple[Any, Any]:
        if loading is not None:
            self._inputs = None
            self._inputs = self._load(settings, loading=loading)
        return self._inputs, self._compute(self._inputs, settings)

    def _given_up(self, loading: Loading | None) -> bool:
        """Whether a load was cancelled: by the reader, who is told, or by a newer one, which will speak for itself."""
        if loading is None or not loading.cancel.is_set():
            return False
        self._inputs = None
        if self._stopped:
            self._status.stale("Cancelled: what is shown is what was there before. Reload to load it again")
        return True

    def _show(self, inputs: Any, result: Any, settings: Any) -> None:
        self._loading = None
        self._display(inputs, result, settings)


def reload_buttons(reload: Callable[[], Any], refresh: Refresher, status: Status) -> ipywidgets.Box:
    """Reload, and Cancel while a load is under way."""
    again = ipywidgets.Button(description="Reload", tooltip="Load the market again", icon="refresh")
    again.on_click(lambda _: reload())
    stop = ipywidgets.Button(description="Cancel", tooltip="Give up the load under way")
    stop.on_click(lambda _: refresh.cancel())
    stop.disabled = status.state != "busy"
    status.observe(lambda change: setattr(stop, "disabled", change["new"] != "busy"), "state")
    both = ipywidgets.Box([again, stop])
    both.add_class("hl-buttons")
    return both


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


def behind(now: pd.Timestamp) -> str:
    """Say how far a source's clock is behind the reader's, from a day on: files end somewhere."""
    gap = pd.Timestamp.now("UTC") - now
    return f" ({gap.days:,} d ago)" if gap.days >= 1 else ""


def header_html(
    title: str, *, source_name: str, is_simulated: bool, facts: Iterable[str], now: pd.Timestamp, age: Any
) -> str:
    """Title, a badge where the market is simulated, facts, source, its clock and the age of the last bar."""
    simulated = ' <span class="hl-badge hl-amber">simulated market</span>' if is_simulated else ""
    badges = "".join(f' <span class="hl-badge">{escape(fact)}</span>' for fact in facts if fact)
    old = f" · as of {now:%Y-%m-%d %H:%M} UTC{'' if is_simulated else behind(now)}"
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
