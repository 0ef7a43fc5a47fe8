"""One venue: its markets, its clock, and its tables page by page. Every request goes through the retry policy."""

from __future__ import annotations

import difflib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

import heatlab.sources.exchange.parsing as parsing
from heatlab import frames
from heatlab.domain import NAN, Contract, Timeframe
from heatlab.errors import SourceError
from heatlab.sources.base import Capability
from heatlab.sources.exchange.client import Client
from heatlab.sources.exchange.paging import Range, whole_page, windows, within
from heatlab.sources.exchange.quirks import Quirks, quirks_of
from heatlab.sources.exchange.retry import RetryPolicy, Sleep, retrying, stop_if

Cancel = threading.Event | None
CLOCK_TRIES = 2
REST = 30.0
"""Seconds a venue that could not tell its markets or its time is left alone."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How requests are repeated, and what time and chance they use (replaced in tests)."""

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Sleep | None = None
    rng: random.Random | None = None
    clock: Callable[[], float] = time.time


class Venue:
    """Markets, clock and tables of one venue.

    Parameters
    ----------
    client : Client
    patience : Patience
    """

    def __init__(self, client: Client, patience: Patience) -> None:
        self.name = client.venue
        self.quirks: Quirks = quirks_of(client.venue)
        self._client = client
        self._patience = patience
        self._lock = threading.RLock()
        self._facts: dict[str, Any] = {}
        self._failures: dict[str, tuple[float, SourceError]] = {}

    def __repr__(self) -> str:
        """Name the venue and nothing else."""
        return f"Venue({self.name!r})"

    # -- asking ---------------------------------------------------------------------------------------------------
    def ask(self, what: str, method: str, *args: Any, cancel: Cancel = None, tries: int | None = None) -> Any:
        """Call a reading method of the client, with retries (at most ``tries`` where given).

        Raises
        ------
        SourceError
            The venue did not deliver; see :func:`~heatlab.sources.exchange.retry.retrying`.
        """
        policy = self._patience.policy
        return retrying(
            lambda: self._client.call(method, *args),
            what=f"{self.name}: {what}",
            policy=policy if tries is None else replace(policy, attempts=min(tries, policy.attempts)),
            sleep=self._patience.sleep,
            rng=self._patience.rng,
            cancel=cancel,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- markets and clock ----------------------------------------------------------------------------------------
    def markets(self) -> Mapping[str, Any]:
        """Spot pairs and perpetuals that trade now, by symbol; asked once."""
        return self._once("markets", self._list_markets)  # type: ignore[no-any-return]

    def _list_markets(self) -> dict[str, Any]:
        listed = self.ask("markets", "load_markets")
        return {symbol: market for symbol, market in listed.items() if _is_wanted(market)}

    def _once(self, name: str, produce: Callable[[], Any]) -> Any:
        """Return a fact that is asked for once; a failure holds for :data:`REST` seconds: screens stay quick."""
        with self._lock:
            if name in self._facts:
                return self._facts[name]
            asked, error = self._failures.get(name, (float("-inf"), None))
            if error is not None and self._patience.clock() < asked + REST:
                raise type(error)(f"{error} Not asked again within {REST:.0f} s.")
            try:
                self._facts[name] = produce()
            except SourceError as failure:
                self._failures[name] = (self._patience.clock(), failure)
                raise
            return self._facts[name]

    def market(self, symbol: str) -> Mapping[str, Any]:
        """Return the ccxt market of a symbol.

        Raises
        ------
        SourceError
            The venue does not list it; the message names the nearest it does.
        """
        found = self.markets().get(symbol)
        if found is None:
            raise SourceError(f"{self.name} does not list {symbol!r}. {nearest(symbol, self.markets())}")
        return found  # type: ignore[no-any-return]

    def skew_ms(self) -> int:
        """Venue clock minus local clock [ms], measured once; 0 where the venue serves no clock."""
        return int(self._once("clock", self._measure_skew))

    def now_ms(self) -> int:
        """Venue clock [ms]."""
        return int(self._patience.clock() * 1000) + self.skew_ms()

    def _measure_skew(self) -> int:
        if not self._client.has.get("fetchTime"):
            return 0
        before = self._patience.clock()
        served = int(self.ask("server time", "fetch_time", tries=CLOCK_TRIES))
        after = self._patience.clock()
        return served - int((before + after) * 500)

    # -- what there is --------------------------------------------------------------------------------------------
    @property
    def has_keys(self) -> bool:
        """True if everything reading the account takes is there."""
        return bool(self._client.credentials) and not self.missing_keys()

    @property
    def has_some_keys(self) -> bool:
        """True if any part of a key is there."""
        return bool(self._client.credentials)

    def missing_keys(self) -> tuple[str, ...]:
        """Names of the environment variables that reading the account would take."""
        return self._client.credentials.missing(self._client.required)

    def capabilities(self, symbol: str) -> frozenset[Capability]:
        """Tell what this venue delivers for a symbol over REST, with the keys there are."""
        has, swap = self._client.has, not self.market(symbol).get("spot")
        tiers = bool(has.get("fetchMarketLeverageTiers") or has.get("fetchLeverageTiers"))
        offered = {
            Capability.CANDLES: bool(has.get("fetchOHLCV")),
            Capability.ORDER_BOOK: bool(has.get("fetchOrderBook")),
            Capability.OPEN_INTEREST: swap and has.get("fetchOpenInterestHistory") is True,
            Capability.FUNDING: swap and bool(has.get("fetchFundingRateHistory")),
            Capability.BRACKETS: swap and tiers and (self.has_keys or not self.quirks.private_brackets),
            Capability.POSITIONS: bool(has.get("fetchPositions")) and self.has_keys,
        }
        return frozenset(capability for capability, there in offered.items() if there)

    def timeframes(self) -> tuple[Timeframe, ...]:
        """Timeframes served, and those that can be built from them, shortest first."""
        return tuple(frame for frame in Timeframe if self.native(frame) is not None)

    def native(self, wanted: Timeframe) -> Timeframe | None:
        """Timeframe to ask for: the wanted one, else the longest served that divides it; None if there is none.

        Weeks are always built from days: venues, and ccxt's paging, disagree on the day a week opens.
        """
        served = [frame for frame in Timeframe if frame.value in self._client.timeframes and frame is not Timeframe.W1]
        parts = [frame for frame in served if wanted.milliseconds % frame.milliseconds == 0]
        return parts[-1] if parts else None

    # -- tables ---------------------------------------------------------------------------------------------------
    def turnover(self) -> dict[str, float]:
        """Rough 24-hour turnover [quote] of the perpetuals, for ordering; empty where not served."""
        if not self._client.has.get("fetchTickers"):
            return {}
        tickers = self.ask("tickers", "fetch_tickers", None, {"type": "swap"})
        return {symbol: _turnover(ticker, self.markets().get(symbol, {})) for symbol, ticker in tickers.items()}

    def candle_pages(
        self, symbol: str, timeframe: Timeframe, wanted: Range, *, cancel: Cancel = None
    ) -> Iterator[tuple[Range, pd.DataFrame]]:
        """Yield windows and their candles, earliest first; what an answer leaves out is asked for once more."""
        market, step, what = self.market(symbol), timeframe.milliseconds, f"{timeframe.value} candles of {symbol}"

        def fetch(span: Range) -> pd.DataFrame:
            stop_if(cancel, f"{self.name}: {what}")
            args = (symbol, timeframe.value, span[0], -((span[0] - span[1]) // step), {"until": span[1] - 1})
            rows = self.ask(what, "fetch_ohlcv", *args, cancel=cancel)
            return within(parsing.candles(rows, market, self.quirks), span)

        for window in windows(wanted, step, self.quirks.candle_page):
            page = whole_page(fetch, window, step)
            yield window, frames.check(page, frames.CANDLES, where=f"{self.name} {symbol} {timeframe.value}")

    def interest_pages(
        self, symbol: str, timeframe: Timeframe, wanted: Range, *, cancel: Cancel = None
    ) -> Iterator[pd.DataFrame]:
        """Yield pages of open interest, earliest first; what an answer leaves out is asked for once more."""
        market, step, what = self.market(symbol), timeframe.milliseconds, f"open interest of {symbol}"

        def fetch(span: Range) -> pd.DataFrame:
            args = (symbol, timeframe.value, span[0], -((span[0] - span[1]) // step), {"until": span[1] - 1})
            records = self.ask(what, "fetch_open_interest_history", *args, cancel=cancel)
            return within(parsing.open_interest(records, market, self.quirks), span)

        for window in windows(wanted, step, self.quirks.interest_page):
            yield whole_page(fetch, window, step)

    def present_interest(self, symbol: str) -> pd.DataFrame:
        """Return the open interest now, one row."""
        record = dict(self.ask(f"open interest of {symbol}", "fetch_open_interest", symbol))
        record["timestamp"] = record.get("timestamp") or self.now_ms()
        return parsing.open_interest([record], self.market(symbol), self.quirks)

    def funding_records(self, symbol: str, wanted: Range, *, cancel: Cancel = None) -> list[Any]:
        """Return the ccxt funding records of a range, page by page in the direction the venue serves them."""
        walk = self._funding_backward if self.quirks.funding_newest_first else self._funding_forward
        return [record for page in walk(symbol, wanted, cancel) for record in page]

    def _funding_forward(self, symbol: str, wanted: Range, cancel: Cancel) -> Iterator[list[Any]]:
        cursor, rows = wanted[0], self.quirks.funding_page
        while cursor < wanted[1]:
            page = self._funding_page(symbol, (cursor, rows, {"until": wanted[1] - 1}), (cursor, wanted[1]), cancel)
            if not page:
                return
            yield page
            cursor = max(parsing.stamp_of(record) for record in page) + 1

    def _funding_backward(self, symbol: str, wanted: Range, cancel: Cancel) -> Iterator[list[Any]]:
        cursor, rows = wanted[1], self.quirks.funding_page
        while cursor > wanted[0]:
            bound = {self.quirks.funding_before: cursor - 1 + self.quirks.funding_before_offset}
            page = self._funding_page(symbol, (None, rows, bound), (wanted[0], cursor), cancel)
            if not page:
                return
            yield page
            cursor = min(parsing.stamp_of(record) for record in page)

    def _funding_page(self, symbol: str, args: tuple[Any, ...], span: Range, cancel: Cancel) -> list[Any]:
        records = self.ask(f"funding of {symbol}", "fetch_funding_rate_history", symbol, *args, cancel=cancel)
        return [record for record in records if span[0] <= parsing.stamp_of(record) < span[1]]

    def order_book(self, symbol: str, depth: int | None) -> pd.DataFrame:
        """Return the canonical order book."""
        offered = [there for there in self.quirks.book_depths if depth is not None and there >= depth]
        asked = offered[0] if offered else (self.quirks.book_depths[-1] if depth and self.quirks.book_depths else depth)
        book = self.ask(f"order book of {symbol}", "fetch_order_book", symbol, asked)
        return parsing.order_book(book, self.market(symbol), venue=self.name, now_ms=self.now_ms(), depth=depth)

    def brackets(self, symbol: str) -> pd.DataFrame:
        """Return the canonical leverage brackets."""
        market, what = self.market(symbol), f"leverage brackets of {symbol}"
        if self._client.has.get("fetchMarketLeverageTiers") is True:
            tiers = self.ask(what, "fetch_market_leverage_tiers", symbol)
        else:
            tiers = self.ask(what, "fetch_leverage_tiers", [symbol]).get(symbol, [])
        price = NAN
        if self.quirks.tiers_in_contracts:
            price = parsing.positive(self.ask(f"price of {symbol}", "fetch_ticker", symbol).get("last"))
        return parsing.brackets(tiers, market, self.quirks, price=price)

    def positions(self) -> pd.DataFrame:
        """Return the canonical positions of the account."""
        records = [
            record
            for query in self.quirks.position_queries
            for record in self.ask("positions", "fetch_positions", None, query)
        ]
        return parsing.positions(records, self.markets(), venue=self.name)


def nearest(symbol: str, listed: Mapping[str, Any]) -> str:
    """Words that name the listed symbols closest to one that is not listed."""
    base = symbol.split("/", maxsplit=1)[0].upper()
    names = [name for name in listed if name.split("/")[0] == base][:5]
    names = names or difflib.get_close_matches(symbol, list(listed), n=3)
    return f"It lists {', '.join(names)}." if names else "It lists nothing like it."


def _is_wanted(market: Mapping[str, Any]) -> bool:
    return bool(market.get("spot") or market.get("swap")) and market.get("active") is not False


def _turnover(ticker: Mapping[str, Any], market: Mapping[str, Any]) -> float:
    quote = parsing.number(ticker.get("quoteVolume"))
    if quote == quote:  # not NaN
        return quote
    amount = parsing.number(ticker.get("baseVolume")) * parsing.contract_size(market)
    inverse = parsing.contract_of(market) is Contract.INVERSE
    return amount if inverse else amount * parsing.number(ticker.get("last"))
