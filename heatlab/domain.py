"""Records and enums of the field. Frozen: a change makes a new record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Self

import pandas as pd

from heatlab.errors import ParameterError

NAN = float("nan")
MONDAY_MS = 345_600_000


class Side(IntEnum):
    """Direction of a position: LONG = +1, SHORT = -1, so that P&L is ``side * quantity * move``."""

    LONG = 1
    SHORT = -1

    @property
    def label(self) -> str:
        """Lower-case word for tables and screens."""
        return "long" if self is Side.LONG else "short"

    @classmethod
    def parse(cls, value: str | int) -> Self:
        """Read "long"/"short", "buy"/"sell", +1/-1.

        Raises
        ------
        ParameterError
            The value names no side.
        """
        words = {"long": 1, "buy": 1, "1": 1, "+1": 1, "short": -1, "sell": -1, "-1": -1}
        key = str(int(value)) if isinstance(value, int | float) and value in (1, -1) else str(value).strip().lower()
        if key not in words:
            raise ParameterError(
                f"The 'value' parameter of Side.parse must be one of 'long', 'short', 'buy', 'sell', 1, -1. "
                f"Got {value!r} instead."
            )
        return cls(words[key])


class MarginMode(StrEnum):
    """Isolated: the position has its own margin. Cross: it shares the account's."""

    ISOLATED = "isolated"
    CROSS = "cross"


class Contract(StrEnum):
    """Linear: margin and P&L in quote. Inverse: contracts are worth quote, margin and P&L in coin."""

    LINEAR = "linear"
    INVERSE = "inverse"
    SPOT = "spot"


class Timeframe(StrEnum):
    """Length of a bar; the value is its usual short name. Ordered by :attr:`delta`."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def delta(self) -> pd.Timedelta:
        """Length of one bar."""
        return pd.Timedelta(milliseconds=self.milliseconds)

    @property
    def milliseconds(self) -> int:
        """Length of one bar in milliseconds."""
        unit = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
        return int(self.value[:-1]) * unit[self.value[-1]]

    @property
    def origin_ms(self) -> int:
        """Open time of one bar of the grid [ms since 1970]: Monday 1970-01-05 for weeks, the epoch for the rest."""
        return MONDAY_MS if self is Timeframe.W1 else 0

    @classmethod
    def parse(cls, value: str) -> Timeframe:
        """Read a short name such as "4h".

        Raises
        ------
        ParameterError
            The name is not a known timeframe; the message lists those that are.
        """
        try:
            return cls(value)
        except ValueError:
            names = ", ".join(member.value for member in cls)
            raise ParameterError(f"The 'timeframe' parameter must be one of {names}. Got {value!r} instead.") from None


def base_currency(symbol: str) -> str:
    """Give the coin of a ccxt-unified symbol, such as BTC of ``BTC/USDT:USDT``; a text without ``/`` as it is."""
    return str(symbol).split("/", maxsplit=1)[0]


def market_names(symbols: Iterable[str]) -> dict[str, str]:
    """Name each symbol as briefly as still tells it from the others.

    BTC where it is the only one of its coin; else "BTC spot", "BTC perp", "BTC coin perp" (coin-margined) or
    "BTC future 250627"; with the quote, "BTC/USDC perp", where that is not enough; else the symbol itself.
    """
    known = list(dict.fromkeys(map(str, symbols)))
    left, names = known, dict[str, str]()
    for name in (base_currency, _kind_name, _quoted_name, str):
        made = {symbol: name(symbol) for symbol in left}
        count = Counter([*made.values(), *names.values()])
        names |= {symbol: text for symbol, text in made.items() if count[text] == 1}
        left = [symbol for symbol in left if symbol not in names]
    return {symbol: names.get(symbol, symbol) for symbol in known}


def _kind_name(symbol: str) -> str:
    return f"{base_currency(symbol)}{_kind(symbol)}"


def _quoted_name(symbol: str) -> str:
    return f"{symbol.partition(':')[0]}{_kind(symbol)}"


def _kind(symbol: str) -> str:
    """Word for the contract: it names what it settles in, and where it ends, when."""
    pair, _, settle = symbol.partition(":")
    if "/" not in pair:
        return ""
    currency, _, expiry = settle.partition("-")
    if not currency:
        return " spot"
    coin = " coin" if currency == base_currency(symbol) else ""
    return f"{coin} future {expiry}" if expiry else f"{coin} perp"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable contract on one venue. ``symbol`` is ccxt-unified, such as ``BTC/USDT:USDT``."""

    symbol: str
    venue: str
    base: str
    quote: str
    contract: Contract = Contract.LINEAR
    contract_size: float = 1.0
    tick_size: float = NAN
    lot_size: float = NAN
    sector: str = ""


@dataclass(frozen=True, slots=True)
class LeverageBracket:
    """One row of a venue's maintenance-margin table.

    ``maintenance margin = notional * maintenance_margin_rate - maintenance_amount`` for
    ``notional_floor <= notional < notional_cap`` [quote].
    """

    notional_floor: float
    notional_cap: float
    maintenance_margin_rate: float
    maintenance_amount: float
    max_leverage: float


@dataclass(frozen=True, slots=True)
class Position:
    """One open position. ``quantity`` > 0 in base, ``margin`` in quote; unknown values are NaN."""

    symbol: str
    venue: str
    side: Side
    quantity: float
    entry_price: float
    mark_price: float = NAN
    leverage: float = NAN
    margin_mode: MarginMode = MarginMode.ISOLATED
    margin: float = NAN
    liquidation_price: float = NAN

    @property
    def notional(self) -> float:
        """Quantity at the mark price [quote]."""
        return self.quantity * self.mark_price

    @property
    def unrealized_pnl(self) -> float:
        """Profit at the mark price [quote]; linear contracts."""
        return self.side * self.quantity * (self.mark_price - self.entry_price)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something worth remembering, with the state at that moment; the journal adds number and time.

    ``kind`` is one of :data:`JOURNAL_KINDS`; ``reason`` is the trader's own word; ``state`` holds plain values (what a
    JSON file can hold), such as heat, zone, thresholds, mark price.
    """

    kind: str
    text: str
    symbol: str = ""
    venue: str = ""
    side: int = 0
    reason: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)


JOURNAL_KINDS = ("reading", "override", "order", "accepted", "signal", "alert", "note")


@dataclass(frozen=True, slots=True)
class LendingReserve:
    """One asset of a lending account: quantities in the asset's own units, ``price`` in the account's currency."""

    asset: str
    price: float
    collateral: float = 0.0
    debt: float = 0.0
    liquidation_threshold: float = 0.0
    loan_to_value: float = 0.0


@dataclass(frozen=True, slots=True)
class LendingPosition:
    """One account on a lending protocol, reserve by reserve."""

    account: str
    protocol: str
    reserves: tuple[LendingReserve, ...]
