"""From tables to the sweep and back: the price grid, the columns, the kernel's arguments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import Timeframe
from heatlab.errors import DataError
from heatlab.frames import infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.flows import Flows
from heatlab.liquidation.levels import Array, Offsets
from heatlab.liquidation.settings import MapSettings, duration

AGE_CLASSES = 4
MERGE_HALF_LIVES = 1 / 7
FULL_LOSS = 0.10
DEPOSITS_PER_HOUR = 32
DEPOSIT_GROWTH = 0.75
"""Longer bars get more deposits, and fewer bars add up to a map: less than in proportion is enough."""
MOST_DEPOSITS = 256
SMOOTHING = 0.3
"""Half-width of the smoothing over the jitter: adds a sixteenth to the variance the jitter gives."""
SMOOTHING_REACH = 0.15
BEYOND = 3
HISTORY = pd.Timedelta("90D")
HISTORY_COLUMNS = 240


@dataclass(frozen=True, slots=True)
class Grid:
    """Log-price grid anchored at price 1, so that maps of different spans share their bins."""

    first: int
    step: float
    n_bins: int

    @property
    def edges(self) -> Array:
        """Edges of the bins [quote]."""
        return np.asarray(np.exp((self.first + np.arange(self.n_bins + 1)) * self.step))

    def positions(self, prices: Array) -> Array:
        """Prices in bins from the lower edge."""
        return np.asarray(np.log(prices) / self.step - self.first)


def price_grid(candles: pd.DataFrame, settings: MapSettings, *, since: pd.Timestamp | None = None) -> Grid:
    """Grid that covers the candles from ``since`` on and ``price_margin`` beyond them."""
    shown = candles if since is None else candles[candles.index >= since]
    low = np.log(shown["low"].min()) - settings.price_margin
    high = np.log(shown["high"].max()) + settings.price_margin
    fine = settings.bin_bps * 1e-4
    step = fine * max(1, int(np.ceil((high - low) / fine / max(settings.n_bins - 2, 1))))
    first = int(np.floor(low / step))
    return Grid(first, step, int(np.ceil(high / step)) - first)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Output of the sweep: the columns shown on their grid, and columns of the whole history on a grid of its own.

    ``first``, ``last`` and ``history_last`` are candle numbers (first and last bar of each column).
    """

    grid: Grid
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    columns: Array
    by_tier: Array
    ledger: Array
    history_grid: Grid
    history_last: NDArray[np.int64]
    history: Array


def draw(
    candles: pd.DataFrame,
    flows: Flows,
    offsets: Offsets,
    *,
    settings: MapSettings,
    at: pd.DatetimeIndex | None = None,
    since: pd.Timestamp | None = None,
    entry: Array | None = None,
) -> Drawing:
    """Sweep the flows over the grid. ``entry`` replaces the spread over the bar's range by one price per bar."""
    timeframe = infer_timeframe(candles)
    grid = price_grid(candles, settings, since=since)
    whole = history_grid(candles, settings, grid)
    first, last = _columns(candles, settings.columns, since) if at is None else _columns_at(candles, timeframe, at)
    sampled = _history_columns(candles, int(last[-1]))
    both = np.union1d(last, sampled)
    columns, by_tier, ledger = _kernel.sweep(
        *sweep_inputs(candles, flows, offsets, grid=whole, settings=settings, entry=entry), both, whole.n_bins
    )
    if settings.jitter > 0:
        closes = whole.positions(candles["close"].to_numpy(dtype="float64"))
        width = SMOOTHING * settings.jitter
        columns = _kernel.smooth(columns, closes[both], width)
        by_tier = _kernel.smooth(by_tier, np.full(by_tier.shape[1], closes[last[-1]]), width)
    rows = slice(grid.first - whole.first, grid.first - whole.first + grid.n_bins)
    chosen = np.searchsorted(both, last)
    history = columns[:, np.searchsorted(both, sampled)]
    return Drawing(
        grid, first, last, columns[:, chosen, rows], by_tier[:, :, rows], ledger[chosen], whole, sampled, history
    )


def history_grid(candles: pd.DataFrame, settings: MapSettings, shown: Grid) -> Grid:
    """Grid of the sweep: bins of the grid shown, extended to the prices of all candles.

    It also reaches as far beyond what is shown as smoothing carries, and at most :data:`BEYOND` times ``n_bins``.
    """
    low = np.log(candles["low"].min()) - settings.price_margin
    high = np.log(candles["high"].max()) + settings.price_margin
    pad, most = int(np.ceil(SMOOTHING_REACH * shown.n_bins)), BEYOND * settings.n_bins
    below = shown.first - int(np.floor(low / shown.step))
    above = int(np.ceil(high / shown.step)) - shown.first - shown.n_bins
    below, above = (int(np.clip(count, pad, max(most, pad))) for count in (below, above))
    return Grid(shown.first - below, shown.step, shown.n_bins + below + above)


def _history_columns(candles: pd.DataFrame, last: int) -> NDArray[np.int64]:
    """Bars evenly spaced back from ``last`` over the history, whatever is shown."""
    start = int(candles.index.searchsorted(candles.index[last] - HISTORY))
    width = -(-(last + 1 - start) // HISTORY_COLUMNS)
    return np.arange(last, start - 1, -width, dtype=np.int64)[::-1].copy()


def sweep_inputs(
    candles: pd.DataFrame,
    flows: Flows,
    offsets: Offsets,
    *,
    grid: Grid,
    settings: MapSettings,
    entry: Array | None = None,
) -> tuple[object, ...]:
    """Arguments of :func:`_kernel.sweep` up to the columns."""
    timeframe = infer_timeframe(candles)
    bar = timeframe.delta
    holding = duration(settings.holding_half_life) / bar
    recency = settings.recency_half_life
    return (
        _positions(candles, grid, entry),
        flows.opened,
        flows.target,
        flows.level,
        offsets.distances / grid.step,
        offsets.weights,
        settings.cross_share,
        1.0 if recency is None else float(0.5 ** (bar / duration(recency))),
        int(np.clip(round(DEPOSITS_PER_HOUR * (bar / pd.Timedelta("1h")) ** DEPOSIT_GROWTH), 1, MOST_DEPOSITS)),
        int(candles.index[0].value // bar.value),
        np.array([holding, FULL_LOSS / grid.step]),
        max(1, round(holding * MERGE_HALF_LIVES)),
        AGE_CLASSES if settings.closing == "full" else 1,
    )


def _positions(candles: pd.DataFrame, grid: Grid, entry: Array | None) -> Array:
    """Low, mean entry, high and close of each bar [bins]; the mean is the bar's typical price."""
    low, high, close = (candles[name].to_numpy(dtype="float64") for name in ("low", "high", "close"))
    if entry is not None:
        middle = grid.positions(entry)
        return np.stack([grid.positions(low), middle, grid.positions(high), grid.positions(close)])
    typical = (low + high + close) / 3
    return np.stack([grid.positions(prices) for prices in (low, typical, high, close)])


def _columns(
    candles: pd.DataFrame, most: int, since: pd.Timestamp | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Evenly spaced columns counted back from the last bar to the first that opens at or after ``since``."""
    start = 0 if since is None else int(candles.index.searchsorted(since))
    count = len(candles)
    width = -(-(count - start) // most)
    last = np.arange(count - 1, start - 1, -max(width, 1), dtype=np.int64)[::-1].copy()
    return np.maximum(last - width + 1, start), last


def _columns_at(
    candles: pd.DataFrame, timeframe: Timeframe, at: pd.DatetimeIndex
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One-bar columns: the last bar closed at or before each instant."""
    closes = pd.DatetimeIndex(candles.index) + timeframe.delta
    last = np.asarray(closes.searchsorted(at, side="right") - 1, dtype=np.int64)
    if (last < 0).any() or (np.diff(last) <= 0).any():
        raise DataError(
            f"The 'at' instants of liquidation_map must fall into different bars, in order, from {closes[0]} on. "
            f"Got {at[0]} to {at[-1]}."
        )
    return last, last
