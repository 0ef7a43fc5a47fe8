"""The outcome of the risk study on screen: the recorded run, an empty one, themes."""

from __future__ import annotations

from heatlab.figures.theme import DARK, LIGHT
from heatlab.portfolio.risk_study import RiskStudyResult
from heatlab.portfolio.risk_study.record import recorded
from heatlab.widgets.risk_study_view import EMPTY, RiskStudyView


def test_the_recorded_run() -> None:
    """Findings, figures and tables are those of the record."""
    view = RiskStudyView(recorded(), theme=LIGHT)
    assert view.findings.value.count("<li>") == len(recorded().notes)
    assert len(view.coverage.sources[0].data["rate"]) == 24
    assert "✗ Fails" in view.findings.value
    assert "fails: " not in view.findings.value
    assert "binanceusdm" in view.venues.value


def test_the_horizon_changes_in_place() -> None:
    """Hours instead of days, the same figure."""
    view = RiskStudyView(recorded(), theme=LIGHT)
    root = view.coverage.root
    view.horizon.value = "1 h"
    assert view.coverage.root is root
    assert "over 1 h" in view.coverage.plots[0].title.text


def test_an_outcome_without_prices() -> None:
    """Empty tables say so, and what lacked is listed."""
    view = RiskStudyView(RiskStudyResult(lacked=("prices",)))
    assert EMPTY in view.warning.value
    assert "Lacked: prices" in view.data.value


def test_themes_change_in_place() -> None:
    """Every figure follows."""
    view = RiskStudyView(recorded(), theme=LIGHT)
    view.set_theme(DARK)
    assert view.path.root.background_fill_color == DARK.background
    assert view.contributions["long"].root.background_fill_color == DARK.background
