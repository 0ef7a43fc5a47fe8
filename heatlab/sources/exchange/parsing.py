"""ccxt structures in, canonical tables out. Quantities become base coin, unknown becomes NaN."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import NAN, Contract, Instrument, MarginMode, Side
from heatlab.errors import SourceError
from heatlab.margin.brackets import maintenance_amounts
from heatlab.sources.exchange.quirks import Quirks

Record = Mapping[str, Any]
_LIQUIDATION = re.compile(r"(?i)^liq\w*(px|price)$")
_AMOUNT_NAMES = ("cum", "mmDeduction")


def number(value: Any) -> float:
    """Return a finite float; NaN for what is missing, empty or no number."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        return NAN
    return result if math.isfinite(result) else NAN


def positive(value: Any) -> float:
    """Return a float above zero; NaN otherwise (venues write 0 for "none")."""
    result = number(value)
    return result if result > 0 else NAN


def stamp_of(record: Record) -> int:
    """Time of a ccxt record [ms].

    Raises
    ------
    SourceError
        It has none.
    """
    stamp = record.get("timestamp")
    if stamp is None:
        raise SourceError(f"{record.get('symbol')}: the venue sent a row without a time: {record.get('info')!r}.")
    return int(stamp)


def index_of(stamps: Iterable[int]) -> pd.DatetimeIndex:
    """Canonical time index of milliseconds since 1970."""
    return frames.time_index(np.asarray(list(stamps), dtype="int64"))


def contract_of(market: Record) -> Contract:
    """Kind of contract of a ccxt market."""
    if market.get("spot"):
        return Contract.SPOT
    return Contract.INVERSE if market.get("inverse") else Contract.LINEAR


def contract_size(market: Record) -> float:
    """Size of one contract: base coin for linear, quote for inverse, 1 for spot."""
    size = positive(market.get("contractSize"))
    return 1.0 if math.isnan(size) or market.get("spot") else size


def to_base(amount: float, market: Record, price: float) -> float:
    """Convert an amount in the venue's unit to base coin; inverse contracts need the price [quote]."""
    value = amount * contract_size(market)
    return value / price if contract_of(market) is Contract.INVERSE else value


def instrument(market: Record, venue: str) -> Instrument:
    """Build the record of one ccxt market. The lot is in base coin (inverse: NaN, it moves with the price)."""
    kind, size = contract_of(market), contract_size(market)
    precision = market.get("precision") or {}
    lot = NAN if kind is Contract.INVERSE else positive(precision.get("amount")) * size
    return Instrument(
        symbol=market["symbol"],
        venue=venue,
        base=market["base"],
        quote=market["quote"],
        contract=kind,
        contract_size=size,
        tick_size=positive(precision.get("price")),
        lot_size=lot,
    )


def candles(rows: Sequence[Sequence[Any]], market: Record, quirks: Quirks) -> pd.DataFrame:
    """Build canonical candles from ``[ms, open, high, low, close, volume]`` rows; repeated stamps keep the last.

    Returns
    -------
    DataFrame
        Sorted. The unfinished bar is still in: only the caller knows the venue's clock.
    """
    if not rows:
        return frames.empty(frames.CANDLES)
    latest = {int(row[0]): row for row in rows}
    ordered = [latest[stamp] for stamp in sorted(latest)]
    values = np.array([[number(cell) for cell in row[1:6]] for row in ordered])
    table = pd.DataFrame(values, columns=["open", "high", "low", "close", "volume"], index=index_of(sorted(latest)))
    if quirks.volume_in_contracts and contract_of(market) is not Contract.SPOT:
        size = contract_size(market)
        inverse = contract_of(market) is Contract.INVERSE
        table["volume"] *= size / table["close"] if inverse else size
    return table


def open_interest(records: Iterable[Record], market: Record, quirks: Quirks) -> pd.DataFrame:
    """Build canonical open interest, base coin and quote."""
    rows = {stamp_of(record): _interest_row(record, market, quirks) for record in records}
    if not rows:
        return frames.empty(frames.OPEN_INTEREST)
    stamps = sorted(rows)
    return pd.DataFrame(
        [rows[stamp] for stamp in stamps], columns=["open_interest", "open_interest_value"], index=index_of(stamps)
    )


def _interest_row(record: Record, market: Record, quirks: Quirks) -> tuple[float, float]:
    amount, value = number(record.get("openInterestAmount")), number(record.get("openInterestValue"))
    base, contracts = number(record.get("baseVolume")), amount * contract_size(market)
    if contract_of(market) is not Contract.INVERSE:
        return (contracts if math.isnan(base) else base), value
    if quirks.interest_value_is_base:
        return value, contracts
    return base, (contracts if math.isnan(value) else value)


def funding(records: Iterable[Record]) -> pd.DataFrame:
    """Build canonical funding: stamps to the second, the interval from the spacing of the stamps.

    The first row takes the spacing that follows it; a single row has no interval (NaT).
    """
    rates = {round(stamp_of(record), -3): number(record.get("fundingRate")) for record in records}
    if not rates:
        return frames.empty(frames.FUNDING)
    index = index_of(sorted(rates))
    spacing = pd.Series(index, index=index).diff().dt.round("min").bfill()
    return pd.DataFrame({"funding_rate": [rates[stamp] for stamp in sorted(rates)], "funding_interval": spacing})


def order_book(book: Record, market: Record, *, venue: str, now_ms: int, depth: int | None) -> pd.DataFrame:
    """Build the canonical order book: bids then asks, best first; ``age`` is NaT if the venue gives no time."""
    rows = [
        (side, float(level[0]), to_base(float(level[1]), market, float(level[0])))
        for side, name in ((1, "bids"), (-1, "asks"))
        for level in list(book[name])[:depth]
        if number(level[1]) > 0
    ]
    stamp = book.get("timestamp")
    age = pd.NaT if stamp is None else pd.Timedelta(milliseconds=max(0, now_ms - int(stamp)))
    table = pd.DataFrame(rows, columns=["side", "price", "quantity"])
    table["venue"] = pd.Series([venue] * len(table), dtype="object", index=table.index)
    table["age"] = pd.Series([age] * len(table), dtype="timedelta64[ms]", index=table.index)
    return table.astype({"side": "int64", "price": "float64", "quantity": "float64"})


def brackets(tiers: Sequence[Record], market: Record, quirks: Quirks, *, price: float = NAN) -> pd.DataFrame:
    """Build canonical leverage brackets.

    Parameters
    ----------
    tiers : sequence of ccxt leverage tiers
    market : ccxt market
    quirks : Quirks
    price : float
        Price of the contract [quote]; used where the venue bounds its tiers in contracts.
    """
    if not tiers:
        return frames.empty(frames.BRACKETS)
    ordered = sorted(tiers, key=lambda tier: number(tier["minNotional"]))
    floors = np.array([number(tier["minNotional"]) for tier in ordered])
    caps = np.array([number(tier["maxNotional"]) for tier in ordered])
    rates = np.array([number(tier["maintenanceMarginRate"]) for tier in ordered])
    if quirks.tiers_in_contracts and contract_of(market) is not Contract.SPOT:
        unit = contract_size(market) * (1.0 if contract_of(market) is Contract.INVERSE else price)
        floors, caps = floors * unit, caps * unit
    floors[1:] = caps[:-1]  # some venues start a tier one contract above the last
    floors[0] = 0.0
    return pd.DataFrame(
        {
            "notional_floor": floors,
            "notional_cap": np.where(np.isnan(caps), np.inf, caps),
            "maintenance_margin_rate": rates,
            "maintenance_amount": _amounts(ordered, floors, rates, quirks),
            "max_leverage": [positive(tier.get("maxLeverage")) for tier in ordered],
        }
    )


def _amounts(tiers: Sequence[Record], floors: np.ndarray, rates: np.ndarray, quirks: Quirks) -> np.ndarray:
    """Deductions as the venue states them, else those that make the maintenance margin continuous."""
    if not quirks.tier_amounts:
        return np.zeros(len(floors))
    stated = np.array([_stated_amount(tier["info"]) for tier in tiers])
    if np.isnan(stated[1:]).any():
        return maintenance_amounts([*floors[1:], np.inf], rates)
    return np.where(np.isnan(stated), 0.0, stated)  # Bybit leaves the first one out


def _stated_amount(info: Record) -> float:
    stated = (number(info.get(name)) for name in _AMOUNT_NAMES)
    return next((amount for amount in stated if not math.isnan(amount)), NAN)


def positions(records: Iterable[Record], markets: Mapping[str, Record], *, venue: str) -> pd.DataFrame:
    """Build the canonical positions table; closed positions are left out."""
    rows = [
        _position_row(record, markets.get(record["symbol"], {}), venue)
        for record in records
        if abs(number(record.get("contracts"))) > 0
    ]
    if not rows:
        return frames.empty(frames.POSITIONS)
    return pd.DataFrame(rows, columns=list(frames.POSITIONS.names)).astype({"side": "int64"})


def _position_row(record: Record, market: Record, venue: str) -> dict[str, Any]:
    entry, mark = positive(record.get("entryPrice")), positive(record.get("markPrice"))
    price = entry if math.isnan(mark) else mark
    coin = price if contract_of(market) is Contract.INVERSE else 1.0
    amount = abs(number(record.get("contracts")))
    return {
        "symbol": record["symbol"],
        "venue": venue,
        "side": int(Side.parse(record["side"])),
        "quantity": to_base(amount, market, price),
        "entry_price": entry,
        "mark_price": mark,
        "leverage": _leverage(record),
        "margin_mode": _margin_mode(record),
        "margin": _margin(record) * coin,
        "liquidation_price": positive(record.get("liquidationPrice")) if _states_liquidation(record["info"]) else NAN,
    }


def _leverage(record: Record) -> float:
    stated, fraction = positive(record.get("leverage")), positive(record.get("initialMarginPercentage"))
    return stated if not math.isnan(stated) else round(1.0 / fraction, 2)


def _margin_mode(record: Record) -> str:
    isolated = record.get("marginMode") == "isolated" or str(record["info"].get("tradeMode")) == "1"
    return (MarginMode.ISOLATED if isolated else MarginMode.CROSS).value


def _margin(record: Record) -> float:
    own = positive(record.get("positionMargin"))
    return positive(record.get("initialMargin")) if math.isnan(own) else own


def _states_liquidation(info: Any) -> bool:
    """Tell whether the venue itself gave a liquidation price: ccxt fills a formula of its own in where it did not."""
    if not isinstance(info, Mapping):
        return False
    return any(
        _states_liquidation(value) or (_LIQUIDATION.match(name) is not None and positive(value) > 0)
        for name, value in info.items()
    )
