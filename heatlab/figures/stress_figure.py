"""P&L of a book over moves of the benchmark, and the margin that its accounts keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Column, column
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from heatlab.figures import format as show
from heatlab.figures.format import USD_JS
from heatlab.figures.stress_bars import CROSS
from heatlab.figures.theme import DARK, FONT, Theme, apply

MOST_ACCOUNTS = 6
DASHES = ("solid", "dashed", "dotdash", "dotted", "dashdot", "solid")
NEAR = (0.02, 0.04, 0.06, 0.08, 0.12, 0.2)
"""Liquidations closer than this move of the benchmark share a label: the first that leaves few enough."""
MOST_LABELS = 6
NAMES_IN_LABEL = 2
CLOSE = 0.08
"""Labels closer than this move stand on different steps."""
EDGE = 0.55
"""Beyond this share of the reach a label turns inwards."""
STEPS = (16, 32, 48)
"""Heights of neighbouring labels above the curve [px]."""


def curve_columns(curve: pd.DataFrame) -> dict[str, Any]:
    """Arrays of the curve.

    Parameters
    ----------
    curve : DataFrame
        move [fraction], pnl, equity [quote], liquidated.
    """
    names = ("move", "pnl", "equity", "liquidated")
    return {name: curve[name].to_numpy(dtype="float64", copy=True) for name in names}


def mark_columns(marks: pd.DataFrame, curve: pd.DataFrame) -> dict[str, Any]:
    """One entry per group of liquidations close to each other: place on the curve, names, and where the label goes.

    Parameters
    ----------
    marks : DataFrame
        move [fraction], label, positions; sorted by move.
    curve : DataFrame
        As for :func:`curve_columns`.
    """
    groups = _groups(marks.to_dict("records"))
    move = np.array([group[0]["move"] if group[0]["move"] > 0 else group[-1]["move"] for group in groups])
    known = len(curve) > 0 and len(groups) > 0
    pnl = np.interp(move, curve["move"], curve["pnl"]) if known else np.full(len(groups), np.nan)
    return {
        "move": move,
        "pnl": pnl,
        "text": [f"{CROSS} {_names(group)}" for group in groups],
        "detail": [", ".join(f"{one['label']} {show.percent(one['move'])}" for one in group[:12]) for group in groups],
        "count": [int(sum(one["positions"] for one in group)) for group in groups],
        "align": [_align(place, curve) for place in move],
        "lift": _lifts(move),
    }


def _groups(rows: list[dict[Any, Any]]) -> list[list[dict[Any, Any]]]:
    """Join liquidations close to each other, as coarsely as few labels take; falls and rises stay apart."""
    groups: list[list[dict[Any, Any]]] = []
    for near in NEAR:
        groups = []
        for row in rows:
            first = groups[-1][0]["move"] if groups else np.inf
            if abs(row["move"] - first) < near and (row["move"] > 0) == (first > 0):
                groups[-1].append(row)
            else:
                groups.append([row])
        if len(groups) <= MOST_LABELS:
            break
    return groups


def _align(place: float, curve: pd.DataFrame) -> str:
    """Side of the mark its label goes to: away from the curve, unless that is out of the picture."""
    pnl, reach = curve["pnl"].to_numpy(dtype="float64"), float(curve["move"].iloc[-1])
    step = reach / 10
    ahead, behind = (np.interp(place + way, curve["move"], pnl) for way in (step, -step))
    side = "right" if ahead >= behind else "left"
    if place < -EDGE * reach:
        return "left"
    return "right" if place > EDGE * reach else side


def _lifts(move: np.ndarray) -> list[float]:
    """Height of each label [px, negative is up]: neighbours stand on different steps."""
    lifts, step = [], 0
    for k, place in enumerate(move):
        step = (step + 1) % len(STEPS) if k and place - move[k - 1] < CLOSE else 0
        lifts.append(-float(STEPS[step]))
    return lifts


def _names(group: list[dict[Any, Any]]) -> str:
    if len(group) <= NAMES_IN_LABEL:
        return ", ".join(str(one["label"]) for one in group)
    return f"{sum(one['positions'] for one in group)} positions"


class StressFigure:
    """P&L over moves of the benchmark with a mark where something is liquidated; below it, the margin accounts keep.

    Attributes
    ----------
    root : bokeh layout to show.
    """

    root: Column

    def __init__(self, *, theme: Theme = DARK, height: int = 460) -> None:
        self.theme = theme
        self._moves = Range1d(-0.3, 0.3)
        self.curve = ColumnDataSource({name: [] for name in ("move", "pnl", "equity", "liquidated")})
        names = ("move", "pnl", "text", "detail", "count", "align", "lift")
        self.marks = ColumnDataSource({name: [] for name in names})
        self.here = ColumnDataSource({"move": [], "pnl": [], "text": [], "align": [], "shift": []})
        self.lines = [ColumnDataSource({"move": [], "left": [], "name": []}) for _ in range(MOST_ACCOUNTS)]
        self.names = ColumnDataSource({"move": [], "left": [], "name": []})
        self._spans = [Span(location=0.0, dimension="height", line_width=2) for _ in range(2)]
        self._zero = Span(location=0.0, dimension="width", line_width=1)
        self.pnl = self._plot(int(height * 0.64), "P&L [USD]", Range1d(-1, 1))
        self.margin = self._plot(int(height * 0.36), "margin left [USD]", Range1d(0, 1))
        self.margin.xaxis.axis_label = "move of BTC"
        self._draw()
        self.root = column(self.pnl, self.margin, sizing_mode="stretch_width")
        self.set_theme(theme)

    def _plot(self, height: int, label: str, y_range: Range1d) -> figure:
        plot = figure(
            height=height, sizing_mode="stretch_width", x_range=self._moves, y_range=y_range, tools=[],
            toolbar_location=None, y_axis_location="right", min_border_right=74, min_border_left=12,
        )  # fmt: skip
        plot.xaxis.formatter = NumeralTickFormatter(format="+0 %")
        plot.yaxis.update(axis_label=label, formatter=CustomJSTickFormatter(code=USD_JS + "return usd(tick)"))
        return plot

    def _draw(self) -> None:
        plot = self.pnl
        line = plot.line("move", "pnl", source=self.curve, line_width=2.5, name="pnl")
        plot.scatter("move", "pnl", source=self.marks, marker="x", size=11, line_width=2.5, name="marks")
        plot.text(
            "move", "pnl", "text", source=self.marks, text_align="align", y_offset="lift", text_font=value(FONT),
            text_font_size="11px", text_baseline="middle", name="labels",
        )  # fmt: skip
        plot.scatter("move", "pnl", source=self.here, marker="circle", size=11, name="here")
        plot.text(
            "move", "pnl", "text", source=self.here, text_align="align", x_offset="shift", y_offset=18,
            text_font=value(FONT), text_font_size="13px", text_font_style="bold", name="here_text",
        )  # fmt: skip
        plot.add_layout(self._zero)
        for k, source in enumerate(self.lines):
            self.margin.line("move", "left", source=source, line_width=2, line_dash=DASHES[k], name=f"account_{k}")
        self.margin.text(
            "move", "left", "name", source=self.names, text_align="right", y_offset=-4, x_offset=-4,
            text_font=value(FONT), text_font_size="11px", name="account_names",
        )  # fmt: skip
        for one, span in zip((plot, self.margin), self._spans, strict=True):
            one.add_layout(span)
        self._hover(line)

    def _hover(self, line: Any) -> None:
        told = [("BTC", "@move{+0.0 %}"), ("P&L", "@pnl{$ 0,0}"), ("liquidated", "@liquidated")]
        self.pnl.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=told))
        marks = [renderer for renderer in self.pnl.renderers if renderer.name == "marks"]
        self.pnl.add_tools(HoverTool(renderers=marks, tooltips=[("liquidated at", "@detail"), ("positions", "@count")]))
        accounts = [self.margin.select_one({"name": f"account_{k}"}) for k in range(MOST_ACCOUNTS)]
        left = [("account", "@name"), ("BTC", "@move{+0.0 %}"), ("margin left", "@left{$ 0,0}")]
        self.margin.add_tools(HoverTool(renderers=accounts, tooltips=left))

    def update(self, curve: pd.DataFrame, *, marks: pd.DataFrame, accounts: pd.DataFrame, title: str = "") -> None:
        """Show another book.

        Parameters
        ----------
        curve : DataFrame
            move [fraction], pnl, equity [quote], liquidated; without rows: nothing to show.
        marks : DataFrame
            move [fraction], label, positions: what is liquidated where.
        accounts : DataFrame
            Margin left [quote], one column per account, indexed by move; an unknown one (NaN) is not drawn.
        title : str
        """
        self.curve.data = curve_columns(curve)
        self.marks.data = mark_columns(marks, curve)
        self.pnl.title.text = title
        self._show_accounts(accounts)
        known = curve["pnl"].to_numpy(dtype="float64")
        known = known[np.isfinite(known)]
        if len(known):
            low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
            pad = (high - low) * 0.16 or 1.0
            self.pnl.y_range.update(start=low - pad, end=high + 1.6 * pad)
            reach = float(curve["move"].iloc[-1])
            self._moves.update(start=-reach, end=reach)

    def _show_accounts(self, accounts: pd.DataFrame) -> None:
        known = accounts.loc[:, accounts.notna().all()] if len(accounts) else accounts
        known = known.loc[:, known.max().sort_values(ascending=False).index[:MOST_ACCOUNTS]]
        moves = known.index.to_numpy(dtype="float64", copy=True)
        for k, source in enumerate(self.lines):
            there = k < known.shape[1]
            left = known.iloc[:, k].to_numpy(dtype="float64", copy=True) if there else np.empty(0)
            name = [str(known.columns[k])] * len(left) if there else []
            source.data = {"move": moves if there else np.empty(0), "left": left, "name": name}
        last = known.iloc[-1].to_numpy(dtype="float64", copy=True) if len(known) else np.empty(0)
        self.names.data = {
            "move": np.full(len(last), moves[-1] if len(moves) else 0.0),
            "left": last,
            "name": [str(name) for name in known.columns],
        }
        self.margin.visible = bool(known.shape[1])
        if known.size:
            self.margin.y_range.update(start=0.0, end=float(known.to_numpy().max()) * 1.25 or 1.0)

    def move(self, move: float, *, pnl: float, liquidated: int) -> None:
        """Put the marker at a move of the benchmark."""
        for span in self._spans:
            span.update(location=move, visible=True)
        words = f"{show.usd(pnl)}" + (f" · {liquidated} {CROSS}" if liquidated else "")
        right = move > 0
        self.here.data = {
            "move": [move],
            "pnl": [pnl],
            "text": [words],
            "align": ["right" if right else "left"],
            "shift": [-10.0 if right else 10.0],
        }

    def no_move(self) -> None:
        """Take the marker away: what is shown elsewhere is not on this curve."""
        for span in self._spans:
            span.visible = False
        self.here.data = {name: [] for name in ("move", "pnl", "text", "align", "shift")}

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        for plot in (self.pnl, self.margin):
            apply(plot, theme)
        self.root.styles = {"background": theme.background}
        self.pnl.title.update(text_font=FONT, text_font_size="13px")
        self._zero.line_color = theme.muted
        for span in self._spans:
            span.update(line_color=theme.accent, line_alpha=0.55)
        glyphs = {name: self.pnl.select_one({"name": name}).glyph for name in ("pnl", "marks", "here")}
        glyphs["pnl"].line_color = theme.foreground
        glyphs["marks"].line_color = theme.bad
        glyphs["here"].update(fill_color=theme.accent, line_color=theme.background)
        texts = {"labels": theme.bad if not theme.is_dark else theme.down, "here_text": theme.foreground}
        for name, colour in texts.items():
            self.pnl.select_one({"name": name}).glyph.text_color = colour
        colours = (theme.accent, theme.short, theme.good, theme.muted, theme.foreground, theme.warn)
        for k, colour in enumerate(colours):
            self.margin.select_one({"name": f"account_{k}"}).glyph.line_color = colour
        self.margin.select_one({"name": "account_names"}).glyph.text_color = theme.muted
