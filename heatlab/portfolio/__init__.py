"""The book as a whole: who carries the risk, how hot the book is, and the orders that follow."""

from __future__ import annotations

from heatlab.portfolio.alerts import AlertSettings, heat_alerts, liquidation_alerts, liquidation_distance
from heatlab.portfolio.book import BookView, book_view
from heatlab.portfolio.covariance import CovarianceSettings, covariance
from heatlab.portfolio.heat import portfolio_heat, portfolio_zone
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
from heatlab.portfolio.rule import ORDER_COLUMNS, RuleSettings, heat_rule

__all__ = [
    "ORDER_COLUMNS",
    "AlertSettings",
    "BookView",
    "CovarianceSettings",
    "RuleSettings",
    "book_view",
    "covariance",
    "diversification_ratio",
    "effective_bets",
    "effective_positions",
    "effective_principal_bets",
    "heat_alerts",
    "heat_rule",
    "liquidation_alerts",
    "liquidation_distance",
    "net_contributions",
    "portfolio_heat",
    "portfolio_volatility",
    "portfolio_zone",
    "risk_components",
    "risk_contributions",
]
