"""Hedges in a book, recognised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.hedges import recognised_hedges

BTC, ETH, SOL, COIN, SPOT = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BTC/USD:BTC", "BTC/USDT"
MATRIX = pd.DataFrame([[1.0, 0.9, 0.3], [0.9, 1.0, -0.8], [0.3, -0.8, 1.0]], [BTC, ETH, SOL], [BTC, ETH, SOL])


def book(*legs: tuple[str, int, float]) -> pd.DataFrame:
    """Positions of (symbol, side, value)."""
    rows = [{"symbol": symbol, "venue": "okx", "side": side, "quantity": value} for symbol, side, value in legs]
    return pd.DataFrame(rows, columns=["symbol", "venue", "side", "quantity"]).assign(mark_price=1.0)


def hedges(*legs: tuple[str, int, float]) -> list[tuple[Any, ...]]:
    """Rows found, rounded."""
    found = recognised_hedges(book(*legs), MATRIX).round(6)
    return list(found.itertuples(index=False, name=None))


def test_opposite_sides_of_a_coin_are_a_hedge() -> None:
    """A short on coin margin against half as much linear."""
    assert hedges((COIN, -1, 100.0), (BTC, 1, 50.0)) == [(0, 1, 0.5, 1.0, "same asset")]


def test_spot_against_a_perpetual() -> None:
    """The cash-and-carry trade."""
    assert hedges((SPOT, 1, 100.0), (BTC, -1, 100.0)) == [(0, 1, 1.0, 1.0, "spot against perpetual")]


def test_opposite_sides_of_correlated_coins() -> None:
    """Long BTC, a third of it short ETH at 0.9."""
    assert hedges((BTC, 1, 90.0), (ETH, -1, 30.0)) == [(0, 1, 0.333333, 0.9, "correlated")]


def test_the_same_side_of_opposed_coins() -> None:
    """Both long at -0.8."""
    assert hedges((ETH, 1, 20.0), (SOL, 1, 40.0)) == [(1, 0, 0.5, -0.8, "correlated")]


def test_the_same_side_of_alike_coins_is_one_bet_not_a_hedge() -> None:
    """Nothing, and nothing from weak or unknown correlation."""
    assert hedges((BTC, 1, 1.0), (ETH, 1, 1.0)) == []
    assert hedges((BTC, 1, 1.0), (SOL, -1, 1.0)) == []
    assert hedges((BTC, 1, 1.0), ("NEW/USDT:USDT", -1, 1.0)) == []


def test_a_position_hedges_only_one_other() -> None:
    """The same coin goes before a correlated one."""
    found = hedges((BTC, 1, 100.0), (ETH, 1, 100.0), (COIN, -1, 50.0))
    assert found == [(0, 2, 0.5, 1.0, "same asset")]


def test_unknown_values_hedge_nothing() -> None:
    """NaN in, no claim out; an empty book is fine."""
    assert hedges((BTC, 1, np.nan), (COIN, -1, 1.0)) == []
    assert hedges() == []


def test_the_limit_is_a_correlation() -> None:
    """Zero would call everything a hedge."""
    with pytest.raises(ParameterError, match="The 'limit' parameter of recognised_hedges"):
        recognised_hedges(book(), MATRIX, limit=0.0)


def test_inputs_stay_untouched(pure: Callable[..., Any]) -> None:
    """Book and matrix are left alone."""
    pure(recognised_hedges, book((BTC, 1, 1.0), (COIN, -1, 1.0)), MATRIX)
