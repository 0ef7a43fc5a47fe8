"""Accessible HTML tables of zones, positions, orders and heat. Every cell that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Side
from heatlab.figures import format as show
from heatlab.figures.heat_grid import WORDS, arrow, position_label

LEVELS = {"red": ("●", "red"), "amber": ("○", "amber")}
LONG = 40
"""Text longer than this [characters] may wrap."""

MOST_ORDERS = 60
BADGES = {"red": "hl-bad", "amber": "hl-amber", "green": "hl-good"}


def html_table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> str:
    """Table with a caption, column heads with scope and the first cell of each row as its head.

    Parameters
    ----------
    caption : str
    heads : sequence of str
    rows : iterable of sequences of str
        Cells. A cell built by :func:`badge` is markup already; every other one is escaped.
    empty : str
        What to say where there are no rows.
    """
    body = "".join(_row(cells) for cells in rows)
    if not body:
        return f'<div class="hl-empty" role="status">{escape(empty)}</div>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return (
        f'<div class="hl-table-wrap"><table class="hl-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def badge(text: str, kind: str) -> Markup:
    """Word or number on its zone colour; ``kind`` is "green", "amber", "red" or anything else for no colour."""
    return Markup(f'<span class="hl-badge {BADGES.get(kind, "")}">{escape(text)}</span>')


def _row(cells: Sequence[str]) -> str:
    first, *rest = (cell if isinstance(cell, Markup) else escape(str(cell)) for cell in cells)
    wide = {cell for cell in rest if len(cell) > LONG and not cell.startswith("<")}
    cells = "".join(f'<td class="hl-words">{cell}</td>' if cell in wide else f"<td>{cell}</td>" for cell in rest)
    return f'<tr><th scope="row" class="hl-text">{first}</th>{cells}</tr>'


def zones_html(zones: pd.DataFrame | None, *, limit: int = 20) -> str:
    """Zones, nearest first: side, price range, notional, distance, age, level in word and shape.

    Parameters
    ----------
    zones : DataFrame
        As ``liquidation.liquidation_zones`` returns it.
    limit : int
        Most rows shown; the caption says how many there are.
    """
    table = pd.DataFrame() if zones is None or zones.empty else zones.loc[zones["distance"].abs().sort_values().index]
    rows = [_zone_cells(row) for row in table.head(limit).to_dict("records")]
    shown = f"nearest {limit} of {len(table)}" if len(table) > limit else f"{len(table)}"
    heads = ("side", "from", "to", "peak", "estimate", "distance", "age", "level")
    empty = "No zone passes the threshold. Raise the sensitivity, or look at a longer range."
    return html_table(f"Liquidation zones ({shown})", heads, rows, empty=empty)


def _zone_cells(row: dict[Any, Any]) -> list[str]:
    shape, word = LEVELS.get(str(row["level"]), ("", str(row["level"])))
    return [
        f"{Side(int(row['side'])).label}s",
        show.price(row["price_low"]),
        show.price(row["price_high"]),
        show.price(row["price_peak"]),
        show.usd(row["notional"]),
        show.percent(row["distance"]),
        f"{'≥ ' if row.get('age_is_minimum', False) else ''}{show.age(row['age'])}",
        badge(f"{shape} {word}", word),
    ]


def positions_html(positions: pd.DataFrame | None) -> str:
    """Own positions with entry, mark and liquidation price and the distance to the last.

    A position whose liquidation price cannot be known says so; it is never shown as safe.
    """
    rows = [] if positions is None else [_position_cells(row) for row in positions.to_dict("records")]
    heads = ("position", "quantity", "notional", "entry", "mark", "leverage", "margin", "liquidation", "distance")
    return html_table("Your positions", heads, rows, empty="No positions here. Load a positions file to see yours.")


def _position_cells(row: dict[Any, Any]) -> list[str]:
    mark, exit_price = float(row["mark_price"]), float(row["liquidation_price"])
    known = np.isfinite(exit_price)
    return [
        position_label(row["symbol"], row["venue"], int(row["side"])),
        f"{row['quantity']:,.6g}",
        show.usd(row["quantity"] * mark),
        show.price(row["entry_price"]),
        show.price(mark),
        f"{row['leverage']:.3g}x {row['margin_mode']}" if np.isfinite(row["leverage"]) else str(row["margin_mode"]),
        show.usd(row["margin"]),
        show.price(exit_price) if known else ("none" if np.isinf(exit_price) else "unknown"),
        show.percent(exit_price / mark - 1) if known else ("" if np.isinf(exit_price) else "needs the whole account"),
    ]


def orders_html(orders: pd.DataFrame | None, *, caption: str = "Orders that follow from the rule") -> str:
    """Orders: what to do, how much, what it costs and why; a tilde marks a fee or spread that is assumed."""
    table = pd.DataFrame() if orders is None else orders
    rows = [_order_cells(row) for row in table.head(MOST_ORDERS).to_dict("records")]
    heads = ("instrument", "order", "quantity", "notional", *(("cost",) if "cost" in table else ()), "reason")
    more = f", {MOST_ORDERS} of {len(table)}, all in the CSV" if len(table) > MOST_ORDERS else ""
    return html_table(caption + more, heads, rows, empty="No orders: no rule is triggered.")


def _order_cells(row: dict[Any, Any]) -> list[str]:
    return [
        f"{row['symbol']} · {row['venue']}",
        "buy" if int(row["side"]) > 0 else "sell",
        f"{row['quantity']:,.6g}",
        show.usd(row["notional"]),
        *((f"{'~' if row['assumed'] else ''}{show.usd(row['cost'])}",) if "cost" in row else ()),
        str(row["reason"]),
    ]


def ranked_html(overall: pd.DataFrame | None) -> str:
    """Positions from the coldest to the hottest, with zone in word and shape."""
    table = pd.DataFrame() if overall is None or overall.empty else overall.sort_values("heat", na_position="first")
    rows = [_ranked_cells(row) for row in table.head(MOST_ORDERS).to_dict("records")]
    heads = ("position", "heat", "zone", "share of risk")
    more = f", {MOST_ORDERS} of {len(table)}, all in the CSV" if len(table) > MOST_ORDERS else ""
    return html_table(f"Positions, weakest first{more}", heads, rows, empty="No positions.")


def _ranked_cells(row: dict[Any, Any]) -> list[str]:
    zone = float(row.get("zone", np.nan))
    word = WORDS[int(zone)] if np.isfinite(zone) else "unknown"
    return [
        position_label(row["symbol"], row["venue"], int(row["side"])),
        show.number(float(row["heat"]), 1),
        badge(f"{arrow(zone)} {word}", word),
        _share(float(row.get("risk", np.nan))),
    ]


def _share(risk: float) -> str:
    return f"{risk:.0%}" if np.isfinite(risk) else show.UNKNOWN
