"""The accounts of the simulated market: conservation, exact liquidation prices, and cascades."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import margin
from heatlab.errors import ParameterError
from tests.sources.simulated_world import AAVE, BTC, ETH, SOL, world

SYMBOLS = (BTC, ETH, SOL, AAVE)
START, NOW = pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2026-01-31", tz="UTC")
LOTS = {BTC: 0.001, ETH: 0.01, SOL: 0.1, AAVE: 0.1}


@given(hour=st.integers(0, 730 * 24), symbol=st.sampled_from(SYMBOLS))
@settings(max_examples=40, deadline=None)
def test_longs_and_shorts_each_equal_the_open_interest(hour: int, symbol: str) -> None:
    """Every contract has one long and one short: lots agree exactly at every stamp."""
    at = START + pd.Timedelta(hours=hour)
    accounts = world().accounts(symbol, at=at)
    lots = (accounts["quantity"] / LOTS[symbol]).round().astype("int64").groupby(accounts["side"]).sum()
    open_interest = world().open_interest(symbol).loc[at, "open_interest"]
    assert lots[1] == lots[-1] == round(open_interest / LOTS[symbol])


@given(share=st.floats(0, 1), symbol=st.sampled_from(SYMBOLS))
@settings(max_examples=25, deadline=None)
def test_sides_balance_between_the_stamps_too(share: float, symbol: str) -> None:
    """Forced orders find their other side at once, so the balance holds at any millisecond."""
    accounts = world().accounts(symbol, at=(START + share * (NOW - START)).floor("ms"))
    lots = (accounts["quantity"] / LOTS[symbol]).round().astype("int64").groupby(accounts["side"]).sum()
    assert lots[1] == lots[-1]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_liquidations_fire_only_where_the_candle_reached(symbol: str) -> None:
    """The candle of each event holds the account's liquidation price, hour by hour and minute by minute."""
    events = world().liquidations(symbol)
    for timeframe, unit in (("1h", "h"), ("1m", "min")):
        candles = world().candles(symbol, timeframe)
        part = events[events.index >= candles.index[0]]
        bars = candles.reindex(part.index.floor(unit))
        assert (part["price"].to_numpy() >= bars["low"].to_numpy()).all()
        assert (part["price"].to_numpy() <= bars["high"].to_numpy()).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_account_lives_beyond_its_liquidation_price(symbol: str) -> None:
    """From the bar after its opening to the bar before its end, no candle's range reaches a living account's price."""
    history, candles = world().account_history(symbol), world().candles(symbol, "1h")
    hours = candles.index
    first = hours.searchsorted(history["opened"].dt.ceil("h"))
    last = hours.searchsorted(history["closed"].fillna(NOW).dt.floor("h"))
    for side, column, reduce in ((1, "low", np.minimum), (-1, "high", np.maximum)):
        chosen = (history["side"] == side).to_numpy() & (last > first)
        values = np.r_[candles[column].to_numpy(), candles[column].iloc[-1]]
        pairs = np.c_[first[chosen], last[chosen]].ravel()
        extreme = reduce.reduceat(values, pairs)[::2]
        price = history["liquidation_price"].to_numpy()[chosen]
        # candles are rounded outwards to the tick, so the range may overshoot the path by up to one tick
        tick = 10.0 ** -next(i for i in range(9) if np.allclose(values, values.round(i), rtol=0, atol=1e-9))
        assert (side * (extreme - price) > -tick * 1.001).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_isolated_accounts_have_the_venues_liquidation_price(symbol: str) -> None:
    """The price is the exact formula at the nominal leverage for a trade in the first bracket."""
    accounts = world().accounts(symbol)
    isolated = accounts[accounts["margin_mode"] == "isolated"]
    ratio = margin.liquidation_ratio(
        isolated["side"].to_numpy(),
        isolated["leverage"].to_numpy(),
        venue="binanceusdm",
        brackets=world().brackets(symbol),
        notional=5_000.0,
    )
    np.testing.assert_allclose(isolated["liquidation_price"], isolated["entry_price"] * ratio, rtol=1e-13)
    notional = isolated["quantity"] * isolated["entry_price"]
    np.testing.assert_allclose(isolated["margin"], notional / isolated["leverage"], rtol=1e-12)


def test_cross_accounts_are_liquidated_further_away() -> None:
    """The free balance behind a cross account moves its price away from the isolated one of the same tier."""
    accounts = world().accounts(BTC)
    accounts["distance"] = (1 - accounts["liquidation_price"] / accounts["entry_price"]).abs()
    means = accounts[accounts["leverage"] == 10].groupby(["side", "margin_mode"])["distance"].mean().unstack()
    assert (means["cross"] > 3 * means["isolated"]).all()


@pytest.mark.parametrize("symbol", [BTC, AAVE])
def test_opened_quantity_follows_the_true_mixture(symbol: str) -> None:
    """Shares of the tiers among opened accounts are those the source names as truth, cut at the venue's maximum."""
    history, truth = world().account_history(symbol), world().truth_mixture(symbol)
    np.testing.assert_allclose(truth.sum(), 1.0, rtol=1e-12)
    for side, column in ((1, "long"), (-1, "short")):
        opened = history[history["side"] == side].groupby("leverage")["quantity"].sum()
        shares = (opened / opened.sum()).reindex(truth.index).fillna(0.0)
        np.testing.assert_allclose(shares, truth[column], atol=0.015)
    assert history["leverage"].max() == world().brackets(symbol)["max_leverage"].max()
    cross = (history["margin_mode"] == "cross").mean()
    assert cross == pytest.approx(world().truth_cross_share, abs=0.01)


def test_quiet_accounts_leave_with_the_true_half_life() -> None:
    """2x longs are never liquidated: only profit-taking shortens their holding times below the true half-life."""
    history = world().account_history(BTC)
    calm = history[(history["leverage"] == 2) & (history["side"] == 1) & (history["close_reason"] == "closed")]
    median = (calm["closed"] - calm["opened"]).median()
    assert 0.7 < median / world().truth_half_life < 1.1


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_events_are_the_liquidated_accounts(symbol: str) -> None:
    """The liquidation table and the account history tell the same story."""
    history, events = world().account_history(symbol), world().liquidations(symbol)
    gone = history[history["close_reason"] == "liquidated"]
    assert len(gone) == len(events)
    assert gone["quantity"].sum() == pytest.approx(events["quantity"].sum(), rel=1e-12)
    np.testing.assert_allclose(events["notional"], events["price"] * events["quantity"], rtol=1e-15)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_cascades_happen(symbol: str) -> None:
    """In the worst hour at least 5 % of the open interest is liquidated, and rarely: a usual hour has next to none."""
    events, interest = world().liquidations(symbol), world().open_interest(symbol)["open_interest_value"]
    hourly = events["notional"].groupby(events.index.floor("h")).sum()
    share = (hourly / interest.reindex(hourly.index)).reindex(interest.index[:-1]).fillna(0.0)
    assert share.max() > 0.05
    assert share.median() < 0.002


def test_accounts_outside_the_data_are_refused() -> None:
    """The truth is known from the first to the last stamp only."""
    with pytest.raises(ParameterError, match=r"'at' parameter of SimulatedSource\.accounts must be in"):
        world().accounts(BTC, at=NOW + pd.Timedelta(hours=1))
