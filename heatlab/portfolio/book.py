"""A whole book at one instant: heat of every position, the heat of the book and the orders its rule proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from heatlab import heat
from heatlab.domain import Timeframe
from heatlab.frames import align
from heatlab.portfolio.covariance import covariance
from heatlab.portfolio.heat import portfolio_heat, portfolio_zone
from heatlab.portfolio.risk import net_contributions
from heatlab.portfolio.rule import RuleSettings, heat_rule

Key = tuple[str, str, str]
RISK_TIMEFRAME = "1h"
IDENTITY = ["symbol", "venue", "side"]


@dataclass(frozen=True)
class BookView:
    """Everything there is to show of one book.

    Attributes
    ----------
    table : DataFrame
        Heat by position and timeframe, as :func:`heatlab.heat.heat_table` returns it.
    overall : DataFrame
        Heat by position, as :func:`heatlab.heat.position_heat` returns it, and ``risk``, its share [fraction].
    book_heat : float
        Heat of the book [0-100]; NaN where unknown.
    zone : float
        +1 green, 0 amber, -1 red, NaN unknown.
    orders : DataFrame
        Orders of the rule; its name in ``attrs["rule"]``.
    contributions : ndarray of shape (n_positions,)
        Share of risk, in the order of the positions, netted per symbol; sums to 1, NaN where unknown.
    coverage : float
        Share of the book's value whose heat and risk are known [fraction]; below ``RuleSettings.coverage`` no rule
        applies.
    """

    table: pd.DataFrame
    overall: pd.DataFrame
    book_heat: float
    zone: float
    orders: pd.DataFrame
    contributions: np.ndarray[Any, Any] = field(default_factory=lambda: np.empty(0))
    coverage: float = 1.0

    @property
    def rule(self) -> str:
        """Name of the rule in force: "none", "halve" or "to cash"."""
        return str(self.orders.attrs.get("rule", "none"))


def book_view(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    now: pd.Timestamp,
    settings: heat.HeatSettings | None = None,
    rules: RuleSettings | None = None,
    risk: pd.DataFrame | None = None,
    known: pd.DataFrame | None = None,
) -> BookView:
    """Join heat of each position, shares of risk, heat of the book, and its rule.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Candles; the ``1h`` ones also give the covariance. Bars that close after ``now`` are left out.
    now : Timestamp
        Instant the ages are counted to.
    settings : HeatSettings, optional
    rules : RuleSettings, optional
    risk : DataFrame of shape (n_symbols, n_symbols), optional
        Covariance of hourly returns by symbol; estimated from the ``1h`` candles without it.
    known : DataFrame, optional
        Heat table of other positions in the same market, to take readings over from.

    Returns
    -------
    BookView
        A position without hourly candles has no share of risk; the others share 1.
    """
    settings, rules = settings or heat.HeatSettings(), rules or RuleSettings()
    positions = positions.astype({"side": "int64"})
    table = heat.heat_table(positions, candles, now=now, settings=settings, known=known)
    overall = heat.position_heat(table, settings=settings)
    matched = positions[IDENTITY].merge(overall, on=IDENTITY, how="left")
    by_symbol = _covariance(positions, candles, now) if risk is None else risk
    symbols = list(positions["symbol"])
    shares = net_contributions(exposure(positions), by_symbol.loc[symbols, symbols], instruments=symbols)
    book = portfolio_heat(matched, shares)
    counted = np.where(np.isfinite(shares), matched["heat"].to_numpy(dtype="float64"), np.nan)
    covered = coverage(positions, counted)
    orders = heat_rule(positions, book if covered >= rules.coverage else np.nan, overall, settings=rules)
    carried = positions[IDENTITY].assign(risk=shares).groupby(IDENTITY, sort=False, as_index=False).sum(min_count=1)
    overall = overall.merge(carried, on=IDENTITY, how="left")
    return BookView(table, overall, book, portfolio_zone(book, settings=settings), orders, shares, covered)


def _covariance(positions: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], now: pd.Timestamp) -> pd.DataFrame:
    closes = symbol_closes(positions, candles)
    return covariance(closes[closes.index <= now - Timeframe.parse(RISK_TIMEFRAME).delta])


def coverage(positions: pd.DataFrame, position_heat: np.ndarray[Any, Any]) -> float:
    """Share of the book's value whose heat is known [fraction]; 0 for an empty book or one worth nothing.

    A position without a mark price counts at its entry price; one without a quantity makes the share 0.
    """
    price = positions["mark_price"].fillna(positions["entry_price"])
    value = (positions["quantity"] * price).to_numpy(dtype="float64")
    if not np.isfinite(value).all() or not value.sum() > 0:
        return 0.0
    return float(value[np.isfinite(position_heat)].sum() / value.sum())


def exposure(positions: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Signed value of each position at the mark [quote]; shape (n_positions,)."""
    return (positions["side"] * positions["quantity"] * positions["mark_price"]).to_numpy(dtype="float64")


def symbol_closes(positions: pd.DataFrame, candles: Mapping[Key, pd.DataFrame]) -> pd.DataFrame:
    """Hourly closes, one column per symbol in order of first appearance; NaN where there are none.

    The same symbol on two venues is one bet: its closes are those of the first venue that has candles.
    """
    owners = dict.fromkeys(zip(positions["symbol"], positions["venue"], strict=True))
    known: dict[str, pd.DataFrame] = {}
    for symbol, venue in owners:
        table = candles.get((venue, symbol, RISK_TIMEFRAME))
        if symbol not in known and table is not None and not table.empty:
            known[symbol] = table
    columns = list(dict.fromkeys(positions["symbol"]))
    return align(known).reindex(columns=columns).astype("float64")
