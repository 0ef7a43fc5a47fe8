"""A rebuilt year says what the map would have said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.heat import heat_table, position_heat
from heatlab.portfolio.book import book_view, symbol_closes
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation
from heatlab.portfolio.replay import Replay, prepare_replay
from tests.portfolio.replay.books import Candles, book, known, marked

PLAIN = CorrelationSettings(short_window="1h")


def view_at(held: pd.DataFrame, tables: Candles, moment: pd.Timestamp) -> Any:
    """The view of the book at one time, from what was known, without the rule for broken pairs."""
    seen = known(tables, moment)
    risk = estimate_correlation(symbol_closes(held, seen), settings=PLAIN).covariance
    return book_view(marked(held, tables, moment), seen, now=moment, risk=risk)


@pytest.mark.parametrize("options", [{}, {"late": 900, "holes": True}], ids=["complete", "late and patchy"])
def test_every_state_is_the_map_of_that_hour(options: dict[str, Any], pure: Callable[..., Any]) -> None:
    """Heat, zones, thresholds, shares and book heat are those of the functions of one instant."""
    held, tables, now = book(**options)
    replay = pure(prepare_replay, held, tables, now=now)
    for row in (40, 300, 870, 980, 1_500, len(replay) - 1):
        moment = replay.times[row]
        table = heat_table(held, known(tables, moment), now=moment)
        np.testing.assert_allclose(replay.heat[row].ravel(), table["heat"], atol=1e-4)
        np.testing.assert_array_equal(replay.zone[row].ravel(), table["zone"].fillna(-128))
        np.testing.assert_allclose(replay.green[row].ravel(), table["green"], atol=0.05)
        overall = held.merge(position_heat(table), on=["symbol", "venue", "side"], how="left")["heat"]
        np.testing.assert_allclose(replay.position_heat[row], overall, atol=1e-4)
        view = view_at(held, tables, moment)
        np.testing.assert_allclose(replay.contributions[row], view.contributions, atol=1e-6)
        np.testing.assert_allclose(replay.book_heat[row], view.book_heat, atol=1e-4)


def test_long_bars_step_only_when_they_close() -> None:
    """Within a day the reading of the daily bars stands still; it moves at midnight UTC."""
    held, tables, now = book()
    replay = prepare_replay(held, tables, now=now)
    daily = replay.heat[-200:, 0, 2]
    moved = np.flatnonzero(np.diff(daily)) + 1
    assert set(replay.times[-200:][moved].hour) == {0}


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(200, 1_990))
def test_no_state_sees_what_came_later(cut: int) -> None:
    """The replay of truncated candles is the truncated replay."""
    held, tables, now = book(late=300, holes=True)
    whole = prepare_replay(held, tables, now=now)
    moment = tables["binance", "BTC/USDT:USDT", "1h"].index[cut] + pd.Timedelta("1h")
    part = prepare_replay(held, known(tables, moment), now=moment)
    assert part.times.equals(whole.times[: len(part)])
    for name in (one.name for one in fields(Replay)):
        mine, full = getattr(part, name), getattr(whole, name)
        if isinstance(mine, np.ndarray) and name != "cluster_shares":
            np.testing.assert_allclose(mine, full[: len(part)], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_year_of_hours_ends_at_the_last_full_hour() -> None:
    """8,761 states of 365 days; minutes past the hour change nothing."""
    held, tables, now = book(bars=9_500)
    replay = prepare_replay(held.iloc[:1], tables, now=now + pd.Timedelta("25min"))
    assert (len(replay), replay.times[-1], replay.notes) == (8_761, now, ())


def test_profit_is_that_of_todays_quantities() -> None:
    """Side times quantity times the move since the first hour."""
    held, tables, now = book()
    replay = prepare_replay(held, tables, now=now)
    btc, eth, sol = (tables["binance", f"{coin}/USDT:USDT", "1h"]["close"].to_numpy() for coin in ("BTC", "ETH", "SOL"))
    expected = 1.5 * (btc - btc[0]) - (eth - eth[0]) + 3.0 * (sol - sol[0])
    np.testing.assert_allclose(replay.value, expected, atol=1e-8)
    assert (replay.drawdown <= 0).all()


def test_a_late_listing_brings_no_profit_before_its_first_price_and_is_named() -> None:
    """Its exposure is unknown until then."""
    held, tables, now = book(late=900)
    replay = prepare_replay(held.iloc[[3]], tables | {}, now=now)
    assert (replay.value[0], np.isnan(replay.exposure[0, 0])) == (0.0, False)
    both = prepare_replay(held, tables, now=now)
    assert np.isnan(both.exposure[800, 3])
    assert "SOL/USDT:USDT on binance (since 2025-02-12)" in both.notes[1]


def test_a_hedged_book_carries_no_risk_and_has_no_heat() -> None:
    """Long and short of one coin in equal size: shares 0, heat of the book unknown, profit 0."""
    held, tables, now = book()
    hedged = held.iloc[[0, 2]].assign(quantity=1.0)
    replay = prepare_replay(hedged, tables, now=now)
    assert replay.contributions[-1].tolist() == [0.0, 0.0]
    assert np.isnan(replay.book_heat[-1])
    assert replay.value[-1] == 0.0


def test_watched_markets_have_heat_but_no_value() -> None:
    """Without quantities value and shares are unknown, never 0."""
    held, tables, now = book()
    replay = prepare_replay(held.assign(quantity=np.nan), tables, now=now)
    assert np.isfinite(replay.heat[-1, :, 0]).all()
    assert np.isnan(replay.value).all()
    assert np.isnan(replay.contributions).all()
    assert np.isnan(replay.gross_exposure).all()


def test_one_position_is_one_bet() -> None:
    """Its heat is the heat of the book."""
    held, tables, now = book()
    replay = prepare_replay(held.iloc[[0]], tables, now=now)
    assert replay.effective_bets[-1] == pytest.approx(1.0)
    assert replay.book_heat[-1] == pytest.approx(replay.position_heat[-1, 0])
    assert replay.correlation_heat[-1, 0] == pytest.approx(100.0)


def test_an_empty_book_or_no_bars_give_an_empty_replay() -> None:
    """It says why."""
    held, tables, now = book(bars=300)
    assert len(prepare_replay(held.iloc[:0], tables, now=now)) == 0
    nothing = prepare_replay(held, {}, now=now)
    assert (len(nothing), nothing.notes) == (0, ("There are no bars of this book to rebuild its past from.",))


def test_clusters_share_the_risk() -> None:
    """Shares of labelled clusters sum to those of their positions; 0 is no cluster."""
    held, tables, now = book()
    labels = pd.Series({"BTC/USDT:USDT": 1, "ETH/USDT:USDT": 2, "SOL/USDT:USDT": 0})
    replay = prepare_replay(held, tables, now=now, clusters=labels)
    assert replay.clusters == (1, 2)
    np.testing.assert_allclose(
        replay.cluster_shares[-1], [replay.contributions[-1, [0, 2]].sum(), replay.contributions[-1, 1]]
    )


def test_a_covariance_once_a_day_holds_until_the_next() -> None:
    """Between two estimates the shares stand; at the estimate they agree with the hourly ones."""
    held, tables, now = book()
    hourly = prepare_replay(held, tables, now=now)
    daily = prepare_replay(held, tables, now=now, every=24)
    midnight = np.flatnonzero(hourly.times.hour == 0)[5:]
    np.testing.assert_allclose(daily.contributions[midnight], hourly.contributions[midnight], atol=1e-6)
    assert (daily.contributions[midnight[0] + 23] == daily.contributions[midnight[0]]).all()


def test_old_readings_are_marked() -> None:
    """Bars that end ten hours before now are old by then; the reading stays, as on the map."""
    held, tables, now = book()
    replay = prepare_replay(held, tables, now=now + pd.Timedelta("10h"))
    assert replay.stale[-1, :, 0].all()
    assert not replay.stale[-8, :, 0].any()
    assert set(replay.table(len(replay) - 1)["note"]) == {"old reading", ""}


def test_a_cancelled_preparation_is_empty() -> None:
    """The event is looked at before each market."""
    held, tables, now = book(bars=300)
    stop = threading.Event()
    stop.set()
    replay = prepare_replay(held, tables, now=now, cancel=stop)
    assert (len(replay), replay.notes) == (0, ("Cancelled.",))


def test_progress_counts_markets() -> None:
    """Once per market held on a side."""
    held, tables, now = book(bars=300)
    heard: list[tuple[float, float]] = []
    prepare_replay(held, tables, now=now, progress=lambda done, total, text: heard.append((done, total)))
    assert heard == [(1, 5), (2, 5), (3, 5), (4, 5)]


def test_bad_settings_are_refused() -> None:
    """The message says what is allowed."""
    held, tables, now = book(bars=100)
    with pytest.raises(ParameterError, match="'span' parameter of prepare_replay must be a positive length"):
        prepare_replay(held, tables, now=now, span="soon")
    with pytest.raises(ParameterError, match="'every' parameter of prepare_replay must be in"):
        prepare_replay(held, tables, now=now, every=0)
    with pytest.raises(ParameterError, match="'risk' parameter of prepare_replay must be of constant shrinkage"):
        prepare_replay(held, tables, now=now, risk=CorrelationSettings(shrinkage=None))
    with pytest.raises(ParameterError, match=r"'row' parameter of Replay\.table"):
        prepare_replay(held, tables, now=now).table(5_000)


def test_one_symbol_on_two_venues_is_one_bet() -> None:
    """Longs of BTC here and there carry all the risk of one bet, as the measures of the book say."""
    held, tables, now = book()
    both = marked(held.iloc[[0, 2]].assign(side=1).reset_index(drop=True), tables, now)
    np.testing.assert_allclose(prepare_replay(both, tables, now=now).effective_bets[-200:], 1.0)


def test_a_coin_margined_position_keeps_its_worth() -> None:
    """Contracts are worth the same quote at every price, and earn that times the growth of each hour."""
    held, tables, now = book()
    coin = marked(held.iloc[:1], tables, now).assign(symbol="BTC/USD:BTC")
    bars = {("binance", "BTC/USD:BTC", key[2]): table for key, table in tables.items() if key[1].startswith("BTC")}
    replay = prepare_replay(coin, bars, now=now)
    worth = float(coin["quantity"].iloc[0] * coin["mark_price"].iloc[0])
    np.testing.assert_allclose(replay.exposure[:, 0], worth, rtol=1e-6)
    close = bars["binance", "BTC/USD:BTC", "1h"]["close"].iloc[-25:]
    earned = worth * close.pct_change().iloc[1:].sum()
    assert replay.value[-1] - replay.value[-25] == pytest.approx(earned)
