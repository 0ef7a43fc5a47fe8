"""ccxt structures to canonical tables, with literal values; units of venues the loopback does not speak."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heatlab.sources.exchange.parsing as parsing
from heatlab import frames
from heatlab.domain import Timeframe
from heatlab.errors import SourceError
from heatlab.frames import stamp_ms
from heatlab.sources.exchange.paging import ceil_to, floor_to, missing_ranges, windows
from heatlab.sources.exchange.quirks import Quirks, quirks_of

LINEAR = {"symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "swap": True, "linear": True, "contractSize": 0.1}
INVERSE = {"symbol": "BTC/USD:BTC", "base": "BTC", "quote": "USD", "swap": True, "inverse": True, "contractSize": 100.0}
SPOT = {"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True, "contractSize": None}
ROW = [0, 100.0, 110.0, 90.0, 105.0, 20.0]


@pytest.mark.parametrize("value", [None, "", "nan", "inf", "abc", float("inf")])
def test_what_is_no_number_is_unknown(value: Any) -> None:
    """Never 0."""
    assert math.isnan(parsing.number(value))


@pytest.mark.parametrize(("market", "base"), [(LINEAR, 2.0), (INVERSE, 40.0), (SPOT, 20.0)])
def test_amounts_become_base_coin(market: dict[str, Any], base: float) -> None:
    """Twenty contracts of 0.1 coin, of 100 dollars at 50, and twenty coins."""
    assert parsing.to_base(20.0, market, 50.0) == pytest.approx(base)


@pytest.mark.parametrize(("market", "volume"), [(LINEAR, 2.0), (INVERSE, 20 * 100 / 105), (SPOT, 20.0)])
def test_volume_counted_in_contracts_becomes_base_coin(market: dict[str, Any], volume: float) -> None:
    """Gate, MEXC and KuCoin futures."""
    table = parsing.candles([ROW], market, quirks_of("gate"))
    assert table["volume"].iloc[0] == pytest.approx(volume)


def test_candles_are_sorted_and_repeats_keep_the_last() -> None:
    """Venues serve newest first and may overlap pages."""
    later, again = [60_000, *ROW[1:]], [0, 1.0, 1.0, 1.0, 1.0, 1.0]
    table = parsing.candles([later, ROW, again], LINEAR, Quirks())
    assert table["open"].to_list() == [1.0, 100.0]
    frames.check(table, frames.CANDLES)


@pytest.mark.parametrize(
    "table",
    [
        parsing.candles([], LINEAR, Quirks()),
        parsing.open_interest([], LINEAR, Quirks()),
        parsing.funding([]),
        parsing.brackets([], LINEAR, Quirks()),
        parsing.positions([], {}, venue="x"),
    ],
    ids=["candles", "open interest", "funding", "brackets", "positions"],
)
def test_nothing_gives_an_empty_canonical_table(table: pd.DataFrame) -> None:
    """With its columns."""
    assert table.empty
    assert len(table.columns) > 0


def interest(market: dict[str, Any], venue: str, **record: Any) -> list[float]:
    """One row of open interest."""
    return parsing.open_interest([{"timestamp": 0, **record}], market, quirks_of(venue)).iloc[0].to_list()


def test_open_interest_of_binance_coin_futures() -> None:
    """Contracts beside their worth in coin."""
    assert interest(INVERSE, "binancecoinm", openInterestAmount=500, openInterestValue=0.9) == [0.9, 50_000.0]


def test_open_interest_in_contracts_is_multiplied() -> None:
    """Gate's linear contracts."""
    assert interest(LINEAR, "gate", openInterestAmount=500, openInterestValue=2500.0) == [50.0, 2500.0]


def test_open_interest_in_coin_is_taken_as_it_is() -> None:
    """OKX gives the coin beside the contracts."""
    row = interest(LINEAR, "okx", openInterestAmount=500, baseVolume=50.5, openInterestValue=2500.0)
    assert row == [50.5, 2500.0]


def test_open_interest_of_one_unit_leaves_the_other_unknown() -> None:
    """Bybit's inverse contracts: dollars only."""
    base, value = interest(INVERSE, "bybit", openInterestValue=2500.0)
    assert math.isnan(base)
    assert value == 2500.0


def test_funding_interval_is_the_spacing() -> None:
    """It changes over time; the first row takes the one after it."""
    hours = [0, 8, 16, 20, 24]
    table = parsing.funding([{"timestamp": hour * 3_600_000 + 4, "fundingRate": 0.0001} for hour in hours])
    assert [interval / pd.Timedelta("1h") for interval in table["funding_interval"]] == [8, 8, 8, 4, 4]


def test_a_single_funding_has_no_interval() -> None:
    """Unknown is unknown."""
    assert parsing.funding([{"timestamp": 0, "fundingRate": 0.0001}])["funding_interval"].isna().all()


def test_a_record_without_a_time_is_refused() -> None:
    """With the venue's own words."""
    with pytest.raises(SourceError, match="a row without a time"):
        parsing.funding([{"timestamp": None, "fundingRate": 0.1, "info": {"x": 1}}])


def position(**changes: Any) -> pd.Series:
    """One ccxt position through the parser."""
    record = {
        "symbol": "BTC/USDT:USDT",
        "contracts": 5.0,
        "side": "long",
        "entryPrice": 100.0,
        "markPrice": 110.0,
        "leverage": 10.0,
        "marginMode": "cross",
        "initialMargin": 5.5,
        "liquidationPrice": 60.0,
        "info": {},
    }
    markets = {"BTC/USDT:USDT": LINEAR, "BTC/USD:BTC": INVERSE}
    return parsing.positions([record | changes], markets, venue="x").iloc[0]


def test_a_liquidation_price_ccxt_worked_out_is_unknown() -> None:
    """ccxt fills in an isolated formula where the venue gives none; that is not the venue's word."""
    assert math.isnan(position()["liquidation_price"])


@pytest.mark.parametrize(
    "info", [{"liquidationPrice": "60"}, {"liqPx": "60"}, {"liqPrice": "60"}, {"position": {"liquidationPx": "60"}}]
)
def test_a_liquidation_price_the_venue_gave_is_kept(info: dict[str, Any]) -> None:
    """Binance, OKX, Bybit, Hyperliquid."""
    assert position(info=info)["liquidation_price"] == 60.0


@pytest.mark.parametrize("info", [{"liqPx": ""}, {"liquidationPrice": "0"}, {"liqPrice": None}])
def test_none_in_the_venues_words_is_unknown(info: dict[str, Any]) -> None:
    """Venues write nothing or 0."""
    assert math.isnan(position(info=info)["liquidation_price"])


def test_an_inverse_position_is_in_base_coin_and_quote() -> None:
    """Five contracts of 100 dollars at 110; the margin in coin is valued at the mark."""
    row = position(symbol="BTC/USD:BTC", initialMargin=0.5)
    assert row["quantity"] == pytest.approx(500 / 110)
    assert row["margin"] == pytest.approx(55.0)


def test_leverage_follows_from_the_margin_where_it_is_not_stated() -> None:
    """Binance's version 3."""
    assert position(leverage=None, initialMarginPercentage=0.05)["leverage"] == 20.0
    assert math.isnan(position(leverage=None)["leverage"])


def test_brackets_without_stated_amounts_are_continuous() -> None:
    """cum = floor * (rate - rate before) + cum before."""
    tiers = [
        {"minNotional": 0, "maxNotional": 1000, "maintenanceMarginRate": 0.01, "maxLeverage": 50, "info": {}},
        {"minNotional": 1001, "maxNotional": None, "maintenanceMarginRate": 0.02, "maxLeverage": 25, "info": {}},
    ]
    table = frames.check(parsing.brackets(tiers, LINEAR, Quirks()), frames.BRACKETS)
    assert table["notional_floor"].to_list() == [0.0, 1000.0]
    assert table["notional_cap"].to_list() == [1000.0, math.inf]
    assert table["maintenance_amount"].to_list() == [0.0, 10.0]


def test_an_empty_book_is_a_table() -> None:
    """A halted market."""
    book = parsing.order_book({"bids": [], "asks": []}, LINEAR, venue="x", now_ms=0, depth=None)
    assert frames.check(book, frames.ORDER_BOOK).empty


def test_a_book_without_a_time_has_no_age() -> None:
    """Unknown, not zero."""
    book = parsing.order_book({"bids": [[1.0, 1.0]], "asks": []}, SPOT, venue="x", now_ms=0, depth=None)
    assert book["age"].isna().all()


@pytest.mark.parametrize(("venue", "wanted", "spacing"), [
    ("okx", Timeframe.M15, "5m"), ("okx", Timeframe.H4, "1h"), ("okx", Timeframe.W1, "1d"),
    ("binanceusdm", Timeframe.H2, "2h"), ("bybit", Timeframe.H2, "1h"), ("bybit", Timeframe.M1, "5m"),
])  # fmt: skip
def test_open_interest_is_asked_for_on_a_grid_the_venue_has(venue: str, wanted: Timeframe, spacing: str) -> None:
    """The coarsest that fits the wanted one."""
    assert quirks_of(venue).interest_timeframe(wanted).value == spacing


# -- ranges -----------------------------------------------------------------------------------------------------------
def test_weeks_open_on_monday() -> None:
    """1970-01-05 was one."""
    wednesday = stamp_ms(pd.Timestamp("2026-01-14 12:00", tz="UTC"))
    assert floor_to(wednesday, Timeframe.W1) == stamp_ms(pd.Timestamp("2026-01-12", tz="UTC"))
    assert ceil_to(wednesday, Timeframe.W1) == stamp_ms(pd.Timestamp("2026-01-19", tz="UTC"))


@settings(max_examples=60)
@given(
    start=st.integers(0, 40),
    length=st.integers(0, 60),
    rows=st.integers(1, 9),
)
def test_windows_cover_a_range_once(start: int, length: int, rows: int) -> None:
    """End to end, none longer than a page."""
    parts = list(windows((start * 60, (start + length) * 60), 60, rows))
    covered = [stamp for low, high in parts for stamp in range(low, high, 60)]
    assert covered == list(range(start * 60, (start + length) * 60, 60))
    assert all(0 < high - low <= 60 * rows for low, high in parts)


@settings(max_examples=60)
@given(held=st.sets(st.integers(0, 50)), absent=st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_missing_and_held_make_the_whole(held: set[int], absent: tuple[int, int]) -> None:
    """Every bar is held, absent or missing, and no missing range holds one that is not."""
    hole = (min(absent) * 60, max(absent) * 60)
    stamps = pd.Series(sorted(held), dtype="int64").to_numpy() * 60
    missing = missing_ranges(stamps, (0, 51 * 60), 60, absent=[hole])
    listed = {stamp // 60 for low, high in missing for stamp in range(low, high, 60)}
    assert listed == set(range(51)) - held - set(range(min(absent), max(absent)))
    assert missing == sorted(missing)


def test_floor_and_ceil_agree_on_the_grid() -> None:
    """A bar's open is its own floor and ceiling."""
    for frame in Timeframe:
        opened = floor_to(1_700_000_000_000, frame)
        assert floor_to(opened, frame) == ceil_to(opened, frame) == opened
