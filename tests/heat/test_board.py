"""Heat of many symbols and timeframes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab import heat
from heatlab.domain import Side
from heatlab.errors import DataError, ParameterError
from heatlab.frames import resample_candles
from tests.heat import reference
from tests.trend.walks import walk

TIMEFRAMES = ("1h", "4h", "1d")


def closes(minutes: int = 120_000, *, step: str = "1m", start: str = "2025-01-08 03:17") -> pd.DataFrame:
    """Closes of two random walks, the second with holes, starting in the middle of an hour of a Wednesday."""
    table = pd.DataFrame({f"S{k}": walk(minutes, seed=k, timeframe=step, start=start)["close"] for k in range(2)})
    table.loc[np.random.default_rng(5).random(minutes) < 0.2, "S1"] = np.nan
    table.iloc[5_000:5_500, 1] = np.nan
    return table


def test_the_board_is_momentum_heat_on_resampled_candles() -> None:
    """One kernel: every column, symbol and timeframe equal to the one-series path."""
    table = closes()
    board = heat.heat_board(table, timeframes=TIMEFRAMES, sides={"S1": Side.SHORT})
    for symbol, side in (("S0", Side.LONG), ("S1", Side.SHORT)):
        for timeframe in TIMEFRAMES:
            close = table[symbol].ffill() if symbol == "S0" else table[symbol]
            fine = pd.DataFrame(dict.fromkeys(["open", "high", "low", "close"], close.dropna()) | {"volume": 1.0})
            fine.attrs["timeframe"] = "1m"
            single = heat.momentum_heat(resample_candles(fine, timeframe), side)
            for column in single:
                pd.testing.assert_series_equal(
                    board.table(timeframe, column)[symbol].reindex(single.index),
                    single[column],
                    check_names=False,
                    check_freq=False,
                )


def test_the_board_is_that_of_the_plain_reference() -> None:
    """Pandas resample, ewm and rolling rank give the same on two years of hours, weeks included."""
    table = pd.DataFrame({f"S{k}": walk(17_000, seed=k)["close"] for k in range(3)})
    board = heat.heat_board(table)
    for timeframe, columns in reference.board(table).items():
        for column, values in columns.items():
            np.testing.assert_allclose(board.table(timeframe, column), values, rtol=1e-9, atol=1e-9)
    assert board.latest().notna().all(axis=None)


def test_weeks_start_on_mondays_and_only_whole_bars_count(pure: Callable[..., Any]) -> None:
    """The data begin inside a week and a day: the first whole ones count, and the last end with the data."""
    table = closes(30_000)
    board = pure(heat.heat_board, table, timeframes=("1d", "1w"))
    assert board.index["1w"][0] == pd.Timestamp("2025-01-13", tz="UTC")
    assert board.index["1d"][0] == pd.Timestamp("2025-01-09", tz="UTC")
    assert (board.index["1w"].day_of_week == 0).all()
    assert board.index["1d"][-1] + pd.Timedelta("1D") <= table.index[-1] + pd.Timedelta("1min")


def test_threads_do_not_change_the_answer() -> None:
    """One worker or three: the same bits."""
    table = closes(60_000)
    one, three = (heat.heat_board(table, timeframes=("1h",), workers=n) for n in (1, 3))
    np.testing.assert_array_equal(one.values["1h"], three.values["1h"])


def test_no_foresight() -> None:
    """A board of fewer minutes is the beginning of the board of more."""
    table = closes(40_000)
    part, whole = (heat.heat_board(t, timeframes=("1h",)).table("1h") for t in (table[:23_456], table))
    pd.testing.assert_frame_equal(part, whole[: len(part)], check_exact=True, check_freq=False)


def test_too_few_rows_give_an_empty_board() -> None:
    """One row has no length of bar: no bars, and the latest heat is unknown."""
    board = heat.heat_board(closes(3_000)[:1])
    assert board.table("1h").empty
    assert board.latest().isna().all(axis=None)


def test_rows_out_of_order_are_refused() -> None:
    """The message names the row."""
    with pytest.raises(DataError, match=r"must be sorted and must not repeat. Row 1"):
        heat.heat_board(closes(3_000)[::-1])


def test_a_table_without_times_is_refused() -> None:
    """A plain range index has no bars."""
    with pytest.raises(DataError, match=r"must be a UTC DatetimeIndex. Got RangeIndex"):
        heat.heat_board(closes(3_000).reset_index(drop=True))


def test_longer_bars_than_wanted_are_refused() -> None:
    """Days cannot become hours."""
    with pytest.raises(DataError, match=r"bars that divide the wanted timeframe 1h. Got a step of 86400000 ms"):
        heat.heat_board(walk(100, timeframe="1d")[["close"]])


def test_unknown_columns_and_timeframes_are_refused() -> None:
    """The message lists what there is."""
    board = heat.heat_board(closes(3_000), timeframes=("1h",))
    with pytest.raises(ParameterError, match=r"'timeframe' parameter of HeatBoard.table must be one of '1h'"):
        board.table("1d")
    with pytest.raises(ParameterError, match=r"'column' parameter of HeatBoard.latest must be one of 'forecast'"):
        board.latest("cold")
    with pytest.raises(ParameterError, match="'workers' parameter of heat_board"):
        heat.heat_board(closes(3_000), workers=0)
