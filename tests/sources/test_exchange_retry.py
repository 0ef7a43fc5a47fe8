"""The retry policy, without a network."""

from __future__ import annotations

import random
import threading

import ccxt
import pytest

from heatlab.errors import RateLimitedError, SourceError
from heatlab.sources.exchange.client import judge, retry_after
from heatlab.sources.exchange.retry import Failure, FetchCancelledError, RequestFailed, RetryPolicy, retrying
from tests.venue.sources import Pauses

PASSING = Failure("down", retry=True)


class Flaky:
    """Fails a number of times, then answers 42."""

    def __init__(self, failures: int, failure: Failure = PASSING) -> None:
        self.left, self.failure, self.calls = failures, failure, 0

    def __call__(self) -> int:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise RequestFailed(self.failure)
        return 42


def test_an_answer_needs_no_pause() -> None:
    """The usual case."""
    pauses = Pauses()
    assert retrying(Flaky(0), what="x", policy=RetryPolicy(), sleep=pauses) == 42
    assert pauses == []


def test_pauses_are_drawn_below_a_doubling_bound() -> None:
    """Full jitter: 0.5, 1, 2, 4 seconds at most, and never the same twice."""
    pauses = Pauses()
    assert retrying(Flaky(4), what="x", policy=RetryPolicy(), sleep=pauses, rng=random.Random(1)) == 42
    assert all(0 <= pause <= bound for pause, bound in zip(pauses, (0.5, 1.0, 2.0, 4.0), strict=True))
    assert len(set(pauses)) == 4


def test_the_same_seed_gives_the_same_pauses() -> None:
    """Deterministic in tests."""
    runs = [Pauses(), Pauses()]
    for run in runs:
        retrying(Flaky(3), what="x", policy=RetryPolicy(), sleep=run, rng=random.Random(5))
    assert runs[0] == runs[1]


def test_attempts_are_counted() -> None:
    """Three attempts are two pauses."""
    pauses, call = Pauses(), Flaky(9)
    with pytest.raises(SourceError, match=r"^okx: candles: down \(asked 3 times over"):
        retrying(call, what="okx: candles", policy=RetryPolicy(attempts=3), sleep=pauses)
    assert (call.calls, len(pauses)) == (3, 2)


def test_the_budget_bounds_all_pauses_together() -> None:
    """A venue that asks for 10 s each time gets two tries out of 15 s."""
    pauses, call = Pauses(), Flaky(9, Failure("slow down", retry=True, rate_limited=True, wait=10.0))
    with pytest.raises(RateLimitedError, match="asked 2 times"):
        retrying(call, what="x", policy=RetryPolicy(budget=15.0), sleep=pauses, rng=random.Random(0))
    assert (call.calls, len(pauses)) == (2, 1)


def test_a_final_failure_is_told_at_once() -> None:
    """One call, no pause."""
    pauses, call = Pauses(), Flaky(9, Failure("BadSymbol: no", retry=False))
    with pytest.raises(SourceError, match=r"^x: BadSymbol: no$"):
        retrying(call, what="x", policy=RetryPolicy(), sleep=pauses)
    assert (call.calls, pauses) == (1, [])


def test_the_error_has_no_hidden_cause() -> None:
    """What the client raised may quote a signed address: it must not hang on to the error."""
    with pytest.raises(SourceError) as caught:
        retrying(Flaky(9), what="x", policy=RetryPolicy(attempts=2), sleep=Pauses())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_cancelled_call_is_not_made() -> None:
    """Not even the first one."""
    stop, call = threading.Event(), Flaky(0)
    stop.set()
    with pytest.raises(FetchCancelledError, match="x: stopped on request"):
        retrying(call, what="x", policy=RetryPolicy(), cancel=stop)
    assert call.calls == 0


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (ccxt.RequestTimeout("t"), None, True),
        (ccxt.NetworkError("n"), None, True),
        (ccxt.RateLimitExceeded("r"), 200, True),
        (ccxt.DDoSProtection("d"), 418, True),
        (ccxt.ExchangeNotAvailable("e"), 503, True),
        (ccxt.ExchangeError("e"), 500, True),
        (ccxt.BadResponse("b"), 200, True),
        (KeyError("k"), 200, True),
        (ccxt.ExchangeNotAvailable("e"), 451, False),
        (ccxt.ExchangeNotAvailable("e"), 404, False),
        (ccxt.ExchangeError("e"), 200, False),
        (ccxt.BadSymbol("b"), 400, False),
        (ccxt.BadRequest("b"), 200, False),
        (ccxt.AuthenticationError("a"), 401, False),
        (ccxt.PermissionDenied("p"), 403, False),
        (ccxt.InvalidNonce("i"), 400, False),
        (ccxt.NotSupported("n"), None, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_is_asked_again(error: Exception, status: int | None, again: bool) -> None:
    """Only what can pass by itself."""
    assert judge(error, status, None).retry is again


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), (None, None), ("soon", None)])
def test_retry_after_is_read(text: str | None, seconds: float | None) -> None:
    """Seconds; what cannot be read is no wait."""
    assert retry_after(text) == seconds


def test_a_retry_after_date_in_the_past_is_no_wait() -> None:
    """Clocks differ."""
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
