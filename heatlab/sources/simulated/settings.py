"""What the simulated market is made of: its calendar, its sixteen perpetuals and the numbers that shape them.

Every number that imitates reality was set by measuring real hourly candles, funding and liquidations of 2023-2025;
the ranges are in ``tests/data/stylised_facts.json`` and the tests hold the simulated market to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

VERSION = 2
"""Raise it whenever a seed gives other numbers than before: kept files of older versions are then ignored."""

VENUES = ("binanceusdm", "okx")
QUOTE = "USDT"

END = pd.Timestamp("2026-01-31", tz="UTC")
"""The market's clock stands here for ever, so that every run shows the same screen."""
DAYS = 730
FINE_DAYS = 30
BURN_IN_DAYS = 14
"""Days simulated and thrown away, so that the first visible day has a full book of accounts."""
FINE_START = END - pd.Timedelta(days=FINE_DAYS)
START = END - pd.Timedelta(days=DAYS)
ORIGIN = START - pd.Timedelta(days=BURN_IN_DAYS)

COARSE_STEPS = 40
"""Hidden price steps in an hour while hourly candles are kept (one in 90 seconds)."""
FINE_STEPS = 240
"""Hidden price steps in an hour while 1m candles are kept (one in 15 seconds)."""
FLOW_EVERY = 16, 24
"""Accounts open and close every so many steps: every 24 minutes, in the last 30 days every 6 minutes."""

TIERS = np.array([2, 3, 5, 10, 20, 25, 50, 75, 100, 125], dtype=np.float64)
LONG_WEIGHTS = np.array([0.16, 0.20, 0.24, 0.20, 0.085, 0.047, 0.035, 0.016, 0.011, 0.006])
SHORT_WEIGHTS = np.array([0.29, 0.28, 0.24, 0.12, 0.034, 0.016, 0.012, 0.004, 0.003, 0.001])
"""Share of opened accounts per tier. The middle half of longs lies between 3x and 10x (Hyperliquid: 8.3x);
longs are bolder than shorts, so that most of the liquidated value is long, as on real venues."""
CROSS_SHARE = 1 / 3
"""About a third of observed positions are cross with no near liquidation price (Hyperliquid leaderboards: 31 %)."""
CUSHIONS = 8
"""Cross accounts draw one of so many free balances; the largest one makes the position fully paid."""
HALF_LIFE = pd.Timedelta(hours=168)
"""Half of the accounts want to be gone after this time (exponential holding time)."""
TRADER_NOTIONAL = 5_000.0
"""Value of the single trades an account row stands for [quote]: it decides the leverage bracket."""

DEPTH_FACTOR = 0.9
"""Impact of forced orders, ``Y`` in ``Y * sigma_day * sqrt(Q / ADV)``: 1 in calm, about 3 in a crash (thin books)."""
LINEAR_BELOW = 0.01
"""Forced volume in days of volume under which impact is linear rather than square-root (Bouchaud's crossover)."""
IMPACT_HALF_LIFE_HOURS = 1.5
"""Forced volume is forgotten with this half-life: the price recovers, candles get wicks."""
TAKE_PROFIT_SHARE = 0.7
"""Share of a forced order met by closing accounts of the other side; new accounts take the rest."""
DELEVERAGING_HALF_LIFE_HOURS = 120.0
"""Open interest lost to liquidations comes back with this half-life."""
REVERSION_HALF_LIFE_DAYS = 45.0
"""Pull of prices to their anchor line, weak enough to leave trends of weeks alone."""

ASIA, EUROPE, AMERICA = range(7), range(7, 13), range(13, 21)
"""Sessions by hour of the day (UTC); the late hours 21-23 belong to none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One perpetual of the simulated market.

    ``start_price`` and ``end_price`` are the ends of the anchor line; ``beta`` loads on the market, ``own_volatility``
    is the hourly standard deviation no factor explains; ``daily_volume`` and ``open_interest`` are in quote.
    """

    base: str
    sector: str
    start_price: float
    end_price: float
    beta: float
    own_volatility: float
    daily_volume: float
    open_interest: float
    decimals: int
    lot_size: float
    max_leverage: int

    @property
    def symbol(self) -> str:
        """ccxt-unified symbol."""
        return f"{self.base}/{QUOTE}:{QUOTE}"


MARKET_VOLATILITY = 0.0047
"""Hourly standard deviation of the market factor: BTC's in 2023-2025 was 0.0046 to 0.0056."""
SECTOR_VOLATILITY = {"majors": 0.0011, "layer 1": 0.0026, "defi": 0.0028, "payments": 0.0026}
SECTORS = tuple(SECTOR_VOLATILITY)

LISTINGS = (
    Listing("BTC", "majors", 78_000, 92_000, 1.00, 0.0014, 15e9, 8.0e9, 1, 0.001, 125),
    Listing("ETH", "majors", 3_300, 3_500, 1.20, 0.0029, 12e9, 6.0e9, 2, 0.01, 125),
    Listing("SOL", "layer 1", 120, 150, 1.30, 0.0030, 4e9, 1.6e9, 3, 0.1, 100),
    Listing("XRP", "payments", 0.60, 2.05, 1.10, 0.0036, 3e9, 1.2e9, 4, 1, 75),
    Listing("DOGE", "payments", 0.11, 0.16, 1.25, 0.0037, 1.8e9, 7.0e8, 5, 10, 75),
    Listing("BNB", "majors", 420, 820, 0.85, 0.0028, 8e8, 6.0e8, 2, 0.01, 75),
    Listing("ADA", "layer 1", 0.52, 0.48, 1.20, 0.0036, 6e8, 2.6e8, 5, 10, 75),
    Listing("LINK", "defi", 16, 15, 1.20, 0.0034, 6e8, 2.6e8, 4, 0.1, 75),
    Listing("AVAX", "layer 1", 34, 16, 1.25, 0.0035, 5e8, 2.0e8, 4, 0.1, 75),
    Listing("SUI", "layer 1", 1.50, 1.90, 1.35, 0.0044, 9e8, 3.0e8, 5, 1, 75),
    Listing("LTC", "payments", 75, 82, 1.00, 0.0033, 5e8, 2.4e8, 3, 0.01, 75),
    Listing("AAVE", "defi", 120, 190, 1.25, 0.0041, 4e8, 1.6e8, 3, 0.1, 75),
    Listing("UNI", "defi", 7.5, 6.5, 1.25, 0.0041, 3e8, 1.2e8, 4, 0.1, 75),
    Listing("DOT", "layer 1", 7.2, 3.1, 1.15, 0.0033, 2.5e8, 1.1e8, 4, 0.1, 75),
    Listing("ARB", "defi", 1.10, 0.35, 1.30, 0.0041, 2.5e8, 1.0e8, 5, 1, 75),
    Listing("ETC", "payments", 25, 15, 1.10, 0.0033, 1.5e8, 8.0e7, 4, 0.1, 75),
)
BY_SYMBOL = {listing.symbol: listing for listing in LISTINGS}
OKX_SHARE = 0.45
"""Volume and open interest of the second venue against the first."""
