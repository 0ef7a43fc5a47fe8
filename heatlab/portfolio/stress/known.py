"""Equity as far as it is known: a sum of the parts that can be valued, and the names of those that cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatlab.domain import NAN
from heatlab.portfolio.stress.book import Account, Bools, StressBook
from heatlab.portfolio.stress.result import KnownEquity, Settled


def known_equity(book: StressBook, settled: Settled, *, counted: Bools, notes: Sequence[str]) -> KnownEquity:
    """Add up what is known at the first price vector.

    Parameters
    ----------
    book : StressBook
    settled : Settled
    counted : array of bool of shape (n,)
        Positions whose price is known there; the others, and the accounts they are in, are gaps.
    notes : sequence of str
        Per position: why it does not count.
    """
    alone = book.account < 0
    own = np.isfinite(settled.equity[0]) & counted
    dark = np.isnan(book.unrealised(book.mark)) | ~counted
    shared = np.isfinite(settled.account_equity[0]) & (book.by_account(dark.astype(np.float64)) == 0)
    parts = [*settled.equity[0][alone & own], *settled.account_equity[0][shared]]
    gaps = [_position_gap(book, int(row), notes) for row in np.flatnonzero(alone & ~own)]
    gaps += [_account_gap(book.accounts[place]) for place in np.flatnonzero(~shared)]
    return KnownEquity(float(np.sum(parts)) if parts else NAN, tuple(dict.fromkeys(gaps)))


def _position_gap(book: StressBook, row: int, notes: Sequence[str]) -> str:
    one = book.positions.iloc[row]
    why = notes[row].removesuffix(": left out") or book.why[row] or "its margin or a price is unknown"
    return f"{one['symbol']} on {one['venue']}: {why}"


def _account_gap(account: Account) -> str:
    name = f"{account.venue} {account.currency}".strip()
    return f"{name}: " + (
        "a position in it has no price or beta" if np.isfinite(account.wallet) else "its wallet is unknown"
    )
