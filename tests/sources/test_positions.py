"""Positions from a file, and a source that carries them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heatlab.domain import MarginMode, Position, Side
from heatlab.errors import DataError, MissingColumnsError, SourceError
from heatlab.frames import POSITIONS, check
from heatlab.margin import default_brackets, position_liquidation_price
from heatlab.sources import Capability, FolderSource, MarketSource, WithPositions, read_positions
from tests.sources.folders import bars, lines, save

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
SHORT_HEADER = "symbol,venue,side,quantity,entry_price"
FULL_HEADER = f"{SHORT_HEADER},leverage,margin_mode,margin,mark_price,liquidation_price"


def written(tmp_path: Path, *rows: str, header: str = SHORT_HEADER) -> Path:
    """A positions file of these rows."""
    return lines(tmp_path / "book.csv", *rows, header=header)


@pytest.fixture
def market(tmp_path: Path) -> FolderSource:
    """Hourly candles of BTC on okx, old one-minute candles of it, and brackets of okx."""
    folder = tmp_path / "market"
    save(bars(100, price=60_000), folder / "okx" / "BTC-USDT-USDT_1h.csv")
    save(bars(60, "1m", price=50_000), folder / "okx" / "BTC-USDT-USDT_1m.csv")
    save(default_brackets().assign(symbol=BTC), folder / "okx" / "okx_leverage_tiers.parquet")
    return FolderSource(folder)


def test_required_columns_are_enough(tmp_path: Path) -> None:
    """What the file does not say is NaN, the margin mode isolated."""
    got = read_positions(written(tmp_path, f"{BTC},OKX,Long,0.5,60000", f"{ETH},okx,sell,2,3000"))
    assert got["side"].tolist() == [1, -1]
    assert got["venue"].tolist() == ["okx", "okx"]
    assert got["margin_mode"].tolist() == ["isolated", "isolated"]
    assert got[["mark_price", "leverage", "margin", "liquidation_price"]].isna().all(axis=None)
    check(got, POSITIONS)


def test_every_column_is_read(tmp_path: Path) -> None:
    """Optional columns keep their values; order of columns does not matter."""
    header = ",".join(reversed(FULL_HEADER.split(",")))
    row = ",".join(reversed(f"{BTC},okx,long,0.5,60000,10,cross,3000,61000,55000".split(",")))
    (record,) = read_positions(written(tmp_path, row, header=header)).to_dict("records")
    assert record == {
        "symbol": BTC,
        "venue": "okx",
        "side": 1,
        "quantity": 0.5,
        "entry_price": 60000.0,
        "mark_price": 61000.0,
        "leverage": 10.0,
        "margin_mode": "cross",
        "margin": 3000.0,
        "liquidation_price": 55000.0,
    }


def test_no_rows_are_no_positions(tmp_path: Path) -> None:
    """A header alone is an empty book; blank lines count as nothing."""
    assert read_positions(written(tmp_path)).empty
    assert len(read_positions(written(tmp_path, "", f"{BTC},okx,long,1,60000", ",,,,", ""))) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("BTCUSDT,okx,long,1,60000", r"row 3, column 'symbol' must be a unified symbol such as .* Got 'BTCUSDT'"),
        (f"{BTC},,long,1,60000", r"row 3, column 'venue' must be the name of a venue .* Got ''"),
        (f"{BTC},okx,up,1,60000", r"row 3, column 'side' must be long or short\. Got 'up'"),
        (f"{BTC},okx,long,0,60000", r"row 3, column 'quantity' must be a positive number \[base\]\. Got '0'"),
        (f"{BTC},okx,long,-1,60000", r"row 3, column 'quantity' .* Got '-1'"),
        (f"{BTC},okx,long,1_000,60000", r"row 3, column 'quantity' .* Got '1_000'"),
        (f"{BTC},okx,long,,60000", r"row 3, column 'quantity' .* Got ''"),
        (f"{BTC},okx,long,1,nan", r"row 3, column 'entry_price' .* Got 'nan'"),
        (f"{BTC},okx,long,1,inf", r"row 3, column 'entry_price' .* Got 'inf'"),
        (f"{BTC},okx,long,1,60k", r"row 3, column 'entry_price' must be a positive number \[quote\]\. Got '60k'"),
        (f"{BTC},okx,long,1", r"row 3 must have 5 cells\. Got 4"),
        (f"{ETH},okx,long,1,3000", r"row 3 repeats symbol, venue and side of row 2"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, row: str, message: str) -> None:
    """Row as in the file, column, allowed, got."""
    with pytest.raises(DataError, match=message):
        read_positions(written(tmp_path, f"{ETH},okx,long,1,3000", row))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("20x,,,,", r"column 'leverage' must be a positive number\. Got '20x'"),
        ("0,,,,", r"column 'leverage' .* Got '0'"),
        (",iso,,,", r"column 'margin_mode' must be isolated or cross\. Got 'iso'"),
        (",,-5,,", r"column 'margin' must be a number of 0 or more \[quote\]\. Got '-5'"),
        (",,,0,", r"column 'mark_price' must be a positive number \[quote\]\. Got '0'"),
        (",,,,-1", r"column 'liquidation_price' .* Got '-1'"),
    ],
)
def test_a_bad_optional_cell_is_named(tmp_path: Path, cells: str, message: str) -> None:
    """An optional column is checked where it has text."""
    with pytest.raises(DataError, match=message):
        read_positions(written(tmp_path, f"{BTC},okx,long,1,60000,{cells}", header=FULL_HEADER))


def test_all_bad_rows_come_in_one_message(tmp_path: Path) -> None:
    """Ten are listed, the rest counted."""
    rows = [f"X{number},okx,long,1,1" for number in range(14)]
    with pytest.raises(DataError, match=r"book\.csv has 14 problems") as caught:
        read_positions(written(tmp_path, *rows))
    assert str(caught.value).count("\n- row") == 10
    assert str(caught.value).endswith("... and 4 more.")


def test_columns_are_checked(tmp_path: Path) -> None:
    """Missing ones are listed; a misspelt one is not silently ignored."""
    with pytest.raises(MissingColumnsError, match=r"Missing side, quantity; got symbol, venue, entry_price"):
        read_positions(written(tmp_path, header="symbol,venue,entry_price"))
    with pytest.raises(MissingColumnsError, match="got an empty file"):
        read_positions(written(tmp_path, header=""))
    with pytest.raises(DataError, match=r"Got leverge"):
        read_positions(written(tmp_path, header=f"{SHORT_HEADER},leverge"))
    with pytest.raises(DataError, match="once"):
        read_positions(written(tmp_path, header=f"{SHORT_HEADER},side"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Absent, a folder, or no text."""
    with pytest.raises(SourceError, match=r"absent.csv' cannot be read"):
        read_positions(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        read_positions(tmp_path)
    (tmp_path / "book.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="cannot be read"):
        read_positions(tmp_path / "book.csv")


def test_spreadsheet_files_are_read(tmp_path: Path) -> None:
    """A byte-order mark, quotes and blanks around cells are no part of the values."""
    path = tmp_path / "book.csv"
    path.write_text(
        f' Symbol ,venue,SIDE,quantity,entry_price\r\n"{BTC}", okx ,long, 1 ,60000\r\n', encoding="utf-8-sig"
    )
    assert read_positions(path)["quantity"].tolist() == [1.0]


def test_unknown_values_are_filled_in(tmp_path: Path, market: FolderSource) -> None:
    """Mark price of the latest close, margin at entry, liquidation price by the venue's formula."""
    header = f"{SHORT_HEADER},leverage"
    source = WithPositions(market, read_positions(written(tmp_path, f"{BTC},okx,long,0.5,60000,20", header=header)))
    (record,) = source.positions().to_dict("records")
    assert record["mark_price"] == market.candles(BTC, "1h")["close"].iloc[-1]
    assert record["margin"] == 1500.0
    position = Position(BTC, "okx", Side.LONG, 0.5, 60000.0, record["mark_price"], 20.0, MarginMode.ISOLATED, 1500.0)
    assert record["liquidation_price"] == position_liquidation_price(position, market.brackets(BTC))
    assert 56_000 < record["liquidation_price"] < 60_000
    assert source.notices() == market.notices()


def test_values_of_the_file_are_kept(tmp_path: Path, market: FolderSource) -> None:
    """What the user says counts; the leverage follows from the margin."""
    row = f"{BTC},okx,short,0.5,60000,,isolated,3000,61000,65000"
    source = WithPositions(market, read_positions(written(tmp_path, row, header=FULL_HEADER)))
    (record,) = source.positions().to_dict("records")
    assert (record["margin"], record["mark_price"], record["liquidation_price"]) == (3000.0, 61000.0, 65000.0)
    assert record["leverage"] == 10.0


def test_a_cross_position_has_no_liquidation_price_of_its_own(tmp_path: Path, market: FolderSource) -> None:
    """It depends on the account's wallet, which a file does not know."""
    row = f"{BTC},okx,short,0.5,60000,10,cross,,,"
    source = WithPositions(market, read_positions(written(tmp_path, row, header=FULL_HEADER)))
    assert math.isnan(source.positions()["liquidation_price"].iloc[0])


def test_a_cross_position_with_its_wallet_and_the_whole_account_has_one(tmp_path: Path, market: FolderSource) -> None:
    """The balance stands in the file, once per row of the venue; isolated rows play no part in it."""
    header = f"{SHORT_HEADER},leverage,margin_mode,wallet_balance"
    rows = (f"{BTC},okx,short,0.5,60000,10,cross,8000", f"{BTC},okx,long,0.1,60000,10,isolated,")
    table = read_positions(written(tmp_path, *rows, header=header))
    assert table.attrs["wallet_balance"] == {"okx": 8000.0}
    cross, isolated = WithPositions(market, table).positions().to_dict("records")
    position = Position(BTC, "okx", Side.SHORT, 0.5, 60000.0, cross["mark_price"], 10.0, MarginMode.CROSS, 3000.0)
    alone = position_liquidation_price(position, market.brackets(BTC), others=(), wallet_balance=8000.0)
    assert cross["liquidation_price"] == alone > 60_000
    assert isolated["liquidation_price"] < 60_000


def test_two_balances_of_one_venue_are_refused(tmp_path: Path) -> None:
    """One cross account has one balance; text is no balance."""
    header = f"{SHORT_HEADER},wallet_balance"
    rows = (f"{BTC},okx,short,1,60000,100", f"{ETH},okx,long,1,3000,200", f"{BTC},okx,long,1,60000,much")
    with pytest.raises(
        DataError, match=r"row 3, column 'wallet_balance' must be the same for all rows of okx"
    ) as error:
        read_positions(written(tmp_path, *rows, header=header))
    assert "row 4, column 'wallet_balance' must be a number of 0 or more" in str(error.value)


def test_a_venue_without_a_known_formula_gives_no_price(tmp_path: Path, market: FolderSource) -> None:
    """An invented price is worse than none."""
    header = f"{SHORT_HEADER},leverage"
    source = WithPositions(market, read_positions(written(tmp_path, f"{BTC},mtgox,long,1,60000,10", header=header)))
    assert math.isnan(source.positions()["liquidation_price"].iloc[0])
    assert any("no exact margin formula of this venue" in notice.message for notice in source.notices())


def test_leverage_the_venue_does_not_allow_gives_no_price(tmp_path: Path, market: FolderSource) -> None:
    """500x on okx cannot be open."""
    header = f"{SHORT_HEADER},leverage"
    source = WithPositions(market, read_positions(written(tmp_path, f"{BTC},okx,long,1,60000,500", header=header)))
    assert math.isnan(source.positions()["liquidation_price"].iloc[0])
    assert any("does not allow 500x" in notice.message for notice in source.notices())


def test_margin_of_an_inverse_position_is_in_coin_at_entry(tmp_path: Path, market: FolderSource) -> None:
    """Long 1 BTC of contracts from 50,000 at 2x with the mark at 35,000: 1 / 2 coin of margin, not 25,000 / 35,000."""
    header = f"{SHORT_HEADER},leverage,mark_price"
    row = "BTC/USD:BTC,binancecoinm,long,1,50000,2,35000"
    source = WithPositions(market, read_positions(written(tmp_path, row, header=header)))
    price = source.positions()["liquidation_price"].iloc[0]
    assert price == pytest.approx(50_000 * (1 + 0.004) / 1.5, rel=0.002)


def test_what_cannot_be_known_is_nan_and_noticed(tmp_path: Path, market: FolderSource) -> None:
    """A symbol without candles has no mark price; another venue's price is said to be one."""
    book = read_positions(written(tmp_path, f"{ETH},okx,long,1,3000", f"{BTC},bybit,long,1,60000"))
    source = WithPositions(market, book)
    got = source.positions()
    assert math.isnan(got["mark_price"].iloc[0])
    assert got["mark_price"].iloc[1] > 50_000
    assert got["liquidation_price"].isna().all()
    told = {notice.where: notice.message for notice in source.notices()[len(market.notices()) :]}
    assert set(told) == {"okx ETH/USDT:USDT", "bybit BTC/USDT:USDT"}
    messages = " ".join(notice.message for notice in source.notices())
    assert "The mark price is unknown" in messages
    assert "the mark price is from okx" in messages
    assert "Typical leverage brackets are assumed" in messages
    assert "Leverage brackets of okx are assumed" in messages


def test_positions_of_one_venue(tmp_path: Path, market: FolderSource) -> None:
    """The venue chooses rows; none are an empty table."""
    book = read_positions(written(tmp_path, f"{BTC},okx,long,1,60000", f"{BTC},bybit,long,1,60000"))
    source = WithPositions(market, book)
    assert source.positions(venue="okx")["venue"].tolist() == ["okx"]
    assert source.positions(venue="gate").empty


def test_everything_else_comes_from_the_source(tmp_path: Path, market: FolderSource) -> None:
    """Candles, clock, names and capabilities are those of the market."""
    source = WithPositions(market, read_positions(written(tmp_path, f"{BTC},okx,long,1,60000")))
    assert isinstance(source, MarketSource)
    assert (source.name, source.is_simulated, source.venues()) == (market.name, False, ("okx",))
    assert source.now() == market.now()
    assert source.instruments() == market.instruments()
    assert source.timeframes(BTC) == market.timeframes(BTC)
    pd.testing.assert_frame_equal(source.candles(BTC, "1h", limit=3), market.candles(BTC, "1h", limit=3))
    pd.testing.assert_frame_equal(source.brackets(BTC), market.brackets(BTC))
    assert source.capabilities(BTC) == market.capabilities(BTC) | {Capability.POSITIONS}
    for ask in (source.open_interest, source.funding, source.liquidations, source.order_book):
        with pytest.raises(SourceError, match="has no"):
            ask(BTC)


def test_the_table_given_is_not_touched(tmp_path: Path, market: FolderSource, pure: Callable[..., Any]) -> None:
    """Filling in makes a new table."""
    book = read_positions(written(tmp_path, f"{BTC},okx,long,1,60000"))
    pure(lambda table: WithPositions(market, table).positions(), book)


def test_a_table_that_is_no_positions_is_refused(market: FolderSource) -> None:
    """The canonical contract is checked at the door."""
    with pytest.raises(MissingColumnsError, match="positions table must have the columns symbol"):
        WithPositions(market, pd.DataFrame({"symbol": [BTC]}))


class CountingFolder(FolderSource):
    """A folder that counts what it is asked for, with a clock to move."""

    asked = 0
    late = pd.Timedelta(0)

    def candles(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """Count, then answer."""
        self.asked += 1
        return super().candles(*args, **kwargs)

    def brackets(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """Count, then answer."""
        self.asked += 1
        return super().brackets(*args, **kwargs)

    def now(self) -> pd.Timestamp:
        """Clock of the folder, moved on."""
        return super().now() + self.late


def test_prices_and_brackets_are_asked_for_once_a_minute(tmp_path: Path, market: FolderSource) -> None:
    """Another look at the same minute asks for nothing, known or not; the next minute asks again."""
    folder = CountingFolder(market._path)
    book = read_positions(written(tmp_path, f"{BTC},okx,long,1,60000", f"{ETH},okx,long,1,3000"))
    source = WithPositions(folder, book)
    first, asked = source.positions(), folder.asked
    assert asked > 0
    folder.late = pd.Timedelta("59s")
    pd.testing.assert_frame_equal(source.positions(), first)
    assert source.positions(venue="okx")["mark_price"].iloc[0] == first["mark_price"].iloc[0]
    assert folder.asked == asked
    folder.late = pd.Timedelta("60s")
    source.positions()
    assert folder.asked == 2 * asked


def test_an_inverse_position_is_worth_its_contracts(tmp_path: Path, market: FolderSource) -> None:
    """1 coin of contracts from 50,000 is worth 50,000 at every mark, and its margin is coin at the mark."""
    header = f"{SHORT_HEADER},leverage,mark_price"
    row = "BTC/USD:BTC,binancecoinm,long,1,50000,2,40000"
    (got,) = WithPositions(market, read_positions(written(tmp_path, row, header=header))).positions().to_dict("records")
    assert got["quantity"] * got["mark_price"] == pytest.approx(50_000.0)
    assert got["margin"] == pytest.approx(0.5 * 40_000)


def test_an_inverse_position_without_a_mark_keeps_its_quantity(tmp_path: Path, market: FolderSource) -> None:
    """What it is worth in coin now is not known; what it was at entry is."""
    row = "ETH/USD:ETH,binancecoinm,long,2,3000"
    (got,) = WithPositions(market, read_positions(written(tmp_path, row))).positions().to_dict("records")
    assert got["quantity"] == 2.0
    assert math.isnan(got["mark_price"])


def test_coins_held_spot_have_no_liquidation_price(tmp_path: Path, market: FolderSource) -> None:
    """0: no fall liquidates them, on any venue; borrowed coins stay unknown, and a notice says so."""
    header = f"{SHORT_HEADER},mark_price"
    rows = ("BTC/USDT,kraken,long,1,50000,60000", "ETH/USDT,kraken,short,1,3000,2500")
    source = WithPositions(market, read_positions(written(tmp_path, *rows, header=header)))
    held, borrowed = source.positions().to_dict("records")
    assert (held["liquidation_price"], held["leverage"], held["margin"]) == (0.0, 1.0, 50_000.0)
    assert math.isnan(borrowed["liquidation_price"])
    assert any("borrowed" in notice.message for notice in source.notices())
