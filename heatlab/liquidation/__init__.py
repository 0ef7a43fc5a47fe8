"""Liquidation map: where open positions would be forced to close, its zones, and how well it is known to do."""

from __future__ import annotations

from heatlab.liquidation.density import History, LiquidationMap, liquidation_map
from heatlab.liquidation.hourly import ReportedTotals, score_totals
from heatlab.liquidation.levels import prior_weights
from heatlab.liquidation.result import StudyResult
from heatlab.liquidation.settings import MapSettings
from heatlab.liquidation.study import Market, study
from heatlab.liquidation.zones import ZoneSettings, liquidation_zones, zone_thresholds

__all__ = [
    "History",
    "LiquidationMap",
    "MapSettings",
    "Market",
    "ReportedTotals",
    "StudyResult",
    "ZoneSettings",
    "liquidation_map",
    "liquidation_zones",
    "prior_weights",
    "score_totals",
    "study",
    "zone_thresholds",
]
