"""A market source over live exchanges: several venues at once, capability-aware, read-only."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import pandas as pd

import heatlab.sources.exchange.parsing as parsing
from heatlab import frames
from heatlab.domain import Instrument, Timeframe
from heatlab.errors import ParameterError, SourceError
from heatlab.frames import from_ms
from heatlab.sources.base import CandleStorage, Capability, Notice
from heatlab.sources.counts import check_count
from heatlab.sources.exchange.client import Client, ClientFactory
from heatlab.sources.exchange.history import CandleHistory
from heatlab.sources.exchange.interest import lacks_a_column, read_interest, valued
from heatlab.sources.exchange.keys import Keyring, find_credentials, system_keyring
from heatlab.sources.exchange.paging import Progress, Range
from heatlab.sources.exchange.quirks import DAY
from heatlab.sources.exchange.retry import FetchCancelledError, RetryPolicy, Sleep
from heatlab.sources.exchange.spans import bar_span, instant_span
from heatlab.sources.exchange.venue import Patience, Venue
from heatlab.sources.exchange.venues import VenuePanel

Request = tuple[str, str, str]
"""Venue, symbol, timeframe."""


class ExchangeSource:
    """Live markets of one or more exchanges, through ccxt.

    Keys come from the environment (``HEATLAB_<VENUE>_API_KEY``, ``_SECRET``, ``_PASSWORD``) or the OS keyring
    (service ``heatlab``) and are only ever used to read.

    Parameters
    ----------
    *venues : str
        ccxt ids such as ``"binanceusdm"``, ``"okx"``, ``"bybit"``; the first is the default.
    store : CandleStorage, optional
        Candles it has are not fetched again; what is fetched goes in page by page, so a stop loses nothing.
    options : mapping, optional
        ccxt client settings by venue, for example ``{"okx": {"hostname": "eea.okx.com"}}``.
    policy : RetryPolicy
    timeout : float
        Seconds one request may take.
    settle : float
        A bar counts as closed this long after its close [s], so that late trades are in it.
    sleep, rng, clock : optional
        Pause, randomness and local clock; for tests.
    environ : mapping, optional
        Where keys are looked up; the environment by default.
    keyring : Keyring or None, optional
        The OS keyring by default; None leaves it out.
    client_factory : callable, optional
        Builds the ccxt client from an id and its settings.

    Raises
    ------
    ParameterError
        No venue, or one that ccxt does not know.
    """

    def __init__(
        self,
        *venues: str,
        store: CandleStorage | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        policy: RetryPolicy | None = None,
        timeout: float = 10.0,
        settle: float = 2.0,
        sleep: Sleep | None = None,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.time,
        environ: Mapping[str, str] | None = None,
        keyring: Keyring | Callable[[], Keyring | None] | None = system_keyring,
        client_factory: ClientFactory | None = None,
    ) -> None:
        if not venues:
            raise ParameterError("The 'venues' parameter of ExchangeSource must name at least one venue. Got none.")
        patience = Patience(policy or RetryPolicy(), sleep, rng, clock)
        ring, variables = keyring() if callable(keyring) else keyring, os.environ if environ is None else environ
        self._panel = VenuePanel(
            Venue(
                Client(
                    name,
                    credentials=find_credentials(name, environ=variables, keyring=ring),
                    options=(options or {}).get(name),
                    timeout=timeout,
                    factory=client_factory,
                ),
                patience,
            )
            for name in dict.fromkeys(venues)
        )
        self._history = CandleHistory(store, notify=self._panel.notice)
        self._settle_ms = int(settle * 1000)
        self._clock = clock

    def __repr__(self) -> str:
        """Name the venues."""
        return f"ExchangeSource({', '.join(map(repr, self._panel.names))})"

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for venue in self._panel.places:
            venue.close()

    # -- what there is --------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """Venue names, comma-separated."""
        return ", ".join(self._panel.names)

    @property
    def is_simulated(self) -> bool:
        """False: these are real markets."""
        return False

    def venues(self) -> tuple[str, ...]:
        """Names of the venues, first is the default."""
        return self._panel.names

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Perpetuals and spot pairs, most traded perpetuals first; of all venues if none is named."""
        if venue is not None:
            return self._instruments_of(self._panel.named(venue))
        listed = self._panel.on_each(self._panel.places, self._instruments_of)
        return tuple(instrument for found in listed.values() for instrument in found)

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """Timeframes the candles come in, shortest first; those built from shorter ones included."""
        return tuple(frame.value for frame in self._panel.pick(symbol, venue).timeframes())

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Tell what can be asked for this symbol; positions (and Binance's brackets) need a key."""
        return self._panel.pick(symbol, venue).capabilities(symbol)

    def now(self) -> pd.Timestamp:
        """Clock of the first venue that answers: the local clock plus a skew measured once."""
        for venue in self._panel.places:
            try:
                return from_ms(venue.now_ms())
            except SourceError as error:
                self._panel.notice(venue.name, str(error))
        return from_ms(int(self._clock() * 1000))

    def notices(self) -> tuple[Notice, ...]:
        """Everything skipped so far and why."""
        return self._panel.notices()

    # -- tables ---------------------------------------------------------------------------------------------------
    def candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        limit: int | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> pd.DataFrame:
        """Return the candles that are closed by the venue's clock.

        Parameters
        ----------
        symbol, timeframe, venue, start, end, limit
            As in :class:`~heatlab.sources.base.MarketSource`. Without ``start``, the last ``limit`` bars
            (1000 without a limit).
        progress : callable, optional
            Called after each page with bars done, bars in total and a line for the screen.
        cancel : Event, optional
            Set it to stop before the next request; pages fetched by then are in the store.

        Raises
        ------
        SourceError
            The venue does not list the symbol, does not serve the timeframe, or did not deliver.
        RateLimitedError
            The venue refused because of its rate limit and waiting did not help.
        FetchCancelledError
            ``cancel`` was set.
        """
        wanted, place = Timeframe.parse(timeframe), self._panel.pick(symbol, venue)
        native = place.native(wanted)
        if native is None:
            served = ", ".join(frame.value for frame in place.timeframes())
            raise SourceError(f"{place.name} serves {symbol} in {served}. Got {wanted.value!r} instead.")
        span = bar_span(place, wanted, start, end, limit=limit, settle_ms=self._settle_ms)
        table = self._history.read(place, symbol, native, span, progress=progress, cancel=cancel)
        table.attrs = {"venue": place.name, "symbol": symbol, "timeframe": native.value}
        if native is not wanted:
            table = frames.resample_candles(table, wanted)
        return table if limit is None else table.tail(limit)

    def candle_tables(
        self,
        requests: Iterable[Request],
        *,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        limit: int | None = None,
        cancel: threading.Event | None = None,
    ) -> dict[Request, pd.DataFrame]:
        """Candles for many ``(venue, symbol, timeframe)`` at once, the venues side by side.

        Returns
        -------
        dict
            What could be fetched. What could not is left out and told in :meth:`notices`; a venue that is down does
            not hold up the others.
        """
        by_venue: dict[str, list[Request]] = {}
        for request in requests:
            by_venue.setdefault(request[0], []).append(request)

        def fetch(place: Venue) -> dict[Request, pd.DataFrame]:
            found = {}
            for name, symbol, timeframe in by_venue[place.name]:
                try:
                    table = self.candles(
                        symbol, timeframe, venue=name, start=start, end=end, limit=limit, cancel=cancel
                    )
                except FetchCancelledError:
                    raise
                except SourceError as error:
                    self._panel.notice(f"{name} {symbol} {timeframe}", str(error))
                else:
                    found[name, symbol, timeframe] = table
            return found

        parts = self._panel.on_each([self._panel.named(name) for name in by_venue], fetch)
        return {request: table for part in parts.values() for request, table in part.items()}

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> pd.DataFrame:
        """Open interest in base coin and quote, no denser than ``timeframe``; the last 30 days without ``start``.

        Where a venue gives coin or value only, the other follows from the candle that closes at the stamp. A venue
        without a history gives one row: the present. Binance keeps 30 days; an earlier ``start`` is cut
        there and told in :meth:`notices`.
        """
        wanted, place = Timeframe.parse(timeframe), self._panel.pick(symbol, venue)
        if place.market(symbol).get("spot"):
            raise SourceError(f"{place.name}: {symbol} is a spot pair and has no open interest.")
        if Capability.OPEN_INTEREST not in place.capabilities(symbol):
            return self._label(place.present_interest(symbol), place, symbol, frames.OPEN_INTEREST)
        span = self._instants(place, start, end, kept=place.quirks.interest_history, what=f"open interest of {symbol}")
        table = read_interest(place, symbol, wanted, span, progress=progress, cancel=cancel)
        if lacks_a_column(table):
            spacing = place.quirks.interest_timeframe(wanted)
            first, last = table.index[0] - spacing.delta, table.index[-1]
            bars = self.candles(symbol, spacing.value, venue=place.name, start=first, end=last, cancel=cancel)
            table = valued(table, bars, spacing)
        return self._label(table, place, symbol, frames.OPEN_INTEREST)

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        cancel: threading.Event | None = None,
    ) -> pd.DataFrame:
        """Settled funding rates; the last 30 days without ``start``. OKX keeps about three months."""
        place = self._panel.pick(symbol, venue)
        if Capability.FUNDING not in place.capabilities(symbol):
            raise SourceError(f"{place.name} serves no funding for {symbol}.")
        span = self._instants(place, start, end, kept=place.quirks.funding_history, what=f"funding of {symbol}")
        table = parsing.funding(place.funding_records(symbol, span, cancel=cancel))
        return self._label(table, place, symbol, frames.FUNDING)

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,  # noqa: ARG002
        end: pd.Timestamp | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Raise :class:`SourceError`: exchanges publish forced closings on a live stream only."""
        place = self._panel.pick(symbol, venue)
        raise SourceError(f"{place.name} serves no past liquidations of {symbol}; they come on a live stream only.")

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Latest book, best prices first on each side; quantities in base coin."""
        levels = None if depth is None else check_count("depth", depth, caller="ExchangeSource.order_book")
        place = self._panel.pick(symbol, venue)
        return self._label(place.order_book(symbol, levels), place, symbol, frames.ORDER_BOOK)

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets, smallest notional first. Binance tells them only to a key."""
        place = self._panel.pick(symbol, venue)
        if Capability.BRACKETS not in place.capabilities(symbol):
            hint = f" Set {', '.join(place.missing_keys())}." if place.quirks.private_brackets else ""
            raise SourceError(f"{place.name} gives no leverage brackets for {symbol} without a key.{hint}")
        return self._label(place.brackets(symbol), place, symbol, frames.BRACKETS)

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """Open positions of the account on one venue, or on all that have keys; a venue that fails is a notice."""
        if venue is not None:
            place = self._panel.named(venue)
            if not place.has_keys:
                raise SourceError(f"{venue}: reading positions needs a key. Set {', '.join(place.missing_keys())}.")
            return self._label(place.positions(), place, None, frames.POSITIONS)
        ready = [place for place in self._panel.places if place.has_keys]
        tables = [table for table in self._panel.on_each(ready, Venue.positions).values() if not table.empty]
        if not tables:
            return frames.empty(frames.POSITIONS)
        return frames.check(pd.concat(tables, ignore_index=True), frames.POSITIONS, where=self.name)

    # -- inside ---------------------------------------------------------------------------------------------------
    def _instruments_of(self, place: Venue) -> tuple[Instrument, ...]:
        markets = place.markets()
        try:
            turnover = place.turnover()
        except SourceError as error:
            self._panel.notice(place.name, f"instruments are in listing order: {error}")
            turnover = {}
        ranked = sorted(markets, key=lambda symbol: -_known(turnover.get(symbol)))
        return tuple(parsing.instrument(markets[symbol], place.name) for symbol in ranked)

    def _instants(
        self, place: Venue, start: pd.Timestamp | None, end: pd.Timestamp | None, *, kept: int | None, what: str
    ) -> Range:
        span, cut = instant_span(place, start, end, kept=kept)
        if cut:
            days = (kept or 0) // DAY
            self._panel.notice(place.name, f"{what}: kept for {days} days only, so it starts {from_ms(span[0])}.")
        return span

    def _label(self, table: pd.DataFrame, place: Venue, symbol: str | None, schema: frames.Schema) -> pd.DataFrame:
        table.attrs = {"venue": place.name} if symbol is None else {"venue": place.name, "symbol": symbol}
        return frames.check(table, schema, where=f"{place.name} {symbol or ''}".strip())


def _known(value: float | None) -> float:
    return value if value is not None and value == value else 0.0
