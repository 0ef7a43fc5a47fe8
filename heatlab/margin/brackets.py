"""Leverage brackets: build them, read them, and the maintenance margin they ask for.

A bracket table is the canonical ``brackets`` table (:data:`heatlab.frames.BRACKETS`). The maintenance margin of a
notional ``n`` is ``n * maintenance_margin_rate - maintenance_amount`` of the bracket with
``notional_floor <= n < notional_cap``; a notional beyond the last cap is held to the last bracket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatlab import frames
from heatlab._checks import parameter_error
from heatlab.errors import DataError
from heatlab.margin._arrays import FloatArray, floats, plain

ASSUMED_CAPS = (3e5, 8e5, 3e6, 12e6, 70e6, 100e6, 230e6, 480e6, 600e6, 800e6, 1.2e9, 1.8e9)
ASSUMED_RATES = (0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.1, 0.125, 0.15, 0.25, 0.5)
ASSUMED_LEVERAGES = (125.0, 100.0, 75.0, 50.0, 25.0, 20.0, 10.0, 5.0, 4.0, 3.0, 2.0, 1.0)


@dataclass(frozen=True, slots=True)
class BracketArrays:
    """Columns of a checked bracket table as arrays of shape (n_brackets,)."""

    floor: FloatArray
    cap: FloatArray
    rate: FloatArray
    amount: FloatArray
    max_leverage: FloatArray

    def index(self, notional: FloatArray) -> npt.NDArray[np.intp]:
        """Row of the bracket that holds each notional; the last one beyond the last cap."""
        rows = np.searchsorted(self.floor, notional, side="right") - 1
        return np.clip(rows, 0, len(self.floor) - 1)


def bracket_arrays(brackets: pd.DataFrame) -> BracketArrays:
    """Check a bracket table and hand out its columns.

    Raises
    ------
    MissingColumnsError, DataError
        The table breaks its schema, is empty, is not sorted by notional, or has an unknown or impossible rate.
    """
    frames.check(brackets, frames.BRACKETS)
    columns = {name: brackets[name].to_numpy(dtype=np.float64) for name in frames.BRACKETS.names}
    floor, rate = columns["notional_floor"], columns["maintenance_margin_rate"]
    if len(floor) == 0:
        raise DataError("The brackets table must have at least one row. Got none.")
    if not (np.diff(floor) > 0).all():
        row = int(np.flatnonzero(~(np.diff(floor) > 0))[0]) + 1
        raise DataError(f"Column 'notional_floor' of the brackets table must increase. Row {row} is {floor[row]:g}.")
    if not (rate < 1).all():
        row = int(np.flatnonzero(~(rate < 1))[0])
        raise DataError(
            f"Column 'maintenance_margin_rate' of the brackets table must be known and below 1. "
            f"Row {row} is {rate[row]:g}."
        )
    if np.isnan(columns["maintenance_amount"]).any():
        row = int(np.flatnonzero(np.isnan(columns["maintenance_amount"]))[0])
        raise DataError(f"Column 'maintenance_amount' of the brackets table must be known. Row {row} is NaN.")
    return BracketArrays(floor, columns["notional_cap"], rate, columns["maintenance_amount"], columns["max_leverage"])


def maintenance_amounts(caps: npt.ArrayLike, rates: npt.ArrayLike) -> FloatArray:
    """Maintenance amounts that make the maintenance margin continuous at every bracket border.

    ``c_1 = 0``, ``c_n = cap_{n-1} * (m_n - m_{n-1}) + c_{n-1}`` (Binance FAQ, the field ``cum``).

    Parameters
    ----------
    caps : array of shape (n_brackets,)
        Upper notional of each bracket, rising. The last one plays no part.
    rates : array of shape (n_brackets,)
        Maintenance margin rate of each bracket [fraction].

    Returns
    -------
    ndarray of shape (n_brackets,)
        In the unit of ``caps``.

    Raises
    ------
    ParameterError
        The two differ in length, or are empty.
    """
    upper, rate = np.asarray(caps, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    if upper.ndim != 1 or upper.shape != rate.shape or not len(upper):
        shapes = f"shapes {upper.shape} and {rate.shape}"
        raise parameter_error("rates", "maintenance_amounts", "one rate for each of at least one cap", shapes)
    return np.concatenate(([0.0], np.cumsum(upper[:-1] * np.diff(rate))))


def bracket_table(
    caps: npt.ArrayLike, rates: npt.ArrayLike, *, max_leverages: npt.ArrayLike | None = None
) -> pd.DataFrame:
    """Build a canonical bracket table from caps and rates; the amounts follow from continuity.

    Parameters
    ----------
    caps, rates : array of shape (n_brackets,)
        As for :func:`maintenance_amounts`.
    max_leverages : array of shape (n_brackets,), optional
        Highest leverage allowed in each bracket; NaN (no known limit) without it.
    """
    upper = np.asarray(caps, dtype=np.float64)
    amounts = maintenance_amounts(upper, rates)
    leverages = np.full(len(upper), np.nan) if max_leverages is None else np.asarray(max_leverages, dtype=np.float64)
    return pd.DataFrame(
        {
            "notional_floor": np.concatenate(([0.0], upper[:-1])),
            "notional_cap": upper,
            "maintenance_margin_rate": np.asarray(rates, dtype=np.float64),
            "maintenance_amount": amounts,
            "max_leverage": leverages,
        }
    )


def default_brackets() -> pd.DataFrame:
    """Brackets to assume where a source has none: the BTC table of a large venue in early 2026, capped at 125x.

    Returns
    -------
    DataFrame
        Canonical brackets [USD] with ``attrs["assumed"] = True``, so that screens can say so.
    """
    table = bracket_table(ASSUMED_CAPS, ASSUMED_RATES, max_leverages=ASSUMED_LEVERAGES)
    table.attrs["assumed"] = True
    return table


def from_ccxt(tiers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Read one symbol's tiers in the form of ccxt ``fetchLeverageTiers``.

    Parameters
    ----------
    tiers : sequence of mappings
        With ``minNotional``, ``maxNotional``, ``maintenanceMarginRate``, ``maxLeverage`` and, where the venue gives
        it, ``info["cum"]`` (Binance) as the maintenance amount.

    Returns
    -------
    DataFrame
        Canonical brackets sorted by notional. Amounts the venue does not give follow from continuity. A missing cap
        of the last tier is infinite. ``attrs["symbol"]`` names the symbol where the tiers do.

    Raises
    ------
    DataError
        There are no tiers, or a tier lacks its floor or its rate.
    """
    rows = sorted((_ccxt_row(place, tier) for place, tier in enumerate(tiers)), key=lambda row: row[0])
    if not rows:
        raise DataError("from_ccxt needs at least one leverage tier. Got none.")
    floor, cap, rate, leverage, given = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
    cap = np.where(np.isnan(cap), np.append(floor[1:], np.inf), cap)
    table = bracket_table(cap, rate, max_leverages=leverage)
    table["notional_floor"] = floor
    if not np.isnan(given).any():
        table["maintenance_amount"] = given
    symbol = tiers[0].get("symbol")
    if symbol:
        table.attrs["symbol"] = symbol
    return frames.check(table, frames.BRACKETS, where=str(symbol or "ccxt"))


def _ccxt_row(place: int, tier: Mapping[str, Any]) -> tuple[float, ...]:
    for name in ("minNotional", "maintenanceMarginRate"):
        if tier.get(name) is None:
            raise DataError(f"Leverage tier {place} must have '{name}'. Got {sorted(map(str, tier))}.")
    amount = (tier.get("info") or {}).get("cum") if isinstance(tier.get("info"), Mapping) else None
    values = (tier["minNotional"], tier.get("maxNotional"), tier["maintenanceMarginRate"], tier.get("maxLeverage"))
    return tuple(float("nan") if value is None else float(value) for value in (*values, amount))


def maintenance_margin(notional: npt.ArrayLike, brackets: pd.DataFrame) -> FloatArray:
    """Maintenance margin of a position, bracket by bracket.

    Parameters
    ----------
    notional : float or array
        Position value at the mark price, in the unit of the table (quote for linear, coin for inverse contracts).
    brackets : DataFrame
        Canonical brackets.

    Returns
    -------
    float or array
        In the unit of ``notional``; NaN where it is NaN.

    Raises
    ------
    ParameterError
        A notional is negative.
    """
    (value,) = floats(notional)
    if (value < 0).any():
        raise parameter_error("notional", "maintenance_margin", "at least 0", float(np.nanmin(value)))
    columns = bracket_arrays(brackets)
    row = columns.index(value)
    return plain(value * columns.rate[row] - columns.amount[row])


def maximum_leverage(notional: npt.ArrayLike, brackets: pd.DataFrame) -> FloatArray:
    """Highest leverage the venue allows for a notional; NaN where the table names no limit.

    Parameters
    ----------
    notional : float or array
        Position value at entry, in the unit of the table.
    brackets : DataFrame
        Canonical brackets.
    """
    columns = bracket_arrays(brackets)
    (value,) = floats(notional)
    return plain(np.where(np.isnan(value), np.nan, columns.max_leverage[columns.index(value)]))
