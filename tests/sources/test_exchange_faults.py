"""Everything a venue can do wrong, over HTTP: what is tried again, what is not, and what the user reads."""

from __future__ import annotations

import dataclasses
import email.utils
import threading
import time
from typing import Any

import pytest

from heatlab.errors import RateLimitedError, SourceError
from heatlab.sources.exchange import FetchCancelledError, RetryPolicy
from tests.venue.market import BTC, ArithmeticMarket
from tests.venue.sources import VENUES, Pauses, served

CANDLES = {"binanceusdm": "/klines", "okx": "market/", "bybit": "/kline"}
PASSING: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 429, "headers": {"Retry-After": "2"}}),
    ("status", {"status": 500}),
    ("status", {"status": 502, "body": "<html>bad gateway</html>"}),
    ("status", {"status": 503, "body": ""}),
    ("truncate", {}),
    ("drop", {}),
    ("empty", {}),
]


@pytest.mark.parametrize(("kind", "details"), PASSING, ids=lambda value: str(value) if isinstance(value, str) else None)
@pytest.mark.parametrize("venue", VENUES)
def test_a_fault_that_passes_costs_nothing_but_time(venue: str, kind: str, details: dict[str, Any]) -> None:
    """Two pages, the second one disturbed: the table is whole."""
    bars = {"binanceusdm": 1500, "okx": 400, "bybit": 1500}[venue]
    pauses = Pauses()
    with served(venue, pauses=pauses) as (loopback, source):
        loopback.faults.add(CANDLES[venue], kind, after=1, **details)
        table = source.candles(BTC, "1h", limit=bars)
        assert len(loopback.asked(CANDLES[venue])) == 3
    assert table["close"].to_list() == ArithmeticMarket().candles(BTC, "1h", limit=bars)["close"].to_list()
    assert len(pauses) == (0 if kind == "empty" else 1)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_hangs_is_asked_again(venue: str) -> None:
    """No answer within the time limit counts as a fault that passes."""
    with served(venue, timeout=0.25) as (loopback, source):
        source.capabilities(BTC)
        loopback.faults.add(CANDLES[venue], "hang", seconds=0.6)
        assert len(source.candles(BTC, "1h", limit=5)) == 5
        assert len(loopback.asked(CANDLES[venue])) >= 2


@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize("venue", VENUES)
def test_retry_after_is_honoured(venue: str, status: int) -> None:
    """The pause is what the venue asks for, and a little more."""
    pauses = Pauses()
    with served(venue, pauses=pauses) as (loopback, source):
        loopback.faults.add(CANDLES[venue], "status", status=status, headers={"Retry-After": "7"})
        source.candles(BTC, "1h", limit=5)
    assert 7.0 <= pauses[0] < 7.2


def test_retry_after_may_be_a_date() -> None:
    """The other form HTTP allows."""
    pauses, date = Pauses(), email.utils.formatdate(time.time() + 30, usegmt=True)
    with served("bybit", pauses=pauses) as (loopback, source):
        loopback.faults.add("/kline", "status", status=429, headers={"Retry-After": date})
        source.candles(BTC, "1h", limit=5)
    assert 5.0 < pauses[0] < 30.3


@pytest.mark.parametrize("venue", VENUES)
def test_a_rate_limit_that_stays_is_its_own_error(venue: str) -> None:
    """The budget is spent, the message says when to try again."""
    pauses = Pauses()
    policy = RetryPolicy(attempts=10, budget=20.0)
    with served(venue, pauses=pauses, policy=policy) as (loopback, source):
        loopback.faults.add(CANDLES[venue], "status", times=100, status=429, headers={"Retry-After": "8"})
        with pytest.raises(RateLimitedError, match=rf"{venue}: 1h candles of {BTC}: refused because .*8 s"):
            source.candles(BTC, "1h", limit=5)
        assert len(loopback.asked(CANDLES[venue])) == 3
    assert sum(pauses) <= 20.0


def test_a_wait_longer_than_the_budget_is_not_begun() -> None:
    """Binance can ban an address for days."""
    pauses = Pauses()
    with served("binanceusdm", pauses=pauses) as (loopback, source):
        loopback.faults.add("/klines", "status", status=418, headers={"Retry-After": "259200"})
        with pytest.raises(RateLimitedError, match="Try again in 259200 s"):
            source.candles(BTC, "1h", limit=5)
    assert pauses == []


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_stays_down_says_so(venue: str) -> None:
    """All attempts are used, the message counts them."""
    pauses = Pauses()
    with served(venue, pauses=pauses, policy=RetryPolicy(attempts=4)) as (loopback, source):
        loopback.faults.add(CANDLES[venue], "status", times=100, status=503)
        with pytest.raises(SourceError, match=r"asked 4 times over"):
            source.candles(BTC, "1h", limit=5)
    assert len(pauses) == 3


REFUSALS = {
    "binanceusdm": {"status": 400, "body": '{"code":-1121,"msg":"Invalid symbol."}'},
    "okx": {"status": 200, "body": '{"code":"51001","msg":"Instrument ID does not exist","data":[]}'},
    "bybit": {"status": 200, "body": '{"retCode":10001,"retMsg":"params error","result":{}}'},
}


@pytest.mark.parametrize("venue", VENUES)
def test_a_bad_request_is_not_repeated(venue: str) -> None:
    """Asking the same again cannot help."""
    pauses = Pauses()
    with served(venue, pauses=pauses) as (loopback, source):
        loopback.faults.add(CANDLES[venue], "status", times=5, **REFUSALS[venue])
        with pytest.raises(SourceError, match=rf"^{venue}: 1h candles of BTC/USDT:USDT: Bad(Symbol|Request)"):
            source.candles(BTC, "1h", limit=5)
        assert len(loopback.asked(CANDLES[venue])) == 1
    assert pauses == []


@pytest.mark.parametrize("status", [400, 403, 404, 451])
def test_a_refusal_without_words_is_not_repeated(status: int) -> None:
    """A block of the region is final, although ccxt files it under network errors."""
    with served("okx") as (loopback, source):
        loopback.faults.add("market/", "status", times=5, status=status, body="")
        with pytest.raises(SourceError, match="okx: 1h candles"):
            source.candles(BTC, "1h", limit=5)
        assert len(loopback.asked("market/")) == 1


def test_an_answer_of_another_shape_is_an_error_in_words() -> None:
    """No row where ccxt counts on one must not surface as an IndexError."""
    without = {"okx": {"has": {"fetchOpenInterestHistory": False}}}
    with served("okx", policy=RetryPolicy(attempts=2), extra=without) as (loopback, source):
        loopback.faults.add("open-interest", "empty", times=9)
        with pytest.raises(SourceError, match=r"could not be read \(IndexError"):
            source.open_interest(BTC)


def test_a_row_without_a_time_is_an_error_in_words() -> None:
    """Not a TypeError, and not silently dropped."""
    with served("okx") as (loopback, source):
        body = '{"code":"0","data":[{"instId":"BTC-USDT-SWAP","realizedRate":"0.1"}]}'
        loopback.faults.add("funding-rate-history", "status", status=200, body=body)
        with pytest.raises(SourceError, match="a row without a time"):
            source.funding(BTC)


def test_a_closed_door_is_an_error_in_words() -> None:
    """Nobody listens."""
    with served("okx", policy=RetryPolicy(attempts=2)) as (loopback, source):
        source.capabilities(BTC)
        loopback._server.shutdown()
        loopback._server.server_close()
        source.close()
        with pytest.raises(SourceError, match=r"okx: .*no connection.*asked 2 times"):
            source.candles(BTC, "1h", limit=5)


def test_a_clock_that_cannot_be_read_falls_back_to_the_local_one() -> None:
    """The screen still has a time, and a notice."""
    with served("okx", policy=RetryPolicy(attempts=1)) as (loopback, source):
        loopback.faults.add("public/time", "status", times=9, status=503)
        assert source.now().year == 2023
        assert "server time" in source.notices()[0].message


def test_a_venue_that_is_down_does_not_hold_up_every_question() -> None:
    """Its markets are asked for again after half a minute, until then the answer is at hand."""
    time_now = [1_700_000_000.0]
    with served("okx", "bybit", policy=RetryPolicy(attempts=2)) as (loopback, source):
        place = source._panel.places[0]
        place._patience = dataclasses.replace(place._patience, clock=lambda: time_now[0])
        loopback.faults.add("public/instruments", "status", times=2, status=503)
        assert [source.candles(BTC, "1h", limit=1).attrs["venue"] for _ in range(3)] == ["bybit"] * 3
        assert len(loopback.asked("public/instruments")) == 2
        assert "okx: markets: ExchangeError: okx {} (HTTP 503)" in source.notices()[0].message
        time_now[0] += 31.0
        assert source.candles(BTC, "1h", limit=1).attrs["venue"] == "okx"


def test_no_venue_within_reach_is_not_called_unlisted() -> None:
    """The user must not look for a typing error in the symbol."""
    with served("okx", "bybit", policy=RetryPolicy(attempts=1)) as (loopback, source):
        loopback.faults.add("instruments", "status", times=99, status=503)
        with pytest.raises(SourceError, match="No venue within reach lists 'BTC/USDT:USDT'"):
            source.candles(BTC, "1h")


def test_tickers_that_fail_leave_the_listing_order() -> None:
    """Ranking is a nicety: the instruments come all the same."""
    with served("okx", policy=RetryPolicy(attempts=1)) as (loopback, source):
        loopback.faults.add("market/tickers", "status", times=9, status=503)
        assert len(source.instruments("okx")) == 4
        assert "listing order" in source.notices()[0].message


def test_cancel_stops_before_the_next_request() -> None:
    """Set from the progress callback, as a button would."""
    stop = threading.Event()
    with served("okx") as (loopback, source):
        with pytest.raises(FetchCancelledError, match="stopped on request"):
            source.candles(BTC, "1h", limit=3000, progress=lambda *_: stop.set(), cancel=stop)
        assert len(loopback.asked("market/")) == 1


def test_cancel_ends_a_pause() -> None:
    """A wait of a minute ends at once."""
    stop = threading.Event()
    with served("bybit", policy=RetryPolicy(budget=300.0)) as (loopback, source):
        source.now()
        place = source._panel.places[0]
        place._patience = dataclasses.replace(place._patience, sleep=None)  # the real pause
        loopback.faults.add("/kline", "status", times=9, status=429, headers={"Retry-After": "120"})
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(FetchCancelledError):
            source.candles(BTC, "1h", limit=3, cancel=stop)
        assert time.monotonic() - began < 5.0
