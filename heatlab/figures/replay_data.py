"""From a replay to the arrays its figure draws and the page animates: a whole year in a few bytes per cell."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.figures import format as show
from heatlab.figures.heat_grid import ALL, ARROWS, position_label
from heatlab.figures.liquidation_data import milliseconds
from heatlab.figures.palettes import TRAFFIC, ink
from heatlab.figures.theme import Theme

RISK = "risk"
MOST_ROWS = 40
UNKNOWN, NO_ZONE, STALE = 127, 3, 512
"""Codes: bits 0-6 heat (127 unknown), bits 7-8 zone + 1 (3 unknown), bit 9 an old reading."""
HOURS = ("time", "book_heat", "zone", "value", "drawdown", "bets", "volatility", "green", "amber", "red", "known")
CELLS = ("x", "y", "fill", "hatch", "ink", "text", "note", "row", "column")
BARS = ("left", "right", "y", "fill")
HATCHED = 0.94
"""Height of the hatched rectangle over a cell whose reading is unknown or old; 0 over the others. A pattern per cell
would cost the page more than all other work of a frame."""


class ReplayLike(Protocol):
    """What the figure needs of a replay; see ``heatlab.portfolio.replay.Replay``."""

    @property
    def positions(self) -> pd.DataFrame:
        """Canonical positions."""

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Names, as in the last axis of the readings."""

    @property
    def times(self) -> pd.DatetimeIndex:
        """Instants of the states."""

    @property
    def heat(self) -> NDArray[np.float32]:
        """Shape (n, n_positions, n_timeframes)."""

    @property
    def zone(self) -> NDArray[np.int8]:
        """+1, 0, -1, or -128 for unknown; shape of ``heat``."""

    @property
    def green(self) -> NDArray[np.float16]:
        """Upper thresholds; shape of ``heat``."""

    @property
    def red(self) -> NDArray[np.float16]:
        """Lower thresholds; shape of ``heat``."""

    @property
    def stale(self) -> NDArray[np.bool_]:
        """Old readings; shape of ``heat``."""

    @property
    def position_heat(self) -> NDArray[np.float32]:
        """Mean over timeframes, shape (n, n_positions)."""

    @property
    def exposure(self) -> NDArray[np.float32]:
        """Signed value [quote], shape (n, n_positions)."""

    @property
    def contributions(self) -> NDArray[np.float32]:
        """Shares of risk, shape (n, n_positions)."""

    @property
    def book_heat(self) -> NDArray[np.float64]:
        """Shape (n,)."""

    @property
    def book_zone(self) -> NDArray[np.int8]:
        """Shape (n,)."""

    @property
    def volatility(self) -> NDArray[np.float64]:
        """Of the book per day [quote], shape (n,)."""

    @property
    def value(self) -> NDArray[np.float64]:
        """Profit so far [quote], shape (n,)."""

    @property
    def drawdown(self) -> NDArray[np.float64]:
        """Profit below its highest point so far [quote]."""

    @property
    def effective_bets(self) -> NDArray[np.float64]:
        """Bets by share of risk."""


def largest(replay: ReplayLike, *, most: int = MOST_ROWS) -> NDArray[np.int64]:
    """Rows of the positions drawn: the largest by last known value first; unknown ones after, in their order."""
    if not len(replay.times):
        return np.arange(min(len(replay.positions), most))
    size = np.abs(replay.exposure[-1].astype("float64"))
    if (gone := np.flatnonzero(np.isnan(size))).size:
        size[gone] = pd.DataFrame(replay.exposure[:, gone]).ffill().iloc[-1].abs().to_numpy(dtype="float64")
    return np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable")[:most]


def frame_columns(replay: ReplayLike, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Every state of the drawn positions, quantised: what the page plays without asking Python.

    Returns
    -------
    dict
        ``code`` uint16 of length n * rows * (timeframes + 1), the last column the mean over timeframes; ``limits``
        uint16 of length n * rows * timeframes, green * 256 + red; ``share`` int16 of length n * rows, share of risk in
        thousandths (-32768 unknown).
    """
    heat = np.concatenate([replay.heat[:, rows], replay.position_heat[:, rows, None]], axis=2)
    zone = np.where(replay.zone[:, rows] >= -1, replay.zone[:, rows] + 1, NO_ZONE).astype(np.uint16)
    code = np.where(np.isnan(heat), UNKNOWN, np.rint(np.nan_to_num(heat))).astype(np.uint16)
    code |= np.concatenate([zone, np.full((*zone.shape[:2], 1), NO_ZONE, np.uint16)], axis=2) << 7
    code[:, :, :-1] |= np.where(replay.stale[:, rows], STALE, 0).astype(np.uint16)
    green, red = (np.nan_to_num(part[:, rows].astype(np.float32)) for part in (replay.green, replay.red))
    limits = np.rint(green).astype(np.uint16) * 256 + np.rint(red).astype(np.uint16)
    share = replay.contributions[:, rows].astype(np.float64)
    thousandths = np.where(np.isnan(share), -32768, np.clip(np.rint(np.nan_to_num(share) * 1000), -32767, 32767))
    return {"code": code.ravel(), "limits": limits.ravel(), "share": thousandths.astype(np.int16).ravel()}


def hour_columns(replay: ReplayLike) -> dict[str, Any]:
    """Book by hour, keys :data:`HOURS`; ``green``, ``amber``, ``red``, ``known`` count readings of the whole book."""
    zone = replay.zone
    book = np.where(replay.book_zone >= -1, replay.book_zone, np.nan).astype(np.float64)
    counts = {
        name: np.count_nonzero(zone == value, axis=(1, 2)) for name, value in (("green", 1), ("amber", 0), ("red", -1))
    }
    columns: dict[str, Any] = {
        "time": milliseconds(replay.times),
        "book_heat": np.array(replay.book_heat, dtype=np.float64),
        "zone": book,
        "value": np.array(replay.value, dtype=np.float64),
        "drawdown": np.array(replay.drawdown, dtype=np.float64),
        "bets": np.array(replay.effective_bets, dtype=np.float64),
        "volatility": np.array(replay.volatility, dtype=np.float64),
        **{name: count.astype(np.float64) for name, count in counts.items()},
    }
    columns["known"] = columns["green"] + columns["amber"] + columns["red"]
    return columns


def cell_columns(frames: dict[str, Any], labels: list[str], timeframes: tuple[str, ...], row: int) -> dict[str, Any]:
    """Cells of one state from the quantised arrays, as the page makes them: keys :data:`CELLS`."""
    count, width = len(labels), len(timeframes) + 1
    code = np.asarray(frames["code"][row * count * width : (row + 1) * count * width]).reshape(count, width)
    limits = np.asarray(frames["limits"][row * count * (width - 1) : (row + 1) * count * (width - 1)])
    share = np.asarray(frames["share"][row * count : (row + 1) * count])
    names = [*timeframes, ALL, RISK]
    cells: dict[str, list[Any]] = {name: [] for name in CELLS}
    for i, label in enumerate(labels):
        for k in range(width):
            limit = int(limits[i * (width - 1) + k]) if k < width - 1 else 0
            _add(cells, k, i, *_reading(int(code[i, k]), limit), label, names[k])
        text = show.UNKNOWN if share[i] == -32768 else f"{share[i] / 10:.1f} %"
        _add(cells, width, i, "", 0.0, "", text, "", label, names[width])
    return cells


def bar_columns(frames: dict[str, Any], count: int, width: int, row: int, theme: Theme) -> dict[str, Any]:
    """Bars of the share of risk of one state: keys :data:`BARS`; 100 % fills the cell."""
    share = np.asarray(frames["share"][row * count : (row + 1) * count]).astype(np.float64) / 1000
    length = np.where(share < -32, 0.0, np.minimum(np.abs(share), 1.0))
    left = np.full(count, width - 0.485)
    fill = [theme.accent if one >= 0 else theme.warn for one in share]
    return {"left": left, "right": left + 0.97 * length, "y": np.arange(count, dtype=np.float64), "fill": fill}


def _reading(code: int, limit: int) -> tuple[str, float, str, str, str]:
    """Fill, hatch, ink, text and note of one cell; empty colours are the theme's."""
    heat, zone = code & 127, (code >> 7) & 3
    if heat == UNKNOWN:
        return "", HATCHED, "", show.UNKNOWN, ""
    fill = TRAFFIC[int(heat / 100 * 255 + 0.5)]
    mark = f" {ARROWS[zone - 1]}" if zone != NO_ZONE else ""
    note = f"{limit & 255}|{limit >> 8}" if limit else ""
    return fill, HATCHED if code & STALE else 0.0, ink(fill), f"{heat}{mark}", note


def _add(cells: dict[str, list[Any]], x: int, y: int, *rest: str | float) -> None:
    for name, value in zip(CELLS, (float(x), float(y), *rest), strict=True):
        cells[name].append(value)


def row_labels(replay: ReplayLike, rows: NDArray[np.int64]) -> list[str]:
    """Names of the drawn positions."""
    held = replay.positions.iloc[rows]
    return [position_label(*row) for row in zip(held["symbol"], held["venue"], held["side"].astype(int), strict=True)]


def fall_columns(drawdowns: pd.DataFrame | None, times: pd.DatetimeIndex) -> dict[str, Any]:
    """Falls as boxes from high to low, numbered by depth."""
    table = pd.DataFrame() if drawdowns is None else drawdowns
    if table.empty or not len(times):
        return {"left": np.empty(0), "right": np.empty(0), "middle": np.empty(0), "number": [], "depth": np.empty(0)}
    left, right = (milliseconds(pd.DatetimeIndex(table[name])) for name in ("start", "trough"))
    return {
        "left": left,
        "right": right,
        "middle": (left + right) / 2,
        "number": [str(k + 1) for k in range(len(table))],
        "depth": table["depth"].to_numpy(dtype="float64", copy=True),
    }
