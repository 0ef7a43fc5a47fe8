"""Heat of a book: positions by timeframes, and one number per position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab import heat
from heatlab.domain import Side
from heatlab.errors import MissingColumnsError, ParameterError
from tests.trend.walks import candles, walk

NOW = pd.Timestamp("2025-01-26 20:30", tz="UTC")  # 500 hourly bars from 2025-01-06 end at 20:00
SETTINGS = heat.HeatSettings(timeframe_weights=(("1h", 3.0), ("4h", 1.0)))
BTC, ETH = ("binanceusdm", "BTC/USDT:USDT"), ("okx", "ETH/USDT:USDT")


def positions(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Positions of (venue, symbol, side)."""
    return pd.DataFrame([{"symbol": s, "venue": v, "side": side, "quantity": 1.0} for v, s, side in rows])


def market() -> dict[tuple[str, str, str], pd.DataFrame]:
    """Hours and four-hours of BTC only."""
    return {(*BTC, "1h"): walk(500), (*BTC, "4h"): walk(125, seed=8, timeframe="4h")}


def test_one_row_per_position_and_timeframe(pure: Callable[..., Any]) -> None:
    """A long and a short of the same coin: four rows, equal to the last bar of momentum_heat."""
    table = pure(heat.heat_table, positions((*BTC, 1), (*BTC, -1)), market(), now=NOW, settings=SETTINGS)
    assert list(zip(table["side"], table["timeframe"], strict=True)) == [(1, "1h"), (1, "4h"), (-1, "1h"), (-1, "4h")]
    last = heat.momentum_heat(walk(500), Side.SHORT, settings=SETTINGS).iloc[-1]
    row = table.iloc[2]
    for column in last.index:
        assert row[column] == last[column]
    assert (row["timestamp"], row["age"], row["bars"]) == (walk(500).index[-1], pd.Timedelta("30min"), 500)
    assert (table["note"] == "").all()


def test_readings_of_another_table_are_taken_over() -> None:
    """The same numbers come out, and candles are asked only for what is new."""
    both = positions((*BTC, 1), (*BTC, -1))
    whole = heat.heat_table(both, market(), now=NOW, settings=SETTINGS)
    known = heat.heat_table(both.iloc[[1]], market(), now=NOW, settings=SETTINGS)
    pd.testing.assert_frame_equal(heat.heat_table(both, market(), now=NOW, settings=SETTINGS, known=known), whole)
    pd.testing.assert_frame_equal(heat.heat_table(both, {}, now=NOW, settings=SETTINGS, known=whole), whole)


def test_a_bar_that_is_still_open_does_not_count() -> None:
    """Half an hour earlier the last hour is not closed."""
    now = NOW - pd.Timedelta("1h")
    table = heat.heat_table(positions((*BTC, 1)), market(), now=now, settings=SETTINGS)
    assert table["bars"].tolist() == [499, 124]
    assert table["timestamp"].iloc[0] == walk(500).index[-2]


def test_missing_candles_are_unknown_and_say_so() -> None:
    """NaN, never 0, with the reason."""
    table = heat.heat_table(positions((*ETH, 1)), market(), now=NOW, settings=SETTINGS)
    assert table["heat"].isna().all()
    assert table["note"].tolist() == ["no candles", "no candles"]
    assert table["bars"].tolist() == [0, 0]
    assert table["timestamp"].isna().all()


@pytest.mark.parametrize(
    ("given", "now", "note"),
    [
        (walk(10), NOW, "10 of 51 bars"),
        (walk(10), pd.Timestamp("2025-01-06", tz="UTC"), "no closed bar yet"),
        (walk(500), NOW + pd.Timedelta("5h"), "stale: 1h bars 6 missing"),
        (candles(np.full(300, 5.0)), NOW, "the price does not move"),
        (candles([*walk(100)["close"], np.nan]), NOW, "the last bar has no close"),
    ],
)
def test_the_note_says_what_is_wrong(given: pd.DataFrame, now: pd.Timestamp, note: str) -> None:
    """Too short, not begun, old, still, and without a last close."""
    only = heat.HeatSettings(timeframe_weights=(("1h", 1.0),))
    table = heat.heat_table(positions((*BTC, 1)), {(*BTC, "1h"): given}, now=now, settings=only)
    assert table["note"].tolist() == [note]


def test_an_empty_book_has_an_empty_table() -> None:
    """No positions: the columns, no rows."""
    empty = positions((*BTC, 1))[:0]
    table = heat.heat_table(empty, market(), now=NOW)
    assert len(table) == 0
    assert "note" in table
    assert len(heat.position_heat(table)) == 0


def test_position_heat_weighs_the_timeframes(pure: Callable[..., Any]) -> None:
    """Three parts of the hour and one of the four hours."""
    table = heat.heat_table(positions((*BTC, 1)), market(), now=NOW, settings=SETTINGS)
    hour, four = table["heat"]
    row = pure(heat.position_heat, table, settings=SETTINGS).iloc[0]
    assert row["heat"] == pytest.approx((3 * hour + four) / 4)
    assert row["timeframes"] == 2
    assert row["zone"] == heat.zone_of(row["heat"], row["green"], row["red"])


def test_an_unknown_timeframe_is_left_out_of_the_mean() -> None:
    """Only the hour is known: it is the heat; nothing known: NaN. The order of the positions stays."""
    given = {(*BTC, "1h"): walk(500)}
    table = heat.heat_table(positions((*ETH, 1), (*BTC, 1)), given, now=NOW, settings=SETTINGS)
    got = heat.position_heat(table, settings=SETTINGS)
    assert got["symbol"].tolist() == [ETH[1], BTC[1]]
    assert got["heat"].isna().tolist() == [True, False]
    assert got["heat"].iloc[1] == pytest.approx(table["heat"].iloc[2])
    assert got["zone"].isna().tolist() == [True, False]
    assert got["timeframes"].tolist() == [0, 1]


def test_tables_without_their_columns_are_refused() -> None:
    """The message names what is missing."""
    with pytest.raises(MissingColumnsError, match=r"positions table of heat_table must have .* Missing side"):
        heat.heat_table(pd.DataFrame({"symbol": [], "venue": []}), {}, now=NOW)
    with pytest.raises(MissingColumnsError, match=r"heat table of position_heat must have .* Missing timeframe"):
        heat.position_heat(pd.DataFrame(columns=["symbol", "venue", "side"]))


def test_zones_of_single_readings() -> None:
    """At green is green, at red is amber, below red is red, unknown is unknown."""
    zones = heat.zone_of([75.0, 74.9, 40.0, 39.9, np.nan], 75.0, 40.0)
    np.testing.assert_array_equal(zones, [1, 0, 0, -1, np.nan])
    assert [heat.zone_label(zone) for zone in zones] == ["green", "amber", "amber", "red", "unknown"]


def test_a_wrong_zone_has_no_label() -> None:
    """Two is no zone."""
    with pytest.raises(ParameterError, match="'zone' parameter of zone_label must be one of"):
        heat.zone_label(2)
