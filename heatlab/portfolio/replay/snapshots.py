"""A replay of what was stored at the time: snapshots put side by side, gaps left as gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import NAN, Side, Timeframe
from heatlab.errors import MissingColumnsError
from heatlab.heat import HeatSettings, zone_of
from heatlab.portfolio.replay.record import IDENTITY, NO_ZONE, Replay

Row = tuple[pd.Timestamp, pd.DataFrame, Mapping[str, Any]]
NEEDED = [*IDENTITY, "timeframe", "heat", "zone"]
DEFAULT = HeatSettings()
STALE = "stale"


def replay_from_snapshots(
    rows: Sequence[Row], *, settings: HeatSettings = DEFAULT, gap: float = 3.0, most: int = 20_000
) -> Replay:
    """Put stored states side by side.

    Parameters
    ----------
    rows : sequence of (time, heat table, values)
        In any order. The table is as :func:`heatlab.heat.heat_table` returns it; optional columns ``risk`` (share of
        risk of the position), ``exposure`` [quote] and ``correlation_heat``. Of ``values``, ``book_heat``,
        ``volatility`` and ``value`` (profit or equity [quote]) are read; one that is missing is unknown.
    settings : HeatSettings
        Its weights join the timeframes; its thresholds give the book's zone.
    gap : float
        Two snapshots further apart than this many usual (median) intervals have a hole between them: a state in
        which all is unknown, one usual interval after the first.
    most : int
        The newest snapshots kept.

    Returns
    -------
    Replay
        Its positions are all that were ever held, in order of first appearance, quantities unknown; a position is
        unknown while it was not held. ``value`` starts at its first known amount.

    Raises
    ------
    MissingColumnsError
        A table lacks a column.
    ParameterError
        ``gap`` or ``most`` is out of range.
    """
    check_range("gap", gap, 1, 1e9, caller="replay_from_snapshots")
    check_range("most", most, 1, 1_000_000, caller="replay_from_snapshots")
    ordered = _with_holes(sorted(rows, key=lambda row: row[0])[-most:], gap)
    keys = _keys(ordered)
    frames = _timeframes(ordered, settings)
    cube = {name: np.full((len(ordered), len(keys), len(frames)), NAN) for name in ("heat", "zone", "green", "red")}
    flat = {name: np.full((len(ordered), len(keys)), NAN) for name in ("risk", "exposure", "correlation_heat")}
    stale = np.zeros((len(ordered), len(keys), len(frames)), bool)
    for row, (_, table, _) in enumerate(ordered):
        if table is not None:
            _place(table, row, keys, frames, cube, flat, stale)
    heat = _series(ordered, "book_heat")
    value = _series(ordered, "value")
    known = np.flatnonzero(np.isfinite(value))
    return Replay(
        positions=_positions(keys),
        timeframes=tuple(frames),
        times=pd.DatetimeIndex([at for at, _, _ in ordered], dtype="datetime64[ms, UTC]", name="timestamp"),
        heat=cube["heat"].astype(np.float32),
        zone=np.where(np.isnan(cube["zone"]), NO_ZONE, cube["zone"]).astype(np.int8),
        green=cube["green"].astype(np.float16),
        red=cube["red"].astype(np.float16),
        stale=stale,
        position_heat=_overall(cube["heat"], frames, settings).astype(np.float32),
        exposure=flat["exposure"].astype(np.float32),
        contributions=flat["risk"].astype(np.float32),
        correlation_heat=flat["correlation_heat"].astype(np.float32),
        book_heat=heat,
        book_zone=_book_zone(heat, settings),
        volatility=_series(ordered, "volatility"),
        value=value - (value[known[0]] if known.size else 0.0),
        source="snapshots",
        notes=_notes(ordered),
    )


def _with_holes(rows: list[Row], gap: float) -> list[tuple[pd.Timestamp, pd.DataFrame | None, Mapping[str, Any]]]:
    """Rows with an empty one inside each hole."""
    times = [at if at.tzinfo else at.tz_localize("UTC") for at, _, _ in rows]
    steps = [later - earlier for earlier, later in pairwise(times)]
    usual = sorted(steps)[len(steps) // 2] if steps else pd.Timedelta(0)
    out: list[tuple[pd.Timestamp, pd.DataFrame | None, Mapping[str, Any]]] = []
    for k, (at, (_, table, values)) in enumerate(zip(times, rows, strict=True)):
        out.append((at, table, values))
        if k < len(steps) and steps[k] > gap * usual > pd.Timedelta(0):
            out.append((at + usual, None, {}))
    return out


def _keys(rows: Sequence[Any]) -> dict[tuple[str, str, int], int]:
    keys: dict[tuple[str, str, int], int] = {}
    for _, table, _ in rows:
        if table is None:
            continue
        missing = [name for name in NEEDED if name not in table.columns]
        if missing:
            raise MissingColumnsError(
                f"The heat table of replay_from_snapshots must have the columns {', '.join(NEEDED)}. "
                f"Missing {', '.join(missing)}."
            )
        for symbol, venue, side in table[IDENTITY].drop_duplicates().itertuples(index=False):
            keys.setdefault((symbol, venue, int(Side.parse(side))), len(keys))
    return keys


def _timeframes(rows: Sequence[Any], settings: HeatSettings) -> dict[str, int]:
    """Timeframes stored, shortest first; those of the settings where there are none."""
    named = {name for _, table, _ in rows if table is not None for name in table["timeframe"].unique()}
    known = sorted(named, key=lambda name: Timeframe.parse(name).milliseconds) or list(settings.timeframes)
    return {name: k for k, name in enumerate(known)}


def _place(
    table: pd.DataFrame,
    row: int,
    keys: dict[tuple[str, str, int], int],
    frames: dict[str, int],
    cube: dict[str, np.ndarray],
    flat: dict[str, np.ndarray],
    stale: np.ndarray,
) -> None:
    identity = table[IDENTITY].itertuples(index=False)
    column = np.array([keys[symbol, venue, int(Side.parse(side))] for symbol, venue, side in identity], dtype=np.int64)
    frame = table["timeframe"].map(frames).to_numpy(dtype=np.int64)
    for name, values in cube.items():
        if name in table.columns:
            values[row, column, frame] = table[name].to_numpy(dtype=np.float64)
    for name, values in flat.items():
        if name in table.columns:
            values[row, column] = table[name].to_numpy(dtype=np.float64)
    if "note" in table.columns:
        stale[row, column, frame] = table["note"].astype(str).str.startswith(STALE).to_numpy()


def _overall(heat: np.ndarray, frames: dict[str, int], settings: HeatSettings) -> np.ndarray:
    named = dict(settings.timeframe_weights)
    weights = np.where(np.isnan(heat), 0.0, np.array([named.get(name, 0.0) for name in frames]))
    total = weights.sum(axis=2)
    mean = (np.nan_to_num(heat) * weights).sum(axis=2) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, NAN)


def _series(rows: Sequence[Any], name: str) -> np.ndarray:
    found = [values.get(name) for _, _, values in rows]
    return np.array([NAN if one is None else float(one) for one in found], dtype=np.float64)


def _book_zone(heat: np.ndarray, settings: HeatSettings) -> np.ndarray:
    zone = zone_of(heat, np.full(heat.size, settings.green), np.full(heat.size, settings.red))
    return np.where(np.isnan(zone), NO_ZONE, zone).astype(np.int8)


def _positions(keys: dict[tuple[str, str, int], int]) -> pd.DataFrame:
    table = pd.DataFrame(list(keys), columns=IDENTITY)
    return table.astype({"side": np.int64}).assign(quantity=NAN, mark_price=NAN)


def _notes(rows: Sequence[Any]) -> tuple[str, ...]:
    if not rows:
        return ("No snapshots are stored yet: each refresh adds one.",)
    holes = sum(table is None for _, table, _ in rows)
    return (f"{len(rows) - holes} snapshots, {holes} gaps; gaps are shown as gaps.",) if holes else ()
