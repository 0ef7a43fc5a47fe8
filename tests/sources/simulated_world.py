"""The simulated market the tests share: made once, kept in memory only."""

from __future__ import annotations

from functools import lru_cache

from heatlab.sources.simulated import SimulatedSource

BTC, ETH, SOL, AAVE = (f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "AAVE"))


@lru_cache(maxsize=4)
def world(seed: int = 7) -> SimulatedSource:
    """Market of a seed without a cache folder."""
    return SimulatedSource(seed, cache=None)
