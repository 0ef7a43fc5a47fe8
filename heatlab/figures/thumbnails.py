"""Small still pictures for the gallery, as data URIs: no script, no library, a few kilobytes each."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.figures import format as show
from heatlab.figures.heat_grid import arrow, position_label
from heatlab.figures.liquidation_data import MapLike, candle_columns, raster, window
from heatlab.figures.palettes import heat_colour, ink, on_theme, rgb
from heatlab.figures.quantise import fit_scale, quantise
from heatlab.figures.theme import DARK, Theme

Bytes = NDArray[np.uint8]


def png(pixels: Bytes) -> bytes:
    """Encode an (height, width, 3) uint8 array, top row first, as PNG.

    Source: Portable Network Graphics specification (third edition), colour type 2, filter 0.
    """
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), "uint8"), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(body)) + kind + body + _checksum(kind + body) for kind, body in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def data_uri(content: bytes, mime: str) -> str:
    """Wrap bytes for an ``img`` element."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def liquidation_thumbnail(
    liquidation_map: MapLike,
    candles: pd.DataFrame,
    *,
    theme: Theme = DARK,
    palette: str = "ember",
    width: int = 320,
    height: int = 150,
) -> str:
    """Heatmap with the closes drawn over it, as a PNG data URI."""
    cut, view = raster(liquidation_map), window(liquidation_map, candles)
    if not cut.amounts.size:
        return data_uri(png(np.full((height, width, 3), rgb(theme.background), "uint8")), "image/png")
    low, high = np.log(view.price_low), np.log(view.price_high)
    prices = np.exp(np.linspace(high, low, height))
    rows = np.log(prices / cut.price_low) / np.log(cut.price_high / cut.price_low) * cut.amounts.shape[0]
    inside = (rows >= 0) & (rows < cut.amounts.shape[0])
    columns = np.arange(width) * cut.amounts.shape[1] // width
    levels = quantise(cut.amounts, fit_scale(cut.amounts))
    picked = levels[np.clip(rows, 0, cut.amounts.shape[0] - 1).astype(int)][:, columns]
    picked[~inside] = 0
    pixels = _colours(palette, theme)[picked]
    bars = candle_columns(candles, start=view.start, step=view.step)
    _draw_line(pixels, bars["time"], bars["close"], view.start, view.end, low, high, rgb(theme.up))
    return data_uri(png(pixels), "image/png")


def _colours(palette: str, theme: Theme) -> Bytes:
    colours = on_theme(palette, theme)
    alpha = np.array([int(colour[7:9], 16) / 255 for colour in colours])[:, None]
    mixed = alpha * np.array([rgb(colour) for colour in colours]) + (1 - alpha) * np.array(rgb(theme.background))
    return np.asarray(np.rint(mixed), dtype="uint8")


def _draw_line(
    pixels: Bytes,
    time: NDArray[np.float64],
    price: NDArray[np.float64],
    start: float,
    end: float,
    low: float,
    high: float,
    colour: tuple[int, int, int],
) -> None:
    if not len(time):
        return
    height, width, _ = pixels.shape
    at = start + (np.arange(width) + 0.5) / width * (end - start)
    line = np.interp(at, time, np.log(price))
    y = np.clip((high - line) / (high - low) * height, 0, height - 1).astype(int)
    before = np.r_[y[0], y[:-1]]
    for x, (first, last) in enumerate(zip(np.minimum(y, before), np.maximum(y, before), strict=True)):
        pixels[first : last + 2, x] = colour


def heat_thumbnail(table: pd.DataFrame, *, theme: Theme = DARK, width: int = 320, height: int = 150) -> str:
    """Grid of the first positions and their timeframes with the numbers printed, as an SVG data URI."""
    frames = list(dict.fromkeys(table["timeframe"])) if len(table) else []
    keys = (
        list(dict.fromkeys(zip(table["symbol"], table["venue"], table["side"], strict=True)))[:5] if len(table) else []
    )
    name_width, head = 128, 18
    cell = ((width - name_width) / max(len(frames), 1), (height - head) / max(len(keys), 1))
    parts = [_text(name_width + (k + 0.5) * cell[0], 12, str(name), theme.muted, 10) for k, name in enumerate(frames)]
    rows = table.to_dict("records")
    heats = {(r["symbol"], r["venue"], r["side"], r["timeframe"]): (float(r["heat"]), float(r["zone"])) for r in rows}
    for i, key in enumerate(keys):
        y = head + i * cell[1]
        parts.append(_text(4, y + cell[1] / 2 + 4, position_label(*key), theme.foreground, 10, anchor="start"))
        for k, name in enumerate(frames):
            heat, zone = heats.get((*key, name), (np.nan, np.nan))
            parts.append(_cell(name_width + k * cell[0], y, cell, heat, zone, theme))
    return _svg(parts, theme, width, height)


def concentration_thumbnail(
    cluster_shares: pd.DataFrame, *, theme: Theme = DARK, watch: float = 0.2, width: int = 320, height: int = 150
) -> str:
    """Share of size and of risk of the first clusters, with the mark to watch, as an SVG data URI."""
    left, head = 96, 18
    rows = cluster_shares.head(4).to_dict("records")
    room = (height - head) / max(len(rows), 1)
    scale = (width - left - 44) / max([1.0, *(float(row["risk_share"]) for row in rows if row["risk_share"] > 0)])
    parts = [_text(left, 12, "share of size (thin) and of risk (thick)", theme.muted, 10, anchor="start")]
    for k, row in enumerate(rows):
        y = head + k * room
        gross, risk = float(row["gross_share"]), float(row["risk_share"])
        fill = heat_colour(0 if row["level"] == "alert" else 50 if row["level"] == "watch" else 100)
        parts.append(_text(4, y + room / 2 + 4, str(row["name"]), theme.foreground, 11, anchor="start"))
        parts.append(_bar(left, y + room * 0.2, gross * scale, room * 0.16, theme.muted))
        parts.append(_bar(left, y + room * 0.42, max(risk, 0.0) * scale, room * 0.34, fill))
        words = f"{risk * 100:.0f} %{' (a hedge)' if risk < 0 else ''}" if np.isfinite(risk) else show.UNKNOWN
        end = left + np.nanmax([risk, gross, 0.0]) * scale + 5
        parts.append(_text(end, y + room * 0.66, words, theme.foreground, 11, anchor="start"))
    mark = left + watch * scale
    parts.append(f'<path d="M{mark:.1f} {head}V{height - 2}" stroke="{theme.foreground}" stroke-dasharray="3 3"/>')
    return _svg(parts, theme, width, height)


def _bar(x: float, y: float, width: float, height: float, fill: str) -> str:
    if not np.isfinite(width):
        return ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" fill="{fill}"/>'


def _svg(parts: list[str], theme: Theme, width: int, height: int) -> str:
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="100%" height="100%" fill="{theme.background}"/>{"".join(parts)}</svg>'
    )
    return data_uri(picture.encode(), "image/svg+xml")


def _cell(x: float, y: float, size: tuple[float, float], heat: float, zone: float, theme: Theme) -> str:
    fill = heat_colour(heat) if np.isfinite(heat) else theme.panel
    words = f"{heat:.0f} {arrow(zone)}" if np.isfinite(heat) else show.UNKNOWN
    colour = ink(fill) if np.isfinite(heat) else theme.muted
    place = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{size[0] - 2:.1f}" height="{size[1] - 2:.1f}"'
    box = f'<rect {place} rx="2" fill="{fill}"/>'
    return box + _text(x + size[0] / 2, y + size[1] / 2 + 4, words, colour, 11)


def _text(x: float, y: float, words: str, colour: str, size: int, *, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" text-anchor="{anchor}" '
        f'font-family="sans-serif">{escape(words)}</text>'
    )
