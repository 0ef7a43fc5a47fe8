"""The simulated market: a seeded, reproducible world whose accounts, leverage and liquidation prices are known."""

from heatlab.sources.simulated.source import SimulatedSource

__all__ = ["SimulatedSource"]
