"""What a study found, as tables, text and plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from heatlab.frames import plain_records

TABLES = ("scores", "comparisons", "placebos", "secondary", "totals", "markets")
TEXTS = ("used", "lacked", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """Outcome of a study: metrics with intervals, comparisons, placebos, what was used and what lacked.

    Attributes
    ----------
    name : str
    scope : str
        What scores, comparisons and placebos are over: "coins with open interest", or "all coins" where none has it.
    scores : DataFrame
        model, metric, value, error, low, high.
    comparisons : DataFrame
        claim, value, error, low, high, reference, holds.
    placebos : DataFrame
        placebo, metric, value, ours.
    secondary : DataFrame
        As ``scores``, over all coins: read beside the placebo "has open interest", which knows nothing but that.
    totals : DataFrame
        symbol, side, measure, hours, value, error, low, high: consumed against reported liquidations by the hour.
    markets : DataFrame
        symbol, hours, units, positive, basis, note.
    used, lacked, notes : tuple of str
    """

    name: str
    scope: str = "all coins"
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    comparisons: pd.DataFrame = field(default_factory=pd.DataFrame)
    placebos: pd.DataFrame = field(default_factory=pd.DataFrame)
    secondary: pd.DataFrame = field(default_factory=pd.DataFrame)
    totals: pd.DataFrame = field(default_factory=pd.DataFrame)
    markets: pd.DataFrame = field(default_factory=pd.DataFrame)
    used: tuple[str, ...] = ()
    lacked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Show the table: what a terminal prints."""
        return self.table()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; unknown is None."""
        tables = {name: plain_records(getattr(self, name)) for name in TABLES}
        return {"name": self.name, "scope": self.scope, **tables, **{name: list(getattr(self, name)) for name in TEXTS}}

    def table(self) -> str:
        """Everything as text for a terminal."""
        parts = [f"Study: {self.name}", ""]
        if not self.scores.empty:
            parts += [f"Value ± standard error by day, {self.scope}", _wide(self.scores, "model"), ""]
            parts += [_plain(self.comparisons), "", _plain(self.placebos), ""]
        if not self.secondary.empty:
            parts += [
                "All coins, secondary: open interest or not tells coins apart",
                _wide(self.secondary, "model"),
                "",
            ]
        if not self.totals.empty:
            parts += ["Consumed by the map against reported liquidations, by the hour", _plain(self.totals), ""]
        if not self.markets.empty:
            parts += [self.markets.to_string(index=False), ""]
        for title, lines in (("Used", self.used), ("Lacked", self.lacked), ("Notes", self.notes)):
            parts += [f"{title}:", *(f"  {line}" for line in lines or ("nothing",))]
        return "\n".join(parts)


def _wide(scores: pd.DataFrame, index: str) -> str:
    cells = scores.assign(cell=[f"{v:.3f} ± {e:.3f}" for v, e in scores[["value", "error"]].to_numpy()])
    return cells.pivot_table(index=index, columns="metric", values="cell", aggfunc="first", sort=False).to_string()


def _plain(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format="{:.4f}".format)
