"""ExchangeSource with a store: what is closed and stored is never fetched again, a stop loses nothing."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heatlab.errors import SourceError
from heatlab.sources.exchange import FetchCancelledError, RetryPolicy
from heatlab.store import CandleStore
from tests.venue.market import BTC, NOW, ArithmeticMarket
from tests.venue.server import LoopbackVenue
from tests.venue.sources import VENUES, MemoryStore, served

PAGE = {"binanceusdm": 1000, "okx": 300, "bybit": 1000}
HOUR = 3_600_000
Maker = Callable[[], Any]


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store in memory and the one on disk."""
    return MemoryStore() if request.param == "memory" else CandleStore(tmp_path)


def ranges(loopback: LoopbackVenue, venue: str) -> list[tuple[int, int]]:
    """First and last open time [ms] of each candle request."""
    if venue == "binanceusdm":
        return [(int(q["startTime"]), int(q["endTime"])) for q in loopback.asked("/klines")]
    if venue == "okx":
        return [
            (int(q["before"]) + 1, int(q["after"]) - 1)
            for q in loopback.asked("-candles") + loopback.asked("market/candles")
        ]
    return [(int(q["start"]), int(q["end"])) for q in loopback.asked("/kline")]


def expected(bars: int, market: ArithmeticMarket | None = None) -> list[float]:
    """Closes of the last bars."""
    return (market or ArithmeticMarket()).candles(BTC, "1h", limit=bars)["close"].to_list()


@pytest.mark.parametrize("venue", VENUES)
def test_stored_bars_are_not_fetched_again(store: Any, venue: str) -> None:
    """The second call asks for nothing."""
    with served(venue, store=store) as (loopback, source):
        first = source.candles(BTC, "1h", limit=700)
        asked = len(ranges(loopback, venue))
        again = source.candles(BTC, "1h", limit=700)
        assert len(ranges(loopback, venue)) == asked
    assert first["close"].to_list() == again["close"].to_list() == expected(700)
    assert again.attrs == {"venue": venue, "symbol": BTC, "timeframe": "1h"}


@pytest.mark.parametrize("venue", VENUES)
def test_only_new_bars_are_fetched_later(store: Any, venue: str) -> None:
    """Five hours later five bars are asked for."""
    with served(venue, store=store) as (_, source):
        source.candles(BTC, "1h", limit=50)
    later = ArithmeticMarket(now=NOW + pd.Timedelta("5h"))
    with served(venue, store=store, market=later) as (loopback, source):
        table = source.candles(BTC, "1h", limit=55)
        [(low, high)] = ranges(loopback, venue)
    assert (high - low) // HOUR + 1 == 5
    assert table["close"].to_list() == expected(55, later)


@pytest.mark.parametrize("venue", VENUES)
def test_a_stop_loses_nothing(store: Any, venue: str) -> None:
    """After a stop on the second page the rest alone is fetched, no closed bar twice."""
    bars, stop, seen = 3 * PAGE[venue], threading.Event(), []

    def progress(done: int, total: int, text: str) -> None:
        seen.append((done, total))
        if done >= 2 * PAGE[venue]:
            stop.set()

    with served(venue, store=store) as (loopback, source):
        with pytest.raises(FetchCancelledError):
            source.candles(BTC, "1h", limit=bars, progress=progress, cancel=stop)
        before = ranges(loopback, venue)
        table = source.candles(BTC, "1h", limit=bars)
        after = ranges(loopback, venue)[len(before) :]
    assert seen == [(PAGE[venue], bars), (2 * PAGE[venue], bars)]
    assert len(after) == 1
    assert min(low for low, _ in after) > max(high // HOUR * HOUR for _, high in before)
    assert table["close"].to_list() == expected(bars)


def test_an_interrupt_loses_nothing(store: Any) -> None:
    """Ctrl-C between pages: what arrived is stored."""

    def interrupt(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    with served("okx", store=store) as (loopback, source):
        with pytest.raises(KeyboardInterrupt):
            source.candles(BTC, "1h", limit=900, progress=interrupt)
        assert len(store.read("okx", BTC, "1h")) == 300
        source.candles(BTC, "1h", limit=900)
        assert len(ranges(loopback, "okx")) == 3


def test_a_venue_that_fails_midway_loses_nothing(store: Any) -> None:
    """The first page is kept; the next call begins after it."""
    with served("bybit", store=store, policy=RetryPolicy(attempts=2)) as (loopback, source):
        loopback.faults.add("/kline", "status", after=1, times=2, status=503)
        with pytest.raises(SourceError):
            source.candles(BTC, "1h", limit=2500)
        assert len(store.read("bybit", BTC, "1h")) == 1000
        assert source.candles(BTC, "1h", limit=2500)["close"].to_list() == expected(2500)


def test_a_gap_in_the_store_is_filled(store: Any) -> None:
    """Recent bars first, older ones next, then the middle: each bar is fetched once."""
    with served("okx", store=store) as (loopback, source):
        recent = source.candles(BTC, "1h", limit=20)
        edge = recent.index[0]
        source.candles(BTC, "1h", start=edge - pd.Timedelta("40h"), end=edge - pd.Timedelta("20h"))
        table = source.candles(BTC, "1h", limit=80)
        sizes = [(high - low) // HOUR + 1 for low, high in ranges(loopback, "okx")]
    assert sizes == [20, 20, 20, 20]
    assert table["close"].to_list() == expected(80)


def test_the_unfinished_bar_is_never_stored(store: Any) -> None:
    """The last stored bar has closed."""
    with served("bybit", store=store) as (_, source):
        source.candles(BTC, "1h", end=NOW + pd.Timedelta("9h"), limit=10)
    assert store.read("bybit", BTC, "1h").index[-1] == pd.Timestamp("2026-01-15 09:00", tz="UTC")


def hole(first: str, last: str) -> tuple[int, int]:
    """Range [ms] without candles."""
    low, high = (pd.Timestamp(time, tz="UTC") for time in (first, last))
    return int(low.timestamp() * 1000), int(high.timestamp() * 1000)


@pytest.mark.parametrize("venue", VENUES)
def test_a_hole_in_the_venues_history_is_told_once_and_not_asked_for_again(store: Any, venue: str) -> None:
    """Three hours of downtime are a notice, not bars."""
    market = ArithmeticMarket(holes=(hole("2026-01-13 05:00", "2026-01-13 08:00"),))
    with served(venue, store=store, market=market) as (loopback, source):
        table = source.candles(BTC, "1h", limit=100)
        asked = len(ranges(loopback, venue))
        source.candles(BTC, "1h", limit=100)
        assert len(ranges(loopback, venue)) == asked
        assert "no candles from 2026-01-13 05:00" in source.notices()[0].message
    assert len(table) == 97


def test_an_empty_page_of_old_bars_is_believed_for_this_run_only() -> None:
    """Two empty answers are not yet history: the next run asks again."""
    store = MemoryStore()
    market = ArithmeticMarket(holes=(hole("2025-11-01", "2025-12-01"),))
    span = {"start": pd.Timestamp("2025-11-05", tz="UTC"), "end": pd.Timestamp("2025-11-10", tz="UTC")}
    with served("bybit", store=store, market=market) as (loopback, source):
        assert source.candles(BTC, "1h", **span).empty
        assert source.candles(BTC, "1h", **span).empty
        assert len(ranges(loopback, "bybit")) == 2
    assert store.absent == []


def test_a_late_last_bar_is_asked_for_again() -> None:
    """A venue that has not served the newest bar yet is not taken at its word."""
    store = MemoryStore()
    market = ArithmeticMarket(holes=(hole("2026-01-15 09:00", "2026-01-15 10:00"),))
    with served("bybit", store=store, market=market) as (_, source):
        assert len(source.candles(BTC, "1h", limit=10)) == 9
        market.holes = ()
        assert len(source.candles(BTC, "1h", limit=10)) == 10


class FullDisk(MemoryStore):
    """A store that takes one page and then no more."""

    def append(self, venue: str, symbol: str, timeframe: str, candles: pd.DataFrame) -> None:
        """Refuse the second page."""
        if self.appended:
            raise OSError(errno.ENOSPC, "No space left on device", "/cache/.BTC.random")
        super().append(venue, symbol, timeframe, candles)


def test_a_full_disk_costs_no_candles(caplog: pytest.LogCaptureFixture) -> None:
    """What was fetched is returned whole, the notice and the log say why it is not kept."""
    store = FullDisk()
    with served("okx", store=store) as (_, source):
        for _ in range(2):
            table = source.candles(BTC, "1h", limit=700)
            assert table["close"].to_list() == expected(700)
        [notice] = source.notices()
    assert notice.where == f"okx {BTC} 1h"
    assert notice.message == (
        "the candle store cannot be written, so these candles are not kept: No space left on device"
    )
    assert "candle store cannot be written for okx" in caplog.text
    assert len(store.read("okx", BTC, "1h")) == 300


@pytest.mark.parametrize("name", ["BTC-USDT-USDT_1h_absent.json", "BTC-USDT-USDT_1h_2026-01.parquet"])
def test_a_damaged_store_costs_no_candles(tmp_path: Path, name: str) -> None:
    """The candles come from the venue, and the notice names the file to delete."""
    with served("okx", store=CandleStore(tmp_path)) as (_, source):
        source.candles(BTC, "1h", limit=50)
        (tmp_path / "okx" / name).write_bytes(b"[[1, 2")
        assert source.candles(BTC, "1h", limit=50)["close"].to_list() == expected(50)
        [notice] = source.notices()
    assert "cannot be read" in notice.message
    assert name in notice.message


def test_a_folder_that_cannot_be_written_costs_no_candles(tmp_path: Path) -> None:
    """Where the folder's place is taken by a file, candles are fetched each time."""
    (tmp_path / "file").write_text("in the way")
    with served("okx", store=CandleStore(tmp_path / "file")) as (_, source):
        assert source.candles(BTC, "1h", limit=50)["close"].to_list() == expected(50)
        assert "not kept" in source.notices()[0].message
