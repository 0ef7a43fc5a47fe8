"""What the risk study found, in words: what holds and what fails."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab.portfolio.risk_study.value_at_risk import MODELS

CHANCE = 0.05


def in_words(
    coverage: pd.DataFrame, contributions: pd.DataFrame, warning: pd.DataFrame, venues: pd.DataFrame
) -> tuple[str, ...]:
    """One sentence per finding, failures included; tables as in the result."""
    return (
        *_coverage(coverage),
        *_contributions(contributions),
        *_warning(warning),
        *_venues(venues),
        "No setting was tuned to these prices; p-values are not corrected for the number of tests.",
    )


def _coverage(table: pd.DataFrame) -> list[str]:
    found = []
    years = table[table["period"].str.isdigit()] if len(table) else table
    for horizon in ("1 d", "1 h"):
        for model in MODELS:
            part = years[(years["horizon"] == horizon) & (years["model"] == model)]
            if len(part):
                held = int((part["verdict"] == "holds").sum())
                kinds = part["verdict"].value_counts()
                failed = ", ".join(
                    f"{kinds[kind]} {kind}" for kind in ("too many", "in runs", "too few") if kind in kinds
                )
                found.append(
                    f"value at risk over {horizon}, {model}: {held} of {len(part)} tests by book, level and year hold"
                    f"{f' ({failed})' if failed else ''}"
                )
    return found


def _contributions(table: pd.DataFrame) -> list[str]:
    found = []
    for row in (table[table["period"] == "all"] if len(table) else table).to_dict("records"):
        verdict = "no better than" if not row["gain_low"] > 0 else "better than"
        verdict = "worse than" if row["gain_high"] < 0 else verdict
        found.append(
            f"stated share of risk, {row['book']}, next {row['horizon']}: off by {row['error']:.1%} on average "
            f"[{row['low']:.1%}, {row['high']:.1%}], {verdict} the share by size ({row['size_error']:.1%}); "
            f"within 10 points on {row['within_10']:.0%} of {row['dates']} dates"
        )
    return found


def _warning(table: pd.DataFrame) -> list[str]:
    found = []
    for row in (table[table["period"] == "all"] if len(table) else table).to_dict("records"):
        if not np.isfinite(row["value"]):
            found.append(f"systemic warning, {row['measure']}: unknown ({row['count']} cases)")
        elif np.isfinite(row["p_value"]):
            sure = "beyond chance" if row["p_value"] < CHANCE else "not distinguishable from chance"
            found.append(
                f"systemic warning, {row['measure']}: {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] of "
                f"{row['count']}, {row['placebo']:.3f} at shifted dates ({_chance(row['p_value'])}): {sure}"
            )
        else:
            found.append(f"systemic warning, {row['measure']}: {row['value']:.3f} of {row['count']}")
    return found


def _chance(p_value: float) -> str:
    return f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"


def _venues(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    known = table[table["p_value"].notna()]
    leads = known[known["leader"] != ""]
    said = f"venues: in {len(leads)} of {len(known)} pairs one moves first by anything of use"
    return [
        said,
        *(f"{row.symbol} {row.timeframe}, {row.first} and {row.second}: {row.words}" for row in leads.itertuples()),
    ]
