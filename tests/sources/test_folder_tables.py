"""Tables other than candles in a folder: open interest, funding, liquidations, books, brackets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab import frames
from heatlab.errors import DataError, SourceError
from heatlab.frames import check, time_index
from heatlab.sources import Capability, FolderSource
from tests.sources.folders import START, at, bars, save

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START_MS = int(at(START).timestamp() * 1000)
HOUR = 3_600_000


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Hourly candles of two symbols on binanceusdm until 2026-01-09 04:00."""
    for coin in ("BTC", "ETH"):
        save(bars(100), tmp_path / "binanceusdm" / f"{coin}-USDT-USDT_1h.parquet")
    return tmp_path


def stamped(step_ms: int, count: int, **columns: Any) -> pd.DataFrame:
    """Rows every ``step_ms`` from START, labelled as BTC on binanceusdm."""
    table = pd.DataFrame({"timestamp": time_index(START_MS + np.arange(count) * step_ms)}).assign(**columns)
    return table.assign(symbol=columns.get("symbol", BTC), exchange=columns.get("exchange", "binanceusdm"))


def brackets(date: str, rate: float, symbol: str = BTC, cap: float = 1e6) -> pd.DataFrame:
    """Two brackets of one snapshot, as venues publish them."""
    return pd.DataFrame(
        {
            "file_date": date,
            "symbol": symbol,
            "min_notional": [5e4, 0.0],
            "max_notional": [cap, 5e4],
            "maintenance_margin_rate": [2 * rate, rate],
            "max_leverage": [50.0, 100.0],
            "maintenance_amount": [5e4 * rate, 0.0],
        }
    )


def test_open_interest_is_thinned_to_the_timeframe(market: Path) -> None:
    """The first stamp of each hour stays, with its own value."""
    table = stamped(HOUR // 12, 1300, open_interest=np.arange(1300.0), open_interest_value=np.arange(1300.0) * 100)
    save(table, market / "open_interest" / "all_5m.parquet")
    source = FolderSource(market)
    got = source.open_interest(BTC)
    assert got["open_interest"].tolist()[:3] == [0.0, 12.0, 24.0]
    assert got.attrs == {"venue": "binanceusdm", "symbol": BTC, "timeframe": "1h"}
    assert len(source.open_interest(BTC, timeframe="5m", end=at("2026-01-05 01:00"))) == 12
    later = source.open_interest(BTC, start=at("2026-01-05 00:30"))
    assert later.index[0] == at("2026-01-05 01:00")
    check(got, frames.OPEN_INTEREST)


def test_nothing_after_now_is_shown(market: Path) -> None:
    """Rows stamped after the last close belong to the future."""
    save(stamped(HOUR, 300, open_interest=1.0, open_interest_value=1.0), market / "open_interest" / "all_1h.parquet")
    assert FolderSource(market).open_interest(BTC).index[-1] == at("2026-01-09 04:00")


def test_open_interest_in_quote_alone_is_no_capability(market: Path) -> None:
    """The base quantity is unknown, so nothing that needs it is offered; the table is there."""
    save(stamped(HOUR, 9, open_interest_value=1e9), market / "open_interest" / "value_1h.parquet")
    source = FolderSource(market)
    assert source.open_interest(BTC)["open_interest"].isna().all()
    assert Capability.OPEN_INTEREST not in source.capabilities(BTC)


def test_a_funding_interval_is_the_step_before(market: Path) -> None:
    """Steps that are no usual interval are holes: the next step counts there."""
    table = stamped(8 * HOUR, 6, funding_rate=0.0001).drop(index=2)
    save(table, market / "funding" / "all.parquet")
    got = FolderSource(market).funding(BTC)
    assert got["funding_interval"].dt.total_seconds().tolist() == [8 * 3600.0] * 5
    check(got, frames.FUNDING)


def test_funding_of_a_venue_known_by_two_names_is_one(market: Path) -> None:
    """A perpetual of "binance" is one of binanceusdm."""
    save(stamped(8 * HOUR, 6, funding_rate=0.0001), market / "funding" / "a.parquet")
    save(stamped(8 * HOUR, 9, funding_rate=0.0001, exchange="binance"), market / "funding" / "b.csv")
    assert len(FolderSource(market).funding(BTC, venue="binanceusdm")) == 9


def test_liquidations_name_the_position_side(market: Path) -> None:
    """A sold-out long is +1; the price is that of the order, the fill is kept beside it."""
    table = stamped(
        60_000,
        2,
        position_side=["long", "short"],
        order_side=["SELL", "BUY"],
        quantity=[2.0, 1.0],
        price=[99.0, 101.0],
        average_price=[99.5, np.nan],
        notional_usd=[198.0, 101.0],
    )
    save(table, market / "liquidations" / "prints.parquet")
    got = FolderSource(market).liquidations(BTC)
    assert got["side"].tolist() == [1.0, -1.0]
    assert got["notional"].tolist() == [198.0, 101.0]
    assert got["price"].tolist() == [99.0, 101.0]
    assert got["venue"].unique().tolist() == ["binanceusdm"]
    check(got, frames.LIQUIDATIONS)


def test_a_side_that_is_none_is_named(market: Path) -> None:
    """Row and value of the first bad side."""
    table = stamped(60_000, 2, side=["long", "both"], quantity=1.0, price=1.0, notional=1.0)
    save(table, market / "liquidations" / "prints.csv")
    with pytest.raises(DataError, match=r"Column 'side' of .*prints\.csv must be long or short\. Row 3 is 'both'"):
        FolderSource(market).liquidations(BTC)


def book(hour: int, mid: float, unit: str = "base") -> pd.DataFrame:
    """Two levels a side, worst first."""
    return pd.DataFrame(
        {
            "timestamp": time_index(np.full(4, START_MS + hour * HOUR)),
            "exchange": "binanceusdm",
            "symbol": BTC,
            "side": ["ask", "ask", "bid", "bid"],
            "price": [mid + 2, mid + 1, mid - 2, mid - 1],
            "amount": [4.0, 3.0, 2.0, 1.0],
            "amount_unit": unit,
        }
    )


def test_the_latest_book_comes_best_prices_first(market: Path) -> None:
    """Bids, then asks; age from now; later books are the future."""
    save(pd.concat([book(1, 100), book(90, 200), book(200, 300)]), market / "orderbook" / "snapshots.parquet")
    source = FolderSource(market)
    got = source.order_book(BTC)
    assert got["price"].tolist() == [199.0, 198.0, 201.0, 202.0]
    assert got["side"].tolist() == [1.0, 1.0, -1.0, -1.0]
    assert got["age"].iloc[0] == pd.Timedelta(hours=10)
    assert source.order_book(BTC, depth=1)["price"].tolist() == [199.0, 201.0]
    check(got, frames.ORDER_BOOK)


def test_a_book_in_contracts_is_no_book_in_coins(market: Path) -> None:
    """Amounts of unknown worth are refused, not shown as coins."""
    save(book(1, 100, unit="contracts"), market / "orderbook" / "snapshots.parquet")
    source = FolderSource(market)
    assert Capability.ORDER_BOOK not in source.capabilities(BTC)
    with pytest.raises(DataError, match=r"amounts in base coin. Got 'contracts'"):
        source.order_book(BTC)


def test_brackets_are_the_latest_known_at_the_time(market: Path) -> None:
    """A snapshot from after now is not used, and brackets come smallest first."""
    table = pd.concat([brackets("2025-01-01", 0.004), brackets("2025-12-01", 0.005), brackets("2026-02-01", 0.006)])
    save(table, market / "leverage_tiers" / "binanceusdm_leverage_tiers.parquet")
    got = FolderSource(market).brackets(BTC)
    assert got["maintenance_margin_rate"].tolist() == [0.005, 0.01]
    assert got["notional_floor"].tolist() == [0.0, 5e4]
    assert got.attrs == {"venue": "binanceusdm", "symbol": BTC}
    check(got, frames.BRACKETS)


def test_brackets_of_the_future_are_no_brackets(market: Path) -> None:
    """A symbol known only later has none now."""
    table = pd.concat([brackets("2025-01-01", 0.004), brackets("2026-02-01", 0.006, symbol=ETH)])
    save(table, market / "leverage_tiers" / "binanceusdm_leverage_tiers.parquet")
    source = FolderSource(market)
    assert Capability.BRACKETS in source.capabilities(BTC)
    assert Capability.BRACKETS not in source.capabilities(ETH)
    with pytest.raises(SourceError, match="no leverage brackets of ETH/USDT:USDT on binanceusdm at 2026-01-09"):
        source.brackets(ETH)


def test_brackets_with_a_hole_are_refused(market: Path) -> None:
    """Each bracket starts where the one before ends."""
    table = brackets("2025-01-01", 0.004)
    table.loc[0, "min_notional"] = 6e4
    save(table, market / "leverage_tiers" / "binanceusdm_leverage_tiers.csv")
    source = FolderSource(market)
    assert Capability.BRACKETS not in source.capabilities(BTC)
    with pytest.raises(
        DataError, match=r"must follow one another. The one from 60000 comes after one that ends at 50000"
    ):
        source.brackets(BTC)
    assert len(source.notices()) == 1


def test_a_table_named_after_its_symbol_needs_no_columns_for_it(market: Path) -> None:
    """SYMBOL_what.csv in a folder of its venue is enough."""
    table = stamped(8 * HOUR, 3, funding_rate=0.0001).drop(columns=["symbol", "exchange"])
    save(table, market / "binanceusdm" / "BTC-USDT-USDT_funding.csv")
    assert len(FolderSource(market).funding(BTC, venue="binanceusdm")) == 3
