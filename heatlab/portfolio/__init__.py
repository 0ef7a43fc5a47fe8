"""The book as a whole: who carries the risk, how hot it is, what could happen to it, and the orders that follow."""

from __future__ import annotations

from heatlab.portfolio.alerts.current import risk_alerts
from heatlab.portfolio.alerts.distance import liquidation_chance, liquidation_distance
from heatlab.portfolio.alerts.settings import AlertSettings
from heatlab.portfolio.alerts.state import AlertState, AlertStateSettings, update_alerts
from heatlab.portfolio.alerts.touch import touch_probability
from heatlab.portfolio.book import BookView, book_view
from heatlab.portfolio.concentration import ConcentrationMeasures, concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import (
    ClusterSettings,
    cluster_names,
    cluster_order,
    cluster_shares,
    correlation_clusters,
)
from heatlab.portfolio.correlation.estimate import CorrelationEstimate, CorrelationSettings, estimate_correlation
from heatlab.portfolio.correlation.hrp import hierarchical_risk_parity
from heatlab.portfolio.correlation.pairs import correlation_pairs
from heatlab.portfolio.correlation.rolling import pair_columns, rolling_correlation
from heatlab.portfolio.covariance import covariance
from heatlab.portfolio.heat import portfolio_heat, portfolio_zone
from heatlab.portfolio.hedges import recognised_hedges
from heatlab.portfolio.kelly import kelly_fraction, kelly_from_trades, kelly_leverage, kelly_weights
from heatlab.portfolio.lead_lag import LeadLag, lead_lag
from heatlab.portfolio.market_state import MarketState, market_state
from heatlab.portfolio.measure import RiskSettings, risk_view
from heatlab.portfolio.merge import merge_positions, position_pnl, position_value
from heatlab.portfolio.orders.apply import ProposedOrder, apply_orders
from heatlab.portfolio.orders.costs import CostSettings, price_orders
from heatlab.portfolio.orders.pretrade import PretradeResult, pretrade_check
from heatlab.portfolio.orders.remedies import Option, cluster_options
from heatlab.portfolio.outcomes import entry_outcomes, review
from heatlab.portfolio.quadrants import QuadrantSettings, quadrants
from heatlab.portfolio.ranking import ranked_positions
from heatlab.portfolio.replay.drawdowns import worst_drawdowns
from heatlab.portfolio.replay.prepare import prepare_replay
from heatlab.portfolio.replay.record import Replay
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
from heatlab.portfolio.strategies.compare import Comparison, compare_strategies
from heatlab.portfolio.strategies.trades import check_trades, trades_from_csv
from heatlab.portfolio.strategies.verdict import CompareSettings
from heatlab.portfolio.stress.beta import betas
from heatlab.portfolio.stress.prepared import PreparedStress, prepare_stress
from heatlab.portfolio.stress.scenario import Scenario, run_scenario
from heatlab.portfolio.systemic import SystemicWarning, systemic_warning
from heatlab.portfolio.thresholds import ThresholdOverride, overridden
from heatlab.portfolio.timeframes import timeframe_exposure
from heatlab.portfolio.venues import venue_comparison
from heatlab.portfolio.view import RiskView

__all__ = [
    "ORDER_COLUMNS",
    "AlertSettings",
    "AlertState",
    "AlertStateSettings",
    "BookView",
    "ClusterSettings",
    "CompareSettings",
    "Comparison",
    "ConcentrationMeasures",
    "CorrelationEstimate",
    "CorrelationSettings",
    "CostSettings",
    "LeadLag",
    "MarketState",
    "Option",
    "PreparedStress",
    "PretradeResult",
    "ProposedOrder",
    "QuadrantSettings",
    "Replay",
    "RiskSettings",
    "RiskView",
    "RuleSettings",
    "Scenario",
    "SystemicWarning",
    "ThresholdOverride",
    "apply_orders",
    "betas",
    "book_view",
    "check_trades",
    "cluster_names",
    "cluster_options",
    "cluster_order",
    "cluster_shares",
    "compare_strategies",
    "concentration_measures",
    "concentration_table",
    "correlation_clusters",
    "correlation_pairs",
    "covariance",
    "diversification_ratio",
    "effective_bets",
    "effective_positions",
    "effective_principal_bets",
    "entry_outcomes",
    "estimate_correlation",
    "heat_rule",
    "hierarchical_risk_parity",
    "kelly_fraction",
    "kelly_from_trades",
    "kelly_leverage",
    "kelly_weights",
    "lead_lag",
    "liquidation_chance",
    "liquidation_distance",
    "market_state",
    "merge_positions",
    "net_contributions",
    "overridden",
    "pair_columns",
    "portfolio_heat",
    "portfolio_volatility",
    "portfolio_zone",
    "position_pnl",
    "position_value",
    "prepare_replay",
    "prepare_stress",
    "pretrade_check",
    "price_orders",
    "quadrants",
    "ranked_positions",
    "recognised_hedges",
    "review",
    "risk_alerts",
    "risk_components",
    "risk_contributions",
    "risk_view",
    "rolling_correlation",
    "run_scenario",
    "systemic_warning",
    "timeframe_exposure",
    "touch_probability",
    "trades_from_csv",
    "update_alerts",
    "venue_comparison",
    "worst_drawdowns",
]
