"""One book on several timeframes side by side: value with and against each trend, and every position below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Column, column
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, FixedTicker, HoverTool, Range1d, Span
from bokeh.plotting import figure

from heatlab.figures import format as show
from heatlab.figures.format import USD_JS
from heatlab.figures.heat_grid import arrow, position_label
from heatlab.figures.palettes import heat_colour, ink
from heatlab.figures.theme import DARK, FONT, Theme, apply

MOST_ROWS = 40
HEAD, ROW, BAND = 30, 42, 54
CELLS = (
    "x", "y", "fill", "hatch", "ink", "text", "note", "row", "timeframe", "heat", "value", "amount", "day", "risk",
    "flips",
)  # fmt: skip
BARS = ("y", "left", "right", "with_text", "against_text", "timeframe", "note")
TOOLTIP = """
<div style="font-size:12px;line-height:1.5"><b>@row · @timeframe</b><br>heat <b>@heat</b><br>@value<br>
moves about @amount a bar, @day scaled to a day<br>share of risk @risk<br>trend turned within a day: @flips</div>
"""


def timeframe_cells(positions: pd.DataFrame, *, theme: Theme) -> dict[str, list[Any]]:
    """One cell per position and timeframe, of the ``MOST_ROWS`` largest positions.

    Parameters
    ----------
    positions : DataFrame
        As ``portfolio.timeframes.timeframe_exposure`` gives it.
    theme : Theme

    Returns
    -------
    dict of lists
        Keys :data:`CELLS`.
    """
    cells: dict[str, list[Any]] = {name: [] for name in CELLS}
    frames = list(dict.fromkeys(positions["timeframe"]))
    for y, group in enumerate(_by_size(positions, len(frames))[:MOST_ROWS]):
        for row in positions.iloc[group].to_dict("records"):
            made = _cell(row, theme)
            made |= {"x": float(frames.index(row["timeframe"])), "y": float(y)}
            for name in CELLS:
                cells[name].append(made[name])
    return cells


def _by_size(positions: pd.DataFrame, count: int) -> list[np.ndarray]:
    """Rows of each position, the largest value first; unknown ones last."""
    if positions.empty:
        return []
    rows = np.arange(len(positions)).reshape(-1, count)
    size = positions["exposure"].abs().fillna(-1.0).to_numpy()[rows[:, 0]]
    return [rows[k] for k in np.argsort(-size, kind="stable")]


def _cell(row: dict[Any, Any], theme: Theme) -> dict[str, Any]:
    heat, known = float(row["heat"]), bool(np.isfinite(row["heat"]))
    fill = heat_colour(heat) if known else theme.panel
    side = "with" if row["aligned"] > 0 else "against" if row["aligned"] < 0 else "no trend known for"
    amount = show.usd(abs(float(row["exposure"])))
    risk = show.percent(float(row["risk_share"]), signed=False)
    return {
        "fill": fill,
        "hatch": " " if known else "/",
        "ink": ink(fill) if known else theme.muted,
        "text": f"{heat:.0f} {arrow(float(row['zone']))}" if known else show.UNKNOWN,
        "note": f"{side} {amount} · risk {risk}" if np.isfinite(row["aligned"]) else f"risk {risk}",
        "row": position_label(row["symbol"], row["venue"], int(row["side"])),
        "timeframe": row["timeframe"],
        "heat": show.number(heat, 1),
        "value": f"{amount} {side} the trend" if np.isfinite(row["aligned"]) else f"{amount}, trend unknown",
        "amount": show.usd(float(row["amount"])),
        "day": show.percent(float(row["volatility_day"]), signed=False),
        "risk": risk,
        "flips": f"{row['flips']:.0%} of {row['readings']:,}" if np.isfinite(row["flips"]) else show.UNKNOWN,
    }


def book_bars(book: pd.DataFrame) -> dict[str, list[Any]]:
    """Value against (left) and with (right) the trend of each timeframe; keys :data:`BARS`."""
    bars: dict[str, list[Any]] = {name: [] for name in BARS}
    for y, row in enumerate(book.to_dict("records")):
        unknown = f", {show.usd(row['unknown'])} unknown" if row["unknown"] > 0 else ""
        values = {
            "y": float(y),
            "left": -float(row["against_trend"]),
            "right": float(row["with_trend"]),
            "with_text": f"with {show.usd(row['with_trend'])}",
            "against_text": f"against {show.usd(row['against_trend'])}{unknown}",
            "timeframe": head(row),
            "note": f"book moves {show.usd(row['volatility'])} a bar · "
            f"{show.number(row['independent_bets'], 1)} independent bets",
        }
        for name in BARS:
            bars[name].append(values[name])
    return bars


def head(row: Any) -> str:
    """Name of a timeframe, and whether it is noise."""
    return f"{row['timeframe']} · noise" if row["noise"] else str(row["timeframe"])


class TimeframeFigure:
    """Bars of the book above, a grid of positions x timeframes below.

    Each cell: heat with the arrow of its zone, and whether the position goes with or against the trend of that
    timeframe, with its share of risk. Columns that are noise for positions say so in their head and are hatched.

    Attributes
    ----------
    root : bokeh layout to show.
    drawn : int
        Positions in the grid.
    """

    root: Column

    def __init__(self, *, theme: Theme = DARK) -> None:
        self.theme, self.drawn = theme, 0
        self._positions, self._book = pd.DataFrame(columns=["timeframe", "exposure"]), pd.DataFrame()
        self.bars = ColumnDataSource({name: [] for name in BARS})
        self.cells = ColumnDataSource({name: [] for name in CELLS})
        self.bands = ColumnDataSource({"x": [], "y": [], "height": []})
        self.book, self.grid = self._book_plot(), self._grid_plot()
        self.root = column(self.book, self.grid, sizing_mode="stretch_width")
        self.set_theme(theme)

    def update(self, positions: pd.DataFrame, book: pd.DataFrame) -> None:
        """Show another exposure, in place; an empty one draws nothing."""
        self._positions, self._book = positions, book
        cells = timeframe_cells(positions, theme=self.theme)
        rows = list(dict.fromkeys(zip(cells["y"], cells["row"], strict=True)))
        self.drawn = len(rows)
        heads = [head(row) for row in book.to_dict("records")]
        self._axes(heads, [name for _, name in rows])
        noisy = [float(k) for k, row in enumerate(book.to_dict("records")) if row["noise"]]
        middle = (len(rows) - 1) / 2
        self.bands.data = {"x": noisy, "y": [middle] * len(noisy), "height": [float(len(rows))] * len(noisy)}
        self.cells.data, self.bars.data = cells, book_bars(book)

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        for plot in (self.book, self.grid):
            apply(plot, theme)
            plot.grid.grid_line_color = None
            plot.outline_line_color = None
        for axis in (*self.grid.axis, self.book.yaxis[0]):
            axis.update(axis_line_color=None, major_tick_line_color=None, major_label_text_font_size="12px")
        self.root.styles = {"background": theme.background}
        self._zero.line_color = theme.muted
        for name, colour in (("with", theme.good), ("against", theme.warn)):
            glyph = self.book.select_one({"name": name}).glyph
            glyph.update(fill_color=colour, hatch_color=theme.background)
        for name in ("with_text", "against_text"):
            self.book.select_one({"name": name}).glyph.text_color = theme.foreground
        self.book.select_one({"name": "note"}).glyph.text_color = theme.muted
        self.grid.select_one({"name": "cells"}).glyph.hatch_color = theme.grid
        self.grid.select_one({"name": "noise"}).glyph.hatch_color = theme.background
        self.update(self._positions, self._book)

    def _book_plot(self) -> figure:
        plot = figure(
            height=150, sizing_mode="stretch_width", tools=[], toolbar_location=None, x_range=Range1d(-1, 1),
            y_range=Range1d(0.5, -0.5), min_border_right=8,
        )  # fmt: skip
        bars = [
            plot.hbar("y", 0.26, "right", 0, source=self.bars, line_color=None, name="with"),
            plot.hbar("y", 0.26, 0, "left", source=self.bars, line_color=None, hatch_pattern="/", hatch_scale=8,
                      name="against"),
        ]  # fmt: skip
        text = {"source": self.bars, "text_font": value(FONT), "text_baseline": "bottom", "y_offset": -9}
        plot.text(0, "y", "with_text", text_align="left", x_offset=6, text_font_size="12px", name="with_text", **text)
        plot.text(
            0, "y", "against_text", text_align="right", x_offset=-6, text_font_size="12px", name="against_text", **text
        )
        below = {"text_baseline": "top", "y_offset": 8, "text_font_size": "11px"}
        plot.text(0, "y", "note", text_align="left", x_offset=6, name="note", **{**text, **below})
        self._zero = Span(location=0, dimension="height")
        plot.add_layout(self._zero)
        plot.xaxis.update(
            axis_label="value against (left) and with (right) the trend of each timeframe",
            formatter=CustomJSTickFormatter(code=USD_JS + "return usd(Math.abs(tick))"),
        )
        tips = [("bars", "@timeframe"), ("with", "@with_text"), ("against", "@against_text"), ("", "@note")]
        plot.add_tools(HoverTool(renderers=bars, tooltips=tips))
        return plot

    def _grid_plot(self) -> figure:
        plot = figure(
            x_range=Range1d(-0.5, 0.5), y_range=Range1d(0.5, -0.5), x_axis_location="above", height=HEAD + ROW,
            sizing_mode="stretch_width", tools=[], toolbar_location=None, min_border_right=8,
        )  # fmt: skip
        cells = plot.rect(
            "x", "y", 0.97, 0.94, source=self.cells, fill_color="fill", line_color=None, hatch_pattern="hatch",
            hatch_alpha=0.8, hatch_scale=8, hatch_weight=1, name="cells",
        )  # fmt: skip
        plot.rect(
            "x", "y", 0.97, "height", source=self.bands, fill_color=None, line_color=None, hatch_pattern="\\",
            hatch_alpha=0.3, hatch_scale=14, hatch_weight=1, name="noise",
        )  # fmt: skip
        text = {"source": self.cells, "text_color": "ink", "text_font": value(FONT), "text_align": "center"}
        plot.text("x", "y", "text", text_baseline="bottom", y_offset=3, text_font_size="14px",
                  text_font_style="bold", **text)  # fmt: skip
        plot.text("x", "y", "note", text_baseline="top", y_offset=4, text_font_size="10px", **text)
        plot.add_tools(HoverTool(renderers=[cells], tooltips=TOOLTIP))
        return plot

    def _axes(self, heads: list[str], rows: list[str]) -> None:
        self.grid.x_range.update(start=-0.5, end=max(len(heads), 1) - 0.5)
        self.grid.y_range.update(start=max(len(rows), 1) - 0.5, end=-0.5)
        self.book.y_range.update(start=max(len(heads), 1) - 0.5, end=-0.5)
        self.grid.height, self.book.height = HEAD + ROW * max(len(rows), 1), 60 + BAND * max(len(heads), 1)
        axes = ((self.grid.xaxis, heads), (self.grid.yaxis, rows), (self.book.yaxis, heads))
        for axis, labels in axes:
            axis.ticker = FixedTicker(ticks=list(range(len(labels))))
            axis.major_label_overrides = dict(enumerate(labels))
        if not self._book.empty:
            most = float(np.nanmax([self._book[["with_trend", "against_trend"]].to_numpy(), np.ones((len(heads), 2))]))
            self.book.x_range.update(start=-1.05 * most, end=1.05 * most)
