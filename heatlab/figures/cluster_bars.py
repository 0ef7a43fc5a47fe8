"""Share of size and of risk of every cluster, against the marks to watch and to alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, FixedTicker, HoverTool, Label, Range1d, Span
from bokeh.plotting import figure

from heatlab.figures import format as show
from heatlab.figures.cluster_colours import cluster_colour
from heatlab.figures.theme import DARK, FONT, Theme, apply

ROW, HEAD = 56, 74
LEVELS = {"alert": "▲ alert", "watch": "● watch", "": "▼ below"}
BAR = ("y", "share", "fill", "hatch", "text", "at", "align", "name", "kind", "told", "symbols", "positions", "level")
KINDS = (("gross_share", "size", -0.21, " "), ("risk_share", "risk", 0.21, "/"))
ROOM = 1.45
"""How far the axis goes beyond the longest bar, for the numbers beside it."""

TOOLTIP = """
<div style="font-size:12px;line-height:1.5;max-width:320px">
<b>@name</b>: share of @kind <b>@told</b><br>@level<br>@positions positions in @symbols</div>
"""


class ClusterBars:
    """Two bars per cluster, size (plain) over risk (hatched), each with its number and the level in word and shape.

    Parameters
    ----------
    shares : DataFrame, optional
        ``cluster, name, symbols, positions, gross_share, risk_share, level``, largest first.
    watch, alert : float
        Marks [fraction].
    theme : Theme
    """

    def __init__(
        self, shares: pd.DataFrame | None = None, *, watch: float = 0.20, alert: float = 0.25, theme: Theme = DARK
    ) -> None:
        self.theme = theme
        self.source = ColumnDataSource({name: [] for name in BAR})
        self._marks = {name: (Span(dimension="height"), Label(y=0, text="")) for name in ("watch", "alert")}
        self.root = self._build()
        self.update(shares, watch=watch, alert=alert)
        self.set_theme(theme)

    def _build(self) -> figure:
        plot = figure(
            x_range=Range1d(0, 0.3), y_range=Range1d(1, -0.7), x_axis_location="above", sizing_mode="stretch_width",
            height=HEAD + ROW, tools=[], toolbar_location=None, min_border_right=8,
        )  # fmt: skip
        plot.xaxis.formatter = CustomJSTickFormatter(code="return Math.round(tick * 100) + ' %'")
        bars = plot.hbar(
            y="y", right="share", left=0, height=0.38, source=self.source, fill_color="fill", line_color="fill",
            hatch_pattern="hatch", hatch_alpha=0.9, hatch_scale=8, hatch_weight=2, name="bars",
        )  # fmt: skip
        plot.text(
            "at", "y", "text", source=self.source, text_align="align", text_baseline="middle", x_offset=0,
            text_font=value(FONT), text_font_size="12px", name="numbers",
        )  # fmt: skip
        for name, (span, label) in self._marks.items():
            span.update(line_width=2, line_dash="solid" if name == "alert" else "dashed")
            label.update(text_font_size="11px", text_font=FONT, y=-0.62, text_baseline="middle")
            label.update(text_align="left" if name == "alert" else "right", x_offset=3 if name == "alert" else -3)
            plot.add_layout(span)
            plot.add_layout(label)
        plot.add_tools(HoverTool(renderers=[bars], tooltips=TOOLTIP))
        return plot

    def update(self, shares: pd.DataFrame | None, *, watch: float | None = None, alert: float | None = None) -> None:
        """Show other shares, and other marks where they are given; no model is replaced."""
        self._shares = shares
        for name, mark in (("watch", watch), ("alert", alert)):
            if mark is not None:
                span, label = self._marks[name]
                span.location = label.x = mark
                label.text = f"{name} {mark:.0%}".replace("%", " %")
        rows = [] if shares is None else shares.to_dict("records")
        known = [abs(float(row[name])) for row in rows for name, *_ in KINDS if np.isfinite(row[name])]
        longest = max([*known, self._marks["alert"][1].x])
        lowest = min([0.0, *(float(row["risk_share"]) for row in rows if np.isfinite(row["risk_share"]))])
        self.root.x_range.update(start=lowest - (0.36 * longest if lowest < 0 else 0.0), end=longest * ROOM)
        self.root.y_range.update(start=max(len(rows), 1) - 0.5, end=-0.8)
        self.root.height = HEAD + ROW * max(len(rows), 1)
        self.root.yaxis.ticker = FixedTicker(ticks=list(range(len(rows))))
        self.root.yaxis.major_label_overrides = {k: str(row["name"]) for k, row in enumerate(rows)}
        bars = [self._bar(k, row, kind, gap=0.01 * longest) for k, row in enumerate(rows) for kind in KINDS]
        self.source.data = {name: [bar[name] for bar in bars] for name in BAR}

    def _bar(
        self, place: int, row: Mapping[Any, Any], kind: tuple[str, str, float, str], *, gap: float
    ) -> dict[str, Any]:
        name, word, offset, hatch = kind
        share = float(row[name])
        known = np.isfinite(share)
        told = show.percent(share, signed=share < 0) if known else "unknown"
        level = LEVELS.get(str(row["level"]), str(row["level"]))
        longer = "risk" if row["risk_share"] > row["gross_share"] else "size"
        hedge = ", a hedge" if known and share < 0 else ""
        return {
            "y": place + offset,
            "share": share if known else 0.0,
            "fill": cluster_colour(int(row["cluster"]), self.theme),
            "hatch": hatch,
            "text": f"{word} {told}{hedge}" + (f"  {level}" if word == longer else ""),
            "at": (share + (gap if share >= 0 else -gap)) if known else gap,
            "align": "right" if known and share < 0 else "left",
            "name": str(row["name"]),
            "kind": word,
            "told": told,
            "symbols": str(row["symbols"]),
            "positions": int(row["positions"]),
            "level": level,
        }

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        apply(self.root, theme)
        self.root.outline_line_color = None
        self.root.ygrid.grid_line_color = None
        self.root.yaxis.update(axis_line_color=None, major_tick_line_color=None, major_label_text_font_size="13px")
        self.root.select_one({"name": "bars"}).glyph.hatch_color = theme.background
        self.root.select_one({"name": "numbers"}).glyph.update(
            text_color=theme.foreground, background_fill_color=theme.background, background_fill_alpha=0.75
        )
        for name, (span, label) in self._marks.items():
            colour = theme.bad if name == "alert" else theme.warn
            span.line_color = colour
            label.text_color = theme.foreground
        self.update(self._shares)
