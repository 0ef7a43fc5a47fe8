"""Which venue moves first: both correlations at each lag, side by side, with the chance of their difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Range1d, Span
from bokeh.plotting import figure

from heatlab.figures.theme import DARK, FONT, Theme, apply

FIELDS = ("lag", "left", "right", "forward", "backward", "difference", "p_value", "when", "top", "text")
APART, WIDTH = 0.2, 0.34
LEAST_REACH = 0.05
"""Smallest correlation at the end of the axis, so that noise does not look like a mountain."""
MOST_TEXT = 12
"""With more lags than this the p-values are in the hover only."""


def lead_lag_columns(table: pd.DataFrame, *, step: pd.Timedelta) -> dict[str, Any]:
    """Arrays of the figure.

    Parameters
    ----------
    table : DataFrame
        lag [bars], forward, backward, difference, p_value, as ``portfolio.lead_lag.LeadLag.table`` holds it.
    step : Timedelta
        Length of a bar.
    """
    names = ("lag", "forward", "backward", "difference", "p_value")
    columns: dict[str, Any] = {name: table[name].to_numpy(dtype="float64", copy=True) for name in names}
    columns["left"], columns["right"] = columns["lag"] - APART, columns["lag"] + APART
    both = np.stack([columns["forward"], columns["backward"], np.zeros(len(table))])
    columns["top"] = np.nanmax(both, axis=0) if len(table) else np.empty(0)
    columns["when"] = [duration(lag * step) for lag in columns["lag"]]
    few = len(table) <= MOST_TEXT
    columns["text"] = [chance(p) if few else "" for p in columns["p_value"]]
    return columns


def chance(p_value: float) -> str:
    """Chance in words: ``p = 0.042``, ``p < 0.001``; empty where unknown."""
    if not np.isfinite(p_value):
        return ""
    return f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"


def duration(length: pd.Timedelta) -> str:
    """Length of time in its largest round unit: ``5 min``, ``2 h``, ``3 d``."""
    minutes = length / pd.Timedelta("1min")
    if minutes >= 1440:
        return f"{minutes / 1440:g} d"
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"


class LeadLagFigure:
    """Two bars per lag: one venue followed by the other, and the other way round; they differ only if one leads.

    Attributes
    ----------
    root : Bokeh figure to show.
    source : its data.
    """

    def __init__(self, *, theme: Theme = DARK, height: int = 300) -> None:
        self.source = ColumnDataSource({name: [] for name in FIELDS})
        self.root = figure(
            height=height,
            sizing_mode="stretch_width",
            x_range=Range1d(0.4, 5.6),
            y_range=Range1d(-LEAST_REACH, LEAST_REACH),
            tools="",
            toolbar_location=None,
            min_border_left=6,
            min_border_right=16,
        )
        self.root.xgrid.visible = False
        self.root.xaxis.minor_tick_line_color = None
        self.root.yaxis.update(axis_label="correlation of returns")
        self._zero = Span(location=0, dimension="width", line_width=1)
        self.root.add_layout(self._zero)
        self._draw()
        self.set_theme(theme)

    def _draw(self) -> None:
        plot, source = self.root, self.source
        shared = {"source": source, "bottom": 0, "width": WIDTH, "line_width": 1.2}
        self._forward = plot.vbar(x="left", top="forward", name="forward", **shared)
        self._backward = plot.vbar(x="right", top="backward", name="backward", hatch_pattern="/", **shared)
        self._text = plot.text(
            "lag", "top", "text", source=source, text_align="center", text_baseline="bottom", y_offset=-4
        )
        self.legend = Legend(
            items=[
                LegendItem(label="first venue, then second", renderers=[self._forward]),
                LegendItem(label="second venue, then first", renderers=[self._backward]),
            ],
            orientation="horizontal",
            padding=2,
            margin=2,
        )
        plot.add_layout(self.legend, "above")
        hover = [
            ("lag", "@lag bars = @when"),
            ("first, then second", "@forward{+0.000}"),
            ("second, then first", "@backward{+0.000}"),
            ("difference", "@difference{+0.000}"),
            ("p, for all lags searched", "@p_value{0.000}"),
        ]
        plot.add_tools(HoverTool(renderers=[self._forward, self._backward], tooltips=hover))

    def update(self, table: pd.DataFrame, *, first: str, second: str, step: pd.Timedelta, title: str = "") -> None:
        """Show another pair, in place; an empty table clears the figure."""
        columns = lead_lag_columns(table, step=step)
        self.source.data = columns
        count = max(len(table), 1)
        self.root.x_range.update(start=0.4, end=count + 0.6)
        self.root.xaxis.ticker = list(range(1, count + 1, max(count // 15, 1)))
        self.root.xaxis.axis_label = f"lag [bars of {duration(step)}]" if step > pd.Timedelta(0) else "lag [bars]"
        sizes = np.abs(np.r_[columns["forward"], columns["backward"]])
        reach = max(float(np.nanmax(sizes, initial=0.0)) * 1.3, LEAST_REACH)
        self.root.y_range.update(start=-reach, end=reach)
        self.root.title.text = title
        for item, one, other in zip(self.legend.items, (first, second), (second, first), strict=True):
            item.label = {"value": f"{one}, then {other}"}

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        apply(self.root, theme)
        self._zero.line_color = theme.muted
        for bars, colour in ((self._forward, theme.long), (self._backward, theme.short)):
            bars.glyph.update(fill_color=colour, line_color=colour, fill_alpha=0.75)
        self._backward.glyph.update(hatch_color=theme.background, fill_alpha=0.6)
        self._text.glyph.update(text_color=theme.foreground, text_font=value(FONT), text_font_size="11px")
        self.root.title.update(text_font=FONT, text_font_size="13px")
