"""Stress curve, bars, path and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.figures import DARK, LIGHT
from heatlab.figures.stress_bars import MOST_BARS, StressBars, StressPath
from heatlab.figures.stress_figure import MOST_LABELS, StressFigure, mark_columns
from heatlab.figures.stress_tables import stress_accounts_html, stress_positions_html

MOVES = np.linspace(-0.3, 0.3, 61)
CURVE = pd.DataFrame({"move": MOVES, "pnl": 1000 * MOVES, "equity": 500 + 1000 * MOVES, "liquidated": 0})
NO_ACCOUNTS = pd.DataFrame(index=pd.Index([], name="move", dtype="float64"))


def marks(*moves: float) -> pd.DataFrame:
    """One isolated position liquidated at each move."""
    return pd.DataFrame({"move": moves, "label": [f"S{k} long" for k in range(len(moves))], "positions": 1})


def position(**values: Any) -> dict[str, Any]:
    """One row of ``StressResult.positions``."""
    row = {
        "symbol": "BTC/USDT:USDT", "venue": "okx", "side": 1, "margin_mode": "isolated", "notional": 1000.0,
        "beta": 1.0, "downside_beta": 1.1, "basis": "beta", "pnl": -50.0, "outcome": "held",
        "liquidation_move": -0.09, "distance": -0.09, "distance_after": -0.04, "margin_left": 50.0, "note": "",
    }  # fmt: skip
    return row | values


def account(**values: Any) -> dict[str, Any]:
    """One row of ``StressResult.accounts``."""
    row = {
        "venue": "okx", "currency": "USDT", "positions": 2, "equity_before": 100.0, "equity": 90.0,
        "maintenance": 9.0, "margin_left": 81.0, "margin_ratio": 0.1, "liquidation_move": -0.2, "outcome": "held",
        "note": "",
    }  # fmt: skip
    return row | values


def test_a_mark_lies_on_the_curve_and_names_what_goes() -> None:
    """Two close to each other share a label."""
    columns = mark_columns(marks(-0.131, -0.128, 0.1), CURVE)
    assert columns["text"] == ["✕ S0 long, S1 long", "✕ S2 long"]
    assert columns["pnl"].tolist() == pytest.approx([-128.0, 100.0])
    assert columns["detail"][0] == "S0 long -13.1 %, S1 long -12.8 %"


def test_many_marks_make_few_labels() -> None:
    """A crowd is counted, falls and rises apart."""
    columns = mark_columns(marks(*np.linspace(-0.29, 0.29, 200)), CURVE)
    assert len(columns["text"]) <= MOST_LABELS
    assert sum(columns["count"]) == 200
    assert all("positions" in text for text in columns["text"])


def test_the_slider_moves_a_marker_and_nothing_else() -> None:
    """P&L and the number liquidated stand beside it."""
    figure = StressFigure()
    figure.update(CURVE, marks=marks(-0.1), accounts=NO_ACCOUNTS)
    before = figure.curve.data
    figure.move(-0.2, pnl=-200.0, liquidated=1)
    assert figure.here.data["text"] == ["-$200 · 1 ✕"]
    assert figure.curve.data is before


def test_a_scenario_takes_the_marker_away() -> None:
    """It is not on this curve."""
    figure = StressFigure()
    figure.move(-0.2, pnl=-200.0, liquidated=1)
    figure.no_move()
    assert figure.here.data["text"] == []


def test_an_account_that_is_not_known_is_not_drawn() -> None:
    """The others keep their names at the end of their lines."""
    accounts = pd.DataFrame({"okx USDT": 50.0, "bybit USDT": np.nan}, index=pd.Index(MOVES, name="move"))
    figure = StressFigure()
    figure.update(CURVE, marks=marks(), accounts=accounts)
    assert figure.names.data["name"] == ["okx USDT"]


def test_an_empty_book_and_an_unknown_profit_draw() -> None:
    """Nothing to show is no error."""
    figure = StressFigure()
    figure.update(CURVE.assign(pnl=np.nan), marks=marks(), accounts=NO_ACCOUNTS)
    figure.update(CURVE.iloc[:0], marks=marks(), accounts=NO_ACCOUNTS)
    assert not figure.margin.visible


def test_themes_change_colours_in_place() -> None:
    """The same models before and after."""
    figure, bars, path = StressFigure(theme=DARK), StressBars(theme=DARK), StressPath(theme=DARK)
    for one in (figure, bars, path):
        before = {model.id for model in one.root.references()}
        one.set_theme(LIGHT)
        assert before <= {model.id for model in one.root.references()}
    assert figure.pnl.background_fill_color == LIGHT.background


def test_bars_carry_their_number_and_a_liquidated_one_is_crossed_out() -> None:
    """Colour is never alone; unknown and left out are words."""
    bars = StressBars()
    rows = [
        position(),
        position(outcome="liquidated", side=-1),
        position(symbol="ETH/USDT:USDT", outcome="unknown"),
        position(symbol="NEW/USDT:USDT", outcome="unknown", pnl=np.nan),
    ]
    bars.update(pd.DataFrame(rows))
    assert bars.source.data["text"] == [
        "-$50", "✕ -$50 liquidated", "-$50 (liquidation unknown)", "left out",
    ]  # fmt: skip
    assert bars.source.data["hatch"] == [" ", "x", " ", " "]


def test_the_largest_positions_are_drawn_and_the_rest_counted() -> None:
    """500 positions make forty bars."""
    table = pd.DataFrame([position(notional=float(k), symbol=f"S{k}/USDT:USDT") for k in range(500)])
    bars = StressBars()
    bars.update(table, title="P&L")
    assert bars.source.data["row"][0] == "S499 long · okx"
    assert (len(bars.source.data["row"]), bars.root.title.text) == (
        MOST_BARS,
        "P&L (largest 40, 460 more in the table)",
    )


def test_two_positions_of_one_name_have_a_bar_each() -> None:
    """The second is numbered."""
    bars = StressBars()
    bars.update(pd.DataFrame([position(), position()]))
    assert bars.source.data["row"] == ["BTC long · okx", "BTC long · okx #2"]


def test_a_click_on_a_bar_tells_which_position() -> None:
    """And selecting marks it."""
    bars, heard = StressBars(), []
    bars.update(pd.DataFrame([position(), position(symbol="ETH/USDT:USDT")]))
    bars.on_select(heard.append)
    bars.select("ETH/USDT:USDT", "okx", 1)
    assert heard == [{"symbol": "ETH/USDT:USDT", "venue": "okx", "side": 1}]
    assert bars.source.selected.indices == [1]


def test_the_path_marks_each_hour_of_a_liquidation() -> None:
    """One at the close of the second hour, two at the fourth."""
    index = pd.date_range("2026-01-01", periods=4, freq="1h", tz="UTC", name="timestamp")
    path = StressPath()
    path.update(pd.DataFrame({"benchmark": 0.0, "pnl": [1.0, 2, 3, 4], "liquidated": [0, 1, 1, 3]}, index=index))
    assert path.hits.data["text"] == ["✕ 1", "✕ 2"]
    assert path.hits.data["time"].tolist() == [int(index[k].timestamp() * 1000) + 3_600_000 for k in (1, 3)]


def test_the_table_states_what_is_unknown() -> None:
    """Never an empty cell, never 0."""
    html = stress_positions_html(
        pd.DataFrame([position(outcome="unknown", liquidation_move=np.nan, distance=np.nan, margin_left=np.nan)])
    )
    assert html.count(">unknown<") == 2
    assert "? unknown" in html


def test_the_table_shows_a_page_and_says_which() -> None:
    """Rows 41 to 80 of 100."""
    html = stress_positions_html(pd.DataFrame([position()] * 100), first=40, limit=40)
    assert "(41 to 80 of 100)" in html
    assert html.count("<tr>") == 41


def test_a_position_no_move_liquidates_says_none() -> None:
    """Infinity is a word."""
    html = stress_positions_html(pd.DataFrame([position(liquidation_move=np.inf, distance=np.inf)]))
    assert html.count(">none<") == 2


def test_a_cross_position_goes_with_its_account() -> None:
    """BTC has 20 % to fall; after 10 % it has 11.1 % left."""
    row = position(margin_mode="cross", liquidation_move=-0.2)
    html = stress_positions_html(pd.DataFrame([row]), move=-0.1)
    assert ">BTC -20.0 %<" in html
    assert ">BTC -11.1 %<" in html


def test_text_from_outside_is_escaped() -> None:
    """A symbol cannot bring markup."""
    html = stress_positions_html(pd.DataFrame([position(note="<b>x</b>")]))
    assert "<b>x" not in html


def test_accounts_show_ratio_and_what_is_left() -> None:
    """An idle wallet has no ratio."""
    html = stress_accounts_html(pd.DataFrame([account(), account(venue="binance", positions=0)]))
    assert "10.0 %" in html
    assert "no cross position" in html
    assert "each position stands alone" in stress_accounts_html(None)
