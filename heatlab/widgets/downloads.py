"""Links that hand a file to the browser: CSV tables, pictures, settings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from heatlab.errors import ParameterError

log = logging.getLogger("heatlab.widgets")


class DownloadLink(anywidget.AnyWidget):  # type: ignore[misc]
    """A link that downloads a file made when it is clicked. Build it with `download_link`."""

    _esm = Path(__file__).parent / "static" / "download.js"
    name = traitlets.Unicode().tag(sync=True)
    mime = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, content: bytes | Callable[[], bytes], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.content = content
        self.on_msg(self._hear)

    def read(self) -> bytes:
        """Make the file now."""
        return self.content() if callable(self.content) else self.content

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("need") != "file":
            return
        try:
            made = self.read()
        except Exception:
            log.exception("the download %s failed", self.name)
            self.label = f"{self.name}: could not be made, see the log"
        else:
            self.send({"file": True}, [made])


class PictureLink(anywidget.AnyWidget):  # type: ignore[misc]
    """A link that saves the figures around it as one PNG: every canvas at device pixels, on the page's ground.

    The browser makes the picture, so it shows what the reader sees: zoom, theme and all. The line above the figures
    (symbol, source, "simulated market") goes with it.

    Traits
    ------
    name : str
        File name.
    label : str
        Text of the link.
    target : str
        Class of the nearest ancestor whose figures are saved.
    """

    _esm = Path(__file__).parent / "static" / "picture.js"
    name = traitlets.Unicode("figure.png").tag(sync=True)
    label = traitlets.Unicode("Picture (PNG)").tag(sync=True)
    target = traitlets.Unicode("hl-app").tag(sync=True)


def download_link(
    name: str,
    content: bytes | Callable[[], bytes],
    mime: str = "text/csv",
    *,
    label: str | None = None,
) -> DownloadLink:
    """Link that downloads ``content`` as a file called ``name``.

    Parameters
    ----------
    name : str
        File name, without a folder.
    content : bytes or callable
        The file, or a function that makes it when the link is clicked.
    mime : str
        Its media type.
    label : str, optional
        Text of the link; the file name by default.

    Raises
    ------
    ParameterError
        ``name`` is empty or holds a folder.
    """
    if not name or Path(name).name != name:
        raise ParameterError(f"The 'name' parameter of download_link must be a file name. Got {name!r} instead.")
    return DownloadLink(content, name=name, mime=mime, label=label or name)
