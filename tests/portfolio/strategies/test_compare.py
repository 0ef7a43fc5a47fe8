"""Two strategies side by side: profits worked out by hand, ruin, honesty about luck, and trade lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.margin import bracket_table
from heatlab.portfolio.strategies.compare import compare_strategies
from heatlab.portfolio.strategies.coverage import followed
from heatlab.portfolio.strategies.path import hourly_bars, strategy_path
from heatlab.portfolio.strategies.trades import check_trades, is_trades, trades_from_csv
from heatlab.portfolio.strategies.verdict import CompareSettings, growth_difference, leverage_verdict
from tests.portfolio.markets import START, bars, positions, walk

BTC, ETH, VENUE = "BTC/USDT:USDT", "ETH/USDT:USDT", "binanceusdm"
HOURS = 24 * 90
NOW = START + pd.Timedelta(hours=HOURS)
QUICK = CompareSettings(resamples=200)


def market(btc: Any, eth: Any, *, wick: float = 0.0) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Hourly and four-hourly bars of two markets."""
    made = {}
    for symbol, closes in ((BTC, btc), (ETH, eth)):
        made[VENUE, symbol, "1h"] = bars(closes, wick=wick)
        made[VENUE, symbol, "4h"] = bars(np.asarray(closes)[3::4], step="4h")
    return made


def long_of(symbol: str, mark: float = 100.0, quantity: float = 10.0) -> pd.DataFrame:
    """One long, entered at its mark."""
    return positions((symbol, VENUE, 1, quantity, mark, mark, 5.0, "isolated"))


def trades(**changes: Any) -> pd.DataFrame:
    """One closed long of BTC, bought at 100 and sold at 110 after two days."""
    row = {
        "symbol": BTC,
        "venue": VENUE,
        "side": "buy",
        "quantity": 2.0,
        "entry_time": START + pd.Timedelta(hours=1),
        "entry_price": 100.0,
        "exit_time": START + pd.Timedelta(hours=49),
        "exit_price": 110.0,
    }
    return pd.DataFrame([row | changes])


def test_a_book_held_earns_its_market_times_leverage(pure: Callable[..., Any]) -> None:
    """BTC rises by a tenth in a straight line, ETH stays: 10 % once, 50 % at 5x, 100 % at 10x, and no drawdown."""
    candles = market(np.linspace(100, 110, HOURS), np.full(HOURS, 100.0))
    got = pure(compare_strategies, long_of(BTC), long_of(ETH), candles, now=NOW, settings=QUICK)
    own = got.outcomes[got.outcomes["strategy"] == "A"]
    assert own["return"].tolist() == pytest.approx([0.1, 0.5, 1.0])
    assert own["max_drawdown"].tolist() == [0.0, 0.0, 0.0]
    assert got.outcomes["liquidated_at"].isna().all()


def test_a_fall_beyond_the_margin_is_ruin_at_the_hour_it_happens() -> None:
    """BTC falls by 1 an hour from the 10th on: a margin of 10 less maintenance of 0.4 % is gone at 90."""
    fall = np.r_[np.full(10, 100.0), 100 - np.arange(1, 31), np.full(HOURS - 40, 70.0)]
    got = compare_strategies(long_of(BTC), long_of(ETH), market(fall, np.full(HOURS, 100.0)), now=NOW, settings=QUICK)
    ten = got.outcomes[(got.outcomes["strategy"] == "A") & (got.outcomes["leverage"] == 10)].iloc[0]
    assert ten["liquidated_at"] == START + pd.Timedelta(hours=20)
    assert ten["return"] == -1.0
    assert "A would have been liquidated by 2025-01-01 20:00 UTC; B would have returned +0%" in got.verdicts[1].words


def test_a_wick_may_have_liquidated_what_the_close_did_not() -> None:
    """Closes stay, lows lie 12 % below: at 10x the margin may be gone in the first hour, and the words say so."""
    flat = np.full(HOURS, 100.0)
    got = compare_strategies(long_of(BTC), long_of(ETH), market(flat, flat, wick=0.12), now=NOW, settings=QUICK)
    ten = got.outcomes[got.outcomes["leverage"] == 10].iloc[0]
    assert pd.isna(ten["liquidated_at"])
    assert ten["possible_at"] == START
    assert "unless its margin ran out within the hour of 2025-01-01 00:00" in got.verdicts[1].words


def test_when_both_lose_everything_neither_is_the_better_one() -> None:
    """However their growth a day may differ."""
    fall = np.r_[np.full(10, 100.0), 100 - np.arange(1, 31), np.full(HOURS - 40, 70.0)]
    got = compare_strategies(long_of(BTC), long_of(ETH), market(fall, fall**1.5 / 10), now=NOW, settings=QUICK)
    assert not got.verdicts[1].distinguishable
    assert got.verdicts[1].words.endswith("Both lose everything at this leverage: neither is the better one.")


def test_the_one_that_lost_its_account_is_never_called_the_better_one() -> None:
    """More growth a day and liquidated: nothing is claimed; kept and more growth: it is said."""
    days = pd.date_range("2025-01-01", periods=90, freq="D")
    daily = (pd.Series(0.002, index=days), pd.Series(-0.002, index=days))
    row = {"leverage": 5.0, "return": 0.1, "max_drawdown": -0.1, "possible_at": pd.NaT}
    kept = pd.DataFrame([{"strategy": name, "liquidated_at": pd.NaT} | row for name in "AB"])
    lost = kept.assign(liquidated_at=pd.to_datetime([days[3], pd.NaT], utc=True))
    told = leverage_verdict(daily, kept, names=("A", "B"), leverage=5.0)
    assert told.distinguishable
    assert "A grew faster than B over this history" in told.words
    silent = leverage_verdict(daily, lost, names=("A", "B"), leverage=5.0)
    assert not silent.distinguishable
    assert "Nothing is claimed" in silent.words


def test_two_random_walks_are_not_distinguishable() -> None:
    """The interval holds 0 and nothing more is claimed."""
    got = compare_strategies(
        long_of(BTC),
        long_of(ETH),
        market(walk(HOURS, seed=1, scale=0.001), walk(HOURS, seed=2, scale=0.001)),
        now=NOW,
        settings=QUICK,
    )
    assert [verdict.distinguishable for verdict in got.verdicts] == [False, False]
    assert all(verdict.low <= 0 <= verdict.high for verdict in got.verdicts)
    assert "not distinguishable from luck" in got.verdicts[0].words


def test_a_market_that_always_rises_is_told_from_one_that_always_falls() -> None:
    """Every day up against every day down."""
    days = pd.date_range("2025-01-01", periods=90, freq="D")
    up, down = pd.Series(0.002, index=days), pd.Series(-0.002, index=days)
    difference, low, high = growth_difference(up, down, 5.0)
    assert difference == pytest.approx(365 * (np.log(1.01) - np.log(0.99)))
    assert 0 < low <= high == pytest.approx(difference)


def test_a_day_that_takes_all_is_growth_of_minus_infinity() -> None:
    """One ruin makes the difference infinite, but one day is not proof: the interval reaches to 0 or beyond."""
    days = pd.date_range("2025-01-01", periods=100, freq="D")
    steady = pd.Series(np.tile([0.001, -0.001], 50), index=days)
    ruined = steady.copy()
    ruined.iloc[50] = -0.5
    difference, low, high = growth_difference(ruined, steady, 5.0)
    assert difference == low == -np.inf
    assert high >= 0


def test_a_short_history_is_not_compared() -> None:
    """NaN, and the words say why."""
    days = pd.date_range("2025-01-01", periods=59, freq="D")
    assert np.isnan(growth_difference(pd.Series(0.1, index=days), pd.Series(0.2, index=days), 1.0)).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), leverage=st.floats(0.5, 20))
def test_turning_the_two_round_turns_the_interval_round(seed: int, leverage: float) -> None:
    """A less B is minus B less A."""
    days = pd.date_range("2025-01-01", periods=80, freq="D")
    made = np.random.default_rng(seed).normal(0, 0.01, (2, 80))
    first, second = (pd.Series(row, index=days) for row in made)
    quick = CompareSettings(resamples=100)
    there = growth_difference(first, second, leverage, settings=quick)
    back = growth_difference(second, first, leverage, settings=quick)
    assert there == pytest.approx((-back[0], -back[2], -back[1]))


def test_more_leverage_never_survives_longer() -> None:
    """Over one history, 10x is liquidated no later than 5x."""
    for seed in range(5):
        candles = market(walk(HOURS, seed=seed, scale=0.02), walk(HOURS, seed=seed + 50, scale=0.02))
        got = compare_strategies(long_of(BTC), long_of(ETH), candles, now=NOW, settings=QUICK).outcomes
        times = got.pivot_table(index="strategy", columns="leverage", values="liquidated_at", aggfunc="first")
        times = times.reindex(columns=[5.0, 10.0]).apply(pd.to_datetime, utc=True).fillna(NOW)
        assert (times[10.0] <= times[5.0]).all()


def test_heat_is_shared_out_into_quantiles_and_time_in_red() -> None:
    """A long of a rising market is hot, a long of a falling one cold."""
    up = 100 * np.exp(np.linspace(0, 1, HOURS) + np.random.default_rng(3).normal(0, 0.002, HOURS))
    got = compare_strategies(
        long_of(BTC), long_of(ETH), market(up, 1e4 / up), now=NOW, settings=QUICK, names=("with", "against")
    )
    table = got.heat_quantiles.set_index("strategy")
    assert table.loc["with", "q50"] > 55 > 45 > table.loc["against", "q50"]
    assert table.loc["against", "share_red"] > table.loc["with", "share_red"]
    assert got.heat.columns.tolist() == ["with", "against"]


def test_concentration_counts_bets() -> None:
    """Two halves that move alike are two positions and one uncorrelated bet; one position is one of each."""
    same = walk(HOURS, seed=4)
    both = positions((BTC, VENUE, 1, 1.0, 100, 100, 5, "isolated"), (ETH, VENUE, 1, 1.0, 100, 100, 5, "isolated"))
    got = compare_strategies(both, long_of(BTC), market(same, same), now=NOW, settings=QUICK)
    assert got.concentration["effective_positions"].tolist() == pytest.approx([2.0, 1.0])
    assert got.concentration["principal_bets"].tolist() == pytest.approx([1.0, 1.0], abs=0.01)
    assert got.concentration["largest_share"].tolist() == pytest.approx([0.5, 1.0])


def test_no_bar_after_now_counts() -> None:
    """What comes later changes nothing: the same result from the history cut at now."""
    candles = market(walk(HOURS, seed=5), walk(HOURS, seed=6))
    early = START + pd.Timedelta(hours=24 * 70)
    cut = {key: table[table.index < early - pd.Timedelta(0)] for key, table in candles.items()}
    whole = compare_strategies(long_of(BTC), long_of(ETH), candles, now=early, settings=QUICK)
    short = compare_strategies(long_of(BTC), long_of(ETH), cut, now=early, settings=QUICK)
    pd.testing.assert_frame_equal(whole.outcomes, short.outcomes)
    assert whole.end == early


NEW = ("NEW/USDT:USDT", VENUE, 1, 1.0, 100, 100, 5, "isolated")
FLAT = np.full(HOURS, 100.0)


def with_new(quantity: float, *more: tuple[Any, ...]) -> pd.DataFrame:
    """A long of BTC of this size, and a market without bars of size 1."""
    return positions((BTC, VENUE, 1, quantity, 100, 100, 5, "isolated"), NEW, *more)


def test_what_is_left_out_stands_in_every_verdict() -> None:
    """A tenth of the value has no candles: there is a verdict, and it says so."""
    got = compare_strategies(with_new(9.0), long_of(ETH), market(FLAT, FLAT), now=NOW, settings=QUICK)
    words = "A: 1 of 2 positions, 10 % of its value, is left out: NEW/USDT:USDT on binanceusdm has no candles here."
    assert all(one.comparable and one.words.endswith(words) for one in got.verdicts)
    assert [one.left_out for one in got.coverage] == [1, 0]


def test_a_strategy_of_which_too_much_is_left_out_has_no_verdict() -> None:
    """Half of the value has no candles: cannot be compared, at any leverage, in either place."""
    candles = market(FLAT, walk(HOURS, seed=1))
    for first, second, name in ((with_new(1.0), long_of(ETH), "A"), (long_of(ETH), with_new(1.0), "B")):
        got = compare_strategies(first, second, candles, now=NOW, settings=QUICK)
        assert [one.comparable or one.distinguishable for one in got.verdicts] == [False, False]
        assert got.verdicts[0].words.startswith("These cannot be compared: more than 20 % of a strategy")
        assert f"{name}: 1 of 2 positions, 50 % of its value, is left out" in got.verdicts[0].words
        assert np.isnan([got.verdicts[1].difference, got.verdicts[1].low, got.verdicts[1].high]).all()


def test_a_fifth_left_out_is_the_limit() -> None:
    """20 % can be compared, a little more cannot."""
    verdicts = [
        compare_strategies(with_new(size), long_of(ETH), market(FLAT, FLAT), now=NOW, settings=QUICK).verdicts[0]
        for size in (4.0, 3.9)
    ]
    assert [one.comparable for one in verdicts] == [True, False]


def test_what_is_of_unknown_value_is_too_much() -> None:
    """However large the rest; both reasons are named."""
    odd = with_new(1e6, (ETH, VENUE, 1, 1.0, 100, np.nan, 5, "isolated"))
    got = compare_strategies(odd, long_of(ETH), market(FLAT, FLAT), now=NOW, settings=QUICK)
    assert not got.verdicts[0].comparable
    assert "A: 2 of 3 positions, of unknown value, are left out" in got.verdicts[0].words
    assert "ETH/USDT:USDT on binanceusdm has no price or quantity" in got.verdicts[0].words
    with pytest.raises(DataError, match="Nothing of A can be followed"):
        compare_strategies(odd[1:].reset_index(drop=True), long_of(ETH), market(FLAT, FLAT), now=NOW)
    with pytest.raises(DataError, match=r"Nothing of B can be followed.* It is empty"):
        compare_strategies(odd, odd[:0], market(FLAT, FLAT), now=NOW)


def test_trades_left_out_are_weighed_at_their_entry() -> None:
    """3 of 4 trades of one size are in a market without bars."""
    rows = [trades(), *(trades(symbol=f"N{k}/USDT:USDT") for k in range(3))]
    got = compare_strategies(pd.concat(rows), long_of(ETH), market(FLAT, FLAT), now=NOW, settings=QUICK)
    assert "A: 3 of 4 trades, 75 % of its value, are left out" in got.verdicts[0].words


def test_many_left_out_are_counted_beyond_six() -> None:
    """The words stay short."""
    table = positions(*((f"N{k}/USDT:USDT", VENUE, 1, 1.0, 100, 100, 5, "isolated") for k in range(8)))
    _, told = followed(table, {}, name="mine")
    assert "N5/USDT:USDT" in told.words
    assert told.words.endswith("has no candles here, and 2 more.")


def test_markets_that_never_traded_together_share_no_history() -> None:
    """One ends before the other begins."""
    candles = market(np.full(100, 100.0), np.full(100, 100.0))
    candles[VENUE, ETH, "1h"] = bars(np.full(100, 100.0), start=START + pd.Timedelta(days=60))
    with pytest.raises(DataError, match="share no hours of history"):
        compare_strategies(long_of(BTC), long_of(ETH), candles, now=NOW)


def test_a_trade_earns_what_it_was_closed_at() -> None:
    """2 BTC from 100 to 110 on a flat market: 20 of 200 gross is 10 %, 50 % at 5x."""
    candles = market(np.full(HOURS, 100.0), np.full(HOURS, 100.0))
    still = trades(exit_time=pd.NaT, exit_price=np.nan, quantity=1.0)
    got = compare_strategies(trades(), still, candles, now=NOW, settings=QUICK)
    own = got.outcomes[got.outcomes["strategy"] == "A"]
    assert own["return"].tolist() == pytest.approx([0.1, 0.5, 1.0])
    assert got.outcomes.loc[got.outcomes["strategy"] == "B", "return"].tolist() == pytest.approx([0, 0, 0])


def test_a_short_trade_earns_from_a_fall() -> None:
    """Sold at 100, bought back at 80, on a market that falls with it."""
    fall = np.linspace(100, 80, HOURS)
    short = trades(side=-1, exit_time=NOW, exit_price=80.0)
    got = compare_strategies(short, long_of(ETH), market(fall, np.full(HOURS, 100.0)), now=NOW, settings=QUICK)
    assert got.outcomes["return"].iloc[0] == pytest.approx(0.2, abs=1e-3)


def test_sides_and_times_of_trades_are_read() -> None:
    """Words and text become +1 and UTC, in order of entry."""
    text = (
        "symbol,venue,side,quantity,entry_time,entry_price,exit_time,exit_price,note\n"
        f"{BTC},{VENUE},short,1,2025-01-03 00:00,100,2025-01-04T00:00:00Z,90,x\n"
        f"{BTC},{VENUE},buy,1,2025-01-02,100,,,y\n"
    )
    got = trades_from_csv(text)
    assert got["side"].tolist() == [1, -1]
    assert got["entry_time"].iloc[0] == pd.Timestamp("2025-01-02", tz="UTC")
    assert pd.isna(got["exit_time"].iloc[0])
    assert is_trades(got)
    assert not is_trades(long_of(BTC))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": "up"}, "Column 'side' of the trades of T, row 0"),
        ({"quantity": 0.0}, "Column 'quantity' must be positive in the trades of T. Row 0 is 0.0"),
        ({"entry_price": "dear"}, "Column 'entry_price' must be positive in the trades of T. Row 0 is nan"),
        ({"exit_time": START}, "Column 'exit_time' must not come before the entry"),
        ({"exit_price": np.nan}, "Column 'exit_price' must be positive where there is an exit"),
        ({"entry_time": "soon"}, "Column 'entry_time' of the trades of T, row 0: 'soon' is no time"),
    ],
)
def test_a_trade_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    """The column, the rule, the row and the value."""
    with pytest.raises(DataError, match=message):
        check_trades(trades(**changes), where="T")


def test_wrong_tables_and_settings_are_refused() -> None:
    """Columns, CSV and settings."""
    with pytest.raises(MissingColumnsError, match=r"The trades of T must have the columns .* Missing quantity"):
        check_trades(trades().drop(columns="quantity"), where="T")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        trades_from_csv("")
    with pytest.raises(ParameterError, match="'leverages' parameter of CompareSettings must be a positive"):
        CompareSettings(leverages=(0.0,))
    with pytest.raises(ParameterError, match="'leverage' parameter of growth_difference must be a positive"):
        growth_difference(pd.Series(dtype=float), pd.Series(dtype=float), 0.0)


def test_brackets_of_a_coin_margined_contract_are_read_in_coin() -> None:
    """10 coins of 100 each are in the bracket of up to 50 coins, at 1 %, not in that beyond it, at 10 %."""
    table = bracket_table([50.0, np.inf], [0.01, 0.10], max_leverages=[100.0, 10.0])
    book = positions(("BTC/USD:BTC", "binancecoinm", 1, 10.0, 100, 100, 5, "cross"))
    candles = {("binancecoinm", "BTC/USD:BTC", "1h"): bars(np.full(48, 100.0))}
    path = strategy_path(book, hourly_bars([book], candles, START + pd.Timedelta("48h")))
    needed = path.maintenance({("binancecoinm", "BTC/USD:BTC"): table})
    np.testing.assert_allclose(needed, 10.0)
