"""The simulated market served over HTTP: the same numbers through real ccxt as straight from the source."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from heatlab.sources.exchange import ExchangeSource
from heatlab.sources.simulated import SimulatedSource
from tests.venue.sources import KEY_ENVIRONMENT, served

MARKET = SimulatedSource(seed=7)
VENUES = [venue for venue in MARKET.venues() if venue in {"binanceusdm", "okx", "bybit"}]


@pytest.fixture(scope="module")
def source() -> Iterator[ExchangeSource]:
    """Every venue of the simulated market that the loopback speaks for."""
    with served(*VENUES, market=MARKET, environ=KEY_ENVIRONMENT, settle=0.0) as (_, opened):
        yield opened


@pytest.mark.parametrize("venue", VENUES)
def test_instruments_are_the_same(source: ExchangeSource, venue: str) -> None:
    """All of them, with their contract sizes and ticks."""
    ours = {one.symbol: one for one in source.instruments(venue)}
    assert set(ours) == {one.symbol for one in MARKET.instruments(venue)}
    for one in MARKET.instruments(venue):
        assert (ours[one.symbol].contract_size, ours[one.symbol].tick_size) == (one.contract_size, one.tick_size)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("timeframe", ["5m", "1h", "8h", "1w"])
def test_candles_are_the_same(source: ExchangeSource, venue: str, timeframe: str) -> None:
    """Bar by bar, for the most and the least traded."""
    listed = MARKET.instruments(venue)
    for symbol in (listed[0].symbol, listed[-1].symbol):
        ours = source.candles(symbol, timeframe, venue=venue, limit=60)
        told = MARKET.candles(symbol, timeframe, venue=venue, limit=60)[list(ours.columns)]
        pd.testing.assert_frame_equal(ours, told, rtol=1e-9, check_freq=False)


@pytest.mark.parametrize("venue", VENUES)
def test_open_interest_and_funding_are_the_same(source: ExchangeSource, venue: str) -> None:
    """Three days of them."""
    symbol = MARKET.instruments(venue)[0].symbol
    span = {"start": MARKET.now() - pd.Timedelta("3D"), "end": MARKET.now() - pd.Timedelta("1h")}
    ours = source.open_interest(symbol, venue=venue, timeframe="1h", **span)
    told = MARKET.open_interest(symbol, venue=venue, timeframe="1h", **span)[list(ours.columns)]
    pd.testing.assert_frame_equal(ours, told, rtol=1e-9, check_freq=False)
    ours_rate = source.funding(symbol, venue=venue, **span)["funding_rate"]
    told_rate = MARKET.funding(symbol, venue=venue, **span)["funding_rate"]
    pd.testing.assert_series_equal(ours_rate, told_rate, rtol=1e-9, check_freq=False)


@pytest.mark.parametrize("venue", VENUES)
def test_positions_are_the_same(source: ExchangeSource, venue: str) -> None:
    """The demo book, read as an account."""
    tables = (source.positions(venue=venue), MARKET.positions(venue=venue))
    ours, told = (table.set_index(["symbol", "side"]) for table in tables)
    for name in ("quantity", "entry_price", "mark_price"):
        pd.testing.assert_series_equal(ours[name].sort_index(), told[name].sort_index(), rtol=1e-9)
