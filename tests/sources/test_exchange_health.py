"""Whether a venue is within reach, for the doctor."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.sources.exchange import VenueHealth, check_venue
from tests.venue.market import ArithmeticMarket
from tests.venue.server import LoopbackVenue
from tests.venue.sources import KEY_ENVIRONMENT, VENUES
from tests.venue.wire import KEYS


def check(loopback: LoopbackVenue, venue: str, *, keys: bool = False, timeout: float = 10.0) -> VenueHealth:
    """Check a venue on the loopback."""
    environ = KEY_ENVIRONMENT if keys else {}
    return check_venue(venue, timeout=timeout, options=loopback.options[venue], environ=environ, keyring=None)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_within_reach(venue: str) -> None:
    """Latency and clock are measured, in one request."""
    now = pd.Timestamp.now("UTC")
    with LoopbackVenue(ArithmeticMarket(now=now.floor("s"))) as loopback:
        health = check(loopback, venue, keys=True)
        assert len(loopback.calls) == 1
    assert (health.venue, health.reachable, health.keys_present) == (venue, True, True)
    assert 0 < health.latency_ms < 10_000
    assert -20_000 < health.clock_skew_ms < 1_000
    assert "key present" in health.message


def test_a_wrong_clock_is_told() -> None:
    """An hour behind the venue."""
    now = pd.Timestamp.now("UTC") + pd.Timedelta("1h")
    with LoopbackVenue(ArithmeticMarket(now=now.floor("s"))) as loopback:
        health = check(loopback, "okx")
    assert health.clock_skew_ms == pytest.approx(3_600_000, abs=20_000)
    assert "clock is" in health.message
    assert "s behind" in health.message


def test_a_missing_key_says_what_to_set() -> None:
    """Not an error: market data needs none."""
    with LoopbackVenue(ArithmeticMarket()) as loopback:
        health = check(loopback, "bybit")
    assert health.reachable
    assert not health.keys_present
    assert "HEATLAB_BYBIT_API_KEY, HEATLAB_BYBIT_SECRET" in health.message


@pytest.mark.parametrize(
    ("kind", "details"), [("status", {"status": 503}), ("drop", {}), ("hang", {"seconds": 0.8}), ("truncate", {})]
)
def test_a_venue_out_of_reach_is_a_result(kind: str, details: dict[str, float]) -> None:
    """Never an exception, and never a key in the message."""
    with LoopbackVenue(ArithmeticMarket()) as loopback:
        loopback.faults.add("time", kind, times=9, **details)
        health = check(loopback, "okx", keys=True, timeout=0.4)
    assert not health.reachable
    assert math.isnan(health.latency_ms)
    assert math.isnan(health.clock_skew_ms)
    assert health.message.startswith("not reachable. okx: server time:")
    assert not any(secret in str(health) for secret in KEYS.values())


def test_nobody_listens() -> None:
    """A closed port."""
    options = {"urls": {"api": {"rest": "http://127.0.0.1:9"}}}
    health = check_venue("okx", timeout=0.4, options=options, environ={}, keyring=None)
    assert not health.reachable
    assert "no connection" in health.message


def test_an_unknown_venue_is_a_mistake() -> None:
    """Not a network failure."""
    with pytest.raises(ParameterError, match="Got 'okex9' instead"):
        check_venue("okex9", environ={}, keyring=None)
