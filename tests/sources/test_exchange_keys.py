"""Keys: where they come from, and that nobody ever sees them."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback
from typing import Any

import keyring
import pytest
import requests
from keyring.errors import NoKeyringError

from heatlab.errors import HeatlabError, SourceError
from heatlab.sources.base import Capability
from heatlab.sources.exchange import ExchangeSource, RetryPolicy
from heatlab.sources.exchange.client import READ_METHODS, Client, ReadOnlySession
from heatlab.sources.exchange.keys import Credentials, find_credentials, system_keyring
from tests.venue.market import BTC
from tests.venue.sources import KEY_ENVIRONMENT, VENUES, served
from tests.venue.wire import KEYS

PRIVATE = {"binanceusdm": "positionRisk", "okx": "account/positions", "bybit": "position/list"}
WRONG = {name: value + "-wrong" for name, value in KEY_ENVIRONMENT.items()}


class Ring:
    """A keyring with the given words."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words

    def get_password(self, service_name: str, username: str, /) -> str | None:
        """Look up under the service heatlab."""
        return self.words.get(username) if service_name == "heatlab" else None


def hidden(text: str) -> bool:
    """No part of any key is in the text."""
    return not any(secret in text for secret in (*KEYS.values(), *WRONG.values()))


def test_keys_come_from_the_environment() -> None:
    """HEATLAB_<VENUE>_API_KEY, _SECRET, _PASSWORD."""
    found = find_credentials("okx", environ=KEY_ENVIRONMENT, keyring=None)
    assert set(found) == {"apiKey", "secret", "password"}


def test_keys_come_from_the_keyring_under_the_same_names() -> None:
    """The environment goes first."""
    ring = Ring({"HEATLAB_BYBIT_API_KEY": "ring-key", "HEATLAB_BYBIT_SECRET": "ring-secret"})
    found = find_credentials("bybit", environ={"HEATLAB_BYBIT_SECRET": "own-secret"}, keyring=ring)
    assert found.config() == {"apiKey": "ring-key", "secret": "own-secret"}


def test_a_computer_without_a_keyring_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers and containers have none."""

    def refuse(service: str, name: str) -> str | None:
        raise NoKeyringError("none here")

    monkeypatch.setattr(keyring, "get_password", refuse)
    assert system_keyring() is None
    monkeypatch.setattr(keyring, "get_password", lambda service, name: None)
    assert system_keyring() is keyring


def test_hyperliquid_needs_an_address_only() -> None:
    """A public address reads positions: no private key is ever asked for."""
    words = {"HEATLAB_HYPERLIQUID_WALLET_ADDRESS": "0x" + "ab" * 20}
    with ExchangeSource("hyperliquid", environ=words, keyring=None) as source:
        assert source._panel.places[0].has_keys
    with ExchangeSource("hyperliquid", environ={}, keyring=None) as source:
        assert source._panel.places[0].missing_keys() == ("HEATLAB_HYPERLIQUID_WALLET_ADDRESS",)


def test_half_a_key_is_a_notice_and_no_capability() -> None:
    """The user reads what is missing; market data still flows."""
    half = {"HEATLAB_OKX_API_KEY": KEYS["apiKey"], "HEATLAB_OKX_SECRET": KEYS["secret"]}
    with served("okx", environ=half) as (_, source):
        assert "Set HEATLAB_OKX_PASSWORD" in source.notices()[0].message
        assert Capability.POSITIONS not in source.capabilities(BTC)


def test_credentials_show_nothing() -> None:
    """Not printed, not pickled, not copied."""
    credentials = Credentials("okx", KEYS)
    assert repr(credentials) == str(credentials) == "Credentials('okx', [hidden])"
    assert hidden(str(vars(Credentials)) + str([getattr(credentials, name) for name in credentials.__slots__]))
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="stay in this process"):
            leak(credentials)


def test_scrubbing_removes_keys_and_signatures() -> None:
    """Of any text a venue or a library may have put together."""
    text = f"GET /x?timestamp=1&signature=abc123 key {KEYS['apiKey']} secret {KEYS['secret']}"
    scrubbed = Credentials("okx", KEYS).scrub(text)
    assert scrubbed == "GET /x?timestamp=[hidden]&signature=[hidden] key [hidden] secret [hidden]"


def provoke(source: ExchangeSource, venue: str) -> str:
    """Everything a failed request for positions leaves: message, representation and traceback."""
    try:
        source.positions(venue=venue)
    except SourceError as error:
        return str(error) + repr(error) + "".join(traceback.format_exception(error)) + chain(error)
    pytest.fail("the venue should have refused")


def chain(error: BaseException | None) -> str:
    """Texts of all causes and contexts, suppressed ones too."""
    return "" if error is None else f"{error!r}{error.args}" + chain(error.__cause__) + chain(error.__context__)


@pytest.mark.parametrize(
    ("kind", "details"),
    [("status", {"status": 503}), ("drop", {}), ("truncate", {}), ("status", {"status": 400, "body": "no"})],
)
@pytest.mark.parametrize("venue", VENUES)
def test_no_failure_shows_a_key(
    venue: str, kind: str, details: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in messages, representations, tracebacks, causes, notices or logs, even at DEBUG."""
    caplog.set_level(logging.DEBUG)
    with served(environ=KEY_ENVIRONMENT, policy=RetryPolicy(attempts=2)) as (loopback, source):
        loopback.faults.add(PRIVATE[venue], kind, times=9, **details)
        text = provoke(source, venue)
        source.positions()
        seen = text + repr(source) + str(vars(source)) + str(source.notices()) + caplog.text
    assert hidden(seen)
    assert "signature=" not in text.replace("signature=[hidden]", "")


@pytest.mark.parametrize("venue", VENUES)
def test_a_wrong_key_is_refused_once_and_told(venue: str, caplog: pytest.LogCaptureFixture) -> None:
    """No second try: repeated failures can lock an account."""
    caplog.set_level(logging.DEBUG)
    path = "leverageBracket" if venue == "binanceusdm" else PRIVATE[venue]
    with served(venue, environ=WRONG) as (loopback, source):
        with pytest.raises(SourceError, match="the key was refused; check that it is right") as caught:
            source.positions(venue=venue)
        assert len(loopback.asked(path)) == 1
    assert hidden(str(caught.value) + "".join(traceback.format_exception(caught.value)) + caplog.text)


@pytest.mark.parametrize("venue", VENUES)
def test_tables_carry_no_key(venue: str) -> None:
    """Neither in attrs nor in cells."""
    with served(venue, environ=KEY_ENVIRONMENT) as (_, source):
        tables = [source.positions(venue=venue), source.positions(), source.candles(BTC, "1h", limit=2)]
    assert all(hidden(str(table.attrs) + table.to_string()) for table in tables)


def test_nothing_that_places_orders_can_be_reached() -> None:
    """Walk every attribute of the source and of what it holds: no client with an order method is among them."""
    with served("okx", environ=KEY_ENVIRONMENT) as (_, source):
        seen: dict[int, Any] = {}
        todo: list[Any] = [source]
        while todo:
            thing = todo.pop()
            if id(thing) in seen or not type(thing).__module__.startswith(("heatlab", "ccxt", "builtins")):
                continue
            seen[id(thing)] = thing
            todo += thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else ()
            slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
            names = [*getattr(thing, "__dict__", {}), *slots]
            todo += [getattr(thing, name) for name in names if hasattr(thing, name)]
        assert any(isinstance(thing, Client) for thing in seen.values())
        assert not [thing for thing in seen.values() if hasattr(thing, "create_order")]


def test_the_client_calls_reading_methods_only() -> None:
    """The list itself holds nothing else, and what is not on it is refused."""
    assert all(name == "load_markets" or name.startswith("fetch_") for name in READ_METHODS)
    refused = pytest.raises(SourceError, match="heatlab reads only: create_order is not one of")
    with served("okx", environ=KEY_ENVIRONMENT) as (_, source), refused:
        source._panel.places[0]._client.call("create_order", BTC, "market", "buy", 1)


@pytest.mark.parametrize(
    ("method", "url"), [("POST", "/api/v5/trade/order"), ("DELETE", "/fapi/v1/order"), ("PUT", "/x")]
)
def test_the_session_sends_reading_requests_only(method: str, url: str) -> None:
    """The last line: even a call that slipped through would not leave this computer."""
    with ReadOnlySession() as session, pytest.raises(SourceError, match=f"a {method} request to {url} was not sent"):
        session.request(method, "http://127.0.0.1:9" + url)


def test_hyperliquid_may_read_through_post() -> None:
    """Its /info endpoint is the one exception (here nobody listens)."""
    with ReadOnlySession() as session, pytest.raises(requests.ConnectionError):
        session.request("POST", "http://127.0.0.1:9/info")


def test_ccxt_does_not_log_headers(caplog: pytest.LogCaptureFixture) -> None:
    """ccxt writes request headers at DEBUG, keys included: its logger is silent here."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    caplog.set_level(logging.DEBUG)
    try:
        with served("binanceusdm", environ=KEY_ENVIRONMENT) as (_, source):
            source.positions()
    finally:
        root.removeHandler(handler)
    assert hidden(stream.getvalue() + caplog.text)


def test_errors_are_ours() -> None:
    """One base to catch."""
    assert issubclass(SourceError, HeatlabError)
