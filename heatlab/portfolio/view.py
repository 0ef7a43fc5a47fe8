"""The record of a whole book at one instant: everything the portfolio apps show."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from heatlab.portfolio.book import BookView
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.market_state import MarketState
from heatlab.portfolio.systemic import SystemicWarning


@dataclass(frozen=True)
class RiskView:
    """Everything there is to show of one book's risk.

    Attributes
    ----------
    positions : DataFrame
        Canonical positions with a RangeIndex; tables "per position" below keep this order and length.
    heat : BookView
        Momentum heat by position and timeframe, heat of the book, its rule and orders.
    closes : DataFrame of shape (n_bars, n_symbols) [quote]
        Hourly closes, one column per symbol (the same symbol on two venues is one bet), in order of first appearance.
    correlation : CorrelationEstimate
        Over the columns of ``closes``.
    clusters : Series of int
        Cluster label by symbol, 1 and up; 0 where the history is too short.
    cluster_shares : DataFrame
        cluster, name, symbols, positions, gross_share, risk_share, level ("alert", "watch" or ""); largest first.
    concentration : DataFrame
        Per position: symbol, venue, side, notional [quote], size_share, size_heat, correlation_heat (0-100),
        risk_share (Euler, negative = hedge), cluster, is_hedge.
    measures : ConcentrationMeasures
    quadrants : DataFrame
        Per position, undecided first: symbol, venue, side, conviction, size_share, quadrant, reason.
    systemic : SystemicWarning
    state : MarketState
    """

    positions: pd.DataFrame
    heat: BookView
    closes: pd.DataFrame
    correlation: CorrelationEstimate
    clusters: pd.Series
    cluster_shares: pd.DataFrame
    concentration: pd.DataFrame
    measures: ConcentrationMeasures
    quadrants: pd.DataFrame
    systemic: SystemicWarning = field(default_factory=SystemicWarning)
    state: MarketState = field(default_factory=MarketState)
