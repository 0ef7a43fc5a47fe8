"""OKX and Gate: the closing fee counts."""

from __future__ import annotations

import pytest

from heatlab.margin import okx


@pytest.mark.parametrize(
    ("side", "own", "expected"), [("long", 2.0, 8.085708510208207), ("short", 2.0, 11.87413417771621)]
)
def test_the_linear_price(side: str, own: float, expected: float) -> None:
    """Entry 10 at 5x, rate 1 %, fee 0.06 %."""
    price = okx.linear_liquidation_price(side, 1.0, entry_price=10, margin=own, rate=0.01, taker_fee=0.0006)
    assert price == pytest.approx(expected, rel=1e-12)


def test_the_inverse_price_by_hand() -> None:
    """A long of 10,000 at 50,000 with 0.02 coin, 1.05 % in all: 10,000 * 1.0105 / 0.22."""
    price = okx.inverse_liquidation_price("long", 10_000, entry_price=50_000, margin=0.02, rate=0.01, taker_fee=0.0005)
    assert price == pytest.approx(45931.818181818, rel=1e-9)
