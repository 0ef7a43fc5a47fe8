"""Momentum heat, 0 to 100: how strongly a position is aligned with the trend, measured against the asset's own year.

High is good here. Concentration and liquidation density are other rooms with other thresholds.
"""

from __future__ import annotations

from heatlab.heat.board import HeatBoard, heat_board
from heatlab.heat.momentum import momentum_heat
from heatlab.heat.settings import HeatSettings
from heatlab.heat.table import heat_table, position_heat
from heatlab.heat.zones import zone_label, zone_of

__all__ = [
    "HeatBoard",
    "HeatSettings",
    "heat_board",
    "heat_table",
    "momentum_heat",
    "position_heat",
    "zone_label",
    "zone_of",
]
