"""ExchangeSource over HTTP: real ccxt against the loopback venue, three wire formats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from heatlab import frames
from heatlab.domain import Contract
from heatlab.errors import ParameterError, SourceError
from heatlab.sources.base import Capability, MarketSource
from heatlab.sources.exchange import ExchangeSource
from tests.venue.market import BTC, COIN, ETH, NOW, SPOT, ArithmeticMarket
from tests.venue.server import LoopbackVenue
from tests.venue.sources import KEY_ENVIRONMENT, VENUES, served

KLINES = {"binanceusdm": "/klines", "okx": "-candles", "bybit": "/kline"}
LISTED = [
    *((venue, symbol) for venue in VENUES for symbol in (BTC, ETH)),
    *((v, s) for v in VENUES[1:] for s in (COIN, SPOT)),
]
SWAPS = [(venue, symbol) for venue, symbol in LISTED if symbol != SPOT]
MARKET = ArithmeticMarket()


@pytest.fixture(scope="module")
def everything() -> Iterator[tuple[LoopbackVenue, ExchangeSource]]:
    """All three venues with keys, shared by the tests that only read."""
    with served(environ=KEY_ENVIRONMENT) as pair:
        yield pair


@pytest.fixture(scope="module")
def source(everything: tuple[LoopbackVenue, ExchangeSource]) -> ExchangeSource:
    """The source alone."""
    return everything[1]


@pytest.fixture(scope="module")
def public() -> Iterator[ExchangeSource]:
    """All three venues without any key."""
    with served() as pair:
        yield pair[1]


def same(ours: pd.DataFrame, served_table: pd.DataFrame) -> None:
    """Exactly the same rows and values."""
    pd.testing.assert_frame_equal(ours, served_table, check_exact=True, check_freq=False)


# -- candles ----------------------------------------------------------------------------------------------------------
def test_first_bar_of_a_day_is_what_the_market_says(source: ExchangeSource) -> None:
    """One bar, value by value."""
    bar = source.candles(BTC, "1d", venue="okx", start=pd.Timestamp("2026-01-01", tz="UTC")).iloc[0]
    assert bar.to_dict() == {"open": 50026.25, "high": 50028.75, "low": 50013.625, "close": 50014.875, "volume": 109.5}


@pytest.mark.parametrize(("venue", "symbol"), LISTED)
def test_candles_equal_what_was_served(source: ExchangeSource, venue: str, symbol: str) -> None:
    """Linear, inverse and spot: volume in base coin, values exact."""
    same(source.candles(symbol, "1h", venue=venue, limit=500), MARKET.candles(symbol, "1h", venue=venue, limit=500))


@pytest.mark.parametrize(("venue", "bars", "pages"), [("binanceusdm", 3500, 4), ("okx", 1100, 4), ("bybit", 3500, 4)])
def test_history_comes_in_pages(venue: str, bars: int, pages: int) -> None:
    """More than three pages join without a gap or a repeat, and each is asked for once."""
    done: list[tuple[int, int]] = []
    with served(venue) as (loopback, source):
        table = source.candles(BTC, "15m", limit=bars, progress=lambda now, total, text: done.append((now, total)))
        assert len(loopback.asked(KLINES[venue])) == pages
    same(table, MARKET.candles(BTC, "15m", venue=venue, limit=bars))
    assert [step[0] for step in done] == sorted({step[0] for step in done})
    assert (len(done), done[-1]) == (pages, (bars, bars))


@pytest.mark.parametrize("venue", VENUES)
def test_pages_shorter_than_documented_leave_no_hole(venue: str) -> None:
    """A venue that caps its pages at 70 bars is asked for the rest, at the start or at the end."""
    with served(venue) as (loopback, source):
        loopback._formats[venue].page = 70
        same(source.candles(BTC, "1h", limit=300), MARKET.candles(BTC, "1h", venue=venue, limit=300))
        assert len(loopback.asked(KLINES[venue]) + loopback.asked("market/candles")) == 5


@pytest.mark.parametrize("venue", VENUES)
def test_the_unfinished_bar_is_dropped_by_the_venues_clock(source: ExchangeSource, venue: str) -> None:
    """At 10:07:30 on the venue the last hourly bar opened at 09:00, whatever the local clock says."""
    table = source.candles(BTC, "1h", venue=venue, end=NOW + pd.Timedelta("1D"), limit=3)
    assert table.index[-1] == pd.Timestamp("2026-01-15 09:00", tz="UTC")


def test_a_bar_is_left_to_settle() -> None:
    """One second after its close a bar may still change."""
    market = ArithmeticMarket(now=pd.Timestamp("2026-01-15 10:00:01", tz="UTC"))
    with served("okx", market=market) as (_, source):
        assert source.candles(BTC, "1h", limit=1).index[-1] == pd.Timestamp("2026-01-15 08:00", tz="UTC")


@pytest.mark.parametrize("venue", VENUES)
def test_start_is_included_and_end_excluded(source: ExchangeSource, venue: str) -> None:
    """Both compare with the open time."""
    start, end = pd.Timestamp("2026-01-10 03:00", tz="UTC"), pd.Timestamp("2026-01-10 07:00", tz="UTC")
    table = source.candles(BTC, "1h", venue=venue, start=start, end=end)
    assert list(table.index.hour) == [3, 4, 5, 6]


@pytest.mark.parametrize("venue", ["okx", "bybit"])
def test_timeframes_a_venue_lacks_are_built(source: ExchangeSource, venue: str) -> None:
    """Eight hours from four."""
    table = source.candles(BTC, "8h", venue=venue, limit=4)
    expected = frames.resample_candles(MARKET.candles(BTC, "4h", start=table.index[0]), "8h").tail(4)
    assert table.attrs["timeframe"] == "8h"
    assert table["high"].to_list() == expected["high"].to_list()


@pytest.mark.parametrize("venue", VENUES)
def test_weeks_open_on_monday(source: ExchangeSource, venue: str) -> None:
    """On every venue."""
    table = source.candles(BTC, "1w", venue=venue, limit=4)
    assert list(table.index.day_of_week) == [0] * 4
    assert table.index[-1] == pd.Timestamp("2026-01-05", tz="UTC")


def test_timeframes_are_listed_shortest_first(source: ExchangeSource) -> None:
    """Built ones included."""
    assert source.timeframes(BTC, venue="okx") == ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w")


def test_tables_name_their_origin(source: ExchangeSource) -> None:
    """Venue, symbol and timeframe travel in attrs."""
    assert source.candles(ETH, "1h", limit=2).attrs == {"venue": "binanceusdm", "symbol": ETH, "timeframe": "1h"}


def test_years_before_the_listing_are_not_asked_for() -> None:
    """A start in 2010 costs the pages since the listing date only."""
    with served("bybit") as (loopback, source):
        table = source.candles(BTC, "1d", start=pd.Timestamp("2010-01-01", tz="UTC"))
        first = min(int(query["start"]) for query in loopback.asked("/kline"))
    assert table.index[0] == pd.Timestamp("2024-01-01", tz="UTC")
    assert pd.Timestamp(first, unit="ms") >= pd.Timestamp("2019-12-01")


@pytest.mark.parametrize("depth", [0, 1.5, float("inf")])
def test_a_depth_must_be_a_whole_number_above_zero(source: ExchangeSource, depth: float) -> None:
    """The error names the parameter and the value; nothing is asked."""
    with pytest.raises(ParameterError, match=r"'depth' parameter of ExchangeSource.order_book must be a whole number"):
        source.order_book(BTC, depth=depth)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1, 1.5])
def test_a_limit_must_be_positive(source: ExchangeSource, limit: int) -> None:
    """Zero bars is a mistake, not a request."""
    with pytest.raises(ParameterError, match="'limit' parameter of candles"):
        source.candles(BTC, "1h", limit=limit)


# -- open interest and funding ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("venue", "symbol"), SWAPS)
def test_open_interest_is_in_base_and_quote(source: ExchangeSource, venue: str, symbol: str) -> None:
    """Contracts, coin or dollars on the wire; coin and quote in the table."""
    start = NOW - pd.Timedelta("3D")
    table = source.open_interest(symbol, venue=venue, timeframe="5m", start=start)
    pd.testing.assert_frame_equal(
        table, MARKET.open_interest(symbol, venue=venue, timeframe="5m", start=start), rtol=1e-12, check_freq=False
    )


@pytest.mark.parametrize(
    ("venue", "path", "pages"), [("binanceusdm", "Hist", 4), ("okx", "history", 18), ("bybit", "open-interest", 9)]
)
def test_open_interest_comes_in_pages(venue: str, path: str, pages: int) -> None:
    """Six days of five minutes on pages of 500, 100 and 200 rows."""
    with served(venue) as (loopback, source):
        table = source.open_interest(BTC, timeframe="5m", start=NOW - pd.Timedelta("6D"))
        assert len(loopback.asked(path)) == pages
    assert (len(table), table.index[-1]) == (1728, pd.Timestamp("2026-01-15 10:05", tz="UTC"))


def test_open_interest_of_binance_is_cut_to_thirty_days_with_a_notice() -> None:
    """Older is not kept there: the user is told."""
    with served("binanceusdm") as (_, source):
        table = source.open_interest(BTC, timeframe="1h", start=NOW - pd.Timedelta("45D"))
        assert table.index[0] == pd.Timestamp("2025-12-16 11:00", tz="UTC")
        assert "kept for 30 days only" in source.notices()[0].message


def test_open_interest_on_a_grid_the_venue_lacks_is_thinned(source: ExchangeSource) -> None:
    """OKX has no four hours: every fourth hour is kept."""
    table = source.open_interest(BTC, venue="okx", timeframe="4h", start=NOW - pd.Timedelta("2D"))
    assert set(table.index.hour) == {0, 4, 8, 12, 16, 20}
    weeks = source.open_interest(BTC, venue="okx", timeframe="1w", start=NOW - pd.Timedelta("21D"))
    assert list(weeks.index.day_of_week) == [0, 0, 0]


@pytest.mark.parametrize(("venue", "spacing"), [("binanceusdm", "5m"), ("okx", "5m"), ("bybit", "1h")])
def test_a_venue_without_history_gives_the_present_open_interest(venue: str, spacing: str) -> None:
    """One row, stamped now; the capability that promises a history is absent."""
    without = {venue: {"has": {"fetchOpenInterestHistory": False}}}
    with served(venue, extra=without) as (_, source):
        table = source.open_interest(BTC)
        assert Capability.OPEN_INTEREST not in source.capabilities(BTC)
    assert table["open_interest"].to_list() == [MARKET.open_interest(BTC, timeframe=spacing)["open_interest"].iloc[-1]]


@pytest.mark.parametrize(("venue", "symbol"), SWAPS)
def test_funding_equals_what_was_served(source: ExchangeSource, venue: str, symbol: str) -> None:
    """Eighty days: over several pages backwards on OKX and Bybit, stamps to the second on Binance."""
    start = NOW - pd.Timedelta("80D")
    table = source.funding(symbol, venue=venue, start=start)
    expected = MARKET.funding(symbol, venue=venue, start=start)
    assert table["funding_rate"].to_list() == expected["funding_rate"].to_list()
    assert table.index.equals(expected.index)
    assert set(table["funding_interval"]) == {pd.Timedelta("8h")}


@pytest.mark.parametrize(("venue", "pages"), [("binanceusdm", 2), ("bybit", 4)])
def test_funding_comes_in_pages(venue: str, pages: int) -> None:
    """Two years of settlements."""
    with served(venue, extra={}) as (loopback, source):
        table = source.funding(BTC, start=pd.Timestamp("2024-01-10", tz="UTC"))
        asked = len(loopback.asked("unding"))
    assert len(table) == 2210
    assert asked >= pages


# -- book, brackets, positions ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("venue", "symbol"), LISTED)
def test_order_book_is_in_base_coin(source: ExchangeSource, venue: str, symbol: str) -> None:
    """Contracts and dollars become coin; bids fall, asks rise; depths a venue lacks are rounded up and cut."""
    book, expected = source.order_book(symbol, venue=venue, depth=7), MARKET.order_book(symbol, venue=venue, depth=7)
    assert book["side"].to_list() == [1] * 7 + [-1] * 7
    assert book["price"].to_list() == expected["price"].to_list()
    np.testing.assert_allclose(book["quantity"], expected["quantity"], rtol=1e-12)
    assert set(book["age"]) == {pd.Timedelta(0)}


@pytest.mark.parametrize(("venue", "symbol"), SWAPS)
def test_brackets_are_canonical(source: ExchangeSource, venue: str, symbol: str) -> None:
    """Bounds in quote, the venue's own deductions; OKX charges a tier's rate on everything."""
    table = source.brackets(symbol, venue=venue)
    amounts = [0.0] * 4 if venue == "okx" else [0.0, 300.0, 1500.0, 12000.0]
    np.testing.assert_allclose(table["notional_floor"], [0, 3e5, 8e5, 3e6], rtol=1e-12)
    np.testing.assert_allclose(table["notional_cap"], [3e5, 8e5, 3e6, 12e6], rtol=1e-12)
    assert table["maintenance_margin_rate"].to_list() == [0.004, 0.005, 0.0065, 0.01]
    assert table["maintenance_amount"].to_list() == amounts
    assert table["max_leverage"].to_list() == [125.0, 100.0, 75.0, 50.0]


@pytest.mark.parametrize("venue", VENUES)
def test_positions_are_canonical(source: ExchangeSource, venue: str) -> None:
    """Quantity in base coin; the liquidation price is the venue's or unknown, never ccxt's guess."""
    table = source.positions(venue=venue)
    assert table["symbol"].to_list() == [BTC, ETH]
    assert table["side"].to_list() == [1, -1]
    assert table["quantity"].to_list() == [0.5, 4.0]
    assert table["entry_price"].to_list() == [48_000.0, 3_100.0]
    assert table["leverage"].to_list() == [10.0, 5.0]
    assert table["margin_mode"].to_list() == ["isolated", "cross"]
    assert table["margin"].iloc[0] == 2400.0
    assert table["liquidation_price"].iloc[0] == 43_400.0
    assert np.isnan(table["liquidation_price"].iloc[1])


def test_positions_of_all_venues_are_one_table(source: ExchangeSource) -> None:
    """Two positions on each of three venues."""
    table = source.positions()
    assert table["venue"].to_list() == ["binanceusdm"] * 2 + ["okx"] * 2 + ["bybit"] * 2


# -- what there is ----------------------------------------------------------------------------------------------------
def test_it_is_a_market_source(source: ExchangeSource) -> None:
    """The seam every screen builds on."""
    assert isinstance(source, MarketSource)
    assert (source.name, source.is_simulated) == ("binanceusdm, okx, bybit", False)
    assert repr(source) == "ExchangeSource('binanceusdm', 'okx', 'bybit')"


def test_now_is_the_venues_clock(source: ExchangeSource) -> None:
    """The local clock of these tests stands in 2023."""
    assert source.now() == NOW


@pytest.mark.parametrize("venue", VENUES)
def test_instruments_are_those_listed(source: ExchangeSource, venue: str) -> None:
    """Contract sizes, ticks and lots as the venue states them, the most traded first."""
    ours = {one.symbol: one for one in source.instruments(venue)}
    assert next(iter(ours)) == BTC
    for listed in MARKET.instruments(venue):
        one = ours[listed.symbol]
        assert (one.contract, one.contract_size, one.tick_size) == (
            listed.contract,
            listed.contract_size,
            listed.tick_size,
        )
        assert one.contract is Contract.INVERSE or one.lot_size == pytest.approx(listed.lot_size)


def test_instruments_without_a_venue_are_those_of_all(source: ExchangeSource) -> None:
    """Two, four and four."""
    assert len(source.instruments()) == 10


def test_capabilities_need_keys(source: ExchangeSource, public: ExchangeSource) -> None:
    """Without a key no positions anywhere and no brackets on Binance."""
    market_data = {Capability.CANDLES, Capability.OPEN_INTEREST, Capability.FUNDING, Capability.ORDER_BOOK}
    assert public.capabilities(BTC, venue="binanceusdm") == market_data
    assert public.capabilities(BTC, venue="okx") == market_data | {Capability.BRACKETS}
    assert source.capabilities(BTC, venue="okx") == market_data | {Capability.BRACKETS, Capability.POSITIONS}
    assert public.capabilities(SPOT, venue="okx") == {Capability.CANDLES, Capability.ORDER_BOOK}


def test_brackets_of_binance_without_a_key_say_what_to_set(public: ExchangeSource) -> None:
    """The caller falls back to assumed brackets; the user reads the way out."""
    with pytest.raises(SourceError, match=r"without a key\. Set HEATLAB_BINANCEUSDM_API_KEY"):
        public.brackets(BTC, venue="binanceusdm")


def test_positions_without_a_key_say_what_to_set(public: ExchangeSource) -> None:
    """On a named venue an error, over all venues an empty table."""
    with pytest.raises(SourceError, match="Set HEATLAB_OKX_API_KEY, HEATLAB_OKX_SECRET, HEATLAB_OKX_PASSWORD"):
        public.positions(venue="okx")
    assert public.positions().empty


def test_liquidations_are_on_the_stream_only(public: ExchangeSource) -> None:
    """REST has none; the capability says so."""
    with pytest.raises(SourceError, match="live stream only"):
        public.liquidations(BTC)


def test_spot_has_no_open_interest_and_no_funding(public: ExchangeSource) -> None:
    """Said in words."""
    with pytest.raises(SourceError, match="spot pair"):
        public.open_interest(SPOT, venue="okx")
    with pytest.raises(SourceError, match="no funding"):
        public.funding(SPOT, venue="okx")


def test_a_symbol_is_found_on_the_first_venue_that_lists_it(public: ExchangeSource) -> None:
    """Binance USD-M has no coin-margined swap, OKX has."""
    assert public.candles(COIN, "1h", limit=1).attrs["venue"] == "okx"


def test_an_unknown_symbol_names_the_near_ones(public: ExchangeSource) -> None:
    """What, where, allowed, got."""
    with pytest.raises(SourceError, match=r"okx does not list 'BTC/EUR'\. It lists BTC/USDT"):
        public.candles("BTC/EUR", "1h", venue="okx")
    with pytest.raises(SourceError, match="No venue lists 'NOPE'"):
        public.candles("NOPE", "1h")


def test_an_unknown_venue_names_the_near_ones() -> None:
    """A typing error is caught at once."""
    with pytest.raises(ParameterError, match=r"Got 'binanceusd' instead \(near it: .*binanceusdm"):
        ExchangeSource("binanceusd", environ={}, keyring=None)
    with pytest.raises(ParameterError, match="at least one venue"):
        ExchangeSource(environ={}, keyring=None)


def test_a_venue_that_is_not_open_is_refused(public: ExchangeSource) -> None:
    """Only those the source was opened on."""
    with pytest.raises(ParameterError, match="must be one of binanceusdm, okx, bybit"):
        public.candles(BTC, "1h", venue="gate")


# -- several venues ---------------------------------------------------------------------------------------------------
def test_candles_of_several_venues_at_once(source: ExchangeSource) -> None:
    """One call, every table."""
    wanted = [(venue, symbol, "1h") for venue in VENUES for symbol in (BTC, ETH)]
    tables = source.candle_tables(wanted, limit=30)
    assert set(tables) == set(wanted)
    for (venue, symbol, _), table in tables.items():
        same(table, MARKET.candles(symbol, "1h", venue=venue, limit=30))


def test_one_venue_down_does_not_break_the_others() -> None:
    """The others are served, the one that is down is a notice."""
    with served(environ=KEY_ENVIRONMENT) as (loopback, source):
        loopback.faults.add("/api/v5", "status", times=10_000, status=503)
        tables = source.candle_tables([(venue, BTC, "1h") for venue in VENUES], limit=5)
        positions = source.positions()
        assert [key[0] for key in tables] == ["binanceusdm", "bybit"]
        assert positions["venue"].unique().tolist() == ["binanceusdm", "bybit"]
        assert {notice.where.split()[0] for notice in source.notices()} == {"okx"}


def test_only_reading_requests_are_sent(everything: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """After everything above the server has seen nothing but GET."""
    loopback, source = everything
    source.positions()
    assert loopback.methods == {"GET"}
