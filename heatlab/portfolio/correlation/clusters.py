"""Clusters of symbols that move together: labels that stay, names, and each cluster's share of the book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN
from heatlab.errors import MissingColumnsError

Floats = NDArray[np.float64]
UNCLUSTERED = 0
SHARE_COLUMNS = ["cluster", "name", "symbols", "positions", "gross_share", "risk_share", "level"]
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Share of the book a single cluster may have.

    Parameters
    ----------
    watch, alert : float in (0, 1]
        A cluster whose gross or risk share reaches this is watched, or raises an alert.
    """

    watch: float = 0.20
    alert: float = 0.25

    def __post_init__(self) -> None:
        """Check both."""
        check_range("alert", self.alert, 0, 1, caller="ClusterSettings", closed="right")
        check_range("watch", self.watch, 0, self.alert, caller="ClusterSettings", closed="right")


DEFAULT = ClusterSettings()


def correlation_distance(matrix: pd.DataFrame) -> Floats:
    """Distance ``sqrt((1 - rho) / 2)`` of every pair, in [0, 1] (López de Prado); shape (n, n).

    Raises
    ------
    ParameterError
        ``matrix`` is not square with the same symbols, each once, on both sides, or a known symbol has an unknown
        correlation.
    """
    _check_square(matrix, "correlation_distance")
    values = matrix.to_numpy(dtype=np.float64)
    known = np.isfinite(np.diag(values))
    if not np.isfinite(values[np.ix_(known, known)]).all():
        raise parameter_error("matrix", "correlation_distance", "known between known symbols", "NaN")
    distance = np.sqrt(np.clip((1.0 - values) / 2.0, 0.0, 1.0))
    np.fill_diagonal(distance, np.where(known, 0.0, np.nan))
    return np.asarray((distance + distance.T) / 2.0, dtype=np.float64)


def cluster_tree(matrix: pd.DataFrame) -> tuple[list[str], Floats]:
    """Average-linkage tree of the known symbols on :func:`correlation_distance`.

    Returns
    -------
    symbols : list of str
        The known ones in alphabetical order, so that the tree does not depend on the order of the columns.
    tree : array of shape (n_symbols - 1, 4)
        As ``scipy.cluster.hierarchy.linkage`` gives it; column 2 holds the heights. Empty below two symbols.
    """
    distance = correlation_distance(matrix)
    columns = [str(name) for name in matrix.columns]
    places = sorted(np.flatnonzero(np.isfinite(np.diag(distance))), key=lambda place: columns[place])
    symbols = [columns[place] for place in places]
    if len(symbols) < 2:
        return symbols, np.empty((0, 4))
    flat = squareform(distance[np.ix_(places, places)], checks=False)
    return symbols, np.asarray(linkage(flat, method="average"), dtype=np.float64)


def correlation_clusters(
    matrix: pd.DataFrame, *, cut: float = 0.7, previous: pd.Series | Mapping[str, int] | None = None
) -> pd.Series:
    """Group symbols by average linkage, cut where the distance is that of correlation ``cut``.

    Parameters
    ----------
    matrix : DataFrame of shape (n_symbols, n_symbols)
        Correlations; NaN throughout for a symbol that is not known.
    cut : float in (-1, 1)
        Clusters are joined while the mean distance between them is at most ``sqrt((1 - cut) / 2)``.
    previous : Series of int by symbol, optional
        Labels of an earlier moment. Clusters are matched to them so that as many symbols as possible keep their
        label (Hungarian assignment); a cluster that matches none gets a number that was not in use.

    Returns
    -------
    Series of int named "cluster"
        Label by symbol in the order of the columns, 1 and up; 0 for an unknown symbol. Without ``previous`` the
        largest cluster is 1. The groups do not depend on the order of the columns.

    Raises
    ------
    ParameterError
        ``cut`` lies outside (-1, 1), or ``matrix`` is not square.
    """
    check_range("cut", cut, -1, 1, caller="correlation_clusters", closed="neither")
    symbols, tree = cluster_tree(matrix)
    height = float(np.sqrt((1.0 - cut) / 2.0)) + ROUNDING
    flat = fcluster(tree, height, criterion="distance") if len(tree) else np.ones(len(symbols), int)
    groups: dict[int, list[str]] = {}
    for symbol, label in zip(symbols, flat, strict=True):
        groups.setdefault(int(label), []).append(symbol)
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0]))
    labels = _matched(ordered, pd.Series(previous, dtype="int64") if previous is not None else None)
    found = {symbol: label for group, label in zip(ordered, labels, strict=True) for symbol in group}
    values = [found.get(symbol, UNCLUSTERED) for symbol in matrix.columns]
    return pd.Series(values, index=pd.Index(matrix.columns, name="symbol"), name="cluster", dtype="int64")


def _matched(groups: list[list[str]], previous: pd.Series | None) -> list[int]:
    """Label of each group: that of the earlier cluster it is matched to, else the lowest number not in use."""
    old = [] if previous is None else sorted(set(previous[previous > 0]))
    labels: list[int] = [UNCLUSTERED] * len(groups)
    if old and groups and previous is not None:
        members = [set(previous.index[previous == label]) for label in old]
        shared = np.array([[_likeness(set(group), member) for member in members] for group in groups])
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
            if shared[row, column] > 0:
                labels[row] = int(old[column])
    unused = iter(number for number in range(1, len(groups) + len(old) + 2) if number not in old)
    return [label or next(unused) for label in labels]


def _likeness(group: set[str], earlier: set[str]) -> float:
    """Symbols shared; among equals the more alike in size come first."""
    shared = len(group & earlier)
    return shared + 1e-3 * shared / len(group | earlier) if shared else 0.0


def cluster_order(matrix: pd.DataFrame) -> list[str]:
    """Symbols in the order of the leaves of the tree, so that clusters stand together; unknown ones last."""
    symbols, tree = cluster_tree(matrix)
    known = [symbols[leaf] for leaf in leaves_list(tree)] if len(tree) else symbols
    return known + [symbol for symbol in matrix.columns if symbol not in set(known)]


def cluster_names(clusters: pd.Series, weights: pd.Series | None = None) -> dict[int, str]:
    """Name every cluster after its heaviest symbol: ``BTC +4`` is Bitcoin and four others.

    Parameters
    ----------
    clusters : Series of int
        Label by symbol.
    weights : Series of float, optional
        Size of each symbol in any unit; its absolute value counts. Without it the first symbol gives the name.

    Returns
    -------
    dict
        Label to name, in order of labels; label 0 is "unclustered".
    """
    sizes = pd.Series(1.0, index=clusters.index) if weights is None else weights.groupby(level=0).sum().abs()
    names: dict[int, str] = {}
    for label in sorted(set(clusters)):
        members = list(clusters.index[clusters == label])
        known = sizes.reindex(members).fillna(0.0).to_numpy()
        base = str(members[int(np.argmax(known))]).split("/", maxsplit=1)[0]
        more = f" +{len(members) - 1}" if len(members) > 1 else ""
        names[int(label)] = "unclustered" if label == UNCLUSTERED else base + more
    return names


def cluster_shares(
    concentration: pd.DataFrame, clusters: pd.Series, *, settings: ClusterSettings = DEFAULT
) -> pd.DataFrame:
    """Share of the book's size and of its risk in every cluster that holds a position.

    Parameters
    ----------
    concentration : DataFrame
        Per position ``symbol``, ``size_share`` and ``risk_share`` [fraction], as
        :func:`heatlab.portfolio.concentration.concentration_table` gives them.
    clusters : Series of int
        Label by symbol; a symbol it lacks is unclustered.
    settings : ClusterSettings

    Returns
    -------
    DataFrame
        Largest first by the larger of both shares: ``cluster, name, symbols`` (joined by ", ", heaviest first),
        ``positions`` (how many), ``gross_share, risk_share`` [fraction] (the latter a sum of Euler contributions:
        negative = the cluster hedges the book), ``level`` ("alert", "watch" or ""). Positions whose history is too
        short have a row of their own, cluster 0, last: as they cannot be told apart they count as one bet. Shares
        are NaN where unknown for every position of a cluster.

    Raises
    ------
    MissingColumnsError
        ``concentration`` lacks a column.
    """
    needed = ["symbol", "size_share", "risk_share"]
    missing = [name for name in needed if name not in concentration]
    if missing:
        raise MissingColumnsError(f"The concentration table of cluster_shares lacks {', '.join(missing)}.")
    table = concentration[needed].assign(cluster=concentration["symbol"].map(clusters).fillna(UNCLUSTERED).astype(int))
    sizes = table.groupby("symbol", sort=False)["size_share"].sum()
    held = table.drop_duplicates("symbol").set_index("symbol")["cluster"]
    names = cluster_names(held, sizes)
    rows = [_share_row(label, table[table["cluster"] == label], names, sizes, settings) for label in names]
    rows.sort(key=lambda row: (row["cluster"] == UNCLUSTERED, -_larger(row), row["cluster"]))
    kinds = {"cluster": "int64", "positions": "int64", "gross_share": "float64", "risk_share": "float64"}
    return pd.DataFrame(rows, columns=SHARE_COLUMNS).astype(kinds)


def _share_row(
    label: int, group: pd.DataFrame, names: Mapping[int, str], sizes: pd.Series, settings: ClusterSettings
) -> dict[str, Any]:
    symbols = sorted(group["symbol"].unique(), key=lambda symbol: -float(sizes[symbol]))
    row = {
        "cluster": label,
        "name": names[label],
        "symbols": ", ".join(symbols),
        "positions": len(group),
        "gross_share": float(group["size_share"].sum(min_count=1)),
        "risk_share": float(group["risk_share"].sum(min_count=1)),
    }
    return {**row, "level": share_level(_larger(row), settings)}


def _larger(row: Mapping[str, Any]) -> float:
    known = [share for share in (row["gross_share"], row["risk_share"]) if np.isfinite(share)]
    return max(known, default=0.0)


def share_level(share: float = NAN, settings: ClusterSettings = DEFAULT) -> str:
    """Level of a share [fraction]: "alert", "watch" or ""; "" where unknown."""
    if share >= settings.alert - ROUNDING:
        return "alert"
    return "watch" if share >= settings.watch - ROUNDING else ""


def _check_square(matrix: pd.DataFrame, caller: str) -> None:
    names = list(matrix.columns)
    if list(matrix.index) != names or len(set(names)) != len(names):
        raise parameter_error("matrix", caller, "square, with each symbol once on both sides", matrix.shape)
