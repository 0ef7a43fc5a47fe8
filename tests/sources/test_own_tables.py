"""A table handed out belongs to the caller: changing it never shows in what the source hands out next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.sources import FolderSource, WithPositions
from heatlab.sources.base import MarketSource
from heatlab.sources.simulated import SimulatedSource
from tests.sources.folders import at, bars, save
from tests.sources.simulated_world import BTC, world

Ask = Callable[[Any], pd.DataFrame]

TABLES: dict[str, Ask] = {
    "candles": lambda source: source.candles(BTC, "1h"),
    "last candles": lambda source: source.candles(BTC, "1h", limit=10),
    "built candles": lambda source: source.candles(BTC, "4h"),
    "open interest": lambda source: source.open_interest(BTC),
    "open interest as it stands": lambda source: source.open_interest(BTC, timeframe="1m"),
    "funding": lambda source: source.funding(BTC),
    "liquidations": lambda source: source.liquidations(BTC),
    "order book": lambda source: source.order_book(BTC),
    "part of the order book": lambda source: source.order_book(BTC, depth=1),
    "brackets": lambda source: source.brackets(BTC),
    "positions": lambda source: source.positions(),
    "positions of a venue": lambda source: source.positions(venue="okx"),
}
TRUTHS: dict[str, Ask] = {
    "accounts": lambda source: source.accounts(BTC),
    "account history": lambda source: source.account_history(BTC),
    "mixture": lambda source: source.truth_mixture(BTC),
    "premium": lambda source: source.premium(BTC).to_frame(),
}


@pytest.fixture
def folder(tmp_path: Path) -> FolderSource:
    """A folder with one file of every kind."""
    stamps = [at(f"2026-01-05 0{hour}:00") for hour in range(5)]
    name = {"exchange": "okx", "symbol": BTC}
    save(bars(48, price=60_000).assign(**name), tmp_path / "candles" / "okx_BTC_1h.parquet")
    tables = {
        "oi": {"open_interest": 5.0, "open_interest_value": 300_000.0},
        "funding": {"funding_rate": 1e-4},
        "liquidations": {"side": "long", "price": 60_000.0, "quantity": 1.0, "notional": 60_000.0},
    }
    for kind, columns in tables.items():
        save(pd.DataFrame({"timestamp": stamps, **name, **columns}), tmp_path / kind / "okx_BTC.parquet")
    book = {"side": ["bid", "bid", "ask", "ask"], "price": [9.0, 8.0, 11.0, 12.0], "amount": 1.0}
    save(pd.DataFrame({"timestamp": stamps[0], **name, **book}), tmp_path / "books" / "okx_BTC.parquet")
    brackets = {"notional_floor": [0.0, 1e6], "notional_cap": [1e6, 5e6], "maintenance_margin_rate": [0.004, 0.01]}
    more = {"maintenance_amount": [0.0, 6000.0], "max_leverage": [100.0, 50.0]}
    save(pd.DataFrame({**name, **brackets, **more}), tmp_path / "tiers" / "okx_BTC.parquet")
    return FolderSource(tmp_path)


def spoil(table: pd.DataFrame) -> None:
    """Change every value, label and name of a table in place."""
    for column in table.columns:
        table.loc[:, column] = table[column].iloc[::-1].array
        if table[column].dtype.kind == "f":
            table.iloc[:, table.columns.get_loc(column)] = -1.0
    table["spoilt"] = np.arange(len(table))
    for label in table.attrs.values():
        if isinstance(label, dict):
            label.clear()
    table.attrs["venue"] = table.attrs["spoilt"] = "spoilt"
    table.index.name = table.columns.name = "spoilt"


def assert_own(ask: Ask, source: MarketSource) -> None:
    """Ask, spoil, ask again: the second answer is the first one."""
    first = ask(source)
    kept, labels = first.copy(deep=True), first.copy(deep=True).attrs
    spoil(first)
    again = ask(source)
    pd.testing.assert_frame_equal(again, kept, check_exact=True, check_freq=False)
    assert again.attrs == labels


@pytest.mark.parametrize("ask", TABLES.values(), ids=TABLES)
def test_a_folder_keeps_what_it_holds(folder: FolderSource, ask: Ask) -> None:
    """Tables kept in memory are never handed out themselves."""
    assert_own(ask, folder)


@pytest.mark.parametrize("ask", (TABLES | TRUTHS).values(), ids=TABLES | TRUTHS)
def test_the_simulated_market_keeps_what_it_made(ask: Ask) -> None:
    """So are the tables of the simulated market, the truth among them."""
    source: SimulatedSource = world()
    assert_own(ask, source)


def test_positions_carried_along_are_kept(folder: FolderSource) -> None:
    """Neither the table given nor the one handed out leads back to what is carried."""
    row = {
        "symbol": BTC,
        "venue": "okx",
        "side": 1,
        "quantity": 1.0,
        "entry_price": 60_000.0,
        "margin_mode": "isolated",
    }
    numbers = {"mark_price": np.nan, "leverage": 10.0, "margin": np.nan, "liquidation_price": np.nan}
    given = pd.DataFrame([{**row, **numbers}])
    source = WithPositions(folder, given)
    given.loc[0, "quantity"] = 5.0
    assert source.positions()["quantity"].tolist() == [1.0]
    assert_own(TABLES["positions"], source)
    assert_own(TABLES["positions of a venue"], source)
    assert_own(TABLES["brackets"], source)
