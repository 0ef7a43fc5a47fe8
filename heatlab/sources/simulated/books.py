"""A plausible order book around the mark price."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab.sources.simulated import factors
from heatlab.sources.simulated.settings import Listing

LEVELS = 400
REACH = 0.04
"""Distance of the last level from the mark price."""
HALF_SPREAD = 0.00002
"""Half spread of the most liquid contract; a less liquid one is wider by the fourth root of the volume ratio."""
DEPTH_SHARE, DEPTH_POWER = 0.005, 1.2
"""Depth within 1 % in days of volume, and how cumulative depth grows with distance."""
LARGEST_VOLUME = 15e9


def order_book(listing: Listing, *, venue: str, seed: int, place: int, mark_price: float, share: float) -> pd.DataFrame:
    """Canonical order book, best prices first, bids then asks; ``share`` scales its depth."""
    rng = factors.random(seed, "book", place)
    sides = [_side(listing, side, rng, mark_price, share) for side in (1, -1)]
    table = pd.concat(sides, ignore_index=True)
    table["venue"] = venue
    table["age"] = pd.Timedelta(0)
    return table


def _side(listing: Listing, side: int, rng: np.random.Generator, mark_price: float, share: float) -> pd.DataFrame:
    tick = 10.0**-listing.decimals
    spread = HALF_SPREAD * (LARGEST_VOLUME / listing.daily_volume) ** 0.25
    distance = np.geomspace(spread, REACH, LEVELS)
    steps = np.unique(np.maximum(1, np.ceil(distance * mark_price / tick)).astype(np.int64))
    prices = np.round(np.round(mark_price / tick) * tick - side * steps * tick, listing.decimals)
    reach = steps * tick / mark_price
    depth = listing.daily_volume / mark_price * DEPTH_SHARE * share * (reach / 0.01) ** DEPTH_POWER
    quantity = np.diff(np.r_[0.0, depth]) * rng.gamma(2.0, 0.5, len(steps))
    lots = np.maximum(1.0, np.round(quantity / listing.lot_size))
    return pd.DataFrame({"side": side, "price": prices, "quantity": np.round(lots * listing.lot_size, 8)})
