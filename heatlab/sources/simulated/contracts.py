"""Contract terms of the simulated perpetuals: instruments and leverage brackets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from heatlab import margin
from heatlab.domain import Instrument
from heatlab.sources.simulated import settings
from heatlab.sources.simulated.settings import Listing

MAJOR_CAPS = (3e5, 8e5, 3e6, 1.2e7, 7e7, 1e8, 2.3e8, 4.8e8, 6e8, 8e8, 1.2e9, 1.8e9)
MAJOR_RATES = (0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.10, 0.125, 0.15, 0.25, 0.5)
MAJOR_LEVERAGES = (125, 100, 75, 50, 25, 20, 10, 5, 4, 3, 2, 1)
LARGE_CAPS = (5e4, 4e5, 1e6, 4e6, 8e6, 4e7, 8e7, 1e8, 2e8, 4e8)
LARGE_RATES = (0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.10, 0.125, 0.25, 0.5)
LARGE_LEVERAGES = (100, 75, 50, 25, 20, 10, 5, 4, 2, 1)
SMALL_CAPS = (5e4, 1.5e5, 5e5, 6e5, 3e6, 6e6, 7.5e6, 1.5e7, 3e7)
SMALL_RATES = (0.01, 0.015, 0.02, 0.025, 0.05, 0.10, 0.125, 0.25, 0.5)
SMALL_LEVERAGES = (75, 50, 25, 20, 10, 5, 4, 2, 1)
LADDERS = {
    125: (MAJOR_CAPS, MAJOR_RATES, MAJOR_LEVERAGES),
    100: (LARGE_CAPS, LARGE_RATES, LARGE_LEVERAGES),
    75: (SMALL_CAPS, SMALL_RATES, SMALL_LEVERAGES),
}
"""Three ladders by maximum leverage, with the caps and rates Binance showed for BTC, SOL and AAVE in 2026-05."""


@lru_cache(maxsize=64)
def bracket_table_of(listing: Listing) -> pd.DataFrame:
    """Canonical leverage brackets of a listing [quote]; the same on both venues. Do not write into it."""
    caps, rates, leverages = LADDERS[listing.max_leverage]
    return margin.bracket_table(caps, rates, max_leverages=np.array(leverages, dtype=np.float64))


def instrument(listing: Listing, venue: str) -> Instrument:
    """Contract terms of a listing on a venue."""
    return Instrument(
        symbol=listing.symbol,
        venue=venue,
        base=listing.base,
        quote=settings.QUOTE,
        tick_size=round(10.0**-listing.decimals, listing.decimals),
        lot_size=listing.lot_size,
        sector=listing.sector,
    )
