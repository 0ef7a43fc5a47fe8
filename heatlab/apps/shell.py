"""What every app does alike: an error where the reader looks, settings from the address, presence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets

from heatlab.errors import HeatlabError
from heatlab.store import SettingsStore
from heatlab.widgets import stylesheet

log = logging.getLogger("heatlab.apps")


def framed(build: Callable[[], ipywidgets.Widget], *, title: str) -> ipywidgets.Widget:
    """Build an app; if its source cannot deliver, show what, why and what to do instead."""
    try:
        return build()
    except HeatlabError as error:
        log.exception("%s could not start", title)
        return failure(title, error)


def failure(title: str, error: Exception) -> ipywidgets.Widget:
    """Widget that says in words why an app could not start."""
    text = (
        f'<h1>{escape(title)}</h1><div class="hl-callout hl-error" role="alert"><strong>This app could not start.'
        f"</strong> {escape(str(error))}<br>Run <code>heatlab doctor</code> with the same options to see what is "
        "missing, or start with <code>heatlab --source simulated</code>.</div>"
    )
    box = ipywidgets.VBox([stylesheet(), ipywidgets.HTML(text)])
    box.add_class("hl-app")
    return box


def remembered(store: SettingsStore | None, app: str) -> dict[str, Any]:
    """Return the settings the app was left with; none without a store or where its file is damaged (logged)."""
    if store is None:
        return {}
    try:
        return store.read(app)
    except HeatlabError:
        log.exception("settings of %s are not used", app)
        return {}


def remember(store: SettingsStore | None, app: str) -> Callable[[Mapping[str, Any]], None]:
    """Follower that keeps the settings of an app; a store that cannot be written is logged, not fatal."""

    def keep(settings: Mapping[str, Any]) -> None:
        if store is None:
            return
        try:
            store.write(app, settings)
        except (OSError, HeatlabError):
            log.exception("settings of %s were not kept", app)

    return keep
