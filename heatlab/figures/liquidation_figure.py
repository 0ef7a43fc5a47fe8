"""Liquidation heatmap under the price, the liquidation map beside it and volume below, updated in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bokeh.layouts import Column
from bokeh.models import ColorBar, LabelSet

from heatlab._checks import check_choice
from heatlab.figures import format as show
from heatlab.figures import liquidation_data as data
from heatlab.figures import liquidation_parts as parts
from heatlab.figures.palettes import PALETTES, on_theme
from heatlab.figures.quantise import EMPTY_SCALE, fit_scale, quantise, scale_ticks
from heatlab.figures.theme import DARK, MONO, Theme, apply

LABEL_GAP = 0.036
"""Room of one zone label, as a fraction of the price plot's height."""


class LiquidationFigure:
    """Price x time heatmap of estimated liquidations with candles, profile, volume, zones and own positions.

    Every update changes data in place; no model is replaced. The image travels as one byte per cell.

    Parameters
    ----------
    theme : Theme
    palette : str
        Key of ``PALETTES``.
    height : int
        Height of the price plot [px].

    Attributes
    ----------
    root : bokeh layout to show; with less than 760 px of room the profile folds under the chart.
    scale : ColourScale
        What the colours stand for.
    """

    root: Column

    def __init__(self, *, theme: Theme = DARK, palette: str = "ember", height: int = 560) -> None:
        check_choice("palette", palette, PALETTES, caller="LiquidationFigure")
        self.theme, self.palette, self.scale = theme, palette, EMPTY_SCALE
        self.sources, self._mappers = parts.Sources(), parts.mappers()
        self.price = parts.price_figure(self.sources, self._mappers, height=height)
        self.volume = parts.volume_figure(self.sources, self._mappers, x_range=self.price.x_range)
        self.profile = parts.profile_figure(self.sources, self._mappers, y_range=self.price.y_range, height=height)
        self._cursor = parts.link_cursor(self.price, self.volume, self.profile, self.sources)
        parts.zone_hover(self.price)
        self._bodies = [
            plot.select_one({"name": n}).glyph for plot, n in ((self.price, "bodies"), (self.volume, "volume"))
        ]
        self._titles = [self.price.select_one({"name": name}) for name in ("bar", "level")]
        self._units = ("", "")
        self._amounts: np.ndarray[Any, Any] = np.empty((0, 0))
        self.root = parts.fold([self.price, self.volume], self.profile)
        self.set_theme(theme)

    def update(
        self,
        liquidation_map: data.MapLike,
        candles: pd.DataFrame,
        *,
        zones: pd.DataFrame | None = None,
        positions: pd.DataFrame | None = None,
        scale: str = "log",
        keep_view: bool = False,
    ) -> None:
        """Show a map.

        Parameters
        ----------
        liquidation_map : LiquidationMap
        candles : DataFrame
            Canonical candles over the map's columns.
        zones, positions : DataFrame, optional
            Zones of the map and own positions in its symbol.
        scale : {"log", "linear"}
            How amounts map to colours.
        keep_view : bool
            A new estimate over the same bars: leave them, and the axes where the user put them.
        """
        view = data.window(liquidation_map, candles)
        self._show_image(data.raster(liquidation_map), scale)
        if not keep_view:
            self._show_candles(candles, view)
        self._show_profile(liquidation_map, view, keep_view=keep_view)
        self._show_zones(zones, view)
        self.sources.entries.data, self.sources.exits.data = data.position_columns(positions)
        self._show_mark(liquidation_map)
        if not keep_view:
            self._show_window(view)

    def clear(self) -> None:
        """Show nothing: no bars, no estimate, no lines."""
        self._amounts = np.empty((0, 0))
        for name in vars(self.sources):
            source = getattr(self.sources, name)
            source.data = {column: [] for column in source.data}
        for title in self._titles:
            title.text = ""

    def set_scale(self, scale: str) -> None:
        """Colour amounts on a "log" or a "linear" scale; the amounts stay."""
        check_choice("scale", scale, ("log", "linear"), caller="LiquidationFigure.set_scale")
        if self._amounts.size:
            self._recolour(scale)

    def set_palette(self, name: str) -> None:
        """Use another colour map for the image."""
        self._mappers.image.palette = on_theme(name, self.theme)
        self.palette = name

    def set_theme(self, theme: Theme) -> None:
        """Switch between light and dark."""
        self.theme = theme
        for plot in (self.price, self.volume, self.profile):
            apply(plot, theme)
        self.root.styles = {"background": theme.background}
        self.set_palette(self.palette)
        self._mappers.direction.palette = [theme.down, theme.up]
        self._mappers.level.palette = [theme.warn, theme.bad]
        self._colour_lines(theme)
        self._colour_profile(theme)

    def _colour_lines(self, theme: Theme) -> None:
        for plot in (self.price, self.profile):
            plot.select(name="mark").glyph.update(line_color=theme.foreground)
        for name, colour in (("entry", theme.accent), ("exit", theme.bad)):
            self.price.select(name=name).glyph.line_color = colour
        for name, colour in (("entry_label", theme.accent), ("exit_label", theme.foreground)):
            self._label(self.price, name).update(text_color=colour, background_fill_color=theme.background)
        self._label(self.profile, "mark_label").update(
            text_color=theme.foreground, background_fill_color=theme.background
        )
        self.price.select(name="zone_label").glyph.update(
            text_color=theme.foreground, background_fill_color=theme.background
        )
        self.price.select(name="halo").glyph.line_color = theme.background
        for line in self._cursor:
            line.line_color = theme.foreground
        for name in ("bar", "level"):
            self.price.select(name=name).update(text_font=MONO)

    @staticmethod
    def _label(plot: Any, name: str) -> LabelSet:
        return next(item for item in plot.select(LabelSet) if item.name == name)

    def _colour_profile(self, theme: Theme) -> None:
        for k, colour in enumerate(theme.tiers):
            self.profile.select(name=f"tier_{k}").glyph.fill_color = colour
        for name, colour in (("long", theme.long), ("short", theme.short)):
            self.profile.select(name=name).glyph.line_color = colour
        self._bar.update(
            background_fill_color=theme.background,
            major_label_text_color=theme.foreground,
            title_text_color=theme.muted,
        )

    @property
    def _bar(self) -> Any:
        return next(item for item in self.profile.below if isinstance(item, ColorBar))

    def _show_image(self, raster: data.Raster, scale: str) -> None:
        self._amounts = raster.amounts
        self._place: dict[str, list[float]] = {
            "x": [raster.start],
            "y": [raster.price_low],
            "dw": [raster.step * max(raster.amounts.shape[1], 1)],
            "dh": [raster.price_high - raster.price_low],
        }
        self._recolour(scale)

    def _recolour(self, kind: str) -> None:
        self.scale = fit_scale(self._amounts, kind=kind)
        self.sources.image.data = {"image": [quantise(self._amounts, self.scale)], **self._place}
        self._bar.formatter.args = {"low": self.scale.low, "high": self.scale.high, "log": kind == "log"}
        self._bar.ticker.ticks = scale_ticks(self.scale)[1]
        if len(self.sources.meta.data["mark"]):
            self._meta(**self._scale_meta())

    def _scale_meta(self) -> dict[str, list[Any]]:
        return {"low": [self.scale.low], "high": [self.scale.high], "log": [self.scale.kind == "log"]}

    def _meta(self, **changed: list[Any]) -> None:
        self.sources.meta.data = {**dict(self.sources.meta.data), **changed}

    def _show_candles(self, candles: pd.DataFrame, view: data.Window) -> None:
        columns = data.candle_columns(candles, start=view.start, step=view.step)
        self.sources.candles.data = columns
        for glyph in self._bodies:
            glyph.width = 0.7 * view.step
        volume = columns["volume"]
        top = float(np.nanmax(volume)) if len(volume) and np.isfinite(volume).any() else 0.0
        _set_range(self.volume.y_range, 0.0, top * 1.05 or 1.0)

    def _show_profile(self, liquidation_map: data.MapLike, view: data.Window, *, keep_view: bool) -> None:
        bars, totals = data.profile_columns(liquidation_map)
        self.sources.bars.data, self.sources.totals.data = bars, totals
        low, high = view.price_low, view.price_high
        if keep_view:
            low, high = self.price.y_range.start, self.price.y_range.end
        seen = (bars["top"] >= low) & (bars["bottom"] <= high)
        longest = _largest(bars[f"to_{len(data.TIER_NAMES) - 1}"][seen])
        most = max(_largest(totals["long"][seen]), _largest(totals["short"][seen]))
        _set_range(self.profile.x_range, 0.0, longest * 1.05 or 1.0)
        _set_range(self.profile.extra_x_ranges["totals"], 0.0, most * 1.05 or 1.0)

    def _show_zones(self, zones: pd.DataFrame | None, view: data.Window) -> None:
        span = view.end - view.start
        self.sources.zones.data = data.zone_columns(
            zones,
            left=view.end + 0.004 * span,
            right=view.end + 0.014 * span,
            edge=view.end + 0.083 * span,
            gap=LABEL_GAP * float(np.log(view.price_high / view.price_low)),
            within=(view.price_low, view.price_high),
        )

    def _show_mark(self, liquidation_map: data.MapLike) -> None:
        mark = float(liquidation_map.mark_price)
        known = np.isfinite(mark)
        self._name_units(liquidation_map.symbol)
        text = f"mark {show.price(mark)}"
        edge = self.profile.x_range.end
        line = {"price": [mark], "text": [text], "edge": [edge]}
        self.sources.mark.data = line if known else {name: [] for name in line}
        bar = f"{liquidation_map.symbol}  {_last_bar(self.sources.candles.data)}"
        level = f"{text}   move over the chart to read a level"
        self._meta(mark=[mark], bar=[bar], level=[level], **self._scale_meta())
        for title, words in zip(self._titles, (bar, level), strict=True):
            title.text = words

    def _name_units(self, symbol: str) -> None:
        base, _, quote = symbol.split(":", maxsplit=1)[0].partition("/")
        if (base, quote) != self._units:
            self.volume.yaxis.axis_label = f"volume [{base}]"
            self.price.yaxis.axis_label = self.profile.yaxis.axis_label = f"price [{quote or 'quote'}]"
            self._units = (base, quote)

    def _show_window(self, view: data.Window) -> None:
        _set_range(self.price.x_range, view.start, view.end + 0.085 * (view.end - view.start))
        _set_range(self.price.y_range, view.price_low, view.price_high)


def _last_bar(columns: Any) -> str:
    if not len(columns["time"]):
        return "no bars"
    stamp = pd.Timestamp(float(columns["time"][-1]), unit="ms")
    names = (("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"))
    prices = " ".join(f"{letter} {show.price(float(columns[name][-1]))}" for letter, name in names)
    return f"{stamp:%Y-%m-%d %H:%M} UTC  {prices}"


def _largest(values: np.ndarray[Any, Any]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else 0.0


def _set_range(axis_range: Any, start: float, end: float) -> None:
    axis_range.update(start=start, end=end, reset_start=start, reset_end=end)
