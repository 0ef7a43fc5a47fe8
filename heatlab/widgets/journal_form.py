"""The form of the journal: write down a decision or a thought by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from heatlab.domain import JournalEntry, Side
from heatlab.errors import ParameterError
from heatlab.widgets.status import Status, guard

KINDS = ("note", "order", "signal", "reading", "override")
SIDES = {"no side": 0, Side.LONG.label: int(Side.LONG), Side.SHORT.label: int(Side.SHORT)}
WHOLE_BOOK = "the whole book"


class JournalForm(ipywidgets.VBox):  # type: ignore[misc]
    """Kind, market, side, text and reason of a new entry, checked before it is written.

    Parameters
    ----------
    write : callable
        ``write(entry)`` keeps it and returns its number.

    Attributes
    ----------
    status : Status
        Says the number, or what is missing.
    """

    def __init__(self, write: Callable[[JournalEntry], int]) -> None:
        self._write = write
        self.kind = ipywidgets.Dropdown(description="Kind", options=KINDS, value="note")
        self.market = ipywidgets.Dropdown(description="Market", options=[(WHOLE_BOOK, ("", ""))])
        self.side = ipywidgets.Dropdown(description="Side", options=list(SIDES.items()), value=0)
        self.text = ipywidgets.Textarea(description="Text", placeholder="what you decided, or saw", rows=3)
        self.reason = ipywidgets.Text(description="Reason", placeholder="why (optional)")
        self.button = ipywidgets.Button(description="Add to the journal", button_style="primary", icon="plus")
        self.button.layout.width = "auto"
        self.status = Status("")
        self.button.on_click(guard(lambda _: self.submit(), self.status))
        head = ipywidgets.HTML("<h2>Write an entry</h2>")
        for wide in (head, self.text, self.status):
            wide.add_class("hl-wide")
        super().__init__([head, self.kind, self.market, self.side, self.text, self.reason, self.button, self.status])
        self.add_class("hl-form")

    def offer(self, markets: Sequence[tuple[str, str]]) -> None:
        """Offer these (symbol, venue), keeping what is chosen if it is still there."""
        named = [(f"{symbol} · {venue}" if venue else symbol, (symbol, venue)) for symbol, venue in markets]
        options = [(WHOLE_BOOK, ("", "")), *named]
        if list(self.market.options) != options:
            kept = self.market.value
            self.market.options = options
            self.market.value = kept if kept in [value for _, value in options] else ("", "")

    def entry(self) -> JournalEntry:
        """Entry as typed in.

        Raises
        ------
        ParameterError
            A text is missing, or the side and the market do not go together; the message says what to do.
        """
        symbol, venue = self.market.value
        text, side = self.text.value.strip(), int(self.side.value)
        if not text:
            raise ParameterError("Write a text first: what you decided, or saw.")
        if side and not symbol:
            raise ParameterError("A side needs a market: choose one, or choose no side.")
        if symbol and not side and self.kind.value in ("order", "signal"):
            raise ParameterError(f"An entry of kind {self.kind.value!r} on a market needs a side, long or short.")
        return JournalEntry(self.kind.value, text, symbol, venue, side, self.reason.value.strip())

    def submit(self) -> Any:
        """Check and write; the fields are emptied only then."""
        number = self._write(self.entry())
        self.text.value = self.reason.value = ""
        self.status.ready(f"Logged as #{number}")
        return number
