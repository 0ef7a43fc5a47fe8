"""Canonical tables from a tape: bars, open interest, liquidations and the true accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import MarginMode
from heatlab.sources.simulated import engine, settings
from heatlab.sources.simulated.tape import Tape, liquidation_ratios

BAR_COLUMNS = ("open", "high", "low", "close", "volume", "taker_buy_volume")
REASONS = {engine.OPEN: "open", engine.CLOSED: "closed", engine.LIQUIDATED: "liquidated"}
SIDES = np.array([1, -1])


def end_ms() -> int:
    """Return the end of the data [ms]."""
    return int(settings.END.timestamp() * 1000)


def bars(tape: Tape, *, fine: bool) -> pd.DataFrame:
    """Return the 1m bars of the last 30 days (``fine``) or the hourly bars before them."""
    border = int(settings.FINE_START.timestamp() * 1000)
    chosen = (tape.start >= border) == fine
    table = pd.DataFrame({name: getattr(tape, name)[chosen] for name in BAR_COLUMNS})
    table.index = frames.time_index(tape.start[chosen])
    table.attrs["timeframe"] = "1m" if fine else "1h"
    return table


def hourly(tape: Tape) -> pd.DataFrame:
    """Return hourly bars of the whole span; those of the last 30 days are built from the 1m bars."""
    table = pd.concat([bars(tape, fine=False), frames.resample_candles(bars(tape, fine=True), "1h")])
    table.attrs["timeframe"] = "1h"
    return table


def open_interest(tape: Tape) -> pd.DataFrame:
    """Return open interest at every bar's open and at the end of the data, valued at the price of that instant."""
    quantity = quantities(tape.lots, tape.listing.lot_size)
    price = np.r_[tape.open, tape.close[-1]]
    return pd.DataFrame(
        {"open_interest": quantity, "open_interest_value": quantity * price},
        index=frames.time_index(np.r_[tape.start, end_ms()]),
    )


def quantities(lots: np.ndarray, lot_size: float) -> np.ndarray:
    """Turn lots into quantity [base], free of binary dust."""
    return np.round(lots * lot_size, 8)


def liquidations(tape: Tape) -> pd.DataFrame:
    """List every forced closing since the start, at the account's liquidation price."""
    gone = (tape.ledger.reason == engine.LIQUIDATED) & (tape.ledger.closed >= int(settings.START.timestamp() * 1000))
    chosen = np.flatnonzero(gone)
    chosen = chosen[np.argsort(tape.ledger.closed[chosen], kind="stable")]
    price = _liquidation_price(tape, chosen)
    quantity = quantities(tape.ledger.lots[chosen], tape.listing.lot_size)
    return pd.DataFrame(
        {
            "side": SIDES[tape.ledger.side[chosen]],
            "price": price,
            "quantity": quantity,
            "notional": quantity * price,
            "venue": settings.VENUES[0],
        },
        index=frames.time_index(tape.ledger.closed[chosen]),
    )


def _liquidation_price(tape: Tape, rows: np.ndarray) -> np.ndarray:
    book = tape.ledger
    ratios = liquidation_ratios(tape.listing)
    return np.asarray(book.entry_price[rows] * ratios[book.side[rows], book.tier[rows], book.cushion[rows]])


def account_history(tape: Tape) -> pd.DataFrame:
    """List every account ever open since the start; see :meth:`SimulatedSource.account_history`."""
    book = tape.ledger
    rows = np.flatnonzero(book.closed >= int(settings.START.timestamp() * 1000))
    inverse = 1.0 / settings.TIERS[book.tier[rows]]
    margin_rate = inverse + book.cushion[rows] / settings.CUSHIONS * (1.0 - inverse)
    quantity = quantities(book.lots[rows], tape.listing.lot_size)
    still = book.closed[rows] == engine.NEVER
    closed = np.where(still, np.iinfo(np.int64).min, book.closed[rows]).astype("datetime64[ms]")
    modes = np.where(book.cushion[rows] > 0, MarginMode.CROSS.value, MarginMode.ISOLATED.value)
    return pd.DataFrame(
        {
            "account": rows,
            "side": SIDES[book.side[rows]],
            "quantity": quantity,
            "entry_price": book.entry_price[rows],
            "leverage": settings.TIERS[book.tier[rows]],
            "margin_mode": modes,
            "margin": quantity * book.entry_price[rows] * margin_rate,
            "liquidation_price": _liquidation_price(tape, rows),
            "opened": frames.time_index(book.opened[rows]),
            "closed": pd.DatetimeIndex(closed).tz_localize("UTC"),
            "close_reason": np.array([REASONS[code] for code in REASONS])[book.reason[rows]],
        }
    )
