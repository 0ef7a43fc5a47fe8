"""A year of states of a book: timeline of its heat and value, and the map at the hour under the cursor.

The page holds the whole year, one or two bytes per reading, and moves through it by itself: Python sends nothing while
it plays. Whoever sets the ``location`` of ``cursor`` (a click, a player in the page, :meth:`ReplayFigure.show`) moves
every part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Column, column
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from heatlab._checks import check_range
from heatlab.figures import replay_data as data
from heatlab.figures.format import USD_JS
from heatlab.figures.heat_grid import ALL
from heatlab.figures.palettes import TRAFFIC, ink
from heatlab.figures.theme import DARK, FONT, Theme, apply

HEAD = 30
TALL, LOW, FEW = 38, 24, 14
"""Height of a row [px] up to FEW positions, and beyond."""

SHOW_JS = """
const at = cursor.location, time = hours.data.time, n = time.length;
if (at == null || !n) return;
let low = 0, high = n;
while (low < high) { const half = (low + high) >> 1; if (time[half] <= at) low = half + 1; else high = half; }
const row = Math.max(low - 1, 0);
other.setv({location: at}, {sync: false});
const code = frames.data.code, limits = thresholds.data.limits, share = shares.data.share;
const count = share.length / n, width = code.length / n / count, cell = cells.data, bar = bars.data;
const [panel, muted, carried, hedge] = cells.tags;
const arrows = ['\\u25bc', '\\u25cf', '\\u25b2', ''];
for (let i = 0; i < count; i++) {
  for (let k = 0; k < width; k++) {
    const word = code[(row * count + i) * width + k], heat = word & 127, zone = (word >> 7) & 3;
    const c = i * (width + 1) + k;
    const known = heat !== 127, level = Math.round(heat / 100 * 255);
    cell.fill[c] = known ? palette[level] : panel;
    cell.ink[c] = known ? inks[level] : muted;
    cell.hatch[c] = known && !(word & 512) ? 0 : 0.94;
    cell.text[c] = known ? heat + (zone < 3 ? ' ' + arrows[zone] : '') : '\\u2013';
    const limit = known && k < width - 1 ? limits[(row * count + i) * (width - 1) + k] : 0;
    cell.note[c] = limit ? (limit & 255) + '|' + (limit >> 8) : '';
  }
  const part = share[row * count + i], c = i * (width + 1) + width;
  cell.text[c] = part === -32768 ? '\\u2013' : (part / 10).toFixed(1) + ' %';
  bar.right[i] = bar.left[i] + (part === -32768 ? 0 : 0.97 * Math.min(Math.abs(part) / 1000, 1));
  bar.fill[i] = part < 0 ? hedge : carried;
}
cells.change.emit();
bars.change.emit();
"""
JUMP_JS = "cursor.setv({location: Math.min(Math.max(cb_obj.x, hours.data.time[0]), hours.data.time.at(-1))});"


class ReplayFigure:
    """Timeline of book heat with its zones, profit and drawdown below, and the grid of the hour.

    Each cell carries its number, the arrow of its zone and the thresholds then in force, red|green; the last column is
    the share of risk as a number and a bar. Hatched = unknown, or older than three bars. Falls are boxes numbered by
    depth.

    Attributes
    ----------
    root : bokeh layout to show.
    cursor : Span
        Set its ``location`` [ms] to move.
    hours : ColumnDataSource
        Book by hour.
    drawn : int
        Positions in the grid; the largest, at most 40.
    """

    root: Column

    def __init__(self, *, theme: Theme = DARK) -> None:
        self.theme = theme
        self.drawn = 0
        self._frames: dict[str, Any] = {"code": np.empty(0), "limits": np.empty(0), "share": np.empty(0)}
        self._labels: list[str] = []
        self._timeframes: tuple[str, ...] = ()
        self.hours = ColumnDataSource({name: [] for name in data.HOURS})
        self.falls = ColumnDataSource(data.fall_columns(None, pd.DatetimeIndex([])))
        self.cells = ColumnDataSource({name: [] for name in data.CELLS})
        self.bars = ColumnDataSource({name: [] for name in data.BARS})
        self._sources = {name: ColumnDataSource({name: []}) for name in ("code", "limits", "share")}
        self.cursor = Span(dimension="height", line_width=2, level="overlay", name="cursor")
        self._second = Span(dimension="height", line_width=2, level="overlay")
        self.heat = self._heat_plot()
        self.value = self._value_plot()
        self.grid = self._grid_plot()
        self._connect()
        self.root = column(self.heat, self.value, self.grid, sizing_mode="stretch_width")
        self.set_theme(theme)

    def update(
        self,
        replay: data.ReplayLike,
        drawdowns: pd.DataFrame | None = None,
        *,
        green: float = 75.0,
        red: float = 40.0,
        most: int = data.MOST_ROWS,
    ) -> None:
        """Show another replay, its last hour first, in place; a replay without hours draws nothing.

        Parameters
        ----------
        replay : Replay
        drawdowns : DataFrame, optional
            ``start``, ``trough``, ``depth``; deepest first.
        green, red : float
            Zone thresholds of the book.
        most : int
            Most positions in the grid.
        """
        rows = data.largest(replay, most=most)
        self.drawn, self._timeframes = len(rows), tuple(replay.timeframes)
        self._frames, self._labels = data.frame_columns(replay, rows), data.row_labels(replay, rows)
        self._grid_shape()
        self.hours.data = data.hour_columns(replay)
        for name, source in self._sources.items():
            source.data = {name: self._frames[name]}
        self.falls.data = data.fall_columns(drawdowns, replay.times)
        for name, level in (("green", green), ("red", red)):
            self.heat.select_one({"name": f"{name}_line"}).location = level
        self._bands[0].bottom, self._bands[1].top = green, red
        self._ranges()
        self.show(max(len(replay.times) - 1, 0))

    def show(self, row: int) -> None:
        """Move to one state.

        Raises
        ------
        ParameterError
            There is no such row.
        """
        count = len(self.hours.data["time"])
        if not count:
            self.cells.data = {name: [] for name in data.CELLS}
            self.bars.data = {name: [] for name in data.BARS}
            return
        check_range("row", row, 0, count - 1, caller="ReplayFigure.show")
        cells = data.cell_columns(self._frames, self._labels, self._timeframes, row)
        width = len(self._timeframes) + 1
        risk = [name == data.RISK for name in cells["column"]]
        for name, known, unknown in (
            ("fill", self.theme.panel, self.theme.panel),
            ("ink", self.theme.foreground, self.theme.muted),
        ):
            cells[name] = [one or (known if here else unknown) for one, here in zip(cells[name], risk, strict=True)]
        self.cells.data = cells
        self.bars.data = data.bar_columns(self._frames, len(self._labels), width, row, self.theme)
        self.cursor.location = self._second.location = float(self.hours.data["time"][row])

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        for plot in (self.heat, self.value, self.grid):
            apply(plot, theme)
        self.root.styles = {"background": theme.background}
        self.grid.grid.grid_line_color = None
        self.grid.outline_line_color = None
        for axis in self.grid.axis:
            axis.update(axis_line_color=None, major_tick_line_color=None, major_label_text_font_size="12px")
        self._bands[0].fill_color, self._bands[1].fill_color = theme.good, theme.bad
        for name, colour in (("green_line", theme.good), ("red_line", theme.bad)):
            self.heat.select_one({"name": name}).line_color = colour
        self.heat.select_one({"name": "book_heat"}).glyph.line_color = theme.foreground
        self.value.select_one({"name": "value"}).glyph.line_color = theme.accent
        self.value.select_one({"name": "drawdown"}).glyph.fill_color = theme.bad
        for plot in (self.heat, self.value):
            plot.select_one({"name": "falls"}).glyph.fill_color = theme.warn
            plot.select_one({"name": "numbers"}).glyph.text_color = theme.foreground
        self.grid.select_one({"name": "unknown"}).glyph.hatch_color = theme.muted
        self.cursor.line_color = self._second.line_color = theme.accent
        self.cells.tags = [theme.panel, theme.muted, theme.accent, theme.warn]
        if len(self.hours.data["time"]):
            self.show(self.row)

    @property
    def row(self) -> int:
        """State under the cursor, as far as Python was told."""
        time = np.asarray(self.hours.data["time"])
        return max(int(np.searchsorted(time, self.cursor.location or 0.0, side="right")) - 1, 0)

    def _heat_plot(self) -> figure:
        plot = self._timeline(170, Range1d(0, 1), Range1d(0, 100))
        self._bands = [BoxAnnotation(bottom=75, fill_alpha=0.13), BoxAnnotation(top=40, fill_alpha=0.13)]
        for band in self._bands:
            band.update(line_color=None, level="underlay")
            plot.add_layout(band)
        for name, level, dash in (("green", 75, "dashed"), ("red", 40, "dotted")):
            plot.add_layout(Span(location=level, dimension="width", line_dash=dash, name=f"{name}_line"))
        self._mark_falls(plot, 0, 100, 98)
        line = plot.line("time", "book_heat", source=self.hours, line_width=1.5, name="book_heat")
        plot.yaxis.update(axis_label="book heat [0-100]", ticker=FixedTicker(ticks=[0, 25, 50, 75, 100]))
        plot.xaxis.visible = False
        plot.add_layout(self.cursor)
        plot.add_tools(self._hover(line))
        return plot

    def _value_plot(self) -> figure:
        plot = self._timeline(150, self.heat.x_range, Range1d(0, 1))
        self._mark_falls(plot, -1e15, 1e15, None)
        plot.varea("time", 0, "drawdown", source=self.hours, fill_alpha=0.35, name="drawdown")
        plot.line("time", "value", source=self.hours, line_width=1.5, name="value")
        plot.yaxis.update(
            axis_label="profit, drawdown", formatter=CustomJSTickFormatter(code=USD_JS + "return usd(tick)")
        )
        plot.xaxis.axis_label = "time [UTC]"
        plot.add_layout(self._second)
        return plot

    def _mark_falls(self, plot: figure, bottom: float, top: float, y: float | None) -> None:
        plot.quad("left", "right", top, bottom, source=self.falls, fill_alpha=0.16, line_color=None, name="falls")
        plot.text(
            "middle", 0 if y is None else y, "number", source=self.falls, text_font_size="12px",
            text_font_style="bold", text_font=value(FONT), text_align="center", text_baseline="top", name="numbers",
            visible=y is not None,
        )  # fmt: skip

    @staticmethod
    def _timeline(height: int, x_range: Range1d, y_range: Range1d) -> figure:
        return figure(
            height=height, sizing_mode="stretch_width", x_axis_type="datetime", y_axis_location="right",
            x_range=x_range, y_range=y_range, tools="xpan,xwheel_zoom,reset", toolbar_location=None,
            min_border_right=72, min_border_left=6, output_backend="canvas",
        )  # fmt: skip

    @staticmethod
    def _hover(line: Any) -> HoverTool:
        tips = [
            ("hour", "@time{%F %H:%M} UTC"),
            ("book heat", "@book_heat{0.0}"),
            ("green / amber / red", "@green / @amber / @red"),
            ("bets by share of risk", "@bets{0.0}"),
            ("profit", "@value{0,0}"),
            ("drawdown", "@drawdown{0,0}"),
        ]
        return HoverTool(renderers=[line], mode="vline", tooltips=tips, formatters={"@time": "datetime"})

    def _grid_plot(self) -> figure:
        plot = figure(
            x_range=Range1d(-0.5, 0.5), y_range=Range1d(0.5, -0.5), x_axis_location="above", height=HEAD + TALL,
            sizing_mode="stretch_width", tools=[], toolbar_location=None, min_border_right=8,
        )  # fmt: skip
        cells = plot.rect(
            "x", "y", 0.97, 0.94, source=self.cells, fill_color="fill", line_color=None, name="cells",
        )  # fmt: skip
        plot.rect(
            "x", "y", 0.97, "hatch", source=self.cells, fill_color=None, line_color=None, hatch_pattern="/",
            hatch_alpha=0.8, hatch_scale=8, hatch_weight=1, name="unknown",
        )  # fmt: skip
        plot.hbar("y", 0.94, "right", "left", source=self.bars, fill_color="fill", fill_alpha=0.45, line_color=None)
        text = {"source": self.cells, "text_color": "ink", "text_font": value(FONT), "text_baseline": "middle"}
        plot.text("x", "y", "text", text_align="center", text_font_style="bold", name="readings", **text)
        plot.text("x", "y", "note", name="thresholds", **text)
        tips = "<b>@row · @column</b><br>@text<br>thresholds then, red|green: @note"
        plot.add_tools(HoverTool(renderers=[cells], tooltips=f'<div style="font-size:12px">{tips}</div>'))
        return plot

    def _connect(self) -> None:
        args = {
            "cursor": self.cursor, "other": self._second, "hours": self.hours, "frames": self._sources["code"],
            "thresholds": self._sources["limits"], "shares": self._sources["share"], "cells": self.cells,
            "bars": self.bars, "palette": list(TRAFFIC), "inks": [ink(c) for c in TRAFFIC],
        }  # fmt: skip
        self.cursor.js_on_change("location", CustomJS(args=args, code=SHOW_JS))
        for plot in (self.heat, self.value):
            plot.js_on_event("tap", CustomJS(args={"cursor": self.cursor, "hours": self.hours}, code=JUMP_JS))

    def _grid_shape(self) -> None:
        names = [*self._timeframes, ALL, data.RISK]
        rows = len(self._labels)
        self.grid.x_range.update(start=-0.5, end=len(names) - 0.5)
        self.grid.y_range.update(start=max(rows, 1) - 0.5, end=-0.5)
        self.grid.height = HEAD + (TALL if rows <= FEW else LOW) * max(rows, 1)
        for axis, labels in ((self.grid.xaxis, names), (self.grid.yaxis, self._labels)):
            axis.ticker = FixedTicker(ticks=list(range(len(labels))))
            axis.major_label_overrides = dict(enumerate(labels))

        self._place_words(tall=rows <= FEW)

    def _place_words(self, *, tall: bool) -> None:
        """Thresholds below the reading where there is room, else beside it."""
        reading, note = (self.grid.select_one({"name": name}).glyph for name in ("readings", "thresholds"))
        if tall:
            reading.update(text_font_size="13px", x_offset=0, y_offset=-5)
            note.update(text_font_size="10px", text_align="center", x_offset=0, y_offset=11)
        else:
            reading.update(text_font_size="12px", x_offset=-12, y_offset=0)
            note.update(text_font_size="9px", text_align="left", x_offset=8, y_offset=0)

    def _ranges(self) -> None:
        time = np.asarray(self.hours.data["time"])
        if len(time):
            edge = float(time[-1] - time[0]) * 0.005 or 3.6e6
            self.heat.x_range.update(start=float(time[0]) - edge, end=float(time[-1]) + edge)
            self.heat.x_range.update(reset_start=float(time[0]) - edge, reset_end=float(time[-1]) + edge)
        known = np.concatenate([np.asarray(self.hours.data[name]) for name in ("value", "drawdown")])
        known = known[np.isfinite(known)]
        if known.size:
            pad = float(known.max() - known.min()) * 0.06 or 1.0
            self.value.y_range.update(start=float(known.min()) - pad, end=float(known.max()) + pad)
