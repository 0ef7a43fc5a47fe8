"""Which of two correlated positions to trim, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import NAN, market_names
from heatlab.portfolio.rule import ORDER_COLUMNS

STEPS = 1000


@dataclass(frozen=True)
class Trim:
    """What trimming one of a pair would do.

    Attributes
    ----------
    symbol : str
        The one to trim: of the two the one with the larger share of the book's risk; "" where nothing can be said.
    fraction : float
        Share of its net position to close, in [0, 1].
    before, after : float
        Share of the book's risk the pair carries [fraction].
    orders : DataFrame
        Columns of :data:`heatlab.portfolio.rule.ORDER_COLUMNS`; empty where nothing needs to be done.
    text : str
        All this in words.
    """

    symbol: str
    fraction: float
    before: float
    after: float
    orders: pd.DataFrame
    text: str


def trim_pair(positions: pd.DataFrame, covariance: pd.DataFrame, pair: tuple[str, str], *, target: float = 0.2) -> Trim:
    """Smallest cut of one of two symbols that brings the pair's joint share of the book's risk down to ``target``.

    The one with the larger Euler contribution is cut, on its net side, its positions by the same fraction each. Where
    closing it is not enough, it is closed and what remains is said.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    covariance : DataFrame
        Of returns, over symbols; a symbol it lacks, or of which it is NaN, is left out of the book's risk.
    pair : (str, str)
        Symbols.
    target : float in (0, 1)
        Joint share of risk to come down to; the mark to watch a cluster by default.

    Returns
    -------
    Trim

    Raises
    ------
    ParameterError
        ``target`` lies outside (0, 1).
    """
    check_range("target", target, 0, 1, caller="trim_pair", closed="neither")
    value = positions["side"] * positions["quantity"] * positions["mark_price"]
    net = value.groupby(positions["symbol"]).sum(min_count=1)
    variance = pd.Series(np.diag(covariance.to_numpy(dtype=np.float64)), index=covariance.columns)
    net = net.reindex([symbol for symbol in net.index if np.isfinite(net[symbol]) and symbol in variance.dropna()])
    x, matrix = net.to_numpy(dtype=np.float64), covariance.loc[net.index, net.index].to_numpy(dtype=np.float64)
    total = float(x @ matrix @ x)
    called = market_names(pair)
    names = " and ".join(called[symbol] for symbol in pair)
    if not set(pair) <= set(net.index) or not total > 0:
        return _nothing(f"Nothing to trim: the size or the risk of {names} is not known.")
    places = [net.index.get_loc(symbol) for symbol in pair]
    parts = x * (matrix @ x) / total
    before = float(parts[places].sum())
    if before <= target:
        say = f"{names} carry {before:.0%} of the book's risk together, not above {target:.0%}: no trim is needed."
        return _nothing(say, before=before)
    place = max(places, key=lambda k: parts[k])
    fractions = np.linspace(0.0, 1.0, STEPS + 1)
    shares = np.array([_joint(x, matrix, places, place, fraction) for fraction in fractions])
    enough = np.flatnonzero(shares <= target)
    fraction = float(fractions[enough[0]]) if len(enough) else 1.0
    after = float(shares[enough[0]] if len(enough) else shares[-1])
    symbol = str(net.index[place])
    how = "close it" if fraction >= 1.0 else f"cut it by {fraction:.1%}"
    text = (
        f"{names} carry {before:.0%} of the book's risk together. {called[symbol]} carries the larger part "
        f"({parts[place]:.0%}): {how}, and the two carry {after:.0%}"
    )
    text += "." if after <= target else f", still above {target:.0%}: look at the other one as well."
    return Trim(symbol, fraction, before, after, _orders(positions, symbol, float(x[place]), fraction, text), text)


def _joint(x: np.ndarray, matrix: np.ndarray, places: list[Any], place: Any, fraction: float) -> float:
    """Joint share of risk of the pair once a fraction of one net position is closed; 0 for a book without risk."""
    left = x.copy()
    left[place] *= 1.0 - fraction
    parts = left * (matrix @ left)
    total = float(parts.sum())
    return float(parts[places].sum()) / total if total > 1e-15 * float(x @ matrix @ x) else 0.0


def _orders(positions: pd.DataFrame, symbol: str, net: float, fraction: float, text: str) -> pd.DataFrame:
    own = positions[(positions["symbol"] == symbol) & (np.sign(positions["side"]) == np.sign(net))]
    value = own["quantity"] * own["mark_price"]
    share = min(fraction * abs(net) / float(value.sum()), 1.0)
    orders = pd.DataFrame(
        {
            "symbol": own["symbol"],
            "venue": own["venue"],
            "side": -own["side"].astype(np.int64),
            "quantity": own["quantity"] * share,
            "notional": value * share,
            "reason": text,
            "rule": "trim correlated pair",
        },
        columns=ORDER_COLUMNS,
    )
    return orders[orders["quantity"] > 0].reset_index(drop=True)


def _nothing(text: str, *, before: float = NAN) -> Trim:
    return Trim("", 0.0, before, before, pd.DataFrame(columns=ORDER_COLUMNS), text)
