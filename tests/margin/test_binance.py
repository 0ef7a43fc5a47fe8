"""Binance: published examples and what the bracket search must do."""

from __future__ import annotations

import numpy as np
import pytest

from heatlab.errors import ParameterError
from heatlab.margin import binance, bracket_table

CAPS = [50_000.0, 250_000.0, 1_000_000.0, 10_000_000.0]
TABLE = bracket_table(CAPS, [0.004, 0.005, 0.01, 0.025])


def test_the_published_cross_example() -> None:
    """Binance's FAQ: the ETH position beside a BTC position is liquidated at 1153.26."""
    price = binance.linear_liquidation_price(
        "long",
        3683.979,
        entry_price=1456.84,
        wallet_balance=1_535_443.01,
        rate=0.1,
        amount=135_365.0,
        other_maintenance_margin=71_200.811444,
        other_unrealized_pnl=-56_354.56848,
    )
    assert price == pytest.approx(1153.26, abs=0.01)


def test_the_bracket_is_that_at_the_liquidation_price() -> None:
    """A long of 600,000 opened in the third bracket stays there at 483,535; one of 50,000 falls into the first."""
    arguments = {"entry_price": np.array([60_000.0, 50_000.0]), "wallet_balance": np.array([120_000.0, 5_000.0])}
    prices = binance.linear_liquidation_price("long", np.array([10.0, 1.0]), brackets=TABLE, **arguments)
    assert prices == pytest.approx([48353.53535353535, 45180.72289156626], rel=1e-12)


def test_a_bracket_border_that_jumps_liquidates_at_the_border() -> None:
    """Where the margin jumps and only the upper bracket asks for more than the equity, the border is the price."""
    table = TABLE.assign(maintenance_amount=0.0)
    price = binance.linear_liquidation_price("short", 1.0, entry_price=49_000, wallet_balance=1_248, brackets=table)
    assert price == pytest.approx(50_000)


def test_a_border_below_which_more_is_asked_for_liquidates_at_the_border() -> None:
    """Where only the lower bracket asks for more than the equity, a falling value is liquidated as it enters it."""
    table = bracket_table([50_000.0, np.inf], [0.02, 0.02]).assign(maintenance_amount=[0.0, 900.0])
    price = binance.linear_liquidation_price("long", 1.0, entry_price=60_000, wallet_balance=10_500, brackets=table)
    assert price == pytest.approx(50_000)


def test_a_long_with_more_margin_than_value_is_never_liquidated() -> None:
    """The price is 0.0, with brackets and with one rate."""
    arguments = {"entry_price": 100.0, "wallet_balance": 150.0}
    assert binance.linear_liquidation_price("long", 1.0, brackets=TABLE, **arguments) == 0.0
    assert binance.linear_liquidation_price("long", 1.0, rate=0.01, **arguments) == 0.0


def test_an_unknown_margin_gives_an_unknown_price() -> None:
    """NaN is not "never"."""
    assert np.isnan(
        binance.linear_liquidation_price("long", 1.0, entry_price=1.0, wallet_balance=np.nan, brackets=TABLE)
    )
    assert np.isnan(binance.linear_liquidation_price("long", 0.0, entry_price=1.0, wallet_balance=1.0, rate=0.01))


def test_brackets_or_rate_not_both() -> None:
    """The bracket comes from one place."""
    with pytest.raises(ParameterError, match=r"'rate' in its place.*neither"):
        binance.linear_liquidation_price("long", 1.0, entry_price=1.0, wallet_balance=1.0)
    with pytest.raises(ParameterError, match="both"):
        binance.linear_liquidation_price("long", 1.0, entry_price=1.0, wallet_balance=1.0, brackets=TABLE, rate=0.01)


def test_a_side_must_be_long_or_short() -> None:
    """A zero is no side."""
    with pytest.raises(ParameterError, match="long or short"):
        binance.linear_liquidation_price(0, 1.0, entry_price=1.0, wallet_balance=1.0, rate=0.01)


@pytest.mark.parametrize(("side", "expected"), [("long", 59342.85714287), ("short", 64936.84210525)])
def test_the_coin_margined_price(side: str, expected: float) -> None:
    """500 contracts of 100 USD at 62,000 and 20x, as ccxt computes them."""
    price = binance.inverse_liquidation_price(
        side, 500, contract_size=100, entry_price=62_000, wallet_balance=50_000 / 62_000 / 20, rate=0.005
    )
    assert price == pytest.approx(expected, rel=1e-9)


def test_an_inverse_short_covered_by_coin_is_never_liquidated() -> None:
    """As much coin as the position is worth: no rise is enough."""
    arguments = {"contract_size": 100, "entry_price": 50_000.0, "wallet_balance": 0.2}
    assert binance.inverse_liquidation_price("short", 100, rate=0.004, **arguments) == np.inf
    assert binance.inverse_liquidation_price("short", 100, brackets=TABLE, **arguments) == np.inf


def test_the_inverse_bracket_is_solved_too() -> None:
    """The bracket [coin] is the one at the liquidation price: 0.95 coin at entry, above 1 where it ends."""
    table = bracket_table([1.0, 10.0], [0.004, 0.05])
    price = binance.inverse_liquidation_price(
        "long", 475, contract_size=100, entry_price=50_000.0, wallet_balance=0.19, brackets=table
    )
    fixed = binance.inverse_liquidation_price(
        "long", 475, contract_size=100, entry_price=50_000.0, wallet_balance=0.19, rate=0.05, amount=0.046
    )
    assert 47_500 / price > 1
    assert price == pytest.approx(fixed, rel=1e-12)


def test_the_published_inverse_maintenance_margin() -> None:
    """100 contracts of 100 USD at 25,000 need 0.0016 coin."""
    assert binance.inverse_maintenance_margin(100, 100, mark_price=25_000, rate=0.004) == pytest.approx(0.0016)
