"""Cluster shares and bets of any positions, by the functions the screen itself uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.portfolio.book import exposure
from heatlab.portfolio.concentration import ConcentrationMeasures, concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_shares
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.risk import net_contributions


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
