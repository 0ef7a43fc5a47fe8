"""Conviction against size of every position, with the quadrants named; click a point to select it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    Label,
    Range1d,
    Span,
    TapTool,
)
from bokeh.plotting import figure

from heatlab.figures.heat_grid import position_label
from heatlab.figures.selectable import Selectable
from heatlab.figures.theme import DARK, FONT, Theme, apply

UNSURE, MEANT, SPECULATIVE, HEDGE = "unsure", "high conviction, large", "speculative, small", "hedge"
MARKERS = {UNSURE: "triangle", MEANT: "circle", SPECULATIVE: "diamond", HEDGE: "square"}
SHAPES = {UNSURE: "▲", MEANT: "●", SPECULATIVE: "◆", HEDGE: "■"}
UNKNOWN_X = -1.22
"""Where a position of unknown conviction stands: in a strip of its own, left of the scale."""
EDGE = -1.09
LIMIT, LABELS = 40, 14
HEIGHT = 420
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SMALLEST, LARGEST = 9.0, 34.0
"""Diameter of the marks [px]; their area goes with size."""
KEY = ("symbol", "venue", "side")
MARK = ("x", "y", "diameter", "marker", "colour", "text", "text_x", "align")
TOLD = ("label", "conviction", "share", "quadrant", "reason")
FIELDS = (*KEY, *MARK, *TOLD)
TOOLTIP = """
<div style="font-size:12px;line-height:1.5;max-width:320px">
<b>@label</b><br>@quadrant<br>conviction <b>@conviction</b> · <b>@share</b> of gross<br>@reason</div>
"""


def quadrant_colour(quadrant: str, theme: Theme) -> str:
    """Colour of a quadrant; its mark has a shape of its own as well."""
    colours = {UNSURE: theme.warn, MEANT: theme.accent, SPECULATIVE: theme.muted, HEDGE: theme.good}
    return colours.get(quadrant, theme.muted)


def quadrant_columns(quadrants: pd.DataFrame, *, theme: Theme) -> dict[str, list[Any]]:
    """One entry per position of known size, the ``LIMIT`` largest, unsure ones first.

    Parameters
    ----------
    quadrants : DataFrame
        As ``portfolio.quadrants`` returns it.
    theme : Theme

    Returns
    -------
    dict of lists
        Keys ``FIELDS``. The text beside a mark is empty for all but the ``LABELS`` first, and where it would cover
        that of another.
    """
    known = quadrants[quadrants["size_share"] > 0]
    largest = known.sort_values("size_share", ascending=False, kind="stable").head(LIMIT)
    chosen = largest.sort_values("quadrant", key=lambda names: names != UNSURE, kind="stable")
    rows = [_mark(row, theme) for row in chosen.to_dict("records")]
    _label(rows)
    return {name: [row[name] for row in rows] for name in FIELDS}


def _mark(row: dict[Any, Any], theme: Theme) -> dict[str, Any]:
    conviction, share = float(row["conviction"]), float(row["size_share"])
    x = conviction if np.isfinite(conviction) else UNKNOWN_X
    label = position_label(row["symbol"], row["venue"], int(row["side"]))
    left = x > 0.42
    return {
        **{name: row[name] for name in KEY},
        "x": x,
        "y": share,
        "diameter": SMALLEST + (LARGEST - SMALLEST) * min(share, 1.0) ** 0.5,
        "marker": MARKERS.get(row["quadrant"], "circle"),
        "colour": quadrant_colour(row["quadrant"], theme),
        "text": f"{label.split(' · ', maxsplit=1)[0]} {share * 100:.3g} %",
        "align": "right" if left else "left",
        "label": label,
        "conviction": "unknown" if x == UNKNOWN_X else f"{conviction * 100:+.0f} %",
        "share": f"{share * 100:.3g} %",
        "quadrant": row["quadrant"],
        "reason": row["reason"],
    }


def _label(rows: list[dict[str, Any]]) -> None:
    """Keep the texts of the first marks that cover no text and no mark at 700 px; place them beside their marks."""
    across, octave = 600 / 2.35, 46.0
    spots = [(row["x"] * across, float(np.log2(row["y"])) * octave, row["diameter"] / 2) for row in rows]
    taken = [(x - radius, x + radius, y, radius) for x, y, radius in spots]
    for k, (row, (x, y, radius)) in enumerate(zip(rows, spots, strict=True)):
        away, width = radius + 5, 6.3 * len(row["text"])
        for align in ("left", "right") if row["align"] == "left" else ("right",):
            left = x - away - width if align == "right" else x + away
            row |= {"align": align, "text_x": -away if align == "right" else away}
            if k < LABELS and not any(
                left < b and a < left + width and abs(y - h) < 7 + tall for a, b, h, tall in taken
            ):
                taken.append((left, left + width, y, 8.0))
                break
        else:
            row["text"] = ""


class QuadrantFigure(Selectable):
    """Conviction across, size up (logarithmic); the mark's shape tells the quadrant, its area the size.

    Parameters
    ----------
    quadrants : DataFrame, optional
        As ``portfolio.quadrants`` returns it; its ``attrs`` hold the limits.
    theme : Theme
    """

    def __init__(self, quadrants: pd.DataFrame | None = None, *, theme: Theme = DARK) -> None:
        self.theme = theme
        names = (*KEY, "conviction", "size_share", "quadrant", "reason")
        self._quadrants = pd.DataFrame({name: [] for name in names}) if quadrants is None else quadrants
        self.source = ColumnDataSource({name: [] for name in FIELDS})
        self.root = self._build()
        self.set_theme(theme)

    def _build(self) -> figure:
        plot = figure(
            x_range=Range1d(-1.35, 1.04), y_range=Range1d(0.005, 1.3), y_axis_type="log", sizing_mode="stretch_width",
            height=HEIGHT, tools=[], toolbar_location=None, min_border_right=8,
            x_axis_label="conviction: forecast along the position, as a share of the strongest",
            y_axis_label="size: share of gross",
        )  # fmt: skip
        percent = "return (tick * 100).toLocaleString('en-US', {maximumFractionDigits: 1})"
        plot.yaxis.update(
            ticker=FixedTicker(ticks=list(TICKS)), formatter=CustomJSTickFormatter(code=f"{percent} + ' %'")
        )
        plot.xaxis.ticker = FixedTicker(ticks=[UNKNOWN_X, -1, -0.5, 0, 0.5, 1])
        named = f"if (tick < -1.1) return 'unknown'; {percent} + ' %'"
        plot.xaxis.formatter = CustomJSTickFormatter(code=named.replace("return (", "return (tick > 0 ? '+' : '') + ("))
        self.high = BoxAnnotation(left=0.5, bottom=0.1, fill_alpha=0.09, line_color=None, level="underlay")
        self.doubt = BoxAnnotation(right=0.5, bottom=0.1, fill_alpha=0.09, line_color=None, level="underlay")
        self.lines = (
            Span(location=0.5, dimension="height", line_dash="dashed"),
            Span(location=0.1, dimension="width", line_dash="dashed"),
            Span(location=EDGE, dimension="height", line_width=1),
        )
        for part in (self.high, self.doubt, *self.lines):
            plot.add_layout(part)
        self.corners = {
            MEANT: self._corner(plot, 1.02, 1.22, "right", "top"),
            UNSURE: self._corner(plot, -1.07, 1.22, "left", "top"),
            SPECULATIVE: self._corner(plot, -1.07, 0.0053, "left", "bottom"),
        }
        marks = plot.scatter(
            "x", "y", size="diameter", marker="marker", fill_color="colour", fill_alpha=0.75, line_color="colour",
            line_width=1, source=self.source, nonselection_fill_alpha=0.75, nonselection_line_alpha=1.0,
            selection_line_width=3, hover_line_width=2, name="marks",
        )  # fmt: skip
        plot.text(
            "x", "y", "text", x_offset="text_x", text_align="align", text_baseline="middle", text_font=value(FONT),
            text_font_size="12px", source=self.source, nonselection_text_alpha=1.0, name="texts",
        )  # fmt: skip
        plot.add_tools(TapTool(renderers=[marks]), HoverTool(renderers=[marks], tooltips=TOOLTIP))
        return plot

    def _corner(self, plot: figure, x: float, y: float, align: str, baseline: str) -> Label:
        label = Label(
            x=x, y=y, text="", text_align=align, text_baseline=baseline, text_font_size="12px",
            text_font_style="bold", text_font=FONT, text_alpha=0.9,
        )  # fmt: skip
        plot.add_layout(label)
        return label

    @property
    def not_drawn(self) -> int:
        """Positions without a mark: of unknown size, or beyond the ``LIMIT`` drawn."""
        return len(self._quadrants) - len(self.source.data["x"])

    def update(self, quadrants: pd.DataFrame) -> None:
        """Show another book, or other limits; no model is replaced."""
        self._quadrants = quadrants
        columns = quadrant_columns(quadrants, theme=self.theme)
        conviction = float(quadrants.attrs.get("conviction", np.nan))
        size = float(quadrants.attrs.get("size_share", np.nan))
        shares = [share for share in (*columns["y"], size) if np.isfinite(share)]
        low = min([*shares, 0.05]) / 1.8
        high = min(max([*shares, 0.05]) * 2.0, 1.3)
        self.root.y_range.update(start=low, end=high)
        for line, at in zip(self.lines, (conviction, size), strict=False):
            line.update(visible=bool(np.isfinite(at)), location=at if np.isfinite(at) else 0.0)
        known = bool(np.isfinite(conviction) and np.isfinite(size))
        at = conviction if known else 0.0
        self.high.update(visible=known, left=at, bottom=size if known else 0)
        self.doubt.update(visible=known, left=EDGE, right=at, bottom=size if known else 0)
        counts = quadrants["quadrant"].value_counts()
        for name, corner in self.corners.items():
            corner.text = f"{SHAPES[name]} {name}: {int(counts.get(name, 0))}"
        hedges = int(counts.get(HEDGE, 0))
        for name in (MEANT, UNSURE):
            self.corners[name].y = high * 0.95
        self.corners[SPECULATIVE].y = low * 1.06
        self.corners[SPECULATIVE].text += f"   {SHAPES[HEDGE]} {HEDGE}: {hedges}"
        self.source.data = columns

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        apply(self.root, theme)
        for line in self.lines:
            line.line_color = theme.muted
        self.high.fill_color, self.doubt.fill_color = theme.accent, theme.warn
        for corner in self.corners.values():
            corner.update(text_color=theme.muted, background_fill_color=theme.background, background_fill_alpha=0.85)
        self.root.select_one({"name": "texts"}).glyph.text_color = theme.foreground
        self.root.select_one({"name": "texts"}).nonselection_glyph.text_color = theme.foreground
        marks = self.root.select_one({"name": "marks"})
        marks.selection_glyph.line_color = marks.hover_glyph.line_color = theme.foreground
        self.update(self._quadrants)
