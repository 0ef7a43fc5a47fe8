"""What the risk study found, on screen: figures, the tests of venues, and in words what holds and what fails."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets
import numpy as np

from heatlab.figures import format as show
from heatlab.figures.lead_lag_figure import chance
from heatlab.figures.risk_study_figures import ContributionFigure, CoverageFigure, WarningPathFigure
from heatlab.figures.tables import html_table
from heatlab.figures.theme import DARK, Theme
from heatlab.portfolio.risk_study import RiskStudyResult
from heatlab.portfolio.risk_study.words import KINDS
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html, notices_html
from heatlab.widgets.status import Status, guard

HORIZONS = ("1 d", "1 h")
TITLES = {"holds": "✓ Holds", "mixed": "~ Mixed", "fails": "✗ Fails", "seen": "Also seen"}
EMPTY = "The prices do not reach for this: see what lacked, below."


class RiskStudyView(ipywidgets.VBox):  # type: ignore[misc]
    """One outcome of the study, updated in place by :meth:`show`.

    Parameters
    ----------
    result : RiskStudyResult
    theme : Theme
    status : Status, optional
        Where an error of a control is shown.
    """

    def __init__(self, result: RiskStudyResult, *, theme: Theme = DARK, status: Status | None = None) -> None:
        self._result = result
        self.coverage, self.path = CoverageFigure(theme=theme), WarningPathFigure(theme=theme)
        self.contributions = {name: ContributionFigure(theme=theme) for name in ("long", "short")}
        self.horizon = ipywidgets.Dropdown(description="Over", options=list(HORIZONS), value=HORIZONS[0])
        self.horizon.observe(guard(self._draw_coverage, status or Status()), "value")
        self.findings, self.warning, self.venues, self.data = (ipywidgets.HTML() for _ in range(4))
        super().__init__(self._parts())
        self.show(result)

    def show(self, result: RiskStudyResult) -> None:
        """Show another outcome."""
        self._result = result
        self._draw_coverage(None)
        table = result.contributions
        hedged = table["book"].str.contains("short") if len(table) else np.zeros(0, dtype=bool)
        for name, part in (("long", table[~hedged]), ("short", table[hedged])):
            self.contributions[name].update(part)
        self.path.update(result.path, title="Mean correlation of 30 days around systemic warnings")
        self.findings.value = findings_html(result)
        self.warning.value, self.venues.value = warning_html(result), venues_html(result)
        data = [*(f"Used: {line}" for line in result.used), *(f"Lacked: {line}" for line in result.lacked)]
        self.data.value = notices_html(data)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of every figure."""
        self.coverage.set_theme(theme)
        self.path.set_theme(theme)
        for figure in self.contributions.values():
            figure.set_theme(theme)

    def _draw_coverage(self, _change: Any) -> None:
        self.coverage.update(self._result.coverage, horizon=self.horizon.value)

    def _parts(self) -> list[Any]:
        pick = ipywidgets.Box([self.horizon])
        pick.add_class("hl-toolbar")
        panes = [BokehPane(self.contributions[name].root) for name in ("long", "short")]
        return [
            _heading("What holds, what fails"),
            self.findings,
            _heading("Losses beyond the stated value at risk"),
            pick,
            BokehPane(self.coverage.root, waiting="Drawing the coverage"),
            _heading("Stated and realised shares of risk of two clusters"),
            *panes,
            _heading("Systemic warning and the 30-day correlation"),
            BokehPane(self.path.root),
            self.warning,
            _heading("Which venue moves first"),
            self.venues,
            self.data,
        ]


def _heading(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(f"<h2>{text}</h2>")


def findings_html(result: RiskStudyResult) -> str:
    """List the findings of the study: what holds, what is mixed, what fails, and what else was seen."""
    parts = []
    for kind in KINDS:
        lines = [note.removeprefix(f"{kind}: ") for note in result.notes if note.startswith(f"{kind}: ")]
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(f"<h3>{TITLES[kind]}</h3><ul>{items}</ul>")
    other = [note for note in result.notes if note.partition(": ")[0] not in KINDS]
    return "".join(parts) + notices_html(other) or message_html(EMPTY)


def warning_html(result: RiskStudyResult) -> str:
    """Measures of the warning by panel, with their intervals and what shifted dates give."""
    rows = [
        [
            str(row["measure"]),
            str(row["period"]),
            f"{row['count']:,}",
            _number(row["value"]),
            f"{_number(row['low'])} to {_number(row['high'])}" if np.isfinite(row["low"]) else show.UNKNOWN,
            _number(row["placebo"]),
            chance(row["p_value"]) or show.UNKNOWN,
        ]
        for row in result.warning.to_dict("records")
    ]
    heads = ("measure", "period", "cases", "value", "95 % interval", "at shifted dates", "chance")
    return html_table("Systemic warning for a book long every coin", heads, rows, empty=EMPTY)


def venues_html(result: RiskStudyResult) -> str:
    """Verdict on each pair of venues."""
    rows = [
        [f"{row['symbol']} {row['timeframe']}", row["first"], row["second"], f"{row['bars']:,}", row["words"]]
        for row in result.venues.to_dict("records")
    ]
    heads = ("bars", "first", "second", "returns", "verdict")
    empty = "No symbol with bars of one length and time on two venues."
    return html_table("Lead-lag, tested by block sign flips over five lags", heads, rows, empty=empty)


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else show.UNKNOWN
