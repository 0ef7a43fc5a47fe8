"""How much of a strategy can be followed: what is left out of a comparison, why, and its share of the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.portfolio.strategies.path import BAR, Key
from heatlab.portfolio.strategies.trades import is_trades

MOST_NAMED = 6
NO_CANDLES, NO_SIZE = "has no candles here", "has no price or quantity"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is left out of one strategy.

    Attributes
    ----------
    name : str
    kind : str
        "positions" or "trades".
    total, left_out : int
    share : float
        Of the value of all, what is left out [fraction]; NaN where the value of anything left out is unknown.
    reasons : tuple of str
        A market and why it cannot be followed, each once.
    """

    name: str
    kind: str
    total: int
    left_out: int
    share: float
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """What is left out, in one sentence; "" where nothing is."""
        if not self.left_out:
            return ""
        value = "of unknown value" if math.isnan(self.share) else f"{self.share * 100:.3g} % of its value"
        more = f", and {len(self.reasons) - MOST_NAMED} more" if len(self.reasons) > MOST_NAMED else ""
        verb = "is" if self.left_out == 1 else "are"
        return (
            f"{self.name}: {self.left_out} of {self.total} {self.kind}, {value}, {verb} left out: "
            f"{', '.join(self.reasons[:MOST_NAMED])}{more}."
        )

    def enough(self, most: float) -> bool:
        """Tell whether no more than the share ``most`` is left out, for certain."""
        return not self.left_out or self.share <= most


def followed(table: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], *, name: str) -> tuple[pd.DataFrame, Coverage]:
    """Rows whose market has hourly bars and whose size is known, and what is left out.

    Parameters
    ----------
    table : DataFrame
        Canonical positions or trades.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
    name : str
        Of the strategy.
    """
    made = is_trades(table)
    worth = (table["quantity"] * table["entry_price" if made else "mark_price"]).to_numpy(dtype=np.float64)
    barred = _barred(table, candles)
    kept = barred & (worth > 0)
    owners = zip(table["symbol"], table["venue"], barred, kept, strict=True)
    reasons = [f"{symbol} on {venue} {NO_SIZE if has else NO_CANDLES}" for symbol, venue, has, ok in owners if not ok]
    told = Coverage(
        name=name,
        kind="trades" if made else "positions",
        total=len(table),
        left_out=int((~kept).sum()),
        share=_share(worth, ~kept),
        reasons=tuple(dict.fromkeys(reasons)),
    )
    return table[kept].reset_index(drop=True), told


def _share(worth: NDArray[np.float64], out: NDArray[np.bool_]) -> float:
    if not out.any():
        return 0.0
    total = float(worth.sum())
    return float(worth[out].sum()) / total if total > 0 else math.nan


def _barred(table: pd.DataFrame, candles: Mapping[Key, pd.DataFrame]) -> NDArray[np.bool_]:
    """Rows whose market has more than one hourly bar."""
    bars = [candles.get((venue, symbol, BAR)) for symbol, venue in zip(table["symbol"], table["venue"], strict=True)]
    return np.array([one is not None and len(one) > 1 for one in bars], dtype=bool)
