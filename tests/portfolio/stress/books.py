"""Small books whose stress can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab.margin import bracket_table
from heatlab.portfolio.stress.prepared import PreparedStress, prepare_stress
from heatlab.portfolio.stress.settings import DEFAULT, StressSettings

NAN = float("nan")
ONE_PERCENT = bracket_table([np.inf], [0.01], max_leverages=[100.0])
EMPTY: dict[str, Any] = {
    "symbol": "BTC/USDT:USDT",
    "venue": "binanceusdm",
    "side": 1,
    "quantity": 1.0,
    "entry_price": 100.0,
    "mark_price": 100.0,
    "leverage": 10.0,
    "margin_mode": "isolated",
    "margin": NAN,
    "liquidation_price": NAN,
}


def positions(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Canonical positions; what a row does not say is a 10x isolated BTC long of 1 at 100."""
    return pd.DataFrame([{**EMPTY, **row} for row in rows], columns=list(EMPTY))


def beta_table(**betas: float | tuple[float, float]) -> pd.DataFrame:
    """Betas by base, such as ``ETH=2.0``, or ``ETH=(beta, downside beta)``; BTC has 1."""
    rows = [("BTC/USDT:USDT", 1.0, 1.0, "the benchmark")]
    for base, given in betas.items():
        beta, down = given if isinstance(given, tuple) else (given, given)
        rows.append((f"{base}/USDT:USDT", beta, down, ""))
    return pd.DataFrame(rows, columns=["symbol", "beta", "downside_beta", "note"])


def prepared(
    book: pd.DataFrame,
    *,
    wallets: Any = None,
    settings: StressSettings = DEFAULT,
    brackets: pd.DataFrame = ONE_PERCENT,
    **betas: float | tuple[float, float],
) -> PreparedStress:
    """Book ready for any move, every position in one bracket of 1 %."""
    owners = zip(book["venue"], book["symbol"], strict=True)
    return prepare_stress(
        book, beta_table(**betas), brackets=dict.fromkeys(owners, brackets), wallets=wallets, settings=settings
    )
