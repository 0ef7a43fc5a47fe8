"""Cluster shares and bets of any positions, by the functions the screen itself uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab.portfolio.book import exposure
from heatlab.portfolio.concentration import ConcentrationMeasures, concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_shares
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.risk import net_contributions

SHOWN = 0.0005
"""Change of a share that shows with one decimal of a percent."""
LEAST_FALL = 0.005
"""Fall of the book's volatility that is worth an order [fraction of it]."""


@dataclass(frozen=True)
class BookShares:
    """Where a book's size and risk sit.

    Attributes
    ----------
    clusters : DataFrame
        As :func:`heatlab.portfolio.correlation.clusters.cluster_shares` gives it.
    measures : ConcentrationMeasures
    """

    clusters: pd.DataFrame
    measures: ConcentrationMeasures


def book_shares(
    positions: pd.DataFrame,
    estimate: CorrelationEstimate,
    clusters: pd.Series,
    *,
    settings: ClusterSettings,
) -> BookShares:
    """Measure positions with a correlation that does not depend on their sizes.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    estimate : CorrelationEstimate
        A symbol it does not hold has unknown risk.
    clusters : Series of int
        Label by symbol.
    settings : ClusterSettings
        Marks of watch and alert.
    """
    held = positions.reset_index(drop=True)
    symbols = list(held["symbol"])
    matrix = estimate.covariance
    matrix = matrix.reindex(index=symbols, columns=symbols) if symbols else matrix.iloc[:0, :0]
    shares = net_contributions(exposure(held), np.asarray(matrix, dtype=np.float64), instruments=symbols)
    table = concentration_table(held, estimate, clusters, contributions=shares)
    return BookShares(
        cluster_shares(table, clusters, settings=settings),
        concentration_measures(held, estimate, contributions=shares),
    )


def unmoved(before: BookShares, after: BookShares, cluster: int) -> str:
    """Say that a cluster keeps its shares of gross and of risk as far as a screen shows; empty where one moves.

    Empty too where a share is unknown: nothing is said of it.
    """
    old, new = _of(before, cluster), _of(after, cluster)
    if not (np.abs(new - old) < SHOWN).all():
        return ""
    return f"the cluster's shares stay as they are (gross {new[0]:.0%}, risk {new[1]:.0%})"


def volatility_falls(before: BookShares, after: BookShares) -> bool:
    """Tell whether the book's volatility falls by enough to be worth an order; both of one estimate."""
    return after.measures.volatility < before.measures.volatility * (1 - LEAST_FALL)


def _of(shares: BookShares, cluster: int) -> np.ndarray[Any, Any]:
    """Gross and risk share of a cluster; 0 where it holds nothing."""
    table = shares.clusters
    row = table.loc[table["cluster"] == cluster, ["gross_share", "risk_share"]].to_numpy(dtype=np.float64)
    return np.asarray(row[0]) if len(row) else np.zeros(2)
