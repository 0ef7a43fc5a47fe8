"""A book held, or trades made, hour by hour: what was held, what it earned, and when its margin ran out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import Contract
from heatlab.errors import DataError
from heatlab.frames import align
from heatlab.margin import contract_of, maintenance_margin
from heatlab.portfolio.orders.account import Brackets, brackets_of
from heatlab.portfolio.strategies.trades import is_trades

Key = tuple[str, str, str]
Leg = tuple[str, str, int]
Owner = tuple[str, str]
Floats = NDArray[np.float64]
BAR = "1h"
HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class StrategyPath:
    """One strategy over a stretch of hourly bars.

    Attributes
    ----------
    index : DatetimeIndex
        Open times of the bars; values are as of their close.
    legs : tuple of (symbol, venue, side)
    quantity : array of shape (n_bars, n_legs)
        Held at each close [base], at least 0.
    close, adverse : array of shape (n_bars, n_legs)
        Close, and the worst price of the bar for the leg [quote].
    pnl : array of shape (n_bars,)
        Profit since the start, open trades at the close [quote].
    gross : float
        Gross exposure leverage is counted on [quote]: of a book at the start, of trades at their peak.
    daily : Series
        Return per day on the gross exposure [fraction]: of a book at constant weights, of trades at constant size.
    """

    index: pd.DatetimeIndex
    legs: tuple[Leg, ...]
    quantity: Floats
    close: Floats
    adverse: Floats
    pnl: Floats
    gross: float
    daily: pd.Series

    @property
    def sides(self) -> Floats:
        """Side of each leg."""
        return np.array([side for _, _, side in self.legs], dtype=np.float64)

    @property
    def notional(self) -> Floats:
        """Value of each leg at each close [quote]; shape (n_bars, n_legs)."""
        return np.where(self.quantity > 0, self.quantity * self.close, 0.0)

    def maintenance(self, brackets: Brackets) -> Floats:
        """Maintenance margin of the whole at each close [quote]; shape (n_bars,).

        Brackets of a coin-margined contract are in coin, unless they are the assumed ones.
        """
        worth, total = self.notional, np.zeros(len(self.index))
        for place, (symbol, venue, _) in enumerate(self.legs):
            table = brackets_of(venue, symbol, brackets)
            coin = contract_of(symbol) is Contract.INVERSE and not table.attrs.get("assumed")
            price = np.where(worth[:, place] > 0, self.close[:, place], 1.0) if coin else 1.0
            total += maintenance_margin(worth[:, place] / price, table) * price
        return total

    def worst(self) -> Floats:
        """Profit if every leg met the worst price of its bar at once [quote]; shape (n_bars,)."""
        loss = np.where(self.quantity > 0, self.quantity * (self.adverse - self.close), 0.0)
        return np.asarray(self.pnl + (loss * self.sides).sum(axis=1), dtype=np.float64)


def hourly_bars(
    tables: list[pd.DataFrame], candles: Mapping[Key, pd.DataFrame], now: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """Close, low and high of every market the strategies use, on the hours all books know.

    Raises
    ------
    DataError
        There is no hour that all of them share.
    """
    owners = list(dict.fromkeys(owner for table in tables for owner in _owners(table)))
    bars = {owner: candles[owner[1], owner[0], BAR] for owner in owners}
    wide = {name: _wide(bars, owners, name, now) for name in ("close", "low", "high")}
    made = [table for table in tables if is_trades(table)]
    needed = list(dict.fromkeys(owner for table in tables if not is_trades(table) for owner in _owners(table)))
    known = wide["close"][needed].notna().all(axis=1).to_numpy(dtype=bool)
    if made:
        known = known & _during(made, pd.DatetimeIndex(wide["close"].index))
    if int(known.sum()) < 2:
        raise DataError("The two strategies share no hours of history: their markets were not traded at the same time.")
    return {name: (frame.ffill() if name == "close" else frame)[known] for name, frame in wide.items()}


def strategy_path(table: pd.DataFrame, bars: Mapping[str, pd.DataFrame]) -> StrategyPath:
    """Follow one strategy through hourly bars.

    Parameters
    ----------
    table : DataFrame
        Canonical positions: their weights of today are bought at the first bar and held. Or canonical trades.
    bars : mapping
        As :func:`hourly_bars` makes them.
    """
    return _of_trades(table, bars) if is_trades(table) else _of_book(table, bars)


def _of_book(table: pd.DataFrame, bars: Mapping[str, pd.DataFrame]) -> StrategyPath:
    legs = _legs(table)
    close, adverse = _prices(legs, bars)
    sides = np.array([side for _, _, side in legs], dtype=np.float64)
    worth = (table["quantity"] * table["mark_price"]).to_numpy(dtype=np.float64)
    at = {leg: place for place, leg in enumerate(legs)}
    weight = np.zeros(len(legs))
    np.add.at(weight, [at[leg] for leg in _rows(table)], worth)
    gross = float(weight.sum())
    held = np.broadcast_to(weight / close[0], close.shape)
    pnl = ((close - close[0]) * held * sides).sum(axis=1)
    index = pd.DatetimeIndex(bars["close"].index)
    daily = pd.DataFrame(close, index=index).resample("1D").last().dropna(how="all").pct_change(fill_method=None)
    returns = (daily * (sides * weight / gross)).sum(axis=1, skipna=False).dropna()
    return StrategyPath(index, legs, np.asarray(held, dtype=np.float64), close, adverse, pnl, gross, returns)


def _of_trades(table: pd.DataFrame, bars: Mapping[str, pd.DataFrame]) -> StrategyPath:
    legs = _legs(table)
    close, adverse = _prices(legs, bars)
    index = pd.DatetimeIndex(bars["close"].index)
    closed_at = np.asarray((index + HOUR).as_unit("ms").asi8)
    at = {leg: place for place, leg in enumerate(legs)}
    held, pnl = np.zeros(close.shape), np.zeros(len(index))
    largest = 0.0
    for trade, leg in zip(table.to_dict("records"), _rows(table), strict=True):
        begun = int(np.searchsorted(closed_at, trade["entry_time"].value // 1_000_000, side="left"))
        last = len(index) if pd.isna(trade["exit_time"]) else trade["exit_time"].value // 1_000_000
        ended = len(index) if pd.isna(trade["exit_time"]) else int(np.searchsorted(closed_at, last, side="left"))
        size, entry, side = trade["quantity"], trade["entry_price"], trade["side"]
        held[begun:ended, at[leg]] += size
        pnl[begun:ended] += side * size * (close[begun:ended, at[leg]] - entry)
        if ended < len(index):
            pnl[ended:] += side * size * (trade["exit_price"] - entry)
        largest = max(largest, size * entry)
    if not np.isfinite(pnl).all():
        raise DataError(
            f"A trade was open at {index[~np.isfinite(pnl)][0]:%Y-%m-%d %H:%M} UTC, before its prices begin."
        )
    gross = max(float((held * np.nan_to_num(close)).sum(axis=1).max()), largest)
    days = pd.Series(pnl, index=index).resample("1D").last().dropna()
    returns = days.diff().fillna(days.iloc[0]) / gross
    return StrategyPath(index, legs, held, close, adverse, pnl, gross, returns)


def _prices(legs: tuple[Leg, ...], bars: Mapping[str, pd.DataFrame]) -> tuple[Floats, Floats]:
    owners = [(symbol, venue) for symbol, venue, _ in legs]
    close = bars["close"][owners].to_numpy(dtype=np.float64, copy=True)
    low, high = (bars[name][owners].to_numpy(dtype=np.float64) for name in ("low", "high"))
    worst = np.where(np.array([side for _, _, side in legs]) > 0, low, high)
    return close, np.where(np.isfinite(worst), worst, close)


def _during(tables: list[pd.DataFrame], index: pd.DatetimeIndex) -> NDArray[np.bool_]:
    """Bars between the first entry and the last exit of any trade; an open trade lasts to the end."""
    first = min(table["entry_time"].min() for table in tables)
    still = any(table["exit_time"].isna().any() for table in tables)
    last = index.max() + HOUR if still else max(table["exit_time"].max() for table in tables)
    return np.asarray((index + HOUR > first) & (index < last))


def _wide(bars: Mapping[Owner, pd.DataFrame], owners: list[Owner], column: str, now: pd.Timestamp) -> pd.DataFrame:
    names = {f"{symbol} {venue}": table for (symbol, venue), table in bars.items()}
    wide = align(names, column=column).reindex(columns=list(names)).astype("float64")
    wide.columns = pd.Index(owners, tupleize_cols=False)
    return wide[wide.index <= now - HOUR]


def _owners(table: pd.DataFrame) -> list[Owner]:
    return list(dict.fromkeys(zip(table["symbol"], table["venue"], strict=True)))


def _rows(table: pd.DataFrame) -> list[Leg]:
    return [(str(a), str(b), int(c)) for a, b, c in zip(table["symbol"], table["venue"], table["side"], strict=True)]


def _legs(table: pd.DataFrame) -> tuple[Leg, ...]:
    return tuple(dict.fromkeys(_rows(table)))
