"""Figures: a table in, a Bokeh figure out, updated in place. Palettes that survive colour blindness, light and dark."""

from __future__ import annotations

from heatlab.figures.heat_grid import HeatGrid, position_label
from heatlab.figures.heat_history import HeatHistory
from heatlab.figures.liquidation_figure import LiquidationFigure
from heatlab.figures.palettes import PALETTES, TRAFFIC
from heatlab.figures.quantise import ColourScale, dequantise, fit_scale, quantise
from heatlab.figures.tables import html_table, orders_html, positions_html, ranked_html, zones_html
from heatlab.figures.theme import DARK, LIGHT, THEMES, Theme, apply
from heatlab.figures.thumbnails import concentration_thumbnail, heat_thumbnail, liquidation_thumbnail

__all__ = [
    "DARK",
    "LIGHT",
    "PALETTES",
    "THEMES",
    "TRAFFIC",
    "ColourScale",
    "HeatGrid",
    "HeatHistory",
    "LiquidationFigure",
    "Theme",
    "apply",
    "concentration_thumbnail",
    "dequantise",
    "fit_scale",
    "heat_thumbnail",
    "html_table",
    "liquidation_thumbnail",
    "orders_html",
    "position_label",
    "positions_html",
    "quantise",
    "ranked_html",
    "zones_html",
]
