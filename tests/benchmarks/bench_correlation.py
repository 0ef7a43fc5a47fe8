"""Rolling 30-day correlation of all pairs over a year of hours, against pandas, numbagg and polars, in turn in one run.

Every side starts from the same table of hourly returns in memory and gives the correlation of every pair at every bar
for a window of 720. Before anything is timed the answers are compared on a part of the pairs.

* Ours gives one array of bars x pairs (upper triangle), float64 for 50 assets and float32 for 200 (0.7 GB instead of
  1.4); sums are float64 in both. "with gaps" has 1 % of the returns missing, for ours and pandas.
* pandas: ``DataFrame.rolling(720).corr()``, which computes every pair both ways and each asset with itself. For 200
  assets its answer alone takes 2.8 GB and its peak 7, so the same call is timed for the rows of ``SLICE`` assets
  against all 200 and scaled to 200 rows; the peer's name says so.
* numbagg: ``move_corr`` on the same pairs, in blocks of pairs so that its inputs, one row per pair, fit into memory.
* polars: ``rolling_corr`` per pair, all in one ``select``; for 200 assets in blocks.

Memory is the peak of the process over what it held before the call, read every few milliseconds while ours runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psutil

from heatlab.portfolio.correlation.rolling import pair_columns, rolling_correlation
from tests.benchmarks import Result

NAME = "correlation"
BARS, WINDOW, SLICE, BLOCK = 8_760, 720, 4, 1_225


def returns(assets: int, *, gaps: float = 0.0) -> np.ndarray:
    """Hourly returns with one common factor."""
    generator = np.random.default_rng(11)
    table = generator.normal(0, 0.01, (BARS, assets)) + generator.normal(0, 0.01, (BARS, 1))
    if gaps:
        table[generator.random(table.shape) < gaps] = np.nan
    return table


def seconds(function: Callable[[], Any], *, runs: int = 1) -> float:
    """Shortest of some runs [s]."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes(function: Callable[[], Any]) -> int:
    """Most memory the process held over what it held before, the answer included [bytes]."""
    process, done, most = psutil.Process(), threading.Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.002):
            most[0] = max(most[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer = function()
    most[0] = max(most[0], process.memory_info().rss)
    done.set()
    watcher.join()
    del answer
    return most[0] - before


def pandas_seconds(table: np.ndarray) -> tuple[float, str]:
    """Time of pandas for all pairs, and how it was measured."""
    frame = pd.DataFrame(table)
    if table.shape[1] <= 50:
        return seconds(lambda: frame.rolling(WINDOW, min_periods=_least(table)).corr()), "pandas rolling.corr"
    rows, assets = frame.iloc[:, :SLICE], table.shape[1]
    taken = seconds(lambda: rows.rolling(WINDOW, min_periods=_least(table)).corr(frame, pairwise=True))
    return taken * assets / SLICE, f"pandas rolling.corr, {SLICE} of {assets} rows of assets, scaled to all"


def numbagg_seconds(table: np.ndarray) -> float | None:
    """Time of numbagg for all pairs, None where it is not installed."""
    try:
        from numbagg import move_corr
    except ImportError:
        return None
    first, second = pair_columns(table.shape[1])
    columns = np.ascontiguousarray(table.T)
    out = np.empty((min(BLOCK, len(first)), BARS))

    def run() -> None:
        for start in range(0, len(first), BLOCK):
            part = slice(start, start + BLOCK)
            out[: len(first[part])] = move_corr(columns[first[part]], columns[second[part]], window=WINDOW)

    move_corr(columns[:2], columns[:2], window=WINDOW)
    return seconds(run, runs=2)


def polars_seconds(table: np.ndarray) -> float | None:
    """Time of polars for all pairs, None where it is not installed."""
    try:
        import polars as pl
    except ImportError:
        return None
    frame = pl.DataFrame({f"a{k}": table[:, k] for k in range(table.shape[1])})
    pairs = list(zip(*pair_columns(table.shape[1]), strict=True))

    def run() -> None:
        for start in range(0, len(pairs), BLOCK):
            columns = [
                pl.rolling_corr(f"a{i}", f"a{j}", window_size=WINDOW).alias(f"{i}_{j}")
                for i, j in pairs[start : start + BLOCK]
            ]
            frame.select(columns)

    return seconds(run)


def _least(table: np.ndarray) -> int:
    return WINDOW if np.isfinite(table).all() else WINDOW // 2


def same(table: np.ndarray, *, dtype: type) -> None:
    """Fail unless ours and pandas agree on the first assets."""
    few = table[:, :4]
    first, second = pair_columns(4)
    frame = pd.DataFrame(few)
    wanted = [
        frame[i].rolling(WINDOW, min_periods=_least(table)).corr(frame[j]) for i, j in zip(first, second, strict=True)
    ]
    ours = rolling_correlation(few, WINDOW, min_bars=_least(table), dtype=dtype)
    slack = 1e-9 if dtype is np.float64 else 1e-6
    np.testing.assert_allclose(ours, np.column_stack(wanted), atol=slack, rtol=0)


def measured(assets: int, *, dtype: type, gaps: float = 0.0, peers: bool = True) -> list[Result]:
    """Ours against every peer on one table."""
    table = returns(assets, gaps=gaps)
    same(table, dtype=dtype)

    def ours() -> Any:
        return rolling_correlation(table, WINDOW, min_bars=_least(table), dtype=dtype)

    ours()
    peer, how = pandas_seconds(table)
    taken = seconds(ours, runs=7)
    memory = peak_bytes(ours)
    kind = np.dtype(dtype).name
    size = f"{assets} assets x {BARS:,} h, window {WINDOW}, {kind}, peak +{memory / 1e9:.2f} GB"
    name = f"correlation, {assets} assets{', with gaps' if gaps else ''}"
    rows = [Result(name, taken, peer, size, how, bar=None if gaps else 50.0)]
    if peers:
        rows.append(Result(name, taken, numbagg_seconds(table), size, "numbagg move_corr", bar=1.0))
        rows.append(Result(name, taken, polars_seconds(table), size, "polars rolling_corr"))
    return rows


def run() -> list[Result]:
    """50 and 200 assets, and 50 with gaps."""
    rows = measured(50, dtype=np.float64)
    rows += measured(50, dtype=np.float64, gaps=0.01, peers=False)
    return rows + measured(200, dtype=np.float32)
