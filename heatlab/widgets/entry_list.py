"""A table one row of which is chosen, by click or keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

Cell = tuple[str, str]


class EntryList(anywidget.AnyWidget):  # type: ignore[misc]
    """Rows of text with a number each; one of them is chosen.

    Text is shown as text, so nothing in it can become markup. Arrow keys, Page Up and Down, Home and End move.

    Parameters
    ----------
    heads : sequence of str
        Column heads.

    Traits
    ------
    rows : list of dict
        ``number`` and ``cells``, each a pair of text and CSS class.
    value : int
        Number of the chosen row; 0 for none.
    empty : str
        What to say where there are no rows.
    caption : str
    """

    _esm = Path(__file__).parent / "static" / "entries.js"
    heads = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    value = traitlets.Int(0).tag(sync=True)
    empty = traitlets.Unicode("Nothing here.").tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)

    def __init__(self, heads: Sequence[str], **kwargs: Any) -> None:
        super().__init__(heads=list(heads), **kwargs)

    def show(self, rows: Sequence[tuple[int, Sequence[Cell]]], *, caption: str, empty: str) -> None:
        """Show other rows; the chosen one stays chosen if it is still there, else the first is."""
        numbers = [number for number, _ in rows]
        made = [{"number": number, "cells": [list(cell) for cell in cells]} for number, cells in rows]
        with self.hold_sync():
            self.rows, self.caption, self.empty = made, caption, empty
            self.value = self.value if self.value in numbers else next(iter(numbers), 0)
