"""Heat grid and history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document

from heatlab.figures import LIGHT, HeatGrid, HeatHistory
from heatlab.figures.heat_grid import position_label


def test_every_reading_is_a_cell_with_number_and_arrow(heat_table: pd.DataFrame) -> None:
    """Colour is never alone."""
    grid = HeatGrid(heat_table)
    assert grid.source.data["text"] == ["80 ▲", "30 ▼", "55 ●", "\u2013"]
    assert grid.source.data["note"][0] == "40 | 75"


def test_an_unknown_reading_is_hatched_and_says_why(heat_table: pd.DataFrame) -> None:
    """The note takes the place of the thresholds."""
    data = HeatGrid(heat_table).source.data
    assert (data["hatch"][3], data["note"][3]) == ("/", "no candles")
    assert data["hatch"][0] == " "


def test_an_old_reading_is_hatched_and_greyed_but_keeps_its_number(heat_table: pd.DataFrame) -> None:
    """Three bars late: the number stays, the colour goes, the cell says so."""
    known = int(heat_table["heat"].notna().to_numpy().argmax())
    fresh = HeatGrid(heat_table).source.data
    heat_table.loc[heat_table.index[known], "note"] = "stale: 1h bars 5 missing"
    old = HeatGrid(heat_table).source.data
    assert old["text"][known] == fresh["text"][known]
    assert (old["hatch"][known], old["note"][known]) == ("/", "old")
    assert old["fill"][known] != fresh["fill"][known]


def test_rows_and_columns_follow_the_table(heat_table: pd.DataFrame) -> None:
    """The first position is on top."""
    grid = HeatGrid(heat_table)
    assert grid.root.y_range.factors == ["ETH short · okx", "BTC long · binance"]
    assert grid.root.x_range.factors == ["1h", "4h"]


def test_the_overall_column_comes_last(heat_table: pd.DataFrame) -> None:
    """position_heat fills "all"."""
    overall = heat_table.iloc[[0]].drop(columns=["timeframe", "note", "timestamp", "age"]).assign(timeframes=2)
    grid = HeatGrid(heat_table, overall=overall)
    assert grid.root.x_range.factors == ["1h", "4h", "all"]
    assert grid.source.data["detail"][-1] == "mean of 2 timeframes"


def test_hover_tells_thresholds_forecast_regime_and_age(heat_table: pd.DataFrame) -> None:
    """All as text the reader can use."""
    data = HeatGrid(heat_table).source.data
    told = [data[name][0] for name in ("green", "red", "forecast", "volatility", "closed", "age")]
    assert told == ["75", "40", "3.2", "50 %", "2026-01-01 12:00 UTC", "30 min"]


def test_an_update_keeps_every_model(heat_table: pd.DataFrame) -> None:
    """Fewer rows, another theme: the same models."""
    grid = HeatGrid(heat_table)
    before = {model.id for model in grid.root.references()}
    grid.update(heat_table.iloc[:1])
    grid.set_theme(LIGHT)
    assert {model.id for model in grid.root.references()} == before
    assert grid.source.data["text"] == ["80 ▲"]


def test_an_empty_book_draws(heat_table: pd.DataFrame) -> None:
    """No rows, no error."""
    assert HeatGrid(heat_table.iloc[:0]).source.data["text"] == []


def test_a_click_calls_back_with_the_cell(heat_table: pd.DataFrame) -> None:
    """What the page sends is a change of the selection."""
    grid, heard = HeatGrid(heat_table), []
    grid.on_select(heard.append)
    grid.source.selected.indices = [2]
    assert heard == [{"symbol": "ETH/USDT:USDT", "venue": "okx", "side": -1, "timeframe": "1h"}]


def test_clearing_the_selection_calls_nobody(heat_table: pd.DataFrame) -> None:
    """Only a chosen cell counts; a grid in a document stays in it."""
    grid, heard, document = HeatGrid(heat_table), [], Document()
    document.add_root(grid.root)
    grid.on_select(heard.append)
    grid.source.selected.indices = []
    assert heard == []
    assert grid.root.document is document


def test_select_marks_the_cell(heat_table: pd.DataFrame) -> None:
    """By symbol, venue, side and timeframe."""
    grid = HeatGrid(heat_table)
    grid.select("BTC/USDT:USDT", "binance", 1, "4h")
    assert grid.source.selected.indices == [1]


@pytest.mark.parametrize(("side", "word"), [(1, "long"), (-1, "short")])
def test_labels_name_base_side_and_venue(side: int, word: str) -> None:
    """Short enough for an axis."""
    assert position_label("DOGE/USDT:USDT", "bybit", side) == f"DOGE {word} · bybit"


def readings(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Heat and candles over the same hours."""
    index = pd.date_range("2026-01-01", periods=count, freq="1h", tz="UTC", name="timestamp").as_unit("ms")
    columns = ("heat", "green", "red", "forecast", "volatility_percentile")
    heat = pd.DataFrame(dict.fromkeys(columns, 50.0), index=index)
    return heat, pd.DataFrame({"close": np.full(count, 100.0)}, index=index)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_history_shows_as_many_bars_as_there_are(count: int) -> None:
    """Axes stay valid for none, one and many."""
    history = HeatHistory()
    history.update(*readings(count), title="BTC")
    assert len(history.source.data["heat"]) == count
    assert history.price.x_range.end > history.price.x_range.start
    assert history.price.y_range.end > history.price.y_range.start


def test_a_missing_bar_has_no_price() -> None:
    """Nothing is filled forward."""
    heat, candles = readings(5)
    history = HeatHistory()
    history.update(heat, candles.drop(candles.index[2]))
    assert np.isnan(history.source.data["price"][2])


def test_history_can_be_cleared_in_place() -> None:
    """The title says why."""
    history = HeatHistory()
    history.update(*readings(5))
    before = {model.id for model in history.root.references()}
    history.clear(title="no candles")
    assert len(history.source.data["time"]) == 0
    assert history.price.title.text == "no candles"
    assert {model.id for model in history.root.references()} == before


def test_the_price_axis_names_its_unit() -> None:
    """USDT, USDC: it changes with the position."""
    history = HeatHistory()
    history.update(*readings(5), quote="USDC")
    assert history.price.yaxis[0].axis_label == "price [USDC]"
