"""A source that carries positions of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pandas as pd

from heatlab.domain import NAN, Contract, Instrument, MarginMode, Position, Side, Timeframe
from heatlab.errors import HeatlabError, SourceError
from heatlab.frames import POSITIONS, check
from heatlab.frames.position_records import (
    WALLET,
)
from heatlab.margin import (
    contract_of,
    default_brackets,
    has_formula,
    is_spot,
    maximum_leverage,
    position_liquidation_price,
)
from heatlab.sources.base import Capability, MarketSource, Notice

Made = TypeVar("Made")


class WithPositions:
    """A market source with positions of its own; everything else comes from the source it wraps.

    What the table does not know is filled in when positions are asked for: ``mark_price`` with the last close,
    ``margin`` with the initial margin at entry, or ``leverage`` from the margin, and ``liquidation_price`` by the
    venue's exact formula. It stays NaN, with a notice, on a venue whose formula is not known, above the venue's
    maximum leverage, and for a cross position without ``attrs["wallet_balance"]`` of its venue: then it depends on
    what is not here. Coins held spot have the price 0: nothing liquidates them. The quantity of a coin-margined
    contract, in the table its worth in coin at entry, becomes its worth in coin at the mark, as exchanges count it, so
    that ``quantity * mark_price`` is what it is worth. Prices and brackets are asked for at most once a minute of the
    source's clock.

    Parameters
    ----------
    source : MarketSource
    table : DataFrame
        Canonical positions.
    """

    def __init__(self, source: MarketSource, table: pd.DataFrame) -> None:
        self._source = source
        self._table = check(table, POSITIONS).copy()
        self._wallets: dict[str, float] = dict(table.attrs.get(WALLET, {}))
        self._notices: list[Notice] = []
        self._known: dict[tuple[str, str, str], Any] = {}
        self._minute: pd.Timestamp | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        """Show the wrapped source and how many positions it carries."""
        return f"WithPositions({self._source!r}, {len(self._table)} positions)"

    @property
    def source(self) -> MarketSource:
        """The source the market data come from."""
        return self._source

    @property
    def name(self) -> str:
        """Name of the wrapped source."""
        return self._source.name

    @property
    def is_simulated(self) -> bool:
        """True if the market data are simulated."""
        return self._source.is_simulated

    def venues(self) -> tuple[str, ...]:
        """Venues of the wrapped source."""
        return self._source.venues()

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """Instruments of the wrapped source."""
        return self._source.instruments(venue)

    def timeframes(self, symbol: str, *, venue: str | None = None) -> tuple[str, ...]:
        """Timeframes of the wrapped source."""
        return self._source.timeframes(symbol, venue=venue)

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """Capabilities of the wrapped source, and positions."""
        return self._source.capabilities(symbol, venue=venue) | {Capability.POSITIONS}

    def now(self) -> pd.Timestamp:
        """Clock of the wrapped source."""
        return self._source.now()

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
        """Candles of the wrapped source."""
        return self._source.candles(symbol, timeframe, venue=venue, start=start, end=end, limit=limit)

    def open_interest(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        timeframe: str = "1h",
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Open interest of the wrapped source."""
        return self._source.open_interest(symbol, venue=venue, timeframe=timeframe, start=start, end=end)

    def funding(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Funding rates of the wrapped source."""
        return self._source.funding(symbol, venue=venue, start=start, end=end)

    def liquidations(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return forced closings of the wrapped source."""
        return self._source.liquidations(symbol, venue=venue, start=start, end=end)

    def order_book(self, symbol: str, *, venue: str | None = None, depth: int | None = None) -> pd.DataFrame:
        """Order book of the wrapped source."""
        return self._source.order_book(symbol, venue=venue, depth=depth)

    def brackets(self, symbol: str, *, venue: str | None = None) -> pd.DataFrame:
        """Leverage brackets of the wrapped source."""
        return self._source.brackets(symbol, venue=venue)

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """Positions of the table, of one venue if named, with what can be filled in."""
        table = self._table if venue is None else self._table[self._table["venue"] == venue]
        if table.empty:
            return table.copy()
        with self._lock:
            self._forget_if_old()
            given = [{str(key): cell for key, cell in row.items()} for row in self._table.to_dict("records")]
            whole = [self._completed(dict(row)) for row in given]
            for row, stated in zip(whole, given, strict=True):
                if math.isnan(row["liquidation_price"]):
                    row["liquidation_price"] = self._liquidation_price(row, stated["margin"], whole)
        completed = pd.DataFrame(whole, columns=list(self._table.columns), index=self._table.index.copy())
        completed.attrs = dict(self._table.attrs)
        return completed.loc[table.index]

    def notices(self) -> tuple[Notice, ...]:
        """Notices of the wrapped source, and what could not be filled in."""
        with self._lock:
            return (*self._source.notices(), *self._notices)

    def _forget_if_old(self) -> None:
        minute = self.now().floor("min")
        if minute != self._minute:
            self._minute = minute
            self._known.clear()

    def _once(self, what: str, symbol: str, venue: str, ask: Callable[[str, str], Made]) -> Made:
        key = (what, symbol, venue)
        if key not in self._known:
            self._known[key] = ask(symbol, venue)
        return self._known[key]  # type: ignore[no-any-return]

    def _completed(self, row: dict[str, Any]) -> dict[str, Any]:
        if math.isnan(row["mark_price"]):
            row["mark_price"] = self._once("mark", row["symbol"], row["venue"], self._mark)
        worth = row["quantity"] * row["entry_price"]
        if is_spot(row["symbol"]) and math.isnan(row["leverage"]) and row["side"] == Side.LONG:
            row["leverage"] = 1.0
        growth = _growth(row)
        row["quantity"] /= growth
        worth *= growth
        if math.isnan(row["margin"]):
            row["margin"] = worth / row["leverage"]
        elif math.isnan(row["leverage"]) and row["margin"] > 0:
            row["leverage"] = worth / row["margin"]
        return row

    def _liquidation_price(self, row: dict[str, Any], stated_margin: float, book: list[dict[str, Any]]) -> float:
        """Exact price, or NaN with a notice that says what is missing."""
        symbol, venue = row["symbol"], row["venue"]
        place = f"{venue} {symbol}"
        if is_spot(symbol):
            return self._spot_price(row, place)
        if not has_formula(venue):
            self._notice(place, "Its liquidation price is unknown: no exact margin formula of this venue is known.")
            return NAN
        account = [one for one in book if one["venue"] == venue and not is_spot(one["symbol"])]
        tables = {one["symbol"]: self._brackets_in_margin_currency(one) for one in account}
        if self._above_maximum(row, tables[symbol]):
            self._notice(
                place, f"Its liquidation price is unknown: the venue does not allow {row['leverage']:g}x here."
            )
            return NAN
        if row["margin_mode"] == MarginMode.CROSS:
            others = [_position(one) for one in account if one is not row]
            wallet = self._wallets.get(venue, NAN)
            return position_liquidation_price(_position(row), tables, others=others, wallet_balance=wallet)
        return position_liquidation_price(_position({**row, "margin": stated_margin}), tables)

    def _spot_price(self, row: dict[str, Any], place: str) -> float:
        """Coins that are owned are never liquidated; borrowed ones are, at a price that is not known here."""
        price = position_liquidation_price(_position(row), {row["symbol"]: default_brackets()})
        if math.isnan(price):
            self._notice(place, "Its liquidation price is unknown: it is spot on borrowed money or coins.")
        return price

    def _above_maximum(self, row: dict[str, Any], brackets: pd.DataFrame) -> bool:
        coin = contract_of(row["symbol"]) is Contract.INVERSE
        notional = row["quantity"] * (_growth(row) if coin else row["entry_price"])
        return bool(row["leverage"] > float(maximum_leverage(notional, brackets)) * (1 + 1e-6))

    def _brackets_in_margin_currency(self, row: dict[str, Any]) -> pd.DataFrame:
        """Brackets of a position; assumed ones are in quote and become coin for an inverse contract."""
        table: pd.DataFrame = self._once("brackets", row["symbol"], row["venue"], self._brackets_of)
        if contract_of(row["symbol"]) is not Contract.INVERSE or not table.attrs.get("assumed"):
            return table
        amounts = ["notional_floor", "notional_cap", "maintenance_amount"]
        return table.assign(**{name: table[name] / row["entry_price"] for name in amounts})

    def _mark(self, symbol: str, venue: str) -> float:
        place = f"{venue} {symbol}"
        for choice in (venue, None):
            try:
                candle = _latest(self._source, symbol, choice)
            except HeatlabError as error:
                reason = str(error)
                continue
            if choice is None:
                used = candle.attrs.get("venue", "another venue")
                self._notice(place, f"{self.name} has no candles of it; the mark price is from {used}.")
            return float(candle["close"].iloc[-1])
        self._notice(place, f"The mark price is unknown. {reason}")
        return NAN

    def _brackets_of(self, symbol: str, venue: str) -> pd.DataFrame:
        place = f"{venue} {symbol}"
        try:
            return self._source.brackets(symbol, venue=venue)
        except HeatlabError as error:
            reason = str(error)
        try:
            table = self._source.brackets(symbol)
        except HeatlabError:
            self._notice(place, f"Typical leverage brackets are assumed. {reason}")
            return default_brackets()
        self._notice(place, f"Leverage brackets of {table.attrs.get('venue', 'another venue')} are assumed. {reason}")
        return table

    def _notice(self, where: str, message: str) -> None:
        notice = Notice(where, message)
        if notice not in self._notices:
            self._notices.append(notice)


def _latest(source: MarketSource, symbol: str, venue: str | None) -> pd.DataFrame:
    """Last closed candle that closed latest; shorter timeframes first, up to one that is current."""
    best, closed = None, pd.Timestamp(0, tz="UTC")
    for timeframe in map(Timeframe.parse, source.timeframes(symbol, venue=venue)):
        candle = source.candles(symbol, timeframe.value, venue=venue, limit=1)
        close = candle.index[-1] + timeframe.delta if len(candle) else closed
        if close > closed:
            best, closed = candle, close
        if source.now() - closed <= 3 * timeframe.delta:
            break
    if best is None:
        raise SourceError(f"{source.name} has no candles of {symbol}{f' on {venue}' if venue else ''}.")
    return best


def _growth(row: dict[str, Any]) -> float:
    """Mark over entry price of an inverse position with a mark: its worth in quote stands, in coin it moves; else 1."""
    known = contract_of(row["symbol"]) is Contract.INVERSE and row["mark_price"] > 0
    return row["mark_price"] / row["entry_price"] if known else 1.0


def _position(row: dict[str, Any]) -> Position:
    given = {name: row[name] for name in POSITIONS.names}
    return Position(**{**given, "side": Side(row["side"]), "margin_mode": MarginMode(row["margin_mode"])})
