"""Against real tables and accounts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatlab import frames
from heatlab.margin import aave, from_ccxt, liquidated_side, maintenance_amounts

pytestmark = pytest.mark.market


def test_every_published_maintenance_amount_is_rebuilt(market_dir: Path) -> None:
    """Three snapshots of all Binance symbols: exact but for the last bit."""
    tiers = pd.read_parquet(market_dir / "leverage_tiers" / "binanceusdm_leverage_tiers.parquet")
    wrong = 0
    for _, rows in tiers.sort_values("tier").groupby(["snapshot", "symbol"]):
        rebuilt = maintenance_amounts(rows["max_notional"].to_numpy(), rows["maintenance_margin_rate"].to_numpy())
        wrong += int((~np.isclose(rebuilt, rows["maintenance_amount"].to_numpy(), rtol=1e-14, atol=1e-9)).sum())
    assert len(tiers) > 1_000
    assert wrong == 0


def test_every_ccxt_table_is_read(market_dir: Path) -> None:
    """Each symbol gives canonical brackets whose amounts are the venue's and follow from continuity."""
    with gzip.open(
        market_dir / "leverage_tiers" / "binance_leverage_tiers_ccxt.json.gz", "rt", encoding="utf-8"
    ) as file:
        listed = json.load(file)
    for symbol, tiers in listed.items():
        table = frames.check(from_ccxt(tiers), frames.BRACKETS)
        bare = from_ccxt([{**tier, "info": {}} for tier in tiers])
        assert table["maintenance_amount"].tolist() == [float(tier["info"]["cum"]) for tier in tiers], symbol
        assert bare["maintenance_amount"].to_numpy() == pytest.approx(
            table["maintenance_amount"].to_numpy(), rel=1e-8, abs=1e-6
        )


@pytest.mark.parametrize("name", ["positions_v3_steth_2023-06", "positions_v3_steth_stabledebt_2023-06"])
def test_the_contracts_health_factor_and_borrows(market_dir: Path, name: str) -> None:
    """As the protocol returned them for each account."""
    accounts = pd.read_parquet(market_dir / "aave" / f"{name}.parquet")
    numbers = {
        key: accounts[key].to_numpy(dtype=float) for key in ("collateral", "debt", "threshold", "ltv", "healthf")
    }
    backing, debt = numbers["collateral"], numbers["debt"]
    factor = aave.health_factor(backing, debt, liquidation_threshold=numbers["threshold"] / 1e4)
    assert factor == pytest.approx(numbers["healthf"], rel=1e-9)
    recorded = pd.to_numeric(accounts["available_borrow"], errors="coerce").to_numpy(dtype=float) / 1e8
    free = aave.available_borrows(backing, debt, loan_to_value=numbers["ltv"] / 1e4)
    assert free == pytest.approx(recorded, rel=1e-8, abs=1e-6, nan_ok=False)


def test_forced_orders_name_the_side_of_the_position(market_dir: Path) -> None:
    """The recorded prints agree with the convention, row by row."""
    prints = pd.read_parquet(market_dir / "liquidations" / "binance_forceorder_prints.parquet")
    pairs = prints[["order_side", "position_side"]].drop_duplicates().to_numpy()
    assert len(pairs) == 2
    for order, position in pairs:
        assert liquidated_side("binanceusdm", "forceOrder", side=order).label == position
