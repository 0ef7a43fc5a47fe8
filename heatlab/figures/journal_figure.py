"""What entries were worth by group, and the price around one entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.layouts import Row, row
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJSTickFormatter,
    FactorRange,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from heatlab.domain import Side
from heatlab.figures import format as show
from heatlab.figures.format import PRICE_JS
from heatlab.figures.liquidation_data import milliseconds
from heatlab.figures.theme import DARK, FONT, Theme, apply

MOST = 20
FIRM = 5
"""Independent outcomes from which an interval may widen the axis."""

ROW_HEIGHT, HEAD = 34, 86
UNKNOWN = "too few to tell"
FIELDS = (
    "label", "hit_rate", "hit_low", "hit_high", "hit_text", "mean_return", "mean_low", "mean_high", "mean_text",
    "known", "fill", "counts", "verdict",
)  # fmt: skip
TOOLTIP = """
<div style="font-size:12px;line-height:1.5"><b>@label</b><br>@counts<br>hit rate @hit_text<br>
mean P&amp;L after cost @mean_text<br>@verdict</div>
"""


def review_columns(review: pd.DataFrame) -> dict[str, Any]:
    """Arrays of the figure from a review, largest group first; at most ``MOST`` groups.

    Parameters
    ----------
    review : DataFrame
        As ``portfolio.outcomes.review`` returns it. Groups without an outcome are left out.
    """
    table = review[review["decided"] > 0].head(MOST)
    rows = table.to_dict("records")
    known = table["verdict"].to_numpy() != UNKNOWN
    numbers = ("hit_rate", "hit_low", "hit_high", "mean_return", "mean_low", "mean_high")
    columns: dict[str, Any] = {name: table[name].to_numpy(dtype="float64", copy=True) for name in numbers}
    return {
        **columns,
        "label": [str(one["group"]) for one in rows],
        "hit_text": [interval(one["hit_rate"], one["hit_low"], one["hit_high"], signed=False) for one in rows],
        "mean_text": [interval(one["mean_return"], one["mean_low"], one["mean_high"]) for one in rows],
        "known": np.where(known, 1.0, 0.45),
        "fill": np.where(known, 1.0, 0.0),
        "counts": [f"{one['decided']} decided of {one['count']}, {one['independent']} independent" for one in rows],
        "verdict": [str(one["verdict"]) for one in rows],
    }


def interval(value: float, low: float, high: float, *, signed: bool = True) -> str:
    """Estimate with its interval as text: ``+1.2 % (-0.3 % to +2.7 %)``; the interval is left out where unknown."""
    middle, least, most = (show.percent(one, signed=signed) for one in (value, low, high))
    return f"{middle} ({least} to {most})" if np.isfinite(low) else middle


class ReviewFigure:
    """Hit rate and mean P&L of every group with their intervals; hollow and pale where there are too few to tell.

    Attributes
    ----------
    root : bokeh layout to show.
    source : the one data source of both plots.
    """

    root: Row

    def __init__(self, *, theme: Theme = DARK) -> None:
        self.source = ColumnDataSource({name: [] for name in FIELDS})
        self._middles: list[Span] = []
        self._drawn: list[Any] = []
        groups = FactorRange(factors=[])
        self.hit = self._plot("hit", "hit rate, with its interval", groups, Range1d(-0.03, 1.03), middle=0.5)
        self.mean = self._plot(
            "mean", "mean P&L after cost, with its interval", groups, Range1d(-0.01, 0.01), middle=0.0
        )
        self.hit.yaxis.major_label_text_font_size = "13px"
        self.mean.yaxis.visible = False
        self.root = row(self.hit, self.mean, sizing_mode="stretch_width")
        self.set_theme(theme)

    def _plot(self, name: str, label: str, groups: FactorRange, values: Range1d, *, middle: float) -> figure:
        plot = figure(
            height=HEAD + ROW_HEIGHT,
            sizing_mode="stretch_width",
            x_range=values,
            y_range=groups,
            tools=[],
            toolbar_location=None,
            min_border_right=26,
            min_border_left=26,
        )
        middle_line = Span(location=middle, dimension="height", line_dash="dotted", line_width=1.5)
        plot.add_layout(middle_line)
        estimate = "hit_rate" if name == "hit" else "mean_return"
        source = self.source
        bar = plot.segment(
            f"{name}_low", "label", f"{name}_high", "label", source=source, line_width=5, line_alpha="known"
        )
        dots = plot.scatter(
            estimate, "label", source=source, size=12, line_width=2, fill_alpha="fill", line_alpha="known"
        )
        self._middles.append(middle_line)
        self._drawn += [bar.glyph, dots.glyph]
        plot.add_tools(HoverTool(renderers=[bar, dots], tooltips=TOOLTIP))
        plot.xaxis.update(axis_label=label, formatter=NumeralTickFormatter(format="0 %" if name == "hit" else "0.0 %"))
        plot.xaxis.ticker.desired_num_ticks = 5
        return plot

    def update(self, review: pd.DataFrame) -> None:
        """Show another review, in place."""
        columns = review_columns(review)
        labels = columns["label"]
        self.hit.y_range.factors = labels[::-1]
        for plot in (self.hit, self.mean):
            plot.height = HEAD + ROW_HEIGHT * max(len(labels), 1)
        reach = _reach(review)
        self.mean.x_range.update(start=-reach, end=reach)
        self.source.data = columns

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.root.styles = {"background": theme.background}
        for plot in (self.hit, self.mean):
            apply(plot, theme)
            plot.ygrid.grid_line_color = None
            plot.yaxis.update(axis_line_color=None, major_tick_line_color=None)
        for line in self._middles:
            line.line_color = theme.muted
        for glyph in self._drawn:
            glyph.update(**{name: theme.accent for name in ("line_color", "fill_color") if hasattr(glyph, name)})
        self.hit.yaxis.major_label_text_font_size = "13px"


class EntryFigure:
    """Price around one entry: when it was written, the time held until the horizon, and both prices.

    Attributes
    ----------
    root : bokeh figure to show.
    """

    root: figure

    def __init__(self, *, theme: Theme = DARK, height: int = 260) -> None:
        self.source = ColumnDataSource({"time": [], "price": []})
        self.marks = ColumnDataSource({"time": [], "price": [], "text": []})
        self.root = figure(
            height=height,
            sizing_mode="stretch_width",
            x_axis_type="datetime",
            y_axis_location="right",
            x_range=Range1d(0, 1),
            y_range=Range1d(0, 1),
            tools="xpan,xwheel_zoom,reset",
            toolbar_location=None,
            min_border_right=72,
        )
        self._written = Span(dimension="height", line_dash="dashed", line_width=1.5, visible=False)
        self._held = BoxAnnotation(fill_alpha=0.12, line_color=None, visible=False)
        self.root.add_layout(self._held)
        self.root.add_layout(self._written)
        line = self.root.line("time", "price", source=self.source, line_width=1.6)
        marks = self.root.scatter("time", "price", source=self.marks, size=11, line_width=2)
        texts = self.root.text(
            "time", "price", "text", source=self.marks, x_offset=8, y_offset=-8, text_font_size="12px"
        )
        self._glyphs = line.glyph, marks.glyph, texts.glyph
        self.root.add_tools(
            HoverTool(
                renderers=[line],
                mode="vline",
                tooltips=[("bar", "@time{%F %H:%M} UTC"), ("close", "@price{0,0.[000000]}")],
                formatters={"@time": "datetime"},
            )
        )
        self.root.yaxis.formatter = CustomJSTickFormatter(code=PRICE_JS + "return price(tick)")
        self.root.xaxis.axis_label = "time [UTC]; dashed: when it was written, shaded: held until the horizon"
        self.set_theme(theme)

    def update(
        self, candles: pd.DataFrame, *, at: pd.Timestamp, outcome: dict[str, Any] | None = None, side: int = 0
    ) -> None:
        """Show another entry, in place.

        Parameters
        ----------
        candles : DataFrame
            Canonical candles around the entry; may be empty.
        at : Timestamp
            When it was written.
        outcome : dict, optional
            A row of ``portfolio.outcomes.entry_outcomes``; nothing is shaded unless its status is "done".
        side : int
            Side of the entry, for the title.
        """
        time = milliseconds(pd.DatetimeIndex(candles.index))
        price = candles["close"].to_numpy(dtype="float64", copy=True)
        self.source.data = {"time": time, "price": price}
        self._written.update(location=at.timestamp() * 1000, visible=True)
        done = outcome is not None and outcome["status"] == "done"
        self.marks.data = _marks(outcome) if outcome is not None and done else {"time": [], "price": [], "text": []}
        self._held.visible = done
        if outcome is not None and done:
            self._held.update(
                left=outcome["opened_at"].timestamp() * 1000, right=outcome["closed_at"].timestamp() * 1000
            )
        self.root.title.text = _title(candles, outcome, side)
        self._fit(time, price, at)

    def clear(self, *, title: str) -> None:
        """Show nothing, and say why in the title."""
        self.source.data = {"time": np.empty(0), "price": np.empty(0)}
        self.marks.data = {"time": [], "price": [], "text": []}
        self._held.visible = self._written.visible = False
        self.root.title.text = title

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        apply(self.root, theme)
        self.root.title.update(text_font=FONT, text_font_size="13px")
        line, marks, texts = self._glyphs
        line.line_color = theme.accent
        marks.update(line_color=theme.foreground, fill_color=theme.background)
        texts.text_color = theme.foreground
        self._written.line_color = theme.foreground
        self._held.fill_color = theme.accent

    def _fit(self, time: np.ndarray, price: np.ndarray, at: pd.Timestamp) -> None:
        known = price[np.isfinite(price)]
        if len(known):
            pad = float(known.max() - known.min()) * 0.15 or float(known[-1]) * 0.01
            _set_range(self.root.y_range, float(known.min()) - pad, float(known.max()) + pad)
            first, last = min(float(time[0]), at.timestamp() * 1000), max(float(time[-1]), at.timestamp() * 1000)
            _set_range(self.root.x_range, first, last + (last - first) * 0.04)


def _reach(review: pd.DataFrame) -> float:
    """Half the width of the P&L axis: every mean and the intervals of groups of some size; the rest may run off it."""
    table = review[review["decided"] > 0].head(MOST)
    firm = table.loc[table["independent"] >= FIRM, ["mean_low", "mean_high"]]
    reach = np.nanmax([0.0, firm.abs().max().max(), 1.5 * table["mean_return"].abs().max()])
    return 1.1 * float(reach) or 0.01


def _marks(outcome: dict[str, Any]) -> dict[str, Any]:
    prices = [outcome["entry_price"], outcome["exit_price"]]
    return {
        "time": [outcome[name].timestamp() * 1000 for name in ("opened_at", "closed_at")],
        "price": prices,
        "text": [show.price(price) for price in prices],
    }


def _title(candles: pd.DataFrame, outcome: dict[str, Any] | None, side: int) -> str:
    if candles.empty:
        return "no prices around this entry"
    if outcome is None:
        return "price around this entry"
    if outcome["status"] != "done":
        return f"{outcome['horizon']}: {outcome['status']}"
    word = f"as a {Side(side).label}" if side else ""
    best, worst = show.percent(outcome["favourable"]), show.percent(outcome["adverse"])
    return f"{show.percent(outcome['forward_return'])} {word} after {outcome['horizon']}; best {best}, worst {worst}"


def _set_range(axis_range: Any, start: float, end: float) -> None:
    axis_range.update(start=start, end=end, reset_start=start, reset_end=end)
