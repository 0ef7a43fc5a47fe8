"""The simulated market behind the source protocol, with the truth it was made from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from heatlab import frames
from heatlab._checks import check_range, parameter_error
from heatlab.domain import Instrument, Timeframe
from heatlab.errors import SourceError
from heatlab.sources.base import Capability, Notice
from heatlab.sources.counts import check_count
from heatlab.sources.simulated import books, cache, demo, settings, tables
from heatlab.sources.simulated import funding as funding_rules
from heatlab.sources.simulated.checked import between, listing_of, signed, timeframe_of, utc, venue_of
from heatlab.sources.simulated.contracts import bracket_table_of, instrument
from heatlab.sources.simulated.second_venue import follow
from heatlab.sources.simulated.settings import BY_SYMBOL, LISTINGS, VENUES, Listing
from heatlab.sources.simulated.tape import Tape, mixture, record

Made = TypeVar("Made")
ACCOUNT = ""
"""Stands for the demo user in place of a symbol: a lock of its own, taken before those of symbols."""


class SimulatedSource:
    """A seeded market whose every account is known: the built-in default and the yardstick of the estimators.

    Sixteen perpetuals in four sectors on two venues move by a market factor, sector factors and news of their own,
    with regimes, clustered volatility, sessions, jumps and cascades of liquidations. Two years of hourly candles, 1m
    candles of the last 30 days. Accounts live on the first venue and their forced orders move its price; the second
    venue follows with a small basis and has no liquidation feed.

    The same seed gives the same numbers bit for bit. A symbol is simulated when it is first asked for.

    Parameters
    ----------
    seed : int
        In [0, 2**31 - 1].
    cache : Path, optional
        Folder that keeps simulated symbols between runs (about 6 MB each), by default one in the user's cache; None
        keeps nothing. A folder that cannot be used is reported by :meth:`notices` and does no harm.

    Raises
    ------
    ParameterError
        The seed is out of range.
    """

    def __init__(self, seed: int = 7, *, cache: Path | None = cache.DEFAULT_FOLDER) -> None:
        check_range("seed", seed, 0, 2**31 - 1, caller="SimulatedSource")
        self._seed = int(seed)
        self._folder = None if cache is None else Path(cache)
        self._locks = {name: threading.RLock() for name in (*BY_SYMBOL, ACCOUNT)}
        self._made: dict[tuple[str, ...], object] = {}
        self._notices: dict[Notice, None] = {}

    @property
    def name(self) -> str:
        """``"simulated market (seed 7)"``."""
        return f"simulated market (seed {self._seed})"

    @property
    def is_simulated(self) -> bool:
        """Always True."""
        return True

    @property
    def seed(self) -> int:
        """Seed of the market."""
        return self._seed

    def venues(self) -> tuple[str, ...]:
        """``binanceusdm`` and ``okx``."""
        return VENUES

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """List the sixteen perpetuals, most traded first; without ``venue`` those of the first."""
        place = venue_of(venue)
        ranked = sorted(LISTINGS, key=lambda listing: -listing.daily_volume)
        return tuple(instrument(listing, place) for listing in ranked)

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """All of them; those below 1h reach back 30 days."""
        listing_of(symbol)
        venue_of(venue)
        return tuple(timeframe.value for timeframe in Timeframe)

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Everything on the first venue; all but liquidations on the second."""
        listing_of(symbol)
        return frozenset(Capability) - ({Capability.LIQUIDATIONS} if venue_of(venue) != VENUES[0] else set())

    def now(self) -> pd.Timestamp:
        """End of the data, the same for every run."""
        return settings.END

    def candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Return closed candles; see :class:`~heatlab.sources.base.MarketSource`."""
        listing, place = listing_of(symbol), venue_of(venue)
        wanted = timeframe_of(timeframe)
        last = None if limit is None else -check_count("limit", limit, caller="SimulatedSource.candles")
        chosen = between(self._candles(listing, place, wanted), start, end).iloc[last:]
        return signed(chosen, symbol, place, wanted.value)

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Open interest, no denser than ``timeframe``: hourly, each minute in the last 30 days."""
        listing, place = listing_of(symbol), venue_of(venue)
        wanted = timeframe_of(timeframe)
        table = self._once(("oi", symbol, place), lambda: tables.open_interest(self._tape(listing, place)))
        chosen = between(table[frames.milliseconds(table.index) % wanted.milliseconds == 0], start, end)
        return signed(chosen, symbol, place, wanted.value)

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Rates settled every 8 hours, from the premium of those hours by Binance's formula."""
        place = venue_of(venue)
        table = funding_rules.funding(self.premium(symbol, venue=place))
        return signed(between(table, start, end), symbol, place, "8h")

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Every forced closing of an account, without the throttling of real feeds.

        Raises
        ------
        SourceError
            The second venue publishes none.
        """
        listing, place = listing_of(symbol), venue_of(venue)
        if place != VENUES[0]:
            raise SourceError(f"{self.name} has liquidations on {VENUES[0]} only. Got venue {place!r}.")
        table = self._once(("liquidations", symbol), lambda: tables.liquidations(self._tape(listing, place)))
        return signed(between(table, start, end), symbol, place, None)

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Book at :meth:`now` around the mark price; ``depth`` keeps so many levels of each side."""
        listing, place = listing_of(symbol), venue_of(venue)
        levels = None if depth is None else check_count("depth", depth, caller="SimulatedSource.order_book")
        table = books.order_book(
            listing,
            venue=place,
            seed=self._seed,
            place=2 * LISTINGS.index(listing) + VENUES.index(place),
            mark_price=self.mark_price(symbol, venue=place),
            share=1.0 if place == VENUES[0] else settings.OKX_SHARE,
        )
        chosen = table if levels is None else table.groupby("side", sort=False).head(levels).reset_index(drop=True)
        return signed(chosen, symbol, place, None)

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets, the same on both venues."""
        return signed(bracket_table_of(listing_of(symbol)).copy(), symbol, venue_of(venue), None)

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """Eight positions of a demo user over both venues, or those on one."""
        wanted = None if venue is None else venue_of(venue)
        brackets = {listing.symbol: bracket_table_of(listing) for listing in LISTINGS}

        def make() -> pd.DataFrame:
            return demo.positions(lambda symbol, at: self.mark_price(symbol, venue=at), brackets)

        table = self._once(("positions", ACCOUNT), make)
        chosen = table.copy() if wanted is None else table[table["venue"] == wanted].reset_index(drop=True)
        chosen.attrs["venue"] = wanted
        return chosen

    def notices(self) -> tuple[Notice, ...]:
        """Trouble with the cache folder, if any."""
        return tuple(self._notices)

    def mark_price(self, symbol: str, *, venue: str | None = None) -> float:
        """Price at :meth:`now` [quote]."""
        return float(self._tape(listing_of(symbol), venue_of(venue)).close[-1])

    def premium(self, symbol: str, *, venue: str | None = None) -> pd.Series:
        """Truth behind the funding: mean premium over the index in each hour [fraction]."""
        listing, place = listing_of(symbol), venue_of(venue)
        number = 2 * LISTINGS.index(listing) + VENUES.index(place)

        def make() -> pd.Series:
            return funding_rules.premium(self._candles(listing, place, Timeframe.H1), seed=self._seed, place=number)

        return self._once(("premium", symbol, place), make).copy()

    def accounts(self, symbol: str, *, at: pd.Timestamp | None = None) -> pd.DataFrame:
        """Truth: the accounts open at an instant, on the first venue.

        Parameters
        ----------
        symbol : str
        at : Timestamp, optional
            From the start of the data to :meth:`now`, which is the default.

        Returns
        -------
        DataFrame
            ``account``, ``side``, ``quantity`` [base], ``entry_price`` [quote], ``leverage`` (nominal tier),
            ``margin_mode``, ``margin`` [quote] (with the free balance behind a cross account),
            ``liquidation_price`` [quote] (0.0: no fall liquidates it) and ``opened``. An account stands for equal
            trades of 5,000 each, so the first leverage bracket applies. Longs and shorts each add up to the open
            interest of that instant.

        Raises
        ------
        ParameterError
            ``at`` lies outside the data.
        """
        instant = settings.END if at is None else at
        if not settings.START <= utc("at", instant) <= settings.END:
            raise parameter_error("at", "SimulatedSource.accounts", f"in [{settings.START}, {settings.END}]", str(at))
        history = self._history(listing_of(symbol))
        alive = (history["opened"] <= instant) & ~(history["closed"] <= instant)
        return signed(
            history[alive].drop(columns=["closed", "close_reason"]).reset_index(drop=True), symbol, VENUES[0], None
        )

    def account_history(self, symbol: str) -> pd.DataFrame:
        """Truth: every account ever open; as :meth:`accounts`, with ``closed`` (NaT: still open) and ``close_reason``.

        ``close_reason`` is ``open``, ``closed`` (of its own will) or ``liquidated``.
        """
        return signed(self._history(listing_of(symbol)), symbol, VENUES[0], None)

    def truth_mixture(self, symbol: str) -> pd.DataFrame:
        """Truth: share of opened quantity per leverage ``tier`` (index), columns ``long`` and ``short``."""
        shares = mixture(listing_of(symbol))
        index = pd.Index(settings.TIERS, name="tier")
        return pd.DataFrame({"long": shares[0], "short": shares[1]}, index=index)

    @property
    def truth_half_life(self) -> pd.Timedelta:
        """Truth: half-life of the holding time accounts intend; liquidations and profit-taking end some earlier."""
        return settings.HALF_LIFE

    @property
    def truth_cross_share(self) -> float:
        """Truth: share of accounts with cross margin."""
        return settings.CROSS_SHARE

    def _history(self, listing: Listing) -> pd.DataFrame:
        return self._once(("history", listing.symbol), lambda: tables.account_history(self._tape(listing, VENUES[0])))

    def _candles(self, listing: Listing, venue: str, timeframe: Timeframe) -> pd.DataFrame:
        def make() -> pd.DataFrame:
            tape = self._tape(listing, venue)
            if timeframe is Timeframe.H1:
                return tables.hourly(tape)
            if timeframe.milliseconds < Timeframe.H1.milliseconds:
                return frames.resample_candles(tables.bars(tape, fine=True), timeframe)
            return frames.resample_candles(self._candles(listing, venue, Timeframe.H1), timeframe)

        return self._once(("candles", listing.symbol, venue, timeframe.value), make)

    def _tape(self, listing: Listing, venue: str) -> Tape:
        number = LISTINGS.index(listing)
        if venue == VENUES[0]:
            return self._once(("tape", listing.symbol), lambda: self._load_or_record(listing, number))
        first = self._tape(listing, VENUES[0])
        return self._once(("follower", listing.symbol), lambda: follow(first, self._seed, place=number))

    def _load_or_record(self, listing: Listing, number: int) -> Tape:
        if self._folder is None:
            return record(listing, self._seed, place=number)
        try:
            kept = cache.load(self._folder, listing, self._seed)
        except (OSError, ValueError) as error:
            self._note(error)
            kept = None
        if kept is not None:
            return kept
        tape = record(listing, self._seed, place=number)
        try:
            cache.save(self._folder, tape, self._seed)
        except OSError as error:
            self._note(error)
        return tape

    def _note(self, error: Exception) -> None:
        self._notices[Notice(str(self._folder), f"The simulated market was made afresh: {error}")] = None

    def _once(self, key: tuple[str, str, *tuple[str, ...]], make: Callable[[], Made]) -> Made:
        """Make a thing once; things of different symbols side by side. A key is what it is, its symbol and more."""
        with self._locks[key[1]]:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]  # type: ignore[return-value]
