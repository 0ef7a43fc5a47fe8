"""Accessible HTML of decisions: shares before and after, priced orders, a verdict, two strategies compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

from heatlab.figures import format as show
from heatlab.figures.heat_grid import position_label
from heatlab.figures.tables import Markup, badge, html_table

MOST_ROWS = 40
"""Rows of a table on screen; the CSV has them all."""
LEVEL_COLOURS = {"alert": "red", "watch": "amber"}
BETTER, WORSE, SAME = "better", "worse", "unchanged"
DECIMALS = {"heat": 1, "quote": 2, "count": 2}
"""Decimals of a change by unit; one that rounds to nothing is none."""
AT_ONCE = "liquidated at once"


def shares_html(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Gross and risk share of every cluster, before and after, each as a number over a bar of its length.

    Parameters
    ----------
    before, after : DataFrame
        Columns cluster, name, gross_share, risk_share [fraction], level. A cluster only one of them has holds nothing
        in the other.
    """
    old, new = (table.set_index("cluster") for table in (before, after))
    labels = list(dict.fromkeys([*old.index, *new.index]))
    names = {**old["name"].to_dict(), **new["name"].to_dict()}
    level = new["level"].to_dict()
    rows = [
        [
            Markup(f"{escape(str(names[label]))} {_level(str(level.get(label, '')))}"),
            _pair(old, new, label, "gross_share"),
            _pair(old, new, label, "risk_share"),
        ]
        for label in labels[:MOST_ROWS]
    ]
    more = f", {MOST_ROWS} of {len(labels)} shown" if len(labels) > MOST_ROWS else ""
    heads = ("cluster, level after", "gross share", "risk share")
    return html_table(f"Cluster shares, before → after{more}", heads, rows, empty="No clusters: the book is empty.")


def priced_orders_html(orders: pd.DataFrame, *, caption: str) -> str:
    """Proposed orders with what each costs; a tilde marks a fee or spread that is assumed."""
    rows = [_order_cells(row) for row in orders.head(MOST_ROWS).to_dict("records")]
    more = f", {MOST_ROWS} of {len(orders)} shown, all in the CSV" if len(orders) > MOST_ROWS else ""
    heads = ("instrument", "order", "notional", "cost")
    return html_table(f"{caption}{more}", heads, rows, empty="No orders.")


def change_html(figures: pd.DataFrame) -> str:
    """Figures before and after, with an arrow and a word for the change.

    Parameters
    ----------
    figures : DataFrame
        figure, unit ("heat", "quote" or "count"), better (+1, -1 or 0), before, after.
    """
    rows = []
    for row in figures.to_dict("records"):
        old, new = float(row["before"]), float(row["after"])
        rows.append([str(row["figure"]), _amount(old, row["unit"]), _amount(new, row["unit"]), _verdict(row)])
    return html_table("The book", ("figure", "before", "after", "change"), rows, empty="No figures.")


def distances_html(distances: pd.DataFrame) -> str:
    """Liquidation prices of the account an order is in, before and after; the order's position is marked."""
    rows = [_distance_cells(row) for row in distances.head(MOST_ROWS).to_dict("records")]
    more = f", {MOST_ROWS} of {len(distances)} shown" if len(distances) > MOST_ROWS else ""
    heads = ("position", "liquidation before", "after", "distance before", "after", "after, daily volatilities")
    caption = f"Distance to liquidation on this account{more}"
    return html_table(caption, heads, rows, empty="No position of this account has a liquidation price.")


def outcomes_html(outcomes: pd.DataFrame) -> str:
    """Tell what each strategy did at each leverage."""
    rows = [_outcome_cells(row) for row in outcomes.sort_values("leverage", kind="stable").to_dict("records")]
    heads = ("strategy", "leverage", "return", "deepest drawdown", "volatility a year", "liquidated")
    return html_table("Over the common history, held without rebalancing", heads, rows, empty="Nothing to compare.")


def quantiles_html(quantiles: pd.DataFrame, concentration: pd.DataFrame) -> str:
    """Heat of each strategy in quantiles, its time in red and green, and how concentrated it was."""
    joined = quantiles.merge(concentration, on="strategy")
    rows = [
        [
            str(row["strategy"]),
            *(show.number(float(row[name]), 0) for name in ("q05", "q25", "q50", "q75", "q95")),
            show.percent(float(row["share_red"]), signed=False),
            show.percent(float(row["share_green"]), signed=False),
            show.number(float(row["effective_positions"]), 1),
            show.number(float(row["effective_bets"]), 1),
            show.number(float(row["principal_bets"]), 1),
            show.percent(float(row["largest_share"]), signed=False),
        ]
        for row in joined.to_dict("records")
    ]
    heads = ("strategy", "heat 5 %", "25 %", "median", "75 %", "95 %", "time red", "time green")
    more = ("effective positions", "bets by share of risk", "independent bets", "largest position")
    return html_table("Heat and concentration", (*heads, *more), rows, empty="Nothing to compare.")


def words_html(sentences: Iterable[str]) -> str:
    """List sentences, escaped; nothing where there are none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="hl-points">{items}</ul>' if items else ""


def verdict_html(verdict: str, reasons: Sequence[str], notes: Sequence[str], *, order: str = "") -> str:
    """Big word of a pre-trade check, the order it speaks of, the reasons for it and what is assumed."""
    go = verdict == "go"
    word, kind = ("✓ Go", "hl-good") if go else ("✕ Look again", "hl-bad")
    why = "No threshold is broken. That is no forecast." if go else f"{len(reasons)} to look at:"
    asked = f"<div>{escape(order)}</div>" if order else ""
    return (
        f'<div class="hl-verdict" role="status"><span class="hl-badge {kind} hl-verdict-word">{word}</span>'
        f"<div>{asked}<strong>{escape(why)}</strong>{words_html(reasons)}"
        f'<div class="hl-muted">{words_html(notes)}</div></div></div>'
    )


def _level(level: str) -> str:
    return badge(level, LEVEL_COLOURS[level]) if level in LEVEL_COLOURS else ""


def _pair(old: pd.DataFrame, new: pd.DataFrame, label: Any, name: str) -> Markup:
    """Write two numbers over two bars: the first muted, the second in colour."""
    first, second = (float(table[name].get(label, 0.0)) for table in (old, new))
    numbers = f"<span>{show.percent(first, signed=False)} → <b>{show.percent(second, signed=False)}</b></span>"
    return Markup(f'{numbers}<span class="hl-bars" aria-hidden="true">{_bar(first)}{_bar(second)}</span>')


def _bar(share: float) -> str:
    if not math.isfinite(share):
        return '<span class="hl-bar hl-bar-unknown"></span>'
    width = min(abs(share), 1.0) * 100
    kind = " hl-bar-negative" if share < 0 else ""
    return f'<span class="hl-bar{kind}" style="width:{width:.1f}%"></span>'


def _order_cells(row: dict[Any, Any]) -> list[str]:
    verb = "buy" if int(row["side"]) > 0 else "sell"
    cost = show.usd(float(row["cost"]))
    return [
        f"{row['symbol']} · {row['venue']}",
        f"{verb} {float(row['quantity']):,.6g}",
        show.usd(float(row["notional"])),
        f"~{cost}" if row["assumed"] and math.isfinite(row["cost"]) else cost,
    ]


def _amount(value: float, unit: str) -> str:
    if unit == "quote":
        return show.usd(value)
    return show.number(value, DECIMALS[unit])


def _verdict(row: dict[Any, Any]) -> str:
    old, new, better = float(row["before"]), float(row["after"]), int(row["better"])
    if not math.isfinite(new - old):
        return "unknown"
    nothing = round(new - old, DECIMALS[str(row["unit"])]) == 0
    if nothing or abs(new - old) <= 1e-9 * max(abs(old), abs(new)):
        return f"= {SAME}"
    arrow = "▲" if new > old else "▼"
    change = _amount(new - old, str(row["unit"]))
    signed = change if change.startswith("-") else f"+{change}"
    word = "" if better == 0 else f", {BETTER if (new > old) == (better > 0) else WORSE}"
    return Markup(f'<span class="{_tone(word)}">{arrow} {escape(signed)}{word}</span>')


def _tone(word: str) -> str:
    return {f", {BETTER}": "hl-up", f", {WORSE}": "hl-down"}.get(word, "")


def _distance_cells(row: dict[Any, Any]) -> list[str]:
    name = position_label(row["symbol"], row["venue"], int(row["side"]))
    return [
        Markup(f"{escape(name)} {badge('this order', '')}") if row["ordered"] else name,
        _price(float(row["liquidation_before"])),
        _price(float(row["liquidation_after"])),
        _away(float(row["distance_before"])),
        _away(float(row["distance_after"])),
        _days(float(row["daily_volatilities"])),
    ]


def _price(value: float) -> str:
    return "none" if value == 0 or math.isinf(value) else show.price(value)


def _days(value: float) -> str:
    return "none left" if value <= 0 else show.number(value, 1)


def _away(value: float) -> str:
    if value <= 0:
        return AT_ONCE
    return "no move" if math.isinf(value) else show.percent(value, signed=False)


def _outcome_cells(row: dict[Any, Any]) -> list[str]:
    gone, near = row["liquidated_at"], row["possible_at"]
    if not pd.isna(gone):
        fate = badge(f"✕ by {gone:%Y-%m-%d %H:%M}", "red")
    elif not pd.isna(near):
        fate = badge(f"maybe within {near:%Y-%m-%d %H:%M}", "amber")
    else:
        fate = Markup("no")
    return [
        str(row["strategy"]),
        f"{row['leverage']:g}x",
        show.percent(float(row["return"])),
        show.percent(float(row["max_drawdown"])),
        show.percent(float(row["volatility"]), signed=False),
        fate,
    ]
