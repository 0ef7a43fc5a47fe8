"""heatlab's look: one style sheet, light and dark, for the served pages and for JupyterLab.

Classes an app puts on its widgets (``widget.add_class("hl-app")``) and in its HTML:

========================================== =====================================================================
class                                      use
========================================== =====================================================================
hl-app                                     the outermost box of an app
hl-body, hl-controls, hl-main              controls beside the content; they stack at 700 px
hl-toolbar, hl-row, hl-panel               a line of controls; panels side by side; a framed panel
hl-gallery, hl-card, hl-card-body, -title, the gallery of apps and its cards
-text, -foot
hl-figures, hl-figure, hl-figure-name,     key figures: name above, number below
hl-figure-value
hl-table (in hl-table-wrap), hl-text       tables; numbers right, ``hl-text`` cells left
hl-callout with hl-warning, hl-error or    a framed message
hl-good
hl-badge with hl-good, hl-amber or hl-bad  a number on its zone colour
hl-up, hl-down, hl-muted, hl-stale         text colours; ``hl-stale`` greys out old content
hl-chips, hl-chip, hl-buttons              small toggle buttons with their name; buttons side by side
hl-empty, hl-skeleton                      nothing to show yet; still loading
hl-link, hl-button, hl-sr                  links, plain buttons, text for screen readers only
========================================== =====================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

PATH = Path(__file__).parent / "static" / "heatlab.css"


class Stylesheet(anywidget.AnyWidget):  # type: ignore[misc]
    """Style the page, and follow whether it is light or dark. Put one into every app.

    Traits
    ------
    theme : {"light", "dark"}
        What the page shows; set by the page when it opens and whenever the reader switches. Observe it to recolour
        figures.
    """

    _esm = Path(__file__).parent / "static" / "stylesheet.js"
    css = traitlets.Unicode().tag(sync=True)
    theme = traitlets.Enum(("light", "dark"), "light").tag(sync=True)

    def __init__(self, *, theme: str = "light", **kwargs: Any) -> None:
        super().__init__(css=css(), theme=theme, **kwargs)


def css() -> str:
    """Text of the style sheet."""
    return PATH.read_text(encoding="utf-8")


def stylesheet(*, theme: str = "light") -> Stylesheet:
    """Widget that styles the page it is in and reports its theme.

    Parameters
    ----------
    theme : {"light", "dark"}
        What to assume until the page has answered.
    """
    return Stylesheet(theme=theme)
