"""What must hold for any book."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.domain import Contract
from heatlab.margin import default_brackets, liquidation_price
from tests.portfolio.stress.books import positions, prepared

VENUES = st.sampled_from(("binanceusdm", "okx", "bybit", "hyperliquid", "gate"))
BASES = ("BTC", "ETH", "SOL")
BETAS = {"ETH": (1.2, 1.4), "SOL": (1.6, 1.9)}


@st.composite
def rows(draw: st.DrawFn, *, side: int | None = None, modes: tuple[str, ...] = ("isolated", "cross")) -> dict[str, Any]:
    """One position of any size that its venue allows."""
    entry = draw(st.floats(0.5, 50_000))
    return {
        "symbol": f"{draw(st.sampled_from(BASES))}/USDT:USDT",
        "venue": draw(VENUES),
        "side": draw(st.sampled_from((1, -1))) if side is None else side,
        "quantity": draw(st.floats(100, 200_000)) / entry,
        "entry_price": entry,
        "mark_price": entry * draw(st.floats(0.99, 1.01)),
        "leverage": draw(st.floats(1.5, 20)),
        "margin_mode": draw(st.sampled_from(modes)),
    }


WALLETS = {"binanceusdm": 40_000.0, "okx": 30_000.0, "hyperliquid": 25_000.0, "gate": 9_000.0, "bybit": 8_000.0}


@settings(max_examples=25, deadline=None)
@given(st.lists(rows(side=1), min_size=1, max_size=6))
def test_a_larger_fall_never_liquidates_fewer_longs(book: list[dict[str, Any]]) -> None:
    """Isolated and cross alike; and it never costs less while nothing is liquidated."""
    curve = prepared(positions(*book), wallets=WALLETS, brackets=default_brackets(), **BETAS).curve()
    falls = curve[curve["move"] <= 0]
    assert (np.diff(falls["liquidated"]) <= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=6), st.floats(-0.3, 0.3))
def test_what_is_lost_is_missing_from_the_equity(book: list[dict[str, Any]], move: float) -> None:
    """P&L is the change of equity, and no wallet that was positive ends below zero by a liquidation."""
    result = prepared(positions(*book), wallets=WALLETS, brackets=default_brackets(), **BETAS).at(move)
    assert result.equity - result.equity_before == pytest.approx(result.pnl, rel=1e-9, abs=1e-6)
    gone = result.positions[
        (result.positions["outcome"] == "liquidated") & (result.positions["margin_mode"] != "cross")
    ]
    assert (gone["margin_left"] == 0).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(rows(modes=("isolated",)), min_size=1, max_size=5))
def test_linear_positions_that_are_held_move_in_a_line(book: list[dict[str, Any]]) -> None:
    """Twice the fall costs twice as much where nothing is liquidated."""
    ready = prepared(positions(*book), brackets=default_brackets(), **BETAS)
    near, far = ready.at(-0.01), ready.at(-0.02)
    held = (far.positions["outcome"] == "held") & (near.positions["outcome"] == "held")
    assert far.positions["pnl"][held].tolist() == pytest.approx((2 * near.positions["pnl"][held]).tolist())


@settings(max_examples=40, deadline=None)
@given(rows(modes=("isolated",)), st.booleans())
def test_equity_is_the_maintenance_margin_at_the_liquidation_price(row: dict[str, Any], inverse: bool) -> None:
    """For every venue and both contracts, by the arrays the stress uses."""
    if inverse:
        row = {**row, "symbol": "BTC/USD:BTC"}
    table = default_brackets()
    book = prepared(positions(row), brackets=table, **BETAS).book
    quantity = row["quantity"]
    if inverse:  # assumed brackets are in quote; those of a coin-margined contract are in coin, its quantity at entry
        quantity *= row["mark_price"] / row["entry_price"]
        amounts = ["notional_floor", "notional_cap", "maintenance_amount"]
        table = table.assign(**{name: table[name] / row["entry_price"] for name in amounts})
    price = liquidation_price(
        row["side"], quantity, venue=row["venue"], entry_price=row["entry_price"], brackets=table,
        leverage=row["leverage"], contract=Contract.INVERSE if inverse else Contract.LINEAR,
    )  # fmt: skip
    assert float(price) == pytest.approx(book.limit[0])
    if 0 < price < np.inf:
        at = np.array([float(price)])
        equity = float((book.margin + book.unrealised(at))[0])
        scale = row["quantity"] * (1.0 if inverse else row["entry_price"])
        assert equity == pytest.approx(float(book.maintenance(at)[0]), abs=1e-9 * scale)


@settings(max_examples=25, deadline=None)
@given(st.lists(rows(modes=("cross",)), min_size=1, max_size=5))
def test_an_account_meets_its_maintenance_margin_at_its_limit(book: list[dict[str, Any]]) -> None:
    """Whatever the mix of longs and shorts in it."""
    book = [{**row, "venue": "binanceusdm"} for row in book]
    ready = prepared(positions(*book), wallets={"binanceusdm": 40_000.0}, brackets=default_brackets(), **BETAS)
    move = ready.account_moves[0, 0]
    if np.isfinite(move) and move < 0:
        prices = ready.book.mark * np.maximum(1 + ready.betas.down * move, 1e-6)
        needed = ready.book.maintenance(prices).sum()
        assert ready.book.account_equity(prices)[0] == pytest.approx(needed, abs=1e-4)
