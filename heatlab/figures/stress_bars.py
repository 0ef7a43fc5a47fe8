"""What each position gains or loses under stress, and a book on its way through a day of the past."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Column, column
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    DataRange1d,
    FactorRange,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
    TapTool,
)
from bokeh.plotting import figure

from heatlab.figures import format as show
from heatlab.figures.format import USD_JS
from heatlab.figures.heat_grid import position_label
from heatlab.figures.liquidation_data import milliseconds
from heatlab.figures.palettes import ink
from heatlab.figures.selectable import Selectable
from heatlab.figures.theme import DARK, FONT, Theme, apply

MOST_BARS = 40
"""Positions drawn; the largest ones."""
BAR_HEIGHT, BAR_HEIGHT_MANY, FEW, BARS_EDGE = 26, 19, 16, 64
CROSS = "✕"
BAR_FIELDS = ("symbol", "venue", "side", "row", "pnl", "end", "fill", "hatch", "text", "outcome", "ink")


def bar_columns(positions: pd.DataFrame, *, theme: Theme) -> dict[str, list[Any]]:
    """One bar per position, the largest first; at most ``MOST_BARS``.

    Parameters
    ----------
    positions : DataFrame
        symbol, venue, side, notional, pnl [quote], outcome; as ``StressResult.positions``.
    """
    size = positions["notional"].abs().fillna(0.0).to_numpy()
    shown = positions.iloc[np.argsort(-size, kind="stable")[:MOST_BARS]]
    taken: dict[str, int] = {}
    rows = [_bar(row, taken, theme) for row in shown.to_dict("records")]
    return {name: [row[name] for row in rows] for name in BAR_FIELDS}


def _bar(row: dict[Any, Any], taken: dict[str, int], theme: Theme) -> dict[str, Any]:
    label = position_label(row["symbol"], row["venue"], int(row["side"]))
    taken[label] = taken.get(label, 0) + 1
    pnl, gone = float(row["pnl"]), row["outcome"] == "liquidated"
    known = np.isfinite(pnl)
    words = f"{CROSS} {show.usd(pnl)} liquidated" if gone else show.usd(pnl) if known else "left out"
    words += " (liquidation unknown)" if row["outcome"] == "unknown" and known else ""
    fill = theme.down if pnl < 0 else theme.up
    return {
        "symbol": row["symbol"],
        "venue": row["venue"],
        "side": int(row["side"]),
        "row": label if taken[label] == 1 else f"{label} #{taken[label]}",
        "pnl": pnl if known else 0.0,
        "fill": fill,
        "hatch": "x" if gone else " ",
        "ink": ink(fill),
        "text": words,
        "end": max(pnl, 0.0) if known else 0.0,
        "outcome": str(row["outcome"]),
    }


class StressBars(Selectable):
    """P&L of every position at the chosen move, number beside the bar; a liquidated one is crossed out.

    The order and the scale stay while the move changes.
    """

    def __init__(self, *, theme: Theme = DARK) -> None:
        self.theme = theme
        self._positions: pd.DataFrame | None = None
        self.source = ColumnDataSource({name: [] for name in BAR_FIELDS})
        self.root = figure(
            height=BARS_EDGE, sizing_mode="stretch_width", x_range=Range1d(-1, 1), y_range=FactorRange(factors=[]),
            tools=[], toolbar_location=None, min_border_right=12,
        )  # fmt: skip
        self._zero = Span(location=0.0, dimension="height", line_width=1)
        self._draw()
        self.set_theme(theme)

    def _draw(self) -> None:
        plot = self.root
        bars = plot.hbar(
            "row", right="pnl", left=0, height=0.7, source=self.source, fill_color="fill", line_color=None,
            hatch_pattern="hatch", hatch_color="ink", hatch_alpha=0.7, hatch_scale=8, hatch_weight=1,
            nonselection_fill_alpha=1.0, nonselection_hatch_alpha=0.7,
            selection_line_width=2, name="bars",
        )  # fmt: skip
        plot.text(
            x="end", y="row", text="text", source=self.source, text_align="left", x_offset=6, text_baseline="middle",
            text_font=value(FONT), text_font_size="12px", name="numbers",
        )  # fmt: skip
        plot.xaxis.update(formatter=CustomJSTickFormatter(code=USD_JS + "return usd(tick)"), axis_label="P&L [USD]")
        plot.add_layout(self._zero)
        told = [("position", "@row"), ("P&L", "@text"), ("outcome", "@outcome")]
        plot.add_tools(HoverTool(renderers=[bars], tooltips=told), TapTool(renderers=[bars]))

    def scale(self, low: float, high: float) -> None:
        """Fix the axis to the P&L [quote] a position can reach, with room for the numbers on the right."""
        low, high = min(low, 0.0), max(high, 0.0)
        span = (high - low) or 1.0
        self.root.x_range.update(start=low - 0.03 * span, end=high + 0.42 * span)

    def update(self, positions: pd.DataFrame, *, title: str = "") -> None:
        """Show other positions or another move."""
        self._positions = positions
        columns = bar_columns(positions, theme=self.theme)
        rows = columns["row"][::-1]
        if list(self.root.y_range.factors) != rows:
            self.root.y_range.factors = rows
            self.root.height = BARS_EDGE + (BAR_HEIGHT if len(rows) <= FEW else BAR_HEIGHT_MANY) * max(len(rows), 1)
        self.source.data = columns
        more = len(positions) - len(rows)
        self.root.title.text = f"{title} (largest {len(rows)}, {more} more in the table)" if more > 0 else title

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        apply(self.root, theme)
        self.root.ygrid.grid_line_color = None
        self.root.title.update(text_font=FONT, text_font_size="13px")
        self._zero.line_color = theme.muted
        self.root.select_one({"name": "numbers"}).glyph.text_color = theme.foreground
        self.root.select_one({"name": "bars"}).selection_glyph.line_color = theme.accent
        if self._positions is not None:
            self.update(self._positions, title=str(self.root.title.text).split(" (largest")[0])


class StressPath:
    """A book on its way through a scenario: move of BTC above, P&L below, a cross where something is liquidated."""

    root: Column

    def __init__(self, *, theme: Theme = DARK, height: int = 300) -> None:
        self.source = ColumnDataSource({name: [] for name in ("time", "benchmark", "pnl", "liquidated")})
        self.hits = ColumnDataSource({"time": [], "pnl": [], "text": []})
        self._times = DataRange1d(range_padding=0.01)
        self.benchmark = self._plot(int(height * 0.4), "BTC")
        self.benchmark.yaxis.formatter = NumeralTickFormatter(format="+0 %")
        self.benchmark.xaxis.visible = False
        self.pnl = self._plot(int(height * 0.6), "P&L [USD]")
        self.pnl.yaxis.formatter = CustomJSTickFormatter(code=USD_JS + "return usd(tick)")
        self.pnl.xaxis.axis_label = "time [UTC], close of the hour"
        above = self.benchmark.line("time", "benchmark", source=self.source, line_width=2, name="benchmark")
        below = self.pnl.line("time", "pnl", source=self.source, line_width=2.5, name="pnl")
        self.pnl.scatter("time", "pnl", source=self.hits, marker="x", size=11, line_width=2.5, name="hits")
        self.pnl.text(
            "time", "pnl", "text", source=self.hits, x_offset=8, y_offset=-8, text_font=value(FONT),
            text_font_size="11px", name="hit_text",
        )  # fmt: skip
        told = [
            ("hour", "@time{%F %H:%M} UTC"),
            ("BTC", "@benchmark{+0.0 %}"),
            ("P&L", "@pnl{$ 0,0}"),
            ("liquidated so far", "@liquidated"),
        ]
        for plot, line in ((self.benchmark, above), (self.pnl, below)):
            plot.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=told, formatters={"@time": "datetime"}))
        self.root = column(self.benchmark, self.pnl, sizing_mode="stretch_width")
        self.set_theme(theme)

    def _plot(self, height: int, label: str) -> figure:
        plot = figure(
            height=height, sizing_mode="stretch_width", x_axis_type="datetime", x_range=self._times, tools=[],
            toolbar_location=None, y_axis_location="right", min_border_right=74, min_border_left=12,
        )  # fmt: skip
        plot.yaxis.axis_label = label
        plot.y_range = DataRange1d(range_padding=0.3)
        return plot

    def update(self, path: pd.DataFrame, *, title: str = "") -> None:
        """Show a path.

        Parameters
        ----------
        path : DataFrame
            As ``StressResult.path``: benchmark [fraction], pnl [quote], liquidated, indexed by the open of each hour.
        title : str
        """
        time = milliseconds(pd.DatetimeIndex(path.index)) + 3_600_000
        counts = path["liquidated"].to_numpy(dtype="int64")
        new = np.diff(counts, prepend=0)
        pnl = path["pnl"].to_numpy(dtype="float64", copy=True)
        self.source.data = {
            "time": time,
            "benchmark": path["benchmark"].to_numpy(dtype="float64", copy=True),
            "pnl": pnl,
            "liquidated": counts.copy(),
        }
        hits = np.flatnonzero(new > 0)
        self.hits.data = {"time": time[hits], "pnl": pnl[hits], "text": [f"{CROSS} {new[k]}" for k in hits]}
        self.benchmark.title.text = title

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        for plot in (self.benchmark, self.pnl):
            apply(plot, theme)
        self.root.styles = {"background": theme.background}
        self.benchmark.title.update(text_font=FONT, text_font_size="13px")
        self.benchmark.select_one({"name": "benchmark"}).glyph.line_color = theme.accent
        self.pnl.select_one({"name": "pnl"}).glyph.line_color = theme.foreground
        self.pnl.select_one({"name": "hits"}).glyph.line_color = theme.bad
        self.pnl.select_one({"name": "hit_text"}).glyph.text_color = theme.down if theme.is_dark else theme.bad
