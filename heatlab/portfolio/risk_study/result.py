"""What the risk study found, as tables, text and plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from heatlab.frames import plain_records

TABLES = ("coverage", "contributions", "shares", "warning", "path", "venues", "coins")
TEXTS = ("used", "lacked", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskStudyResult:
    """Outcome of the study: what holds, what fails, on what data.

    Attributes
    ----------
    name : str
    coverage : DataFrame
        book, model, horizon, level, period, count, exceptions, stated, rate, low, high, kupiec, independence,
        conditional (p-values), verdict.
    contributions : DataFrame
        Stated shares of risk of two-cluster books against those realised, by book, horizon and period.
    shares : DataFrame
        The single dates behind them: date, book, horizon, basis, stated, realised, size, equal.
    warning : DataFrame
        period, measure, count, value, low, high, placebo, p_value.
    path : DataFrame
        Mean path of the 30-day correlation around the warnings: day, rise, placebo, low, high.
    venues : DataFrame
        symbol, first, second, timeframe, bars, same_bar, leader, lag, forward, backward, p_value, words.
    coins : DataFrame
        symbol, first, last, days: what the prices cover.
    used, lacked, notes : tuple of str
        The notes say in words what holds and what fails.
    """

    name: str = "risk"
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    contributions: pd.DataFrame = field(default_factory=pd.DataFrame)
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)
    warning: pd.DataFrame = field(default_factory=pd.DataFrame)
    path: pd.DataFrame = field(default_factory=pd.DataFrame)
    venues: pd.DataFrame = field(default_factory=pd.DataFrame)
    coins: pd.DataFrame = field(default_factory=pd.DataFrame)
    used: tuple[str, ...] = ()
    lacked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Show the tables: what a terminal prints."""
        return self.table()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; unknown is None, dates are text."""
        tables = {name: plain_records(getattr(self, name)) for name in TABLES}
        return {"name": self.name, **tables, **{name: list(getattr(self, name)) for name in TEXTS}}

    def table(self) -> str:
        """Everything but the single dates as text for a terminal."""
        parts = [f"Study: {self.name}", ""]
        titles = {
            "coverage": "Losses beyond the value at risk: share seen (share stated), p of Kupiec / Christoffersen",
            "contributions": "Share of risk of the larger of two clusters: distance of stated from realised",
            "warning": "Systemic warning against the 30-day correlation (placebo: the same dates, shifted)",
            "venues": "Which venue moves first",
        }
        for name, title in titles.items():
            shown = getattr(self, name)
            if not shown.empty:
                parts += [title, _coverage_text(shown) if name == "coverage" else _plain(shown), ""]
        for title, lines in (("Notes", self.notes), ("Used", self.used), ("Lacked", self.lacked)):
            parts += [f"{title}:", *(f"  {line}" for line in lines or ("nothing",))]
        return "\n".join(parts)


def _coverage_text(coverage: pd.DataFrame) -> str:
    """One line per book, model, horizon and level; periods across."""
    cell = [
        f"{row.rate:.2%} ({row.stated:.0%}) {row.kupiec:.3f}/{row.conditional:.3f} {row.verdict}"
        for row in coverage.itertuples()
    ]
    wide = coverage.assign(cell=cell).pivot_table(
        index=["horizon", "level", "book", "model"], columns="period", values="cell", aggfunc="first", sort=False
    )
    return wide.fillna("").to_string()


def _plain(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format="{:.3f}".format, na_rep="")
