"""One book on several timeframes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.heat import heat_table
from heatlab.portfolio.timeframes import TimeframeExposure, TimeframeSettings, sign_flips, timeframe_exposure
from tests.portfolio.replay.books import Candles, book, known


def measured(held: pd.DataFrame, tables: Candles, now: pd.Timestamp) -> TimeframeExposure:
    """Exposure with the heat table of that time."""
    return timeframe_exposure(held, tables, heat_table(held, tables, now=now), now=now)


def series(*values: float) -> pd.Series:
    """Forecasts."""
    return pd.Series(values, dtype=float)


def test_a_reading_flips_if_any_of_the_next_day_is_opposite() -> None:
    """Six 4h bars are a day: of the first four readings the first two meet the -1, the others do not."""
    forecast = series(1, 1, -1, -1, -1, -1, -1, -1, -1, -1)
    assert sign_flips(forecast, "4h") == (0.5, 4)


def test_daily_readings_look_one_bar_ahead() -> None:
    """Two of three turn."""
    assert sign_flips(series(1, -1, -1, 1), "1d") == (pytest.approx(2 / 3), 3)


def test_a_reading_counts_only_once_its_day_has_passed() -> None:
    """Too short, unknown or without a sign: nothing is counted."""
    for forecast in (series(1, -1), series(*[np.nan] * 40), series(*[0.0] * 40)):
        share, count = sign_flips(forecast, "1h")
        assert (np.isnan(share), count) == (True, 0)


def test_each_position_has_a_row_per_timeframe(pure: Callable[..., Any]) -> None:
    """Side by side, in the order of the book."""
    held, tables, now = book()
    found = pure(timeframe_exposure, held, tables, heat_table(held, tables, now=now), now=now)
    assert found.positions["timeframe"].tolist()[:4] == ["1h", "4h", "1d", "1h"]
    assert found.positions["symbol"].tolist()[::3] == held["symbol"].tolist()
    assert found.book["timeframe"].tolist() == ["1h", "4h", "1d"]


def test_moves_grow_with_the_bar_and_agree_over_a_day() -> None:
    """A random walk: one day's bar moves about as much as 24 hours scaled by the square root of time."""
    held, tables, now = book(bars=9_000)
    first = measured(held, tables, now).positions.iloc[:3]
    assert first["volatility"].is_monotonic_increasing
    np.testing.assert_allclose(first["volatility_day"], first["volatility_day"].mean(), rtol=0.1)
    np.testing.assert_allclose(first["amount"], first["exposure"].abs() * first["volatility"])


def test_value_is_with_or_against_the_trend_of_each_timeframe() -> None:
    """With, against and unknown add up to gross; the sign is side times forecast."""
    held, tables, now = book()
    found = measured(held, tables, now)
    gross = (held["quantity"] * held["mark_price"]).sum()
    np.testing.assert_allclose(found.book[["with_trend", "against_trend", "unknown"]].sum(axis=1), gross)
    rows = found.positions
    np.testing.assert_array_equal(np.sign(rows["aligned"]), np.sign(rows["side"] * rows["forecast"]))


def test_shares_of_risk_sum_to_one_on_every_timeframe() -> None:
    """Daily returns need more history: 83 days are enough for 48."""
    held, tables, now = book()
    shares = measured(held, tables, now).positions.groupby("timeframe")["risk_share"].sum()
    np.testing.assert_allclose(shares, 1.0)


def test_too_few_bars_leave_a_timeframe_unknown() -> None:
    """30 daily bars: no shares, no bets; the hours are known."""
    held, tables, now = book(bars=720)
    frame = measured(held, tables, now).book.set_index("timeframe")
    assert np.isnan(frame.loc["1d", "independent_bets"])
    assert frame.loc["1h", "independent_bets"] > 1


def test_the_hour_is_noise_by_what_was_counted_here() -> None:
    """The sentence carries the share and the count; a day is never noise."""
    held, tables, now = book(bars=4_000)
    found = measured(held, tables, now)
    row = found.book.iloc[0]
    assert row["noise"]
    assert f"{row['flips']:.0%} of {row['readings']:,} readings of the 1h trend here turned" in found.words[0]
    assert not found.book["noise"].iloc[2]


def test_a_steady_hour_is_not_called_noise() -> None:
    """A mark that no share reaches."""
    held, tables, now = book(bars=4_000)
    table = heat_table(held, tables, now=now)
    found = timeframe_exposure(held, tables, table, now=now, settings=TimeframeSettings(noise_limit=1.0))
    assert not found.book["noise"].any()
    assert found.words[0].startswith("1h is not marked as noise")


def test_bars_that_close_later_change_nothing() -> None:
    """Only what was closed at ``now`` is read."""
    held, tables, now = book()
    early = now - pd.Timedelta("100h")
    table = heat_table(held, tables, now=early)
    whole = timeframe_exposure(held, tables, table, now=early)
    part = timeframe_exposure(held, known(tables, early), table, now=early)
    pd.testing.assert_frame_equal(whole.positions, part.positions)
    pd.testing.assert_frame_equal(whole.book, part.book)


def test_an_empty_book_gives_empty_tables() -> None:
    """The book rows stay, unknown."""
    held, tables, now = book(bars=300)
    found = measured(held.iloc[:0], tables, now)
    assert (len(found.positions), len(found.book), found.words) == (0, 3, ())


def test_watched_markets_have_readings_but_no_value() -> None:
    """Quantities unknown."""
    held, tables, now = book()
    found = measured(held.assign(quantity=np.nan), tables, now)
    assert found.positions["heat"].notna().any()
    assert found.positions["aligned"].isna().all()


def test_bad_input_is_refused() -> None:
    """The message names it."""
    held, tables, now = book(bars=100)
    with pytest.raises(MissingColumnsError, match="timeframe_exposure lacks the columns forecast"):
        timeframe_exposure(held, tables, heat_table(held, tables, now=now).drop(columns="forecast"), now=now)
    with pytest.raises(ParameterError, match="'windows' parameter of TimeframeSettings"):
        TimeframeSettings(timeframes=("2h",))


def test_one_symbol_on_two_venues_is_one_bet() -> None:
    """Two longs of BTC carry the risk of one bet: 1, and all of it."""
    held, tables, now = book()
    both = held.iloc[[0, 2]].assign(side=1).reset_index(drop=True)
    row = measured(both, tables, now).book.iloc[0]
    assert row["independent_bets"] == pytest.approx(1.0)
    assert row["largest_share"] == pytest.approx(1.0)


def test_bets_are_independent_ones_not_shares_of_risk() -> None:
    """Two names of one price carry half the risk each and are one bet."""
    held, tables, now = book()
    pair = held.iloc[:2].assign(side=1, quantity=1.0, mark_price=100.0).reset_index(drop=True)
    one, other = zip(pair["venue"], pair["symbol"], strict=True)
    same = {(*owner, frame): tables[(*one, frame)] for owner in (one, other) for frame in ("1h", "4h", "1d")}
    found = measured(pair, same, now)
    np.testing.assert_allclose(found.positions["risk_share"], 0.5)
    np.testing.assert_allclose(found.book["independent_bets"], 1.0, rtol=0.01)
