"""Thumbnails: small, valid, static."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.figures import DARK, LIGHT, heat_thumbnail, liquidation_thumbnail
from heatlab.figures.thumbnails import png


def body(uri: str) -> bytes:
    """Bytes behind a data URI."""
    return base64.b64decode(uri.split(",", 1)[1])


def pixels(data: bytes) -> np.ndarray:
    """Decode what png() writes."""
    width, height = struct.unpack(">II", data[16:24])
    size = struct.unpack(">I", data[33:37])[0]
    return (
        np.frombuffer(zlib.decompress(data[41 : 41 + size]), "uint8")
        .reshape(height, -1)[:, 1:]
        .reshape(height, width, 3)
    )


def test_png_comes_back() -> None:
    """Every pixel survives."""
    picture = np.arange(24, dtype="uint8").reshape(2, 4, 3)
    assert np.array_equal(pixels(png(picture)), picture)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_heatmap_is_a_small_picture(make: Any, theme: Any) -> None:
    """320 x 150, under 60 kB, with more than one colour."""
    uri = liquidation_thumbnail(*make(count=200), theme=theme)
    assert uri.startswith("data:image/png;base64,")
    assert len(uri) < 60_000
    assert pixels(body(uri)).shape == (150, 320, 3)
    assert len(np.unique(pixels(body(uri)).reshape(-1, 3), axis=0)) > 10


def test_an_all_zero_map_is_a_picture_of_its_bars(make: Any) -> None:
    """Background and the line of closes."""
    drawn = pixels(body(liquidation_thumbnail(*make(quantity=0.0))))
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 2


def test_the_heat_strip_prints_its_numbers(heat_table: pd.DataFrame) -> None:
    """And escapes names."""
    svg = body(heat_thumbnail(heat_table.replace("binance", "<b>"))).decode()
    assert "80 ▲" in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_an_empty_book_is_still_a_picture(heat_table: pd.DataFrame) -> None:
    """No rows, a background."""
    assert body(heat_thumbnail(heat_table.iloc[:0])).decode().startswith("<svg")
