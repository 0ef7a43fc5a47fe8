"""The folder source on real data, whatever coins and dates the folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import Timeframe
from heatlab.frames import BRACKETS, CANDLES, FUNDING, check
from heatlab.sources import Capability, FolderSource

pytestmark = pytest.mark.market


@pytest.fixture(scope="module")
def source(market_dir: Path) -> FolderSource:
    """The market folder, opened once."""
    return FolderSource(market_dir)


def test_every_candle_file_reads(source: FolderSource) -> None:
    """All instruments of all venues keep the contract in every timeframe of their files, closed at now."""
    assert source.instruments()
    for item in source.instruments():
        for timeframe in map(Timeframe.parse, source.timeframes(item.symbol, venue=item.venue)):
            table = source.candles(item.symbol, timeframe.value, venue=item.venue)
            check(table, CANDLES, where=f"{item.venue} {item.symbol}")
            if len(table):
                assert table.index[-1] + timeframe.delta <= source.now()


def test_the_default_venue_has_the_most_perpetuals(source: FolderSource) -> None:
    """And its first instrument is a perpetual with current data."""
    counts = {venue: sum(":" in item.symbol for item in source.instruments(venue)) for venue in source.venues()}
    assert counts[source.venues()[0]] == max(counts.values())
    first = source.instruments()[0]
    assert first.venue == source.venues()[0]
    assert ":" in first.symbol
    assert source.now() - source.candles(first.symbol, "1h", limit=1).index[0] < pd.Timedelta(days=8)


def test_what_is_left_out_has_a_reason(source: FolderSource) -> None:
    """Every notice is about one file and says why."""
    assert all(notice.where and notice.message for notice in source.notices())
    assert len(set(source.notices())) == len(source.notices())


def test_open_interest_describes_the_open_of_its_bar(source: FolderSource) -> None:
    """The price implied at a stamp is the open of the bar that opens there, not its close."""
    venue = source.venues()[0]
    known = [
        item.symbol
        for item in source.instruments(venue)
        if Capability.OPEN_INTEREST in source.capabilities(item.symbol, venue=venue)
        and "5m" in source.timeframes(item.symbol, venue=venue)
    ]
    if not known:
        pytest.skip("the folder has no 5m candles of a symbol with open interest")
    interest = source.open_interest(known[0], venue=venue, timeframe="5m")
    both = source.candles(known[0], "5m", venue=venue).join(interest, how="inner").iloc[-20_000:]
    implied = both["open_interest_value"] / both["open_interest"]
    to_open, to_close = (np.abs(np.log(implied / both[name])).median() for name in ("open", "close"))
    assert to_open < to_close / 3


def test_funding_and_brackets_read(source: FolderSource) -> None:
    """Every symbol that claims them delivers them in contract."""
    venue = source.venues()[0]
    for item in source.instruments(venue):
        able = source.capabilities(item.symbol, venue=venue)
        if Capability.FUNDING in able:
            check(source.funding(item.symbol, venue=venue), FUNDING)
        if Capability.BRACKETS in able:
            check(source.brackets(item.symbol, venue=venue), BRACKETS)
