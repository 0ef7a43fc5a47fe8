"""Concentration heat of a book: area is size, colour and number are heat, by size or by correlation, in one place."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Row, row
from bokeh.models import ColumnDataSource, CustomJS, CustomJSTransform, HoverTool, InlineStyleSheet, Range1d, TapTool
from bokeh.plotting import figure
from bokeh.transform import transform

from heatlab._checks import check_choice
from heatlab.figures.concentration_cells import (
    FIELDS,
    HEADER_FIELDS,
    HEIGHT,
    KEY,
    PER_HEAT,
    WIDTH,
    concentration_colour,
    grid_columns,
)
from heatlab.figures.palettes import ink
from heatlab.figures.selectable import Selectable
from heatlab.figures.theme import DARK, FONT, Theme, apply

HEATS = ("size", "correlation", "both")
TITLES = {"size": "Size-weighted heat", "correlation": "Correlation-weighted heat"}
NOTHING = "no position of known size"
TITLE_ROOM = 30
NARROW = 440
"""Least width of a plot [px]: two that do not fit side by side stand below each other."""
TOOLTIP = """
<div style="font-size:12px;line-height:1.5">
<b>@label</b><br>@notional, <b>@share</b> of gross<br>heat by size <b>@size_heat</b>, by correlation
<b>@correlation_heat</b><br>share of risk @risk<br>cluster @cluster<br>@note</div>
"""
FIT_JS = """
const canvas = (globalThis.__heatlab_ruler ??= document.createElement("canvas").getContext("2d"));
canvas.font = font;
const known = plot.properties.inner_width;
const scale = (known.is_unset ? 640 : known.get_value()) / width, {left, right} = source.data;
return Array.from(xs, (text, k) => {
  const room = (right[k] - left[k]) * scale - 6;
  return text.split("\\n").find((words) => canvas.measureText(words).width <= room) ?? "";
});
"""
REDRAW_JS = "first.change.emit(); second.change.emit();"
LINES = {"name": (13, "bold"), "value": (20, "bold"), "size": (12, "normal")}
EMPTY = pd.DataFrame({name: [] for name in (*KEY, "notional", "size_share", "cluster", "is_hedge")})


class ConcentrationGrid(Selectable):
    """The same positions by size-weighted or by correlation-weighted heat; click a cell to select it.

    A cell's area is the absolute size of the position, so that colour never stands alone; both heats are printed or
    told on hover. Positions are grouped by cluster under a header with its share of gross and of risk; hedges are
    hatched; beyond the 40 largest one line says how many there are and what they weigh. The places of the cells do
    not depend on the heat shown: switching changes colours and numbers only.

    Parameters
    ----------
    concentration : DataFrame, optional
        As ``portfolio.concentration_table`` returns it.
    theme : Theme
    shares : DataFrame, optional
        ``cluster, name, gross_share, risk_share`` of the clusters.
    heat : {"size", "correlation", "both"}
        "both" shows two grids side by side.
    """

    root: Row

    def __init__(
        self,
        concentration: pd.DataFrame | None = None,
        *,
        theme: Theme = DARK,
        shares: pd.DataFrame | None = None,
        heat: str = "size",
    ) -> None:
        self.theme, self.heat = theme, heat
        self._concentration = EMPTY if concentration is None else concentration
        self._shares = pd.DataFrame({"cluster": [], "name": []}) if shares is None else shares
        self._cells: dict[str, list[Any]] = {}
        self.source = ColumnDataSource({name: [] for name in (*FIELDS, *PER_HEAT, *map("other_{}".format, PER_HEAT))})
        self.headers = ColumnDataSource({name: [] for name in HEADER_FIELDS})
        self.plots = (self._plot(""), self._plot("other_"))
        sheet = InlineStyleSheet(css=":host { flex-wrap: wrap; gap: 12px; }")
        self.root = row(*self.plots, sizing_mode="stretch_width", stylesheets=[sheet])
        self.set_theme(theme)
        self.show(heat)

    def _plot(self, prefix: str) -> figure:
        plot = figure(
            x_range=Range1d(0, WIDTH), y_range=Range1d(0, HEIGHT), sizing_mode="stretch_width", min_width=NARROW,
            height=int(HEIGHT) + TITLE_ROOM, tools=[], toolbar_location=None, min_border=0, title="",
        )  # fmt: skip
        plot.axis.visible = plot.grid.visible = False
        fill = {"source": self.source, "fill_color": f"{prefix}fill"}
        cells = plot.quad(
            "left", "right", "top", "bottom", hatch_pattern="hatch", hatch_alpha=0.3, hatch_scale=24, hatch_weight=1.5,
            nonselection_fill_alpha=1.0, nonselection_hatch_alpha=0.3, line_width=2, nonselection_line_alpha=1.0,
            selection_line_width=4, hover_line_width=3, name="cells", **fill,
        )  # fmt: skip
        plot.quad("left", "right", "top", "bottom", source=self.headers, fill_color="fill", line_color=None)
        self._text(plot, self.headers, "text", size=12, style="bold", colour="ink", ground="fill")
        for line, (size, style) in LINES.items():
            field = f"{prefix}value" if line == "value" else line
            self._text(
                plot, self.source, field, size=size, style=style, colour=f"{prefix}ink", ground=f"{prefix}fill",
                dy=f"{line}_y",
            )  # fmt: skip
        plot.add_tools(TapTool(renderers=[cells]), HoverTool(renderers=[cells], tooltips=TOOLTIP))
        redraw = CustomJS(args={"first": self.source, "second": self.headers}, code=REDRAW_JS)
        plot.js_on_change("inner_width", redraw)
        return plot

    def _text(
        self,
        plot: figure,
        source: ColumnDataSource,
        field: str,
        *,
        size: int,
        style: str,
        colour: str,
        ground: str,
        dy: Any = 0,
    ) -> None:
        """Text in the middle of its box: the longest of its wordings that fits, or none."""
        arguments = {"plot": plot, "source": source, "width": WIDTH}
        font = f"{style} {size}px {FONT}"
        fit = CustomJSTransform(args={**arguments, "font": font}, v_func=FIT_JS)
        plot.text(
            "x", "y", transform(field, fit), source=source, y_offset=dy, text_font_size=f"{size}px",
            text_font_style=style, text_font=value(FONT), text_color=colour, text_align="center",
            text_baseline="middle", nonselection_text_alpha=1.0, background_fill_color=ground,
            background_fill_alpha=0.85,
        )  # fmt: skip

    @property
    def not_drawn(self) -> list[str]:
        """Positions of unknown size: they have no area."""
        unknown = self._concentration[self._concentration["size_share"].isna()]
        return [f"{symbol} {venue}" for symbol, venue in zip(unknown["symbol"], unknown["venue"], strict=True)]

    def update(self, concentration: pd.DataFrame, *, shares: pd.DataFrame | None = None) -> None:
        """Show another book; no model is replaced."""
        self._concentration = concentration
        self._shares = pd.DataFrame({"cluster": [], "name": []}) if shares is None else shares
        self._cells, headers = grid_columns(self._concentration, self._shares, theme=self.theme)
        self.headers.data = headers
        self._paint()

    def show(self, heat: str) -> None:
        """Switch between the heats, in place.

        Raises
        ------
        ParameterError
            ``heat`` is none of "size", "correlation", "both".
        """
        check_choice("heat", heat, HEATS, caller="ConcentrationGrid.show")
        self.heat = heat
        self.plots[1].visible = heat == "both"
        self._paint()

    def _paint(self) -> None:
        """Colours and numbers of the heats in force onto the same cells."""
        first = "correlation" if self.heat == "correlation" else "size"
        data = {name: self._cells.get(name, []) for name in FIELDS}
        for prefix, heat in (("", first), ("other_", "correlation")):
            data |= {f"{prefix}{name}": self._cells.get(f"{heat}_{name}", []) for name in PER_HEAT}
        for plot, heat in zip(self.plots, (first, "correlation"), strict=True):
            plot.title.text = TITLES[heat] if data["x"] else f"{TITLES[heat]}: {NOTHING}"
        self.source.data = data

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        for plot in self.plots:
            apply(plot, theme)
            plot.outline_line_color = None
            plot.title.update(text_font_size="13px", text_font_style="bold")
            cells = plot.select_one({"name": "cells"})
            for glyph in (cells.glyph, cells.nonselection_glyph):
                glyph.update(line_color=theme.background, hatch_color=theme.foreground)
            for glyph in (cells.selection_glyph, cells.hover_glyph):
                glyph.update(line_color=theme.foreground, hatch_color=theme.foreground)
        self.update(self._concentration, shares=self._shares)

    def is_named(self, row: dict[str, Any]) -> bool:
        """Not the cell that sums up the small ones."""
        return bool(row["symbol"])


def concentration_legend(theme: Theme) -> str:
    """HTML of the colour scale: swatches with their heat, and what area and hatching mean."""
    swatches = "".join(
        f'<span class="hl-badge" style="background:{fill};color:{ink(fill)};border-radius:3px">{heat}</span> '
        for heat, fill in ((heat, concentration_colour(heat, theme)) for heat in (0, 5, 10, 25, 50, 100))
    )
    words = "Area = size. Hatched = hedge: it takes risk off the others."
    return f'<p class="hl-muted">heat {swatches} {escape(words)}</p>'
