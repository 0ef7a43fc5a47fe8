"""Light and dark: the colours every figure and table shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bokeh.models import Axis, Grid, InlineStyleSheet, Legend, Title
from bokeh.plotting import figure as Figure  # noqa: N812

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one appearance, all as ``#rrggbb``.

    ``up``/``down`` colour candles, ``long``/``short`` sides, ``good``/``warn``/``bad`` states, ``tiers`` the leverage
    groups from low to high. ``good``, ``warn`` and ``bad`` never stand alone: a shape or a number goes with them.
    """

    name: str
    background: str
    panel: str
    foreground: str
    muted: str
    grid: str
    accent: str
    up: str
    down: str
    long: str
    short: str
    good: str
    warn: str
    bad: str
    tiers: tuple[str, str, str, str]

    @property
    def is_dark(self) -> bool:
        """Whether the background is the dark one."""
        return self.name == "dark"


DARK = Theme(
    name="dark",
    background="#0f131a",
    panel="#151a23",
    foreground="#dbe1ea",
    muted="#95a0b3",
    grid="#283040",
    accent="#6cb6ff",
    up="#5fe3cf",
    down="#ff5c72",
    long="#4cc9f0",
    short="#ff9e4f",
    good="#7fe0b2",
    warn="#e8a317",
    bad="#e0433f",
    tiers=("#3f5f8f", "#4f9ba8", "#e0b34c", "#f4efe0"),
)
LIGHT = Theme(
    name="light",
    background="#ffffff",
    panel="#f7f8fa",
    foreground="#141a24",
    muted="#5a6577",
    grid="#d5dce5",
    accent="#0b62c4",
    up="#0a8f7f",
    down="#c9184a",
    long="#0868ac",
    short="#b8500a",
    good="#1f8a70",
    warn="#b87503",
    bad="#b3261e",
    tiers=("#b9cbe4", "#5fa3ad", "#c98a12", "#5b2333"),
)
THEMES: dict[str, Theme] = {"dark": DARK, "light": LIGHT}


def apply(figure: Figure, theme: Theme) -> None:
    """Colour a figure, its axes, grids, legends, titles and toolbar in place; no model is replaced."""
    figure.background_fill_color = theme.background
    figure.border_fill_color = theme.background
    figure.outline_line_color = theme.grid
    for axis in figure.select(Axis):
        _apply_axis(axis, theme)
    for grid in figure.select(Grid):
        grid.update(grid_line_color=theme.grid, grid_line_alpha=0.55)
    for legend in figure.select(Legend):
        _apply_legend(legend, theme)
    for title in figure.select(Title):
        title.update(text_color=theme.foreground, text_font=FONT)
    _apply_toolbar(figure.toolbar, theme)


def _apply_axis(axis: Any, theme: Theme) -> None:
    axis.update(
        axis_label_text_color=theme.muted,
        axis_label_text_font=FONT,
        axis_label_text_font_style="normal",
        axis_label_text_font_size="11px",
        axis_label_standoff=4,
        major_label_text_color=theme.foreground,
        major_label_text_font=FONT,
        major_label_text_font_size="11px",
        axis_line_color=theme.grid,
        major_tick_line_color=theme.grid,
        minor_tick_line_color=None,
    )


def _apply_legend(legend: Any, theme: Theme) -> None:
    legend.update(
        background_fill_color=theme.background,
        background_fill_alpha=0.0,
        border_line_color=None,
        label_text_color=theme.foreground,
        label_text_font=FONT,
        label_text_font_size="11px",
    )


def _apply_toolbar(toolbar: Any, theme: Theme) -> None:
    toolbar.logo = None
    css = f":host {{ background-color: {theme.background}; --inactive-color: {theme.muted}; }}"
    css += " .bk-tool-icon, .bk-ToolIcon { background-color: %s; }" % theme.muted if theme.is_dark else ""  # noqa: UP031
    sheets = [sheet for sheet in toolbar.stylesheets if isinstance(sheet, InlineStyleSheet)]
    if sheets:
        sheets[0].css = css
    else:
        toolbar.stylesheets = [InlineStyleSheet(css=css)]
