"""Hyperliquid: live prices and margin tiers."""

from __future__ import annotations

import pytest

from heatlab.errors import ParameterError
from heatlab.margin import bracket_table, hyperliquid


def test_a_live_price() -> None:
    """A SOL long of 0.6 as the venue showed it."""
    price = hyperliquid.liquidation_price("long", 0.6, entry_price=173.06, margin=20.735658, max_leverage=20)
    assert price == pytest.approx(142.05186667, rel=1e-9)


def test_the_maintenance_margin_rate() -> None:
    """Half the initial margin at 50x is 1 %."""
    assert hyperliquid.maintenance_margin_rate(50) == 0.01


def test_margin_tiers_give_the_same_within_one_tier() -> None:
    """A table of one tier equals the coin's maximum leverage."""
    arguments = {"entry_price": 2_000.0, "margin": 500.0}
    tiers = bracket_table([float("inf")], [0.01])
    tiered = hyperliquid.liquidation_price("short", 1.0, brackets=tiers, **arguments)
    assert tiered == pytest.approx(hyperliquid.liquidation_price("short", 1.0, max_leverage=50, **arguments))


def test_one_of_the_two_is_needed() -> None:
    """The rate comes from one place."""
    with pytest.raises(ParameterError, match="'brackets' instead"):
        hyperliquid.liquidation_price("long", 1.0, entry_price=1.0, margin=0.5)
