"""Rebuild the hourly states of a book from prices: what the map would have shown, from bars closed by then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import Side, Timeframe
from heatlab.frames import milliseconds, stamp_ms, time_index
from heatlab.heat import HeatSettings, momentum_heat
from heatlab.heat.table import STALE_BARS
from heatlab.portfolio.book import RISK_TIMEFRAME, symbol_closes
from heatlab.portfolio.correlation.estimate import CorrelationSettings
from heatlab.portfolio.replay.record import IDENTITY, NO_ZONE, Doubles, Replay
from heatlab.portfolio.replay.risk import Prices, risk_states

Key = tuple[str, str, str]
Progress = Callable[[float, float, str], Any]
HOUR = 3_600_000
HEAT, RISK = HeatSettings(), CorrelationSettings()
MANY = 120
"""With more symbols than this the covariance is estimated once a day: 30 days change little within one."""


def prepare_replay(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    now: pd.Timestamp,
    span: str = "365D",
    clusters: pd.Series | None = None,
    settings: HeatSettings = HEAT,
    risk: CorrelationSettings = RISK,
    every: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Replay:
    """Hourly states of the present book over the past: heat, risk, value, as the map would have shown them.

    Every state uses bars closed by then: its heat is that of :func:`heatlab.heat.heat_table` at that instant, its
    shares of risk those of :func:`heatlab.portfolio.book_view` at the closes of that hour, without the rule for pairs
    whose correlation has just broken, which is not replayed. Quantities are today's throughout, so this is the past of
    today's book, not of what was held.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Canonical candles; the ``1h`` ones give prices and covariance.
    now : Timestamp (UTC)
        The last state is at the last full hour.
    span : str
        How far back.
    clusters : Series of int, optional
        Present label by symbol; 0 and missing are left out.
    settings : HeatSettings
    risk : CorrelationSettings
        Of the window of hourly returns; its shrinkage must be a number.
    every : int, optional
        Hours between two estimates of the covariance; 1 up to 120 symbols, else 24.
    progress : callable, optional
        ``progress(done, total, text)``.
    cancel : threading.Event, optional
        Set it to stop: the result is then an empty replay that says so.

    Returns
    -------
    Replay
        No longer than the candles reach; empty where there are none.

    Raises
    ------
    ParameterError
        ``span`` is no length of time, ``every`` is not in [1, 8760], or the shrinkage is to be estimated.
    """
    held = positions.reset_index(drop=True)
    times = _hours(held, candles, now, span)
    symbols = held["symbol"].nunique()
    step = every if every is not None else (1 if symbols <= MANY else 24)
    check_range("every", step, 1, 8760, caller="prepare_replay")
    if risk.shrinkage is None:
        raise parameter_error("risk", "prepare_replay", "of constant shrinkage", risk.shrinkage)
    readings = _Readings(held, settings, times)
    for done, key in enumerate(readings.keys, start=1):
        if cancel is not None and cancel.is_set():
            return _states(held, candles, times[:0], clusters, settings, risk, step, None, ("Cancelled.",))
        readings.fill(key, candles)
        if progress is not None:
            progress(done, len(readings.keys) + 1, "heat")
    return _states(held, candles, times, clusters, settings, risk, step, readings, _notes(held, candles, times, span))


def _states(
    held: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    times: np.ndarray,
    clusters: pd.Series | None,
    settings: HeatSettings,
    risk: CorrelationSettings,
    step: int,
    readings: _Readings | None,
    notes: tuple[str, ...],
) -> Replay:
    readings = readings or _Readings(held, settings, times)
    overall, zone = readings.overall()
    prices = Prices(held, candles, times, symbol_closes(held, candles))
    states = risk_states(prices, overall, settings=settings, risk=risk, every=step)
    labels, shares = _cluster_shares(held, states["contributions"], clusters)
    return Replay(
        positions=held,
        timeframes=settings.timeframes,
        times=time_index(times),
        zone=zone,
        position_heat=overall.astype(np.float32),
        clusters=labels,
        cluster_shares=shares,
        every=step,
        notes=notes,
        **readings.arrays,
        **states,
    )


class _Readings:
    """Heat of every position and timeframe at the hours; one series is computed once, whoever holds it."""

    def __init__(self, held: pd.DataFrame, settings: HeatSettings, times: np.ndarray) -> None:
        self._settings, self._times = settings, times
        shape = (len(times), len(held), len(settings.timeframes))
        self.arrays: dict[str, Any] = {
            "heat": np.full(shape, np.nan, np.float32),
            "green": np.full(shape, np.nan, np.float16),
            "red": np.full(shape, np.nan, np.float16),
            "stale": np.zeros(shape, bool),
        }
        self._zone = np.full(shape, NO_ZONE, np.int8)
        self.keys: dict[tuple[str, str, int], list[int]] = {}
        for k, key in enumerate(zip(held["venue"], held["symbol"], held["side"], strict=True)):
            self.keys.setdefault((key[0], key[1], int(Side.parse(key[2]))), []).append(k)

    def fill(self, key: tuple[str, str, int], candles: Mapping[Key, pd.DataFrame]) -> None:
        """Read all timeframes of one market held on one side."""
        venue, symbol, side = key
        for k, name in enumerate(self._settings.timeframes):
            table = candles.get((venue, symbol, name))
            if table is not None and not table.empty and self._times.size:
                for column in self.keys[key]:
                    self._one(table, Timeframe.parse(name), Side(side), column, k)

    def _one(self, table: pd.DataFrame, timeframe: Timeframe, side: Side, column: int, k: int) -> None:
        closed = milliseconds(table.index) + timeframe.milliseconds
        readings = momentum_heat(table, side, settings=self._settings)
        row = np.searchsorted(closed, self._times, side="right") - 1
        here, row = np.flatnonzero(row >= 0), row[row >= 0]
        for name in ("heat", "green", "red"):
            self.arrays[name][here, column, k] = readings[name].to_numpy()[row]
        zone = readings["zone"].to_numpy()[row]
        self._zone[here, column, k] = np.where(np.isnan(zone), NO_ZONE, zone)
        self.arrays["stale"][here, column, k] = self._times[here] - closed[row] > STALE_BARS * timeframe.milliseconds

    def overall(self) -> tuple[Doubles, np.ndarray]:
        """Heat of each position, the weighted mean over known timeframes, shape (n, n_positions); and the zones."""
        heat = self.arrays["heat"].astype(np.float64)
        weights = np.array([weight for _, weight in self._settings.timeframe_weights])
        carried = np.where(np.isnan(heat), 0.0, weights)
        total = carried.sum(axis=2)
        mean = (np.nan_to_num(heat) * carried).sum(axis=2) / np.where(total > 0, total, 1.0)
        return np.where(total > 0, mean, np.nan), self._zone


def _hours(held: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], now: pd.Timestamp, span: str) -> np.ndarray:
    """Full hours [ms] of the span from the first close of any bar of the book on."""
    try:
        length = int(pd.Timedelta(span).total_seconds() * 1000)
    except ValueError:
        length = 0
    if length <= 0:
        raise parameter_error("span", "prepare_replay", "a positive length of time such as '365D'", span)
    owners = set(zip(held["venue"], held["symbol"], strict=True))
    first = [
        int(milliseconds(table.index[:1])[0]) + Timeframe.parse(timeframe).milliseconds
        for (venue, symbol, timeframe), table in candles.items()
        if (venue, symbol) in owners and not table.empty
    ]
    end = stamp_ms(now) // HOUR * HOUR
    if not first:
        return np.empty(0, np.int64)
    start = max(end - length, -(-min(first) // HOUR) * HOUR)
    return np.arange(start, end + 1, HOUR, dtype=np.int64)


def _cluster_shares(
    held: pd.DataFrame, contributions: np.ndarray, clusters: pd.Series | None
) -> tuple[tuple[int, ...], np.ndarray]:
    if clusters is None:
        return (), np.empty((len(contributions), 0), np.float32)
    label = clusters.reindex(held["symbol"]).fillna(0).to_numpy(dtype=np.int64)
    labels = tuple(int(one) for one in np.unique(label[label > 0]))
    known = np.isfinite(contributions)
    shares = np.full((len(contributions), len(labels)), np.nan, np.float32)
    for k, one in enumerate(labels):
        here = label == one
        part = np.nansum(contributions[:, here], axis=1)
        shares[:, k] = np.where(known[:, here].any(axis=1), part, np.nan)
    return labels, shares


def _notes(held: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], times: np.ndarray, span: str) -> tuple[str, ...]:
    if not times.size:
        return ("There are no bars of this book to rebuild its past from.",)
    notes = []
    missing = pd.Timedelta(span) - pd.Timedelta(int(times[-1] - times[0]), unit="ms")
    if missing > pd.Timedelta("1D"):
        notes.append(f"The bars reach back {int(times[-1] - times[0]) / 86.4e6:.0f} days: that is all there is.")
    late = []
    for symbol, venue in held[IDENTITY[:2]].drop_duplicates().itertuples(index=False):
        table = candles.get((venue, symbol, RISK_TIMEFRAME))
        if table is None or table.empty:
            late.append(f"{symbol} on {venue} (no hourly bars)")
        elif milliseconds(table.index[:1])[0] > times[0] + HOUR:
            late.append(f"{symbol} on {venue} (since {table.index[0]:%Y-%m-%d})")
    if late:
        shown = ", ".join(late[:6]) + (f" and {len(late) - 6} more" if len(late) > 6 else "")
        notes.append(f"Not there from the start: {shown}. Their profit counts from their first price.")
    return tuple(notes)
