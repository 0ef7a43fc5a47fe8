"""Liquidation map: where open positions would be forced to close, its zones, and how well it is known to do."""

from __future__ import annotations

from heatlab.liquidation.density import LiquidationMap, liquidation_map
from heatlab.liquidation.levels import prior_weights
from heatlab.liquidation.settings import MapSettings
from heatlab.liquidation.study import Market, StudyResult, study
from heatlab.liquidation.zones import ZoneSettings, liquidation_zones, zone_thresholds

__all__ = [
    "LiquidationMap",
    "MapSettings",
    "Market",
    "StudyResult",
    "ZoneSettings",
    "liquidation_map",
    "liquidation_zones",
    "prior_weights",
    "study",
    "zone_thresholds",
]
