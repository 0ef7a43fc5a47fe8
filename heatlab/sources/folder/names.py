"""What a file's name and place say: symbol, timeframe, period and venue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from heatlab.domain import Contract, Instrument, Timeframe

PERIOD = re.compile(r"[\dQHW.-]+")
MARKET_SUFFIX = re.compile(r"[_-](perp|perps|spot|swap|futures)$")
DERIVATIVES = {"binance": "binanceusdm", "kraken": "krakenfutures"}
RULE = (
    "SYMBOL_TIMEFRAME.csv or .parquet, such as BTC-USDT-USDT_1h.csv for BTC/USDT:USDT or BTC-USDT_1h.csv for BTC/USDT"
)


@dataclass(frozen=True, slots=True)
class FileName:
    """Parts of a file name; "" or None where it does not say.

    ``symbol`` is unified, ``rest`` is what follows the timeframe and is no period (such as "mark"), ``prefix`` what
    precedes the first "_" where that is no symbol.
    """

    symbol: str = ""
    timeframe: Timeframe | None = None
    rest: str = ""
    prefix: str = ""


def parse_name(stem: str) -> FileName:
    """Read ``BTC-USDT-USDT_1h_2020-2024``: symbol, then timeframe, then an optional period."""
    head, *tail = stem.split("_")
    symbol = symbol_of(head)
    known = {timeframe.value: timeframe for timeframe in Timeframe}
    place = next((number for number, part in enumerate(tail) if part in known), None)
    timeframe = known[tail[place]] if place is not None else None
    after = tail[place + 1 :] if place is not None else tail
    rest = "_".join(part for part in after if not PERIOD.fullmatch(part))
    return FileName(symbol=symbol, timeframe=timeframe, rest=rest, prefix="" if symbol else head)


def symbol_of(slug: str) -> str:
    """Unified symbol of ``BASE-QUOTE`` (spot) or ``BASE-QUOTE-SETTLE`` (perpetual); "" if it is neither."""
    parts = slug.split("-")
    if len(parts) not in (2, 3) or not all(part and not re.search(r"[\s:/]", part) for part in parts):
        return ""
    if all(part.isdigit() for part in parts):
        return ""
    return "/".join(parts[:2]) + (f":{parts[2]}" if len(parts) == 3 else "")


def is_unified(symbol: str) -> bool:
    """Tell whether a symbol is ``BASE/QUOTE`` or ``BASE/QUOTE:SETTLE``."""
    return re.fullmatch(r"[^/:\s]+/[^/:\s]+(:[^/:\s]+)?", symbol) is not None


def is_perpetual(symbol: str) -> bool:
    """Tell whether a unified symbol is a perpetual: it names what it settles in."""
    return ":" in symbol


def venue_id(name: str, symbol: str) -> str:
    """Name a venue as exchanges are named elsewhere in heatlab.

    Lower case, without ``_perp`` or ``_spot``. Perpetuals of "binance" and "kraken" trade on venues of their own,
    ``binanceusdm`` and ``krakenfutures``.
    """
    venue = MARKET_SUFFIX.sub("", name.strip().lower())
    return DERIVATIVES.get(venue, venue) if is_perpetual(symbol) else venue


def venue_of_file(path: Path, name: FileName, *, shared: bool) -> str:
    """Venue named by the place of a file.

    Tables shared by many symbols may say it first in their name (``binanceusdm_leverage_tiers``); other files lie
    in a folder of their venue's name.
    """
    return name.prefix if shared and name.prefix and "_" in path.stem else path.parent.name


def instrument(symbol: str, venue: str) -> Instrument:
    """Record of a unified symbol; tick and lot sizes are unknown."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    contract = Contract.SPOT if not settle else Contract.INVERSE if settle == base else Contract.LINEAR
    return Instrument(symbol=symbol, venue=venue, base=base, quote=quote, contract=contract)
