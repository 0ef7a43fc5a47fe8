"""The lead-lag figure: what it draws, updates in place, and shows where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.figures.lead_lag_figure import LeadLagFigure, chance, duration, lead_lag_columns
from heatlab.figures.theme import DARK, LIGHT

TABLE = pd.DataFrame(
    {"lag": [1, 2], "forward": [0.2, 0.01], "backward": [-0.1, 0.02], "difference": [0.3, -0.01],
     "statistic": [5.0, -0.2], "p_value": [0.0001, 0.9]}
)  # fmt: skip
HOUR = pd.Timedelta("1h")


def test_two_bars_a_lag_with_their_chance() -> None:
    """Bars stand left and right of the lag, the text above the higher one."""
    columns = lead_lag_columns(TABLE, step=HOUR)
    assert columns["left"].tolist() == [0.8, 1.8]
    assert columns["top"].tolist() == [0.2, 0.02]
    assert columns["text"] == ["p < 0.001", "p = 0.900"]
    assert columns["when"] == ["1 h", "2 h"]


def test_update_is_in_place() -> None:
    """The same models show another pair; axis and legend name it."""
    shown = LeadLagFigure(theme=LIGHT)
    root, source = shown.root, shown.source
    shown.update(TABLE, first="a", second="b", step=HOUR, title="X")
    assert (shown.root, shown.source) == (root, source)
    assert root.title.text == "X"
    assert root.xaxis[0].axis_label == "lag [bars of 1 h]"
    assert [item.label["value"] for item in shown.legend.items] == ["a, then b", "b, then a"]
    assert root.y_range.end == pytest.approx(0.26)


def test_nothing_and_unknown() -> None:
    """An empty table clears; unknown correlations do not break the axis."""
    shown = LeadLagFigure()
    shown.update(TABLE.head(0), first="a", second="b", step=pd.Timedelta(0))
    assert len(shown.source.data["lag"]) == 0
    shown.update(TABLE.assign(forward=np.nan), first="a", second="b", step=HOUR)
    assert np.isfinite(shown.root.y_range.end)


def test_small_correlations_do_not_fill_the_axis() -> None:
    """Noise stays small on screen."""
    shown = LeadLagFigure()
    shown.update(TABLE.assign(forward=0.001, backward=0.002), first="a", second="b", step=HOUR)
    assert shown.root.y_range.end == 0.05


def test_themes() -> None:
    """Colours follow the theme; the second bars are hatched in both, so colour is not alone."""
    shown = LeadLagFigure(theme=LIGHT)
    shown.set_theme(DARK)
    assert shown.root.background_fill_color == DARK.background
    assert shown._backward.glyph.hatch_pattern == "/"


def test_words() -> None:
    """Chance and duration as text."""
    assert [chance(0.042), chance(1e-5), chance(np.nan)] == ["p = 0.042", "p < 0.001", ""]
    assert [duration(pd.Timedelta(text)) for text in ("5min", "90min", "3D")] == ["5 min", "1.5 h", "3 d"]
