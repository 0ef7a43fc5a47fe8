"""What the map must beat: simple guesses of where liquidations lie, per side and distance band.

Every guess is a share of all that it holds, near and far, as the truth is a share of a side's whole notional.
Distances are positive fractions of the price at the instant of the guess: below it for longs, above it for shorts.
Every function returns an array of shape (n_instants, 2, n_bands); row 0 is long, row 1 short.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.frames import infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.density import LiquidationMap
from heatlab.liquidation.drawing import draw
from heatlab.liquidation.flows import open_interest_flows
from heatlab.liquidation.levels import Array, naive_offsets
from heatlab.liquidation.settings import MapSettings

BANDS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.10)
NAIVE_LEVERAGES = (5.0, 10.0, 25.0, 50.0, 100.0)
PROFILE_SPAN = "30D"


def uniform(n_instants: int, *, bands: tuple[float, ...] = BANDS) -> Array:
    """Everything spread evenly over distance: the width of the band."""
    return np.broadcast_to(np.diff(bands), (n_instants, 2, len(bands) - 1)).copy()


def band_masses(edges: Array, long: Array, short: Array, closes: Array, *, bands: tuple[float, ...] = BANDS) -> Array:
    """Sum map columns into distance bands; a bin is split where a band's edge cuts it.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
    long, short : ndarray of shape (n_bins, n_columns)
    closes : ndarray of shape (n_columns,)
        Price the distances count from.
    """
    result = np.empty((len(closes), 2, len(bands) - 1))
    logs, limits = np.log(edges), np.asarray(bands)
    for column, close in enumerate(closes):
        for side, (table, sign) in enumerate(((long, -1), (short, 1))):
            total = np.r_[0.0, np.cumsum(table[:, column])]
            at = np.interp(np.log(close * (1 + sign * limits)), logs, total)
            result[column, side] = np.abs(np.diff(at))
    return result


def map_masses(
    liquidation_map: LiquidationMap, *, prices: Array | None = None, bands: tuple[float, ...] = BANDS
) -> Array:
    """Our map in distance bands from ``prices`` (default: the columns' closes), as shares of open interest.

    One instant per column.
    """
    table = liquidation_map
    closes = table.closes if prices is None else prices
    masses = band_masses(table.price_edges, table.long, table.short, closes, bands=bands)
    return _shares(masses, table.open_interest)


def naive_map(
    candles: pd.DataFrame, at: pd.DatetimeIndex, *, prices: Array | None = None, bands: tuple[float, ...] = BANDS
) -> Array:
    """Draw the map of ``entry * (1 - 1/L)``: volume entered at the close, five leverages alike, fading with age.

    As shares of what has not faded.
    """
    settings = MapSettings(closing="proportional", recency_half_life=None, cross_share=0.0, jitter=0.0)
    close = candles["close"].to_numpy(dtype="float64")
    drawn = draw(
        candles,
        open_interest_flows(candles, None, settings),
        naive_offsets(NAIVE_LEVERAGES),
        settings=settings,
        at=at,
        entry=close,
    )
    centres = close[drawn.last] if prices is None else prices
    masses = band_masses(drawn.grid.edges, drawn.columns[0].T, drawn.columns[1].T, centres, bands=bands)
    return _shares(masses, drawn.ledger[:, 0, [_kernel.NEAR, _kernel.FAR]].sum(axis=1))


def volume_profile(
    candles: pd.DataFrame, at: pd.DatetimeIndex, *, prices: Array | None = None, bands: tuple[float, ...] = BANDS
) -> Array:
    """Share of the last 30 days' volume traded in each band's prices, spread evenly over each bar's range."""
    closes_at = pd.DatetimeIndex(candles.index) + infer_timeframe(candles).delta
    low, high = np.log(candles["low"].to_numpy()), np.log(candles["high"].to_numpy())
    volume, close = candles["volume"].to_numpy(), candles["close"].to_numpy()
    result = np.empty((len(at), 2, len(bands) - 1))
    for row, instant in enumerate(at):
        last = int(closes_at.searchsorted(instant, side="right"))
        first = int(closes_at.searchsorted(instant - pd.Timedelta(PROFILE_SPAN), side="right"))
        kept = slice(first, last)
        centre = close[last - 1] if prices is None else prices[row]
        for side, sign in enumerate((-1, 1)):
            limits = np.log(centre * (1 + sign * np.asarray(bands)))
            result[row, side] = np.abs(np.diff(_volume_below(limits, low[kept], high[kept], volume[kept])))
        result[row] /= max(float(volume[kept].sum()), 1e-300)
    return result


def _shares(masses: Array, held: Array) -> Array:
    return np.asarray(masses / np.maximum(held, 1e-300)[:, None, None])


def _volume_below(limits: Array, low: Array, high: Array, volume: NDArray[np.float64]) -> Array:
    width = np.maximum(high - low, 1e-9)
    return np.array([float((np.clip((limit - low) / width, 0, 1) * volume).sum()) for limit in limits])


def volatility(candles: pd.DataFrame, at: pd.DatetimeIndex, *, half_life: str = "1D") -> Array:
    """Forecast daily volatility at each instant: exponentially weighted, from bars closed by then."""
    bar = infer_timeframe(candles).delta
    squared = np.log(candles["close"]).diff() ** 2
    weighted = squared.ewm(halflife=max(pd.Timedelta(half_life) / bar, 1.0), ignore_na=True).mean()
    daily = np.sqrt(weighted * (pd.Timedelta("1D") / bar)).to_numpy()
    last = (pd.DatetimeIndex(candles.index) + bar).searchsorted(at, side="right") - 1
    return np.asarray(daily[last], dtype="float64")
