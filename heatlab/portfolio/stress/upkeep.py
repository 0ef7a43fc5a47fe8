"""Maintenance margin of many positions at many prices at once, each by the rule of its venue.

Binance and Hyperliquid read the bracket at the value the position has THEN; OKX and Gate keep the bracket of the
entry, whose tiers go by size, and add the closing fee; Bybit keeps the bracket of the entry and, for linear contracts,
the whole margin asked at entry. These are the rules behind :mod:`heatlab.margin.venues`, so that at a liquidation
price of that module equity equals the maintenance margin of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.margin.brackets import BracketArrays, bracket_arrays
from heatlab.margin.venues import TAKER_FEES, formula_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Upkeep:
    """Rules of n positions; ``floor``, ``rate`` and ``amount`` have shape (n, n_brackets), floors padded with inf.

    Where ``reads`` is False the maintenance margin is ``value * slope + constant``.
    """

    floor: Floats
    rate: Floats
    amount: Floats
    reads: NDArray[np.bool_]
    slope: Floats
    constant: Floats

    def __call__(self, value: Floats) -> Floats:
        """Maintenance margin of values of shape (..., n), in the margin currency; NaN where the value is NaN."""
        fixed = value * self.slope + self.constant
        if not self.reads.any():
            return np.asarray(fixed, dtype=np.float64)
        row = np.zeros(value.shape, dtype=np.intp)
        for step in range(1, self.floor.shape[1]):
            row += value >= self.floor[:, step]
        own = np.arange(value.shape[-1])
        read = value * self.rate[own, row] - self.amount[own, row]
        return np.where(self.reads, read, fixed)


def upkeep(
    venues: Sequence[str], inverse: NDArray[np.bool_], at_entry: Floats, tables: Sequence[pd.DataFrame]
) -> Upkeep:
    """Rules of positions.

    Parameters
    ----------
    venues : sequence of str of length n
    inverse : array of bool of shape (n,)
    at_entry : array of shape (n,)
        Value at entry, in the margin currency.
    tables : sequence of DataFrame of length n
        Canonical brackets in the margin currency.
    """
    read: dict[int, BracketArrays] = {}
    columns = [read.setdefault(id(table), _arrays(table, read)) for table in tables]
    width = max((len(one.floor) for one in columns), default=1)
    floor = np.array([_padded(one.floor, width, np.inf) for one in columns]).reshape(-1, width)
    rate = np.array([_padded(one.rate, width, 0.0) for one in columns]).reshape(-1, width)
    amount = np.array([_padded(one.amount, width, 0.0) for one in columns]).reshape(-1, width)
    row = [int(one.index(np.asarray(value))) for one, value in zip(columns, at_entry, strict=True)]
    own = np.arange(len(columns))
    m, c = rate[own, row], amount[own, row]
    formulas = np.array([formula_of(venue) for venue in venues], dtype=object)
    fee = np.array([TAKER_FEES[name] if name in ("okx", "gate") else 0.0 for name in formulas], dtype=np.float64)
    frozen = (formulas == "bybit") & ~inverse
    slope = np.where(frozen, 0.0, m + fee)
    constant = np.where(frozen, at_entry * m - c, -c)
    return Upkeep(floor, rate, amount, np.asarray(formulas == "binance", dtype=bool), slope, constant)


def _arrays(table: pd.DataFrame, read: dict[int, BracketArrays]) -> BracketArrays:
    return read[id(table)] if id(table) in read else bracket_arrays(table)


def _padded(values: Floats, width: int, filler: float) -> Floats:
    return np.concatenate((values, np.full(width - len(values), filler)))
