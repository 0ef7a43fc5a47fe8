"""Records and enums: what they read, what they refuse, how they compute."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pandas as pd
import pytest

from heatlab.domain import (
    Contract,
    Instrument,
    LendingPosition,
    LendingReserve,
    Position,
    Side,
    Timeframe,
    base_currency,
    market_names,
)
from heatlab.errors import ParameterError


@pytest.mark.parametrize("word", ["long", "LONG", " buy ", 1, 1.0, "+1", "1"])
def test_long_has_many_names(word: Any) -> None:
    """Words and numbers for long read as LONG = +1."""
    assert Side.parse(word) is Side.LONG


@pytest.mark.parametrize("word", ["short", "Sell", -1, "-1"])
def test_short_has_many_names(word: Any) -> None:
    """Words and numbers for short read as SHORT = -1."""
    assert Side.parse(word) is Side.SHORT


@pytest.mark.parametrize("word", ["up", "", 0, 2, None, 1.5, float("nan")])
def test_other_words_are_no_side(word: Any) -> None:
    """The message lists what is allowed and what it got."""
    with pytest.raises(ParameterError, match=r"must be one of 'long', 'short'.* Got .* instead"):
        Side.parse(word)


def test_sides_sign_and_label() -> None:
    """A side is the sign of profit, and a word for the screen."""
    assert (Side.LONG * 2, Side.SHORT * 2) == (2, -2)
    assert (Side.LONG.label, Side.SHORT.label) == ("long", "short")


@pytest.mark.parametrize(
    ("name", "milliseconds"), [("1m", 60_000), ("4h", 14_400_000), ("1d", 86_400_000), ("1w", 604_800_000)]
)
def test_a_timeframe_knows_its_length(name: str, milliseconds: int) -> None:
    """Length in milliseconds and as a Timedelta."""
    assert Timeframe.parse(name).milliseconds == milliseconds
    assert Timeframe.parse(name).delta == pd.Timedelta(milliseconds=milliseconds)


def test_timeframes_come_shortest_first() -> None:
    """The enum is in order of length, and each name is unique."""
    lengths = [timeframe.milliseconds for timeframe in Timeframe]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == len(lengths)


def test_weeks_open_on_mondays_and_the_rest_at_the_epoch() -> None:
    """The origin is the open of one bar of the grid."""
    assert pd.Timestamp(Timeframe.W1.origin_ms, unit="ms") == pd.Timestamp("1970-01-05")
    assert pd.Timestamp("1970-01-05").day_name() == "Monday"
    assert {timeframe.origin_ms for timeframe in Timeframe if timeframe is not Timeframe.W1} == {0}


@pytest.mark.parametrize("name", ["3m", "", "1H", "60"])
def test_an_unknown_timeframe_lists_the_known(name: str) -> None:
    """The message lists the timeframes there are."""
    with pytest.raises(ParameterError, match=r"must be one of 1m, 5m, .*1w\. Got"):
        Timeframe.parse(name)


def test_notional_and_profit_of_a_position() -> None:
    """Notional is quantity at the mark; a short gains when the mark falls."""
    position = Position("BTC/USDT:USDT", "okx", Side.SHORT, 2.0, 100.0, mark_price=90.0)
    assert position.notional == 180.0
    assert position.unrealized_pnl == 20.0


def test_unknown_values_of_a_position_are_nan() -> None:
    """Nothing unknown looks like a number."""
    position = Position("BTC/USDT:USDT", "okx", Side.LONG, 2.0, 100.0)
    assert math.isnan(position.notional)
    assert math.isnan(position.liquidation_price)


def test_records_do_not_change() -> None:
    """A change makes a new record."""
    instrument = Instrument("BTC/USDT", "okx", "BTC", "USDT", contract=Contract.SPOT)
    with pytest.raises(dataclasses.FrozenInstanceError):
        instrument.symbol = "ETH/USDT"  # type: ignore[misc]
    assert dataclasses.replace(instrument, venue="bybit").venue == "bybit"


def test_a_lending_position_lists_its_reserves() -> None:
    """Reserve by reserve, quantities default to none."""
    position = LendingPosition("7", "aave", (LendingReserve("ETH", 2000.0, collateral=3.0),))
    assert position.reserves[0].debt == 0.0


def test_markets_of_one_coin_are_named_apart() -> None:
    """By kind, then by quote; one of its kind by the coin alone."""
    assert base_currency("BTC/USDT:USDT") == "BTC"
    assert market_names(["ETH/USDT", "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT-250627"]) == {
        "ETH/USDT": "ETH",
        "BTC/USDT": "BTC spot",
        "BTC/USDT:USDT": "BTC perp",
        "BTC/USD:BTC": "BTC coin perp",
        "BTC/USDT:USDT-250627": "BTC future 250627",
    }
    assert list(market_names(["A/USDT:USDT", "A/USDC:USDC"]).values()) == ["A/USDT perp", "A/USDC perp"]
    assert market_names(["A", "A", "B"]) == {"A": "A", "B": "B"}
