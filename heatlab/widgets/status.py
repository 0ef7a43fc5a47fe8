"""The status line of an app, and the guard that turns a failing callback into one line a user can act on."""

from __future__ import annotations

import functools
import inspect
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from heatlab.errors import HeatlabError

log = logging.getLogger("heatlab.widgets")
LONGEST = 300


class Status(anywidget.AnyWidget):  # type: ignore[misc]
    """One line: busy, ready, stale or error. Text is shown as text, so nothing in it can become markup.

    Traits
    ------
    state : {"busy", "ready", "stale", "error"}
    text : str
    """

    _esm = Path(__file__).parent / "static" / "status.js"
    state = traitlets.Enum(("busy", "ready", "stale", "error"), "ready").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)

    def __init__(self, text: str = "", *, state: str = "ready", **kwargs: Any) -> None:
        super().__init__(state=state, text=text, **kwargs)

    def busy(self, text: str) -> None:
        """Say what is being done."""
        self._show("busy", text)

    def ready(self, text: str) -> None:
        """Say what is shown now."""
        self._show("ready", text)

    def stale(self, text: str) -> None:
        """Say that what is shown is old, and how old."""
        self._show("stale", text)

    def error(self, what: str, *, next_step: str = "") -> None:
        """Say what went wrong and what to do about it."""
        self._show("error", f"{_short(what)} {next_step}".strip())

    def _show(self, state: str, text: str) -> None:
        if (state, text) != (self.state, self.text):
            with self.hold_sync():
                self.state, self.text = state, text


def guard(handler: Callable[..., Any], status: Status) -> Callable[..., Any]:
    """Wrap a widget callback: an error becomes one line in ``status``, its trace goes to the log.

    Parameters
    ----------
    handler : callable or coroutine function
        The wrapper is of the same kind and returns what the handler returns, None after an error.
    status : Status
        Where the line is shown.

    Notes
    -----
    Errors of heatlab carry their own message. Any other error is a fault of the program: the user sees its kind and
    where to look. Jupyter would show neither.
    """

    def failed(error: Exception) -> None:
        log.error("%s failed", getattr(handler, "__qualname__", repr(handler)), exc_info=error)
        if isinstance(error, HeatlabError):
            status.error(str(error))
        else:
            status.error(f"{type(error).__name__}: {error}.", next_step="The details are in the log.")

    @functools.wraps(handler)
    async def guarded_async(*args: Any, **kwargs: Any) -> Any:
        try:
            return await handler(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - logged and shown by failed()
            return failed(error)

    @functools.wraps(handler)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - logged and shown by failed()
            return failed(error)

    return guarded_async if inspect.iscoroutinefunction(handler) else guarded


def log_to_file(path: str | None = None) -> logging.Handler | None:
    """Send heatlab's log to a file, once; a kernel's own stderr reaches nobody.

    Parameters
    ----------
    path : str, optional
        Defaults to the environment variable HEATLAB_LOG, which the ``heatlab`` command sets.
    """
    path = path or os.environ.get("HEATLAB_LOG")
    root = logging.getLogger("heatlab")
    if not path:
        return None
    for existing in root.handlers:
        if isinstance(existing, logging.FileHandler) and existing.baseFilename == os.path.abspath(path):
            return existing
    added = logging.FileHandler(path, encoding="utf-8", delay=True)
    added.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"))
    root.addHandler(added)
    return added


def _short(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
