"""Days of the past, hour by hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import DataError, ParameterError
from heatlab.portfolio.stress.scenario import NAMED, Scenario, run_scenario, scenarios, worst_windows
from tests.portfolio.stress.books import NAN, positions, prepared

START = pd.Timestamp("2026-01-01", tz="UTC")
DAY = Scenario("a day", START, START + pd.Timedelta(hours=4))
BTC = "BTC/USDT:USDT"


def candles(*closes: float, low: float = 0.0, high: float = 0.0, start: pd.Timestamp = START) -> pd.DataFrame:
    """Hourly bars that open at the close before (the first at 100); the wicks go ``low`` and ``high`` beyond."""
    close = np.array(closes, dtype="float64")
    opened = np.r_[100.0, close[:-1]]
    index = pd.date_range(start, periods=len(close), freq="1h", name="timestamp").as_unit("ms")
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) + high,
            "low": np.minimum(opened, close) - low,
            "close": close,
            "volume": 1.0,
        },
        index=index,
    )


def test_the_end_of_the_path_decides_the_profit() -> None:
    """From 100 to 97 and back to 104."""
    result = run_scenario(prepared(positions({})), DAY, {("binanceusdm", BTC): candles(99, 97, 101, 104)})
    assert (result.pnl, result.move, result.liquidated) == pytest.approx((4.0, 0.04, 0))
    assert result.path is not None
    assert result.path["pnl"].tolist() == pytest.approx([-1.0, -3.0, 1.0, 4.0])


def test_what_is_liquidated_on_the_way_stays_so() -> None:
    """It fell to 90 before it rose: the margin of 10 is gone."""
    result = run_scenario(prepared(positions({})), DAY, {("binanceusdm", BTC): candles(99, 90, 101, 130)})
    assert (result.pnl, result.liquidated, result.equity) == pytest.approx((-10.0, 1, 0.0))
    assert result.path is not None
    assert result.path["liquidated"].tolist() == [0, 1, 1, 1]
    assert result.positions["liquidation_move"].tolist() == pytest.approx([-0.10])


def test_a_wick_within_the_hour_counts_against_a_long_and_for_nobody() -> None:
    """The close is far from the limit, the low is not; a short looks at the high."""
    bars = {("binanceusdm", BTC): candles(99, 99, 99, 99, low=9)}
    assert run_scenario(prepared(positions({})), DAY, bars).liquidated == 1
    assert run_scenario(prepared(positions({"side": -1})), DAY, bars).liquidated == 0


def test_a_symbol_without_candles_moves_by_beta_and_says_so() -> None:
    """ETH falls twice as far as BTC."""
    book = positions({"leverage": 2.0}, {"symbol": "ETH/USDT:USDT", "leverage": 2.0})
    result = run_scenario(prepared(book, ETH=2.0), DAY, {("binanceusdm", BTC): candles(99, 98, 97, 95)})
    assert result.positions["pnl"].tolist() == pytest.approx([-5.0, -10.0])
    assert result.positions["basis"].tolist() == ["candles", "beta"]
    assert "1 of 2 positions have no candles of that time and move by beta." in result.notes


def test_candles_of_another_venue_serve() -> None:
    """The same symbol is the same price."""
    book = positions({"venue": "okx"})
    result = run_scenario(prepared(book), DAY, {("binanceusdm", BTC): candles(99, 98, 97, 95)})
    assert result.positions["basis"].tolist() == ["candles"]


def test_candles_of_another_contract_on_the_coin_serve() -> None:
    """Spot and coin-settled contracts follow the coin."""
    book = positions({"symbol": "BTC/USD:BTC", "leverage": 2.0}, {"symbol": "BTC/USDT", "leverage": NAN})
    result = run_scenario(prepared(book), DAY, {("binanceusdm", BTC): candles(99, 98, 97, 95)})
    assert result.positions["pnl"].tolist() == pytest.approx([-5.0, -5.0])


def test_a_named_day_that_is_the_worst_is_offered_once() -> None:
    """Under its name."""
    close = np.r_[np.full(30, 100.0), np.linspace(99, 76, 24), np.full(30, 76.0)]
    bars = candles(*close, start=pd.Timestamp("2021-05-17 18:00", tz="UTC"))
    assert [one.name for one in scenarios(bars)] == ["19 May 2021"]


def test_a_position_with_candles_needs_no_beta() -> None:
    """A new listing is stressed by what it did."""
    book = positions({"symbol": "NEW/USDT:USDT", "leverage": 2.0})
    tables = {("binanceusdm", BTC): candles(99, 98, 97, 95), ("binanceusdm", "NEW/USDT:USDT"): candles(90, 80, 70, 80)}
    result = run_scenario(prepared(book), DAY, tables)
    assert (result.pnl, result.left_out) == (pytest.approx(-20.0), 0)


def test_a_cross_account_falls_as_a_whole() -> None:
    """Wallet 10 behind two longs: both go in the hour in which equity meets the maintenance margin."""
    row = {"margin_mode": "cross", "leverage": 5.0}
    ready = prepared(positions(row, {**row, "symbol": "ETH/USDT:USDT"}), wallets={"binanceusdm": 10.0}, ETH=1.0)
    result = run_scenario(ready, DAY, {("binanceusdm", BTC): candles(98, 95, 101, 120)})
    assert (result.pnl, result.liquidated, result.equity) == pytest.approx((-10.0, 2, 0.0))
    assert result.accounts["outcome"].tolist() == ["liquidated"]


def test_a_missing_wallet_stays_unknown() -> None:
    """Never held."""
    ready = prepared(positions({"margin_mode": "cross"}))
    result = run_scenario(ready, DAY, {("binanceusdm", BTC): candles(98, 50, 60, 70)})
    assert result.positions["outcome"].tolist() == ["unknown"]


def test_without_the_benchmark_there_is_no_scenario() -> None:
    """The message says what is needed."""
    with pytest.raises(DataError, match="needs hourly candles of BTC/USDT:USDT"):
        run_scenario(prepared(positions({})), DAY, {})


def test_a_window_must_not_be_empty() -> None:
    """Its end comes after its start."""
    with pytest.raises(ParameterError, match="after its start"):
        Scenario("none", START, START)


def test_the_worst_window_is_found() -> None:
    """Twenty-four hours that end at the lowest ratio of closes."""
    close = np.r_[np.full(40, 100.0), np.linspace(99, 76, 24), np.full(30, 76.0)]
    (one,) = worst_windows(candles(*close), spans={"24 h": 24})
    assert (one.start, one.hours) == (START + pd.Timedelta(hours=40), 24)
    assert one.name == "Worst 24 h here, 02 Jan 2026"


def test_too_short_a_history_has_no_worst_window() -> None:
    """Nothing is offered."""
    assert worst_windows(candles(99, 98)) == ()


def test_named_days_are_offered_only_where_candles_are() -> None:
    """And never in a simulated market, whose dates mean nothing."""
    bars = candles(*np.full(48, 100.0), start=pd.Timestamp("2021-05-18 12:00", tz="UTC"))
    assert next(one.name for one in scenarios(bars)) == "19 May 2021"
    assert [one.name for one in scenarios(bars, simulated=True)] == ["Worst 24 h here, 18 May 2021"]


@pytest.mark.market
def test_the_named_days_are_in_the_real_candles(market_dir: Path) -> None:
    """All five, and each takes a 10x BTC long away."""
    table = pd.read_parquet(market_dir / "ohlcv/binance_perp/BTC-USDT-USDT_1h.parquet").set_index("timestamp")
    bars = table[["open", "high", "low", "close", "volume"]]
    offered = scenarios(bars)
    assert offered[: len(NAMED)] == NAMED
    ready = prepared(positions({"leverage": 10.0}))
    for one in NAMED:
        result = run_scenario(ready, one, {("binanceusdm", BTC): bars})
        assert (result.liquidated, result.pnl) == (1, pytest.approx(-10.0)), one.name


def test_an_hour_a_symbol_lacks_at_the_start_leaves_it_at_its_mark() -> None:
    """ETH has no first hour of ten: it has not moved by then, and the account is not judged without it."""
    day = Scenario("ten hours", START, START + pd.Timedelta(hours=10))
    book = positions({"margin_mode": "cross"}, {"symbol": "ETH/USDT:USDT", "margin_mode": "cross", "entry_price": 50.0})
    bars = {
        ("binanceusdm", BTC): candles(*[99.0] * 10),
        ("binanceusdm", "ETH/USDT:USDT"): candles(*[100.0] * 9, start=START + pd.Timedelta(hours=1)),
    }
    result = run_scenario(prepared(book, wallets={"binanceusdm": -20.0}, ETH=1.0), day, bars)
    assert result.liquidated == 0
    assert result.path is not None
    assert result.path["pnl"].tolist() == pytest.approx([-1.0] * 10)


def test_a_hedged_account_that_falls_only_by_wicks_says_so() -> None:
    """A long and a short of one size: flat at every close, ruined if one met the low as the other met the high."""
    book = positions({"margin_mode": "cross"}, {"symbol": "ETH/USDT:USDT", "side": -1, "margin_mode": "cross"})
    bars = {("binanceusdm", symbol): candles(99, 99, 99, 99, low=9, high=9) for symbol in (BTC, "ETH/USDT:USDT")}
    result = run_scenario(prepared(book, wallets={"binanceusdm": 15.0}, ETH=1.0), DAY, bars)
    assert result.liquidated == 2
    assert any("is liquidated only if its longs met their lows" in note for note in result.notes)
