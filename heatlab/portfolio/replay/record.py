"""The states of a book over time, in arrays small enough to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_choice, check_range

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
NO_ZONE = -128
"""Zone of an unknown reading."""

SOURCES = ("prices", "snapshots")
IDENTITY = ["symbol", "venue", "side"]


@dataclass(frozen=True)
class Replay:
    """States of one book at n instants. Unknown is NaN (zone: :data:`NO_ZONE`).

    Attributes
    ----------
    positions : DataFrame
        The book, RangeIndex; columns of the arrays below keep its order.
    timeframes : tuple of str
    times : DatetimeIndex of length n
        Instants of the states; what is said at one uses bars closed by then.
    heat, zone, green, red : ndarray of shape (n, n_positions, n_timeframes)
        Momentum heat and thresholds [0-100], zone +1, 0, -1.
    stale : ndarray of bool, same shape
        Readings older than three bars.
    position_heat, exposure, contributions, correlation_heat : ndarray of shape (n, n_positions)
        Mean heat of the position [0-100]; signed value [quote]; share of risk (Euler, sums to 1); heat of its
        neighbourhood (correlation-weighted size, 0-100).
    book_heat, book_zone, volatility, value : ndarray of shape (n,)
        Heat of the book [0-100]; its zone; its volatility per day [quote]; profit since the first instant [quote].
    clusters : tuple of int
        Labels the next array is about.
    cluster_shares : ndarray of shape (n, n_clusters)
        Share of risk of each cluster; the labels are those of the present.
    source : str
        "prices": rebuilt from candles for a book of fixed quantities. "snapshots": what was stored at the time.
    every : int
        Hours between two estimates of the covariance; in between the last one holds.
    notes : tuple of str
        What the reader must know, in words.
    """

    positions: pd.DataFrame
    timeframes: tuple[str, ...]
    times: pd.DatetimeIndex
    heat: Floats
    zone: NDArray[np.int8]
    green: NDArray[np.float16]
    red: NDArray[np.float16]
    stale: NDArray[np.bool_]
    position_heat: Floats
    exposure: Floats
    contributions: Floats
    correlation_heat: Floats
    book_heat: Doubles
    book_zone: NDArray[np.int8]
    volatility: Doubles
    value: Doubles
    clusters: tuple[int, ...] = ()
    cluster_shares: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    source: str = "prices"
    every: int = 1
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what kind it is."""
        check_choice("source", self.source, SOURCES, caller="Replay")

    def __len__(self) -> int:
        """Count the states."""
        return len(self.times)

    @property
    def drawdown(self) -> Doubles:
        """Profit below its highest point so far [quote], <= 0; shape (n,)."""
        return fall(self.value)

    @property
    def gross_exposure(self) -> Doubles:
        """Sum of absolute values [quote]; shape (n,), NaN where no position's value is known."""
        known = np.isfinite(self.exposure).any(axis=1)
        return np.where(known, np.nansum(np.abs(self.exposure), axis=1, dtype=np.float64), np.nan)

    @property
    def effective_bets(self) -> Doubles:
        """Effective number of bets by risk contribution, one symbol on several venues being one; shape (n,)."""
        return bets_of(self.contributions, list(self.positions["symbol"]))

    @property
    def nbytes(self) -> int:
        """Memory the arrays take [bytes]."""
        return sum(part.nbytes for part in vars(self).values() if isinstance(part, np.ndarray))

    def at(self, time: pd.Timestamp) -> int:
        """Row of the last state at or before ``time``; the first row before that."""
        return max(int(self.times.searchsorted(time, side="right")) - 1, 0)

    def table(self, row: int) -> pd.DataFrame:
        """One state as a table: symbol, venue, side, timeframe, heat, zone, green, red, note.

        Raises
        ------
        ParameterError
            There is no such row.
        """
        check_range("row", row, 0, len(self) - 1, caller="Replay.table")
        count = len(self.timeframes)
        table = self.positions[IDENTITY].loc[self.positions.index.repeat(count)].reset_index(drop=True)
        table["timeframe"] = list(self.timeframes) * len(self.positions)
        table["heat"] = self.heat[row].ravel().astype(np.float64)
        zone = self.zone[row].ravel().astype(np.float64)
        table["zone"] = np.where(zone == NO_ZONE, np.nan, zone)
        for name in ("green", "red"):
            table[name] = getattr(self, name)[row].ravel().astype(np.float64)
        table["note"] = np.where(self.stale[row].ravel(), "old reading", "")
        return table

    def zone_counts(self, row: int) -> dict[str, int]:
        """How many readings of one state are green, amber, red and unknown."""
        zones = self.zone[row]
        named = {"green": 1, "amber": 0, "red": -1, "unknown": NO_ZONE}
        return {name: int((zones == zone).sum()) for name, zone in named.items()}


def fall(value: Doubles) -> Doubles:
    """Value less its highest point so far, <= 0; NaN stays NaN and counts for nothing."""
    highest = np.fmax.accumulate(value) if value.size else value
    return np.asarray(value - highest, dtype=np.float64)


def bets_of(contributions: Floats, symbols: Sequence[str]) -> Doubles:
    """Effective number of bets of each row, shape (n,); columns of one symbol are one bet."""
    codes, names = pd.factorize(np.asarray(symbols, dtype=object))
    sizes = np.zeros((len(contributions), len(names)))
    for column, code in enumerate(codes):
        sizes[:, code] += np.nan_to_num(contributions[:, column].astype(np.float64))
    sizes = np.abs(sizes)
    total = sizes.sum(axis=1)
    shares = sizes / np.where(total > 0, total, 1.0)[:, None]
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return np.where(total > 0, np.exp(entropy), np.nan)
