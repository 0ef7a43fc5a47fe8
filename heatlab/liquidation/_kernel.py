"""The lazy sweep: one pass over the candles that touches only the bins a candle changes.

Decay and closing multiply one running scale per side and age class instead of every bin; consumption clears only
the bins the price newly crossed; full columns are written only where the screen shows one. All positions are in
bins (log price over bin width, from the grid's lower edge). Row 0 is long, row 1 is short everywhere.

``near`` is mass on the grid, ``far`` mass without a liquidation price on it; both close alike.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACED, CONSUMED, CLOSED, NEAR, FAR = range(5)
MERGE_FACTOR = 3
OLDEST_WEIGHT = 4.0
LOSS_WEIGHT = 1.0
ENTRY_STEP = 0.7548776662466927
JITTER_STEP = 0.5698402909980532
"""Steps of the two-dimensional low-discrepancy sequence (inverse plastic number and its square)."""
TINY_SCALE = 1e-120
NOTHING = 1e-15
ROUNDING = 1e-13


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def proxy_levels(opened: Floats, keep: float) -> Floats:
    """Open interest implied by flows that fade: ``level[t] = keep * level[t-1] + opened[t]``, from 0."""
    levels = np.empty(len(opened))
    level = 0.0
    for t in range(len(opened)):
        level = keep * level + opened[t]
        levels[t] = level
    return levels


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _clear(side: int, b: int, raw: Floats, shown: Floats, scale: Floats, mass: Floats) -> float:
    """Take the mass of one bin off the map; return it."""
    gone = 0.0
    all_tiers = raw.shape[2] - 1
    for k in range(raw.shape[1]):
        here = raw[side, k, all_tiers, b] * scale[side, k]
        if here > 0.0:
            gone += here
            mass[0, side, k] = max(mass[0, side, k] - here, 0.0)
            shown[side, k, b] = 0.0
            for tier in range(raw.shape[2]):
                raw[side, k, tier, b] = 0.0
    return gone


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _merge(side: int, k: int, raw: Floats, shown: Floats, scale: Floats, shown_scale: Floats, mass: Floats) -> None:
    """Pour age class ``k`` into the next older one. ``mass`` rows: near, far, mean entry, mean birth."""
    ratio = scale[side, k] / scale[side, k + 1]
    shown_ratio = shown_scale[side, k] / shown_scale[side, k + 1]
    raw[side, k + 1] += raw[side, k] * ratio
    shown[side, k + 1] += shown[side, k] * shown_ratio
    young = mass[0, side, k] + mass[1, side, k]
    old = mass[0, side, k + 1] + mass[1, side, k + 1]
    if young + old > 0.0:
        for row in (2, 3):
            mass[row, side, k + 1] = (young * mass[row, side, k] + old * mass[row, side, k + 1]) / (young + old)
    for row in (0, 1):
        mass[row, side, k + 1] += mass[row, side, k]
        mass[row, side, k] = 0.0
    _reset(side, k, raw, shown, scale, shown_scale)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reset(side: int, k: int, raw: Floats, shown: Floats, scale: Floats, shown_scale: Floats) -> None:
    """Empty one age class."""
    raw[side, k] = 0.0
    shown[side, k] = 0.0
    scale[side, k] = 1.0
    shown_scale[side, k] = 1.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fold(side: int, k: int, raw: Floats, shown: Floats, scale: Floats, shown_scale: Floats) -> None:
    """Multiply scales that have become very small into their bins."""
    raw[side, k] *= scale[side, k]
    shown[side, k] *= shown_scale[side, k]
    scale[side, k] = 1.0
    shown_scale[side, k] = 1.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def closing_shares(held: Floats, weights: Floats, amount: float) -> Floats:
    """Share of each class that closes: ``min(1, rate * weight)`` with the rate that closes ``amount`` in all.

    Parameters
    ----------
    held, weights : ndarray of shape (n_classes,)
        Mass of each class and its closing weight (> 0).
    amount : float
        At most ``held.sum()``.
    """
    shares = np.zeros(len(held))
    rest = amount
    for _ in range(len(held)):
        pull = 0.0
        for k in range(len(held)):
            if shares[k] < 1.0:
                pull += held[k] * weights[k]
        if pull <= 0.0:
            break
        rate = rest / pull
        full = False
        for k in range(len(held)):
            if shares[k] < 1.0 and rate * weights[k] >= 1.0:
                shares[k] = 1.0
                rest = max(rest - held[k], 0.0)
                full = True
        if not full:
            for k in range(len(held)):
                if shares[k] < 1.0:
                    shares[k] = rate * weights[k]
            break
    return shares


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _close(
    side: int,
    t: int,
    target: float,
    price: float,
    ageing: Floats,
    raw: Floats,
    shown: Floats,
    scale: Floats,
    shown_scale: Floats,
    mass: Floats,
) -> float:
    """Close the excess over ``target``, older and losing classes faster; return what closed."""
    n_classes = raw.shape[1]
    held = np.empty(n_classes)
    weights = np.empty(n_classes)
    total = 0.0
    sign = 1.0 if side == 0 else -1.0
    for k in range(n_classes):
        held[k] = mass[0, side, k] + mass[1, side, k]
        total += held[k]
        aged = min(1.0 + max(t - mass[3, side, k], 0.0) / ageing[0], OLDEST_WEIGHT)
        loss = min(max(sign * (mass[2, side, k] - price), 0.0) / ageing[1], 1.0)
        weights[k] = aged * (1.0 + LOSS_WEIGHT * loss)
    if total <= target:
        return 0.0
    shares = closing_shares(held, weights, total - target)
    for k in range(n_classes):
        _keep(side, k, 1.0 - shares[k], raw, shown, scale, shown_scale, mass)
    return total - target


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _keep(
    side: int, k: int, kept: float, raw: Floats, shown: Floats, scale: Floats, shown_scale: Floats, mass: Floats
) -> None:
    """Multiply one age class by ``kept``."""
    if kept < NOTHING:
        _reset(side, k, raw, shown, scale, shown_scale)
        mass[0, side, k] = 0.0
        mass[1, side, k] = 0.0
        return
    scale[side, k] *= kept
    shown_scale[side, k] *= kept
    mass[0, side, k] *= kept
    mass[1, side, k] *= kept


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _carry(
    side: int,
    t: int,
    level: float,
    price: float,
    raw: Floats,
    shown: Floats,
    scale: Floats,
    shown_scale: Floats,
    mass: Floats,
) -> float:
    """Bring a side to ``level`` without moving it along the grid; return the change.

    Mass held before the history begins has no known entry and goes to the oldest class, off the grid.
    """
    last = raw.shape[1] - 1
    total = 0.0
    for k in range(last + 1):
        total += mass[0, side, k] + mass[1, side, k]
    if total > NOTHING * level:
        for k in range(last + 1):
            _keep(side, k, level / total, raw, shown, scale, shown_scale, mass)
    else:
        mass[1, side, last] += level - total
        mass[2, side, last] = price
        mass[3, side, last] = t
    return level - total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _snapshot(
    column: int,
    reach: tuple[int, int],
    shown: Floats,
    shown_scale: Floats,
    mass: Floats,
    flows: Floats,
    out: Floats,
    ledger: Floats,
) -> None:
    """Write one column of the map (longs up to ``reach[0]``, shorts from ``reach[1]`` on) and of the ledger."""
    for side in range(2):
        first, last = (0, reach[0] + 1) if side == 0 else (reach[1], shown.shape[2])
        for k in range(shown.shape[1]):
            factor = shown_scale[side, k]
            for b in range(first, last):
                out[side, column, b] += factor * shown[side, k, b]
            ledger[column, side, NEAR] += mass[0, side, k]
            ledger[column, side, FAR] += mass[1, side, k]
        for flow in range(3):
            ledger[column, side, flow] = flows[side, flow]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _age(
    bar: int, merge_bars: int, raw: Floats, shown: Floats, scale: Floats, shown_scale: Floats, mass: Floats
) -> None:
    """Hand the age classes on, oldest first, at bars that are multiples of their spans."""
    for k in range(raw.shape[1] - 2, -1, -1):
        if bar % (merge_bars * MERGE_FACTOR**k) == 0:
            for side in range(2):
                _merge(side, k, raw, shown, scale, shown_scale, mass)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sweep(  # noqa: C901 - one compiled loop: calls that pass arrays cost more than the work they would hold
    candles: Floats,
    opened: Floats,
    target: Floats,
    level: Floats,
    offsets: Floats,
    weights: Floats,
    far_share: float,
    decay: float,
    samples: int,
    first_bar: int,
    ageing: Floats,
    merge_bars: int,
    n_classes: int,
    snapshots: Ints,
    n_bins: int,
) -> tuple[Floats, Floats, Floats]:
    """Run the estimator over all candles.

    Entries are uniform on each side of the bar's mean, with masses that make it the mean; entry and jitter quantile
    of each deposit come from a low-discrepancy sequence. An entry the bar's own close would have liquidated counts
    as entered at the close, and lands at least one bin away from it.

    Parameters
    ----------
    candles : ndarray of shape (4, n_candles)
        Low, mean entry, high and close [bins].
    opened, target : ndarray of shape (n_candles,)
        Quantity opened during the bar and open interest at its close [base].
    level : ndarray of shape (n_candles,)
        Open interest the state is brought to before the bar, NaN for none [base].
    offsets : ndarray of shape (2, n_phases, n_tiers)
        Entry to liquidation [bins].
    weights : ndarray of shape (n_tiers,)
    far_share : float
        Share of what opens that gets no near liquidation price.
    decay : float
        Recency factor of one bar, for the display.
    samples : int
        Deposits per candle, tier and side.
    first_bar : int
        Number of the first candle since the epoch: anchors the sampling sequence and the age classes.
    ageing : ndarray of shape (2,)
        Holding half-life [bars] and the loss [bins] that counts fully.
    merge_bars, n_classes : int
        Bars until the youngest class joins the next; one class means proportional closing.
    snapshots : ndarray of int
        Rising candle numbers after which a column is written; the sweep ends with the last.
    n_bins : int

    Returns
    -------
    columns : ndarray of shape (2, n_columns, n_bins)
        Faded by recency.
    by_tier : ndarray of shape (2, n_tiers, n_bins)
        The state at the last column by tier: what is outstanding, never faded.
    ledger : ndarray of shape (n_columns, 2, 5)
        Placed, consumed, closed so far; near and far now [base].
    """
    n_tiers = len(weights)
    n_phases = offsets.shape[1]
    raw = np.zeros((2, n_classes, n_tiers + 1, n_bins))  # the last row holds all tiers
    shown = np.zeros((2, n_classes, n_bins))
    scale = np.ones((2, n_classes))
    shown_scale = np.ones((2, n_classes))
    mass = np.zeros((4, 2, n_classes))
    flows = np.zeros((2, 3))
    out = np.zeros((2, len(snapshots), n_bins))
    ledger = np.zeros((len(snapshots), 2, 5))
    portion = weights * ((1.0 - far_share) / samples)
    lowest_short, highest_long = n_bins, -1
    entries = np.empty(samples)
    phases = np.empty(samples, dtype=np.int64)
    column = 0
    for t in range(snapshots[-1] + 1):
        bar = first_bar + t
        low, mean, high, close = candles[0, t], candles[1, t], candles[2, t], candles[3, t]
        if not np.isnan(level[t]):
            for side in range(2):
                change = _carry(side, t, level[t], mean, raw, shown, scale, shown_scale, mass)
                flows[side, PLACED if change > 0 else CLOSED] += abs(change)
        if n_classes > 1 and bar % merge_bars == 0:
            _age(bar, merge_bars, raw, shown, scale, shown_scale, mass)
        for b in range(max(int(low), 0), highest_long + 1):
            flows[0, CONSUMED] += _clear(0, b, raw, shown, scale, mass)
        for b in range(lowest_short, min(int(high), n_bins - 1) + 1):
            flows[1, CONSUMED] += _clear(1, b, raw, shown, scale, mass)
        highest_long = min(highest_long, int(low) - 1)
        lowest_short = max(lowest_short, int(high) + 1)
        below = (high - mean) / (high - low) if high > low else 1.0
        for s in range(samples):
            number = float(bar * samples + s)
            u = number * ENTRY_STEP
            u -= math.floor(u)
            v = number * JITTER_STEP
            v -= math.floor(v)
            phases[s] = int(v * n_phases)
            if u < below:
                entries[s] = low + (mean - low) * u / below
            else:
                entries[s] = mean + (high - mean) * (u - below) / (1.0 - below)
        for side in range(2):
            total = 0.0
            for k in range(n_classes):
                total += mass[0, side, k] + mass[1, side, k]
                shown_scale[side, k] *= decay
                if min(scale[side, k], shown_scale[side, k]) < TINY_SCALE:
                    _fold(side, k, raw, shown, scale, shown_scale)
            fresh = max(opened[t], target[t] - total)
            if fresh > 0.0:
                placed = 0.0
                amount = fresh / scale[side, 0]
                shown_amount = fresh / shown_scale[side, 0]
                floor = float(int(close))
                for s in range(samples):
                    entry, phase = entries[s], phases[s]
                    for tier in range(n_tiers):
                        offset = offsets[side, phase, tier]
                        position = entry + offset
                        if side == 0 and position >= floor:
                            position = min(close + offset, floor - 0.5)
                        elif side == 1 and position < floor + 1.0:
                            position = max(close + offset, floor + 1.5)
                        if 0.0 <= position < n_bins:
                            b = int(position)
                            raw[side, 0, tier, b] += amount * portion[tier]
                            raw[side, 0, n_tiers, b] += amount * portion[tier]
                            shown[side, 0, b] += shown_amount * portion[tier]
                            placed += portion[tier]
                            if side == 0:
                                highest_long = max(highest_long, b)
                            else:
                                lowest_short = min(lowest_short, b)
                held = total if n_classes == 1 else mass[0, side, 0] + mass[1, side, 0]
                newer = fresh / (held + fresh)
                mass[2, side, 0] += newer * (mean - mass[2, side, 0])
                mass[3, side, 0] += newer * (t - mass[3, side, 0])
                mass[0, side, 0] += placed * fresh
                mass[1, side, 0] += fresh - placed * fresh
                flows[side, PLACED] += fresh
                total += fresh
            if total > target[t]:
                flows[side, CLOSED] += total - target[t]
                kept = target[t] / total
                if n_classes > 1 or kept < NOTHING:
                    _close(side, t, target[t], close, ageing, raw, shown, scale, shown_scale, mass)
                else:
                    scale[side, 0] *= kept
                    shown_scale[side, 0] *= kept
                    mass[0, side, 0] *= kept
                    mass[1, side, 0] *= kept
        if column < len(snapshots) and snapshots[column] == t:
            _snapshot(column, (highest_long, lowest_short), shown, shown_scale, mass, flows, out, ledger)
            column += 1
    by_tier = np.zeros((2, n_tiers, n_bins))
    for side in range(2):
        for k in range(n_classes):
            by_tier[side] += raw[side, k, :n_tiers] * scale[side, k]
    return out, by_tier, ledger


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def smooth(columns: Floats, closes: Floats, width: float) -> Floats:
    """Spread each bin evenly over the bins within ``width`` times its distance from the price, twice.

    Evens out what finitely many deposits leave uneven; a fraction of the jitter adds little to the spread the
    estimate has anyway. Every column keeps its sum, and nothing crosses the price or the edges of the grid.

    Parameters
    ----------
    columns : ndarray of shape (2, n_columns, n_bins)
    closes : ndarray of shape (n_columns,)
        Close of each column [bins].
    width : float
        Half-width over distance; below 1.
    """
    n_bins = columns.shape[2]
    result = columns.copy()
    steps = np.zeros(n_bins + 1)
    for column in range(len(closes)):
        close = closes[column]
        turn = min(max(int(close), 0), n_bins - 1)
        for side in range(2):
            first, last = (0, turn + 1) if side == 0 else (turn, n_bins)
            for _ in range(2):
                steps[first : last + 1] = 0.0
                whole = 0.0
                for b in range(first, last):
                    here = result[side, column, b]
                    if here > 0.0:
                        half = min(int(width * abs(b + 0.5 - close)), b, n_bins - 1 - b)
                        part = here / (2 * half + 1)
                        steps[b - half] += part
                        steps[b + half + 1] -= part
                        whole += here
                total = 0.0
                for b in range(first, last):
                    total += steps[b]
                    result[side, column, b] = total if total > ROUNDING * whole else 0.0
    return result
