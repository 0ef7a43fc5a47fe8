"""Exposure by timeframe as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.figures import LIGHT
from heatlab.figures.timeframe_figure import TimeframeFigure, book_bars, timeframe_cells


@pytest.fixture
def positions() -> pd.DataFrame:
    """Two positions on two timeframes, the second larger, one reading unknown."""
    rows = [
        ("A/USDT", "okx", 1, "1h", 100.0, 80.0, 1.0, 100.0, 0.4),
        ("A/USDT", "okx", 1, "1d", 100.0, 30.0, -1.0, -100.0, 0.4),
        ("B/USDT", "okx", -1, "1h", -900.0, 55.0, 0.0, 900.0, 0.6),
        ("B/USDT", "okx", -1, "1d", -900.0, np.nan, np.nan, np.nan, 0.6),
    ]
    names = ["symbol", "venue", "side", "timeframe", "exposure", "heat", "zone", "aligned", "risk_share"]
    return pd.DataFrame(rows, columns=names).assign(amount=5.0, volatility_day=0.03, flips=0.4, readings=900)


@pytest.fixture
def book() -> pd.DataFrame:
    """Two timeframes, the first noise."""
    return pd.DataFrame(
        {
            "timeframe": ["1h", "1d"],
            "with_trend": [1_000.0, 0.0],
            "against_trend": [0.0, 100.0],
            "unknown": [0.0, 900.0],
            "volatility": [10.0, 40.0],
            "independent_bets": [1.9, np.nan],
            "noise": [True, False],
        }
    )


def test_each_cell_says_heat_zone_side_of_the_trend_and_risk(positions: pd.DataFrame) -> None:
    """The largest first; colour is never alone."""
    cells = timeframe_cells(positions, theme=LIGHT)
    assert cells["row"][::2] == ["B short · okx", "A long · okx"]
    assert cells["text"] == ["55 ●", "\u2013", "80 ▲", "30 ▼"]
    assert cells["note"] == [
        "with $900 · risk 60.0 %",
        "risk 60.0 %",
        "with $100 · risk 40.0 %",
        "against $100 · risk 40.0 %",
    ]
    assert cells["hatch"] == [" ", "/", " ", " "]


def test_bars_of_the_book_carry_their_amounts(book: pd.DataFrame) -> None:
    """Against to the left, with to the right; what is unknown is said."""
    bars = book_bars(book)
    assert (bars["left"], bars["right"]) == ([-0.0, -100.0], [1_000.0, 0.0])
    assert bars["against_text"][1] == "against $100, $900 unknown"
    assert bars["timeframe"] == ["1h · noise", "1d"]
    assert bars["note"][0] == "book moves $10 a bar · 1.9 independent bets"


def test_noise_is_in_the_head_and_hatched(positions: pd.DataFrame, book: pd.DataFrame) -> None:
    """One band over the column of the hour."""
    figure = TimeframeFigure()
    figure.update(positions, book)
    assert figure.bands.data["x"] == [0.0]
    assert figure.grid.xaxis[0].major_label_overrides == {0: "1h · noise", 1: "1d"}


def test_an_update_keeps_every_model(positions: pd.DataFrame, book: pd.DataFrame) -> None:
    """Another theme and an empty book."""
    figure = TimeframeFigure()
    figure.update(positions, book)
    kept = {figure.bars.id, figure.cells.id, figure.bands.id}
    figure.set_theme(LIGHT)
    figure.update(positions.iloc[:0], book.iloc[:0])
    assert {figure.bars.id, figure.cells.id, figure.bands.id} == kept
    assert (figure.cells.data["text"], figure.drawn) == ([], 0)


def test_at_most_forty_positions_are_drawn(positions: pd.DataFrame, book: pd.DataFrame) -> None:
    """The largest."""
    many = pd.concat(
        [positions.iloc[:2].assign(symbol=f"C{k}/USDT", exposure=float(k)) for k in range(60)], ignore_index=True
    )
    figure = TimeframeFigure()
    figure.update(many, book)
    assert figure.drawn == 40
    assert figure.cells.data["row"][0] == "C59 long · okx"
