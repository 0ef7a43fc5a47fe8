"""Areas in proportion to sizes: rows of groups under a header each, squares inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import parameter_error

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, top, width, height; top counts downwards."""


def squarify(sizes: ArrayLike, box: Box) -> Floats:
    """Tile a box with rectangles whose areas are in proportion to sizes, as square as they can be.

    Source: Bruls, Huizing and van Wijk, "Squarified treemaps" (2000).

    Parameters
    ----------
    sizes : array of shape (n,), above zero, largest first
    box : (left, top, width, height)

    Returns
    -------
    array of shape (n, 4)
        Left, top, width, height of each, in the order of ``sizes``.

    Raises
    ------
    ParameterError
        A size is not above zero, or they do not fall.
    """
    values = np.asarray(sizes, dtype=np.float64)
    if not (np.isfinite(values).all() and (values > 0).all() and (np.diff(values) <= 0).all()):
        raise parameter_error("sizes", "squarify", "above zero, largest first", values.tolist())
    left, top, width, height = box
    areas = values / values.sum() * width * height if values.size else values
    tiles: list[Box] = []
    start = 0
    while start < areas.size:
        short = min(width, height)
        stop = _row_end(areas, start, short)
        thick = float(areas[start:stop].sum()) / short
        at = top if width >= height else left
        for area in areas[start:stop]:
            length = float(area) / thick
            tiles.append((left, at, thick, length) if width >= height else (at, top, length, thick))
            at += length
        if width >= height:
            left, width = left + thick, width - thick
        else:
            top, height = top + thick, height - thick
        start = stop
    return np.array(tiles, dtype=np.float64).reshape(-1, 4)


def _row_end(areas: Floats, start: int, short: float) -> int:
    """Where a row ends: before the tile that would make its worst tile worse."""
    stop = start + 1
    while stop < areas.size and _worst(areas[start : stop + 1], short) <= _worst(areas[start:stop], short):
        stop += 1
    return stop


def _worst(row: Floats, short: float) -> float:
    total = float(row.sum())
    return max(short**2 * float(row[0]) / total**2, total**2 / (short**2 * float(row[-1])))


def headed_rows(sizes: ArrayLike, *, width: float, height: float, header: float, least: float) -> list[tuple[Box, Box]]:
    """Rows of groups with a header above each group; what is left is in proportion to sizes, exactly.

    Parameters
    ----------
    sizes : array of shape (n,), above zero, largest first
    width, height : float
        Of the whole.
    header : float
        Height of a header.
    least : float
        Least height of a row without its header, where the sizes allow it.

    Returns
    -------
    list of (header box, body box)
        In the order of ``sizes``; the areas of the bodies are in proportion to them.
    """
    values = np.asarray(sizes, dtype=np.float64)
    if not values.size:
        return []
    rows = _split(values / values.sum(), width=width, height=height, least=least)
    room = height - header * len(rows)
    boxes: list[tuple[Box, Box]] = []
    top = 0.0
    for row in rows:
        share = float(values[row].sum() / values.sum())
        left, tall = 0.0, share * room
        for value in values[row]:
            wide = float(value) / float(values[row].sum()) * width
            boxes.append(((left, top, wide, header), (left, top + header, wide, tall)))
            left += wide
        top += header + tall
    return boxes


def _split(shares: Floats, *, width: float, height: float, least: float) -> list[slice]:
    """Put as many groups in a row as make its worst body squarest; rows too low join the one above."""
    rows: list[slice] = []
    start = 0
    while start < shares.size:
        stop = start + 1
        while stop < shares.size and _stretch(shares[start : stop + 1], width, height) <= _stretch(
            shares[start:stop], width, height
        ):
            stop += 1
        low = float(shares[start:stop].sum()) * height < least
        rows = [*rows[:-1], slice(rows[-1].start, stop)] if low and rows else [*rows, slice(start, stop)]
        start = stop
    return rows


def _stretch(row: Sequence[float] | Floats, width: float, height: float) -> float:
    """Longest side over shortest of the worst body in a row."""
    total = float(np.sum(row))
    tall = total * height
    return max(max(wide / tall, tall / wide) for wide in (float(share) / total * width for share in row))
