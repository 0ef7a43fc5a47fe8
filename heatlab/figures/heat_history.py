"""Heat of one position on one timeframe over time, its thresholds, and the price above."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.layouts import Column, column
from bokeh.models import ColumnDataSource, CrosshairTool, CustomJSTickFormatter, HoverTool, Range1d, Span
from bokeh.plotting import figure

from heatlab.figures.format import PRICE_JS
from heatlab.figures.liquidation_data import milliseconds
from heatlab.figures.theme import DARK, FONT, Theme, apply

FIELDS = ("time", "heat", "green", "red", "price", "forecast", "volatility_percentile")


def history_columns(heat: pd.DataFrame, candles: pd.DataFrame) -> dict[str, Any]:
    """Arrays of the figure.

    Parameters
    ----------
    heat : DataFrame
        As ``heat.momentum_heat`` returns it.
    candles : DataFrame
        Canonical candles with the same index; a bar that is missing has price NaN.
    """
    names = ("heat", "green", "red", "forecast", "volatility_percentile")
    columns: dict[str, Any] = {name: heat[name].to_numpy(dtype="float64", copy=True) for name in names}
    columns["time"] = milliseconds(pd.DatetimeIndex(heat.index))
    columns["price"] = candles["close"].reindex(heat.index).to_numpy(dtype="float64", copy=True)
    return columns


class HeatHistory:
    """Price above, heat below with the zones as bands: green above its threshold, red below its own.

    Attributes
    ----------
    root : bokeh layout to show.
    source : the one data source of both plots.
    """

    root: Column

    def __init__(self, *, theme: Theme = DARK, height: int = 340) -> None:
        self.source = ColumnDataSource({name: [] for name in FIELDS})
        self.price = self._plot(int(height * 0.45), Range1d(0, 1), Range1d(0, 1))
        self.price.xaxis.visible = False
        self.price.yaxis.update(
            axis_label="price", formatter=CustomJSTickFormatter(code=PRICE_JS + "return price(tick)")
        )
        self.price.line("time", "price", source=self.source, line_width=1.5, name="price")
        self.heat = self._plot(int(height * 0.55), self.price.x_range, Range1d(0, 100))
        self._draw_heat()
        self._cursor = [Span(dimension="height", line_dash="dotted", line_width=1)]
        for plot in (self.price, self.heat):
            plot.add_tools(CrosshairTool(overlay=[Span(dimension="width", line_alpha=0.0), self._cursor[0]]))
        self.root = column(self.price, self.heat, sizing_mode="stretch_width")
        self.set_theme(theme)

    @staticmethod
    def _plot(height: int, x_range: Range1d, y_range: Range1d) -> figure:
        return figure(
            height=height,
            sizing_mode="stretch_width",
            x_axis_type="datetime",
            y_axis_location="right",
            x_range=x_range,
            y_range=y_range,
            tools="xpan,xwheel_zoom,reset",
            toolbar_location=None,
            min_border_right=72,
            min_border_left=6,
        )

    def _draw_heat(self) -> None:
        plot, source = self.heat, self.source
        plot.varea("time", "green", 100, source=source, fill_alpha=0.18, name="green_band")
        plot.varea("time", 0, "red", source=source, fill_alpha=0.18, name="red_band")
        plot.line("time", "green", source=source, line_dash="dashed", name="green")
        plot.line("time", "red", source=source, line_dash="dotted", name="red")
        line = plot.line("time", "heat", source=source, line_width=2, name="heat")
        plot.yaxis.update(axis_label="heat [0-100]")
        plot.xaxis.axis_label = "time [UTC]"
        plot.add_tools(
            HoverTool(
                renderers=[line],
                mode="vline",
                tooltips=[
                    ("bar", "@time{%F %H:%M} UTC"),
                    ("heat", "@heat{0.0}"),
                    ("green from / red below", "@green{0.0} / @red{0.0}"),
                    ("forecast", "@forecast{0.0}"),
                    ("volatility percentile", "@volatility_percentile{0 %}"),
                    ("price", "@price{0,0.[000000]}"),
                ],
                formatters={"@time": "datetime"},
            )
        )

    def update(self, heat: pd.DataFrame, candles: pd.DataFrame, *, title: str = "", quote: str = "") -> None:
        """Show another position, timeframe or later bars, in place; ``quote`` is the unit of the price."""
        columns = history_columns(heat, candles)
        self.source.data = columns
        self.price.title.text = title
        self.price.yaxis.axis_label = f"price [{quote}]" if quote else "price"
        time, price = columns["time"], columns["price"][np.isfinite(columns["price"])]
        if len(time):
            edge = (time[-1] - time[0]) * 0.01 or 1.0
            _set_range(self.price.x_range, float(time[0]), float(time[-1]) + edge)
        if len(price):
            pad = float(price.max() - price.min()) * 0.08 or float(price[-1]) * 0.01
            _set_range(self.price.y_range, float(price.min()) - pad, float(price.max()) + pad)

    def clear(self, *, title: str = "") -> None:
        """Show nothing, and say why in the title."""
        self.source.data = {name: np.empty(0) for name in FIELDS}
        self.price.title.text = title

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        for plot in (self.price, self.heat):
            apply(plot, theme)
        self.root.styles = {"background": theme.background}
        self.price.title.update(text_font=FONT, text_font_size="13px")
        colours = {"heat": theme.foreground, "green": theme.good, "red": theme.bad}
        for name, colour in colours.items():
            self.heat.select_one({"name": name}).glyph.line_color = colour
        self.heat.select_one({"name": "green_band"}).glyph.fill_color = theme.good
        self.heat.select_one({"name": "red_band"}).glyph.fill_color = theme.bad
        self.price.select_one({"name": "price"}).glyph.line_color = theme.accent
        self._cursor[0].line_color = theme.foreground


def _set_range(axis_range: Any, start: float, end: float) -> None:
    axis_range.update(start=start, end=end, reset_start=start, reset_end=end)
