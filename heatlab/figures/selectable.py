"""Figures whose marks stand for rows: which one is clicked, and marking one from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from bokeh.document import Document
from bokeh.document.events import ModelChangedEvent
from bokeh.models import ColumnDataSource, LayoutDOM


class Selectable:
    """A figure that tells of the mark that is clicked, and marks one as a click would.

    Attributes
    ----------
    root : LayoutDOM
    source : ColumnDataSource
        Of the marks; has the columns of ``key``.
    key : tuple of str
        Columns that name a mark.
    """

    root: LayoutDOM
    source: ColumnDataSource
    key: ClassVar[tuple[str, ...]] = ("symbol", "venue", "side")
    _callbacks: tuple[Callable[[dict[str, Any]], Any], ...] = ()

    def on_select(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(row)`` with the key, by column, of the mark that is clicked.

        Listening needs a document: the figure gets one of its own unless it is already part of one.
        """
        if self.root.document is None:
            Document().add_root(self.root)
        if not self._callbacks:
            self.root.document.on_change(self._heard)
        self._callbacks = (*self._callbacks, callback)

    def select(self, *key: Any) -> None:
        """Mark what has this key; nothing is marked where it is not drawn."""
        keys = zip(*(self.source.data[name] for name in self.key), strict=True)
        self.source.selected.indices = [place for place, found in enumerate(keys) if found == key]

    def is_named(self, row: dict[str, Any]) -> bool:  # noqa: ARG002 - for figures that also draw marks of nothing
        """Whether the mark with this key stands for something that can be chosen."""
        return True

    def _heard(self, event: Any) -> None:
        if not isinstance(event, ModelChangedEvent) or event.model is not self.source.selected:
            return
        for place in self.source.selected.indices[:1]:
            row = {name: self.source.data[name][place] for name in self.key}
            for callback in self._callbacks if self.is_named(row) else ():
                callback(row)
