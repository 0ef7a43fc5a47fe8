"""The liquidation map's sweep against the same estimator as a plain numpy loop over candles.

The peer works on whole arrays (sides x classes x tiers x bins) at every candle and writes every column, float32,
100,000 x 2 x 500 (400 MB); ours writes 1,000 columns, float64. Both are handed the same arrays in one run, and the
shared columns are compared before either is timed. One-minute bars: one deposit per candle, side and tier.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from heatlab.liquidation import MapSettings, _kernel
from heatlab.liquidation.drawing import Grid, price_grid, sweep_inputs
from heatlab.liquidation.flows import open_interest_flows
from heatlab.liquidation.levels import placement_offsets
from heatlab.margin import default_brackets
from tests.benchmarks import Result, best_of
from tests.liquidation import markets, reference

NAME = "density"
TIERS = (3.0, 5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 100.0)
BINS, COLUMNS, CANDLES = 500, 1000, 100_000
BARS = {"proportional": 400.0, "full": 100.0}
LENGTHS = (10_000, 500_000)


def arguments(count: int, closing: str) -> tuple[object, ...]:
    """Kernel arguments for a random walk of one-minute candles on exactly 500 bins."""
    settings = MapSettings(closing=closing, tiers=TIERS, n_bins=BINS)
    candles = markets.candles(count, "1m")
    fitted = price_grid(candles, settings)
    grid = Grid(fitted.first - (BINS - fitted.n_bins) // 2, fitted.step, BINS)
    offsets = placement_offsets(
        TIERS, None, venue="binanceusdm", brackets=default_brackets(), notional=1e4, jitter=settings.jitter
    )
    flows = open_interest_flows(candles, markets.open_interest(candles, noise=0.001), settings)
    last = np.arange(count // COLUMNS - 1, count, count // COLUMNS, dtype=np.int64)
    return (*sweep_inputs(candles, flows, offsets, grid=grid, settings=settings), last, BINS)


def peer_seconds(given: tuple[object, ...]) -> float:
    """Run the plain loop once, check our columns against it, and return how long it took."""
    full = np.zeros((CANDLES, 2, BINS), dtype=np.float32)
    start = time.perf_counter()
    columns, _, ledger = reference.sweep(*given, full=full)
    taken = time.perf_counter() - start
    ours, _, our_ledger = _kernel.sweep(*given)
    np.testing.assert_allclose(ours, columns, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(our_ledger, ledger, rtol=1e-9, atol=1e-6)
    return taken


def run() -> list[Result]:
    """Time both closing models against the plain loop, then 10k and 500k candles against our own 100k."""
    size = f"{CANDLES:,} candles, {BINS} bins, 2 sides, {len(TIERS)} tiers, {COLUMNS:,} columns"
    results, hundred = [], 0.0
    for closing, bar in BARS.items():
        given = arguments(CANDLES, closing)
        ours = best_of(lambda given=given: _kernel.sweep(*given))
        hundred = ours if closing == "proportional" else hundred
        results.append(Result(f"density, {closing} closing", ours, peer_seconds(given), size, "numpy loop", bar))
    for count in LENGTHS:
        given = arguments(count, "proportional")
        ours = best_of(lambda given=given: _kernel.sweep(*given)) * CANDLES / count
        named = f"density, per 100k of {count:,} candles"
        results.append(Result(named, ours, hundred, f"{count:,} candles scaled to {CANDLES:,}", "our own 100k"))
    results.append(_app_map())
    return results


def _app_map() -> Result:
    """Time the whole map as an app recomputes it: 2,700 hourly candles, the last 1,000 shown, full closing."""
    from heatlab.liquidation import liquidation_map

    candles = markets.candles(2700)
    interest: pd.DataFrame = markets.open_interest(candles)
    since = candles.index[-1000]
    shape = liquidation_map(candles, interest, since=since).long.shape
    ours = best_of(lambda: liquidation_map(candles, interest, since=since))
    return Result("density, app map", ours, None, f"{shape[1]:,} columns x {shape[0]} bins", "bar 30 ms")
