"""Figures of the risk study: data in, marks out, every state of the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.figures.risk_study_figures import ContributionFigure, CoverageFigure, WarningPathFigure
from heatlab.figures.theme import DARK, LIGHT

COVERAGE = pd.DataFrame(
    [
        ("b", "m", "1 d", 0.95, "2020-2024", 100, 5, 0.05, 0.05, 0.02, 0.11, 1.0, 0.5, 0.8, "holds"),
        ("b", "m", "1 d", 0.95, "2025-2026", 100, 20, 0.05, 0.2, 0.13, 0.29, 0.0, 0.5, 0.0, "too many"),
        ("b", "m", "1 d", 0.95, "2024", 100, 5, 0.05, 0.05, 0.02, 0.11, 1.0, 0.5, 0.8, "holds"),
    ],
    columns=[
        "book", "model", "horizon", "level", "period", "count", "exceptions", "stated", "rate", "low", "high",
        "kupiec", "independence", "conditional", "verdict",
    ],
)  # fmt: skip
CONTRIBUTIONS = pd.DataFrame(
    {"book": ["both long"], "horizon": ["7 d"], "period": ["all"], "dates": [10], "error": [0.03], "low": [0.02],
     "high": [0.04], "size_error": [0.05], "equal_error": [0.3], "within_10": [0.9]}
)  # fmt: skip
PATH = pd.DataFrame({"day": [-1, 0, 1], "rise": [0, 0, 0.02], "placebo": 0.0, "low": -0.01, "high": 0.01})


def test_coverage_shows_panels_not_years() -> None:
    """Two panels of one row stand apart and have different shapes; single years are left out."""
    shown = CoverageFigure(theme=LIGHT)
    shown.update(COVERAGE)
    data = shown.sources[0].data
    assert list(data["rate"]) == [0.05, 0.2]
    assert list(data["marker"]) == ["circle", "triangle"]
    assert data["row"][0] == ("m, b", pytest.approx(0.2))
    assert shown.plots[0].y_range.factors == ["m, b"]
    assert "▲ 2025-2026" in shown.plots[0].title.text


def test_a_failed_test_is_filled_and_named() -> None:
    """The verdict is a word; colour and fill only repeat it, in both themes."""
    shown = CoverageFigure(theme=LIGHT)
    shown.update(COVERAGE)
    shown.set_theme(DARK)
    assert list(shown.sources[0].data["verdict"]) == ["holds", "too many"]
    assert shown.sources[0].data["fill"] == [DARK.background, DARK.bad]


def test_a_horizon_without_readings_is_empty() -> None:
    """Nothing to draw, nothing breaks."""
    shown = CoverageFigure()
    shown.update(COVERAGE, horizon="1 h")
    assert shown.sources[0].data["rate"] == []
    shown.update(pd.DataFrame())
    assert shown.plots[1].y_range.factors == []


def test_contributions_stand_beside_the_baselines() -> None:
    """One row per book, horizon and panel with three marks; the axis reaches the worst."""
    shown = ContributionFigure(theme=LIGHT)
    shown.update(CONTRIBUTIONS)
    assert list(shown.source.data["row"]) == ["both long, next 7 d, all"]
    assert shown.root.x_range.end > 0.3
    shown.update(CONTRIBUTIONS.assign(low=np.nan, high=np.nan))
    assert np.isfinite(shown.root.x_range.end)
    shown.update(pd.DataFrame())
    assert shown.source.data["row"] == []


def test_the_path_over_its_band() -> None:
    """Line and band share one source; an empty table clears it."""
    shown = WarningPathFigure(theme=LIGHT)
    shown.update(PATH, title="t")
    assert list(shown.source.data["rise"]) == [0, 0, 0.02]
    shown.set_theme(DARK)
    assert shown.root.background_fill_color == DARK.background
    shown.update(pd.DataFrame())
    assert shown.source.data["day"] == []
