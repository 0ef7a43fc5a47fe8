"""Weekend, thin market and news shock, without foresight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.market_state import StateSettings, market_state, market_states

END = pd.Timestamp("2026-01-15 12:00", tz="UTC")
"""A Thursday."""


def market(count: int = 1600, *, symbols: int = 4, end: pd.Timestamp = END, seed: int = 3) -> dict:  # type: ignore[type-arg]
    """Quiet markets with the same volume every hour but for a little noise; the last bar closes at ``end``."""
    index = pd.date_range(end=end - pd.Timedelta("1h"), periods=count, freq="1h", name="timestamp").as_unit("ms")
    random = np.random.default_rng(seed)
    tables = {}
    for k in range(symbols):
        close = 100 * np.exp(np.cumsum(random.normal(0, 0.003, count)))
        columns = dict.fromkeys(("open", "high", "low", "close"), close)
        volume = 1000 / close * random.uniform(0.9, 1.1, count)
        tables["v", f"S{k}/USDT:USDT", "1h"] = pd.DataFrame({**columns, "volume": volume}, index=index)
    return tables


def changed(tables: dict, *, volume: float = 1.0, jump: float = 0.0, hours: int = 6) -> dict:  # type: ignore[type-arg]
    """The last hours with another volume, and a jump of every price at their start."""
    result = {}
    for key, quiet in tables.items():
        table = quiet.copy()
        last = table.index[-hours:]
        table.loc[last, "volume"] *= volume
        table.loc[last, ["open", "high", "low", "close"]] *= 1 + jump
        result[key] = table
    return result


def test_a_quiet_thursday_is_nothing_unusual() -> None:
    """No state, no words, correlation as usual."""
    state = market_state(changed(market(), volume=1.2), now=END)
    assert (state.weekend, state.low_liquidity, state.news_shock, state.trusted, state.words) == (
        False, False, False, True, (),
    )  # fmt: skip


def test_a_tenth_of_the_usual_volume_is_a_thin_market() -> None:
    """The sentence says how thin."""
    state = market_state(changed(market(), volume=0.1), now=END)
    assert (state.low_liquidity, state.weekend, state.trusted) == (True, False, False)
    assert state.words[0].startswith("Thin market: volume is 10% of what is usual at this hour of the week.")


def test_a_weekend_counts_when_it_is_quieter_than_weekends_are() -> None:
    """Saturday with half of its usual volume; with more than usual it is a day like others."""
    saturday = pd.Timestamp("2026-01-17 12:00", tz="UTC")
    tables = market(end=saturday)
    assert market_state(changed(tables, volume=0.5), now=saturday).weekend
    assert not market_state(changed(tables, volume=1.5), now=saturday).weekend


def test_a_common_jump_is_a_news_shock() -> None:
    """Every market falls by a tenth at once."""
    state = market_state(changed(market(), jump=-0.1, hours=1, volume=1.2), now=END)
    assert (state.news_shock, state.trusted) == (True, False)
    assert "Everything correlates to panic" in state.words[0]


def test_a_shock_stays_in_force_for_hours_and_then_ends() -> None:
    """Twelve after it was last seen."""
    tables = changed(market(), jump=-0.1, hours=30, volume=1.2)
    shock = market_states(tables)["news_shock"].to_numpy()
    assert shock[-31] == 0.0
    assert shock[-30:-16].tolist() == [1.0] * 14
    assert shock[-15:].tolist() == [0.0] * 15


def test_one_market_alone_is_no_common_move() -> None:
    """The others stay."""
    tables = market()
    key = next(iter(tables))
    alone = {**tables, key: changed({key: tables[key]}, jump=-0.1, hours=1)[key]}
    assert not market_state(alone, now=END).news_shock


def test_a_short_history_cannot_tell_and_says_so() -> None:
    """Eight weeks are needed for volume."""
    state = market_state(market(400), now=END)
    assert state.words == ("Whether volume is usual cannot be told: 8 weeks of hourly bars are needed.",)
    assert state.trusted


def test_two_markets_cannot_tell_a_common_move() -> None:
    """Three are needed."""
    assert "3 markets" in market_state(changed(market(symbols=2), volume=1.2), now=END).words[0]


def test_old_bars_tell_nothing_about_now() -> None:
    """Two hours without a bar, or none at all."""
    for tables in (market(), {}):
        state = market_state(tables, now=END + pd.Timedelta("4h"))
        assert state.words == ("The state of the market cannot be told: there are no recent hourly bars.",)


def test_bars_not_yet_closed_are_not_read() -> None:
    """A jump in the bar under way changes nothing."""
    tables = changed(market(), jump=-0.1, hours=1)
    assert not market_state(tables, now=END - pd.Timedelta("30min")).news_shock


@settings(max_examples=8, deadline=None)
@given(st.integers(1400, 1590))
def test_no_row_knows_what_comes_after_it(cut: int) -> None:
    """The table cut short gives the same rows."""
    tables = changed(market(), jump=-0.05, hours=60, volume=0.5)
    whole = market_states(tables)
    part = market_states({key: table.iloc[:cut] for key, table in tables.items()})
    pd.testing.assert_frame_equal(whole.iloc[:cut], part)


def test_the_state_now_is_the_last_row() -> None:
    """The short way and the long way agree."""
    tables = changed(market(3000), jump=-0.1, hours=5, volume=0.3)
    row = market_states(tables).iloc[-1]
    state = market_state(tables, now=END)
    assert (state.news_shock, state.low_liquidity) == (row["news_shock"] == 1, row["low_liquidity"] == 1)


def test_settings_are_checked() -> None:
    """A share is a fraction."""
    with pytest.raises(ParameterError, match="low_percentile"):
        StateSettings(low_percentile=10)


@pytest.mark.market
def test_on_real_candles_the_states_are_the_exception(market_dir: Path) -> None:
    """Shocks in a few hours of a hundred, among them LUNA, FTX and 10 October 2025; thin ones and weekends too."""
    folder = market_dir / "ohlcv" / "binance_perp"
    tables = {
        ("binanceusdm", path.name.split("-")[0], "1h"): pd.read_parquet(path).set_index("timestamp")
        for path in sorted(folder.glob("*_1h.parquet"))
    }
    history = market_states(tables)
    assert 0.01 < history["news_shock"].mean() < 0.05
    assert 0.01 < history["low_liquidity"].mean() < 0.20
    assert 0.01 < history["weekend"].mean() < 0.25
    shocks = history.index[history["news_shock"] == 1.0].strftime("%Y-%m-%d")
    assert {"2022-05-09", "2022-11-08", "2025-10-10"} <= set(shocks)
