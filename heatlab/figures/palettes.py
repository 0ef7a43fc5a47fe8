"""Colour maps that survive colour blindness: luminance rises along each, so order can be read without hue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.palettes import Cividis256, Inferno256, Viridis256

from heatlab._checks import check_choice, check_range
from heatlab.figures.theme import Theme


def blend(stops: Sequence[str], count: int = 256) -> tuple[str, ...]:
    """Interpolate evenly spaced ``#rrggbb`` stops, linear in sRGB.

    Returns
    -------
    tuple of str
        ``count`` colours; the first and last are the outer stops.

    Raises
    ------
    ParameterError
        ``count`` is below 2.
    """
    check_range("count", count, 2, 65_536, caller="blend")
    channels = np.array([rgb(stop) for stop in stops], dtype="float64")
    at = np.linspace(0, len(stops) - 1, count)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), channels[:, k]) for k in range(3)], axis=1)
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(mixed).astype(int))


def rgb(colour: str) -> tuple[int, int, int]:
    """Split ``#rrggbb`` into three integers in [0, 255]."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance in [0, 1] (WCAG 2.2)."""
    parts = [channel / 255 for channel in rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink(colour: str) -> str:
    """Black or white, whichever reads better on ``colour``."""
    return "#10151c" if luminance(colour) > 0.18 else "#ffffff"


BAD, WARN, GOOD = "#b3232a", "#e8a317", "#8fe8be"
TRAFFIC: tuple[str, ...] = blend((BAD, WARN, GOOD))
"""256 colours from bad to good: dark red, amber, pale green."""

EMBER: tuple[str, ...] = blend(("#121a2c", "#33236b", "#7b2382", "#c73e63", "#f2803d", "#fbc55c", "#fffbe0"))
"""256 colours starting at the dark background."""

PALETTES: dict[str, tuple[str, ...]] = {
    "ember": EMBER,
    "viridis": tuple(Viridis256),
    "inferno": tuple(Inferno256),
    "cividis": tuple(Cividis256),
}
FADE = 48
CURVE = 1.5


def heat_colour(heat: float) -> str:
    """Colour of a heat in [0, 100] on the traffic-light map."""
    return TRAFFIC[int(np.clip(round(heat / 100 * 255), 0, 255))]


def faded(colour: str, into: str) -> str:
    """Colour two thirds of the way to another: what is shown, but not to be relied on."""
    return blend((colour, into), 4)[2]


def on_theme(name: str, theme: Theme) -> list[str]:
    """Return the 256 colours of the levels of a density image, as ``#rrggbbaa``.

    On a light theme the map runs the other way, so that little stays near the background in both. The lowest levels
    fade in; level 0 is wholly transparent. The strong end is kept for the top levels (power ``CURVE``).

    Raises
    ------
    ParameterError
        ``name`` is no key of ``PALETTES``.
    """
    check_choice("name", name, PALETTES, caller="on_theme")
    colours = PALETTES[name] if theme.is_dark else PALETTES[name][::-1]
    place = np.rint(255 * np.linspace(0, 1, 256) ** CURVE).astype(int)
    alpha = np.full(256, 255)
    alpha[:FADE] = np.r_[0, np.linspace(30, 255, FADE - 1)].astype(int)
    return [f"{colour}{a:02x}" for colour, a in zip((colours[k] for k in place), alpha, strict=True)]
