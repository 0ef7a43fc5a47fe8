"""What a stress test finds, and how prices that are reached turn into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import NAN
from heatlab.portfolio.stress.book import Bools, Floats, StressBook

HELD, LIQUIDATED, UNKNOWN = "held", "liquidated", "unknown"
WORDS = np.array([HELD, LIQUIDATED, UNKNOWN], dtype=object)


@dataclass(frozen=True, slots=True)
class KnownEquity:
    """Equity of the parts that can be valued.

    Attributes
    ----------
    amount : float
        [quote]; NaN where no part is known. A lower bound where there are gaps: no part is worth less than nothing
        once it is liquidated.
    gaps : tuple of str
        What is not in it, and why.
    """

    amount: float = NAN
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class StressResult:
    """A book after a shock or at the end of a scenario. Amounts are in quote; stablecoins and USD count as one.

    Attributes
    ----------
    name : str
        The shock or the scenario in words.
    move : float
        Move of the benchmark [fraction].
    positions : DataFrame
        Per position, in the order of the book: symbol, venue, side, margin_mode, notional [quote], beta,
        downside_beta, beta_used, basis ("beta", "candles" or "" where it is left out), price [quote], pnl [quote]
        (NaN where left out), outcome ("held", "liquidated", "unknown"), liquidation_price (of the position alone; a
        cross one's from the venue), liquidation_move (of the benchmark, nearest to 0; inf: none), distance and
        distance_after (own price to liquidation, from now and from the shocked price, a cross account moving as one
        [fraction]; inf: none), margin_left [quote] (of an isolated position or spot; NaN for a shared margin
        and where it is left out, as distance_after is then), note.
    accounts : DataFrame
        Per wallet: venue, currency, positions, wallet [currency], equity_before, equity, maintenance, margin_left
        (equity less maintenance margin) [quote], margin_ratio (maintenance margin over equity; liquidation at 1),
        liquidation_move, outcome, note.
    pnl : float
        Of positions and of coin held as margin; positions left out do not count.
    collateral : float
        The part of ``pnl`` from coin held as margin changing its price.
    equity_before, equity : float
        Of the whole book; NaN if a part of it is unknown.
    liquidated, unknown, left_out : int
        Positions liquidated, with an unknown outcome, and left out for want of a price or a beta.
    notes : tuple of str
        What the reader must know, one sentence each.
    known_before, known : KnownEquity
        Equity before and after of the parts that are known, and what is not in it.
    path : DataFrame, optional
        Of a scenario, per hour: benchmark [fraction since its start], pnl [quote], liquidated.
    """

    name: str
    move: float
    positions: pd.DataFrame
    accounts: pd.DataFrame
    pnl: float
    collateral: float
    equity_before: float
    equity: float
    liquidated: int
    unknown: int
    left_out: int
    notes: tuple[str, ...] = ()
    known_before: KnownEquity = KnownEquity()
    known: KnownEquity = KnownEquity()
    path: pd.DataFrame | None = None

    @property
    def pnl_share(self) -> float:
        """P&L over the equity before [fraction]; NaN where that is unknown or not positive."""
        return self.pnl / self.equity_before if self.equity_before > 0 else float("nan")


@dataclass(frozen=True)
class Settled:
    """Amounts after k price vectors. Shapes (k, n) and (k, n_accounts); totals (k,). Quote unless said otherwise."""

    prices: Floats
    hit: Bools
    pnl: Floats
    equity: Floats
    account_equity: Floats
    maintenance: Floats
    total: Floats
    collateral: Floats


def start_equity(book: StressBook) -> Floats:
    """Equity of each isolated position now, in its margin currency, never below 0; NaN for others."""
    return np.asarray(np.maximum(book.margin + book.unrealised(book.mark), 0.0))


def account_losses(book: StressBook, prices: Floats) -> Floats:
    """Work out what each cross position has cost once its account is liquidated at these prices.

    In its margin currency: the loss up to there, and its part (by maintenance margin) of what was left, so that the
    account has lost all it had and no more. Shape (n,); 0 in an account that had nothing, NaN for other positions.
    """
    if not book.accounts:
        return np.full(len(book), np.nan)
    needed = book.maintenance(prices)
    whole = book.by_account(needed)
    before, left = book.account_equity(book.mark), book.account_equity(prices)
    share = np.nan_to_num(needed) / np.where(whole > 0, whole, np.nan)[book.account]
    loss = book.change(prices) - left[book.account] * share
    ruined = ~(before > 0)[book.account]
    return np.where(book.account < 0, np.nan, np.where(ruined, 0.0, loss))


def settle(book: StressBook, prices: Floats, *, hit: Bools, lost: Floats, counted: Bools) -> Settled:
    """Turn prices and liquidations into money.

    Parameters
    ----------
    book : StressBook
    prices : array of shape (k, n)
        The mark price where a position is left out.
    hit : array of bool of shape (k, n)
        Positions liquidated by then.
    lost : array of shape (n,) or (k, n)
        Profit (negative) of each position once liquidated, in its margin currency.
    counted : array of bool of shape (n,)
        Positions whose P&L counts.
    """
    own = start_equity(book)
    moved = np.where(hit, lost, book.change(prices))
    pnl = np.where(counted, book.in_quote(moved, prices), np.nan)
    isolated = book.in_quote(np.where(hit, 0.0, book.margin + book.unrealised(prices)), prices)
    equity = np.where(book.spot, book.sign * book.quantity * prices, isolated)
    coin, coin_now = book.coin_price(prices), book.coin_price(book.mark)
    down = book.by_account(hit.astype(np.float64)) > 0
    before = book.account_equity(book.mark)
    shared = np.where(down, np.minimum(before, 0.0), book.account_equity(prices)) * coin
    needed = np.where(down, 0.0, book.by_account(book.maintenance(prices))) * coin
    collateral = np.nansum(np.where(book.inverse & (book.account < 0), own * (prices - book.mark), 0.0), axis=1)
    collateral = collateral + np.nansum(before * (coin - coin_now), axis=1)
    total = np.where(counted.any(), np.nansum(pnl, axis=1) + collateral, np.nan)
    return Settled(prices, hit, pnl, equity, shared, needed, total, collateral)


def equity_of_all(book: StressBook, settled: Settled) -> Floats:
    """Equity of the whole book [quote], shape (k,); NaN if any part is unknown."""
    known = np.where((book.account < 0)[None, :], settled.equity, 0.0)
    complete = np.isfinite(book.unrealised(book.mark)).all()
    total = known.sum(axis=1) + settled.account_equity.sum(axis=1)
    return np.asarray(total if complete else np.full(len(total), np.nan))


def in_words(hit: Bools, unknown: Bools) -> NDArray[np.object_]:
    """Outcome of each position or account as a word; a liquidation that is certain goes before "unknown"."""
    return WORDS[np.where(hit, 1, np.where(unknown, 2, 0))]
