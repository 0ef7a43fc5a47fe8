"""Quadrant figure: places, shapes, texts and limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from heatlab.figures.quadrant_figure import EDGE, QuadrantFigure
from heatlab.figures.theme import LIGHT


def table(rows: list[tuple[float, float, str]]) -> pd.DataFrame:
    """Positions from (conviction, size share, quadrant); limits 50 % and 20 %."""
    made = pd.DataFrame(rows, columns=["conviction", "size_share", "quadrant"])
    made.insert(0, "symbol", [f"C{k}/USDT:USDT" for k in range(len(rows))])
    made.insert(1, "venue", "okx")
    made.insert(2, "side", 1)
    made["reason"] = "so it is"
    made.attrs = {"conviction": 0.5, "size_share": 0.2}
    return made


ROWS = [
    (-0.4, 0.4, "unsure"),
    (np.nan, 0.1, "unsure"),
    (0.7, 0.3, "high conviction, large"),
    (0.1, 0.15, "speculative, small"),
    (-0.9, 0.05, "hedge"),
]


def test_every_quadrant_has_its_own_shape_and_the_size_is_printed() -> None:
    """Colour is never alone."""
    data = QuadrantFigure(table(ROWS)).source.data
    assert data["marker"] == ["triangle", "triangle", "circle", "diamond", "square"]
    assert data["text"][0] == "C0 long 40 %"
    assert data["diameter"][0] > data["diameter"][-1]


def test_unknown_conviction_stands_apart() -> None:
    """In its strip, never at 0."""
    data = QuadrantFigure(table(ROWS)).source.data
    assert data["x"][1] < EDGE < -1
    assert data["conviction"][:2] == ["-40 %", "unknown"]


def test_lines_stand_at_the_limits_and_corners_count() -> None:
    """As in the table's attrs."""
    shown = QuadrantFigure(table(ROWS))
    assert [line.location for line in shown.lines[:2]] == [0.5, 0.2]
    assert (shown.high.left, shown.high.bottom) == (0.5, 0.2)
    assert [corner.text for corner in shown.corners.values()] == [
        "● high conviction, large: 1",
        "▲ unsure: 2",
        "◆ speculative, small: 1   ■ hedge: 1",
    ]


def test_the_largest_forty_are_drawn() -> None:
    """The others are counted; a position of unknown size has no place."""
    shown = QuadrantFigure(table([(0.01 * k - 1, 0.02, "unsure") for k in range(60)] + [(0.1, np.nan, "unsure")]))
    assert len(shown.source.data["x"]) == 40
    assert shown.not_drawn == 21
    assert sum(text != "" for text in shown.source.data["text"]) <= 14


def test_nothing_to_draw_has_no_lines() -> None:
    """An empty book."""
    shown = QuadrantFigure()
    assert shown.source.data["x"] == []
    assert not shown.high.visible


def test_texts_do_not_cover_one_another() -> None:
    """Of two marks in one place only one is named."""
    texts = QuadrantFigure(table([(0.5, 0.3, "unsure"), (0.501, 0.3, "unsure")])).source.data["text"]
    assert sum(text != "" for text in texts) <= 1


def test_an_update_keeps_every_model() -> None:
    """Another book, another theme."""
    shown = QuadrantFigure(table(ROWS))
    before = {model.id for model in shown.root.references()}
    shown.update(table(ROWS[:2]))
    shown.set_theme(LIGHT)
    assert {model.id for model in shown.root.references()} == before
    assert len(shown.source.data["x"]) == 2


def test_a_click_calls_back_and_select_marks() -> None:
    """By symbol, venue and side."""
    shown = QuadrantFigure(table(ROWS))
    heard: list[Any] = []
    shown.on_select(heard.append)
    shown.source.selected.indices = [2]
    assert heard == [{"symbol": "C2/USDT:USDT", "venue": "okx", "side": 1}]
    shown.select("C4/USDT:USDT", "okx", 1)
    assert shown.source.selected.indices == [4]
    assert len(heard) == 2
