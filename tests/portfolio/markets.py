"""Small markets and books for the tests of decisions: prices and profits that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

START = pd.Timestamp("2025-01-01", tz="UTC")


def bars(closes: Any, *, step: str = "1h", wick: float = 0.0, start: pd.Timestamp = START) -> pd.DataFrame:
    """Candles with these closes; highs and lows lie ``wick`` [fraction] beyond open and close."""
    close = np.asarray(closes, dtype=np.float64)
    opened = np.r_[close[:1], close[:-1]]
    index = pd.date_range(start, periods=len(close), freq=step, name="timestamp").as_unit("ms")
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * (1 + wick),
            "low": np.minimum(opened, close) * (1 - wick),
            "close": close,
            "volume": 100.0,
        },
        index=index,
    )


def walk(count: int, *, seed: int, scale: float = 0.005, drift: float = 0.0, price: float = 100.0) -> Any:
    """Closes of a seeded random walk."""
    steps = np.random.default_rng(seed).normal(drift, scale, count)
    return price * np.exp(np.cumsum(steps))


def positions(*rows: tuple[Any, ...], wallets: dict[str, float] | None = None) -> pd.DataFrame:
    """Canonical positions of rows (symbol, venue, side, quantity, entry, mark, leverage, margin mode)."""
    names = ["symbol", "venue", "side", "quantity", "entry_price", "mark_price", "leverage", "margin_mode"]
    table = pd.DataFrame(list(rows), columns=names)
    numeric = dict.fromkeys(["quantity", "entry_price", "mark_price", "leverage"], "float64")
    table = table.astype({**numeric, "side": "int64"})
    table["margin"] = table["quantity"] * table["entry_price"] / table["leverage"]
    table["liquidation_price"] = np.nan
    table.attrs = {"wallet_balance": dict(wallets or {})}
    return table
