"""Bars of clusters' shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
from bokeh.document import Document

from heatlab.figures.cluster_bars import ClusterBars
from heatlab.figures.theme import LIGHT

ROWS = [
    (1, "BTC +4", "BTC, ETH", 5, 0.30, 0.50, "alert"),
    (2, "XRP", "XRP", 1, 0.21, 0.10, "watch"),
    (3, "SOL", "SOL", 1, 0.05, -0.12, ""),
    (0, "unclustered", "NEW", 1, 0.04, np.nan, ""),
]
SHARES = pd.DataFrame(ROWS, columns=["cluster", "name", "symbols", "positions", "gross_share", "risk_share", "level"])


def test_every_bar_has_its_number_and_the_level_in_word_and_shape() -> None:
    """Two bars a cluster; the level stands at the longer one."""
    text = ClusterBars(SHARES).source.data["text"]
    assert text[:4] == ["size 30.0 %", "risk 50.0 %  ▲ alert", "size 21.0 %  ● watch", "risk 10.0 %"]
    assert text[4:] == ["size 5.0 %  ▼ below", "risk -12.0 %, a hedge", "size 4.0 %  ▼ below", "risk unknown"]


def test_marks_stand_at_watch_and_alert_and_can_move() -> None:
    """With their percentages."""
    shown = ClusterBars(SHARES)
    assert [label.text for _, label in shown._marks.values()] == ["watch 20 %", "alert 25 %"]
    shown.update(SHARES, watch=0.3, alert=0.4)
    assert [span.location for span, _ in shown._marks.values()] == [0.3, 0.4]


def test_a_hedge_reaches_below_zero() -> None:
    """The axis makes room for it and for the numbers."""
    shown = ClusterBars(SHARES)
    assert shown.root.x_range.start < -0.12
    assert shown.root.x_range.end > 0.6


def test_no_cluster_and_another_theme_draw() -> None:
    """The models stay."""
    shown = ClusterBars(SHARES)
    before = {shown.root.id, shown.source.id}
    shown.update(SHARES.iloc[:0])
    shown.set_theme(LIGHT)
    assert {shown.root.id, shown.source.id} == before
    assert shown.source.data["text"] == []
    Document().add_root(shown.root)
