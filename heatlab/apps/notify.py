"""Alerts sent beyond the screen, through the apprise library, to targets only the environment knows."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from heatlab._optional import require
from heatlab.errors import HeatlabError, MissingDependencyError
from heatlab.portfolio.alerts.state import ActiveAlert

log = logging.getLogger("heatlab.apps")
TARGETS = "HEATLAB_NOTIFY"
MOST_LINES = 12
LEVELS = {"red": "failure", "amber": "warning", "note": "info"}
"""Kind of notification by the level of its most urgent alert."""
Send = Callable[[Sequence[ActiveAlert]], str]


class Notifier:
    """Sends batches of alerts; it never raises and never shows a target, which may hold a password.

    Parameters
    ----------
    targets : str
        Addresses as apprise writes them, with spaces or commas between: ``mailto://...``, ``tgram://...``,
        ``json://...``.
    name : str
        What the alerts are about: the source or the book.

    Raises
    ------
    MissingDependencyError
        apprise is not installed.
    """

    def __init__(self, targets: str, *, name: str = "heatlab") -> None:
        self._apprise: Any = require("apprise", extra="alerts", feature="Sending alerts")
        self._quiet()
        self._name = name
        self._service = self._apprise.Apprise()
        addresses = _addresses(targets)
        self._unread = sum(not self._service.add(address) for address in addresses)
        self._kinds = [_scheme(address) for address in addresses]

    def __repr__(self) -> str:
        """Show the kinds of targets, never their addresses."""
        return f"Notifier({', '.join(self._kinds)})"

    @property
    def words(self) -> str:
        """How many targets of which kind there are, for the screen."""
        count = len(self._service)
        bad = f"; {self._unread} in {TARGETS} cannot be read" if self._unread else ""
        kinds = ", ".join(dict.fromkeys(self._kinds))
        return f"{count} target{'s' if count != 1 else ''} ({kinds}){bad}" if self._kinds else "no targets"

    def send(self, alerts: Sequence[ActiveAlert]) -> str:
        """Send one message for a batch, and say in one line what came of it; blocks while it does.

        Parameters
        ----------
        alerts : sequence of ActiveAlert
            Most urgent first; none sends nothing.
        """
        if not alerts:
            return ""
        title, body = message(alerts, name=self._name)
        try:
            sent = self._service.notify(body=body, title=title, notify_type=LEVELS[alerts[0].level])
        except Exception as error:  # noqa: BLE001 - a notification that fails must not stop the app
            log.error("the alerts could not be sent to %s: %s", self.words, type(error).__name__)  # noqa: TRY400
            return f"The alerts could not be sent ({type(error).__name__}); they are listed here."
        if not sent:
            log.error("the alerts could not be sent to all of %s", self.words)
            return f"Not every one of {self.words} took the alerts; they are listed here."
        return f"Sent to {self.words}."

    def _quiet(self) -> None:
        """Keep apprise from logging: its lines can hold addresses."""
        logging.getLogger(self._apprise.__name__).setLevel(logging.CRITICAL + 1)


def notifier(environ: Mapping[str, str] = os.environ, *, name: str = "heatlab") -> Notifier | None:
    """Notifier for the targets in ``HEATLAB_NOTIFY``; None where there are none, or apprise is missing (logged)."""
    targets = environ.get(TARGETS, "").strip()
    if not targets:
        return None
    try:
        return Notifier(targets, name=name)
    except MissingDependencyError as error:
        log.error("%s is set, but alerts are not sent: %s", TARGETS, error)  # noqa: TRY400 - the message says it all
        return None


def message(alerts: Sequence[ActiveAlert], *, name: str) -> tuple[str, str]:
    """Title and body of one notification.

    Returns
    -------
    title, body : str
        The title counts the levels; the body has a line an alert, twelve at most.
    """
    counts = pd.Series([alert.level for alert in alerts]).value_counts()
    listed = ", ".join(f"{counts[level]} {level}" for level in LEVELS if level in counts)
    lines = [f"{alert.level.upper()} {_place(alert)}: {alert.detail}" for alert in alerts[:MOST_LINES]]
    if len(alerts) > MOST_LINES:
        lines.append(f"and {len(alerts) - MOST_LINES} more")
    return f"heatlab: {listed} ({name})", "\n".join(lines)


def _place(alert: ActiveAlert) -> str:
    what, symbol, venue, _side = alert.key
    return " ".join(filter(None, (what, symbol, f"on {venue}" if venue else "")))


def _addresses(targets: str) -> list[str]:
    """Split where a new address begins: an address may hold commas of its own."""
    return [
        part.strip(" ,\t\n") for part in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)", targets.strip()) if part.strip()
    ]


def _scheme(address: str) -> str:
    """Return what kind of target it is; nothing after the scheme is repeated, as it can be a secret."""
    scheme, mark, _ = address.partition("://")
    return scheme.lower() if mark and re.fullmatch(r"[A-Za-z][\w+.-]{0,20}", scheme) else "unreadable"


def environment_words(environ: Mapping[str, str] = os.environ) -> str:
    """Say on screen whether alerts are sent and where to, without an address."""
    if not environ.get(TARGETS, "").strip():
        return f"Alerts are shown here only. Set {TARGETS} to have them sent (see apprise for the addresses)."
    try:
        found = Notifier(environ[TARGETS])
    except HeatlabError as error:
        return f"{TARGETS} is set, but alerts are not sent: {error}"
    return f"New alerts are also sent to {found.words}."
