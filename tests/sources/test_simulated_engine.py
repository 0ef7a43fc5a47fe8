"""The engine of the simulated market on small worlds made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from heatlab.sources.simulated import engine

STEPS, FALL = 2_000, 400
MINUTE_MS = 60_000


def run(*, impact: float, fall: float = -0.09) -> tuple[np.ndarray, np.ndarray, engine.Ledger]:
    """One-minute steps at a price of 100, accounts at 10x alone, one sudden fall; price, lots and ledger."""
    shock = np.zeros(STEPS)
    shock[:FALL] = 0.002 * np.random.default_rng(1).standard_normal(FALL)
    shock[FALL] = fall
    step = np.arange(STEPS)
    target = np.where(step % 10 == 0, 25 * np.minimum(step, FALL), -1)
    ratios = np.stack([np.full((1, 2), 0.91), np.full((1, 2), 1.09)])
    rules = engine.Rules(
        seed=3,
        cross_share=0.0,
        mean_life_ms=1e12,
        impact=impact,
        linear_below=0.01,
        impact_half_life_hours=1.0,
        reversion_per_hour=0.0,
        take_profit_share=0.7,
        deleveraging_per_hour=0.01,
        daily_volume_lots=50_000.0,
        largest_lots=100,
    )
    ledger, price, lots = engine.empty_ledger(20_000), np.empty(STEPS), np.empty(STEPS, dtype=np.int64)
    used = engine.simulate(
        shock,
        np.full(STEPS, np.log(100.0)),
        np.full(STEPS, 1 / 60),
        np.arange(STEPS) * MINUTE_MS,
        target,
        np.ones((2, 1)),
        ratios,
        rules,
        ledger,
        engine.empty_book(),
        price,
        lots,
    )
    return price, lots, engine.first_rows(ledger, used)


def forced(ledger: engine.Ledger) -> int:
    """Lots liquidated in the step of the fall."""
    chosen = (ledger.reason == engine.LIQUIDATED) & (ledger.closed == FALL * MINUTE_MS)
    return int(ledger.lots[chosen].sum())


def test_forced_orders_push_the_price_and_it_recovers() -> None:
    """With impact the fall is deeper at once, and the difference is gone a day later."""
    calm, _, _ = run(impact=0.0)
    pushed, _, _ = run(impact=0.02)
    before = pushed[FALL - 1] / calm[FALL - 1]
    assert pushed[FALL] / calm[FALL] < before
    assert abs(pushed[-1] / calm[-1] - 1) < 1e-3


def test_impact_makes_a_cascade() -> None:
    """The same fall liquidates more where forced orders move the price."""
    assert forced(run(impact=0.05)[2]) > forced(run(impact=0.0)[2]) > 0


def test_a_larger_fall_never_liquidates_less() -> None:
    """Forced lots grow with the shock."""
    lots = [forced(run(impact=0.02, fall=fall)[2]) for fall in (-0.01, -0.08, -0.09, -0.12)]
    assert lots == sorted(lots)


def test_open_lots_of_both_sides_are_counted() -> None:
    """At the end the ledger's open longs and shorts each equal the last open interest."""
    _, lots, ledger = run(impact=0.02)
    for side in (0, 1):
        alive = (ledger.side == side) & (ledger.closed == engine.NEVER)
        assert ledger.lots[alive].sum() == lots[-1]
    assert ledger.lots.max() <= 100


def test_running_out_of_room_is_an_error() -> None:
    """A ledger too small is refused, not overwritten."""
    with pytest.raises(ValueError, match="ran out of room"):
        engine.simulate(
            np.zeros(5),
            np.zeros(5),
            np.full(5, 1.0),
            np.arange(5),
            np.full(5, 1_000),
            np.ones((2, 1)),
            np.ones((2, 1, 2)),
            engine.Rules(1, 0.0, 1e12, 0.0, 0.01, 1.0, 0.0, 0.7, 0.01, 1e4, 10),
            engine.empty_ledger(3),
            engine.empty_book(),
            np.empty(5),
            np.empty(5, dtype=np.int64),
        )


def test_autoregression_has_unit_variance_and_the_wanted_memory() -> None:
    """Variance 1 and lag-one correlation ``keep``."""
    path = engine.autoregress(np.random.default_rng(2).standard_normal(200_000), 0.9)
    assert path.std() == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(path[1:], path[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)
