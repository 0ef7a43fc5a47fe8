"""What differs from venue to venue beyond what ccxt unifies: page lengths, kept history, units, settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heatlab.domain import Timeframe

DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Quirks:
    """Facts about one venue.

    Attributes
    ----------
    candle_page, interest_page, funding_page : int
        Rows one request may return.
    interest_timeframes : tuple of str
        Spacings of its open interest history.
    interest_history, funding_history : int or None
        How far back the venue keeps them [ms]; None: no limit known.
    funding_newest_first : bool
        Funding is served from the end: walk backwards.
    funding_before : str
        Request parameter that bounds funding from above where ccxt has no ``until`` for it.
    funding_before_offset : int
        Added to the bound [ms]: 1 where the venue excludes it.
    volume_in_contracts : bool
        Candle volume of its contracts counts contracts, not base coin.
    interest_value_is_base : bool
        ``openInterestValue`` of its inverse contracts is in coin.
    private_brackets : bool
        Leverage brackets need a key.
    tiers_in_contracts : bool
        Leverage tiers are bounded in contracts, not in quote.
    tier_amounts : bool
        Maintenance margin is piecewise continuous, with a deduction per tier (False: the tier's rate on everything).
    book_depths : tuple of int
        Depths its order book comes in; empty: any.
    position_queries : tuple of dict
        Requests that together return every position.
    settings : dict
        Client settings.
    """

    candle_page: int = 500
    interest_page: int = 100
    funding_page: int = 100
    interest_timeframes: tuple[str, ...] = ("5m", "15m", "30m", "1h", "4h", "1d")
    interest_history: int | None = None
    funding_history: int | None = None
    funding_newest_first: bool = False
    funding_before: str = "until"
    funding_before_offset: int = 0
    volume_in_contracts: bool = False
    interest_value_is_base: bool = False
    private_brackets: bool = False
    tiers_in_contracts: bool = False
    tier_amounts: bool = True
    book_depths: tuple[int, ...] = ()
    position_queries: tuple[dict[str, Any], ...] = ({},)
    settings: dict[str, Any] = field(default_factory=dict)

    def interest_timeframe(self, wanted: Timeframe) -> Timeframe:
        """Longest spacing of open interest that is no longer than the wanted one (else the shortest there is)."""
        kept = [Timeframe.parse(name) for name in self.interest_timeframes]
        fitting = [frame for frame in kept if wanted.milliseconds % frame.milliseconds == 0]
        return max(fitting or kept[:1], key=lambda frame: frame.milliseconds)


_BINANCE = Quirks(
    candle_page=1000,
    interest_page=500,
    funding_page=1000,
    interest_timeframes=("5m", "15m", "30m", "1h", "2h", "4h", "12h", "1d"),
    interest_history=30 * DAY,
    interest_value_is_base=True,
    private_brackets=True,
    book_depths=(5, 10, 20, 50, 100, 500, 1000),
)
_OKX = Quirks(
    candle_page=300,
    interest_page=100,
    funding_page=100,
    interest_timeframes=("5m", "1h", "1d"),
    funding_history=92 * DAY,
    funding_newest_first=True,
    funding_before="after",
    funding_before_offset=1,
    tiers_in_contracts=True,
    tier_amounts=False,
    settings={"options": {"fetchMarkets": {"types": ["spot", "swap"]}}},
)
_BYBIT = Quirks(
    candle_page=1000,
    interest_page=200,
    funding_page=200,
    funding_newest_first=True,
    position_queries=(
        {"subType": "linear", "settleCoin": "USDT"},
        {"subType": "linear", "settleCoin": "USDC"},
        {"subType": "inverse"},
    ),
    settings={"options": {"fetchMarkets": {"types": ["spot", "linear", "inverse"]}}},
)
_CONTRACT_VOLUME = Quirks(volume_in_contracts=True, candle_page=300)
_VENUES = {
    **dict.fromkeys(("binance", "binanceusdm", "binancecoinm"), _BINANCE),
    **dict.fromkeys(("okx", "myokx", "okxus"), _OKX),
    **dict.fromkeys(("bybit", "bybiteu"), _BYBIT),
    **dict.fromkeys(("gate", "gateio", "mexc", "kucoinfutures"), _CONTRACT_VOLUME),
    "hyperliquid": Quirks(candle_page=5000, funding_page=500),
    "krakenfutures": Quirks(candle_page=2000),
}


def quirks_of(venue: str) -> Quirks:
    """Return the facts about a venue; careful defaults for one not listed."""
    return _VENUES.get(venue, Quirks())
