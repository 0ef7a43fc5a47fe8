"""Risk and value of a book of fixed quantities at every hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Contract, Timeframe
from heatlab.frames import milliseconds
from heatlab.heat import HeatSettings, zone_of
from heatlab.portfolio.book import RISK_TIMEFRAME
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation
from heatlab.portfolio.merge import contract_kind, position_value
from heatlab.portfolio.replay import _kernel as kernel
from heatlab.portfolio.replay.record import NO_ZONE, Doubles

Key = tuple[str, str, str]
HOURS_PER_DAY = 24.0
HOUR = pd.Timedelta("1h")
WITHOUT_BREAKS = "1h"
"""So short a window is too short to look for structural breaks in."""


class Prices:
    """Closes of a book at the hours.

    Attributes
    ----------
    closes : DataFrame of shape (n_rows, n_symbols) [quote]
        Hourly closes by symbol.
    grid : ndarray of shape (n_bars, n_symbols) [quote]
        The same on every hour from the first to the last; NaN where there is no row.
    last : ndarray of shape (n,)
        Row of ``grid`` that is the newest known at each hour; -1 before the first.
    signed : ndarray of shape (n_positions,)
        Side times quantity [base]; of a coin-margined position side times its worth [quote], which no price changes.
    fixed : ndarray of bool of shape (n_positions,)
        Which are coin-margined.
    at : ndarray of shape (n, n_positions) [quote]
        Last known close of each position's market at each hour; NaN before its first.
    group : ndarray of shape (n_positions,)
        Column of ``closes`` of each position.
    """

    def __init__(
        self, held: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], times: np.ndarray, closes: pd.DataFrame
    ) -> None:
        self.closes = closes
        self.times = times
        length = Timeframe.parse(RISK_TIMEFRAME).milliseconds
        stamps = milliseconds(closes.index)
        place = (stamps - stamps[:1]) // length
        self.grid = np.full((int(place[-1]) + 1 if place.size else 0, closes.shape[1]), np.nan)
        self.grid[place] = closes.to_numpy(dtype=np.float64)
        row = np.searchsorted(stamps + length, times, side="right") - 1
        self.last = np.where(row >= 0, place[row], -1) if place.size else np.full(times.size, -1)
        self.side = held["side"].to_numpy(dtype=np.float64)
        self.fixed = np.array([contract_kind(str(one)) is Contract.INVERSE for one in held["symbol"]], dtype=bool)
        worth = position_value(held).to_numpy(dtype=np.float64)
        self.signed = self.side * np.where(self.fixed, worth, held["quantity"].to_numpy(dtype=np.float64))
        self.group = np.array([closes.columns.get_loc(symbol) for symbol in held["symbol"]], dtype=np.int64)
        self.at = np.full((times.size, len(held)), np.nan)
        for k, owner in enumerate(zip(held["venue"], held["symbol"], strict=True)):
            table = candles.get((*owner, RISK_TIMEFRAME))
            if table is not None and not table.empty:
                known = table["close"].dropna()
                row = np.searchsorted(milliseconds(known.index) + length, times, side="right") - 1
                self.at[row >= 0, k] = known.to_numpy(dtype=np.float64)[row[row >= 0]]

    @property
    def exposure(self) -> Doubles:
        """Signed value of each position [quote]; shape (n, n_positions)."""
        return np.asarray(np.where(self.fixed & np.isfinite(self.at), 1.0, self.at) * self.signed)

    def profit(self) -> Doubles:
        """Profit of the fixed book since the first hour [quote]; a later price counts from when it is first known.

        A coin-margined position earns its worth times the price's growth in each hour, coin valued at its end.
        """
        if not self.times.size or not np.isfinite(self.signed).any():
            return np.full(self.times.size, np.nan)
        moves = np.diff(self.at, axis=0) / np.where(self.fixed, self.at[:-1], 1.0) * self.signed
        steps = np.nansum(moves, axis=1)
        seen = np.isfinite(self.exposure).any(axis=1)
        return np.where(seen, np.r_[0.0, np.cumsum(steps)], np.nan)

    def by_symbol(self, values: Doubles) -> Doubles:
        """Sum over the positions of each symbol, shape (n, n_symbols)."""
        out = np.zeros((len(values), self.closes.shape[1]))
        for k, group in enumerate(self.group):
            out[:, group] += values[:, k]
        return out


def risk_states(
    prices: Prices, position_heat: Doubles, *, settings: HeatSettings, risk: CorrelationSettings, every: int
) -> dict[str, Any]:
    """Contributions, correlation-weighted heat, heat and zone of the book, volatility and profit, by their names."""
    exposure = prices.exposure
    rows, place = _estimated(prices.times, every)
    net = prices.by_symbol(exposure)
    parts, near = _risk(prices, exposure, net, rows, risk)
    parts, near = parts[place], near[:, place]
    variance = np.nansum(parts, axis=1)
    shares = _shared(prices, exposure, net, parts, variance)
    heat = _weighted(position_heat, shares)
    zone = zone_of(heat, np.full(heat.size, settings.green), np.full(heat.size, settings.red))
    around = np.where(prices.side > 0, near[0][:, prices.group], near[1][:, prices.group])
    known = np.isfinite(parts).any(axis=1)
    return {
        "exposure": exposure.astype(np.float32),
        "contributions": shares.astype(np.float32),
        "correlation_heat": (100.0 * np.clip(around, 0.0, 1.0)).astype(np.float32),
        "book_heat": heat,
        "book_zone": np.where(np.isnan(zone), NO_ZONE, zone).astype(np.int8),
        "volatility": np.where(known, np.sqrt(np.maximum(variance, 0.0) * HOURS_PER_DAY), np.nan),
        "value": prices.profit(),
    }


def _estimated(times: np.ndarray, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows at which the covariance is estimated: hours divisible by ``every``, and the first; for each hour, which."""
    hours = times // 3_600_000
    chosen = np.flatnonzero((hours % every == 0) | (np.arange(times.size) == 0))
    return chosen, np.searchsorted(chosen, np.arange(times.size), side="right") - 1


def _risk(
    prices: Prices, exposure: Doubles, net: Doubles, rows: np.ndarray, risk: CorrelationSettings
) -> tuple[Doubles, Doubles]:
    """Terms of the variance per hour by symbol, and the size around each; rows without a close are NaN."""
    count, symbols = rows.size, prices.closes.shape[1]
    parts, near = np.full((count, symbols), np.nan), np.full((2, count, symbols), np.nan)
    last = prices.last[rows]
    there = last >= 0
    if not there.any():
        return parts, near
    last = last[there]
    returns = np.full(prices.grid.shape, np.nan)
    returns[1:] = np.diff(np.log(prices.grid), axis=0)
    bars = max(int(pd.Timedelta(risk.window) / HOUR), 1)
    first = np.maximum(last - bars + 2, 1)
    held = _held(prices, exposure)[:, rows[there]]
    doubtful = np.zeros(last.size, bool)
    found, around = np.empty((last.size, symbols)), np.empty((2, last.size, symbols))
    chosen = net[rows[there]]
    arguments = (float(risk.min_bars), float(risk.shrinkage or 0.0), found, around, doubtful)
    kernel.rolling_risk(returns, first, last, chosen, held, *arguments)
    for k in np.flatnonzero(doubtful):
        found[k] = _repaired(prices, int(last[k]), chosen[k], risk)
    parts[there], near[:, there] = found, around
    return parts, near


def _repaired(prices: Prices, last: int, net: Doubles, risk: CorrelationSettings) -> Doubles:
    """Terms of the variance under the matrix with its negative eigenvalues lifted, where missing returns made some."""
    plain = replace(risk, short_window=WITHOUT_BREAKS)
    start = prices.closes.index[0] + (last + 1) * HOUR
    seen = prices.closes.iloc[: prices.closes.index.searchsorted(start)]
    matrix = estimate_correlation(seen, settings=plain).covariance.to_numpy(dtype=np.float64)
    known = np.isfinite(np.diag(matrix)) & np.isfinite(net)
    terms = np.full(net.size, np.nan)
    terms[known] = net[known] * (matrix[np.ix_(known, known)] @ net[known])
    return terms


def _held(prices: Prices, exposure: Doubles) -> Doubles:
    """Share of gross held long and short by symbol, shape (2, n, n_symbols); all NaN where gross is unknown."""
    sizes = np.nan_to_num(np.abs(exposure))
    gross = sizes.sum(axis=1, keepdims=True)
    shares = sizes / np.where(gross > 0, gross, np.nan)
    return np.stack([prices.by_symbol(shares * (prices.side > 0)), prices.by_symbol(shares * (prices.side < 0))])


def _shared(prices: Prices, exposure: Doubles, net: Doubles, parts: Doubles, variance: Doubles) -> Doubles:
    """Shares of risk by position: a symbol's share goes to the positions on its net side, by size."""
    shares = parts / np.where(variance > 0, variance, np.nan)[:, None]
    total = np.nansum(np.abs(net), axis=1)
    shares[(total == 0) & np.isfinite(net).all(axis=1)] = 0.0
    own = net[:, prices.group]
    along = np.where(np.sign(exposure) == np.sign(own), np.abs(exposure), 0.0)
    whole = prices.by_symbol(along)[:, prices.group]
    part = np.divide(along, whole, out=np.zeros_like(along), where=whole > 0)
    return np.where(np.isfinite(own), shares[:, prices.group] * part, np.nan)


def _weighted(heat: Doubles, shares: Doubles) -> Doubles:
    """Mean heat weighted by absolute share of risk; NaN where nothing is known, shape (n,)."""
    weight = np.where(np.isfinite(heat) & np.isfinite(shares), np.abs(shares), 0.0)
    total = weight.sum(axis=1)
    mean = (np.nan_to_num(heat) * weight).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, np.clip(mean, 0.0, 100.0), np.nan)
