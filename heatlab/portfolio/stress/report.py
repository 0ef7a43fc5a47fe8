"""Tables of a stress test, and what the reader must know about it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.portfolio.stress.betas_of import PositionBetas
from heatlab.portfolio.stress.book import Account, Bools, Floats, StressBook
from heatlab.portfolio.stress.result import Settled, in_words

MOST_NAMED = 6


def positions_table(
    book: StressBook,
    betas: PositionBetas,
    *,
    used: Floats,
    done: Settled,
    outcome: NDArray[np.object_],
    moves: Floats,
    basis: NDArray[np.object_],
) -> pd.DataFrame:
    """Per position, in the order of the book; the columns of :class:`StressResult`."""
    price = done.prices[0]
    own, shared = book.account < 0, book.account >= 0
    still = ~betas.counted  # left out: its price after the shock is not known, so nothing is that follows from it
    distance, after = distances(book, betas, price, moves)
    stated = book.positions["liquidation_price"].to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "symbol": book.positions["symbol"],
            "venue": book.positions["venue"],
            "side": book.positions["side"],
            "margin_mode": np.where(book.spot, "spot", np.where(shared, "cross", "isolated")),
            "notional": np.where(book.inverse, book.quantity * book.entry, book.quantity * book.mark),
            "beta": betas.stated,
            "downside_beta": betas.stated_down,
            "beta_used": np.where(betas.counted, used, np.nan),
            "basis": basis,
            "price": np.where(betas.counted, price, np.nan),
            "pnl": done.pnl[0],
            "outcome": outcome,
            "liquidation_price": np.where(shared, stated, book.limit),
            "liquidation_move": moves,
            "distance": distance,
            "distance_after": np.where((outcome == "liquidated") | still & np.isfinite(after), np.nan, after),
            "margin_left": np.where(own & ~still, done.equity[0], np.nan),
            "note": _position_notes(book, betas),
        }
    )


def distances(book: StressBook, betas: PositionBetas, price: Floats, moves: Floats) -> tuple[Floats, Floats]:
    """Way of each own price to liquidation, from the mark and from ``price``; inf for none, NaN where unknown."""
    beta = np.where(moves < 0, betas.down, betas.up)
    with np.errstate(invalid="ignore"):
        joint = book.mark * (1.0 + beta * moves)
    goal = np.where(book.account >= 0, joint, book.limit)
    none = (
        np.isinf(moves) & (book.account >= 0) | (book.limit <= 0) | np.isinf(book.limit) | (book.spot & (book.sign > 0))
    )
    with np.errstate(invalid="ignore"):
        return np.where(none, np.inf, goal / book.mark - 1.0), np.where(none, np.inf, goal / price - 1.0)


def accounts_table(book: StressBook, done: Settled, moves: Floats, unknown: Bools) -> pd.DataFrame:
    """Per wallet; the columns of :class:`StressResult`."""
    dark = book.by_account(np.isnan(book.unrealised(book.mark)).astype(np.float64)) > 0
    equity, needed = np.where(dark, np.nan, done.account_equity[0]), done.maintenance[0]
    ended = book.by_account(done.hit[0].astype(np.float64)) > 0
    idle = book.by_account(np.ones(len(book))) == 0
    before = np.where(dark, np.nan, book.account_equity(book.mark) * book.coin_price(book.mark))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(idle, 0.0, np.where(equity > 0, needed / equity, np.nan))
    silent = unknown & ~idle
    return pd.DataFrame(
        {
            "venue": [one.venue for one in book.accounts],
            "currency": [one.currency for one in book.accounts],
            "positions": book.by_account(np.ones(len(book))).astype(np.int64),
            "wallet": [one.wallet for one in book.accounts],
            "equity_before": before,
            "equity": equity,
            "maintenance": np.where(silent, np.nan, needed),
            "margin_left": np.where(silent, np.nan, np.where(ended, 0.0, equity - needed)),
            "margin_ratio": np.where(silent | ended, np.nan, ratio),
            "liquidation_move": np.where(silent, np.nan, moves),
            "outcome": in_words(ended, silent),
            "note": _account_notes(book, unknown & ~idle),
        }
    )


def notes_of(book: StressBook, betas: PositionBetas) -> tuple[str, ...]:
    """Sentences on what is left out, assumed or inferred."""
    notes = []
    out = np.flatnonzero(~betas.counted)
    if len(out):
        notes.append(f"Left out of the P&L: {_listed(_name(book, int(row), betas.notes[row]) for row in out)}.")
    guessed = np.flatnonzero(np.isnan(betas.stated) & betas.counted)
    if len(guessed):
        notes.append(f"Beta unknown, taken as 1: {_listed(_name(book, int(row)) for row in guessed)}.")
    if book.assumed:
        notes.append(f"Leverage brackets are assumed for {_listed(book.assumed)}.")
    notes += [
        f"The {one.currency} wallet of {one.venue} is inferred from a liquidation price the venue gave."
        for one in book.accounts
        if one.inferred
    ]
    return tuple(notes)


def _position_notes(book: StressBook, betas: PositionBetas) -> list[str]:
    with np.errstate(invalid="ignore"):
        beyond = book.sign * (book.mark - book.limit) <= 0
    gone = np.where(beyond, "already beyond its liquidation price", "")
    shared = ["" if place < 0 else _lacking(book.accounts[place]) for place in book.account]
    return ["; ".join(filter(None, told)) for told in zip(betas.notes, book.why, shared, gone, strict=True)]


def _account_notes(book: StressBook, unknown: Bools) -> list[str]:
    notes = []
    for one, silent in zip(book.accounts, unknown, strict=True):
        reason = _lacking(one)
        late = "a position in it has no price or beta" if silent and not reason else ""
        notes.append(reason or late or ("wallet inferred" if one.inferred else ""))
    return notes


def _lacking(account: Account) -> str:
    """Why the liquidation of an account cannot be known, as far as the account alone decides."""
    return account.why or ("" if np.isfinite(account.wallet) else "its wallet balance is not known")


def _name(book: StressBook, row: int, why: str = "") -> str:
    one = book.positions.iloc[row]
    reason = f" ({why.removesuffix(': left out')})" if why else ""
    return f"{one['symbol']} on {one['venue']}{reason}"


def _listed(names: Iterable[str]) -> str:
    given = list(dict.fromkeys(names))
    more = f" and {len(given) - MOST_NAMED} more" if len(given) > MOST_NAMED else ""
    return ", ".join(given[:MOST_NAMED]) + more
