"""How far the benchmark must move before something is liquidated."""

from __future__ import annotations

import numpy as np

from heatlab.portfolio.stress.betas_of import PositionBetas
from heatlab.portfolio.stress.book import Bools, Floats, StressBook

LEAST_PRICE = 1e-6
"""A price falls to this share of the mark at most: none falls to zero."""
FALLS, RISES = -np.linspace(0.0, 0.99, 199), np.linspace(0.0, 3.0, 301)
BISECTIONS = 50


def shocked_prices(book: StressBook, betas: PositionBetas, moves: Floats) -> Floats:
    """Prices after moves of the benchmark.

    Parameters
    ----------
    moves : array of shape (k,), or (k, n_accounts) for a move of its own in each account
        A position outside any account stays at its mark in the second form.

    Returns
    -------
    array of shape (k, n)
        ``mark * (1 + beta * move)``; the mark where a position is left out.
    """
    if moves.ndim == 2:
        padded = np.concatenate((moves, np.zeros((len(moves), 1))), axis=1)
        spread = padded[:, book.account]
    else:
        spread = moves[:, None]
    beta = np.where(betas.counted, np.where(spread < 0, betas.down, betas.up), 0.0)
    return np.asarray(book.mark * np.maximum(1.0 + beta * spread, LEAST_PRICE))


def account_unknown(book: StressBook, betas: PositionBetas) -> Bools:
    """Accounts whose liquidation cannot be known: wallet, formula, price or beta of a position is missing."""
    missing = book.by_account((~betas.counted | np.isnan(book.entry)).astype(np.float64)) > 0
    lacking = np.array([bool(one.why) or not np.isfinite(one.wallet) for one in book.accounts], dtype=bool)
    return np.asarray(missing | lacking)


def account_limits(book: StressBook, betas: PositionBetas) -> Floats:
    """Fall and rise of the benchmark at which each account first meets its maintenance margin.

    Returns
    -------
    array of shape (2, n_accounts)
        Falls in [-0.99, 0] and rises in [0, 3], exact to 1e-12; -inf and inf for none.
    """
    count = len(book.accounts)
    if not count:
        return np.empty((2, 0))
    return np.array([_first(book, betas, grid, none) for grid, none in ((FALLS, -np.inf), (RISES, np.inf))])


def _first(book: StressBook, betas: PositionBetas, grid: Floats, none: float) -> Floats:
    gap = _gap(book, betas, np.repeat(grid[:, None], len(book.accounts), axis=1))
    short = gap <= 0
    place = np.where(short.any(axis=0), short.argmax(axis=0), -1)
    inner, outer = grid[np.maximum(place - 1, 0)], grid[np.maximum(place, 0)]
    for _ in range(BISECTIONS):
        middle = (inner + outer) / 2
        there = _gap(book, betas, middle[None, :])[0] <= 0
        inner, outer = np.where(there, inner, middle), np.where(there, middle, outer)
    return np.where(place < 0, none, outer)


def _gap(book: StressBook, betas: PositionBetas, moves: Floats) -> Floats:
    """Equity less maintenance margin of accounts with positions, inf for idle wallets; shape (k, n_accounts)."""
    prices = shocked_prices(book, betas, moves)
    used = book.by_account(np.ones(len(book))) > 0
    gap = book.account_equity(prices) - book.by_account(book.maintenance(prices))
    return np.where(used, gap, np.inf)


def isolated_moves(book: StressBook, betas: PositionBetas) -> tuple[Floats, Floats]:
    """Fall and rise of the benchmark that bring each price to its own liquidation price; NaN where unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        way = book.limit / book.mark - 1.0
        fall, rise = way / betas.down, way / betas.up
        beyond = book.sign * (book.mark - book.limit) <= 0
        fall = np.where((fall < 0) & (fall > -1) & (book.limit > 0), fall, -np.inf)
        rise = np.where((rise > 0) & np.isfinite(rise), rise, np.inf)
    free = book.spot & (book.sign > 0)
    unknown = (np.isnan(book.limit) | ~betas.counted) & ~free
    fall, rise = (np.where(beyond, 0.0, np.where(free, none, side)) for side, none in ((fall, -np.inf), (rise, np.inf)))
    return np.where(unknown, np.nan, fall), np.where(unknown, np.nan, rise)


def nearest(fall: Floats, rise: Floats) -> Floats:
    """Take the nearer of two moves; inf where there is none, NaN where it is unknown."""
    nearer = np.where(-fall <= rise, fall, rise)
    told = np.where(np.isinf(nearer), np.inf, nearer)
    return np.where(np.isnan(fall) | np.isnan(rise), np.nan, told)
