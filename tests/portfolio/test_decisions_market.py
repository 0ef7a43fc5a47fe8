"""Decisions on real data: whatever coins and dates the folder holds, shares, prices and fates are consistent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import MarginMode, Side
from heatlab.portfolio.measure import risk_view
from heatlab.portfolio.orders.apply import ProposedOrder
from heatlab.portfolio.orders.pretrade import pretrade_check
from heatlab.portfolio.orders.remedies import cluster_options
from heatlab.portfolio.strategies.compare import compare_strategies
from heatlab.portfolio.strategies.verdict import CompareSettings
from heatlab.sources import FolderSource
from tests.portfolio.markets import positions

pytestmark = pytest.mark.market
MOST = 8
Candles = dict[tuple[str, str, str], pd.DataFrame]


@pytest.fixture(scope="module")
def world(market_dir: Path) -> tuple[pd.DataFrame, Candles, pd.Timestamp]:
    """Longs of equal value in the folder's first perpetuals with current hourly bars, and their bars."""
    source = FolderSource(market_dir)
    now, candles, rows = source.now(), {}, []
    venue = source.venues()[0]
    for item in source.instruments(venue):
        if ":" not in item.symbol or "1h" not in source.timeframes(item.symbol, venue=venue) or len(rows) == MOST:
            continue
        bars = source.candles(item.symbol, "1h", venue=venue, start=now - pd.Timedelta(days=400))
        if len(bars) > 24 * 40 and bars.index[-1] >= now - pd.Timedelta(days=2):
            candles[venue, item.symbol, "1h"] = bars
            mark = float(bars["close"].iloc[-1])
            rows.append((item.symbol, venue, 1, 10_000 / mark, mark, mark, 5.0, "cross"))
    if len(rows) < 3:
        pytest.skip("fewer than three perpetuals with current hourly bars")
    return positions(*rows, wallets={venue: 9_000.0}), candles, now


def test_options_of_the_largest_cluster_are_priced_and_measured(
    world: tuple[pd.DataFrame, Candles, pd.Timestamp],
) -> None:
    """Every offered option costs a known positive amount, and shares after it sum to one."""
    held, candles, now = world
    view = risk_view(held, candles, now=now)
    for option in cluster_options(view, int(view.cluster_shares["cluster"].iloc[0]), candles=candles):
        if option.offered:
            assert option.cost > 0
            assert (option.orders["quantity"] > 0).all()
        if len(option.after.clusters):
            assert option.after.clusters["gross_share"].sum() == pytest.approx(1.0)


def test_a_check_finds_every_position_of_the_account_nearer_to_liquidation(
    world: tuple[pd.DataFrame, Candles, pd.Timestamp],
) -> None:
    """A larger long of one leaves less margin for all."""
    held, candles, now = world
    symbol, venue = held[["symbol", "venue"]].iloc[0]
    order = ProposedOrder(symbol, venue, Side.LONG, notional=50_000.0, leverage=5.0, margin_mode=MarginMode.CROSS)
    got = pretrade_check(order, held, measure=lambda table: risk_view(table, candles, now=now), candles=candles)
    assert len(got.distances) == len(held)
    assert (got.distances["distance_after"] < got.distances["distance_before"]).all()


def test_a_comparison_follows_both_books_over_the_same_hours(
    world: tuple[pd.DataFrame, Candles, pd.Timestamp],
) -> None:
    """Returns at 1x are those of the closes; what is liquidated has lost all."""
    held, candles, now = world
    first, second = held.iloc[:1], held.iloc[1:].reset_index(drop=True)
    settings = CompareSettings(resamples=200)
    got = compare_strategies(first, second, candles, now=now, settings=settings)
    closes = candles[held["venue"].iloc[0], held["symbol"].iloc[0], "1h"]["close"]
    bars = closes[(closes.index >= got.start) & (closes.index < got.end)]
    assert got.outcomes["return"].iloc[0] == pytest.approx(bars.iloc[-1] / bars.iloc[0] - 1)
    lost = got.outcomes["liquidated_at"].notna()
    assert (got.outcomes.loc[lost, "return"] == -1.0).all()
    assert np.isfinite(got.outcomes["volatility"]).all()
