"""Heat of every position on every timeframe: colour, number and arrow in one cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, TapTool
from bokeh.plotting import figure

from heatlab.domain import Side
from heatlab.figures import format as show
from heatlab.figures.palettes import faded, heat_colour, ink
from heatlab.figures.selectable import Selectable
from heatlab.figures.theme import DARK, FONT, Theme, apply

ALL = "all"
ARROWS = {1: "▲", 0: "●", -1: "▼"}
WORDS = {1: "green", 0: "amber", -1: "red"}
ROW_HEIGHT, HEAD = 46, 56
CELL = ("row", "column", "fill", "hatch", "ink", "text", "note")
READING = ("heat", "zone", "green", "red", "forecast", "volatility", "closed", "age", "detail")
KEY = ("symbol", "venue", "side", "timeframe")
FIELDS = (*CELL, *KEY, *READING)

TOOLTIP = """
<div style="font-size:12px;line-height:1.5">
<b>@row · @timeframe</b><br>heat <b>@heat</b> · zone <b>@zone</b><br>green from @green, red below @red<br>
forecast @forecast<br>volatility percentile @volatility<br>bar @closed, age @age<br>@detail</div>
"""


def position_label(symbol: str, venue: str, side: int) -> str:
    """Short name of a position: ``BTC long · binance``."""
    return f"{symbol.split('/', maxsplit=1)[0]} {Side(side).label} · {venue}"


def arrow(zone: float) -> str:
    """Shape of a zone: up for green, dot for amber, down for red, a dash where unknown."""
    return ARROWS[int(zone)] if np.isfinite(zone) else show.UNKNOWN


def cell_columns(table: pd.DataFrame, overall: pd.DataFrame | None, *, theme: Theme) -> dict[str, list[Any]]:
    """One entry per cell of the grid.

    Parameters
    ----------
    table : DataFrame
        As ``heat.heat_table`` returns it.
    overall : DataFrame, optional
        As ``heat.position_heat`` returns it; fills the column "all".

    Returns
    -------
    dict of lists
        Keys ``FIELDS``; all but ``symbol venue side`` are text or colours.
    """
    rows = [_cell(row, theme) for row in table.to_dict("records")]
    if overall is not None:
        rows += [_cell({**row, "timeframe": ALL}, theme) for row in overall.to_dict("records")]
    return {name: [row[name] for row in rows] for name in FIELDS}


def _cell(row: dict[Any, Any], theme: Theme) -> dict[str, Any]:
    heat, zone = float(row["heat"]), float(row.get("zone", np.nan))
    known = np.isfinite(heat)
    stale = str(row.get("note", "")).startswith("stale")
    fill = (faded(heat_colour(heat), theme.panel) if stale else heat_colour(heat)) if known else theme.panel
    known_frames = f"mean of {row['timeframes']} timeframes" if "timeframes" in row else ""
    return {
        "row": position_label(row["symbol"], row["venue"], int(row["side"])),
        "column": row["timeframe"],
        "fill": fill,
        "hatch": " " if known and not stale else "/",
        "ink": ink(fill) if known else theme.muted,
        "text": f"{heat:.0f} {arrow(zone)}" if known else show.UNKNOWN,
        "note": "old" if stale and known else _below(row, known=known),
        "symbol": row["symbol"],
        "venue": row["venue"],
        "side": int(row["side"]),
        "timeframe": row["timeframe"],
        "heat": show.number(heat, 1),
        "zone": WORDS[int(zone)] if np.isfinite(zone) else "unknown",
        "green": show.number(_get(row, "green"), 0),
        "red": show.number(_get(row, "red"), 0),
        "forecast": show.number(_get(row, "forecast"), 1),
        "volatility": _whole_percent(_get(row, "volatility_percentile")),
        "closed": _stamp(row.get("timestamp")),
        "age": show.age(row.get("age", pd.NaT)),
        "detail": str(row.get("note", "") or known_frames),
    }


def _below(row: dict[Any, Any], *, known: bool) -> str:
    if not known:
        return str(row.get("note", "") or "no reading")
    green, red = _get(row, "green"), _get(row, "red")
    return f"{red:.0f} | {green:.0f}" if np.isfinite(green) and np.isfinite(red) else ""


def _get(row: dict[Any, Any], name: str) -> float:
    return float(row.get(name, np.nan))


def _whole_percent(fraction: float) -> str:
    return show.UNKNOWN if not np.isfinite(fraction) else f"{fraction * 100:.0f} %"


def _stamp(stamp: Any) -> str:
    return show.UNKNOWN if stamp is None or pd.isna(stamp) else f"{stamp:%Y-%m-%d %H:%M} UTC"


class HeatGrid(Selectable):
    """Positions down, timeframes and "all" across; click a cell to select it.

    Under each number stand the thresholds in force, red | green. A cell with no reading is hatched and says why.

    Parameters
    ----------
    table : DataFrame
        As ``heat.heat_table`` returns it.
    theme : Theme
    overall : DataFrame, optional
        As ``heat.position_heat`` returns it.
    """

    key = KEY

    def __init__(self, table: pd.DataFrame, *, theme: Theme = DARK, overall: pd.DataFrame | None = None) -> None:
        self.theme = theme
        self._table, self._overall = table, overall
        self.source = ColumnDataSource({name: [] for name in FIELDS})
        self.hatched = ColumnDataSource({"row": [], "column": []})
        self.root = self._build()
        self.set_theme(theme)

    def _build(self) -> figure:
        plot = figure(
            x_range=FactorRange(factors=[]),
            y_range=FactorRange(factors=[]),
            x_axis_location="above",
            sizing_mode="stretch_width",
            height=HEAD + ROW_HEIGHT,
            tools=[],
            toolbar_location=None,
            min_border_right=8,
        )
        cells = plot.rect(
            "column", "row", 0.97, 0.94, source=self.source, fill_color="fill", line_color=None,
            nonselection_fill_alpha=1.0, selection_line_width=3, hover_line_width=2, name="cells",
        )  # fmt: skip
        plot.rect(
            "column", "row", 0.97, 0.94, source=self.hatched, fill_color=None, line_color=None, hatch_pattern="/",
            hatch_alpha=0.8, hatch_scale=8, hatch_weight=1, name="hatched",
        )  # fmt: skip
        quiet = {"text_align": "center", "text_color": "ink", "source": self.source, "nonselection_text_alpha": 1.0}
        plot.text(
            "column", "row", "text", text_font_size="16px", text_font_style="bold", text_font=value(FONT),
            text_baseline="bottom", y_offset=5, name="numbers", **quiet,
        )  # fmt: skip
        plot.text(
            "column", "row", "note", text_font_size="10px", text_font=value(FONT), text_baseline="top", y_offset=6,
            name="thresholds", **quiet,
        )  # fmt: skip
        plot.add_tools(TapTool(renderers=[cells]), HoverTool(renderers=[cells], tooltips=TOOLTIP))
        return plot

    def update(self, table: pd.DataFrame, *, overall: pd.DataFrame | None = None) -> None:
        """Show other readings; positions and timeframes may change too, no model is replaced."""
        self._table, self._overall = table, overall
        columns = cell_columns(table, overall, theme=self.theme)
        rows = list(dict.fromkeys(columns["row"]))
        self.root.x_range.factors = list(dict.fromkeys(columns["column"]))
        self.root.y_range.factors = rows[::-1]
        height = HEAD + ROW_HEIGHT * max(len(rows), 1)
        if self.root.height != height:
            self.root.height = height
        self.source.data = columns
        unreliable = [k for k, mark in enumerate(columns["hatch"]) if mark.strip()]
        self.hatched.data = {name: [columns[name][k] for k in unreliable] for name in ("row", "column")}

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        apply(self.root, theme)
        self.root.grid.grid_line_color = None
        self.root.outline_line_color = None
        for axis in self.root.axis:
            axis.update(axis_line_color=None, major_tick_line_color=None, major_label_text_font_size="13px")
        cells = self.root.select_one({"name": "cells"})
        self.root.select_one({"name": "hatched"}).glyph.hatch_color = theme.grid
        cells.selection_glyph.line_color = cells.hover_glyph.line_color = theme.foreground
        self.update(self._table, overall=self._overall)
