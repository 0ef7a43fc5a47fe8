"""What the risk study found, in words: each finding begins with what it is, "holds", "mixed", "fails" or "seen"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.portfolio.risk_study.value_at_risk import MODELS

KINDS = ("holds", "mixed", "fails", "seen")
CHANCE = 0.05
MOST, FEW = 0.9, 0.5
"""A claim true of at least this share of cases holds; of less than that one, it fails."""


def in_words(
    coverage: pd.DataFrame, contributions: pd.DataFrame, warning: pd.DataFrame, venues: pd.DataFrame
) -> tuple[str, ...]:
    """One sentence per finding, failures included; tables as in the result."""
    return (
        *_coverage(coverage),
        *_contributions(contributions),
        *_warning(warning),
        *_venues(venues),
        "seen: no setting was tuned to these prices; p-values are not corrected for the number of tests",
    )


def _coverage(table: pd.DataFrame) -> list[str]:
    found = []
    years = table[table["period"].str.isdigit()] if len(table) else table
    for horizon in ("1 d", "1 h"):
        for model in MODELS:
            part = years[(years["horizon"] == horizon) & (years["model"] == model)] if len(years) else years
            if len(part):
                held = int((part["verdict"] == "holds").sum())
                kinds = part["verdict"].value_counts()
                failed = [f"{kinds[kind]} {kind}" for kind in ("too many", "in runs", "too few") if kind in kinds]
                why = f" ({', '.join(failed)})" if failed else ""
                said = (
                    f"value at risk over {horizon}, {model}: {held} of {len(part)} tests by book, level and year hold"
                )
                found.append(f"{_kind(held / len(part))}: {said}{why}")
    return found


def _contributions(table: pd.DataFrame) -> list[str]:
    found = []
    for row in (table[table["period"] == "all"] if len(table) else table).to_dict("records"):
        versus = "better than" if row["gain_low"] > 0 else ("worse than" if row["gain_high"] < 0 else "no better than")
        found.append(
            f"{_kind(row['within_10'])}: stated share of risk, {row['book']}, next {row['horizon']}: within 10 points "
            f"on {row['within_10']:.0%} of {row['dates']} dates, off by {100 * row['error']:.1f} points on average"
            f"{_ends(100 * row['low'], 100 * row['high'], '.1f')}, {versus} the share by size "
            f"({100 * row['size_error']:.1f})"
        )
    return found


def _warning(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    found = [_measure(row) for row in table[table["period"] == "all"].to_dict("records")]
    silent = table[
        (table["measure"] == "of those, hours in alert") & (table["value"] == 0) & (table["period"] != "all")
    ]
    return found + [f"fails: systemic warning: not one in {period}" for period in silent["period"]]


def _measure(row: Mapping[Any, Any]) -> str:
    name, count, value = row["measure"], row["count"], row["value"]
    if not np.isfinite(value):
        return f"seen: systemic warning, {name}: unknown ({count} cases)"
    if name.startswith("median"):
        return f"seen: systemic warning, {name}: {value:g} over {count} cases"
    style = "+.3f" if name.startswith("rise") else ".0%"
    if not np.isfinite(row["p_value"]):
        return f"seen: systemic warning, {name}: {value:.1%} of {count:,}"
    better = row["p_value"] < CHANCE
    return (
        f"{'holds' if better else 'fails'}: systemic warning, {name}: {value:{style}}"
        f"{_ends(row['low'], row['high'], style)} over {count} cases, {row['placebo']:{style}} at shifted dates "
        f"({_chance(row['p_value'])}{'' if better else ', no better than chance'})"
    )


def _venues(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    known = table[table["p_value"].notna()]
    leads = known[known["leader"] != ""]
    said = f"seen: venues: in {len(leads)} of {len(known)} tests one moves first by anything of use"
    rows = leads.to_dict("records")
    return [said, *(f"seen: {row['symbol']} {row['timeframe']} bars: {row['words']}" for row in rows)]


def _kind(share: float) -> str:
    return "holds" if share >= MOST else ("mixed" if share >= FEW else "fails")


def _ends(low: float, high: float, style: str) -> str:
    return f" [{low:{style}}, {high:{style}}]" if np.isfinite(low) and np.isfinite(high) else ""


def _chance(p_value: float) -> str:
    return f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"
