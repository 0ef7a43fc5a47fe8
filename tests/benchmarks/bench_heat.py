"""Momentum heat of 50 symbols on four timeframes from one year of one-minute closes, against pandas.

Both sides start from the same table of closes and give forecast, heat, volatility percentile and both thresholds
for every bar of 1h, 4h, 1d and 1w; ours gives the zones with their hysteresis as well. The peer works on all symbols
at once (symbols across, its fastest way; the usual loop over symbols is timed as well), builds longer bars from
shorter ones and uses ``resample().last()``, ``ewm``, ``rolling`` and ``rolling().rank(pct=True)``. Before anything
is timed the two answers are compared on every bar.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from heatlab.heat import HeatBoard, heat_board
from tests.benchmarks import Result
from tests.heat import reference

NAME = "heat"
MINUTES = 525_600
TIMEFRAMES = ("1h", "4h", "1d", "1w")
RUNS = 5


def closes(symbols: int) -> pd.DataFrame:
    """One year of random one-minute closes."""
    steps = np.random.default_rng(7).normal(0.0, 6e-4, (symbols, MINUTES))
    index = pd.date_range("2025-01-01", periods=MINUTES, freq="min", tz="UTC", name="timestamp", unit="ms")
    names = [f"S{k:02d}" for k in range(symbols)]
    return pd.DataFrame((100.0 * np.exp(np.cumsum(steps, axis=1, out=steps))).T, index=index, columns=names)


def same(board: HeatBoard, peer: dict[str, dict[str, pd.DataFrame]]) -> None:
    """Fail unless both sides say the same on every bar."""
    for timeframe, columns in peer.items():
        for column, table in columns.items():
            np.testing.assert_allclose(board.table(timeframe, column), table, rtol=1e-8, atol=1e-8, equal_nan=True)


def seconds(function: Callable[[], Any]) -> float:
    """One timed run [s]."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def run() -> list[Result]:
    """Ours on one thread and on all processors, against pandas both ways, in turn; best of five, the loop once."""
    symbols = 10 if os.environ.get("HEATLAB_BENCH_SMALL") else 50
    table = closes(symbols)
    same(heat_board(table), reference.board(table))
    times: dict[str, list[float]] = {"one": [], "all": [], "peer": [], "loop": []}
    for _ in range(RUNS):
        times["one"].append(seconds(lambda: heat_board(table, workers=1)))
        times["all"].append(seconds(lambda: heat_board(table)))
        times["peer"].append(seconds(lambda: reference.board(table)))
    times["loop"].append(seconds(lambda: [reference.board(table[[symbol]]) for symbol in table]))
    size = f"{symbols} symbols x {MINUTES} 1m closes -> {', '.join(TIMEFRAMES)}"
    peer = "pandas resample + ewm + rolling rank, all symbols at once"
    loop = "the same pandas, symbol by symbol"
    return [
        Result("heat board, one thread", min(times["one"]), min(times["peer"]), size, peer),
        Result("heat board, one thread", min(times["one"]), min(times["loop"]), size, loop),
        Result("heat board, all processors", min(times["all"]), min(times["peer"]), size, peer, bar=10.0),
    ]
