"""Premium of the perpetual over its index, and the funding that follows from it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.sources.simulated import engine, factors, settings

INTERVAL = pd.Timedelta(hours=8)
INTEREST = 1e-4
"""Interest of 0.01 % per 8 hours, and the band in which it replaces the premium (Binance funding formula)."""
BAND = 5e-4
PREMIUM_LEVEL, PREMIUM_SWING, PREMIUM_HALF_LIFE = -2.2e-4, 2.6e-4, 30.0
"""Perpetuals trade a few basis points under spot for long stretches; swing and half-life [hours] of the premium."""
CROWDING, CROWDING_HOURS = 1.6e-4, 72
"""Premium added per standard deviation of the return of the last three days: the crowd pays to follow."""


def premium(candles: pd.DataFrame, *, seed: int, place: int) -> pd.Series:
    """Average premium [fraction] of each hour, known at its end.

    Parameters
    ----------
    candles : DataFrame
        Hourly candles.
    """
    price = np.log(candles["close"].to_numpy())
    past = np.r_[np.full(CROWDING_HOURS, price[0]), price[:-CROWDING_HOURS]]
    crowd = np.tanh((price - past) / (settings.MARKET_VOLATILITY * 1.6 * np.sqrt(CROWDING_HOURS)))
    rng = factors.random(seed, "premium", place)
    noise = engine.autoregress(rng.standard_normal(len(price)), factors.decay(PREMIUM_HALF_LIFE))
    values = PREMIUM_LEVEL + PREMIUM_SWING * noise + CROWDING * crowd
    return pd.Series(values, index=candles.index, name="premium")


def funding(hourly_premium: pd.Series) -> pd.DataFrame:
    """Rates settled every 8 hours: ``P + clamp(interest - P, -band, band)`` with P the mean premium of the interval."""
    stamps = frames.time_index(np.asarray(pd.DatetimeIndex(hourly_premium.index).as_unit("ms").asi8))
    mean = hourly_premium.to_numpy().reshape(-1, 8).mean(axis=1)
    rate = np.round(mean + np.clip(INTEREST - mean, -BAND, BAND), 8)
    settled = (stamps[::8] + INTERVAL).as_unit("ms")
    return pd.DataFrame(
        {"funding_rate": rate, "funding_interval": INTERVAL}, index=pd.DatetimeIndex(settled, name=frames.TIMESTAMP)
    )
