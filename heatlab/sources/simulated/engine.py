"""The joint simulation of one price and one book of accounts, step by step, in compiled code.

Each step moves the price, liquidates every account whose liquidation price was reached, lets the forced orders push
the price on (and liquidate more), and at flow steps closes accounts whose time has come and opens new ones. Longs and
shorts are counted in whole lots, so both sides equal the open interest exactly at every step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[Any]

OPEN, CLOSED, LIQUIDATED = 0, 1, 2
MAX_OPEN = 16_384
TAKE_PROFIT_TRIES = 500
NEVER = np.int64(2**62)


class Rules(NamedTuple):
    """Plain numbers the engine runs by."""

    seed: int
    cross_share: float
    mean_life_ms: float
    impact: float
    linear_below: float
    impact_half_life_hours: float
    reversion_per_hour: float
    take_profit_share: float
    deleveraging_per_hour: float
    daily_volume_lots: float
    largest_lots: int


class Ledger(NamedTuple):
    """Every account that ever was, one array per column; ``side`` 0 long, 1 short; times in ms."""

    side: IntArray
    tier: IntArray
    cushion: IntArray
    lots: IntArray
    entry_price: FloatArray
    opened: IntArray
    closed: IntArray
    reason: IntArray


class Book(NamedTuple):
    """Open accounts by side, kept dense: row of the ledger, liquidation price, time to leave; shape (2, MAX_OPEN)."""

    row: IntArray
    price: FloatArray
    leave: IntArray
    held: IntArray
    lots: IntArray
    bound: FloatArray


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _uniform(state: IntArray) -> float:
    """Next number in [0, 1) of a splitmix64 generator; ``state`` is an array of one uint64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return float(z >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _open(
    ledger: Ledger,
    book: Book,
    used: int,
    side: int,
    lots: int,
    price: float,
    now: int,
    mixture: FloatArray,
    ratios: FloatArray,
    rules: Rules,
    state: IntArray,
) -> int:
    """Open one account with drawn tier, margin mode and holding time; returns the new number of ledger rows."""
    tier = 0
    draw = _uniform(state)
    while draw >= mixture[side, tier]:
        tier += 1
    cushion = 0
    if _uniform(state) < rules.cross_share:
        cushion = 1 + int(_uniform(state) * (ratios.shape[2] - 1))
    slot = book.held[side]
    if used >= len(ledger.side) or slot >= MAX_OPEN:
        raise ValueError("the simulated market ran out of room for accounts")
    ledger.side[used] = side
    ledger.tier[used] = tier
    ledger.cushion[used] = cushion
    ledger.lots[used] = lots
    ledger.entry_price[used] = price
    ledger.opened[used] = now
    ledger.closed[used] = NEVER
    liquidation_price = price * ratios[side, tier, cushion]
    book.row[side, slot] = used
    book.price[side, slot] = liquidation_price
    book.leave[side, slot] = now - int(np.log(1.0 - _uniform(state)) * rules.mean_life_ms)
    book.held[side] += 1
    book.lots[side] += lots
    if side == 0:
        book.bound[0] = max(book.bound[0], liquidation_price)
    else:
        book.bound[1] = min(book.bound[1], liquidation_price)
    return used + 1


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _fill(
    ledger: Ledger,
    book: Book,
    used: int,
    side: int,
    lots: int,
    price: float,
    now: int,
    mixture: FloatArray,
    ratios: FloatArray,
    rules: Rules,
    state: IntArray,
) -> int:
    """Open accounts for so many lots, none larger than the rules allow; returns the new number of ledger rows."""
    while lots > 0:
        part = min(lots, rules.largest_lots)
        used = _open(ledger, book, used, side, part, price, now, mixture, ratios, rules, state)
        lots -= part
    return used


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _remove(ledger: Ledger, book: Book, side: int, slot: int, now: int, reason: int) -> int:
    """Close the account in a slot; the last slot moves into its place. Returns its lots."""
    row = book.row[side, slot]
    ledger.closed[row] = now
    ledger.reason[row] = reason
    last = book.held[side] - 1
    book.row[side, slot] = book.row[side, last]
    book.price[side, slot] = book.price[side, last]
    book.leave[side, slot] = book.leave[side, last]
    book.held[side] = last
    book.lots[side] -= ledger.lots[row]
    return int(ledger.lots[row])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _liquidate(ledger: Ledger, book: Book, side: int, price: float, now: int) -> int:
    """Close every account of a side whose liquidation price was reached; returns the forced lots."""
    forced = 0
    bound = 0.0 if side == 0 else np.inf
    slot = book.held[side] - 1
    while slot >= 0:
        level = book.price[side, slot]
        if (side == 0 and price <= level) or (side == 1 and price >= level):
            forced += _remove(ledger, book, side, slot, now, LIQUIDATED)
        elif side == 0:
            bound = max(bound, level)
        else:
            bound = min(bound, level)
        slot -= 1
    book.bound[side] = bound
    return forced


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _leave(ledger: Ledger, book: Book, side: int, now: int) -> None:
    """Close every account of a side whose holding time is over."""
    slot = book.held[side] - 1
    while slot >= 0:
        if book.leave[side, slot] <= now:
            _remove(ledger, book, side, slot, now, CLOSED)
        slot -= 1


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _take_profit(ledger: Ledger, book: Book, side: int, lots: int, now: int, rules: Rules, state: IntArray) -> int:
    """Close accounts of the side that profits, drawn at random, against a forced order; returns what is left of it."""
    left = lots
    floor = int((1.0 - rules.take_profit_share) * lots)
    for _ in range(TAKE_PROFIT_TRIES):
        if left <= floor or book.held[side] == 0:
            break
        slot = int(_uniform(state) * book.held[side])
        if ledger.lots[book.row[side, slot]] <= left:
            left -= _remove(ledger, book, side, slot, now, CLOSED)
    return left


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _push(volume: float, linear_below: float) -> float:
    """Impact of forced volume [days of volume]: linear when small, square root when large."""
    return volume / np.sqrt(volume + linear_below) if volume > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def simulate(
    shock: FloatArray,
    anchor: FloatArray,
    hours: FloatArray,
    stamps: IntArray,
    target: IntArray,
    mixture: FloatArray,
    ratios: FloatArray,
    rules: Rules,
    ledger: Ledger,
    book: Book,
    price: FloatArray,
    lots: IntArray,
) -> int:
    """Run the market; fills ``ledger``, ``price`` and ``lots`` (both after each step) and returns the rows used.

    Parameters
    ----------
    shock : array of shape (n_steps,)
        Log return of each step without forced orders.
    anchor : array of shape (n_steps,)
        Log price that prices are weakly pulled to.
    hours : array of shape (n_steps,)
        Length of each step [hours].
    stamps : array of int64, shape (n_steps,)
        Middle of each step [ms]: the time of whatever happens in it.
    target : array of int64, shape (n_steps,)
        Open interest the market wants at a flow step [lots]; negative where no accounts flow.
    mixture : array of shape (2, n_tiers)
        Cumulative shares of the leverage tiers, long and short.
    ratios : array of shape (2, n_tiers, 1 + n_cushions)
        Liquidation price over entry price; cushion 0 is isolated margin.
    """
    state = np.empty(1, dtype=np.uint64)
    state[0] = np.uint64(rules.seed)
    used = 0
    level = anchor[0]
    missing = 0.0
    recent = np.zeros(2)
    forced = np.zeros(2, dtype=np.int64)
    for step in range(len(shock)):
        level += shock[step] + rules.reversion_per_hour * hours[step] * (anchor[step] - level)
        fade = 0.5 ** (hours[step] / rules.impact_half_life_hours)
        recent[0] *= fade
        recent[1] *= fade
        missing *= 1.0 - rules.deleveraging_per_hour * hours[step]
        now = stamps[step]
        forced[0] = forced[1] = 0
        while True:
            push = _push(recent[1], rules.linear_below) - _push(recent[0], rules.linear_below)
            current = np.exp(level + rules.impact * push)
            side = 0 if current <= book.bound[0] else 1
            if side == 1 and current < book.bound[1]:
                break
            hit = _liquidate(ledger, book, side, current, now)
            forced[side] += hit
            recent[side] += hit / rules.daily_volume_lots
        for side in range(2):
            if forced[side] > 0:
                missing += forced[side]
                left = _take_profit(ledger, book, 1 - side, forced[side], now, rules, state)
                used = _fill(ledger, book, used, side, left, current, now, mixture, ratios, rules, state)
        if target[step] >= 0:
            _leave(ledger, book, 0, now)
            _leave(ledger, book, 1, now)
            wanted = max(target[step] - int(missing), book.lots[0], book.lots[1])
            for side in range(2):
                more = wanted - book.lots[side]
                used = _fill(ledger, book, used, side, more, current, now, mixture, ratios, rules, state)
        price[step] = current
        lots[step] = book.lots[0]
    return used


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def autoregress(noise: FloatArray, keep: float) -> FloatArray:
    """Run a stationary first-order autoregression: unit variance, correlation ``keep`` from step to step."""
    out = np.empty_like(noise)
    out[0] = noise[0]
    gain = np.sqrt(1.0 - keep * keep)
    for t in range(1, len(noise)):
        out[t] = keep * out[t - 1] + gain * noise[t]
    return out


def empty_ledger(capacity: int) -> Ledger:
    """Make room for so many accounts."""
    small = [np.zeros(capacity, dtype=np.int8) for _ in range(4)]
    large = [np.zeros(capacity, dtype=np.int64) for _ in range(3)]
    return Ledger(small[0], small[1], small[2], large[0], np.zeros(capacity), large[1], large[2], small[3])


def empty_book() -> Book:
    """Make a book with no open accounts."""
    shape = (2, MAX_OPEN)
    return Book(
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape),
        np.zeros(shape, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.array([0.0, np.inf]),
    )


def first_rows(ledger: Ledger, used: int) -> Ledger:
    """Copy of the rows in use."""
    columns: list[Any] = [column[:used].copy() for column in ledger]
    return Ledger(*columns)
