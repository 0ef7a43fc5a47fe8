"""A year of hourly states of a book: rebuilt from prices or read from snapshots, and what preceded its drawdowns."""

from __future__ import annotations

from heatlab.portfolio.replay.drawdowns import HeatBefore, heat_before, states_before, worst_drawdowns
from heatlab.portfolio.replay.prepare import prepare_replay
from heatlab.portfolio.replay.record import Replay
from heatlab.portfolio.replay.snapshots import replay_from_snapshots

__all__ = [
    "HeatBefore",
    "Replay",
    "heat_before",
    "prepare_replay",
    "replay_from_snapshots",
    "states_before",
    "worst_drawdowns",
]
