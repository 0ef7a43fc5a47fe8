"""Scenarios from a source."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
import pytest

from heatlab.apps.scenarios import available_scenarios, scenario_candles
from heatlab.errors import DataError
from heatlab.portfolio.stress.scenario import NAMED, Scenario
from heatlab.sources import FolderSource, SimulatedSource

DAY = Scenario("a day", pd.Timestamp("2025-06-01", tz="UTC"), pd.Timestamp("2025-06-02", tz="UTC"))


def test_a_simulated_market_offers_its_worst_day_and_week() -> None:
    """No day of the real market is among them."""
    offered = available_scenarios(SimulatedSource(7))
    assert [one.hours for one in offered] == [24, 168]


def test_candles_of_the_window_come_for_benchmark_and_book() -> None:
    """A symbol the source does not know is left to its beta; progress is told."""
    source, told = SimulatedSource(7), []
    book = source.positions().iloc[[1, 6]]
    book = pd.concat([book, book.iloc[:1].assign(symbol="NEW/USDT:USDT")])
    found = scenario_candles(source, book, DAY, progress=lambda *one: told.append(one))
    assert set(found) == {
        ("binanceusdm", "BTC/USDT:USDT"), ("binanceusdm", "ETH/USDT:USDT"), ("okx", "LINK/USDT:USDT"),
    }  # fmt: skip
    assert {len(table) for table in found.values()} == {24}
    assert [one[:2] for one in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_cancelled_load_says_so() -> None:
    """Nothing half loaded is shown."""
    source, cancel = SimulatedSource(7), threading.Event()
    cancel.set()
    with pytest.raises(DataError, match="was cancelled"):
        scenario_candles(source, source.positions(), DAY, cancel=cancel)
    assert available_scenarios(source, cancel=cancel)


@pytest.mark.market
def test_the_real_folder_offers_all_five_days(market_dir: Path) -> None:
    """Their candles are found by the benchmark's symbol."""
    assert available_scenarios(FolderSource(market_dir))[:5] == NAMED
