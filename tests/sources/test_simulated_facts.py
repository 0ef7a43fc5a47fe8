"""The simulated market has the stylised facts of real ones, within ranges measured on real data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.sources import stylised
from tests.sources.simulated_world import BTC, world

RANGES: dict[str, list[float]] = json.loads(
    (Path(__file__).parents[1] / "data" / "stylised_facts.json").read_text(encoding="utf-8")
)["ranges"]
SYMBOLS = [instrument.symbol for instrument in world().instruments()]


def outside(facts: dict[str, float]) -> dict[str, tuple[float, list[float]]]:
    """Facts that leave their range."""
    return {
        name: (value, RANGES[name]) for name, value in facts.items() if not RANGES[name][0] <= value <= RANGES[name][1]
    }


@pytest.mark.parametrize("year", [0, 1])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_candles_of_each_year_lie_within_the_real_ranges(symbol: str, year: int) -> None:
    """Volatility, fat tails, clustering and sessions of every coin-year."""
    candles = world().candles(symbol, "1h").iloc[year * 8_760 : (year + 1) * 8_760]
    assert outside(stylised.candle_facts(candles)) == {}


def test_coins_move_together_as_real_ones_do() -> None:
    """Correlations of hourly returns: every pair lies within the real range."""
    closes = {symbol: world().candles(symbol, "1h")["close"] for symbol in SYMBOLS}
    pairs = stylised.correlations(closes)
    low, high = RANGES["pairwise_correlation"]
    assert low <= min(pairs)
    assert max(pairs) <= high


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_funding_has_the_real_sign_and_size(symbol: str) -> None:
    """Mean, spread and share of positive rates of every coin."""
    assert outside(stylised.funding_facts(world().funding(symbol)["funding_rate"])) == {}


def test_most_liquidated_value_is_long() -> None:
    """The long share lies within the range of real months, for Bitcoin and for all coins together."""
    totals = np.zeros(2)
    for symbol in SYMBOLS:
        events = world().liquidations(symbol)
        sides = events["notional"].groupby(events["side"]).sum()
        totals += [sides[1], sides[-1]]
        if symbol == BTC:
            assert outside({"long_share_of_liquidations_30d": sides[1] / sides.sum()}) == {}
    assert outside({"long_share_of_liquidations_30d": totals[0] / totals.sum()}) == {}


@pytest.mark.market
def test_the_ranges_are_those_of_the_real_data(market_dir: Path) -> None:
    """Measuring again gives the numbers on file."""
    measured = stylised.real_ranges(market_dir)
    assert measured.keys() == RANGES.keys()
    for name, (low, high) in measured.items():
        assert RANGES[name] == pytest.approx([low, high], rel=1e-4, abs=1e-7), name
