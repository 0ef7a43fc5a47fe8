"""Cells of the concentration grid: where each position lies, what is printed in it, and the headers of its groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from heatlab.figures import format as show
from heatlab.figures.cluster_colours import cluster_colour
from heatlab.figures.heat_grid import position_label
from heatlab.figures.palettes import blend, ink
from heatlab.figures.theme import Theme
from heatlab.figures.treemap import Box, headed_rows, squarify

WIDTH, HEIGHT = 1000.0, 420.0
"""Units across; pixels down."""
HEADER, LEAST = 20.0, 44.0
LIMIT = 40
"""Positions drawn; the rest share one line."""
ALONE, UNKNOWN = -1, 0
OTHERS = {ALONE: "on their own", UNKNOWN: "history too short"}
SEVERAL = "\n"
"""Between the wordings of one text, longest first: the browser prints the first that fits."""
COLD_DARK = ("#222a3a", "#4a3272", "#97307a", "#dd5b52", "#f9a65a", "#fde3a3")
COLD_LIGHT = ("#f4f1ea", "#f8dfa8", "#f0a868", "#d9603f", "#a32a3c", "#5a1033")
RAMPS = {"dark": blend(COLD_DARK), "light": blend(COLD_LIGHT)}
KEY = ("symbol", "venue", "side")
PLACE = ("left", "right", "bottom", "top", "x", "y")
LOOK = ("hatch", "name_y", "value_y", "size_y")
PRINTED = ("name", "size")
TOLD = ("label", "notional", "share", "size_heat", "correlation_heat", "risk", "cluster", "note")
PER_HEAT = ("fill", "ink", "value")
FIELDS = (*KEY, *PLACE, *LOOK, *PRINTED, *TOLD)
HEADER_FIELDS = (*PLACE, "fill", "ink", "text")


def concentration_colour(heat: float, theme: Theme) -> str:
    """Colour of a concentration heat in [0, 100], by its square root: most heats of a book are small.

    Strong stands out from the ground in both themes and luminance runs one way, so order is read without hue.
    """
    return RAMPS[theme.name][int(np.clip(round((max(heat, 0.0) / 100) ** 0.5 * 255), 0, 255))]


def grid_columns(
    concentration: pd.DataFrame, shares: pd.DataFrame, *, theme: Theme
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Columns of the cells and of the group headers; the ``LIMIT`` largest positions are drawn one by one.

    Parameters
    ----------
    concentration : DataFrame
        As ``portfolio.concentration_table`` returns it. Positions without a size have no cell.
    shares : DataFrame
        ``cluster, name, gross_share, risk_share`` of the clusters; may lack some or be empty.
    theme : Theme

    Returns
    -------
    cells : dict of lists
        ``FIELDS``, and ``fill``, ``ink``, ``value`` once for each heat, as ``size_fill`` and ``correlation_fill``.
    headers : dict of lists
        ``HEADER_FIELDS``.
    """
    sized = _sized(concentration)
    drawn, rest = sized.iloc[:LIMIT], sized.iloc[LIMIT:]
    names = dict(zip(shares["cluster"], shares["name"], strict=True)) if len(shares) else {}
    groups = drawn.groupby("group")["size_share"].sum().reset_index()
    groups = groups.sort_values(["size_share", "group"], ascending=[False, True], kind="stable")
    room = HEIGHT - HEADER if len(rest) else HEIGHT
    boxes = headed_rows(groups["size_share"], width=WIDTH, height=room, header=HEADER, least=LEAST)
    cells: list[dict[str, Any]] = []
    headers: list[dict[str, Any]] = []
    for group, (head, body) in zip(groups["group"], boxes, strict=True):
        members = drawn[drawn["group"] == group]
        headers.append(_header(int(group), members, head, names, shares, theme))
        for row, tile in zip(members.to_dict("records"), squarify(members["size_share"], body), strict=True):
            cells.append(_cell(row, tuple(tile), names, theme))
    if len(rest):
        headers.append(_footer(rest, theme))
    wanted = (*FIELDS, *(f"{heat}_{name}" for heat in ("size", "correlation") for name in PER_HEAT))
    return (
        {name: [cell[name] for cell in cells] for name in wanted},
        {name: [header[name] for header in headers] for name in HEADER_FIELDS},
    )


def _sized(concentration: pd.DataFrame) -> pd.DataFrame:
    """Positions of known size, largest first, each with its group."""
    known = concentration[concentration["size_share"] > 0]
    known = known.sort_values(["size_share", *KEY], ascending=[False, True, True, True], kind="stable")
    counts = known["cluster"].map(known["cluster"].value_counts())
    group = known["cluster"].where((counts > 1) | (known["cluster"] <= 0), ALONE)
    return known.assign(group=group.astype("int64"))


def _header(
    group: int, members: pd.DataFrame, box: Box, names: dict[int, str], shares: pd.DataFrame, theme: Theme
) -> dict[str, Any]:
    fill = cluster_colour(group, theme) if group > 0 else theme.panel
    title = OTHERS.get(group) or names.get(group, f"cluster {group}")
    whole = shares[shares["cluster"] == group] if group > 0 and len(shares) else shares.iloc[:0]
    gross = float(whole["gross_share"].iloc[0]) if len(whole) else float(members["size_share"].sum())
    risk = float(whole["risk_share"].iloc[0]) if len(whole) else float(members["risk_share"].sum(min_count=1))
    left, top, width, height = box
    return {
        **_place(left + 1, top + 1, width - 2, height - 1),
        "fill": fill,
        "ink": ink(fill) if group > 0 else theme.foreground,
        "text": SEVERAL.join((f"{title}: {_shares(gross, risk)}", f"{title} {gross * 100:.0f} %", title)),
    }


def _footer(rest: pd.DataFrame, theme: Theme) -> dict[str, Any]:
    """Line for the positions that are not drawn; the only box whose area is not their size."""
    told = f"and {len(rest)} more"
    gross, risk = float(rest["size_share"].sum()), float(rest["risk_share"].sum(min_count=1))
    return {
        **_place(1, HEIGHT - HEADER + 2, WIDTH - 2, HEADER - 2),
        "fill": theme.panel,
        "ink": theme.foreground,
        "text": SEVERAL.join((f"{told}: {_shares(gross, risk)}, not drawn to scale", told)),
    }


def _shares(gross: float, risk: float) -> str:
    carried = f", {risk * 100:.0f} % of risk" if np.isfinite(risk) else ""
    return f"{gross * 100:.0f} % of gross{carried}"


def _cell(row: dict[Any, Any], tile: tuple[float, ...], names: dict[int, str], theme: Theme) -> dict[str, Any]:
    left, top, width, height = tile
    is_hedge, side, cluster = bool(row["is_hedge"]), int(row["side"]), int(row["cluster"])
    label = position_label(row["symbol"], row["venue"], side)
    base = label.split(" ", maxsplit=1)[0]
    share = f"{float(row['size_share']) * 100:.3g} %"
    return {
        **{name: row[name] for name in KEY},
        **_place(left, top, width, height),
        **_lines(height),
        **_coloured(row, "size", theme),
        **_coloured(row, "correlation", theme),
        "hatch": "/" if is_hedge else " ",
        "name": SEVERAL.join((label.split(" · ", maxsplit=1)[0], f"{base} {'L' if side > 0 else 'S'}", base)),
        "size": SEVERAL.join((f"hedge, size {share}", "hedge") if is_hedge else (f"size {share}", share)),
        "label": label,
        "notional": show.usd(float(row["notional"])),
        "share": share,
        "size_heat": show.number(float(row["size_heat"]), 1),
        "correlation_heat": show.number(float(row["correlation_heat"]), 1),
        "risk": show.percent(float(row["risk_share"])),
        "cluster": names.get(cluster, f"{cluster}") if cluster > 0 else "none: history too short",
        "note": "hedge: takes risk off other positions" if is_hedge else "",
    }


def _coloured(row: dict[Any, Any], heat: str, theme: Theme) -> dict[str, str]:
    """Fill, ink and number of one cell by one of the heats; a heat that is unknown has no colour."""
    value = float(row[f"{heat}_heat"])
    known = bool(np.isfinite(value))
    fill = concentration_colour(value, theme) if known else theme.panel
    text = show.number(value, 0 if value >= 9.95 else 1) if known else show.UNKNOWN
    return {f"{heat}_fill": fill, f"{heat}_ink": ink(fill) if known else theme.muted, f"{heat}_value": text}


def _place(left: float, top: float, width: float, height: float) -> dict[str, float]:
    """Corners and middle with the vertical axis upwards."""
    high = HEIGHT - top
    return {
        "left": left,
        "right": left + width,
        "bottom": high - height,
        "top": high,
        "x": left + width / 2,
        "y": high - height / 2,
    }


def _lines(height: float) -> dict[str, float]:
    """Offsets [px, downwards] of name, heat and size from the middle; NaN for a line there is no room for."""
    gone = float("nan")
    if height >= 62:
        return {"name_y": -20.0, "value_y": 0.0, "size_y": 20.0}
    if height >= 40:
        return {"name_y": -10.0, "value_y": 9.0, "size_y": gone}
    return {"name_y": 0.0 if height >= 18 else gone, "value_y": gone, "size_y": gone}
