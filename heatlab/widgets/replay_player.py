"""Player of a replay: slider, play, steps and read-out, run by the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from heatlab.figures.replay_figure import ReplayFigure


class ReplayPlayer(anywidget.AnyWidget):  # type: ignore[misc]
    """Move through the states of a :class:`heatlab.figures.replay_figure.ReplayFigure` on the same page.

    The page plays by itself; it tells ``frame`` when it rests. Setting ``frame`` here moves the page.

    Parameters
    ----------
    figure : ReplayFigure

    Traits
    ------
    frame : int
        State shown.
    count : int
        How many there are.
    """

    _esm = Path(__file__).parent / "static" / "replay.js"
    cursor = traitlets.Unicode().tag(sync=True)
    hours = traitlets.Unicode().tag(sync=True)
    plot = traitlets.Unicode().tag(sync=True)
    right = traitlets.Int().tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    first = traitlets.Float(0.0).tag(sync=True)
    generation = traitlets.Int(0).tag(sync=True)

    def __init__(self, figure: ReplayFigure, **kwargs: Any) -> None:
        self._figure = figure
        names = {"cursor": figure.cursor.id, "hours": figure.hours.id, "plot": figure.heat.id}
        super().__init__(**names, right=figure.heat.min_border_right, **kwargs)

    def renew(self, frame: int) -> None:
        """Follow the figure after it was given another replay, and show one of its states."""
        time = np.asarray(self._figure.hours.data["time"])
        with self.hold_sync():
            self.count, self.first = int(time.size), float(time[0]) if time.size else 0.0
            self.frame = frame
            self.generation += 1
