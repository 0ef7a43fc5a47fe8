"""Two strategies drawn together: equity at one leverage with ruin marked, and how their heat is distributed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, HoverTool, LabelSet, Legend, LegendItem, Range1d, Span
from bokeh.plotting import figure

from heatlab.figures.liquidation_data import milliseconds
from heatlab.figures.theme import DARK, FONT, Theme, apply

BINS = np.arange(0, 101, 5)
DASHES = ("solid", "dashed")
MARKS = ("x", "cross")


def equity_columns(curves: pd.DataFrame, strategy: str, leverage: float) -> dict[str, Any]:
    """Arrays of one equity line: ``time`` [ms] and ``equity`` [times the start].

    Parameters
    ----------
    curves : DataFrame
        Columns strategy, leverage, time, equity.
    strategy : str
    leverage : float
    """
    own = curves[(curves["strategy"] == strategy) & (curves["leverage"] == leverage)]
    return {
        "time": milliseconds(pd.DatetimeIndex(own["time"])),
        "equity": own["equity"].to_numpy(dtype="float64", copy=True),
    }


def ruin_columns(columns: dict[str, Any], name: str) -> dict[str, Any]:
    """Where a line reaches 0 for good, with what to write there; empty where it does not."""
    gone = np.flatnonzero(columns["equity"] <= 0)
    if not gone.size:
        return {"time": np.empty(0), "equity": np.empty(0), "text": []}
    at = float(columns["time"][gone[0]])
    return {"time": np.array([at]), "equity": np.zeros(1), "text": [f"{name} liquidated {_day(at)}"]}


def heat_shares(heat: pd.DataFrame) -> dict[str, Any]:
    """Share of time each strategy's heat spent in every five points: ``left``, ``right`` and one array per column.

    Parameters
    ----------
    heat : DataFrame
        Two columns, one per strategy; NaN where unknown.
    """
    shares: dict[str, Any] = {"left": BINS[:-1].astype("float64"), "right": BINS[1:].astype("float64")}
    for place, name in enumerate(heat.columns):
        known = heat[name].dropna().to_numpy(dtype="float64")
        counts = np.histogram(known, BINS)[0].astype("float64")
        shares[f"share{place}"] = counts / known.size if known.size else np.full(len(BINS) - 1, np.nan)
    return shares


class EquityFigure:
    """Equity of two strategies at one leverage, in times of the start; a cross and words mark a liquidation.

    Attributes
    ----------
    root : bokeh figure to show.
    sources : data source of each strategy's line.
    ruins : data source of each strategy's mark.
    """

    def __init__(self, *, theme: Theme = DARK, height: int = 280) -> None:
        self.sources = [ColumnDataSource({"time": [], "equity": []}) for _ in DASHES]
        self.ruins = [ColumnDataSource({"time": [], "equity": [], "text": []}) for _ in DASHES]
        self.root = plot = figure(
            height=height,
            sizing_mode="stretch_width",
            x_axis_type="datetime",
            x_range=Range1d(0, 1),
            y_range=Range1d(0, 2),
            y_axis_location="right",
            tools="xpan,xwheel_zoom,reset",
            toolbar_location=None,
            min_border_right=56,
        )
        plot.yaxis.update(axis_label="equity [times the start]")
        plot.yaxis.formatter = CustomJSTickFormatter(code="return tick.toFixed(tick % 1 ? 1 : 0) + 'x'")
        plot.xaxis.axis_label = "time [UTC]"
        self._start = Span(location=1, dimension="width", line_dash="dotted", line_width=1)
        plot.add_layout(self._start)
        self._lines = [
            plot.line("time", "equity", source=source, line_width=2, line_dash=dash)
            for source, dash in zip(self.sources, DASHES, strict=True)
        ]
        self._marks = [
            plot.scatter("time", "equity", source=source, marker=mark, size=14, line_width=3)
            for source, mark in zip(self.ruins, MARKS, strict=True)
        ]
        self._labels = [
            LabelSet(
                x="time",
                y="equity",
                text="text",
                source=source,
                x_offset=10,
                y_offset=10 + 18 * place,
                text_font_size="11px",
                text_font=FONT,
            )
            for place, source in enumerate(self.ruins)
        ]
        for label in self._labels:
            plot.add_layout(label)
        self._legend = _legend(self._lines)
        plot.add_layout(self._legend, "above")
        self._hovers = [
            HoverTool(
                renderers=[line],
                mode="vline",
                tooltips=[("close", "@time{%F %H:%M} UTC"), ("equity", "@equity{0.00}x")],
                formatters={"@time": "datetime"},
            )
            for line in self._lines
        ]
        plot.add_tools(*self._hovers)
        self.set_theme(theme)

    def update(self, curves: pd.DataFrame, *, leverage: float, names: tuple[str, str]) -> None:
        """Show two strategies at a leverage; ``curves`` as :func:`equity_columns` takes them."""
        top, times = 1.0, []
        for place, name in enumerate(names):
            columns = equity_columns(curves, name, leverage)
            self.sources[place].data = columns
            self.ruins[place].data = ruin_columns(columns, name)
            self._legend.items[place].label = {"value": name}
            self._hovers[place].tooltips = [
                ("strategy", name.replace("@", "").replace("$", "")),
                ("close", "@time{%F %H:%M} UTC"),
                ("equity", "@equity{0.00}x"),
            ]
            if len(columns["equity"]):
                top = max(top, float(np.nanmax(columns["equity"])))
                times += [float(columns["time"][0]), float(columns["time"][-1])]
        start, end = (min(times), max(times)) if times else (0.0, 1.0)
        self.root.title.text = f"At {leverage:g}x gross leverage"
        self.root.x_range.update(start=start, end=end, reset_start=start, reset_end=end)
        self.root.y_range.update(start=-0.06 * top, end=top * 1.08)
        for label, ruin in zip(self._labels, self.ruins, strict=True):
            late = len(ruin.data["time"]) and ruin.data["time"][0] > (start + end) / 2
            label.update(text_align="right" if late else "left", x_offset=-10 if late else 10)

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        apply(self.root, theme)
        self.root.title.text_font_size = "13px"
        for place, colour in enumerate((theme.long, theme.short)):
            self._lines[place].glyph.line_color = colour
            self._marks[place].glyph.line_color = colour
            self._labels[place].text_color = theme.foreground
        self._start.line_color = theme.muted


class HeatShares:
    """How long each strategy's heat was where: paired bars over five points each, the second hatched.

    Attributes
    ----------
    root : bokeh figure to show.
    source : the data source.
    """

    def __init__(self, *, theme: Theme = DARK, height: int = 280) -> None:
        empty = np.full(len(BINS) - 1, np.nan)
        self.source = ColumnDataSource(
            {"left": BINS[:-1] * 1.0, "right": BINS[1:] * 1.0, "share0": empty.copy(), "share1": empty.copy()}
            | {"middle": (BINS[:-1] + BINS[1:]) / 2, "first": BINS[:-1] + 0.4, "last": BINS[1:] - 0.4}
        )
        self.root = plot = figure(
            height=height,
            sizing_mode="stretch_width",
            x_range=Range1d(0, 100),
            y_range=Range1d(0, 1),
            y_axis_location="right",
            tools="",
            toolbar_location=None,
            min_border_right=56,
            title="How hot it was: share of time by heat",
        )
        plot.xaxis.update(axis_label="heat of the book [0-100], high = with the trend")
        plot.yaxis.update(axis_label="share of time")
        plot.yaxis.formatter = CustomJSTickFormatter(code="return Math.round(tick * 100) + ' %'")
        first = plot.quad(left="first", right="middle", bottom=0, top="share0", source=self.source, line_width=1)
        second = plot.quad(left="middle", right="last", bottom=0, top="share1", source=self.source, line_width=1)
        second.glyph.update(hatch_pattern="right_diagonal_line", hatch_weight=1, hatch_scale=7)
        self._bars = [first, second]
        self._limits = [Span(location=at, dimension="height", line_width=1, line_dash=dash) for at, dash in LIMITS]
        for limit in self._limits:
            plot.add_layout(limit)
        self._legend = _legend(self._bars)
        plot.add_layout(self._legend, "above")
        self._hover = HoverTool(renderers=self._bars, tooltips=_shares_tip(("first", "second")))
        plot.add_tools(self._hover)
        self.set_theme(theme)

    def update(self, heat: pd.DataFrame, *, red: float = 40.0, green: float = 75.0) -> None:
        """Show two distributions; ``heat`` as :func:`heat_shares` takes it."""
        fixed = {name: self.source.data[name] for name in ("middle", "first", "last")}
        shares = heat_shares(heat)
        self.source.data = shares | fixed
        names = [str(name) for name in heat.columns]
        for item, name in zip(self._legend.items, names, strict=True):
            item.label = {"value": name}
        self._hover.tooltips = _shares_tip((names[0], names[1]))
        tallest = [np.nanmax(shares[f"share{k}"]) for k in (0, 1) if np.isfinite(shares[f"share{k}"]).any()]
        self.root.y_range.end = max(tallest, default=1.0) * 1.1
        self._limits[0].location, self._limits[1].location = red, green
        self.root.title.text = f"Share of time by heat (red below {red:g}, green from {green:g})"

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        apply(self.root, theme)
        self.root.title.text_font_size = "13px"
        for bar, colour in zip(self._bars, (theme.long, theme.short), strict=True):
            bar.glyph.update(fill_color=colour, line_color=colour)
        self._bars[0].glyph.fill_alpha, self._bars[1].glyph.fill_alpha = 0.75, 0.15
        self._bars[1].glyph.hatch_color = theme.short
        self._limits[0].line_color, self._limits[1].line_color = theme.bad, theme.good


LIMITS = ((40.0, "dotted"), (75.0, "dashed"))


def _legend(renderers: list[Any]) -> Legend:
    items = [LegendItem(label={"value": "A"}, renderers=[one]) for one in renderers]
    return Legend(items=items, orientation="horizontal", location="top_left", padding=0, margin=2, spacing=16)


def _shares_tip(names: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        ("heat", "@left{0} to @right{0}"),
        (names[0], "@share0{0.0 %} of the time"),
        (names[1], "@share1{0.0 %} of the time"),
    ]


def _day(milliseconds_: float) -> str:
    return str(pd.Timestamp(milliseconds_, unit="ms").strftime("%Y-%m-%d"))
