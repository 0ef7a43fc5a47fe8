"""Made-up returns and prices for the tests of correlation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from heatlab.frames import align


def closes(returns: np.ndarray, names: list[str] | None = None) -> pd.DataFrame:
    """Hourly closes from returns, one more row than returns."""
    steps = np.vstack([np.zeros((1, returns.shape[1])), returns])
    index = pd.date_range("2025-01-01", periods=len(steps), freq="h", tz="UTC", name="timestamp", unit="ms")
    return pd.DataFrame(
        100 * np.exp(np.cumsum(steps, axis=0)), index=index, columns=names or list("ABCDEFGH")[: returns.shape[1]]
    )


def factor_returns(bars: int, loads: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Returns of unit variance with correlation ``loads[i] . loads[j]``; loads of shape (n_assets, n_factors)."""
    generator = np.random.default_rng(seed)
    own = np.sqrt(1 - (loads**2).sum(axis=1))
    common = generator.normal(size=(bars, loads.shape[1])) @ loads.T
    return 0.01 * (common + own * generator.normal(size=(bars, len(loads))))


def equal_returns(bars: int, assets: int, rho: float, *, seed: int = 0) -> np.ndarray:
    """Normal returns of one correlation."""
    return factor_returns(bars, np.full((assets, 1), np.sqrt(rho)), seed=seed)


def wild_returns(bars: int, assets: int, rho: float, *, seed: int = 0) -> np.ndarray:
    """Returns of one conditional correlation, fat tails (t with 5 degrees) and volatility that clusters (GARCH)."""
    generator = np.random.default_rng(seed)
    mixed = equal_returns(bars, assets, rho, seed=seed + 1) * 100
    shocks = mixed * np.sqrt(3.0 / generator.chisquare(5, size=(bars, 1)))
    variance, out = np.ones(assets), np.empty_like(shocks)
    for t in range(bars):
        out[t] = np.sqrt(variance) * shocks[t]
        variance = 0.02 + 0.08 * out[t] ** 2 + 0.90 * variance
    return out / 100


def real_closes(market_dir: Path, pattern: str = "*-USDT-USDT_1h.parquet") -> pd.DataFrame:
    """Hourly closes of all perpetuals there are, each from its own first bar on."""
    folder = market_dir / "ohlcv" / "binance_perp"
    tables = {}
    for path in sorted(folder.glob(pattern)):
        table = pd.read_parquet(path, columns=["timestamp", "close"]).set_index("timestamp")
        tables[f"{path.name.split('-', maxsplit=1)[0]}/USDT:USDT"] = table
    return align(tables)
