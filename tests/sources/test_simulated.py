"""The simulated market as a source: protocol, canonical tables, time, determinism, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab import frames, margin
from heatlab.domain import MarginMode, Position, Side
from heatlab.errors import ParameterError, SourceError
from heatlab.sources.base import Capability, MarketSource
from heatlab.sources.simulated import SimulatedSource
from tests.sources.simulated_world import AAVE, BTC, ETH, SOL, world

NOW = pd.Timestamp("2026-01-31", tz="UTC")
SYMBOLS = [instrument.symbol for instrument in world().instruments()]


def test_it_is_a_market_source() -> None:
    """The protocol of the house is kept."""
    assert isinstance(world(), MarketSource)


def test_it_says_what_it_is() -> None:
    """Name, clock and venues are fixed, and every screen can tell that nothing is real."""
    source = world()
    assert source.name == "simulated market (seed 7)"
    assert source.is_simulated
    assert source.venues() == ("binanceusdm", "okx")
    assert source.now() == NOW
    assert source.notices() == ()


def test_it_lists_sixteen_perpetuals_in_four_sectors() -> None:
    """The most traded come first, on both venues."""
    instruments = world().instruments()
    assert [instrument.base for instrument in instruments[:3]] == ["BTC", "ETH", "SOL"]
    assert len(instruments) == 16
    assert {instrument.sector for instrument in instruments} == {"majors", "layer 1", "defi", "payments"}
    assert AAVE in SYMBOLS
    assert {instrument.venue for instrument in world().instruments("okx")} == {"okx"}


def test_capabilities_name_all_but_the_second_venues_liquidations() -> None:
    """What cannot be had is not promised."""
    assert world().capabilities(BTC) == frozenset(Capability)
    assert world().capabilities(BTC, venue="okx") == frozenset(Capability) - {Capability.LIQUIDATIONS}


@pytest.mark.parametrize("venue", ["binanceusdm", "okx"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_two_years_of_hours_are_canonical_and_without_gaps(symbol: str, venue: str) -> None:
    """Every symbol has 730 days of hourly candles up to the clock."""
    candles = frames.check(world().candles(symbol, "1h", venue=venue), frames.CANDLES)
    assert len(candles) == 730 * 24
    assert candles.index[0] == NOW - pd.Timedelta(days=730)
    assert frames.gaps(candles).empty
    assert candles.attrs == {"venue": venue, "symbol": symbol, "timeframe": "1h"}


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m", "30m", "2h", "4h", "8h", "12h", "1d", "1w"])
def test_every_timeframe_comes_closed_and_whole(timeframe: str) -> None:
    """Built bars keep the contract and end at the clock at the latest."""
    candles = frames.check(world().candles(ETH, timeframe), frames.CANDLES)
    assert candles.index[-1] + frames.infer_timeframe(candles).delta <= NOW
    assert frames.gaps(candles).empty
    assert world().timeframes(ETH)[0] == "1m"


@pytest.mark.parametrize("venue", ["binanceusdm", "okx"])
@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_hours_of_the_last_month_equal_their_minutes(symbol: str, venue: str) -> None:
    """1m candles of 30 days join to exactly the hourly ones."""
    minutes = world().candles(symbol, "1m", venue=venue)
    assert len(minutes) == 30 * 24 * 60
    hours = world().candles(symbol, "1h", venue=venue, start=minutes.index[0])
    pd.testing.assert_frame_equal(frames.resample_candles(minutes, "1h"), hours)


@pytest.mark.parametrize("venue", ["binanceusdm", "okx"])
def test_bars_follow_each_other_without_a_jump(venue: str) -> None:
    """A bar opens where the last one closed, across the border of hourly and 1m data too."""
    candles = world().candles(AAVE, "1h", venue=venue)
    np.testing.assert_array_equal(candles["open"].iloc[1:], candles["close"].iloc[:-1])


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_other_tables_are_canonical(symbol: str) -> None:
    """Open interest, funding, liquidations, book and brackets keep their contracts."""
    source = world()
    frames.check(source.open_interest(symbol), frames.OPEN_INTEREST)
    frames.check(source.funding(symbol), frames.FUNDING)
    frames.check(source.liquidations(symbol), frames.LIQUIDATIONS)
    frames.check(source.order_book(symbol), frames.ORDER_BOOK)
    frames.check(source.brackets(symbol), frames.BRACKETS)


def test_the_same_seed_gives_the_same_numbers_bit_for_bit() -> None:
    """A second market of a seed equals the first, whatever was asked of it before."""
    other = SimulatedSource(7, cache=None)
    other.candles(SOL, "1h")
    for table in ("candles", "account_history", "liquidations", "open_interest", "funding", "order_book"):
        extra = ("1m",) if table == "candles" else ()
        pd.testing.assert_frame_equal(
            getattr(other, table)(AAVE, *extra), getattr(world(), table)(AAVE, *extra), check_exact=True
        )
    pd.testing.assert_frame_equal(other.positions(), world().positions(), check_exact=True)


def test_another_seed_gives_another_market() -> None:
    """Seeds matter."""
    assert world(8).mark_price(BTC) != world().mark_price(BTC)


def test_changing_a_table_does_not_change_the_market() -> None:
    """Tables handed out are the caller's own."""
    candles = world().candles(BTC, "1h")
    kept = candles["close"].iloc[0]
    candles.loc[:, "close"] = 1.0
    assert world().candles(BTC, "1h")["close"].iloc[0] == kept


@given(hour=st.integers(2, 730 * 24), timeframe=st.sampled_from(["1h", "4h", "1d"]))
@settings(max_examples=25, deadline=None)
def test_an_earlier_end_gives_the_beginning_of_the_table(hour: int, timeframe: str) -> None:
    """What was known at a time does not change later."""
    end = NOW - pd.Timedelta(days=730) + pd.Timedelta(hours=hour)
    early = world().candles(ETH, timeframe, end=end)
    whole = world().candles(ETH, timeframe)
    assert (early.index < end).all()
    pd.testing.assert_frame_equal(early, whole.iloc[: len(early)])


def test_start_is_included_and_end_excluded() -> None:
    """Both compare with the open time; the limit keeps the last bars."""
    start, end = pd.Timestamp("2025-06-01", tz="UTC"), pd.Timestamp("2025-06-02", tz="UTC")
    candles = world().candles(BTC, "1h", start=start, end=end)
    assert (candles.index[0], len(candles)) == (start, 24)
    assert world().candles(BTC, "1h", end=end, limit=5).index[0] == end - pd.Timedelta(hours=5)
    assert len(world().liquidations(BTC, start=start, end=end)) < len(world().liquidations(BTC))


def test_open_interest_thins_to_the_timeframe() -> None:
    """Hourly by default, daily on request, each minute in the last month; the last stamp is the clock."""
    daily = world().open_interest(BTC, timeframe="1d")
    assert len(daily) == 731
    assert daily.index[-1] == NOW
    minutes = world().open_interest(BTC, timeframe="1m", start=NOW - pd.Timedelta(hours=1))
    assert len(minutes) == 61


def test_funding_follows_the_premium_by_the_venues_formula() -> None:
    """Each rate is the mean premium of its eight hours with the interest rate clamped in."""
    premium, rates = world().premium(ETH), world().funding(ETH)
    end = rates.index[100]
    mean = premium[(premium.index >= end - pd.Timedelta(hours=8)) & (premium.index < end)].mean()
    expected = mean + np.clip(1e-4 - mean, -5e-4, 5e-4)
    assert rates["funding_rate"].iloc[100] == pytest.approx(expected, abs=1e-8)
    assert len(rates) == 730 * 3
    assert (rates["funding_interval"] == pd.Timedelta(hours=8)).all()


def test_the_second_venue_trades_within_basis_points_of_the_first() -> None:
    """Same market, small basis."""
    first, second = (world().candles(BTC, "1h", venue=venue)["close"] for venue in world().venues())
    basis = np.log(second / first)
    assert basis.abs().max() < 0.01
    assert 0.5e-4 < basis.std() < 6e-4


@pytest.mark.parametrize("venue", ["binanceusdm", "okx"])
@pytest.mark.parametrize("symbol", [BTC, AAVE])
def test_an_order_book_has_two_sides_around_the_mark(symbol: str, venue: str) -> None:
    """Best prices first, bids under asks, depth cut as asked."""
    book = world().order_book(symbol, venue=venue)
    bids, asks = book[book["side"] == 1]["price"], book[book["side"] == -1]["price"]
    mark = world().mark_price(symbol, venue=venue)
    assert bids.iloc[0] < mark < asks.iloc[0]
    assert bids.is_monotonic_decreasing
    assert asks.is_monotonic_increasing
    assert (asks.iloc[0] - bids.iloc[0]) / mark < 0.001
    assert world().order_book(symbol, venue=venue, depth=5).groupby("side").size().to_list() == [5, 5]


def test_positions_carry_exact_liquidation_prices() -> None:
    """Every price of the demo book follows from its margin by the venue's formula, cross ones by their wallet."""
    table = frames.check(world().positions(), frames.POSITIONS)
    brackets = {symbol: world().brackets(symbol) for symbol in SYMBOLS}
    book = [
        Position(**{**row, "side": Side(row["side"]), "margin_mode": MarginMode(row["margin_mode"])})
        for row in table[list(frames.POSITIONS.names)].to_dict("records")
    ]
    for own in book:
        others = [other for other in book if other.venue == own.venue and other is not own]
        price = margin.position_liquidation_price(
            own, brackets, others=others, wallet_balance=table.attrs["wallet_balance"][own.venue]
        )
        assert own.liquidation_price == pytest.approx(price, rel=1e-12)
        assert own.mark_price == world().mark_price(own.symbol, venue=own.venue)
        assert own.margin == pytest.approx(own.quantity * own.entry_price / own.leverage)


def test_the_demo_book_has_every_kind_and_one_in_danger() -> None:
    """Eight positions, both venues, sides and margin modes; exactly one within five percent of its liquidation."""
    table = world().positions()
    assert len(table) == 8
    assert set(table["side"]) == {1, -1}
    assert set(table["margin_mode"]) == {"isolated", "cross"}
    assert set(world().positions(venue="okx")["venue"]) == {"okx"}
    distance = (table["liquidation_price"] / table["mark_price"] - 1).abs()
    assert table.loc[distance < 0.05, "symbol"].to_list() == [AAVE]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.candles("XYZ/USDT:USDT", "1h"), r"lists BTC/USDT:USDT, .* Got symbol 'XYZ/USDT:USDT'"),
        (lambda s: s.candles(BTC, "7m"), r"timeframes 1m, .* Got timeframe '7m'"),
        (lambda s: s.candles(BTC, "1h", venue="mtgox"), r"venues binanceusdm, okx. Got venue 'mtgox'"),
        (lambda s: s.liquidations(BTC, venue="okx"), r"liquidations on binanceusdm only"),
        (lambda s: s.positions(venue="mtgox"), r"Got venue 'mtgox'"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(call: object, words: str) -> None:
    """Errors name the allowed symbols, venues and timeframes."""
    with pytest.raises(SourceError, match=words):
        call(world())  # type: ignore[operator]


def test_wrong_parameters_are_refused() -> None:
    """Seeds, limits and naive times are checked."""
    with pytest.raises(ParameterError, match="'seed' parameter of SimulatedSource must be in"):
        SimulatedSource(-1)
    with pytest.raises(ParameterError, match="'limit' parameter of SimulatedSource"):
        world().candles(BTC, "1h", limit=0)
    with pytest.raises(ParameterError, match="'start' parameter of SimulatedSource must be a time with a time zone"):
        world().candles(BTC, "1h", start=pd.Timestamp("2025-01-01"))
    with pytest.raises(ParameterError, match="'depth' parameter of SimulatedSource"):
        world().order_book(BTC, depth=0)
