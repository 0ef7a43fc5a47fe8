"""Statistics that tell a market from noise, measured the same way on real and on simulated tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

YEARS = (2023, 2024, 2025)
BARS_OF_A_YEAR = 8_700
ASIA, AMERICA = (0, 7), (13, 21)
MONTH = 30


def candle_facts(candles: pd.DataFrame) -> dict[str, float]:
    """Facts of one year of hourly candles."""
    returns = np.log(candles["close"]).diff().dropna()
    size = returns.abs()
    return {
        "hourly_volatility": float(returns.std()),
        "excess_kurtosis": float(returns.kurt()),
        "absolute_return_autocorrelation_1h": float(size.autocorr(1)),
        "absolute_return_autocorrelation_24h": float(size.autocorr(24)),
        "return_autocorrelation_1h": float(returns.autocorr(1)),
        "us_to_asia_absolute_return": _session(size, AMERICA) / _session(size, ASIA),
        "us_to_asia_volume": _session(candles["volume"], AMERICA) / _session(candles["volume"], ASIA),
    }


def _session(values: pd.Series, hours: tuple[int, int]) -> float:
    hour = pd.DatetimeIndex(values.index).hour
    return float(values[(hour >= hours[0]) & (hour < hours[1])].mean())


def correlations(closes: Mapping[str, pd.Series]) -> list[float]:
    """Correlation of the hourly returns of every pair of coins."""
    returns = pd.DataFrame({name: np.log(close).diff() for name, close in closes.items()})
    matrix = returns.corr().to_numpy()
    return [float(value) for value in matrix[np.triu_indices(len(matrix), 1)]]


def funding_facts(rates: pd.Series) -> dict[str, float]:
    """Facts of the funding rates of one coin."""
    return {
        "funding_mean": float(rates.mean()),
        "funding_standard_deviation": float(rates.std()),
        "funding_share_positive": float((rates > 0).mean()),
    }


def long_shares(long: pd.Series, short: pd.Series) -> list[float]:
    """Share of the liquidated value that was long, per block of 30 days."""
    blocks = [(values.resample(f"{MONTH}D").sum()) for values in (long, short)]
    return [float(share) for share in (blocks[0] / (blocks[0] + blocks[1])).dropna()]


def span(facts: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    """Smallest and largest value of each fact."""
    table = pd.DataFrame(list(facts))
    return {name: [float(table[name].min()), float(table[name].max())] for name in table}


def real_ranges(market: Path) -> dict[str, list[float]]:
    """Ranges of all facts in a folder of real data: coin-years 2023-2025 of perpetuals on Binance."""
    candles, closes = [], {year: {} for year in YEARS}
    for path in sorted((market / "ohlcv" / "binance_perp").glob("*_1h*.parquet")):
        table = pd.read_parquet(path).set_index("timestamp")
        for year in YEARS:
            part = table[pd.DatetimeIndex(table.index).year == year]
            if len(part) >= BARS_OF_A_YEAR:
                candles.append(candle_facts(part))
                closes[year][path.name.split("-")[0]] = part["close"]
    pairs = [value for year in YEARS for value in correlations(closes[year])]
    funding = pd.read_parquet(market / "funding" / "binanceusdm_funding.parquet")
    funding = funding[funding["timestamp"] >= "2023-01-01"]
    rates = [funding_facts(rows["funding_rate"]) for _, rows in funding.groupby("symbol")]
    feed = pd.read_parquet(market / "liquidations_agg" / "coinglass_BTC_liq_1h.parquet").set_index("timestamp")
    shares = long_shares(feed["liq_long_usd"], feed["liq_short_usd"])
    return {
        **span(candles),
        "pairwise_correlation": [min(pairs), max(pairs)],
        **span(rates),
        "long_share_of_liquidations_30d": [min(shares), max(shares)],
    }
