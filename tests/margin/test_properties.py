"""What must hold for every position: definitions, order, monotony, conservation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.domain import LendingPosition, LendingReserve
from heatlab.margin import (
    aave,
    binance,
    bracket_table,
    bybit,
    default_brackets,
    hyperliquid,
    inverse_equity,
    linear_equity,
    liquidation_price,
    liquidation_ratio,
    maintenance_margin,
    margin_after_funding,
    maximum_leverage,
    okx,
)

settings.register_profile("margin", max_examples=60, deadline=None)
QUICK = settings.get_profile("margin")
TABLE = default_brackets()
COIN_TABLE = bracket_table([5.0, 10.0, 20.0, 50.0, np.inf], [0.004, 0.005, 0.01, 0.025, 0.05])
SIDES = st.sampled_from([1, -1])
PRICES = st.floats(0.01, 1e5)
NOTIONALS = st.floats(10.0, 2e8)
LEVERAGES = st.floats(1.5, 20.0)
VENUES = st.sampled_from(["binanceusdm", "bybit", "okx", "gate", "hyperliquid"])


@QUICK
@given(SIDES, NOTIONALS, PRICES, st.floats(0.02, 0.9))
def test_equity_at_the_price_is_the_maintenance_margin(side: int, notional: float, entry: float, share: float) -> None:
    """Binance and tiered Hyperliquid: with the bracket of the notional at that price."""
    quantity, own = notional / entry, notional * share
    price = binance.linear_liquidation_price(side, quantity, entry_price=entry, wallet_balance=own, brackets=TABLE)
    tiered = hyperliquid.liquidation_price(side, quantity, entry_price=entry, margin=own, brackets=TABLE)
    left = linear_equity(side, quantity, entry_price=entry, price=price, margin=own)
    needed = maintenance_margin(quantity * price, TABLE)
    assert tiered == price
    assert price == 0 or left == pytest.approx(needed, abs=1e-9 * notional)


@QUICK
@given(SIDES, st.floats(100.0, 5e6), PRICES, st.floats(0.05, 0.9))
def test_inverse_equity_at_the_price_is_the_maintenance_margin(
    side: int, worth: float, entry: float, share: float
) -> None:
    """Binance coin-margined, in coin, bracket by bracket."""
    value = worth / entry
    price = binance.inverse_liquidation_price(
        side, worth, contract_size=1.0, entry_price=entry, wallet_balance=value * share, brackets=COIN_TABLE
    )
    if np.isfinite(price):
        left = inverse_equity(side, worth, entry_price=entry, price=price, margin=value * share)
        assert left == pytest.approx(maintenance_margin(worth / price, COIN_TABLE), abs=1e-9 * value)


@QUICK
@given(SIDES, NOTIONALS, PRICES, LEVERAGES, st.floats(0.001, 0.04))
def test_the_other_venues_keep_their_definitions(
    side: int, notional: float, entry: float, leverage: float, rate: float
) -> None:
    """Bybit: margin at the entry value. OKX: plus the fee of closing. Hyperliquid: half the margin of its maximum."""
    quantity, own, fee = notional / entry, notional / leverage, 0.0005
    slack = 1e-9 * notional
    price = bybit.linear_liquidation_price(side, quantity, entry_price=entry, leverage=leverage, rate=rate)
    left = linear_equity(side, quantity, entry_price=entry, price=price, margin=own)
    assert left == pytest.approx(notional * rate, abs=slack)
    price = okx.linear_liquidation_price(side, quantity, entry_price=entry, margin=own, rate=rate, taker_fee=fee)
    left = linear_equity(side, quantity, entry_price=entry, price=price, margin=own)
    assert left == pytest.approx(quantity * price * (rate + fee), abs=slack)
    price = hyperliquid.liquidation_price(side, quantity, entry_price=entry, margin=own, max_leverage=50)
    left = linear_equity(side, quantity, entry_price=entry, price=price, margin=own)
    assert left == pytest.approx(quantity * price * 0.01, abs=slack)


@QUICK
@given(SIDES, st.floats(100.0, 5e6), PRICES, st.floats(1.5, 20.0), st.floats(0.001, 0.02))
def test_bybits_newer_inverse_price_keeps_its_definition(
    side: int, worth: float, entry: float, leverage: float, rate: float
) -> None:
    """Equity in coin is the rate of the value AT the price."""
    price = bybit.inverse_liquidation_price(side, worth, entry_price=entry, leverage=leverage, rate=rate)
    own = worth / entry / leverage
    left = inverse_equity(side, worth, entry_price=entry, price=price, margin=own)
    assert left == pytest.approx(rate * worth / price, abs=1e-9 * worth / entry)


@QUICK
@given(VENUES, st.floats(10.0, 2e8), st.floats(1.0, 60.0))
def test_a_long_ends_below_and_a_short_above_its_entry(venue: str, notional: float, leverage: float) -> None:
    """Wherever the venue lets the position be opened."""
    low, high = liquidation_ratio([1, -1], leverage, venue=venue, brackets=TABLE, notional=notional)
    if leverage > maximum_leverage(notional, TABLE):
        assert np.isnan(low)
        assert np.isnan(high)
    else:
        assert 0 <= low < 1 < high


@QUICK
@given(VENUES, NOTIONALS, st.lists(st.floats(1.0, 125.0), min_size=2, max_size=8))
def test_more_leverage_is_never_safer(venue: str, notional: float, leverages: list[float]) -> None:
    """The ratio of a long rises with leverage, that of a short falls."""
    times = np.sort(leverages)
    low = liquidation_ratio("long", times, venue=venue, brackets=TABLE, notional=notional)
    high = liquidation_ratio("short", times, venue=venue, brackets=TABLE, notional=notional)
    assert (np.diff(low[~np.isnan(low)]) >= -1e-12).all()
    assert (np.diff(high[~np.isnan(high)]) <= 1e-12).all()


@QUICK
@given(st.lists(st.tuples(st.floats(10.0, 1e6), st.floats(0.0005, 0.05)), min_size=2, max_size=8))
def test_the_maintenance_margin_is_continuous_at_borders(steps: list[tuple[float, float]]) -> None:
    """Just below and at each border it is the same."""
    caps, rates = np.cumsum([step for step, _ in steps]), np.cumsum([rise for _, rise in steps])
    table = bracket_table(caps, rates)
    below = maintenance_margin(caps[:-1] * (1 - 1e-13), table)
    at = maintenance_margin(caps[:-1], table)
    assert at == pytest.approx(below, rel=1e-9)


@QUICK
@given(VENUES, SIDES, st.floats(1e3, 1e6), LEVERAGES, st.floats(1e-6, 1e-3), st.integers(1, 20))
def test_paying_funding_moves_the_price_toward_the_mark(
    venue: str, side: int, notional: float, leverage: float, rate: float, settlements: int
) -> None:
    """Paying never helps and earning never hurts."""
    quantity, entry = notional / 100.0, 100.0
    own = notional / leverage
    paid = margin_after_funding(
        side, quantity, margin=own, funding_rate=np.full(settlements, side * rate), mark_price=entry
    )
    margins = np.concatenate(([own], paid))
    prices = liquidation_price(side, quantity, venue=venue, entry_price=entry, brackets=TABLE, margin=margins)
    assert (np.diff(np.abs(prices - entry)) <= 1e-9).all()


RESERVES = st.lists(
    st.tuples(PRICES, st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.floats(0.1, 0.95)), min_size=1, max_size=5
)


def lend(rows: list[tuple[float, float, float, float]], *, scale: float = 1.0) -> LendingPosition:
    """Account of (price, collateral, debt, threshold) rows, prices scaled."""
    reserves = [
        LendingReserve(str(place), price * scale, collateral, debt, threshold)
        for place, (price, collateral, debt, threshold) in enumerate(rows)
    ]
    return LendingPosition("1", "aave_v3", tuple(reserves))


@QUICK
@given(RESERVES, st.floats(1e-3, 1e3))
def test_the_health_factor_has_no_currency(rows: list[tuple[float, float, float, float]], scale: float) -> None:
    """Prices in another currency leave it as it is."""
    factor = aave.summary(lend(rows)).health_factor
    assert aave.summary(lend(rows, scale=scale)).health_factor == pytest.approx(factor, rel=1e-9)


@QUICK
@given(RESERVES)
def test_health_is_one_at_the_price_of_each_asset(rows: list[tuple[float, float, float, float]]) -> None:
    """Definition check for falling and rising lines alike, where the line is not swamped by rounding."""
    for place, (_, collateral, debt, threshold) in enumerate(rows):
        price = aave.liquidation_price(lend(rows), str(place))
        moved = [*rows]
        moved[place] = (price, collateral, debt, threshold)
        if np.isfinite(price) and price > 0:
            after = lend(moved).reserves
            owed = sum(reserve.debt * reserve.price for reserve in after)
            backed = sum(reserve.collateral * reserve.price * reserve.liquidation_threshold for reserve in after)
            weight = abs(collateral * threshold - debt) / (collateral * threshold + debt)
            assert backed == pytest.approx(owed, rel=1e-9 / max(weight, 1e-9), abs=1e-6)


@QUICK
@given(st.floats(1.0, 1e7), PRICES, PRICES, st.floats(1e-3, 1e6), st.floats(1.0, 1.2), st.floats(0.0, 0.5))
def test_a_seizure_loses_nothing(
    debt: float, owed_price: float, price: float, balance: float, bonus: float, fee: float
) -> None:
    """What is seized goes to liquidator and protocol, is worth the debt plus the bonus, and fits the balance."""
    result = aave.seize(
        debt,
        debt_price=owed_price,
        collateral_price=price,
        collateral_balance=balance,
        liquidation_bonus=bonus,
        protocol_fee=fee,
    )
    assert result.collateral_to_liquidator + result.protocol_fee == pytest.approx(result.collateral_seized)
    assert result.collateral_seized * price == pytest.approx(result.debt_repaid * owed_price * bonus)
    assert result.collateral_seized <= balance
    assert result.debt_repaid <= debt * (1 + 1e-12)


@QUICK
@given(st.floats(0.9, 0.999), st.floats(0, 1e5), st.floats(0.01, 1e5), st.floats(0, 1e5))
def test_a_remainder_is_never_dust(health: float, collateral: float, debt: float, more: float) -> None:
    """What is left of a debt is nothing or at least 1,000."""
    most = aave.liquidatable_debt(health, reserve_collateral=collateral, reserve_debt=debt, total_debt=debt + more)
    left = debt - most
    assert 0 < most <= debt
    assert left == 0 or left >= 1_000 - 1e-6
