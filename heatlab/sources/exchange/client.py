"""The ccxt client of one venue behind a narrow, read-only door."""

from __future__ import annotations

import difflib
import email.utils
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import ccxt
import requests
from ccxt.base import errors as ccxt_errors

from heatlab.errors import ParameterError, SourceError
from heatlab.sources.exchange.keys import Credentials
from heatlab.sources.exchange.quirks import quirks_of
from heatlab.sources.exchange.retry import Failure, RequestFailed

ClientFactory = Callable[[str, dict[str, Any]], Any]

READ_METHODS = frozenset({
    "load_markets", "fetch_time", "fetch_ohlcv", "fetch_open_interest", "fetch_open_interest_history",
    "fetch_funding_rate_history", "fetch_order_book", "fetch_leverage_tiers", "fetch_market_leverage_tiers",
    "fetch_positions", "fetch_ticker", "fetch_tickers",
})  # fmt: skip
"""The only ccxt methods heatlab can reach through this door."""

_POST_READS = frozenset({"/info"})  # Hyperliquid reads through POST
_RATE_STATUS = frozenset({418, 425, 429})
_REFUSED = (ccxt_errors.ExchangeError,)
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class ReadOnlySession(requests.Session):
    """HTTP session that can only read, checks that JSON is whole and remembers the last status and Retry-After."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.last_status: int | None = None
        self.last_wait: float | None = None

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request that reads; refuse any other.

        Raises
        ------
        SourceError
            The request could change something on the venue.
        """
        verb, path = str(method).upper(), urlsplit(str(url)).path
        if verb != "GET" and not (verb == "POST" and path in _POST_READS):
            raise SourceError(f"heatlab reads only: a {verb} request to {path} was not sent.")
        self.last_status = self.last_wait = None
        response = super().request(method, url, *args, **kwargs)
        self.last_status = response.status_code
        self.last_wait = retry_after(response.headers.get("Retry-After"))
        _check_whole(response)
        return response


def retry_after(value: str | None) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date.

    Returns
    -------
    float or None
        Seconds to wait, never negative; None if the header is missing or cannot be read.
    """
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
    return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())


def _check_whole(response: requests.Response) -> None:
    if response.ok and "json" in response.headers.get("Content-Type", ""):
        try:
            json.loads(response.content)
        except ValueError:
            raise ccxt_errors.BadResponse("the answer is not whole JSON") from None


class Client:
    """One venue's ccxt client, reachable only through :data:`READ_METHODS`. One request at a time.

    Parameters
    ----------
    venue : str
        ccxt id.
    credentials : Credentials
        May be empty.
    options : mapping
        ccxt client settings that go over ours, for example ``{"urls": ..., "enableRateLimit": False}``.
    timeout : float
        Seconds a request may take.
    factory : callable, optional
        Builds the ccxt client from the id and its settings; the default takes the class of that name from ccxt.
    """

    __slots__ = ("_ask", "close", "credentials", "has", "required", "timeframes", "venue")

    def __init__(
        self,
        venue: str,
        *,
        credentials: Credentials,
        options: Mapping[str, Any] | None = None,
        timeout: float = 10.0,
        factory: ClientFactory | None = None,
    ) -> None:
        client, session = _build(venue, credentials, dict(options or {}), timeout, factory or _from_ccxt)
        lock = threading.RLock()

        def ask(name: str, args: tuple[Any, ...]) -> Any:
            with lock:
                try:
                    return getattr(client, name)(*args)
                except (ccxt_errors.BaseError, requests.RequestException, *_UNREADABLE) as error:
                    failure = judge(error, session.last_status, session.last_wait)
            text = credentials.scrub(failure.text)
            raise RequestFailed(Failure(text, failure.retry, failure.rate_limited, failure.wait))

        self._ask = ask
        self.venue = venue
        self.credentials = credentials
        self.has = MappingProxyType(dict(client.has))
        self.required = MappingProxyType(dict(client.requiredCredentials))
        self.timeframes = tuple(client.timeframes or ())
        self.close = session.close

    def __repr__(self) -> str:
        """Name the venue and nothing else."""
        return f"Client({self.venue!r})"

    def call(self, name: str, *args: Any) -> Any:
        """Call one of :data:`READ_METHODS`.

        Raises
        ------
        SourceError
            The method is not one that only reads.
        RequestFailed
            The venue did not deliver; carries the judgement.
        """
        if name not in READ_METHODS:
            raise SourceError(f"heatlab reads only: {name} is not one of {', '.join(sorted(READ_METHODS))}.")
        return self._ask(name, args)


def judge(error: Exception, status: int | None, wait: float | None) -> Failure:
    """Decide whether asking again can help, from the error, the HTTP status and Retry-After [s].

    Rate limits, time-outs, broken connections, server errors and unreadable answers are worth another try; bad
    symbols, bad requests and refused keys are not.
    """
    limited = isinstance(error, ccxt_errors.RateLimitExceeded | ccxt_errors.DDoSProtection) or status in _RATE_STATUS
    text = _words(error) + (f" (HTTP {status})" if status is not None and status >= 400 else "")
    if limited:
        return Failure(text, retry=True, rate_limited=True, wait=wait)
    if isinstance(error, ccxt_errors.BaseError):
        passing = isinstance(error, ccxt_errors.OperationFailed) and not _is_final(status)
        return Failure(text, retry=passing or _server_error(status), wait=wait)
    return Failure(f"the answer could not be read ({text})", retry=True)


def _is_final(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status != 408


def _server_error(status: int | None) -> bool:
    return status is not None and status >= 500


def _words(error: Exception) -> str:
    hint = ""
    if isinstance(error, ccxt_errors.AuthenticationError):
        hint = "the key was refused; check that it is right, not expired and may read. "
    elif isinstance(error, ccxt_errors.InvalidNonce):
        hint = "this computer's clock differs from the venue's. "
    elif isinstance(error, ccxt_errors.RequestTimeout):
        hint = "no answer in time. "
    elif isinstance(error, ccxt_errors.NetworkError) and type(error) is ccxt_errors.NetworkError:
        hint = "no connection. "
    detail = " ".join(str(error).split())
    return f"{hint}{type(error).__name__}: {detail[:300]}"


def _build(
    venue: str, credentials: Credentials, options: dict[str, Any], timeout: float, factory: ClientFactory
) -> tuple[Any, ReadOnlySession]:
    """Build the client: our defaults, then the venue's, then the caller's settings, then the keys."""
    settings: dict[str, Any] = {"enableRateLimit": True, "timeout": int(timeout * 1000)}
    if credentials:
        settings["options"] = {"adjustForTimeDifference": True}
    for layer in (quirks_of(venue).settings, options, credentials.config()):
        settings = ccxt.Exchange.deep_extend(settings, layer)
    client = factory(venue, settings)
    client.has["fetchCurrencies"] = False  # needs wider permissions than reading positions does
    client.logger = _silent_logger()  # ccxt logs request headers, keys included, at DEBUG
    client.session.close()
    client.session = session = ReadOnlySession()
    session.trust_env = bool(client.requests_trust_env)
    return client, session


def _from_ccxt(venue: str, settings: dict[str, Any]) -> Any:
    if venue not in ccxt.exchanges:
        near = difflib.get_close_matches(venue, ccxt.exchanges, n=3)
        hint = f" (near it: {', '.join(near)})" if near else ""
        raise ParameterError(
            f"The 'venues' parameter of ExchangeSource must be ccxt exchange ids such as binanceusdm, okx, bybit, "
            f"hyperliquid, krakenfutures. Got {venue!r} instead{hint}."
        )
    return getattr(ccxt, venue)(settings)


def _silent_logger() -> logging.Logger:
    logger = logging.Logger("heatlab.sources.exchange.silent", level=logging.CRITICAL + 1)  # noqa: LOG001
    logger.propagate = False
    logger.disabled = True
    return logger
