"""A small button that writes what is on screen to the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets

from heatlab.domain import JournalEntry
from heatlab.errors import ParameterError
from heatlab.widgets.status import Status, guard

NO_JOURNAL = "There is no journal here: open the app with one to log from it."


class LogButton(ipywidgets.Box):  # type: ignore[misc]
    """Log with an optional reason; says the number the entry got, or why it could not be logged.

    Parameters
    ----------
    log : callable or None
        ``log(entry)`` writes to the journal and returns the number, as ``Shared.log`` does. None: the button is
        disabled and says why.
    make_entry : callable
        ``make_entry()`` returns the entry with the state at this moment, or None where there is nothing to log.
    label : str
        Text of the button.
    needs_reason : bool
        Refuse to log without one.
    on_logged : callable, optional
        Called with the number.

    Attributes
    ----------
    reason : Text
    button : Button
    status : Status
    """

    def __init__(
        self,
        log: Callable[[JournalEntry], Any] | None,
        make_entry: Callable[[], JournalEntry | None],
        *,
        label: str = "Log",
        needs_reason: bool = False,
        on_logged: Callable[[Any], Any] | None = None,
    ) -> None:
        self._log, self._make, self._needs_reason, self._told = log, make_entry, needs_reason, on_logged
        self.reason = ipywidgets.Text(
            description="Reason",
            placeholder="reason" if needs_reason else "reason (optional)",
            continuous_update=True,
        )
        self.reason.layout.width = "290px"
        self.reason.tooltip = "Why, in your own words"
        self.button = ipywidgets.Button(description=label, icon="book", tooltip="Write this to the journal")
        self.button.layout.width = "auto"
        self.status = Status("")
        self.button.on_click(guard(lambda _: self.press(), self.status))
        if log is None:
            self.button.disabled = self.reason.disabled = True
            self.button.tooltip = NO_JOURNAL
        super().__init__([self.reason, self.button, self.status])
        self.add_class("hl-log")
        self.add_class("hl-toolbar")

    def press(self) -> Any:
        """Log now.

        Returns
        -------
        number or None
            Of the entry; None where there is no journal or nothing to log.

        Raises
        ------
        ParameterError
            A reason is needed and none was given.
        """
        if self._log is None:
            self.status.stale(NO_JOURNAL)
            return None
        entry, reason = self._make(), self.reason.value.strip()
        if entry is None:
            self.status.stale("There is nothing to log yet.")
            return None
        if self._needs_reason and not (reason or entry.reason):
            raise ParameterError("Give a reason first: the journal keeps it beside the decision.")
        number = self._log(replace(entry, reason=reason or entry.reason))
        self.reason.value = ""
        self.status.ready(f"Logged as #{number}" if number is not None else "Logged")
        if self._told is not None:
            self._told(number)
        return number
