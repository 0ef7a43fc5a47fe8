"""Positions from rows of text: the same rules for files and for a table on screen."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError
from heatlab.frames.position_records import positions_from_records, records_of

GOOD = {"symbol": "BTC/USDT:USDT", "venue": "OKX", "side": "long", "quantity": "0.5", "entry_price": "60000"}
MARKETS = {"okx": ("BTC/USDT:USDT", "ETH/USDT:USDT"), "bybit": ("BTC/USDT:USDT",)}


def row(**cells: str) -> dict[str, str]:
    """A good row with some cells changed."""
    return {**GOOD, **cells}


def test_a_good_row_is_a_position() -> None:
    """Venue in lower case, side as number, unknown as NaN."""
    read = positions_from_records([GOOD])
    assert read.table is not None
    (record,) = read.table.to_dict("records")
    assert (record["venue"], record["side"], record["margin_mode"]) == ("okx", 1, "isolated")
    assert math.isnan(record["leverage"])
    assert read.problems == ()


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        ({"symbol": "BTCUSDT"}, "symbol", "unified symbol"),
        ({"quantity": "1,5"}, "quantity", r"positive number \[base\]\. Got '1,5'"),
        ({"leverage": "nan"}, "leverage", "positive number. Got 'nan'"),
        ({"leverage": "0"}, "leverage", "positive number. Got '0'"),
        ({"entry_price": ""}, "entry_price", "positive number"),
        ({"wallet_balance": "-1"}, "wallet_balance", "0 or more"),
    ],
)
def test_a_bad_cell_has_its_row_and_column(cells: dict[str, str], column: str, message: str) -> None:
    """There is no table, and the problem says where."""
    read = positions_from_records([GOOD | {"symbol": "ETH/USDT:USDT"}, row(**cells)])
    assert read.table is None
    assert [(problem.row, problem.column) for problem in read.problems] == [(2, column)]
    with pytest.raises(DataError, match=message):
        read.or_raise("typed")


def test_no_rows_are_an_empty_book() -> None:
    """Nothing typed is no mistake."""
    read = positions_from_records([])
    assert read.table is not None
    assert read.table.empty


def notes(**cells: str) -> dict[str, str]:
    """Notes on one row by column."""
    return {note.column: note.message for note in positions_from_records([row(**cells)], markets=MARKETS).notes}


def test_an_unknown_symbol_is_noted_with_the_nearest() -> None:
    """It may be right, so it is not refused."""
    found = notes(symbol="BTC/USDT:USD", leverage="5")
    assert "not among the markets here" in found["symbol"]
    assert "Did you mean BTC/USDT:USDT?" in found["symbol"]
    assert "none of the source's venues: okx, bybit" in notes(venue="mtgox", leverage="5")["venue"]


def test_what_leaves_the_liquidation_price_unknown_is_noted() -> None:
    """No leverage and no margin; a cross position without its wallet."""
    assert "stays unknown" in notes()["leverage"]
    assert "is unknown" in notes(margin_mode="cross")["wallet_balance"]
    assert notes(leverage="10") == {}
    assert notes(liquidation_price="50000") == {}
    assert notes(symbol="BTC/USDT").get("leverage") is None


def test_zero_equity_is_said() -> None:
    """An empty wallet of a cross account, and an isolated margin of nothing."""
    assert "without equity" in notes(margin_mode="cross", wallet_balance="0")["wallet_balance"]
    assert "without equity" in notes(margin="0")["margin"]


positive = st.floats(1e-6, 1e9)


@settings(max_examples=50)
@given(
    quantity=positive,
    entry=positive,
    leverage=st.none() | st.floats(0.5, 125),
    exit_price=st.sampled_from([math.nan, 0.0, math.inf, 12.5]),
    side=st.sampled_from([1, -1]),
)
def test_what_is_written_is_read_back(
    quantity: float, entry: float, leverage: Any, exit_price: float, side: int
) -> None:
    """Text and back loses nothing a trader can see."""
    table = pd.DataFrame(
        [
            {
                "symbol": "BTC/USDT:USDT", "venue": "okx", "side": side, "quantity": quantity, "entry_price": entry,
                "mark_price": math.nan, "leverage": math.nan if leverage is None else leverage,
                "margin_mode": "cross", "margin": math.nan, "liquidation_price": exit_price,
            }
        ]
    )  # fmt: skip
    table.attrs["wallet_balance"] = {"okx": 1234.5}
    back = positions_from_records(records_of(table)).table
    assert back is not None
    pd.testing.assert_frame_equal(back, table, rtol=1e-14, check_dtype=False)
    assert back.attrs == table.attrs
