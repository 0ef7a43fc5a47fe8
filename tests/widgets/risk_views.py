"""Views of small books, measured for the sections' tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from heatlab.portfolio.book import BookView
from heatlab.portfolio.concentration import concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import cluster_shares
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.quadrants import quadrants
from heatlab.portfolio.risk import net_contributions
from heatlab.portfolio.view import RiskView
from heatlab.widgets.sections import BookInputs
from tests.portfolio.books_of_risk import book, estimate

NOW = pd.Timestamp("2026-01-20", tz="UTC")
ROWS = [("BTC", "okx", 1, 500.0), ("ETH", "okx", 1, 300.0), ("BTC", "bybit", -1, 120.0), ("XRP", "okx", 1, 80.0)]


def given(
    rows: Sequence[tuple[str, str, int, float]] = ROWS,
    *,
    rho: float = 0.8,
    old: str = "0h",
    clusters: str = "two",
    **changes: Any,
) -> tuple[BookInputs, RiskView]:
    """Inputs and view of a book whose symbols all correlate alike.

    ``clusters``: "two" puts the last symbol into a cluster of its own, "own" all of them.
    """
    positions = book(rows)
    bases = list(dict.fromkeys(base for base, *_ in rows))
    known = estimate(bases, np.where(np.eye(len(bases)) == 1, 1.0, rho))
    names = list(known.matrix.index)
    labels = pd.Series(
        {name: k + 1 if clusters == "own" else 1 + (k == len(names) - 1) for k, name in enumerate(names)}, dtype="int64"
    )
    return BookInputs(positions, {}, NOW, "test", **changes), view_of(positions, known, labels, old)


def view_of(positions: pd.DataFrame, known: CorrelationEstimate, labels: pd.Series, old: str = "0h") -> RiskView:
    """Everything but heat, which is a forecast of 4 on every position."""
    signed = (positions["side"] * positions["quantity"] * positions["mark_price"]).to_numpy()
    matrix = known.covariance.reindex(index=positions["symbol"], columns=positions["symbol"])
    shares = net_contributions(signed, matrix, instruments=list(positions["symbol"]))
    overall = positions[["symbol", "venue", "side"]].assign(heat=50.0, forecast=4.0)
    table = concentration_table(positions, known, labels, contributions=shares)
    last = NOW - pd.Timedelta("1h") - pd.Timedelta(old)
    index = pd.DatetimeIndex([last], name="timestamp") if len(positions) else pd.DatetimeIndex([], tz="UTC")
    return RiskView(
        positions=positions,
        heat=BookView(pd.DataFrame(), overall, 50.0, 0.0, pd.DataFrame()),
        closes=pd.DataFrame(100.0, index=index, columns=known.matrix.index),
        correlation=known,
        clusters=labels,
        cluster_shares=cluster_shares(table, labels),
        concentration=table,
        measures=concentration_measures(positions, known, contributions=shares),
        quadrants=quadrants(positions, overall, table),
    )
