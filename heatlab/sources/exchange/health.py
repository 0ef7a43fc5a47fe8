"""Is a venue within reach, how fast, and is the clock right? For ``heatlab doctor``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heatlab.domain import NAN
from heatlab.errors import SourceError
from heatlab.sources.exchange.client import Client, ClientFactory
from heatlab.sources.exchange.keys import Keyring, find_credentials, system_keyring
from heatlab.sources.exchange.retry import RetryPolicy
from heatlab.sources.exchange.venue import Patience, Venue

CLOCK_TOLERANCE_MS = 1000.0


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """State of one venue.

    Attributes
    ----------
    venue : str
    reachable : bool
    latency_ms : float
        Time one small request took [ms]; NaN if it failed.
    clock_skew_ms : float
        Venue clock minus local clock [ms]; NaN where it could not be measured.
    keys_present : bool
        True if everything reading the account takes is there. The key itself is not tried.
    message : str
        One line for the screen, with what to do where something is wrong.
    """

    venue: str
    reachable: bool
    latency_ms: float
    clock_skew_ms: float
    keys_present: bool
    message: str


def check_venue(
    venue: str,
    *,
    timeout: float = 5.0,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    keyring: Keyring | Callable[[], Keyring | None] | None = system_keyring,
    client_factory: ClientFactory | None = None,
) -> VenueHealth:
    """Ask a venue for its time, once.

    Parameters
    ----------
    venue : str
        ccxt id.
    timeout : float
        Seconds to wait.
    options : mapping, optional
        ccxt client settings of this venue.
    environ, keyring, client_factory
        As in :class:`~heatlab.sources.exchange.source.ExchangeSource`.

    Returns
    -------
    VenueHealth
        Also where the venue cannot be reached: a network failure is a result, not an error.

    Raises
    ------
    ParameterError
        ccxt knows no such venue.
    """
    ring = keyring() if callable(keyring) else keyring
    credentials = find_credentials(venue, environ=os.environ if environ is None else environ, keyring=ring)
    client = Client(venue, credentials=credentials, options=options, timeout=timeout, factory=client_factory)
    place = Venue(client, Patience(RetryPolicy(attempts=1)))
    try:
        return _measure(place, client)
    finally:
        place.close()


def _measure(place: Venue, client: Client) -> VenueHealth:
    before = time.perf_counter()
    try:
        if client.has.get("fetchTime"):
            skew = float(place.skew_ms())
        else:
            place.markets()
            skew = NAN
    except SourceError as error:
        return VenueHealth(place.name, False, NAN, NAN, place.has_keys, f"not reachable. {error}")
    latency = (time.perf_counter() - before) * 1000
    return VenueHealth(place.name, True, latency, skew, place.has_keys, _verdict(latency, skew, place))


def _verdict(latency: float, skew: float, place: Venue) -> str:
    words = [f"reachable in {latency:.0f} ms"]
    if abs(skew) > CLOCK_TOLERANCE_MS:
        words.append(f"this computer's clock is {abs(skew) / 1000:.1f} s {'behind' if skew > 0 else 'ahead'}: set it")
    if place.has_keys:
        words.append("key present")
    else:
        words.append(f"no key (positions need {', '.join(place.missing_keys())})")
    return "; ".join(words) + "."
