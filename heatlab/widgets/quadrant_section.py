"""Quadrant section: what each position is for; those that need a decision first, with a place to record it."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.figures import format as show
from heatlab.figures.heat_grid import position_label
from heatlab.figures.quadrant_figure import LIMIT, SHAPES, QuadrantFigure
from heatlab.figures.theme import Theme
from heatlab.portfolio.quadrants import UNSURE, QuadrantSettings, quadrants
from heatlab.portfolio.view import RiskView
from heatlab.widgets.downloads import download_link
from heatlab.widgets.entry_list import Cell, EntryList
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

DECISIONS = ("keep", "reduce", "hedge")
HEADS = ("position", "quadrant", "conviction", "size", "why")
BADGES = {UNSURE: "hl-badge hl-amber", "high conviction, large": "hl-badge hl-good"}
EMPTY = "No positions. Load yours with --positions FILE.csv, or point heatlab at an account with a read-only key."
WATCHING = "No positions here, only markets to watch: without a size there is nothing to decide."
KEY = ("symbol", "venue", "side")


class QuadrantSection:
    """Conviction against size.

    Parameters
    ----------
    shared : Shared
        With a ``log`` there is a form to record a decision on the selected position.
    settings : QuadrantSettings
        Limits to start with; both stand on the screen and can be changed there.
    """

    title, name = "Quadrants", "quadrants"

    def __init__(self, shared: Shared, *, settings: QuadrantSettings | None = None) -> None:
        self._shared, self.settings = shared, settings or QuadrantSettings()
        self._given: tuple[BookInputs, RiskView] | None = None
        self.quadrants = pd.DataFrame({name: [] for name in (*KEY, "conviction", "size_share", "quadrant", "reason")})
        self.figure = QuadrantFigure(theme=shared.theme)
        self.pane = BokehPane(self.figure.root, waiting="Drawing the quadrants")
        self.conviction = ipywidgets.BoundedFloatText(
            value=self.settings.conviction * 100, min=-100, max=100, step=5, description="High conviction from, %"
        )
        self.large = ipywidgets.BoundedFloatText(
            value=self.settings.large, min=0.1, max=100, step=0.1, description="Large from, x equal share"
        )
        self.list = EntryList(HEADS, empty="No positions.")
        self.list.add_class("hl-positions")
        self.message, self.words, self.chosen = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.decision = ipywidgets.Dropdown(options=DECISIONS, description="Decision")
        self.logger = LogButton(shared.log, self.entry, label="Log the decision", needs_reason=True)
        self.root = ipywidgets.VBox(self._parts())
        self._listen()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book."""
        self._given = inputs, view
        self.message.value = _message(inputs, view)
        self._sort()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figure."""
        self.figure.set_theme(theme)

    def csv(self) -> bytes:
        """All positions with quadrant and reason as CSV."""
        return self.quadrants.to_csv(index=False).encode()

    def entry(self) -> JournalEntry | None:
        """Entry of the decision on the selected position, with its state; None where none is selected."""
        keys = self._keys()
        selected = self._shared.selection.position
        if self._given is None or selected not in keys:
            return None
        row = self.quadrants.iloc[keys.index(selected)]
        symbol, venue, side = selected
        text = f"{self.decision.value} {position_label(*selected)} ({row['quadrant']}): {row['reason']}"
        return JournalEntry(
            kind="reading", text=text, symbol=symbol, venue=venue, side=side, state=self._state(selected, row)
        )

    def _state(self, selected: tuple[str, str, int], row: pd.Series) -> dict[str, Any]:
        """Plain values that describe the position now; NaN where unknown."""
        assert self._given is not None
        view = self._given[1]
        place = list(zip(*(view.concentration[name] for name in KEY), strict=True)).index(selected)
        concentration = view.concentration.iloc[place]
        heat_and_risk = ("size_heat", "correlation_heat", "risk_share", "cluster")
        numbers = {
            "conviction": row["conviction"],
            "size_share": row["size_share"],
            **{name: concentration[name] for name in heat_and_risk},
            "mark_price": view.positions["mark_price"].iloc[place],
            "portfolio_heat": view.heat.book_heat,
            "high_conviction_from": self.settings.conviction,
            "large_from": self.quadrants.attrs.get("size_share", np.nan),
        }
        plain = {name: float(value) for name, value in numbers.items()}
        return {"decision": self.decision.value, "quadrant": str(row["quadrant"]), **plain}

    def _parts(self) -> list[Any]:
        for control in (self.conviction, self.large):
            control.style.description_width = "175px"
            control.layout.width = "270px"
        limits = ipywidgets.Box([self.conviction, self.large])
        form = ipywidgets.Box([self.chosen, self.decision, self.logger])
        bottom = ipywidgets.Box([download_link("quadrants.csv", self.csv, label="All positions as CSV")])
        for box in (limits, form, bottom):
            box.add_class("hl-toolbar")
        forms = [form] if self._shared.log is not None else []
        return [self.message, self.pane, limits, self.words, *forms, self.list, bottom]

    def _listen(self) -> None:
        status, selection = self._shared.status, self._shared.selection
        for control in (self.conviction, self.large):
            control.observe(guard(self._limits, status), "value")
        self.figure.on_select(guard(self._clicked, status))
        self.list.observe(guard(self._picked, status), "value")
        selection.observe(guard(self._mark, status), "position")

    def _limits(self, _change: Any) -> None:
        self.settings = QuadrantSettings(conviction=self.conviction.value / 100, large=self.large.value)
        self._sort()

    def _sort(self) -> None:
        """Sort the positions by the limits in force, and show them."""
        if self._given is None:
            return
        view = self._given[1]
        self.quadrants = quadrants(view.positions, view.heat.overall, view.concentration, settings=self.settings)
        self.figure.update(self.quadrants)
        self.words.value = _words(self.quadrants, self.figure.not_drawn)
        rows = [_cells(row) for row in self.quadrants.to_dict("records")]
        unsure = int((self.quadrants["quadrant"] == UNSURE).sum())
        with self.list.hold_sync():
            self.list.rows = [{"number": k + 1, "cells": [list(one) for one in row]} for k, row in enumerate(rows)]
            self.list.caption = f"{unsure} of {len(rows)} positions need a decision; they come first"
        self._mark(None)

    def _keys(self) -> list[tuple[str, str, int]]:
        rows = zip(*(self.quadrants[name] for name in KEY), strict=True)
        return [(symbol, venue, int(side)) for symbol, venue, side in rows]

    def _clicked(self, row: dict[str, Any]) -> None:
        self._shared.selection.position = (row["symbol"], row["venue"], int(row["side"]))

    def _picked(self, change: Any) -> None:
        keys = self._keys()
        if 0 < change["new"] <= len(keys):
            self._shared.selection.position = keys[change["new"] - 1]

    def _mark(self, _change: Any) -> None:
        keys, selected = self._keys(), self._shared.selection.position
        self.list.value = keys.index(selected) + 1 if selected in keys else 0
        told = (
            f"Decide on <b>{escape(position_label(*selected))}</b>"
            if selected in keys
            else "Select a position to decide on"
        )
        self.chosen.value = told
        if selected:
            self.figure.select(*selected)


def _cells(row: dict[Any, Any]) -> list[Cell]:
    quadrant, conviction = str(row["quadrant"]), float(row["conviction"])
    return [
        (position_label(row["symbol"], row["venue"], int(row["side"])), "hl-text"),
        (f"{SHAPES[quadrant]} {quadrant}", BADGES.get(quadrant, "hl-badge")),
        (f"{conviction * 100:+.0f} %" if np.isfinite(conviction) else "unknown", ""),
        (show.percent(float(row["size_share"]), signed=False), ""),
        (str(row["reason"]), ""),
    ]


def _words(table: pd.DataFrame, not_drawn: int) -> str:
    """Definition and limits in force, in words, and what is not drawn."""
    size = float(table.attrs["size_share"])
    large = f"{size * 100:.3g} % of gross" if np.isfinite(size) else "unknown, as no size is known"
    conviction = f"{table.attrs['conviction'] * 100:+.0f} %"
    missing = f" {not_drawn} not drawn: of unknown size, or smaller than the {LIMIT} largest." if not_drawn else ""
    return (
        '<p class="hl-muted">Conviction is the forecast along the position, the mean over the timeframes, as a share '
        "of the strongest there is (20): +50 % is the mean strength of a trend, a minus speaks against the position. "
        f"High conviction from {conviction}; large from {large}. A hedge stays a hedge, whatever its conviction."
        f"{missing}</p>"
    )


def _message(inputs: BookInputs, view: RiskView) -> str:
    if inputs.watching:
        return message_html(WATCHING, kind="hl-callout")
    return message_html(EMPTY) if view.positions.empty else ""
