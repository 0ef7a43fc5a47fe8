"""Palettes: order that survives colour blindness, and how they sit on a theme."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from heatlab.errors import ParameterError
from heatlab.figures import DARK, LIGHT, PALETTES, TRAFFIC
from heatlab.figures.palettes import BAD, GOOD, WARN, blend, heat_colour, ink, luminance, on_theme, rgb

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
BLINDNESS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, seen: str) -> np.ndarray:
    """CIE Lab (D65) of a colour as someone sees it."""
    part = np.array(rgb(colour)) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(BLINDNESS[seen]) @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", BLINDNESS)
@pytest.mark.parametrize("pair", list(itertools.combinations((BAD, WARN, GOOD), 2)))
def test_the_traffic_light_stays_apart_for_every_eye(seen: str, pair: tuple[str, str]) -> None:
    """Any two of its colours differ by at least 25 in Lab."""
    assert np.linalg.norm(lab(pair[0], seen) - lab(pair[1], seen)) >= 25


@pytest.mark.parametrize("name", [*PALETTES, "traffic"])
def test_luminance_never_falls_along_a_map(name: str) -> None:
    """Order can be read without hue."""
    colours = TRAFFIC if name == "traffic" else PALETTES[name]
    assert len(colours) == 256
    assert np.diff([luminance(colour) for colour in colours]).min() > -0.004


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("seen", BLINDNESS)
def test_candles_differ_for_every_eye(theme: object, seen: str) -> None:
    """Up and down candles differ by at least 12 in Lab on both themes."""
    assert np.linalg.norm(lab(theme.up, seen) - lab(theme.down, seen)) >= 12  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_text_has_enough_contrast(theme: object) -> None:
    """WCAG AA: 4.5 to 1 for text and muted text."""
    for colour in (theme.foreground, theme.muted):  # type: ignore[attr-defined]
        light, dark = sorted((luminance(colour), luminance(theme.background)), reverse=True)  # type: ignore[attr-defined]
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_level_zero_is_transparent_and_the_top_opaque() -> None:
    """Where nothing is estimated the background shows."""
    colours = on_theme("ember", DARK)
    assert colours[0].endswith("00")
    assert colours[255] == f"{PALETTES['ember'][255]}ff"
    assert len(colours) == 256


def test_a_light_theme_turns_the_map_round() -> None:
    """The strongest level is the darkest colour there."""
    assert on_theme("viridis", LIGHT)[255][:7] == PALETTES["viridis"][0]


def test_an_unknown_palette_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(ParameterError, match="'ember', 'viridis', 'inferno', 'cividis'"):
        on_theme("jet", DARK)


def test_blend_meets_its_stops() -> None:
    """The outer colours are the outer stops."""
    assert blend(("#000000", "#ffffff"), 3) == ("#000000", "#808080", "#ffffff")


def test_heat_colours_clip_to_the_ends() -> None:
    """0 is the bad end, 100 the good one."""
    assert (heat_colour(0), heat_colour(100), heat_colour(140)) == (BAD, GOOD, GOOD)


def test_ink_reads_on_its_colour() -> None:
    """Dark on pale, white on dark."""
    assert ink("#ffffff") == "#10151c"
    assert ink(BAD) == "#ffffff"
