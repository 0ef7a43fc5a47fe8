"""Equity and heat of two strategies, and the tables of decisions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.figures import DARK, LIGHT
from heatlab.figures import decision_tables as tables
from heatlab.figures.comparison import EquityFigure, HeatShares, equity_columns, heat_shares, ruin_columns
from heatlab.figures.format import UNKNOWN

TIMES = pd.date_range("2025-01-01", periods=4, freq="D", tz="UTC")


def curves() -> pd.DataFrame:
    """A doubles at 5x and is liquidated at 10x on the third day; B stays."""
    lines = {("A", 5.0): [1, 1.5, 1.8, 2], ("A", 10.0): [1, 2, 0, 0], ("B", 5.0): [1] * 4, ("B", 10.0): [1] * 4}
    return pd.concat(
        pd.DataFrame({"strategy": name, "leverage": leverage, "time": TIMES, "equity": np.array(values, dtype=float)})
        for (name, leverage), values in lines.items()
    )


def test_a_line_holds_one_strategy_at_one_leverage() -> None:
    """Four points of A at 5x."""
    assert equity_columns(curves(), "A", 5.0)["equity"].tolist() == [1.0, 1.5, 1.8, 2.0]


def test_ruin_is_marked_where_equity_is_gone() -> None:
    """On the third day, in words; nothing where there is none."""
    got = ruin_columns(equity_columns(curves(), "A", 10.0), "A")
    assert got["text"] == ["A liquidated 2025-01-03"]
    assert ruin_columns(equity_columns(curves(), "B", 10.0), "B")["text"] == []


def test_the_equity_figure_changes_in_place() -> None:
    """Same models, other data; legend and title follow."""
    figure = EquityFigure(theme=DARK)
    source = figure.sources[0]
    figure.update(curves(), leverage=10.0, names=("A", "B"))
    assert figure.sources[0] is source
    assert source.data["equity"].tolist() == [1.0, 2.0, 0.0, 0.0]
    assert figure.root.title.text == "At 10x gross leverage"
    assert figure.root.y_range.end > 2.0 > 0.0 > figure.root.y_range.start
    figure.update(curves().iloc[:0], leverage=5.0, names=("A", "B"))
    assert len(source.data["equity"]) == 0


def test_heat_is_counted_into_fives() -> None:
    """Of 2, 2 and 99, two thirds lie in the first five points; NaN does not count."""
    got = heat_shares(pd.DataFrame({"A": [2.0, 2.0, 99.0, np.nan], "B": [np.nan] * 4}))
    assert got["share0"][0] == pytest.approx(2 / 3)
    assert got["share0"][-1] == pytest.approx(1 / 3)
    assert np.isnan(got["share1"]).all()


def test_the_heat_figure_shows_thresholds_and_both_themes() -> None:
    """Spans at red and green; colours follow the theme."""
    figure = HeatShares(theme=DARK)
    figure.update(pd.DataFrame({"A": [10.0, 50.0], "B": [80.0, 90.0]}), red=35.0, green=70.0)
    assert [limit.location for limit in figure._limits] == [35.0, 70.0]
    figure.set_theme(LIGHT)
    assert figure.root.background_fill_color == LIGHT.background
    EquityFigure().set_theme(LIGHT)


def clusters(gross: float, risk: float, level: str = "") -> pd.DataFrame:
    """One cluster."""
    return pd.DataFrame(
        {"cluster": [1], "name": ["<BTC>"], "gross_share": [gross], "risk_share": [risk], "level": [level]}
    )


def test_shares_are_numbers_over_bars_and_names_are_escaped() -> None:
    """A negative share is hatched, an unknown one says so."""
    got = tables.shares_html(clusters(0.4, -0.1), clusters(0.2, np.nan, "watch"))
    assert "40.0 % → <b>20.0 %</b>" in got
    assert f"-10.0 % → <b>{UNKNOWN}</b>" in got
    assert "hl-bar-negative" in got
    assert "hl-bar-unknown" in got
    assert "&lt;BTC&gt;" in got
    assert "<BTC>" not in got


def test_a_cluster_that_is_left_has_nothing_after() -> None:
    """0 %, not missing."""
    assert "40.0 % → <b>0.0 %</b>" in tables.shares_html(clusters(0.4, 0.4), clusters(0.4, 0.4).iloc[:0])


def orders(count: int = 1) -> pd.DataFrame:
    """Priced orders."""
    return pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT"] * count,
            "venue": "okx",
            "side": -1,
            "quantity": 0.5,
            "notional": 50_000.0,
            "cost": 30.0,
            "assumed": True,
        }
    )


def test_an_assumed_cost_has_a_tilde() -> None:
    """~$30."""
    assert "~$30" in tables.priced_orders_html(orders(), caption="Orders")
    assert "~" not in tables.priced_orders_html(orders().assign(assumed=False), caption="Orders")


def test_of_many_orders_the_first_are_shown_and_the_rest_counted() -> None:
    """40 of 500; the CSV has all."""
    got = tables.priced_orders_html(orders(500), caption="Orders")
    assert got.count("<tr>") == 41
    assert "40 of 500 shown, all in the CSV" in got


def test_changes_have_an_arrow_and_a_word() -> None:
    """Better and worse depend on the figure; unknown is said."""
    figures = pd.DataFrame(
        [
            ("heat", "heat", 1, 40.0, 50.0),
            ("volatility", "quote", -1, 100.0, 200.0),
            ("gross", "quote", 0, 100.0, 50.0),
            ("bets", "count", 1, 2.0, 1.999),
            ("free", "quote", 1, np.nan, 2.0),
        ],
        columns=["figure", "unit", "better", "before", "after"],
    )
    got = tables.change_html(figures)
    for words in ("▲ +10.0, better", "▲ +$100, worse", "▼ -$50<", "= unchanged", "unknown"):
        assert words in got


@pytest.mark.parametrize(("unit", "change"), [("heat", -0.04), ("count", 0.004), ("quote", -0.004)])
def test_a_change_that_rounds_to_nothing_is_none(unit: str, change: float) -> None:
    """Neither better nor worse."""
    row = pd.DataFrame([("it", unit, 1, 50.0, 50.0 + change)], columns=["figure", "unit", "better", "before", "after"])
    got = tables.change_html(row)
    assert "= unchanged" in got
    assert "worse" not in got


def test_a_position_beyond_its_liquidation_price_is_liquidated_at_once() -> None:
    """No negative distance."""
    row = ("BTC/USDT:USDT", "okx", 1, True, 50.0, 500.0, 0.5, -5.26, -121.0)
    names = ["symbol", "venue", "side", "ordered", "liquidation_before", "liquidation_after", "distance_before"]
    got = tables.distances_html(pd.DataFrame([row], columns=[*names, "distance_after", "daily_volatilities"]))
    assert "liquidated at once" in got
    assert "none left" in got
    assert "526" not in got


def test_a_verdict_is_a_word_a_mark_and_reasons() -> None:
    """Escaped; a go promises nothing."""
    assert "<div>Buy &lt;all&gt;</div>" in tables.verdict_html("go", [], [], order="Buy <all>")
    assert "✕ Look again" in tables.verdict_html("look again", ["<too much>"], [])
    assert "&lt;too much&gt;" in tables.verdict_html("look again", ["<too much>"], [])
    assert "That is no forecast" in tables.verdict_html("go", [], ["assumed"])


def test_distances_tell_no_move_from_unknown() -> None:
    """Infinity and 0 mean that no price liquidates; NaN is unknown."""
    row = {"symbol": "BTC/USDT:USDT", "venue": "okx", "side": -1, "ordered": True}
    known = {"liquidation_before": np.inf, "liquidation_after": np.nan, "distance_before": np.inf}
    got = tables.distances_html(pd.DataFrame([row | known | {"distance_after": np.nan, "daily_volatilities": np.nan}]))
    assert "this order" in got
    assert "none" in got
    assert "no move" in got
    assert UNKNOWN in got


def test_outcomes_name_the_hour_of_ruin() -> None:
    """Certain in red, possible in amber, none in words."""
    rows = [
        {"strategy": "A", "liquidated_at": TIMES[0], "possible_at": TIMES[0]},
        {"strategy": "B", "liquidated_at": pd.NaT, "possible_at": TIMES[1]},
        {"strategy": "C", "liquidated_at": pd.NaT, "possible_at": pd.NaT},
    ]
    numbers = {"leverage": 5.0, "return": 0.1, "max_drawdown": -0.2, "volatility": 0.3}
    got = tables.outcomes_html(pd.DataFrame([row | numbers for row in rows]))
    assert "✕ by 2025-01-01 00:00" in got
    assert "maybe within 2025-01-02 00:00" in got
    assert "<td>no</td>" in got
