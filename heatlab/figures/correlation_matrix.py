"""Correlation of every pair as a coloured square, clusters side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d, TapTool
from bokeh.plotting import figure

from heatlab.domain import market_names
from heatlab.figures import format as show
from heatlab.figures.cluster_colours import cluster_colour
from heatlab.figures.palettes import blend, ink
from heatlab.figures.selectable import Selectable
from heatlab.figures.theme import DARK, FONT, Theme, apply

NUMBERS_UP_TO = 20
"""Symbols up to which each cell shows its number."""
LARGE, SMALL, HEAD = 34, 16, 96
"""Height of a row with numbers and without, and of the labels above [px]."""
STRIP = 0.02
"""Width of the strip of cluster colours, as a share of the matrix."""
CELL = ("x", "y", "fill", "hatch", "ink", "text")
TOLD = ("first", "second", "pair", "correlation", "long", "short", "interval", "bars", "note")
BLOCK = ("left", "right", "top", "bottom", "colour", "name", "strip_left", "strip_right")
NEGATIVE, POSITIVE = ("#1b5fa8", "#7fb3e0"), ("#f2b36a", "#a63c06")

TOOLTIP = """
<div style="font-size:12px;line-height:1.5">
<b>@pair</b><br>in force <b>@correlation</b><br>30 days @long, 95 % interval @interval<br>3 days @short<br>
@bars hours shared<br>@note</div>
"""


def correlation_colours(theme: Theme) -> tuple[str, ...]:
    """Give 256 colours from -1 to +1: blue, the panel of the theme, orange; apart for every kind of colour vision."""
    if theme.is_dark:
        return blend((NEGATIVE[1], NEGATIVE[0], theme.panel, POSITIVE[1], POSITIVE[0]))
    return blend((NEGATIVE[0], NEGATIVE[1], theme.panel, POSITIVE[0], POSITIVE[1]))


def short_names(symbols: Sequence[str]) -> dict[str, str]:
    """Name each symbol by its coin, such as BTC; where two share one, by their kind too: BTC spot and BTC perp."""
    return market_names(symbols)


class CorrelationMatrix(Selectable):
    """Symbols down and across in cluster order; a frame and a strip of colour hold a cluster together.

    Up to 20 symbols each cell shows its number; ``≠`` marks a pair whose correlation has just changed, ``✓`` one that
    is accepted. A pair of unknown correlation is hatched.

    Parameters
    ----------
    pairs : DataFrame, optional
        ``first, second, correlation, long, short, low, high, bars, broken, flagged, accepted`` of the known pairs.
    order : sequence of str
        Symbols in the order to show them, those of one cluster side by side.
    clusters : Series or mapping of str to int, optional
        Label by symbol; 0 = none.
    names : mapping of int to str, optional
        Name by label.
    theme : Theme
    """

    key = ("first", "second")

    def __init__(
        self,
        pairs: pd.DataFrame | None = None,
        *,
        order: Sequence[str] = (),
        clusters: pd.Series | Mapping[str, int] | None = None,
        names: Mapping[int, str] | None = None,
        theme: Theme = DARK,
    ) -> None:
        self.theme = theme
        self.source = ColumnDataSource({name: [] for name in (*CELL, *TOLD)})
        self.blocks = ColumnDataSource({name: [] for name in BLOCK})
        self.root = self._build()
        self.update(pairs, order=order, clusters=clusters, names=names)
        self.set_theme(theme)

    def _build(self) -> figure:
        plot = figure(
            x_range=Range1d(-1, 1), y_range=Range1d(1, 0), x_axis_location="above", sizing_mode="stretch_width",
            height=HEAD + LARGE, tools=[], toolbar_location=None, min_border_right=8,
        )  # fmt: skip
        cells = plot.rect(
            "x", "y", 0.97, 0.97, source=self.source, fill_color="fill", line_color=None, hatch_pattern="hatch",
            hatch_alpha=0.8, hatch_scale=8, hatch_weight=1, nonselection_fill_alpha=1.0, selection_line_width=3,
            hover_line_width=2, name="cells",
        )  # fmt: skip
        plot.text(
            "x", "y", "text", source=self.source, text_color="ink", text_align="center", text_baseline="middle",
            text_font=value(FONT), text_font_size="12px", nonselection_text_alpha=1.0, name="numbers",
        )  # fmt: skip
        plot.quad(
            left="left", right="right", top="top", bottom="bottom", source=self.blocks, fill_color=None,
            line_color="colour", line_width=3, name="frames",
        )  # fmt: skip
        strip = plot.quad(
            left="strip_left", right="strip_right", top="top", bottom="bottom", source=self.blocks,
            fill_color="colour", line_color=None, name="strip",
        )  # fmt: skip
        plot.add_tools(
            TapTool(renderers=[cells]),
            HoverTool(renderers=[cells], tooltips=TOOLTIP),
            HoverTool(renderers=[strip], tooltips='<div style="font-size:12px">cluster <b>@name</b></div>'),
        )
        return plot

    def update(
        self,
        pairs: pd.DataFrame | None,
        *,
        order: Sequence[str],
        clusters: pd.Series | Mapping[str, int] | None = None,
        names: Mapping[int, str] | None = None,
    ) -> None:
        """Show other correlations; symbols may change too, no model is replaced."""
        order = list(order)
        self._shown = (pairs, order, clusters, names)
        count, labels = max(len(order), 1), short_names(order)
        numbers = len(order) <= NUMBERS_UP_TO
        plot = self.root
        plot.x_range.update(start=-1.5 * STRIP * count, end=count)
        plot.y_range.update(start=count, end=0)
        plot.height = HEAD + (LARGE if numbers else SMALL) * count
        for axis in plot.axis:
            axis.ticker = FixedTicker(ticks=[k + 0.5 for k in range(len(order))])
            axis.major_label_overrides = {k + 0.5: labels[symbol] for k, symbol in enumerate(order)}
            axis.major_label_text_font_size = "12px" if numbers else "10px"
        plot.xaxis.major_label_orientation = "horizontal" if len(order) <= 8 else "vertical"
        self.source.data = self._cells(pairs, order, labels, numbers=numbers)
        self.blocks.data = self._frames(order, {} if clusters is None else dict(clusters), names or {})

    def _cells(
        self, pairs: pd.DataFrame | None, order: list[str], labels: Mapping[str, str], *, numbers: bool
    ) -> dict[str, list[Any]]:
        rows = {} if pairs is None else {(row["first"], row["second"]): row for row in pairs.to_dict("records")}
        known = {symbol for pair in rows for symbol in pair}
        colours = correlation_colours(self.theme)
        columns: dict[str, list[Any]] = {name: [] for name in (*CELL, *TOLD)}
        for y, down in enumerate(order):
            for x, across in enumerate(order):
                row = rows.get((down, across)) or rows.get((across, down))
                cell = self._cell(row, same=down == across and (down in known or not rows), colours=colours)
                cell |= {"x": x + 0.5, "y": y + 0.5, "first": down, "second": across}
                cell["pair"] = labels[down] if x == y else f"{labels[down]} and {labels[across]}"
                if not numbers:
                    cell["text"] = cell["text"][-1:] if cell["text"].endswith(("≠", "✓")) else ""
                for name, part in cell.items():
                    columns[name].append(part)
        return columns

    def _cell(self, row: Mapping[Any, Any] | None, *, same: bool, colours: Sequence[str]) -> dict[str, Any]:
        rho = 1.0 if same else float(row["correlation"]) if row else np.nan
        known = np.isfinite(rho)
        fill = colours[int(np.clip(round((rho + 1) / 2 * 255), 0, 255))] if known else self.theme.panel
        if same or row is None:
            told = dict.fromkeys(("long", "short", "interval", "bars"), show.UNKNOWN)
            note = "itself" if same else "too few hours shared"
        else:
            told = {name: show.number(float(row[name]), 2) for name in ("long", "short")}
            told["interval"] = f"{show.number(float(row['low']), 2)} to {show.number(float(row['high']), 2)}"
            told["bars"] = show.number(float(row["bars"]))
            note = _note(row)
        mark = "" if row is None or same else " ≠" if row["broken"] else " ✓" if row["accepted"] else ""
        return {
            "fill": fill,
            "hatch": " " if known else "/",
            "ink": ink(fill) if known else self.theme.muted,
            "text": f"{show.number(rho, 2)}{mark}" if not same else "",
            "correlation": show.number(rho, 2),
            "note": note,
            **told,
        }

    def _frames(self, order: list[str], clusters: Mapping[str, int], names: Mapping[int, str]) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {name: [] for name in BLOCK}
        labels = [int(clusters.get(symbol, 0)) for symbol in order]
        starts = [k for k in range(len(labels)) if k == 0 or labels[k] != labels[k - 1]]
        for start, end in pairwise([*starts, len(labels)]):
            if labels[start] <= 0:
                continue
            row: dict[str, Any] = {"left": start, "right": end, "top": start, "bottom": end}
            row |= {"colour": cluster_colour(labels[start], self.theme), "strip_left": -1.4 * STRIP * len(order)}
            row["strip_right"] = -0.3 * STRIP * len(order)
            row["name"] = names.get(labels[start], str(labels[start]))
            for name, part in row.items():
                columns[name].append(part)
        return columns

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        apply(self.root, theme)
        self.root.grid.grid_line_color = None
        self.root.outline_line_color = None
        for axis in self.root.axis:
            axis.update(axis_line_color=None, major_tick_line_color=None)
        cells = self.root.select_one({"name": "cells"})
        cells.glyph.hatch_color = theme.grid
        cells.selection_glyph.line_color = cells.hover_glyph.line_color = theme.foreground
        pairs, order, clusters, names = self._shown
        self.update(pairs, order=order, clusters=clusters, names=names)

    def is_named(self, row: dict[str, Any]) -> bool:
        """Not a cell on the diagonal."""
        return bool(row["first"] != row["second"])


def _note(row: Mapping[Any, Any]) -> str:
    parts = []
    if row["broken"]:
        parts.append("has just changed: the larger of the two is used")
    if row["accepted"]:
        parts.append("accepted")
    elif row["flagged"]:
        parts.append("above the limit")
    return "; ".join(parts)
