"""Has a correlation just changed? CUSUM on the gap between the last days and the month before."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from heatlab._checks import check_range, parameter_error
from heatlab.errors import DataError
from heatlab.portfolio.correlation._pairs import cusum_step, window_z
from heatlab.portfolio.correlation.moments import Moments, moments

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
STEPS = 10
"""Steps of the CUSUM: it looks back this many short windows."""
DRIFT = 0.5
"""Gap, in standard errors, forgiven at each step: half of the smallest change worth finding (Page)."""
LEAST_REFERENCE = 3
"""Short windows the month before must hold at least."""
CELLS = 800


def structural_breaks(
    returns: Floats, *, short: int, long: int, false_alarms: float = 0.01, min_share: float = 0.5
) -> tuple[Bools, Floats]:
    """Pairs whose correlation has changed by the last bar.

    The last bars are cut into windows of ``short`` bars that do not overlap, counted back from the last bar. At each
    of the last ten steps Fisher's z of the window is compared with that of the ``long`` bars before it:
    ``g = (z_short - z_long) / se``. As the two share no bar, and later references contain earlier windows, the
    gaps are uncorrelated from step to step while the correlation is constant, so their two-sided CUSUM
    ``S = max(0, S +- g - 0.5)`` has a known distribution, and the limit is its quantile. Correlations of coins wobble
    from one short window to the next; the standard error holds the sampling error (fat tails included) and the
    wobble seen in the reference, so that only an unusual change is a break.

    Parameters
    ----------
    returns : array of shape (n_bars, n_assets)
        NaN where unknown.
    short, long : int
        Lengths of the windows [bars], ``long`` at least three times ``short``.
    false_alarms : float in (0, 0.5)
        Chance that a pair of constant correlation is flagged at one look.
    min_share : float in (0, 1]
        Share of a window's bars a pair must have; the reference may be shorter, but not below three short windows.

    Returns
    -------
    broken : array of bool of shape (n_assets, n_assets)
        False where too little is known.
    statistic : array of float of shape (n_assets, n_assets)
        The larger CUSUM over its limit, signed by its direction; 0 where nothing is known.

    Raises
    ------
    ParameterError
        A parameter lies outside its range.
    """
    caller = "structural_breaks"
    check_range("short", short, 8, 1_000_000, caller=caller)
    check_range("false_alarms", false_alarms, 0, 0.5, caller=caller, closed="neither")
    check_range("min_share", min_share, 0, 1, caller=caller, closed="right")
    if long < LEAST_REFERENCE * short:
        raise parameter_error("long", caller, f"at least {LEAST_REFERENCE} times short ({short})", long)
    up, down = np.zeros((returns.shape[1],) * 2), np.zeros((returns.shape[1],) * 2)
    reference, least = _Reference(long // short), int(min_share * short)
    for window in _windows(volatility_adjusted(returns, half_life=short / 3), short, STEPS + long // short):
        now = moments(window)
        if len(reference) >= LEAST_REFERENCE:
            sums, usual = reference.sums
            cusum_step(now.arrays, sums.arrays, usual, least, LEAST_REFERENCE * least, DRIFT, up, down)
        reference.add(now, window_z(now.arrays, least))
    limit = cusum_limit(STEPS, false_alarms)
    statistic = np.where(up >= down, up, -down) / limit
    statistic += statistic.T
    return np.abs(statistic) > 1.0, statistic


class _Reference:
    """Sums over the windows just before; the oldest leaves when there are more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: deque[tuple[Moments, Floats]] = deque()
        self._sums: tuple[Moments, Floats] | None = None

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def sums(self) -> tuple[Moments, Floats]:
        """Moments, and the sum of :func:`window_z`."""
        if self._sums is None:
            raise DataError("The reference of structural_breaks is empty.")
        return self._sums

    def add(self, new: Moments, z: Floats) -> None:
        """Take the next window in."""
        self._windows.append((new, z))
        if self._sums is None:
            self._sums = new, z.copy()
            return
        sums, usual = self._sums[0] + new, self._sums[1] + z
        if len(self._windows) > self._most:
            gone, z_gone = self._windows.popleft()
            sums, usual = sums - gone, usual - z_gone
        self._sums = sums, usual


def volatility_adjusted(returns: Floats, *, half_life: float) -> Floats:
    """Divide returns by their own recent volatility, an exponential mean of squares up to the bar before.

    While two volatilities move apart the correlation over a window falls although the two move together as closely
    as ever; after the division only a change of togetherness is left.

    Parameters
    ----------
    returns : array of shape (n_bars, n_assets)
        NaN where unknown.
    half_life : float
        Of the mean [bars].

    Returns
    -------
    array of the same shape, of order 1
        NaN for the first ``half_life`` known bars of an asset and while it has not moved.
    """
    keep = 0.5 ** (1.0 / half_life)
    here = np.isfinite(returns)
    centred = returns - np.where(here, returns, 0.0).sum(axis=0) / np.maximum(here.sum(axis=0), 1)
    squares, weights = _faded(np.where(here, centred**2, 0.0), keep), _faded(here.astype(np.float64), keep)
    half = (1.0 - keep**half_life) / (1.0 - keep)
    out = np.full(returns.shape, np.nan)
    known = (weights[:-1] >= half * (1 - 1e-9)) & (squares[:-1] > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(known, np.sqrt(squares[:-1] / weights[:-1]), np.nan)
        out[1:] = centred[1:] / scale
    return out


def _faded(values: Floats, keep: float) -> Floats:
    """Sum of a column's values so far, each bar back counting ``keep`` as much."""
    sums = values.copy()
    for row in range(1, len(sums)):
        sums[row] += keep * sums[row - 1]
    return sums


def _windows(returns: Floats, short: int, most: int) -> list[Floats]:
    """Windows of ``short`` bars counted back from the last, oldest first."""
    count = min(len(returns) // short, most)
    start = len(returns) - count * short
    return [returns[start + k * short : start + (k + 1) * short] for k in range(count)]


@lru_cache(maxsize=32)
def cusum_limit(steps: int, false_alarms: float) -> float:
    """Limit a two-sided CUSUM of ``steps`` independent standard normal gaps passes with chance ``false_alarms``.

    The distribution of the one-sided CUSUM after the last step is carried forward on a fine grid (a Markov chain, as
    Brook and Evans 1972); both sides together pass with at most twice its chance.

    Raises
    ------
    ParameterError
        ``steps`` is below 1, or ``false_alarms`` lies outside (0, 0.5).
    """
    check_range("steps", steps, 1, 10_000, caller="cusum_limit")
    check_range("false_alarms", false_alarms, 0, 0.5, caller="cusum_limit", closed="neither")
    edges = np.linspace(0.0, 4.0 + 4.0 * np.sqrt(steps), CELLS + 1)
    middle = np.r_[0.0, (edges[:-1] + edges[1:]) / 2.0]
    upper = ndtr(edges[None, :] - middle[:, None] + DRIFT)
    move = np.column_stack([upper[:, 0], np.diff(upper, axis=1)])
    chance = np.zeros(CELLS + 1)
    chance[0] = 1.0
    for _ in range(steps):
        chance = chance @ move
    passed = 1.0 - np.cumsum(chance)
    return float(np.interp(-false_alarms / 2.0, -passed, edges))
