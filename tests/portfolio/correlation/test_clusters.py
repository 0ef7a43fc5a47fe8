"""Clusters: groups, labels that stay, names, shares and levels."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.correlation.clusters import (
    ClusterSettings,
    cluster_names,
    cluster_order,
    cluster_shares,
    cluster_tree,
    correlation_clusters,
    share_level,
)
from heatlab.portfolio.correlation.estimate import estimate_correlation
from heatlab.portfolio.correlation.hrp import hierarchical_risk_parity
from tests.portfolio.correlation.markets import closes, factor_returns, real_closes


def blocks(*groups: tuple[str, float], between: float = 0.1) -> pd.DataFrame:
    """Correlation matrix of groups of one-letter symbols."""
    names = list("".join(letters for letters, _ in groups))
    matrix = pd.DataFrame(between, index=names, columns=names)
    for letters, rho in groups:
        matrix.loc[list(letters), list(letters)] = rho
    return matrix.where(~np.eye(len(names), dtype=bool), 1.0)


def parts(labels: pd.Series) -> set[frozenset[str]]:
    """Groups without their numbers."""
    return {frozenset(group.index) for _, group in labels[labels > 0].groupby(labels)}


def concentration(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Symbol, share of size, share of risk."""
    return pd.DataFrame(rows, columns=["symbol", "size_share", "risk_share"])


def test_groups_are_joined_at_the_cut_and_the_largest_is_1() -> None:
    """0.8 and exactly 0.7 hold together, 0.69 does not."""
    labels = correlation_clusters(blocks(("DE", 0.7), ("ABC", 0.8), ("FG", 0.69)))
    assert labels.to_dict() == {"D": 2, "E": 2, "A": 1, "B": 1, "C": 1, "F": 3, "G": 4}
    heights = cluster_tree(blocks(("ABC", 0.8), ("DEF", 0.7)))[1][:, 2]
    np.testing.assert_allclose(heights, [0.316227766, 0.316227766, 0.387298335, 0.387298335, 0.670820393])


def test_an_unknown_symbol_is_0() -> None:
    """NaN throughout; alone it is one of none, and no symbol gives no label."""
    matrix = blocks(("AB", 0.8), ("C", 1.0))
    matrix.loc["C", :] = matrix.loc[:, "C"] = np.nan
    assert correlation_clusters(matrix).to_dict() == {"A": 1, "B": 1, "C": 0}
    assert correlation_clusters(matrix.loc[["C"], ["C"]]).to_dict() == {"C": 0}
    assert correlation_clusters(matrix.iloc[:1, :1]).to_dict() == {"A": 1}
    assert correlation_clusters(matrix.iloc[:0, :0]).empty
    assert cluster_order(matrix) == ["A", "B", "C"]


def test_labels_follow_their_symbols() -> None:
    """The smaller cluster grows past the larger: numbers stay; a newcomer gets one that was not in use."""
    before = correlation_clusters(blocks(("ABC", 0.8), ("DE", 0.8)))
    after = correlation_clusters(blocks(("AB", 0.8), ("DECF", 0.8), ("GH", 0.9)), previous=before)
    assert after.to_dict() == {"A": 1, "B": 1, "D": 2, "E": 2, "C": 2, "F": 2, "G": 3, "H": 3}
    gone = correlation_clusters(blocks(("GH", 0.9), ("XY", 0.9)), previous=after)
    assert gone.to_dict() == {"G": 3, "H": 3, "X": 4, "Y": 4}


def test_of_two_halves_the_larger_keeps_the_label() -> None:
    """One cluster splits into three and two."""
    before = correlation_clusters(blocks(("ABCDE", 0.8)))
    after = correlation_clusters(blocks(("AB", 0.8), ("CDE", 0.8)), previous=before)
    assert after.to_dict() == {"A": 2, "B": 2, "C": 1, "D": 1, "E": 1}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500))
def test_the_order_of_the_columns_plays_no_part(seed: int) -> None:
    """Groups, numbers and the order of the leaves."""
    generator = np.random.default_rng(seed)
    loads = np.zeros((9, 3))
    loads[np.arange(9), generator.integers(0, 3, 9)] = 0.9
    matrix = estimate_correlation(closes(factor_returns(300, loads, seed=seed), list("ABCDEFGHI"))).matrix
    mixed = [matrix.columns[k] for k in generator.permutation(9)]
    shuffled = matrix.loc[mixed, mixed]
    pd.testing.assert_series_equal(correlation_clusters(shuffled)[list(matrix.columns)], correlation_clusters(matrix))
    assert cluster_order(shuffled) == cluster_order(matrix)


def test_clusters_stand_together_in_the_order() -> None:
    """Leaves of the tree."""
    order = "".join(cluster_order(blocks(("ADG", 0.8), ("BEH", 0.8))))
    assert {frozenset(order[:3]), frozenset(order[3:])} == {frozenset("ADG"), frozenset("BEH")}


def kept(labels: list[pd.Series]) -> float:
    """Share of steps and labels whose symbols were, for the most part, under that label the step before."""
    held = []
    for old, new in pairwise(labels):
        for label in set(new[new > 0]) & set(old[old > 0]):
            now = set(new.index[new == label])
            held.append(2 * len(now & set(old.index[old == label])) >= len(now))
    return float(np.mean(held))


def test_labels_do_not_jump_in_a_market_that_changes() -> None:
    """Six weeks of rolling estimates of two factors whose loads drift."""
    loads = np.array([[0.9, 0.0]] * 4 + [[0.0, 0.9]] * 4)
    table = closes(np.vstack([factor_returns(500, loads, seed=k) for k in range(5)]))
    labels, previous = [], None
    for end in range(900, len(table), 24):
        matrix = estimate_correlation(table.iloc[max(end - 900, 0) : end]).matrix
        previous = correlation_clusters(matrix, previous=previous)
        labels.append(previous)
    assert kept(labels) == 1.0
    assert all(parts(label) == {frozenset("ABCD"), frozenset("EFGH")} for label in labels)


@pytest.mark.market
def test_real_labels_do_not_jump(market_dir: Path) -> None:
    """Every three days of half a year of 15 coins: a label keeps most of its symbols nearly always."""
    table = real_closes(market_dir)["2025-06":]
    labels, previous = [], None
    for end in range(900, len(table), 72):
        matrix = estimate_correlation(table.iloc[max(end - 1500, 0) : end]).matrix
        previous = correlation_clusters(matrix, previous=previous)
        labels.append(previous)
    assert kept(labels) > 0.97


def test_a_cluster_is_named_after_its_heaviest_symbol() -> None:
    """BTC +1; alone no plus; without weights the first."""
    labels = pd.Series({"ETH/USDT:USDT": 1, "BTC/USDT:USDT": 1, "XRP/USDT:USDT": 2, "NEW/USDT:USDT": 0})
    weights = pd.Series({"ETH/USDT:USDT": 0.2, "BTC/USDT:USDT": -0.5})
    assert cluster_names(labels, weights) == {0: "unclustered", 1: "BTC +1", 2: "XRP"}
    assert cluster_names(labels)[1] == "ETH +1"


def test_shares_add_up_by_cluster_and_reach_their_levels() -> None:
    """The larger of size and risk decides; the largest comes first, the unclustered last."""
    table = concentration(("A", 0.1, 0.24), ("B", 0.05, -0.02), ("C", 0.05, 0.30), ("C", 0.5, 0.25), ("N", 0.3, np.nan))
    shares = cluster_shares(table, pd.Series({"A": 1, "B": 1, "C": 2, "N": 0}))
    assert shares["name"].tolist() == ["C", "A +1", "unclustered"]
    assert shares["symbols"].tolist() == ["C", "A, B", "N"]
    assert shares["positions"].tolist() == [2, 2, 1]
    np.testing.assert_allclose(shares["gross_share"], [0.55, 0.15, 0.3])
    np.testing.assert_allclose(shares["risk_share"], [0.55, 0.22, np.nan])
    assert shares["level"].tolist() == ["alert", "watch", "alert"]


def test_levels_are_settings() -> None:
    """20 % and 25 % by default, both included."""
    assert [share_level(share) for share in (0.19, 0.2, 0.25, np.nan)] == ["", "watch", "alert", ""]
    assert share_level(0.2, ClusterSettings(watch=0.3, alert=0.4)) == ""
    with pytest.raises(ParameterError, match=r"'watch' parameter of ClusterSettings must be in \(0, 0.25\]"):
        ClusterSettings(watch=0.3)


def test_an_empty_or_unknown_book_has_shares_too() -> None:
    """No row for no position; NaN where nothing is known, and no level."""
    assert cluster_shares(concentration(), pd.Series(dtype="int64")).empty
    unknown = cluster_shares(concentration(("A", np.nan, np.nan)), pd.Series({"A": 1}))
    assert unknown[["gross_share", "risk_share"]].isna().all(axis=None)
    assert unknown["level"].tolist() == [""]


def test_bad_tables_are_refused() -> None:
    """Not square, a symbol twice, a column missing, an unknown pair of known symbols."""
    matrix = blocks(("AB", 0.8))
    with pytest.raises(ParameterError, match="'matrix' parameter of correlation_distance must be square"):
        correlation_clusters(matrix.iloc[:1])
    holed = matrix.copy()
    holed.loc["A", "B"] = np.nan
    with pytest.raises(ParameterError, match="must be known between known symbols"):
        correlation_clusters(holed)
    with pytest.raises(ParameterError, match=r"'cut' parameter of correlation_clusters must be in \(-1, 1\)"):
        correlation_clusters(matrix, cut=1)
    with pytest.raises(MissingColumnsError, match="lacks size_share, risk_share"):
        cluster_shares(pd.DataFrame({"symbol": ["A"]}), pd.Series({"A": 1}))


def test_hierarchical_risk_parity_of_independent_assets_is_inverse_variance() -> None:
    """1/4 and 1/1: four fifths in the calmer; one asset gets all."""
    covariance = pd.DataFrame(np.diag([1.0, 4.0]), index=list("AB"), columns=list("AB"))
    np.testing.assert_allclose(hierarchical_risk_parity(covariance), [0.8, 0.2])
    assert hierarchical_risk_parity(covariance.iloc[:1, :1]).tolist() == [1.0]
    with pytest.raises(ParameterError, match="'covariance' parameter of hierarchical_risk_parity must be known"):
        hierarchical_risk_parity(covariance * np.nan)
