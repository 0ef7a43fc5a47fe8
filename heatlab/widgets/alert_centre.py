"""Alert centre: what is in force and since when, how sensitive it is, what has been seen, and what is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import pandas as pd
import traitlets

from heatlab._checks import check_choice
from heatlab.domain import JournalEntry
from heatlab.errors import HeatlabError
from heatlab.figures import format as show
from heatlab.figures.tables import html_table
from heatlab.figures.theme import Theme
from heatlab.portfolio.alerts.current import risk_alerts
from heatlab.portfolio.alerts.settings import SENSITIVITIES, sensitivity_words
from heatlab.portfolio.alerts.state import (
    ActiveAlert,
    AlertState,
    AlertStateSettings,
    Key,
    acknowledge,
    snooze,
    update_alerts,
)
from heatlab.portfolio.view import RiskView
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

log = logging.getLogger("heatlab.widgets")
KINDS = {"red": ("▼ red", "hl-bad"), "amber": ("● amber", "hl-amber"), "note": ("i note", "")}
SNOOZE = pd.Timedelta(hours=4)
MOST_SHOWN, MOST_PAST = 60, 20
SENSITIVITY = "balanced"
WORDS = {
    "conservative": "Conservative: told early and often.",
    "balanced": "Balanced: told in time to act.",
    "aggressive": "Aggressive: told when it is pressing.",
}
ASSUMED = (
    "The chance of meeting a liquidation price assumes returns without drift, of the volatility of the last 30 days. "
    "Real prices jump: on two dozen coins from 2020 to 2026 a stated 1 % was met 3 to 4 % of the time, 5 % about 7 %, "
    "20 % about 17 %, 40 % about 33 %."
)


class AlertList(anywidget.AnyWidget):  # type: ignore[misc]
    """Rows of alerts with their buttons.

    Traits
    ------
    rows : list of dict
        id, badge, kind, title, detail, since, quiet, acts (pairs of name and label).
    news : str
        What has just been raised, read out at once by a screen reader.
    """

    _esm = Path(__file__).parent / "static" / "alert_list.js"
    rows = traitlets.List().tag(sync=True)
    news = traitlets.Unicode("").tag(sync=True)


class AlertCentre:
    """Section of the alerts of a book.

    Call :meth:`update` with every new view, also while another section is shown: alerts do not wait to be looked at.
    :meth:`show` does so too.

    Parameters
    ----------
    shared : Shared
    state : mapping, optional
        What :meth:`heatlab.portfolio.alerts.state.AlertState.to_dict` gave last time; damaged, it is dropped (logged).
    keep : callable, optional
        ``keep(settings)`` stores ``{"state": ..., "sensitivity": ...}`` after each change.
    send : callable, optional
        ``send(alerts) -> str`` notifies beyond the screen and says in one line what came of it; it runs in a thread.
    sensitivity : str
        Key of ``SENSITIVITIES`` to start with.
    accepted : callable, optional
        Returns the pairs of symbols whose correlation the trader has accepted.
    where : str
        One line that says whether alerts are sent and where to.
    settings : AlertStateSettings, optional
    """

    title, name = "Alerts", "alerts"

    def __init__(
        self,
        shared: Shared,
        *,
        state: Mapping[str, Any] | None = None,
        keep: Callable[[dict[str, Any]], Any] | None = None,
        send: Callable[[Sequence[ActiveAlert]], str] | None = None,
        sensitivity: str = SENSITIVITY,
        accepted: Callable[[], Collection[tuple[str, str]]] | None = None,
        where: str = "",
        settings: AlertStateSettings | None = None,
    ) -> None:
        check_choice("sensitivity", sensitivity, SENSITIVITIES, caller="AlertCentre")
        self._shared, self._keep, self._send, self._accepted = shared, keep, send, accepted
        self._settings, self.state = settings, _restored(state or {})
        self._given: tuple[BookInputs, RiskView] | None = None
        self._now: pd.Timestamp | None = None
        self._sending: asyncio.Task[Any] | None = None
        options = [(name.capitalize(), name) for name in SENSITIVITIES]
        self.sensitivity = ipywidgets.ToggleButtons(description="Sensitivity", options=options, value=sensitivity)
        self.summary, self.meaning, self.past = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.sent = ipywidgets.HTML(_muted(where))
        self.list = AlertList()
        self.root = ipywidgets.VBox([self.summary, self.list, self.sent, self.sensitivity, self.meaning, self.past])
        self.root.add_class("hl-alert-centre")
        self.sensitivity.observe(guard(self._changed, shared.status), "value")
        self.list.on_msg(guard(self._clicked, shared.status))
        self._draw()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Bring the alerts up to date and show them."""
        self.update(inputs, view)

    def update(self, inputs: BookInputs, view: RiskView) -> None:
        """Bring the alerts up to date: raise, clear, keep, send. The same view again changes nothing."""
        if self._given is not None and self._given[1] is view:
            return
        self._given, self._now = (inputs, view), inputs.now
        self._measure(inputs, view)

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on with the alerts of another book, as ``AlertState.to_dict`` gave them."""
        self.state, self._given = _restored(state or {}), None

    def set_theme(self, theme: Theme) -> None:
        """Nothing here is drawn in a theme's colours but by the style sheet."""

    def _measure(self, inputs: BookInputs, view: RiskView) -> None:
        accepted = self._accepted() if self._accepted is not None else ()
        current = risk_alerts(view, settings=SENSITIVITIES[self.sensitivity.value], accepted=accepted, fading=True)
        change = update_alerts(self.state, current, now=inputs.now, settings=self._settings)
        self.state = change.active
        self._remember()
        self._tell(change.raised)
        self._draw()

    def _changed(self, _change: Any) -> None:
        if self._given is not None:
            self._measure(*self._given)
        else:
            self._remember()
            self._draw()

    def _clicked(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        alert = next((one for one in self.state.active.values() if _id(one.key) == content.get("id")), None)
        if alert is None or self._now is None:
            return
        act = content.get("act")
        if act == "acknowledge":
            self.state = acknowledge(self.state, alert.key)
        elif act == "snooze":
            self.state = snooze(self.state, alert.key, until=self._now + SNOOZE)
        elif act == "log" and self._shared.log is not None:
            self._shared.log(journal_entry(alert, sensitivity=self.sensitivity.value))
            self._shared.status.ready(f"Logged in the journal: {_title(alert.key)}")
        elif act == "select":
            self._shared.selection.position = alert.key[1:]
        self._remember()
        self._draw()

    def _remember(self) -> None:
        if self._keep is not None:
            self._keep({"state": self.state.to_dict(), "sensitivity": self.sensitivity.value})

    def _tell(self, raised: Sequence[ActiveAlert]) -> None:
        reds = [alert for alert in raised if alert.level == "red"]
        self.list.news = "; ".join(f"{_title(alert.key)}: {alert.detail}" for alert in reds[:3])
        if self._send is None or not raised:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.sent.value = _muted(self._send(raised))
        else:
            self._sending = loop.create_task(self._sent_in_thread(self._send, tuple(raised)))

    async def _sent_in_thread(
        self, send: Callable[[Sequence[ActiveAlert]], str], raised: Sequence[ActiveAlert]
    ) -> None:
        told = await guard(_in_thread, self._shared.status)(send, raised)
        self.sent.value = _muted(told or "The alerts could not be sent; they are listed here.")

    def _draw(self) -> None:
        self.meaning.value = _meaning(self.sensitivity.value)
        self.summary.value = _summary(
            self.state, self._now, watching=self._given is not None and self._given[0].watching
        )
        ranked = self.state.ranked()
        logs, held = self._shared.log is not None, self._held()
        self.list.rows = [_row(alert, self._now, logs=logs, held=held) for alert in ranked[:MOST_SHOWN]]
        self.past.value = _past(self.state.past)

    def _held(self) -> frozenset[tuple[str, str, int]]:
        if self._given is None:
            return frozenset()
        table = self._given[1].positions
        return frozenset(zip(table["symbol"], table["venue"], table["side"], strict=True))


async def _in_thread(send: Callable[[Sequence[ActiveAlert]], str], raised: Sequence[ActiveAlert]) -> str:
    return await asyncio.to_thread(send, raised)


def journal_entry(alert: ActiveAlert, *, sensitivity: str) -> JournalEntry:
    """Entry of an alert as it stands."""
    what, symbol, venue, side = alert.key
    state = {"level": alert.level, "since": alert.since.isoformat(), "what": what, "sensitivity": sensitivity}
    return JournalEntry("alert", f"{_title(alert.key)}: {alert.detail}", symbol, venue, side, state=state)


def _restored(stored: Mapping[str, Any]) -> AlertState:
    try:
        return AlertState.from_dict(stored)
    except HeatlabError:
        log.exception("the alerts start afresh")
        return AlertState()


def _id(key: Key) -> str:
    return "|".join(map(str, key))


def _title(key: Key) -> str:
    what, symbol, venue, _side = key
    name = symbol.split("/", maxsplit=1)[0]
    return " · ".join(filter(None, (what.capitalize(), name, venue)))


def _row(
    alert: ActiveAlert, now: pd.Timestamp | None, *, logs: bool, held: Collection[tuple[str, str, int]]
) -> dict[str, Any]:
    badge, kind = KINDS[alert.level]
    snoozed = alert.snoozed_until is not None and now is not None and now < alert.snoozed_until
    since = f"since {alert.since:%Y-%m-%d %H:%M} UTC"
    since += "" if now is None else f" ({show.age(now - alert.since)})"
    since += ", acknowledged" if alert.acknowledged else ""
    since += f", quiet until {alert.snoozed_until:%H:%M} UTC" if snoozed and alert.snoozed_until is not None else ""
    acts = [] if alert.acknowledged else [("acknowledge", "Acknowledge")]
    acts += [] if snoozed else [("snooze", f"Snooze {SNOOZE / pd.Timedelta(hours=1):.0f} h")]
    acts += [("select", "Show")] if alert.key[1:] in held else []
    acts += [("log", "Log")] if logs else []
    return {
        "id": _id(alert.key),
        "badge": badge,
        "kind": kind,
        "title": _title(alert.key),
        "detail": alert.detail,
        "since": since,
        "quiet": alert.acknowledged or snoozed,
        "acts": acts,
    }


def _meaning(sensitivity: str) -> str:
    chosen = sensitivity_words(SENSITIVITIES[sensitivity])
    return (
        f'<p class="hl-muted">{escape(WORDS[sensitivity])} {escape(chosen)}</p>'
        f"<details><summary>What the chance of liquidation assumes</summary><p>{escape(ASSUMED)}</p></details>"
    )


def _summary(state: AlertState, now: pd.Timestamp | None, *, watching: bool) -> str:
    if now is None:
        return '<div class="hl-skeleton" role="status">Waiting for a book</div>'
    if not state.active:
        calm = (
            "A watch list has no liquidation prices to warn of." if watching else "Nothing in the book needs you now."
        )
        return f'<div class="hl-callout hl-good" role="status">No alert in force. {calm} As of {now:%H:%M} UTC.</div>'
    counts = {level: sum(alert.level == level for alert in state.active.values()) for level in KINDS}
    listed = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    more = f"; the {MOST_SHOWN} most urgent are shown" if len(state.active) > MOST_SHOWN else ""
    kind = "hl-error" if counts["red"] else "hl-warning" if counts["amber"] else ""
    return f'<div class="hl-callout {kind}" role="status">In force: {listed}{more}. As of {now:%H:%M} UTC.</div>'


def _past(past: Sequence[ActiveAlert]) -> str:
    rows = [
        [_title(alert.key), KINDS[alert.level][0], _stamp(alert.since), _stamp(alert.cleared), alert.detail]
        for alert in past[:MOST_PAST]
    ]
    heads = ("alert", "level", "from", "to", "last reading")
    table = html_table("Alerts that are over, newest first", heads, rows, empty="No alert has ended yet.")
    return f"<details><summary>Cleared alerts ({len(past)})</summary>{table}</details>"


def _stamp(when: pd.Timestamp | None) -> str:
    return show.UNKNOWN if when is None else f"{when:%m-%d %H:%M}"


def _muted(text: str) -> str:
    return f'<p class="hl-muted" role="status">{escape(text)}</p>' if text else ""
