"""A market of four coins, two of which move together, and a book in it, measured as the apps measure it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from heatlab.margin import bracket_table
from heatlab.portfolio.measure import risk_view
from heatlab.portfolio.view import RiskView
from tests.portfolio.markets import START, bars, positions

BTC, ETH, SOL, XRP, ADA = (f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA"))
VENUE = "binanceusdm"
HOURS = 24 * 60
NOW = START + pd.Timedelta(hours=HOURS)
BRACKETS = {
    (VENUE, symbol): bracket_table([1e5, 1e6, 1e9], [0.005, 0.01, 0.02], max_leverages=[50.0, 20.0, 10.0])
    for symbol in (BTC, ETH, SOL, XRP, ADA)
}


@cache
def candles() -> dict[tuple[str, str, str], pd.DataFrame]:
    """BTC, ETH and ADA nearly as one, SOL and XRP on their own; ADA is listed but not held."""
    draw = np.random.default_rng(11)
    common = draw.normal(0, 0.006, HOURS)
    made = {}
    for symbol, share in ((BTC, 0.95), (ETH, 0.95), (ADA, 0.95), (SOL, 0.0), (XRP, 0.0)):
        steps = share * common + np.sqrt(1 - share**2) * draw.normal(0, 0.006, HOURS)
        closes = 100 * np.exp(np.cumsum(steps))
        made[VENUE, symbol, "1h"] = bars(closes)
        made[VENUE, symbol, "4h"] = bars(closes[3::4], step="4h")
    return made


def mark(symbol: str) -> float:
    """Last close."""
    return float(candles()[VENUE, symbol, "1h"]["close"].iloc[-1])


def book(btc: float = 3_000.0, eth: float = 3_000.0, sol: float = 4_000.0, xrp: float = -5_000.0) -> pd.DataFrame:
    """Positions of these signed values [quote], cross at five times; 0 leaves one out."""
    rows = [
        (symbol, VENUE, int(np.sign(value)), abs(value) / mark(symbol), mark(symbol), mark(symbol), 5.0, "cross")
        for symbol, value in ((BTC, btc), (ETH, eth), (SOL, sol), (XRP, xrp))
        if value
    ]
    return positions(*rows, wallets={VENUE: 10_000.0})


KNOWN: dict[str, RiskView] = {}


def measure(held: pd.DataFrame) -> RiskView:
    """Measure a book as the apps do; a book measured before is not measured again."""
    key = held.to_csv()
    if key not in KNOWN:
        KNOWN[key] = risk_view(held, candles(), now=NOW)
    return KNOWN[key]
