"""Stated shares of risk of two-cluster books against those realised after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster

from heatlab.portfolio.correlation.clusters import cluster_tree, correlation_clusters
from heatlab.portfolio.intervals import mean_interval, share_interval
from heatlab.portfolio.risk import risk_contributions
from heatlab.portfolio.risk_study.value_at_risk import Period
from heatlab.portfolio.risk_study.walk import HOURS, Day, Prices

Floats = NDArray[np.float64]
AHEAD = {"7 d": 7 * HOURS, "30 d": 30 * HOURS}
HELD = ("both long", "long one, short the other")
OWN, SPLIT = "two clusters at the cut", "one cluster, split in two"
NEAR = (0.05, 0.10)
BLOCK = 4
SHARES = ["date", "book", "horizon", "basis", "stated", "realised", "size", "equal"]
TABLE = [
    "book", "horizon", "period", "dates", "at_cut", "error", "low", "high", "size_error", "equal_error",
    "gain", "gain_low", "gain_high", "within_5", "within_10", "within_10_low", "within_10_high", "rank_correlation",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clusters of one day: places of their coins among the day's, and how they were come by."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    basis: str


def two_clusters(day: Day, *, cut: float) -> Pair:
    """Take the two largest clusters at the cut; the tree's first split where all coins are one cluster."""
    names = [str(k) for k in range(day.coins.size)]
    matrix = pd.DataFrame(day.correlation, index=names, columns=names)
    labels = correlation_clusters(matrix, cut=cut)
    basis = OWN
    if labels.nunique() < 2:
        symbols, tree = cluster_tree(matrix)
        labels = pd.Series(fcluster(tree, 2, criterion="maxclust"), index=symbols).reindex(names)
        basis = SPLIT
    sizes = labels.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    groups = [np.flatnonzero(labels.to_numpy() == label) for label in sizes.index[:2]]
    if len(groups) < 2:
        return Pair(np.array([0]), np.arange(1, day.coins.size), SPLIT)
    return Pair(groups[0], groups[1], basis)


def stated_and_realised(given: Prices, day: Day, *, cut: float, horizons: Sequence[str]) -> list[tuple[object, ...]]:
    """Rows of :data:`SHARES` for one day: the first (larger) cluster's share of risk, as stated and as it came.

    Coins of one cluster have equal weights. "both long" gives every coin the same weight, "long one, short the other"
    gives each cluster half. Realised: Euler shares by the plain covariance of the hours after.
    """
    pair = two_clusters(day, cut=cut)
    both = np.r_[pair.first, pair.second]
    inside = np.arange(both.size) < pair.first.size
    stated = day.covariance[np.ix_(both, both)]
    weights = {
        HELD[0]: np.full(both.size, 1.0 / both.size),
        HELD[1]: np.where(inside, 0.5 / pair.first.size, -0.5 / pair.second.size),
    }
    rows: list[tuple[object, ...]] = []
    for horizon in horizons:
        ahead = given.returns[day.row : day.row + AHEAD[horizon]][:, day.coins[both]]
        if len(ahead) < AHEAD[horizon] or not np.isfinite(ahead).all():
            continue
        later = np.cov(ahead, rowvar=False)
        for book, held in weights.items():
            shares = [float(risk_contributions(held, matrix)[inside].sum()) for matrix in (stated, later)]
            size = float(np.abs(held)[inside].sum())
            rows.append((day.date, book, horizon, pair.basis, *shares, size, 0.5))
    return rows


def contribution_rows(given: Prices, walked: Iterable[Day], *, cut: float) -> pd.DataFrame:
    """Rows of all days that start a horizon: every 7 and every 30 days, so that horizons do not overlap."""
    rows: list[tuple[object, ...]] = []
    first: pd.Timestamp | None = None
    for day in walked:
        first = first or day.date
        past = (day.date - first).days
        due = [name for name, hours in AHEAD.items() if past % (hours // HOURS) == 0]
        if due:
            rows += stated_and_realised(given, day, cut=cut, horizons=due)
    return pd.DataFrame(rows, columns=SHARES)


def contribution_table(rows: pd.DataFrame, periods: Sequence[Period], *, seed: int) -> pd.DataFrame:
    """How close the stated shares came, against two that need no model: by number of coins, and one half each.

    Returns
    -------
    DataFrame
        ``error``: mean distance of stated from realised share [fraction], with its block-bootstrap interval;
        ``size_error``, ``equal_error``: those of the two baselines; ``gain``: size_error less error, with interval;
        ``within_5``, ``within_10``: share of dates within so many points; ``at_cut``: share of dates with two clusters
        at the cut.
    """
    found = []
    for (book, horizon), part in rows.groupby(["book", "horizon"], sort=False):
        for name, start, end in periods:
            inside = part[(part["date"] >= start) & (part["date"] < end)]
            if len(inside):
                found.append((book, horizon, name, *_measures(inside, seed)))
    return pd.DataFrame(found, columns=TABLE)


def _measures(rows: pd.DataFrame, seed: int) -> tuple[float, ...]:
    values = {name: rows[name].to_numpy(dtype=np.float64) for name in ("stated", "realised", "size", "equal")}
    off = {name: np.abs(values[name] - values["realised"]) for name in ("stated", "size", "equal")}
    error, low, high = mean_interval(off["stated"], block=BLOCK, seed=seed)
    gain, gain_low, gain_high = mean_interval(off["size"] - off["stated"], block=BLOCK, seed=seed)
    near = [int((off["stated"] <= limit).sum()) for limit in NEAR]
    ranks = [pd.Series(values[name]).rank().to_numpy() for name in ("stated", "realised")]
    moving = len(rows) > 2 and all(rank.std() > 0 for rank in ranks)
    return (
        len(rows),
        float((rows["basis"] == OWN).mean()),
        *(error, low, high),
        float(off["size"].mean()),
        float(off["equal"].mean()),
        *(gain, gain_low, gain_high),
        near[0] / len(rows),
        near[1] / len(rows),
        *share_interval(near[1], len(rows)),
        float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if moving else float("nan"),
    )
