"""The demo user's own book: eight positions over both venues, with exact margins and liquidation prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from heatlab import frames, margin
from heatlab.domain import MarginMode, Position, Side
from heatlab.sources.simulated import settings
from heatlab.sources.simulated.tape import round_lots

WALLETS = {"binanceusdm": 22_000.0, "okx": 11_000.0}
"""Wallet balance behind the cross positions of each venue [quote]."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One position of the demo book; ``entry`` is its entry price over the mark price."""

    venue: str
    base: str
    side: Side
    notional: float
    entry: float
    leverage: float
    mode: MarginMode


PLANS = (
    Plan("binanceusdm", "BTC", Side.LONG, 60_000, 0.962, 10, MarginMode.ISOLATED),
    Plan("binanceusdm", "ETH", Side.LONG, 35_000, 1.021, 5, MarginMode.CROSS),
    Plan("binanceusdm", "SOL", Side.SHORT, 18_000, 1.034, 10, MarginMode.ISOLATED),
    Plan("binanceusdm", "AAVE", Side.LONG, 12_000, 1.058, 10, MarginMode.ISOLATED),
    Plan("binanceusdm", "DOGE", Side.SHORT, 9_000, 0.984, 5, MarginMode.CROSS),
    Plan("okx", "BTC", Side.SHORT, 25_000, 1.012, 5, MarginMode.CROSS),
    Plan("okx", "LINK", Side.LONG, 10_000, 0.975, 8, MarginMode.ISOLATED),
    Plan("okx", "XRP", Side.LONG, 14_000, 1.015, 3, MarginMode.CROSS),
)
"""AAVE is the one to worry about: about four percent from its liquidation price."""


def positions(mark_price: Callable[[str, str], float], brackets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Canonical positions of the demo user.

    Parameters
    ----------
    mark_price : function of symbol and venue
    brackets : mapping of symbol to canonical brackets
    """
    book = [_opened(plan, mark_price) for plan in PLANS]
    rows = [replace(own, liquidation_price=_liquidation_price(own, book, brackets)) for own in book]
    table = pd.DataFrame([{name: getattr(row, name) for name in frames.POSITIONS.names} for row in rows])
    table["side"] = table["side"].astype("int64")
    table["margin_mode"] = [row.margin_mode.value for row in rows]
    table.attrs["wallet_balance"] = dict(WALLETS)
    return table


def _opened(plan: Plan, mark_price: Callable[[str, str], float]) -> Position:
    symbol = f"{plan.base}/{settings.QUOTE}:{settings.QUOTE}"
    listing, mark = settings.BY_SYMBOL[symbol], mark_price(symbol, plan.venue)
    entry = round(mark * plan.entry, listing.decimals)
    quantity = float(round_lots(plan.notional / entry, listing.lot_size))
    return Position(
        symbol=symbol,
        venue=plan.venue,
        side=plan.side,
        quantity=quantity,
        entry_price=entry,
        mark_price=mark,
        leverage=plan.leverage,
        margin_mode=plan.mode,
        margin=quantity * entry / plan.leverage,
    )


def _liquidation_price(own: Position, book: list[Position], brackets: Mapping[str, pd.DataFrame]) -> float:
    others = [other for other in book if other.venue == own.venue and other is not own]
    price = margin.position_liquidation_price(own, brackets, others=others, wallet_balance=WALLETS[own.venue])
    return price if 0.0 < price < float("inf") else float("nan")
