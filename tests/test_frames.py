"""The canonical tables: what a check refuses, what resampling keeps, what a report says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.frames import CANDLES, FUNDING, OPEN_INTEREST, POSITIONS, check, resample_candles, time_index

MINUTE = 60_000
START = int(pd.Timestamp("2026-01-05 00:00", tz="UTC").timestamp() * 1000)  # a Monday


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def table(minutes: list[int], timeframe: str = "1m", seed: int = 0) -> pd.DataFrame:
    """Candles that open at the given minutes after START."""
    rng = np.random.default_rng(seed)
    open_, close = rng.uniform(90, 110, (2, len(minutes)))
    spread = rng.uniform(0, 2, (2, len(minutes)))
    values = pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + spread[0],
            "low": np.minimum(open_, close) - spread[1],
            "close": close,
            "volume": rng.integers(0, 100, len(minutes)).astype("float64"),
        },
        index=time_index(START + np.array(minutes, dtype="int64") * MINUTE),
    )
    values.attrs = {"venue": "binanceusdm", "symbol": "BTC/USDT:USDT", "timeframe": timeframe}
    return values


minute_sets = st.lists(st.integers(0, 700), min_size=1, max_size=300, unique=True).map(sorted)


def test_resampling_takes_first_open_extremes_last_close_and_sums_volume() -> None:
    """Five one-minute bars make one five-minute bar."""
    given_bars = pd.DataFrame(
        {
            "open": [1.0, 2, 3, 4, 5],
            "high": [2.0, 9, 4, 5, 6],
            "low": [0.5, 2, 3, 0.25, 5],
            "close": [2.0, 3, 4, 5, 5.5],
            "volume": [1.0, 2, 3, 4, 5],
            "taker_buy_volume": [0.5, 1, 1, 1, 1],
        },
        index=time_index(START + np.arange(5) * MINUTE),
    )
    got = resample_candles(given_bars, "5m")
    assert got.to_dict("list") == {
        "open": [1.0],
        "high": [9.0],
        "low": [0.25],
        "close": [5.5],
        "volume": [15.0],
        "taker_buy_volume": [4.5],
    }
    assert got.index[0] == at("2026-01-05 00:00")
    assert got.attrs["timeframe"] == "5m"


def test_weeks_start_on_monday() -> None:
    """A weekly bar opens on Monday 00:00 UTC."""
    days = table(list(range(0, 14 * 1440, 1440)), "1d")
    assert list(resample_candles(days, "1w").index) == [at("2026-01-05"), at("2026-01-12")]


def test_a_bar_that_is_not_complete_is_left_out() -> None:
    """The last bar counts only if its parts reach its close."""
    assert len(resample_candles(table(list(range(9))), "5m")) == 1
    assert len(resample_candles(table(list(range(10))), "5m")) == 2


def test_now_hides_bars_that_close_later() -> None:
    """A bar is usable once it has closed, not before."""
    bars = table(list(range(10)))
    assert len(resample_candles(bars, "5m", now=at("2026-01-05 00:09:59"))) == 1
    assert len(resample_candles(bars, "1m", now=at("2026-01-05 00:09:59"))) == 9


def test_a_late_now_completes_no_bar() -> None:
    """Parts that have not arrived are missing, whatever the clock says."""
    assert len(resample_candles(table(list(range(9))), "5m", now=at("2026-01-06"))) == 1


def test_a_first_bar_without_its_open_is_left_out() -> None:
    """Data that begin inside a bar do not know its open."""
    assert list(resample_candles(table(list(range(3, 15))), "5m").index) == [
        at("2026-01-05 00:05"),
        at("2026-01-05 00:10"),
    ]


def test_a_hole_stays_a_hole() -> None:
    """No bar is made up where there are no parts."""
    got = resample_candles(table([*range(5), *range(15, 20)]), "5m")
    assert list(frames.gaps(got)["missing_bars"]) == [2]


def test_bars_that_do_not_divide_are_refused() -> None:
    """Longer bars make no shorter ones."""
    with pytest.raises(DataError, match=r"divide the wanted timeframe 5m. Got bars of 1h"):
        resample_candles(table([0, 60], "1h"), "5m")
    with pytest.raises(ParameterError, match="'timeframe' parameter must be one of 1m"):
        resample_candles(table([0]), "3m")


def test_resampling_nothing_gives_nothing() -> None:
    """An empty table stays empty."""
    assert resample_candles(frames.empty(CANDLES), "1h").empty


@settings(deadline=None)
@given(minute_sets, st.integers(1, 300), st.sampled_from(["5m", "15m", "1h"]))
def test_resampling_looks_at_no_later_bar(minutes: list[int], cut: int, timeframe: str) -> None:
    """Bars from the first rows are the first bars from all rows."""
    bars = table(minutes)
    part, whole = resample_candles(bars.iloc[:cut], timeframe), resample_candles(bars, timeframe)
    pd.testing.assert_frame_equal(part, whole.iloc[: len(part)], check_freq=False)


@settings(deadline=None)
@given(minute_sets, st.sampled_from(["5m", "30m", "2h"]))
def test_resampling_conserves_volume_and_extremes(minutes: list[int], timeframe: str) -> None:
    """Every part of a returned bar is in it, and nothing else."""
    bars = table(minutes)
    longer = resample_candles(bars, timeframe)
    for stamp, bar in longer.iterrows():
        parts = bars[(bars.index >= stamp) & (bars.index < stamp + Timeframe(timeframe).delta)]
        assert bar["volume"] == parts["volume"].sum()
        assert bar["high"] == parts["high"].max()
        assert bar["low"] == parts["low"].min()
        assert bar["open"] == parts["open"].iloc[0]
        assert bar["close"] == parts["close"].iloc[-1]
    check(longer, CANDLES)


@settings(deadline=None)
@given(minute_sets)
def test_resampling_in_two_steps_is_resampling_in_one(minutes: list[int]) -> None:
    """1m to 5m to 1h gives the hours that 1m to 1h gives, as far as five minutes reach."""
    bars = table(minutes)
    direct = resample_candles(bars, "1h")
    steps = resample_candles(resample_candles(bars, "5m"), "1h")
    pd.testing.assert_frame_equal(
        steps, direct.loc[steps.index[0] : steps.index[-1]] if len(steps) else direct.iloc[:0]
    )


def test_resampling_leaves_its_input_alone(pure: Callable[..., Any]) -> None:
    """The given bars are not touched."""
    pure(resample_candles, table(list(range(30))), "5m")
    pure(check, table([0, 1]), CANDLES)
    pure(frames.gaps, table([0, 5]))


def change(column: str, row: int, value: Any) -> pd.DataFrame:
    """Ten good candles with one bad cell."""
    bars = table(list(range(10)))
    if isinstance(value, str):
        bars[column] = bars[column].astype("object")
    bars.iloc[row, bars.columns.get_loc(column)] = value
    return bars


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("close", 3, -1.0, r"Column 'close' .* must be positive and finite \[quote\]. Row 3 \(2026-01-05 00:03"),
        ("open", 0, 0.0, r"Column 'open' .* Row 0 .* is 0"),
        ("volume", 9, -0.5, r"Column 'volume' .* must be non-negative and finite \[base\]. Row 9 .* is -0.5"),
        ("high", 2, np.inf, r"Column 'high' .* Row 2 .* is inf"),
        ("low", 4, 1000.0, r"low <= open, close <= high. Row 4 \(2026-01-05 00:04:00\+00:00\) has open"),
        ("close", 5, "x", r"Column 'close' .* must be numeric \[quote\]. Row 5 .* is 'x'"),
    ],
)
def test_a_bad_value_is_named(column: str, row: int, value: Any, message: str) -> None:
    """The message says column, row, rule and value."""
    with pytest.raises(DataError, match=message):
        check(change(column, row, value), CANDLES, where="a file")


def test_rows_are_numbered_as_in_the_file() -> None:
    """A reader of CSV files counts the header."""
    with pytest.raises(DataError, match=r"candles table from x.csv .* Row 5 "):
        check(change("close", 3, -1.0), CANDLES, where="x.csv", first_row=2)


def test_unknown_values_are_allowed() -> None:
    """Unknown is NaN, and NaN is no error."""
    assert check(change("volume", 3, np.nan), CANDLES) is not None


def test_missing_columns_are_listed() -> None:
    """The message lists what is needed, missing and there."""
    with pytest.raises(MissingColumnsError, match="Missing low, volume; got open, high, close"):
        check(table([0]).drop(columns=["low", "volume"]), CANDLES)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.RangeIndex(2), "must be a UTC DatetimeIndex named 'timestamp'. Got RangeIndex"),
        (pd.DatetimeIndex(["2026-01-01", "2026-01-02"], name="timestamp"), "with time zone None"),
        (pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="Asia/Tokyo", name="timestamp"), "time zone Asia/Tokyo"),
        (pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="UTC"), "named None"),
        (pd.DatetimeIndex(["2026-01-02", "2026-01-01"], tz="UTC", name="timestamp"), "must be sorted. Row 1 .* before"),
        (pd.DatetimeIndex(["2026-01-02", "2026-01-02"], tz="UTC", name="timestamp"), "not repeat. Row 1 .* duplicate"),
        (pd.DatetimeIndex(["2026-01-02", None], tz="UTC", name="timestamp"), "has no time at row 1"),
    ],
)
def test_a_bad_index_is_named(index: pd.Index, message: str) -> None:
    """Stamps are UTC, named, known, sorted and unique."""
    bars = table([0, 1])
    bars.index = index
    with pytest.raises(DataError, match=message):
        check(bars, CANDLES)


def test_brackets_may_have_no_upper_end() -> None:
    """The last bracket's cap may be infinite, its floor may not."""
    row = {
        "notional_floor": [0.0],
        "notional_cap": [np.inf],
        "maintenance_margin_rate": [0.01],
        "maintenance_amount": [0.0],
        "max_leverage": [20.0],
    }
    assert len(check(pd.DataFrame(row), frames.BRACKETS)) == 1
    with pytest.raises(DataError, match=r"Column 'notional_floor' .* is inf"):
        check(pd.DataFrame({**row, "notional_floor": [np.inf]}), frames.BRACKETS)


@pytest.mark.parametrize("name", sorted(frames.SCHEMAS))
def test_an_empty_table_keeps_its_contract(name: str) -> None:
    """Every schema has a table without rows."""
    check(frames.empty(frames.SCHEMAS[name]), frames.SCHEMAS[name])


def test_alignment_fills_nothing() -> None:
    """Times only one table has are NaN in the other."""
    wide = frames.align({"a": table([0, 1]), "b": table([1, 2])})
    assert wide.isna().to_numpy().tolist() == [[False, True], [False, False], [True, False]]
    assert frames.align({}).empty


def test_gaps_are_listed_with_their_ends() -> None:
    """A hole has a first and a last missing bar and a length."""
    got = frames.gaps(table([0, 1, 5, 6]))
    assert got.to_dict("records") == [
        {"start": at("2026-01-05 00:02"), "end": at("2026-01-05 00:04"), "missing_bars": 3}
    ]
    assert frames.gaps(frames.empty(CANDLES)).empty


@settings(deadline=None)
@given(minute_sets)
def test_rows_and_missing_bars_fill_the_span(minutes: list[int]) -> None:
    """Bars there and bars missing add up to the bars between first and last."""
    assert len(minutes) + frames.gaps(table(minutes))["missing_bars"].sum() == minutes[-1] - minutes[0] + 1


def test_age_counts_from_the_close() -> None:
    """A candle is known at its close, open interest at its stamp."""
    bars = table([0, 1])
    assert frames.age(bars, at("2026-01-05 00:10")) == pd.Timedelta(minutes=8)
    interest = pd.DataFrame({"open_interest": 1.0, "open_interest_value": 1.0}, index=bars.index)
    assert frames.age(interest, at("2026-01-05 00:10")) == pd.Timedelta(minutes=9)
    assert pd.isna(frames.age(frames.empty(CANDLES), at("2026-01-05")))


@pytest.mark.parametrize(("now", "stale"), [("2026-01-05 00:05", False), ("2026-01-05 00:05:01", True)])
def test_stale_is_older_than_three_bars(now: str, stale: bool) -> None:
    """Three intervals are fresh, more is stale."""
    assert frames.is_stale(table([0, 1]), at(now)) is stale


def test_nothing_is_stale() -> None:
    """A table without rows is as stale as can be; so is one row of unknown interval."""
    assert frames.is_stale(frames.empty(FUNDING), at("2026-01-05"))
    row = pd.DataFrame({"open_interest": [1.0]}, index=time_index(np.array([START])))
    assert frames.is_stale(row, at("2026-01-05"))
    assert not frames.is_stale(row, at("2026-01-05"), interval=pd.Timedelta(hours=1))


def test_a_timeframe_that_is_none_is_refused() -> None:
    """Two bars seven minutes apart have no known length."""
    bars = table([0, 7])
    bars.attrs = {}
    with pytest.raises(DataError, match="Got a step of 420000 ms"):
        frames.infer_timeframe(bars)


def test_report_has_one_row_per_table() -> None:
    """Rows, ends, age, staleness and holes, by table."""
    funding = pd.DataFrame({"funding_rate": 0.0}, index=time_index(START + np.array([0, 8, 16, 32]) * 60 * MINUTE))
    tables = {
        ("binanceusdm", "BTC/USDT:USDT", "1m"): table([0, 1, 5, 6]),
        "funding": funding,
        "nothing": frames.empty(OPEN_INTEREST),
    }
    got = frames.report(tables, at("2026-01-06 09:00"))
    assert list(got.index) == ["binanceusdm BTC/USDT:USDT 1m", "funding", "nothing"]
    assert got["rows"].tolist() == [4, 4, 0]
    assert got["gaps"].tolist() == [1, 1, 0]
    assert got["missing_bars"].tolist() == [3, 1, 0]
    assert got["stale"].tolist() == [True, False, True]
    assert got.loc["funding", "age"] == pd.Timedelta(hours=1)
    assert got.loc["funding", "first"] == at("2026-01-05")
    assert pd.isna(got.loc["nothing", "last"])


def test_schema_names_and_units_are_complete() -> None:
    """Every numeric column says its unit."""
    assert POSITIONS.required == POSITIONS.names
    assert all(column.unit for schema in frames.SCHEMAS.values() for column in schema.columns)


def test_a_time_is_milliseconds_and_back() -> None:
    """Whatever its zone; one without a zone is UTC."""
    assert frames.stamp_ms(pd.Timestamp("1970-01-02")) == 86_400_000
    assert frames.stamp_ms(pd.Timestamp("1970-01-02 01:00", tz="Europe/Berlin")) == 86_400_000
    assert frames.from_ms(86_400_000) == pd.Timestamp("1970-01-02", tz="UTC")
