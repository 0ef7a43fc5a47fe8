"""A folder as a market: what it finds, how it orders, joins, builds and filters."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from heatlab.domain import Contract, Timeframe
from heatlab.errors import DataError, ParameterError, SourceError
from heatlab.frames import CANDLES, check, resample_candles
from heatlab.sources import Capability, FolderSource, MarketSource
from heatlab.store import CandleStore
from tests.sources.folders import at, bars, save

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Two venues, perpetuals and a spot pair, CSV and Parquet, an older and a newer file of one series."""
    folder = tmp_path / "data"
    save(bars(100, price=60_000, volume=50), folder / "binance_perp" / "BTC-USDT-USDT_1h.parquet")
    save(
        bars(48, start="2026-01-03 00:00", price=60_000, volume=50),
        folder / "binance_perp" / "BTC-USDT-USDT_1h_2025.csv",
    )
    save(bars(60, "1m", price=60_000), folder / "binance_perp" / "BTC-USDT-USDT_1m_2026-01.csv")
    save(bars(90, price=3_000, volume=10), folder / "binance_perp" / "ETH-USDT-USDT_1h.csv")
    save(bars(100, price=60_010), folder / "binance_spot" / "BTC-USDT_1h.csv")
    save(bars(120, price=60_000).assign(exchange="okx", symbol=BTC), folder / "mixed" / "okx_BTC_1h.parquet")
    save(pd.DataFrame({"coin": ["BTC"], "value": [1]}), folder / "sentiment" / "index_1d.csv")
    return folder


def test_it_is_a_market_source(market: Path) -> None:
    """The folder source keeps the protocol."""
    source = FolderSource(market)
    assert isinstance(source, MarketSource)
    assert source.name == "folder data"
    assert source.is_simulated is False


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """The message repeats the path."""
    with pytest.raises(SourceError, match=r"needs an existing folder. Got .*nowhere"):
        FolderSource(tmp_path / "nowhere")


def test_venues_come_from_columns_and_folders(market: Path) -> None:
    """Perpetuals of "binance" are those of binanceusdm; most perpetuals first."""
    assert FolderSource(market).venues() == ("binanceusdm", "okx", "binance")


def test_instruments_come_most_traded_first(market: Path) -> None:
    """Notional decides, and a spot pair is told from a perpetual."""
    source = FolderSource(market)
    assert [item.symbol for item in source.instruments("binanceusdm")] == [BTC, ETH]
    (spot,) = source.instruments("binance")
    assert (spot.symbol, spot.contract, spot.base, spot.quote) == ("BTC/USDT", Contract.SPOT, "BTC", "USDT")
    assert len(source.instruments()) == 4


def test_instruments_whose_data_ended_come_last(market: Path) -> None:
    """Much traded long ago is not traded now."""
    save(bars(100, start="2024-01-01", price=1e6, volume=1e6), market / "binance_perp" / "OLD-USDT-USDT_1h.csv")
    assert [item.base for item in FolderSource(market).instruments("binanceusdm")] == ["BTC", "ETH", "OLD"]


def test_an_unknown_venue_lists_the_known(market: Path) -> None:
    """The message names the venues there are."""
    with pytest.raises(ParameterError, match=r"one of binanceusdm, okx, binance\. Got 'kraken'"):
        FolderSource(market).instruments("kraken")


def test_now_is_the_last_close_of_the_default_venue(market: Path) -> None:
    """Other venues may hold later bars; they are not shown."""
    source = FolderSource(market)
    assert source.now() == at("2026-01-09 04:00")
    assert source.candles(BTC, "1h", venue="okx").index[-1] == at("2026-01-09 03:00")


def test_files_of_one_series_are_joined(market: Path) -> None:
    """An older CSV and a newer Parquet make one canonical table."""
    table = FolderSource(market).candles(BTC, "1h")
    assert len(table) == 148
    assert table.index[0] == at("2026-01-03 00:00")
    assert table.attrs == {"venue": "binanceusdm", "symbol": BTC, "timeframe": "1h"}
    check(table, CANDLES)


def test_timeframes_include_those_that_can_be_built(market: Path) -> None:
    """Everything a native timeframe divides, shortest first."""
    source = FolderSource(market)
    assert source.timeframes(ETH) == ("1h", "2h", "4h", "8h", "12h", "1d", "1w")
    assert source.timeframes(BTC)[:3] == ("1m", "5m", "15m")


def test_longer_bars_are_built_from_the_longest_that_divide(market: Path) -> None:
    """Four hours come from hours, not from the hour of minutes."""
    source = FolderSource(market)
    hours = source.candles(BTC, "1h")
    pd.testing.assert_frame_equal(source.candles(BTC, "4h"), resample_candles(hours, "4h"))
    assert len(source.candles(BTC, "5m")) == 12


def test_a_timeframe_that_cannot_be_built_lists_those_that_can(market: Path) -> None:
    """Hours make no minutes."""
    with pytest.raises(SourceError, match=r"no 5m candles of ETH/USDT:USDT on binanceusdm. It has 1h, 2h"):
        FolderSource(market).candles(ETH, "5m")
    with pytest.raises(ParameterError, match="'timeframe' parameter"):
        FolderSource(market).candles(ETH, "7m")


def test_start_end_and_limit(market: Path) -> None:
    """Start is included, end is not, limit keeps the last."""
    source = FolderSource(market)
    got = source.candles(BTC, "1h", start=at("2026-01-06 10:30"), end=at("2026-01-06 13:00"))
    assert list(got.index) == [at("2026-01-06 11:00"), at("2026-01-06 12:00")]
    assert list(source.candles(BTC, "1h", limit=2).index) == [at("2026-01-09 02:00"), at("2026-01-09 03:00")]
    assert source.candles(BTC, "1h", start=at("2027-01-01")).empty
    with pytest.raises(ParameterError, match=r"'limit' .* must be a whole number in \[1"):
        source.candles(BTC, "1h", limit=0)
    with pytest.raises(ParameterError, match=r"'start' .* with a time zone"):
        source.candles(BTC, "1h", start=pd.Timestamp("2026-01-06"))


def test_what_is_not_there_says_what_is(market: Path) -> None:
    """An unknown symbol or table names what the folder has."""
    source = FolderSource(market)
    with pytest.raises(SourceError, match=r"no candles of XRP/USDT:USDT. It has nothing of it"):
        source.candles("XRP/USDT:USDT", "1h")
    with pytest.raises(SourceError, match=r"no candles of ETH/USDT:USDT on okx. It has them on binanceusdm"):
        source.candles(ETH, "1h", venue="okx")
    with pytest.raises(SourceError, match=r"no funding of ETH/USDT:USDT. It has candles of it"):
        source.funding(ETH)


def test_what_a_caller_does_to_a_table_stays_with_the_caller(market: Path) -> None:
    """Tables kept in memory are not changed from outside."""
    source = FolderSource(market)
    table = source.candles(BTC, "1h")
    table.iloc[0, 0] = -1.0
    table.attrs["venue"] = "elsewhere"
    again = source.candles(BTC, "1h")
    assert again.iloc[0, 0] > 0
    assert again.attrs["venue"] == "binanceusdm"


def test_a_small_memory_gives_the_same_answers(market: Path) -> None:
    """Tables thrown out are read again."""
    small, large = FolderSource(market, cache_bytes=1), FolderSource(market)
    for symbol, timeframe in [(BTC, "1h"), (ETH, "4h"), (BTC, "1d"), (BTC, "1h")]:
        pd.testing.assert_frame_equal(small.candles(symbol, timeframe), large.candles(symbol, timeframe))


def test_what_is_left_out_is_noticed(market: Path) -> None:
    """A file that makes no table is named with its columns."""
    (notice,) = FolderSource(market).notices()
    assert notice.where == str(Path("sentiment", "index_1d.csv"))
    assert "its columns (coin, value) make none of the tables" in notice.message


@pytest.mark.parametrize(
    ("name", "extra", "message"),
    [
        ("okx/BTC-USDT-USDT_1h_mark.csv", {}, "says 'mark'"),
        ("okx/BTC-USDT-USDT.csv", {}, "does not say the timeframe"),
        ("okx/prices_1h.csv", {}, "neither its rows nor its name say a unified symbol"),
        ("okx/all_1h.csv", {"symbol": "XBTUSD"}, "its symbol 'XBTUSD' is not a unified symbol"),
        ("all/BTC-USD_1d.csv", {"exchange": "gemini+binance"}, "names no single venue"),
    ],
)
def test_candles_that_are_no_market_are_left_out(market: Path, name: str, extra: dict[str, str], message: str) -> None:
    """Mark prices, unnamed files and blends of venues are no candles of a market."""
    before = FolderSource(market).instruments()
    save(bars(24, "1d" if "1d" in name else "1h").assign(**extra), market / name)
    source = FolderSource(market)
    assert source.instruments() == before
    assert any(message in notice.message for notice in source.notices())


def test_overlapping_files_that_agree_are_one(market: Path) -> None:
    """Shared bars count once, without a notice."""
    save(
        bars(200, start="2026-01-01 12:00", price=60_000, volume=50).iloc[:150],
        market / "binance_perp" / "BTC-USDT-USDT_1h_x2.csv",
    )
    save(bars(30, price=60_000, volume=50), market / "binance_perp" / "BTC-USDT-USDT_1h_2026.csv")
    source = FolderSource(market)
    assert source.candles(BTC, "1h").index.is_unique
    assert len(source.notices()) == 1 + 1  # the file named "x2" and the sentiment index


def test_one_bar_that_differs_is_noticed(market: Path) -> None:
    """The longer file counts, and the difference is described."""
    other = bars(60, price=60_000, volume=50)
    other.loc[30, ["close", "high"]] += 100
    save(other, market / "binance_perp" / "BTC-USDT-USDT_1h_2026.csv")
    source = FolderSource(market)
    assert source.candles(BTC, "1h").loc[at("2026-01-06 06:00"), "close"] < 60_700
    assert "1 of 60 shared values of 'close' differ" in source.notices()[-1].message


def test_files_of_different_markets_under_one_name_are_refused(market: Path) -> None:
    """Two series that disagree are not blended."""
    save(bars(60, price=61_000, volume=50), market / "binance_perp" / "BTC-USDT-USDT_1h_2026.csv")
    source = FolderSource(market)
    with pytest.raises(DataError, match=r"60 of 60 shared values of 'close' differ between .* must agree"):
        source.candles(BTC, "1h")
    assert len(source.candles(ETH, "1h")) == 90


def test_a_file_named_after_another_symbol_is_refused(market: Path) -> None:
    """Name and rows must name one symbol."""
    save(bars(24).assign(symbol=ETH), market / "okx" / "SOL-USDT-USDT_1h.csv")
    with pytest.raises(DataError, match="is named after SOL/USDT:USDT but holds ETH/USDT:USDT"):
        FolderSource(market).candles("SOL/USDT:USDT", "1h")


def test_one_file_may_hold_many_symbols(tmp_path: Path) -> None:
    """Rows are told apart by their columns, in CSV as in Parquet."""
    both = pd.concat(
        [bars(24, price=10).assign(venue="okx", symbol=BTC), bars(12, price=20).assign(venue="okx", symbol=ETH)]
    )
    for suffix in ("csv", "parquet"):
        folder = tmp_path / suffix
        save(both, folder / f"all_1h.{suffix}")
        source = FolderSource(folder)
        assert len(source.candles(BTC, "1h")) == 24
        assert source.candles(ETH, "1h")["close"].iloc[0] == pytest.approx(20, rel=0.02)


def test_a_folder_without_candles_says_what_it_needs(tmp_path: Path) -> None:
    """The message gives the naming rule and the first reasons."""
    save(pd.DataFrame({"coin": ["BTC"]}), tmp_path / "coins.csv")
    source = FolderSource(tmp_path)
    assert source.venues() == ()
    with pytest.raises(SourceError, match=r"no candles .* SYMBOL_TIMEFRAME.csv .*coins.csv: Skipped"):
        source.now()


def test_a_candle_store_is_a_folder_of_market_data(tmp_path: Path) -> None:
    """What the cache keeps can be opened as it stands."""
    table = bars(1000, start="2026-01-25").set_index("timestamp")
    CandleStore(tmp_path).append("okx", BTC, "1h", table)
    got = FolderSource(tmp_path).candles(BTC, "1h", venue="okx")
    pd.testing.assert_frame_equal(got, table, check_freq=False)


@pytest.mark.parametrize(
    "stamps",
    [
        ["2026-01-05T03:00:00+03:00", "2026-01-05 04:00:00+03:00"],
        ["2026-01-05 00:00:00 UTC", "2026-01-05 01:00:00Z"],
        ["1767571200000", "1767574800000"],
    ],
)
def test_stamps_may_have_any_zone_or_be_milliseconds(tmp_path: Path, stamps: list[str]) -> None:
    """Instants are understood; the table is in UTC."""
    save(bars(2).assign(timestamp=stamps), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    got = FolderSource(tmp_path).candles(BTC, "1h")
    assert list(got.index) == [at("2026-01-05 00:00"), at("2026-01-05 01:00")]


def test_suffixes_may_be_upper_case(tmp_path: Path) -> None:
    """A file is not missed for the way its name is written."""
    path = save(bars(3), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    path.rename(path.with_suffix(".CSV"))
    assert len(FolderSource(tmp_path).candles(BTC, "1h")) == 3


def test_capabilities_say_what_there_is(market: Path) -> None:
    """Candles only, until other tables lie beside them."""
    assert FolderSource(market).capabilities(BTC) == {Capability.CANDLES}
    assert FolderSource(market).capabilities("XRP/USDT:USDT") == frozenset()


def test_a_folder_has_no_positions(market: Path) -> None:
    """Market data belong to no account."""
    assert FolderSource(market).positions().empty


def test_bars_seen_are_closed_bars(market: Path) -> None:
    """No bar of any timeframe closes after now."""
    source = FolderSource(market)
    for timeframe in source.timeframes(BTC, venue="okx"):
        table = source.candles(BTC, timeframe, venue="okx")
        assert table.empty or table.index[-1] + Timeframe(timeframe).delta <= source.now()
