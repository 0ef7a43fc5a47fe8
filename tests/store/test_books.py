"""Books of the reader's own: names, positions, balances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.frames import POSITIONS, empty
from heatlab.store import BookStore


def book() -> pd.DataFrame:
    """A long, and a short without a liquidation price."""
    table = pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT", "ETH/USDT:USDT"],
            "venue": ["binanceusdm", "okx"],
            "side": [1, -1],
            "quantity": [1.0, 10.0],
            "entry_price": [65_000.0, 3_000.0],
            "mark_price": [65_500.0, np.nan],
            "leverage": [10.0, 5.0],
            "margin_mode": ["isolated", "cross"],
            "margin": [6_500.0, 6_000.0],
            "liquidation_price": [59_000.0, np.inf],
        }
    )
    table.attrs = {"wallet_balance": {"okx": 10_000.0}}
    return table


@pytest.fixture
def store(tmp_path: Path) -> BookStore:
    """An empty store."""
    return BookStore(tmp_path / "books.sqlite")


def test_reads_back_positions_and_balances(store: BookStore) -> None:
    """Unknown and infinite values survive."""
    store.write("mean reversion (A)", book())
    got = store.read("mean reversion (A)")
    pd.testing.assert_frame_equal(got, book())
    assert got.attrs == {"wallet_balance": {"okx": 10_000.0}}


def test_a_book_may_be_empty(store: BookStore) -> None:
    """A book to be filled later."""
    store.write("new", empty(POSITIONS))
    assert store.read("new").empty


def test_writing_again_replaces(store: BookStore) -> None:
    """One name, one book, whatever its case."""
    store.write("Alpha", book())
    store.write("alpha", book().head(1))
    assert store.names() == ("alpha",)
    assert len(store.read("ALPHA")) == 1


def test_names_are_listed_and_removed(store: BookStore) -> None:
    """Removing what is not there is no error."""
    assert store.names() == ()
    assert not store.remove("b")
    store.write("b", book())
    store.write("a", book())
    assert store.names() == ("a", "b")
    assert store.remove("b")
    assert not store.remove("b")
    assert store.names() == ("a",)


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a/b", "x" * 61, "<b>", "a\nb", 7])
def test_names_that_are_no_names_are_refused(store: BookStore, name: object) -> None:
    """Short, printable, and nothing that could be a path or markup."""
    with pytest.raises(ParameterError, match=r"'name' parameter of BookStore\.write"):
        store.write(name, book())  # type: ignore[arg-type]


def test_an_unknown_book_names_those_there_are(store: BookStore) -> None:
    """The message helps to choose."""
    with pytest.raises(DataError, match=r"no book 'x'. It has none yet"):
        store.read("x")
    store.write("alpha", book())
    with pytest.raises(DataError, match=r"no book 'x'. It has alpha"):
        store.read("x")


def test_what_is_no_book_is_refused(store: BookStore) -> None:
    """Columns and signs are checked before anything is written."""
    with pytest.raises(MissingColumnsError, match="Missing quantity"):
        store.write("x", book().drop(columns="quantity"))
    with pytest.raises(DataError, match="'quantity'"):
        store.write("x", book().assign(quantity=-1.0))
    bad = book()
    bad.attrs = {"wallet_balance": 7.0}
    with pytest.raises(ParameterError, match="'wallet_balance'"):
        store.write("x", bad)
    assert store.names() == ()
