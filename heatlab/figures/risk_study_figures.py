"""What the risk study found: exceptions against the share stated, errors of stated risk, paths after warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.layouts import Column, column
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    FactorRange,
    HoverTool,
    Legend,
    LegendItem,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from heatlab.figures.theme import DARK, FONT, Theme, apply

PERCENT = CustomJSTickFormatter(code="return (100 * tick).toFixed(tick !== 0 && Math.abs(tick) < 0.02 ? 1 : 0) + ' %'")
MARKERS = ("circle", "triangle", "square", "diamond")
ROW, FRAME = 24, 92


def _percent() -> CustomJSTickFormatter:
    return CustomJSTickFormatter(code=PERCENT.code)


def _rows_figure(height: int, x_label: str) -> Any:
    """Plot with words down the side and a share across."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        y_range=FactorRange(factors=[]),
        x_range=Range1d(0, 0.1),
        tools="",
        toolbar_location=None,
        min_border_right=24,
        min_border_left=6,
    )
    plot.xaxis.update(axis_label=x_label, formatter=_percent())
    plot.ygrid.visible = False
    return plot


def _style(root: Any, plots: list[Any], theme: Theme) -> None:
    for plot in plots:
        apply(plot, theme)
        plot.title.update(text_font=FONT, text_font_size="13px")
    root.styles = {"background": theme.background}


class CoverageFigure:
    """Share of losses beyond the value at risk, with its interval, against the share stated; one plot per level.

    A hollow mark holds, a filled one fails a test; the word beside it says how.

    Attributes
    ----------
    root : Bokeh layout to show.
    sources : one data source per level.
    """

    root: Column

    def __init__(self, *, levels: tuple[float, ...] = (0.95, 0.99), theme: Theme = DARK) -> None:
        self.levels = levels
        self.plots = [
            _rows_figure(FRAME, "losses beyond the value at risk [share of readings; dashed: stated]") for _ in levels
        ]
        self.sources = [ColumnDataSource(_no_rows()) for _ in levels]
        self.stated = [Span(location=1 - level, dimension="height", line_width=1.5) for level in levels]
        for plot, source, line in zip(self.plots, self.sources, self.stated, strict=True):
            self._draw(plot, source, line)
        self.root = column(*self.plots, sizing_mode="stretch_width")
        self._theme = theme
        self.set_theme(theme)

    def _draw(self, plot: Any, source: ColumnDataSource, line: Span) -> None:
        plot.add_layout(line)
        plot.segment("low", "row", "high", "row", source=source, line_width=1.5, color="colour", name="interval")
        marks = plot.scatter(
            "rate",
            "row",
            source=source,
            size=9,
            marker="marker",
            fill_color="fill",
            line_color="colour",
            line_width=1.5,
        )
        plot.text("high", "row", "verdict", source=source, x_offset=7, text_baseline="middle", name="verdict")
        hover = [
            ("book", "@book"),
            ("model", "@model"),
            ("period", "@period"),
            ("beyond", "@exceptions of @count = @rate{0.00 %}"),
            ("interval, 95 %", "@low{0.00 %} to @high{0.00 %}"),
            ("stated", "@stated{0 %}"),
            ("p: share / no runs / both", "@kupiec{0.000} / @independence{0.000} / @conditional{0.000}"),
            ("verdict", "@verdict"),
        ]
        plot.add_tools(HoverTool(renderers=[marks], tooltips=hover))

    def update(self, coverage: pd.DataFrame, *, horizon: str = "1 d", periods: tuple[str, ...] = ()) -> None:
        """Show one horizon, in place.

        Parameters
        ----------
        coverage : DataFrame
            As ``RiskStudyResult.coverage``.
        horizon : str
        periods : tuple of str
            Panels, told apart by shape; those that are not single years where it is empty.
        """
        shown = coverage[coverage["horizon"] == horizon] if len(coverage) else coverage
        names = periods or tuple(name for name in dict.fromkeys(shown.get("period", [])) if not name.isdigit())
        for level, plot, source in zip(self.levels, self.plots, self.sources, strict=True):
            part = shown[(shown["level"] == level) & shown["period"].isin(names)] if len(shown) else shown
            source.data = self._columns(part, names)
            plot.title.text = f"{level:.0%} over {horizon}: {_marks(names)}"
            factors = list(dict.fromkeys(row for row, _ in source.data["row"]))
            plot.y_range.factors = factors[::-1]
            plot.height = FRAME + ROW * max(len(factors), 1)
            reach = float(np.nanmax(part["high"])) if len(part) else 0.1
            plot.x_range.update(start=0, end=reach * 1.25)

    def _columns(self, part: pd.DataFrame, names: tuple[str, ...]) -> dict[str, Any]:
        if part.empty:
            return _no_rows()
        columns: dict[str, Any] = {name: part[name].to_numpy(copy=True) for name in part.columns}
        place = [names.index(period) for period in part["period"]]
        offsets = np.linspace(0.2, -0.2, len(names)) if len(names) > 1 else np.zeros(1)
        columns["row"] = [
            (f"{model}, {book}", float(offsets[k]))
            for model, book, k in zip(part["model"], part["book"], place, strict=True)
        ]
        columns["marker"] = [MARKERS[k % len(MARKERS)] for k in place]
        columns["colour"], columns["fill"] = self._colours(part["verdict"])
        return columns

    def _colours(self, verdicts: pd.Series) -> tuple[list[str], list[str]]:
        theme = self._theme
        colours = [theme.foreground if verdict == "holds" else theme.bad for verdict in verdicts]
        fills = [theme.background if verdict == "holds" else theme.bad for verdict in verdicts]
        return colours, fills

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self._theme = theme
        _style(self.root, self.plots, theme)
        for plot, source, line in zip(self.plots, self.sources, self.stated, strict=True):
            line.update(line_color=theme.accent, line_dash="dashed")
            plot.select_one({"name": "verdict"}).glyph.update(
                text_color=theme.muted, text_font=value(FONT), text_font_size="10px"
            )
            colours, fills = self._colours(pd.Series(source.data["verdict"], dtype="object"))
            source.data = {**source.data, "colour": colours, "fill": fills}


def _marks(names: tuple[str, ...]) -> str:
    shapes = {"circle": "●", "triangle": "▲", "square": "■", "diamond": "◆"}
    return ", ".join(f"{shapes[MARKERS[k % len(MARKERS)]]} {name}" for k, name in enumerate(names))


def _no_rows() -> dict[str, Any]:
    names = (
        "book", "model", "horizon", "level", "period", "count", "exceptions", "stated", "rate", "low", "high",
        "kupiec", "independence", "conditional", "verdict", "row", "marker", "colour", "fill",
    )  # fmt: skip
    return {name: [] for name in names}


SERIES = (
    ("error", "share stated by the model", "circle"),
    ("size_error", "share by size", "triangle"),
    ("equal_error", "half each", "square"),
)


class ContributionFigure:
    """Mean distance of a cluster's stated share of risk from the one realised, beside two shares without a model.

    Attributes
    ----------
    root : Bokeh figure to show.
    source : its data.
    """

    def __init__(self, *, theme: Theme = DARK) -> None:
        names = ("row", "book", "horizon", "period", "dates", "low", "high", "within_10", *(n for n, _, _ in SERIES))
        self._names = names
        self.source = ColumnDataSource({name: [] for name in names})
        self.root = _rows_figure(FRAME, "mean distance from the realised share of risk [points of share]")
        self.root.segment("low", "row", "high", "row", source=self.source, line_width=2, name="interval")
        items = []
        self._marks = []
        for name, label, marker in SERIES:
            marks = self.root.scatter(name, "row", source=self.source, size=10, marker=marker, line_width=1.5)
            self._marks.append(marks)
            items.append(LegendItem(label=label, renderers=[marks]))
        self.root.add_layout(Legend(items=items, orientation="horizontal", padding=2, margin=2), "above")
        hover = [
            ("book", "@book, next @horizon, @period"),
            ("dates", "@dates"),
            ("model off by", "@error{0.0 %} [@low{0.0 %}, @high{0.0 %}]"),
            ("share by size off by", "@size_error{0.0 %}"),
            ("half each off by", "@equal_error{0.0 %}"),
            ("model within 10 points", "@within_10{0 %}"),
        ]
        self.root.add_tools(HoverTool(renderers=self._marks, tooltips=hover))
        self.set_theme(theme)

    def update(self, contributions: pd.DataFrame) -> None:
        """Show the table of ``RiskStudyResult.contributions``, in place."""
        table = contributions
        columns: dict[str, Any] = {name: table[name].to_numpy(copy=True) for name in self._names[1:] if name in table}
        rows = [f"{row.book}, next {row.horizon}, {row.period}" for row in table.itertuples()]
        self.source.data = {name: [] for name in self._names} if table.empty else {**columns, "row": rows}
        self.root.y_range.factors = rows[::-1]
        self.root.height = FRAME + 30 + ROW * max(len(rows), 1)
        reach = float(np.nanmax(table[["high", "size_error", "equal_error"]].to_numpy())) if len(table) else 0.1
        self.root.x_range.update(start=0, end=reach * 1.06)

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        _style(self.root, [self.root], theme)
        self.root.select_one({"name": "interval"}).glyph.line_color = theme.accent
        for marks, colour in zip(self._marks, (theme.accent, theme.short, theme.muted), strict=True):
            marks.glyph.update(line_color=colour, fill_color=colour, fill_alpha=0.85)


class WarningPathFigure:
    """Mean path of the 30-day correlation around the warnings, less its value at them, over the band of shifted dates.

    Attributes
    ----------
    root : Bokeh figure to show.
    source : its data.
    """

    def __init__(self, *, theme: Theme = DARK, height: int = 280) -> None:
        self.source = ColumnDataSource({name: [] for name in ("day", "rise", "placebo", "low", "high")})
        self.root = figure(
            height=height,
            sizing_mode="stretch_width",
            tools="",
            toolbar_location=None,
            min_border_right=16,
            min_border_left=6,
        )
        self.root.xaxis.axis_label = "days after the last midnight before the warning"
        self.root.yaxis.axis_label = "change of mean correlation"
        self.band = self.root.varea("day", "low", "high", source=self.source, fill_alpha=0.25, name="band")
        self.placebo = self.root.line("day", "placebo", source=self.source, line_dash="dotted", line_width=1.5)
        self.line = self.root.line("day", "rise", source=self.source, line_width=2.5)
        self._spans = [
            Span(location=0, dimension="width", line_width=1),
            Span(location=0, dimension="height", line_width=1),
        ]
        for span in self._spans:
            self.root.add_layout(span)
        items = [
            LegendItem(label="after warnings", renderers=[self.line]),
            LegendItem(label="mean of shifted dates", renderers=[self.placebo]),
            LegendItem(label="their middle 95 %", renderers=[self.band]),
        ]
        self.root.add_layout(Legend(items=items, orientation="horizontal", padding=2, margin=2), "above")
        hover = [
            ("day", "@day"),
            ("after warnings", "@rise{+0.000}"),
            ("shifted dates", "@low{+0.000} to @high{+0.000}"),
        ]
        self.root.add_tools(HoverTool(renderers=[self.line], mode="vline", tooltips=hover))
        self.set_theme(theme)

    def update(self, path: pd.DataFrame, *, title: str = "") -> None:
        """Show the table of ``RiskStudyResult.path``, in place; an empty one clears the figure."""
        names = ("day", "rise", "placebo", "low", "high")
        self.source.data = {
            name: path[name].to_numpy(dtype="float64", copy=True) if len(path) else [] for name in names
        }
        self.root.title.text = title

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        _style(self.root, [self.root], theme)
        self.band.glyph.fill_color = theme.muted
        self.placebo.glyph.line_color = theme.muted
        self.line.glyph.line_color = theme.accent
        for span in self._spans:
            span.line_color = theme.muted
