"""The journal in words: rows of its list, one entry in full, key figures and the review table."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from heatlab.domain import Side
from heatlab.figures import format as show
from heatlab.figures.journal_figure import interval
from heatlab.figures.tables import Markup, badge, html_table
from heatlab.widgets.entry_list import Cell

HEADS = ("#", "time [UTC]", "kind", "market", "zone", "after {horizon}", "what was written")
ZONE_SHAPES = {"green": "▲ green", "amber": "● amber", "red": "▼ red"}
ZONE_CLASSES = {"green": "hl-badge hl-good", "amber": "hl-badge hl-amber", "red": "hl-badge hl-bad"}
ZONE_NUMBERS: dict[float, str] = {1: "green", 0: "amber", -1: "red"}
QUOTE = " [quote]"
"""Ending of the names whose values are amounts of money."""
FRACTION = re.compile(r"(share|distance|return|drawdown|coverage|percentile)s?$")
VERDICTS = {"earns": "green", "loses": "red", "no clear effect": "amber"}
VERDICT_SHAPES = {"earns": "▲", "loses": "▼", "no clear effect": "●"}
WHY = {
    "pending": "pending: the horizon is not over",
    "no market": "no market, so no outcome",
    "no side": "no side, so no outcome",
    "no prices": "no prices for the time after it",
    "other market": "made on another market",
}
SHORT = {
    "pending": "pending",
    "no market": show.UNKNOWN,
    "no side": "no side",
    "no prices": "no prices",
    "other market": show.UNKNOWN,
}
REVIEW_NOTE = (
    "Outcomes run from the first open after an entry, on the side that was logged: what the price did, not what you "
    "traded. Entries held at the same time count as one independent outcome. With many groups, one in twenty looks "
    "clear at 95 % by chance."
)


def list_rows(entries: pd.DataFrame) -> list[tuple[int, list[Cell]]]:
    """Rows of the list; ``entries`` carry status and forward_return of the horizon shown."""
    return [(int(row["number"]), _cells(row)) for row in entries.to_dict("records")]


def _cells(row: Mapping[Any, Any]) -> list[Cell]:
    zone = str(row["zone"])
    return [
        (str(row["number"]), ""),
        (f"{row['at']:%Y-%m-%d %H:%M}", "hl-text"),
        (str(row["kind"]), "hl-text"),
        (market_label(row["symbol"], row["venue"], row["side"]), "hl-text"),
        (ZONE_SHAPES.get(zone, zone or show.UNKNOWN), ZONE_CLASSES.get(zone, "hl-text")),
        _outcome_cell(row),
        (_one_line(row["text"]), "hl-text hl-line"),
    ]


def _outcome_cell(row: Mapping[Any, Any]) -> Cell:
    value = float(row["forward_return"])
    if not math.isfinite(value):
        return SHORT.get(str(row["status"]), str(row["status"])), "hl-muted"
    return f"{'▲' if row['hit'] else '▼'} {show.percent(value)}", "hl-up" if row["hit"] else "hl-down"


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())


def market_label(symbol: str, venue: str, side: int) -> str:
    """Short name of what an entry is about: ``BTC long · okx``, ``whole book``."""
    if not symbol:
        return f"whole book · {venue}" if venue else "whole book"
    words = [symbol.split("/", maxsplit=1)[0], Side(int(side)).label if side else ""]
    name = " ".join(filter(None, words))
    return f"{name} · {venue}" if venue else name


def entry_html(entry: Mapping[Any, Any], outcomes: pd.DataFrame, notes: pd.DataFrame) -> str:
    """One entry in full: its words, what came of it, and later notes.

    Parameters
    ----------
    entry : mapping
        A row of ``Journal.entries``.
    outcomes : DataFrame
        Its rows of ``portfolio.outcomes.entry_outcomes``, all horizons.
    notes : DataFrame
        Columns at, text.
    """
    about = market_label(entry["symbol"], entry["venue"], entry["side"])
    source = f" · {escape(str(entry['source']))}" if entry["source"] else ""
    head = (
        f"<h3>#{entry['number']} · {escape(str(entry['kind']))} · {escape(about)}</h3>"
        f'<p class="hl-muted">{entry["at"]:%Y-%m-%d %H:%M} UTC{source}</p>'
        f'<p class="hl-written">{escape(str(entry["text"]))}</p>'
    )
    reason = f'<p><span class="hl-muted">Reason:</span> {escape(str(entry["reason"]))}</p>' if entry["reason"] else ""
    return head + reason + _notes_html(notes) + _outcomes_html(outcomes)


def _notes_html(notes: pd.DataFrame) -> str:
    items = "".join(
        f'<li><span class="hl-muted">{row["at"]:%Y-%m-%d %H:%M}</span> {escape(str(row["text"]))}</li>'
        for row in notes.to_dict("records")
    )
    return f'<ul class="hl-list" aria-label="Later notes">{items}</ul>' if items else ""


def _outcomes_html(outcomes: pd.DataFrame) -> str:
    rows = [_outcome_cells(row) for row in outcomes.to_dict("records")]
    heads = ("after", "from", "to", "return", "best", "worst")
    return html_table("What came of it, before costs", heads, rows, empty="No outcome.")


def _outcome_cells(row: Mapping[Any, Any]) -> list[str]:
    if row["status"] != "done":
        return [str(row["horizon"]), *[show.UNKNOWN] * 2, SHORT.get(str(row["status"]), ""), *[show.UNKNOWN] * 2]
    prices = [show.price(row["entry_price"]), show.price(row["exit_price"])]
    return [
        str(row["horizon"]),
        *prices,
        *(show.percent(row[name]) for name in ("forward_return", "favourable", "adverse")),
    ]


def state_html(state: Mapping[str, Any]) -> str:
    """Names and values of the state at the moment of an entry."""
    early = {"drawdown": f"drawdown{QUOTE}"} if "replay of" in state else {}  # logged without its unit at first
    named = {early.get(name, name): value for name, value in state.items()}
    rows = [(name.replace("_", " ").removesuffix(QUOTE), value_text(value, name=name)) for name, value in named.items()]
    return html_table("The state at that moment", ("name", "value"), rows, empty="No state was kept with this entry.")


def value_text(value: Any, *, name: str = "") -> str:
    """Plain value as text: shares, distances and returns in percent, money short, zones in words, unknown a dash."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {value_text(inner, name=name)}" for key, inner in value.items()) or show.UNKNOWN
    if isinstance(value, list | tuple):
        return ", ".join(value_text(inner, name=name) for inner in value) or show.UNKNOWN
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return show.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number_text(value, name) if isinstance(value, int | float) else str(value)


def _number_text(value: float, name: str) -> str:
    if math.isinf(value):
        return "none"
    if name == "zone" and value in ZONE_NUMBERS:
        return ZONE_SHAPES[ZONE_NUMBERS[value]]
    if FRACTION.search(name):
        return show.percent(value, signed=False)
    if name.endswith(QUOTE):
        return show.usd(value)
    return f"{value:,}" if isinstance(value, int) else significant(value)


def significant(value: float) -> str:
    """Finite number with four significant digits, more only before the decimal point: ``71.46``, ``65,432``."""
    return f"{value:,.0f}" if abs(value) >= 999.95 else f"{value:.4g}"


def figures_html(entries: pd.DataFrame, total: pd.DataFrame, *, horizon: str) -> str:
    """Key figures over the entries shown; ``total`` is their review as one group."""
    row = total.iloc[0] if len(total) else pd.Series({"decided": 0, "verdict": ""})
    known, verdict = int(row["decided"]), str(row["verdict"])
    rate = _with_range(*(float(row.get(name, math.nan)) for name in ("hit_rate", "hit_low", "hit_high")), signed=False)
    mean = _with_range(*(float(row.get(name, math.nan)) for name in ("mean_return", "mean_low", "mean_high")))
    pending = int((entries["status"] == "pending").sum()) if len(entries) else 0
    figures = {
        "Entries shown": f"{len(entries):,}",
        f"Decided after {horizon}": f'{known:,}<span class="hl-range">{pending:,} pending</span>',
        "Hit rate": rate,
        "Mean P&amp;L after cost": mean,
        "Verdict on the entries shown": _verdict(verdict) or show.UNKNOWN,
    }
    small = ' style="font-size:17px;line-height:1.3"'
    cells = "".join(
        f'<div class="hl-figure" role="group" aria-label="{name}"><div class="hl-figure-name" style="line-height:1.3">'
        f'{name}</div><div class="hl-figure-value"{small}>{text}</div></div>'
        for name, text in figures.items()
    )
    return f'<div class="hl-figures">{cells}</div>'


def _with_range(value: float, low: float, high: float, *, signed: bool = True) -> str:
    known = math.isfinite(low)
    span = (
        f"95 %: {show.percent(low, signed=signed)} to {show.percent(high, signed=signed)}" if known else "no interval"
    )
    return f'{show.percent(value, signed=signed)}<span class="hl-range">{span}</span>'


def _verdict(word: str) -> str:
    if not word:
        return ""
    return badge(f"{VERDICT_SHAPES.get(word, '')} {word}".strip(), VERDICTS.get(word, ""))


def review_html(review: pd.DataFrame, *, by: str, horizon: str) -> str:
    """Table of a review with intervals, counts and verdict in words."""
    rows = [_review_cells(row) for row in review.to_dict("records")]
    heads = (by, "entries", "decided", "independent", "hit rate", "mean P&L after cost", "best", "worst", "verdict")
    caption = f"By {by}, {horizon} after the entry"
    return html_table(caption, heads, rows, empty="No entries to review.") + f'<p class="hl-muted">{REVIEW_NOTE}</p>'


def _review_cells(row: Mapping[Any, Any]) -> Sequence[str]:
    return [
        str(row["group"]),
        f"{row['count']:,}",
        f"{row['decided']:,}",
        f"{row['independent']:,}",
        Markup(interval(row["hit_rate"], row["hit_low"], row["hit_high"], signed=False)),
        Markup(interval(row["mean_return"], row["mean_low"], row["mean_high"])),
        show.percent(row["mean_favourable"]),
        show.percent(row["mean_adverse"]),
        Markup(_verdict(str(row["verdict"]))),
    ]
