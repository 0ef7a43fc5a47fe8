"""Stress of 500 positions at 61 moves of BTC against the margin functions called position by position.

The peer computes the same liquidation prices once, by :func:`heatlab.margin.position_liquidation_price`, and then walks
through moves and positions in Python. Both curves are compared before either is timed; isolated positions only, since
the peer has no answer for a joint move of a cross account.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab.domain import MarginMode, Position, Side
from heatlab.frames import POSITIONS
from heatlab.margin import default_brackets, position_liquidation_price
from heatlab.portfolio.stress.prepared import prepare_stress
from tests.benchmarks import Result, best_of

NAME = "stress"
COUNT = 500
MOVES = np.linspace(-0.3, 0.3, 61)


def book() -> pd.DataFrame:
    """Isolated linear positions on 50 symbols, 2x to 25x, every third one short."""
    random = np.random.default_rng(7)
    rows = {
        "symbol": [f"S{k % 50}/USDT:USDT" for k in range(COUNT)],
        "venue": "binanceusdm",
        "side": np.where(np.arange(COUNT) % 3 == 0, -1, 1),
        "quantity": random.uniform(1, 500, COUNT),
        "entry_price": 100.0,
        "mark_price": random.uniform(99, 101, COUNT),
        "leverage": random.uniform(2, 25, COUNT),
        "margin_mode": "isolated",
    }
    return pd.DataFrame(rows).reindex(columns=POSITIONS.names)


def betas() -> pd.DataFrame:
    """Betas from 0.5 to 2."""
    beta = np.linspace(0.5, 2.0, 50)
    return pd.DataFrame(
        {"symbol": [f"S{k}/USDT:USDT" for k in range(50)], "beta": beta, "downside_beta": beta * 1.1, "note": ""}
    )


def loop(positions: list[Position], limits: list[float], up: list[float], down: list[float]) -> list[float]:
    """P&L at every move, position by position."""
    total = []
    for move in MOVES:
        pnl = 0.0
        for one, limit, rise, fall in zip(positions, limits, up, down, strict=True):
            price = one.mark_price * (1 + (rise if move >= 0 else fall) * move)
            gone = one.side * (price - limit) <= 0 or one.side * (one.mark_price - limit) <= 0
            own = one.quantity * one.entry_price / one.leverage + one.unrealized_pnl
            pnl += -max(own, 0.0) if gone else one.side * one.quantity * (price - one.mark_price)
        total.append(pnl)
    return total


def run() -> list[Result]:
    """Compare, then time both in turn."""
    table, rates, brackets = book(), betas(), default_brackets()
    ready = prepare_stress(table, rates)
    positions = [
        Position(**{**row, "side": Side(row["side"]), "margin_mode": MarginMode.ISOLATED})
        for row in table.to_dict("records")
    ]
    limits = [position_liquidation_price(one, brackets) for one in positions]
    known = rates.set_index("symbol")
    up, down = (known.loc[table["symbol"], name].tolist() for name in ("beta", "downside_beta"))
    expected = loop(positions, limits, up, down)
    if not np.allclose(ready.curve()["pnl"], expected, rtol=1e-9):
        raise AssertionError("the two curves differ")
    size = f"{COUNT} positions x {len(MOVES)} moves"
    plain = best_of(lambda: loop(positions, limits, up, down), runs=3)
    return [Result("stress curve", best_of(ready.curve), plain, size, "a loop over positions")]
