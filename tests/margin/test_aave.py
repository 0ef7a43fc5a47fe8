"""Aave v3: published and hand-derived accounts."""

from __future__ import annotations

import numpy as np
import pytest

from heatlab.domain import LendingPosition, LendingReserve
from heatlab.errors import ParameterError
from heatlab.margin import aave


def account(*reserves: LendingReserve) -> LendingPosition:
    return LendingPosition("1", "aave_v3", reserves)


ETH = LendingReserve("ETH", 3_000.0, collateral=10.0, debt=2.0, liquidation_threshold=0.83, loan_to_value=0.8)
USDC = LendingReserve("USDC", 1.0, collateral=20_000.0, liquidation_threshold=0.78, loan_to_value=0.75)
USDT = LendingReserve("USDT", 1.0, debt=20_000.0)
MIXED = account(ETH, USDC, USDT)
SHORT = account(
    LendingReserve("USDC", 1.0, collateral=10_000.0, liquidation_threshold=0.78), LendingReserve("ETH", 3_000.0, debt=2)
)


def test_the_health_factor_of_totals() -> None:
    """Three accounts of aave-utilities; without debt it is infinite."""
    factors = aave.health_factor(1e17, [5e16, 3e16, 0.0], liquidation_threshold=0.5)
    assert factors.tolist() == [1.0, pytest.approx(1.6666666666666667), np.inf]


def test_an_unknown_debt_leaves_the_health_unknown() -> None:
    """NaN is not "healthy"."""
    assert np.isnan(aave.health_factor(1.0, np.nan, liquidation_threshold=0.5))


def test_available_borrows_are_never_negative() -> None:
    """What is left below the loan-to-value, or nothing."""
    assert aave.available_borrows(40_000, [20_000, 30_000], loan_to_value=0.6).tolist() == [4_000, 0]


def test_efficiency_mode_replaces_thresholds_inside_the_category_only() -> None:
    """The other reserve keeps its own threshold."""
    changed = aave.with_emode(MIXED, {"USDC": 0.97}, loan_to_values={"USDC": 0.95})
    assert [reserve.liquidation_threshold for reserve in changed.reserves] == [0.83, 0.97, 0.0]
    assert [reserve.loan_to_value for reserve in changed.reserves] == [0.8, 0.95, 0.0]


def test_the_published_summary_in_efficiency_mode() -> None:
    """aave-utilities: two reserves of 20,000 against 10,000 each, 0.7 and 0.6 in the category."""
    reserves = [LendingReserve(name, 100.0, 200.0, 100.0, 0.6, 0.5) for name in ("DAI", "USDC")]
    changed = aave.with_emode(
        account(*reserves), dict.fromkeys(("DAI", "USDC"), 0.7), loan_to_values=dict.fromkeys(("DAI", "USDC"), 0.6)
    )
    result = aave.summary(changed)
    assert result.health_factor == pytest.approx(1.4)
    assert result.available_borrows == pytest.approx(4_000)
    assert (result.collateral, result.debt) == (40_000, 20_000)


def test_an_empty_account_is_not_at_risk() -> None:
    """No collateral, no debt: infinite health."""
    assert aave.summary(account()).health_factor == np.inf


def test_the_price_with_the_same_asset_owed() -> None:
    """Owing some of the collateral asset lowers its weight: 698.41."""
    assert aave.liquidation_price(MIXED, "ETH") == pytest.approx(698.4126984126985, rel=1e-12)


def test_a_volatile_debt_liquidates_upward() -> None:
    """Stable collateral, two ETH owed: the line is 3,900, above the market."""
    assert aave.liquidated_upward(SHORT, "ETH")
    assert aave.liquidation_price(SHORT, "ETH") == pytest.approx(3_900)


def test_a_collateral_that_is_not_needed_is_never_liquidated() -> None:
    """The rest covers the debt: 0.0."""
    position = account(ETH, USDC, LendingReserve("USDT", 1.0, debt=5_000.0))
    assert aave.liquidation_price(position, "ETH") == 0.0


def test_the_table_of_prices_has_a_row_for_each_asset() -> None:
    """Price, line and direction, asset by asset."""
    table = aave.liquidation_prices(SHORT)
    assert table["asset"].tolist() == ["USDC", "ETH"]
    assert table["liquidation_price"].tolist() == pytest.approx([6_000 / 7_800, 3_900])
    assert table["upward"].tolist() == [False, True]


def test_the_joint_shock_brings_health_to_one() -> None:
    """ETH and BTC fall together, the stable coin stays."""
    position = account(
        LendingReserve("ETH", 3_000.0, 10.0, 0.0, 0.83),
        LendingReserve("BTC", 60_000.0, 0.5, 0.0, 0.78),
        LendingReserve("USDC", 1.0, 20_000.0, 0.0, 0.78),
        LendingReserve("DAI", 1.0, 0.0, 50_000.0),
    )
    assert aave.joint_shock(position, ("ETH", "BTC")) == pytest.approx(0.7122153209109731, rel=1e-12)


def test_an_asset_without_net_weight_has_no_price() -> None:
    """Owing exactly what the collateral backs: no price decides."""
    position = account(LendingReserve("ETH", 3_000.0, 10.0, 8.0, 0.8), USDC)
    assert np.isnan(aave.liquidation_price(position, "ETH"))


def test_an_asset_that_is_not_held_is_refused() -> None:
    """The message lists those that are."""
    with pytest.raises(ParameterError, match="among ETH, USDC, USDT"):
        aave.liquidation_price(MIXED, "BTC")


@pytest.mark.parametrize(
    ("health", "collateral", "debt", "total", "expected"),
    [
        (1.2, 300_000, 240_000, 240_000, 0.0),
        (0.94, 300_000, 240_000, 240_000, 1.0),
        (0.97, 300_000, 240_000, 240_000, 0.5),
        (0.97, 1_999, 3_500, 3_500, 1.0),
        (0.97, 9_000, 1_999, 8_000, 1.0),
        (0.9501, 2_000, 2_000, 4_200, 1.0),
        (0.97, 300_000, 10_000, 16_000, 0.8),
    ],
)
def test_the_close_factor(health: float, collateral: float, debt: float, total: float, expected: float) -> None:
    """All of a reserve's debt, or half of the account's."""
    share = aave.close_factor(health, reserve_collateral=collateral, reserve_debt=debt, total_debt=total)
    assert share == pytest.approx(expected)


def test_a_debt_remainder_is_a_thousand_or_nothing() -> None:
    """Half of 5,000 would leave 500 of 3,000: 2,000 may be repaid."""
    arguments = {"reserve_collateral": 10_000, "reserve_debt": 3_000, "total_debt": 5_000}
    assert aave.liquidatable_debt(0.97, **arguments) == 2_000


def test_a_collateral_remainder_is_a_thousand_or_nothing() -> None:
    """Repaying 2,000 at a bonus of 5 % would leave 400 of 2,500: 1,500 of collateral may go."""
    arguments = {"reserve_collateral": 2_500, "reserve_debt": 4_000, "total_debt": 4_000, "liquidation_bonus": 1.05}
    assert aave.liquidatable_debt(0.97, **arguments) == pytest.approx(1_500 / 1.05)
    assert aave.liquidatable_debt(0.97, **{**arguments, "reserve_collateral": 2_050}) == 2_000


def test_no_debt_has_no_close_factor() -> None:
    """A share of nothing is unknown; more reserve debt than total debt is refused."""
    assert np.isnan(aave.close_factor(0.97, reserve_collateral=1, reserve_debt=0, total_debt=1))
    with pytest.raises(ParameterError, match="total_debt"):
        aave.close_factor(0.97, reserve_collateral=1, reserve_debt=2, total_debt=1)


def test_seizing_with_a_protocol_fee() -> None:
    """10,000 of debt at a bonus of 5 %, a tenth of the bonus to the protocol."""
    result = aave.seize(
        10_000,
        debt_price=1,
        collateral_price=2_000,
        collateral_balance=10,
        liquidation_bonus=1.05,
        protocol_fee=0.1,
    )
    assert result.collateral_to_liquidator == pytest.approx(5.225)
    assert result.protocol_fee == pytest.approx(0.025)
    assert result.debt_repaid == 10_000


def test_a_bonus_below_one_is_refused() -> None:
    """5 % is written 1.05."""
    with pytest.raises(ParameterError, match="multiplier of at least 1"):
        aave.seize(1, debt_price=1, collateral_price=1, collateral_balance=1, liquidation_bonus=0.05)
