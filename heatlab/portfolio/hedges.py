"""Which positions hedge each other: the same coin the other way, spot against a perpetual, correlated coins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import Contract, Side
from heatlab.portfolio.merge import contract_kind, position_value

HEDGE_COLUMNS = ["leg", "against", "ratio", "rho", "kind"]
SAME, CARRY, CORRELATED = "same asset", "spot against perpetual", "correlated"


def recognised_hedges(positions: pd.DataFrame, matrix: pd.DataFrame, *, limit: float = 0.7) -> pd.DataFrame:
    """Pairs of positions of which one takes risk away from the other.

    Two positions hedge each other where their profits move against one another: opposite sides of one coin (on one
    venue or two, on one contract or two), opposite sides of coins whose correlation is ``limit`` or more, or the same
    side of coins whose correlation is ``-limit`` or less. Each position is named as the hedge of at most one other: the
    larger of a pair is the leg, the smaller what stands against it; the same coin goes first, then the strongest
    correlation.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    matrix : DataFrame
        Correlation by symbol; NaN and symbols it lacks are unknown, and no hedge is claimed from them.
    limit : float in (0, 1]

    Returns
    -------
    DataFrame
        leg, against: their places in ``positions``; ratio: value of what stands against over the leg's [fraction];
        rho: correlation of the two prices (1 for the same coin); kind: "same asset", "spot against perpetual" or
        "correlated". Ordered by kind in that order, then by ratio.

    Raises
    ------
    ParameterError
        ``limit`` is no correlation above zero.
    """
    check_range("limit", limit, 0, 1, caller="recognised_hedges", closed="right")
    value = position_value(positions).to_numpy(dtype="float64")
    legs = [
        (str(symbol), int(Side.parse(side)))
        for symbol, side in zip(positions["symbol"], positions["side"], strict=True)
    ]
    found = list(_candidates(legs, value, matrix, limit))
    rank = {SAME: 0, CARRY: 0, CORRELATED: 1}
    found.sort(key=lambda row: (rank[row["kind"]], -abs(row["rho"]), -row["ratio"]))
    taken: set[int] = set()
    kept = []
    for row in found:
        if row["against"] not in taken and row["leg"] not in taken:
            taken.add(row["against"])
            kept.append(row)
    order = (SAME, CARRY, CORRELATED)
    kept.sort(key=lambda row: (order.index(row["kind"]), -row["ratio"]))
    kinds = {"leg": "int64", "against": "int64", "ratio": "float64", "rho": "float64"}
    return pd.DataFrame(kept, columns=HEDGE_COLUMNS).astype(kinds)


def _candidates(
    legs: list[tuple[str, int]], value: np.ndarray[Any, Any], matrix: pd.DataFrame, limit: float
) -> Iterator[dict[str, Any]]:
    symbols, sides = [symbol for symbol, _ in legs], np.array([side for _, side in legs], dtype="float64")
    coins = np.unique([symbol.split("/")[0] for symbol in symbols], return_inverse=True)[1]
    rho = matrix.reindex(index=symbols, columns=symbols).to_numpy(dtype="float64", copy=True)
    same = coins[:, None] == coins[None, :]
    rho[same] = 1.0
    against = np.outer(sides, sides) * rho <= -limit
    known = np.isfinite(value) & (value > 0)
    for first, second in np.argwhere(np.triu(against & known[:, None] & known[None, :], 1)).tolist():
        big, small = (first, second) if value[first] >= value[second] else (second, first)
        kind = _kind(symbols[first], symbols[second]) if same[first, second] else CORRELATED
        ratio = value[small] / value[big]
        yield {"leg": big, "against": small, "ratio": ratio, "rho": rho[first, second], "kind": kind}


def _kind(one: str, other: str) -> str:
    spots = (contract_kind(one) is Contract.SPOT) + (contract_kind(other) is Contract.SPOT)
    return CARRY if spots == 1 else SAME
