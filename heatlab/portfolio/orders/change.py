"""What one order changes: figures, cluster shares and distances to liquidation, before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import NAN, MarginMode
from heatlab.portfolio.alerts.distance import account_chances, liquidation_distance
from heatlab.portfolio.book import IDENTITY
from heatlab.portfolio.orders.account import Brackets, account_liquidation_prices, free_margin
from heatlab.portfolio.orders.apply import ProposedOrder
from heatlab.portfolio.view import RiskView

HOURS_A_DAY = 24
ROUND_OFF = 1e-9
"""Change of a share or a distance that is none."""
FIGURES = ["figure", "unit", "better", "before", "after"]
DISTANCES = [
    *IDENTITY,
    "ordered",
    "liquidation_before",
    "liquidation_after",
    "distance_before",
    "distance_after",
    "daily_volatilities",
]
MEASURES = (
    ("independent bets", "count", 1, "effective_principal_bets"),
    ("effective bets", "count", 1, "effective_bets"),
    ("effective positions", "count", 1, "effective_positions"),
    ("volatility per day", "quote", -1, "volatility"),
    ("gross exposure", "quote", 0, "gross_exposure"),
    ("net exposure", "quote", 0, "net_exposure"),
)


@dataclass(frozen=True)
class Change:
    """One order and the book on both sides of it.

    Attributes
    ----------
    order : ProposedOrder
        Complete.
    held, made : DataFrame
        Canonical positions without it and with it.
    before, after : RiskView
        Their measures.
    brackets : mapping of (venue, symbol) to DataFrame
    """

    order: ProposedOrder
    held: pd.DataFrame
    made: pd.DataFrame
    before: RiskView
    after: RiskView
    brackets: Brackets

    @property
    def name(self) -> str:
        """The market, in words."""
        return f"{self.order.symbol} on {self.order.venue}"

    def own(self, table: pd.DataFrame) -> pd.DataFrame:
        """Row of the position on the order's side."""
        same = (table["symbol"] == self.order.symbol) & (table["venue"] == self.order.venue)
        return table[same & (table["side"] == int(self.order.side))]

    @property
    def opened(self) -> float:
        """Quantity the order adds on its own side; 0 where it only reduces [base]."""
        now, then = (float(self.own(table)["quantity"].sum()) for table in (self.made, self.held))
        return now - then

    @property
    def lowers_risk(self) -> bool:
        """Whether the book's volatility falls, or nothing is left."""
        return self.made.empty or self.after.measures.volatility <= self.before.measures.volatility

    def figures(self) -> pd.DataFrame:
        """Figures of the whole book, before and after."""
        first, second = self.before, self.after
        free = [free_margin(table, self.order.venue) for table in (self.held, self.made)]
        rows = [
            ("portfolio heat", "heat", 1, first.heat.book_heat, second.heat.book_heat),
            *(
                (label, unit, better, getattr(first.measures, name), getattr(second.measures, name))
                for label, unit, better, name in MEASURES
            ),
            (f"free cross margin on {self.order.venue}", "quote", 1, *free),
        ]
        return pd.DataFrame(rows, columns=FIGURES)

    def clusters(self) -> pd.DataFrame:
        """Shares of every cluster before and after; a cluster nobody is in has share 0."""
        names = ["gross_share", "risk_share", "level"]
        sides = [view.cluster_shares.set_index("cluster") for view in (self.before, self.after)]
        labels = list(dict.fromkeys([*sides[1].index, *sides[0].index]))
        table = pd.DataFrame({"cluster": labels})
        known = {**sides[0]["name"].to_dict(), **sides[1]["name"].to_dict()}
        table["name"] = [str(known[label]) for label in labels]
        for side, word in zip(sides, ("before", "after"), strict=True):
            for name in names:
                empty: Any = "" if name == "level" else 0.0
                table[f"{name}_{word}"] = [side[name].get(label, empty) for label in labels]
        return table.sort_values("gross_share_after", ascending=False, kind="stable", ignore_index=True)

    def distances(self) -> pd.DataFrame:
        """Distance to liquidation of the order's position and of the cross positions beside it."""
        sides = [self._liquidations(self.held), self._liquidations(self.made)]
        keys = list(dict.fromkeys([*sides[1], *sides[0]]))
        rows: list[tuple[Any, ...]] = []
        for key in keys:
            old, new = (side.get(key, (NAN, NAN)) for side in sides)
            volatility = self.daily_volatility(key[0])
            ordered = key == (self.order.symbol, self.order.venue, int(self.order.side)) and self.opened > 0
            rows.append((*key, ordered, old[0], new[0], old[1], new[1], new[1] / volatility))
        return pd.DataFrame(rows, columns=DISTANCES)

    def _liquidations(self, table: pd.DataFrame) -> dict[tuple[str, str, int], tuple[float, float]]:
        """Liquidation price and distance by position, of the account the order is in."""
        venue = table["venue"] == self.order.venue
        touched = venue & ((table["margin_mode"] == MarginMode.CROSS) | (table["symbol"] == self.order.symbol))
        exact = account_liquidation_prices(table, self.order.venue, self.brackets)
        stated = table["liquidation_price"].to_numpy(dtype=np.float64)
        fixed = table is self.held or (table["margin_mode"] != MarginMode.CROSS).to_numpy()
        price = np.where(np.isnan(exact), np.where(fixed, stated, np.nan), exact)
        known = table.assign(liquidation_price=price)
        away = liquidation_distance(known).to_numpy(dtype=np.float64)
        found: dict[tuple[str, str, int], tuple[float, float]] = {}
        for place in np.flatnonzero(touched):
            symbol, where, side = table[IDENTITY].iloc[place]
            found.setdefault((str(symbol), str(where), int(side)), (float(price[place]), float(away[place])))
        return found

    def account_moves(self) -> tuple[float, float]:
        """Margin left of the order's cross account in daily volatilities of all its positions, before and after.

        A liquidation price holds while the account's other positions stand still; together they get there sooner. NaN
        where unknown, or where the account has fewer than two positions.
        """
        currency = self.order.symbol.partition(":")[2]
        found = []
        for table, view in ((self.held, self.before), (self.made, self.after)):
            exact = account_liquidation_prices(table, self.order.venue, self.brackets)
            known = table.assign(liquidation_price=exact)
            rows = account_chances(replace(view, positions=known)).set_index(["venue", "currency"])
            key = (self.order.venue, currency)
            moves = rows["room"] / rows["volatility"].where(rows["volatility"] > 0)
            found.append(float(moves[key]) if key in moves.index else NAN)
        return found[0], found[1]

    def daily_volatility(self, symbol: str) -> float:
        """Give the standard deviation of a day's return [fraction]; NaN where unknown."""
        hourly = self.after.correlation.deviation.get(symbol, NAN)
        return float(hourly) * math.sqrt(HOURS_A_DAY)
