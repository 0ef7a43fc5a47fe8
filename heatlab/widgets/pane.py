"""BokehPane: a Bokeh figure as a widget, kept in step with the kernel by one binary message per update.

The page gets BokehJS from the Voila template where it is served by ``heatlab``, and from the kernel everywhere else
(JupyterLab, plain Voila), never from a CDN. Changes made in Python are not echoed back by the page, so an update costs
one download and no upload. Change data and properties in place; do not build a new figure.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import anywidget
import bokeh
import traitlets
from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.models import TableWidget, Widget
from bokeh.protocol import Protocol
from bokeh.util.paths import server_path

from heatlab.errors import ParameterError

STATIC = Path(__file__).parent / "static"
log = logging.getLogger("heatlab.widgets")


class BokehPane(anywidget.AnyWidget):  # type: ignore[misc]
    """Show a Bokeh layout and keep it in step with Python.

    Parameters
    ----------
    root : bokeh.models.LayoutDOM
        Figure or layout. It joins a document of its own unless it has one.
    waiting : str
        What the placeholder says until the chart is painted.

    Notes
    -----
    Every change of the document within one turn of the event loop travels as a single message, arrays as raw bytes:
    hand in ``uint8`` images to keep it small. Each view asks for the document as it is now, so a second view and a
    view opened late show the present state.
    """

    _esm = STATIC / "pane.js"
    version = traitlets.Unicode(bokeh.__version__).tag(sync=True)
    bundles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    waiting = traitlets.Unicode("Loading the chart").tag(sync=True)

    def __init__(self, root: Any, *, waiting: str = "Loading the chart", **kwargs: Any) -> None:
        self._events: list[Any] = []
        self._scheduled = False
        self.root = root
        super().__init__(bundles=bundles(root), waiting=waiting, **kwargs)
        if root.document is None:
            Document().add_root(root)
        self.document: Document = root.document
        self.document.on_change_dispatch_to(self)
        self.on_msg(self._hear)

    def close(self) -> None:
        """Stop following the document and close the widget."""
        self._events.clear()
        self.document.remove_on_change(self)
        super().close()

    def flush(self) -> None:
        """Send what has changed since the last message; nothing if nothing has."""
        self._scheduled = False
        events, self._events = self._events, []
        if events:
            message = Protocol().create("PATCH-DOC", events)
            buffers = message.buffers
            self.send(
                {"patch": message.content_json, "ids": [buffer.id for buffer in buffers]},
                [buffer.to_bytes() for buffer in buffers],
            )

    def _document_patched(self, event: Any) -> None:
        """Queue a change of the document unless it came from the page (the name is Bokeh's)."""
        if event.setter is self:
            return
        self._events.append(event)
        if self._scheduled:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()
        else:
            self._scheduled = True

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("need") == "bundles":
            self.send({"bundles": True}, [bundle_bytes(name) for name in content["names"]])
        elif content.get("need") == "document":
            self._send_document(str(content["view"]))
        elif "patch" in content:
            self._take(content["patch"])

    def _send_document(self, view: str) -> None:
        self.flush()
        item = {"root_id": self.root.id, "doc": self.document.to_json(deferred=False), "version": self.version}
        self.send({"document": True, "view": view}, [json.dumps(item).encode()])

    def _take(self, patch: str) -> None:
        """Apply what the reader did; a failing callback is logged and shown, never lost."""
        try:
            self.document.apply_json_patch(Serialized(json.loads(patch), []), setter=self)
        except Exception as error:
            log.exception("a change made in the page failed")
            self.send({"failure": f"{type(error).__name__}; the details are in the log"})


def bundles(root: Any) -> list[str]:
    """Names of the BokehJS bundles a layout needs, in the order to load them."""
    models = root.references()
    needed = {"bokeh-widgets": Widget, "bokeh-tables": TableWidget}
    extra = [name for name, kind in needed.items() if any(isinstance(model, kind) for model in models)]
    if "bokeh-tables" in extra and "bokeh-widgets" not in extra:
        extra.insert(0, "bokeh-widgets")
    return ["bokeh", *extra]


def bundle_path(name: str = "bokeh") -> Path:
    """File of a BokehJS bundle in the installed bokeh.

    Raises
    ------
    ParameterError
        The installed bokeh has no such bundle.
    """
    folder = Path(server_path()) / "static" / "js"
    known = sorted(path.name.removesuffix(".min.js") for path in folder.glob("bokeh*.min.js"))
    if name not in known:
        raise ParameterError(f"The 'name' parameter of bundle_path must be one of {', '.join(known)}. Got {name!r}.")
    return folder / f"{name}.min.js"


def bundle_bytes(name: str) -> bytes:
    """Contents of a BokehJS bundle, the licence header included."""
    return bundle_path(name).read_bytes()
