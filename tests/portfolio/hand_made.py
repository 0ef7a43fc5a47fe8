"""A risk view made by hand: three positions whose every number is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from heatlab.frames import POSITIONS, empty
from heatlab.portfolio.book import BookView
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.rule import ORDER_COLUMNS
from heatlab.portfolio.view import RiskView

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
NOW = pd.Timestamp("2026-02-01 12:00", tz="UTC")
FRAMES = ("1h", "4h", "1d")
NAN = float("nan")


def positions(**changes: list[Any]) -> pd.DataFrame:
    """Long BTC and ETH, short SOL, all at 100, worth 100, 60 and 40."""
    table = pd.DataFrame(
        {
            "symbol": [BTC, ETH, SOL],
            "venue": ["okx", "okx", "bybit"],
            "side": [1, 1, -1],
            "quantity": [1.0, 0.6, 0.4],
            "entry_price": [80.0, 100.0, 125.0],
            "mark_price": 100.0,
            "leverage": 10.0,
            "margin_mode": "isolated",
            "margin": [8.0, 6.0, 5.0],
            "liquidation_price": [70.0, 90.0, 140.0],
        }
    )
    return table.assign(**changes)


def readings(
    held: pd.DataFrame, *, zones: dict[str, tuple[int, int, int]] | None = None, note: str = ""
) -> pd.DataFrame:
    """Heat table of the positions; a zone of -1 is 20, of 0 is 50, of 1 is 80."""
    rows = []
    for place, row in enumerate(held.to_dict("records")):
        for frame, zone in zip(FRAMES, (zones or {}).get(row["symbol"], (1, 1, 1)), strict=True):
            reading = {
                "heat": {-1: 20.0, 0: 50.0, 1: 80.0}[zone] + place, "zone": float(zone), "green": 60.0, "red": 40.0,
                "forecast": 4.0 * row["side"] * zone, "volatility_percentile": 0.5, "timeframe": frame,
                "timestamp": NOW - pd.Timedelta(hours=1), "age": pd.Timedelta(minutes=5), "bars": 9000, "note": note,
            }  # fmt: skip
            rows.append({**{name: row[name] for name in ("symbol", "venue", "side")}, **reading})
    names = ["symbol", "venue", "side", "timeframe", "heat", "zone", "green", "red", "forecast", "note"]
    text = {"symbol", "venue", "timeframe", "note"}
    kinds = {name: "object" if name in text else "float64" for name in (*names, "volatility_percentile")}
    kinds["age"] = "timedelta64[ms]"
    return pd.DataFrame(rows) if rows else pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def view(held: pd.DataFrame | None = None, *, rho: float = 0.3, deviation: float = 0.01, **changes: Any) -> RiskView:
    """Return a view of daily volatility ``deviation * sqrt(24)`` and one correlation; ``changes`` replace parts."""
    book = positions() if held is None else held
    table = readings(book, zones=changes.pop("zones", None), note=changes.pop("note", ""))
    overall = _overall(book, table)
    symbols = list(dict.fromkeys(book["symbol"]))
    square = pd.DataFrame(rho, symbols, symbols)
    square = square.mask(np.eye(len(symbols), dtype=bool), 1.0)
    estimate = CorrelationEstimate(
        square, square, square, square * 720, square > 2, pd.Series(deviation, index=symbols, dtype="float64")
    )
    orders = pd.DataFrame(columns=ORDER_COLUMNS)
    orders.attrs["rule"] = changes.pop("rule", "none")
    worth = (book["quantity"] * book["mark_price"]).to_numpy(dtype="float64")
    share = worth / worth.sum() if len(worth) else worth
    made = RiskView(
        positions=book,
        heat=BookView(table, overall, changes.pop("book_heat", 70.0), 1.0, orders, share),
        closes=pd.DataFrame(columns=symbols, dtype="float64"),
        correlation=estimate,
        clusters=pd.Series(1, index=symbols, dtype="int64"),
        cluster_shares=pd.DataFrame(
            columns=["cluster", "name", "symbols", "positions", "gross_share", "risk_share", "level"]
        ),
        concentration=book[["symbol", "venue", "side"]].assign(
            notional=worth, size_share=share, size_heat=50.0, correlation_heat=50.0, risk_share=share, cluster=1,
            is_hedge=False,
        ),
        measures=ConcentrationMeasures(),
        quadrants=pd.DataFrame(),
    )  # fmt: skip
    return replace(made, **changes)


def nothing() -> RiskView:
    """Return the view of an empty book."""
    return view(empty(POSITIONS))


def _overall(book: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    if book.empty:
        return table.assign(risk=pd.Series(dtype="float64")).drop(columns=["timeframe", "note"])
    means = table.groupby(["symbol", "venue", "side"], sort=False)[["heat", "zone", "green", "red", "forecast"]].mean()
    return means.reset_index().assign(timeframes=len(FRAMES), risk=0.3)
