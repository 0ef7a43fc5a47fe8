"""Dispatch by venue, and what is unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import Contract, MarginMode, Position, Side
from heatlab.errors import ParameterError
from heatlab.margin import (
    binance,
    bracket_table,
    bybit,
    contract_of,
    default_brackets,
    hyperliquid,
    liquidation_price,
    liquidation_ratio,
    okx,
    position_liquidation_price,
)

TABLE = bracket_table([50_000.0, 250_000.0, np.inf], [0.004, 0.005, 0.01], max_leverages=[125, 100, 50])
LEVERAGES = np.array([2.0, 10.0, 40.0])
LONG = Position("BTC/USDT:USDT", "binanceusdm", Side.LONG, 1.0, 40_000.0, mark_price=41_000.0, leverage=10.0)


def scalar(venue: str, side: str, leverage: float, notional: float) -> float:
    """Ratio of one position by the venue's own function."""
    entry, rate, amount = 40_000.0, 0.005, 50.0
    quantity, own = notional / entry, notional / leverage
    if venue == "bybit":
        arguments = {"entry_price": entry, "leverage": leverage, "rate": rate, "amount": amount}
        return bybit.linear_liquidation_price(side, quantity, **arguments) / entry
    if venue in ("okx", "gate"):
        arguments = {"entry_price": entry, "margin": own, "rate": rate, "amount": amount}
        return okx.linear_liquidation_price(side, quantity, **arguments) / entry
    if venue == "hyperliquid":
        return hyperliquid.liquidation_price(side, quantity, entry_price=entry, margin=own, brackets=TABLE) / entry
    price = binance.linear_liquidation_price(side, quantity, entry_price=entry, wallet_balance=own, brackets=TABLE)
    return price / entry


@pytest.mark.parametrize("venue", ["binanceusdm", "bybit", "okx", "gate", "hyperliquid", "unheard-of"])
@pytest.mark.parametrize("side", ["long", "short"])
def test_the_ratio_agrees_with_the_scalar_formula(venue: str, side: str) -> None:
    """Vectorised over leverage, to 1e-12."""
    ratios = liquidation_ratio(side, LEVERAGES, venue=venue, brackets=TABLE, notional=200_000.0)
    expected = [scalar(venue, side, leverage, 200_000.0) for leverage in LEVERAGES]
    assert ratios == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_ratio_by_hand() -> None:
    """10x and 0.4 %: a long at 0.9/0.996, a short at 1.1/1.004."""
    ratios = liquidation_ratio(["long", "short"], 10.0, venue="binanceusdm", brackets=TABLE, notional=10_000.0)
    assert ratios == pytest.approx([0.9 / 0.996, 1.1 / 1.004], rel=1e-14)


def test_a_leverage_the_bracket_does_not_allow_has_no_ratio() -> None:
    """100x is the limit of the second bracket."""
    ratios = liquidation_ratio("long", [100.0, 101.0], venue="binanceusdm", brackets=TABLE, notional=100_000.0)
    assert np.isnan(ratios).tolist() == [False, True]


def test_a_position_liquidated_as_it_opens_has_no_ratio() -> None:
    """A margin below the maintenance margin opens nothing."""
    table = bracket_table([np.inf], [0.05])
    assert np.isnan(liquidation_ratio("long", 50.0, venue="binanceusdm", brackets=table, notional=1.0))


def test_a_coin_margined_ratio_is_inverse() -> None:
    """The short at 2x doubles, the long at 2x loses a third."""
    table = bracket_table([np.inf], [1e-9])
    ratios = liquidation_ratio([1, -1], 2.0, venue="binancecoinm", brackets=table, notional=1_000.0)
    assert ratios == pytest.approx([2 / 3, 2.0], rel=1e-6)


def test_a_ratio_needs_positive_numbers() -> None:
    """Zero leverage is refused by name."""
    with pytest.raises(ParameterError, match="'leverage' parameter of liquidation_ratio"):
        liquidation_ratio("long", [5.0, 0.0], venue="okx", brackets=TABLE, notional=1.0)


def test_margin_or_leverage_not_both() -> None:
    """The margin comes from one place."""
    with pytest.raises(ParameterError, match="neither"):
        liquidation_price("long", 1.0, venue="okx", entry_price=1.0, brackets=TABLE)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTC/USDT:USDT", Contract.LINEAR),
        ("BTC/USD:BTC", Contract.INVERSE),
        ("BTC/USD:BTC-261225", Contract.INVERSE),
        ("ETH/USDC", Contract.LINEAR),
    ],
)
def test_the_contract_of_a_symbol(symbol: str, expected: Contract) -> None:
    """What a contract settles in decides."""
    assert contract_of(symbol) is expected


def test_an_isolated_position_by_its_leverage() -> None:
    """10x from 40,000 in the first bracket."""
    assert position_liquidation_price(LONG, TABLE) == pytest.approx(36_000 / 0.996)


def test_the_margin_on_record_wins_over_the_leverage() -> None:
    """Margin added by hand counts."""
    assert position_liquidation_price(replace(LONG, margin=8_000.0), TABLE) == pytest.approx(32_000 / 0.996)


def test_an_isolated_position_without_margin_and_leverage_is_unknown() -> None:
    """NaN, not a guess."""
    assert np.isnan(position_liquidation_price(replace(LONG, leverage=np.nan), TABLE))


@pytest.mark.parametrize("venue", ["binancecoinm", "bybit", "okx"])
def test_an_inverse_position(venue: str) -> None:
    """The long ends below entry, above the price that leaves no equity."""
    position = replace(LONG, symbol="BTC/USD:BTC", venue=venue)
    assert 40_000 * 10 / 11 < position_liquidation_price(position, TABLE) < 40_000


def test_the_margin_of_an_inverse_position_is_turned_into_coin() -> None:
    """4,100 at a mark of 41,000 is 0.1 coin, as 10x on 40,000 of contracts, one coin at entry."""
    position = replace(LONG, symbol="BTC/USD:BTC", venue="binancecoinm", quantity=40_000 / 41_000)
    with_margin = replace(position, margin=4_100.0)
    assert position_liquidation_price(with_margin, TABLE) == pytest.approx(position_liquidation_price(position, TABLE))


def test_the_worth_of_an_inverse_position_does_not_move_with_its_mark() -> None:
    """40,000 of contracts have one liquidation price, whatever they are worth in coin now."""
    position = replace(LONG, symbol="BTC/USD:BTC", venue="binancecoinm", mark_price=np.nan)
    moved = replace(position, mark_price=80_000.0, quantity=0.5)
    assert position_liquidation_price(moved, TABLE) == pytest.approx(position_liquidation_price(position, TABLE))


def test_coins_held_spot_are_never_liquidated() -> None:
    """0 for a long of its own money; unknown where money or coins are borrowed."""
    held = replace(LONG, symbol="BTC/USDT", leverage=np.nan)
    assert position_liquidation_price(held, TABLE) == 0.0
    assert np.isnan(position_liquidation_price(replace(held, leverage=3.0), TABLE))
    assert np.isnan(position_liquidation_price(replace(held, side=Side.SHORT), TABLE))


def test_spot_is_no_part_of_a_cross_account() -> None:
    """Coins beside the perpetuals change neither margin nor price."""
    coins = replace(CROSS, symbol="ETH/USDT")
    alone = position_liquidation_price(CROSS, TABLE, others=[], wallet_balance=10_000.0)
    assert position_liquidation_price(CROSS, TABLE, others=[coins], wallet_balance=10_000.0) == alone


def test_the_table_of_the_symbol_is_used() -> None:
    """A mapping without the symbol gives NaN."""
    assert position_liquidation_price(LONG, {LONG.symbol: TABLE}) == position_liquidation_price(LONG, TABLE)
    assert np.isnan(position_liquidation_price(LONG, {}))


CROSS = replace(LONG, margin_mode=MarginMode.CROSS)
OTHER = Position(
    "ETH/USDT:USDT", "binanceusdm", Side.SHORT, 10.0, 2_000.0, mark_price=2_100.0, margin_mode=MarginMode.CROSS
)


def test_a_cross_position_counts_the_others() -> None:
    """The other loses 1,000 and needs 84: 10,000 in the wallet are 8,916 for this one."""
    price = position_liquidation_price(CROSS, TABLE, others=[OTHER], wallet_balance=10_000.0)
    assert price == pytest.approx((40_000 - 8_916) / 0.996)


def test_the_closing_fee_counts_for_the_others_too() -> None:
    """OKX: the other needs 0.5 % of 21,000 more, this one 0.5 % of its own value."""
    position, other = replace(CROSS, venue="okx"), replace(OTHER, venue="okx")
    price = position_liquidation_price(position, TABLE, others=[other], wallet_balance=10_000.0, taker_fee=0.005)
    assert price == pytest.approx((40_000 - 8_916 + 105) / (1 - 0.004 - 0.005))


def test_binance_takes_no_fee_of_closing() -> None:
    """A fee that is given changes nothing there."""
    with_fee = position_liquidation_price(CROSS, TABLE, others=[OTHER], wallet_balance=10_000.0, taker_fee=0.005)
    assert with_fee == position_liquidation_price(CROSS, TABLE, others=[OTHER], wallet_balance=10_000.0)


def test_isolated_others_play_no_part() -> None:
    """Their margin is their own."""
    others = [replace(OTHER, margin_mode=MarginMode.ISOLATED)]
    price = position_liquidation_price(CROSS, TABLE, others=others, wallet_balance=10_000.0)
    assert price == pytest.approx(30_000 / 0.996)


@pytest.mark.parametrize(
    ("position", "others", "wallet"),
    [
        (CROSS, None, 10_000.0),
        (CROSS, [OTHER], np.nan),
        (CROSS, [replace(OTHER, mark_price=np.nan)], 10_000.0),
        (CROSS, [replace(OTHER, symbol="ETH/USDC:USDC")], 10_000.0),
        (replace(CROSS, venue="bybit"), [OTHER], 10_000.0),
        (replace(CROSS, symbol="BTC/USD:BTC"), [], 10_000.0),
    ],
)
def test_a_cross_position_without_its_account_has_no_price(position: Position, others, wallet: float) -> None:
    """NaN, never "safe"."""
    assert np.isnan(position_liquidation_price(position, TABLE, others=others, wallet_balance=wallet))


def test_pricing_changes_nothing(pure) -> None:
    """The bracket table stays as it was."""
    table: pd.DataFrame = default_brackets()
    pure(liquidation_ratio, "long", LEVERAGES, venue="binanceusdm", brackets=table, notional=1e5)
