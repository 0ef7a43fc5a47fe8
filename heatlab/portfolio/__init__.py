"""The book as a whole: who carries the risk, how hot the book is, and the orders that follow."""

from __future__ import annotations

from heatlab.portfolio.alerts import AlertSettings, heat_alerts, liquidation_alerts, liquidation_distance
from heatlab.portfolio.book import BookView, book_view
from heatlab.portfolio.concentration import ConcentrationMeasures, concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_order, cluster_shares, correlation_clusters
from heatlab.portfolio.correlation.estimate import CorrelationEstimate, CorrelationSettings, estimate_correlation
from heatlab.portfolio.correlation.rolling import pair_columns, rolling_correlation
from heatlab.portfolio.covariance import CovarianceSettings, covariance
from heatlab.portfolio.heat import portfolio_heat, portfolio_zone
from heatlab.portfolio.measure import RiskSettings, risk_view
from heatlab.portfolio.risk import (
    diversification_ratio,
    effective_bets,
    effective_positions,
    effective_principal_bets,
    net_contributions,
    portfolio_volatility,
    risk_components,
    risk_contributions,
)
from heatlab.portfolio.risk_alerts import risk_alerts
from heatlab.portfolio.rule import ORDER_COLUMNS, RuleSettings, heat_rule
from heatlab.portfolio.thresholds import ThresholdOverride, overridden
from heatlab.portfolio.view import RiskView

__all__ = [
    "ORDER_COLUMNS",
    "AlertSettings",
    "BookView",
    "ClusterSettings",
    "ConcentrationMeasures",
    "CorrelationEstimate",
    "CorrelationSettings",
    "CovarianceSettings",
    "RiskSettings",
    "RiskView",
    "RuleSettings",
    "ThresholdOverride",
    "book_view",
    "cluster_order",
    "cluster_shares",
    "concentration_measures",
    "concentration_table",
    "correlation_clusters",
    "covariance",
    "diversification_ratio",
    "effective_bets",
    "effective_positions",
    "effective_principal_bets",
    "estimate_correlation",
    "heat_alerts",
    "heat_rule",
    "liquidation_alerts",
    "liquidation_distance",
    "net_contributions",
    "overridden",
    "pair_columns",
    "portfolio_heat",
    "portfolio_volatility",
    "portfolio_zone",
    "risk_alerts",
    "risk_components",
    "risk_contributions",
    "risk_view",
    "rolling_correlation",
]
