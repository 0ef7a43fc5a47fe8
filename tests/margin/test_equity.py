"""Bankruptcy price, equity and funding."""

from __future__ import annotations

import numpy as np
import pytest

from heatlab.domain import Contract
from heatlab.errors import ParameterError
from heatlab.margin import bankruptcy_price, inverse_equity, linear_equity, margin_after_funding


def test_the_published_bankruptcy_price() -> None:
    """A long at 10,000 and 50x is ruined at 9,800."""
    assert bankruptcy_price("long", 10_000, leverage=50) == 9_800


def test_the_inverse_bankruptcy_price_leaves_no_equity() -> None:
    """Both sides of an inverse position at 10x."""
    price = bankruptcy_price(["long", "short"], 50_000, leverage=10, contract=Contract.INVERSE)
    left = inverse_equity([1, -1], 1_000, entry_price=50_000, price=price, margin=1_000 / 50_000 / 10)
    assert left == pytest.approx([0, 0], abs=1e-15)


def test_an_inverse_short_at_1x_cannot_be_ruined() -> None:
    """No price takes all of the coin."""
    assert bankruptcy_price("short", 50_000, leverage=1, contract=Contract.INVERSE) == np.inf


def test_spot_has_no_bankruptcy_price() -> None:
    """The contract must be a derivative."""
    with pytest.raises(ParameterError, match="linear or inverse"):
        bankruptcy_price("long", 1.0, leverage=2, contract=Contract.SPOT)


def test_linear_equity() -> None:
    """Margin 100, two long from 50 to 40: 80."""
    assert linear_equity("long", 2.0, entry_price=50, price=40, margin=100) == 80


def test_funding_is_paid_by_longs_and_earned_by_shorts() -> None:
    """0.05 % of 50,000 is 25 a settlement."""
    arguments = {"margin": 2_500.0, "funding_rate": [0.0005, 0.0005], "mark_price": 50_000.0}
    assert margin_after_funding("long", 1.0, **arguments).tolist() == [2_475, 2_450]
    assert margin_after_funding("short", 1.0, **arguments).tolist() == [2_525, 2_550]


def test_the_free_balance_pays_first() -> None:
    """30 free covers the first 25 and 5 of the second; what is earned later does not refill the margin."""
    left = margin_after_funding(
        "long",
        1.0,
        margin=2_500.0,
        funding_rate=[0.0005, 0.0005, -0.0005, 0.0005],
        mark_price=50_000.0,
        free_balance=30.0,
    )
    assert left.tolist() == [2_500, 2_480, 2_480, 2_480]


def test_funding_takes_no_more_than_the_margin() -> None:
    """The margin ends at 0."""
    assert margin_after_funding("long", 1.0, margin=10.0, funding_rate=[0.01], mark_price=50_000.0).tolist() == [0]
