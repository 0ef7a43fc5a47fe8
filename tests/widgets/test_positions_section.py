"""Positions typed into a table: checked as typed, nothing lost, kept as a book."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from heatlab.errors import DataError, ParameterError
from heatlab.figures import DARK
from heatlab.portfolio.merge import merge_positions
from heatlab.widgets.positions_section import PositionsSection, in_use_html
from heatlab.widgets.positions_table import COLUMNS, PositionsTable, parse_text
from heatlab.widgets.sections import BookInputs, Selection, Shared
from heatlab.widgets.status import Status
from tests.portfolio.hand_made import BTC, ETH, NAN, NOW, nothing, positions, view

MARKETS = {"okx": (BTC, ETH), "bybit": (BTC,)}
ROW = {"symbol": BTC, "venue": "okx", "side": "long", "quantity": "1", "entry_price": "100", "leverage": "10"}


class Shelf:
    """Books in memory."""

    def __init__(self) -> None:
        self.held: dict[str, pd.DataFrame] = {}

    def names(self) -> list[str]:
        """Names in alphabetical order."""
        return sorted(self.held)

    def read(self, name: str) -> pd.DataFrame:
        """One book."""
        return self.held[name]

    def write(self, name: str, table: pd.DataFrame) -> None:
        """Keep one; a name of blanks is refused."""
        if name == "bad":
            raise ParameterError("The name is not allowed.")
        self.held[name] = table


@pytest.fixture
def shelf() -> Shelf:
    """An empty shelf."""
    return Shelf()


def section(shelf: Shelf) -> PositionsSection:
    """A section that keeps books on a shelf."""
    return PositionsSection(Shared(Status(), Selection()), markets=MARKETS, save=shelf.write, books=shelf)


def typed(made: PositionsSection, *rows: dict[str, str]) -> PositionsSection:
    """The browser has sent these rows."""
    made.table.rows = [dict(row) for row in rows]
    return made


def inputs(held: pd.DataFrame, *, watching: bool = False) -> BookInputs:
    """Inputs around a book."""
    return BookInputs(held, {}, NOW, "test", watching=watching)


def tell(made: PositionsSection, **content: Any) -> None:
    """Send a message as the browser does."""
    made.table._handle_custom_msg(content, [])


def test_a_good_row_can_be_used(shelf: Shelf) -> None:
    """Use this book hands the checked table on, under its name."""
    made = typed(section(shelf), ROW)
    assert "1 position can be used" in made.messages.value
    made.label.value = "swing"
    made.use.click()
    assert shelf.held["swing"]["quantity"].tolist() == [1.0]
    assert made._shared.status.text == "swing: 1 position in use"
    assert "swing" in dict(made.kept.options)


def test_a_bad_cell_is_marked_and_listed_and_nothing_is_lost(shelf: Shelf) -> None:
    """At the cell and in a list; what was typed stays; the book cannot be used."""
    made = typed(section(shelf), ROW, {**ROW, "symbol": ETH, "quantity": "many", "leverage": "nan"})
    assert [(one["row"], one["column"], one["level"]) for one in made.table.problems] == [
        (2, "quantity", "error"),
        (2, "leverage", "error"),
    ]
    assert "Row 2, Quantity: must be a positive number [base]. Got &#x27;many&#x27;." in made.messages.value
    assert made.table.rows[1]["quantity"] == "many"
    assert made.use.disabled
    assert shelf.held == {}


def test_what_stays_unknown_is_noted_but_allowed(shelf: Shelf) -> None:
    """An unknown symbol, a leverage left out, an empty wallet."""
    made = typed(
        section(shelf),
        {**ROW, "symbol": "BTC/USDT:USD"},
        {**ROW, "symbol": ETH, "leverage": ""},
        {**ROW, "side": "short", "margin_mode": "cross", "wallet_balance": "0"},
    )
    assert [(one["column"], one["level"]) for one in made.table.problems] == [
        ("symbol", "note"),
        ("leverage", "note"),
        ("wallet_balance", "note"),
    ]
    assert "Did you mean BTC/USDT:USDT?" in made.messages.value
    assert not made.use.disabled


def test_text_in_cells_cannot_become_markup(shelf: Shelf) -> None:
    """Escaped in the list."""
    made = typed(section(shelf), {**ROW, "symbol": "<img src=x>"})
    assert "<img" not in made.messages.value


def test_an_empty_row_is_no_position(shelf: Shelf) -> None:
    """A row just added, with its choices preset, is neither counted nor wrong."""
    made = typed(section(shelf), ROW, {"venue": "okx", "side": "long", "margin_mode": "isolated"})
    assert made.table.problems == []
    assert "1 position can be used" in made.messages.value
    typed(made, {"side": "short", "venue": "okx"})
    assert "must be" in made.messages.value, "a choice made is a row begun"


def test_rows_are_pasted_from_a_spreadsheet(shelf: Shelf) -> None:
    """Tabs, no header: from the cell on, over what is there and below it."""
    made = typed(section(shelf), ROW)
    tell(made, paste="0.5\t200\n0.7\t300\n", row=0, column="quantity")
    assert [(row["symbol"], row["quantity"], row["entry_price"]) for row in made.table.rows] == [
        (BTC, "0.5", "200"),
        ("", "0.7", "300"),
    ]
    assert made.table.version == 1
    assert made._shared.status.text == "2 rows pasted"


def test_a_file_with_a_header_goes_below(shelf: Shelf) -> None:
    """Columns by name in any order, unknown ones left out, labels of the table known too."""
    made = typed(section(shelf), ROW)
    text = f"Entry;comment;quantity;symbol;venue;side\n3000;mine;2;{ETH};OKX;Short\n"
    tell(made, file=text, name="book.csv")
    assert len(made.table.rows) == 2
    assert made.table.read.table is not None
    assert made.table.read.table["side"].tolist() == [1, -1]
    assert made._shared.status.text == "1 row from book.csv"


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_nothing_to_paste_is_said(text: str) -> None:
    """An empty file."""
    with pytest.raises(DataError, match="nothing to put into the table"):
        parse_text(text)


def test_broken_text_and_too_many_rows_are_said(shelf: Shelf) -> None:
    """On the status line; what was typed stays."""
    made = typed(section(shelf), ROW)
    tell(made, file='symbol,quantity\n"open', name="x.csv")
    assert "cannot be read as a table" in made._shared.status.text
    tell(made, file="symbol,quantity\n" + "A/B:B,1\n" * 1001, name="x.csv")
    assert "1000 positions at most" in made._shared.status.text
    tell(made, refused="huge.csv")
    assert "larger than 2 MB" in made._shared.status.text
    assert made.table.rows == [ROW]


def test_five_hundred_rows() -> None:
    """Read and checked at once."""
    table = PositionsTable(markets=MARKETS)
    rows = "\n".join(f"C{k}/USDT:USDT,okx,long,1,100,5" for k in range(500))
    table.add_text("symbol,venue,side,quantity,entry_price,leverage\n" + rows)
    assert table.read.table is not None
    assert len(table.read.table) == 500


def test_a_name_is_needed_and_a_refusal_is_shown(shelf: Shelf) -> None:
    """From the section and from the store."""
    made = typed(section(shelf), ROW)
    made.label.value = " "
    made.use.click()
    assert "needs a name" in made._shared.status.text
    made.label.value = "bad"
    made.use.click()
    assert made._shared.status.text == "The name is not allowed."
    assert made.table.rows == [ROW]


def test_the_book_in_use_fills_the_table_until_something_is_typed(shelf: Shelf) -> None:
    """A reload does not overwrite what is being typed."""
    made = section(shelf)
    made.show(inputs(positions()), view())
    assert [row["symbol"] for row in made.table.rows][:2] == [BTC, ETH]
    assert made.table.rows[0]["mark_price"] == "", "the market knows it"
    typed(made, ROW)
    made.show(inputs(positions()), view())
    assert made.table.rows == [ROW]
    made.current.click()
    assert len(made.table.rows) == 3


def test_an_inverse_position_is_shown_as_typed(shelf: Shelf) -> None:
    """1 coin at 100 of contracts entered at 80: 1.25 coin then."""
    held = positions(symbol=["BTC/USD:BTC", ETH, "SOL/USDT"])
    made = section(shelf)
    made.show(inputs(held), view(held))
    assert made.table.rows[0]["quantity"] == "1.25"
    assert "1 spot, 1 linear, 1 coin-margined" in made.in_use.value


def test_a_kept_book_is_opened(shelf: Shelf) -> None:
    """With its name; the list goes back to its first line."""
    made = typed(section(shelf), ROW)
    made.label.value = "swing"
    made.use.click()
    typed(made)
    made.kept.value = "swing"
    assert made.table.rows[0]["symbol"] == BTC
    assert (made.label.value, made.kept.value) == ("swing", "")


def test_no_book_in_use_says_so(shelf: Shelf) -> None:
    """A watch list is no book; the table says what to do."""
    made = section(shelf)
    made.show(inputs(positions(quantity=[NAN] * 3), watching=True), view(positions(quantity=[NAN] * 3)))
    assert "No book in use yet" in made.in_use.value
    assert "No positions typed" in made.messages.value
    assert made.current.disabled
    made.show(inputs(nothing().positions), nothing())


def test_the_book_in_use_lists_value_accounts_and_hedges() -> None:
    """Long BTC against a short of SOL at 0.9; two accounts merged."""
    held = merge_positions({"main": positions(), "alt": positions()})
    html = in_use_html(inputs(held), view(held, rho=0.9))
    assert "$400" in html
    assert "alt, main" in html
    assert "SOL short" in html
    assert "correlated" in html


def test_sums_of_a_part_of_the_book_say_so() -> None:
    """One of three has no price: what is known is summed, and the one is named."""
    held = positions(mark_price=[100.0, NAN, 100.0])
    html = in_use_html(inputs(held), view(held))
    assert "at least $" in html
    assert html.count("of the known, 2 of 3 positions") == 2
    assert f"{held['symbol'].iloc[1]} on {held['venue'].iloc[1]}." in html


def test_sums_of_which_nothing_is_known_are_dashes() -> None:
    """Never 0."""
    held = positions(mark_price=[NAN] * 3)
    assert in_use_html(inputs(held), view(held)).count("\u2013, 0 of 3 positions") == 3


def test_a_section_without_kept_books_has_no_list() -> None:
    """And saving still works."""
    saved: list[str] = []
    made = PositionsSection(
        Shared(Status(), Selection()), markets={}, save=lambda name, _table: saved.append(name), books=None
    )
    typed(made, ROW).use.click()
    assert saved == ["my book"]
    assert made.kept.layout.display == "none"
    made.set_theme(DARK)


def test_every_column_has_a_label_and_a_hint() -> None:
    """What a reader and a screen reader go by."""
    assert all(column["label"] and column["hint"] for column in COLUMNS)


def test_the_csv_is_what_is_typed(shelf: Shelf) -> None:
    """Also what is wrong: it is the reader's."""
    made = typed(section(shelf), {**ROW, "quantity": "many"})
    assert b"many" in made._csv()
