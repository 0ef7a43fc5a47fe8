"""Bybit: each published version of the formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.margin import bybit

INVERSE = {"entry_price": 50_000.0, "leverage": 10.0, "rate": 0.005}
BEFORE = pd.Timestamp("2026-05-26", tz="UTC")


@pytest.mark.parametrize(("side", "expected"), [("long", 8.1), ("short", 11.9)])
def test_the_linear_price(side: str, expected: float) -> None:
    """Entry 10 at 5x with a rate of 1 %."""
    assert bybit.linear_liquidation_price(side, 1.0, entry_price=10, leverage=5, rate=0.01) == pytest.approx(expected)


def test_extra_margin_moves_the_linear_price_away() -> None:
    """One more unit of margin on a quantity of 2 is half a unit of price; a deduction acts alike."""
    arguments = {"entry_price": 10.0, "leverage": 5.0, "rate": 0.01}
    assert bybit.linear_liquidation_price("long", 2.0, extra_margin=1.0, **arguments) == pytest.approx(7.6)
    assert bybit.linear_liquidation_price("long", 2.0, amount=1.0, **arguments) == pytest.approx(7.6)


def test_a_long_paid_in_full_is_never_liquidated() -> None:
    """Margin beyond the value leaves 0.0."""
    assert bybit.linear_liquidation_price("long", 1.0, entry_price=10, leverage=1, rate=0.01, extra_margin=1) == 0.0


@pytest.mark.parametrize(("side", "expected"), [("long", 45681.818181818184), ("short", 55277.777777777774)])
def test_the_newer_inverse_formula(side: str, expected: float) -> None:
    """The page of 2026-05-27: 60,000 USD at 50,000 and 10x."""
    assert bybit.inverse_liquidation_price(side, 60_000, **INVERSE) == pytest.approx(expected, rel=1e-12)


def test_extra_margin_in_the_newer_inverse_formula() -> None:
    """The fee of closing is set aside from it: 60,000 * 1.005 / (1.2 + 0.12 + 0.01 / 1.001) for a long."""
    price = bybit.inverse_liquidation_price("long", 60_000, extra_margin=0.01, taker_fee=0.001, **INVERSE)
    assert price == pytest.approx(45338.686, abs=0.001)


def test_the_older_inverse_formula_before_its_date() -> None:
    """The page before: the short of the same position ends at 55,248.62."""
    price = bybit.inverse_liquidation_price("short", 60_000, when=BEFORE, **INVERSE)
    assert price == pytest.approx(55248.618784530394, rel=1e-12)


def test_the_date_decides_the_version() -> None:
    """From the change on, the newer formula holds."""
    newer = bybit.inverse_liquidation_price("short", 60_000, when=bybit.INVERSE_FORMULA_CHANGED, **INVERSE)
    assert newer == bybit.inverse_liquidation_price("short", 60_000, **INVERSE)


def test_an_inverse_short_at_1x_is_never_liquidated() -> None:
    """Coin worth the position covers every rise."""
    assert bybit.inverse_liquidation_price("short", 60_000, entry_price=50_000.0, leverage=1.0, rate=0.005) == np.inf


def test_the_classic_cross_example() -> None:
    """Bybit's article: bankruptcy at 5,718.57; liquidation at 5,739.08 before rounding to the tick."""
    ruin, price = bybit.classic_inverse_cross_prices(
        "long", 10_000, entry_price=8_000, available_balance=0.5, rate=0.005
    )
    assert ruin == pytest.approx(5718.57, abs=0.01)
    assert price == pytest.approx(5739.0835, abs=0.001)


def test_a_classic_cross_short_goes_up() -> None:
    """Its prices lie above entry, liquidation before bankruptcy."""
    ruin, price = bybit.classic_inverse_cross_prices(
        "short", 10_000, entry_price=8_000, available_balance=0.5, rate=0.005
    )
    assert 8_000 < price < ruin
