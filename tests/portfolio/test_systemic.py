"""The systemic warning: what fires, what does not, how often by chance, and what it says when it cannot know."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from heatlab.errors import ParameterError
from heatlab.portfolio.systemic import (
    SystemicSettings,
    red_history,
    systemic_history,
    systemic_warning,
    upper_tail,
)
from heatlab.sources import SimulatedSource

SHORT = SystemicSettings(window=6, min_history=48, history=480)


def zones(n_bars: int, n_columns: int, *, seed: int = 0, rate: float = 0.02) -> pd.DataFrame:
    """Columns that turn red and back on their own, in runs."""
    rng = np.random.default_rng(seed)
    turn, back = rng.random((n_bars, n_columns)) < rate, rng.random((n_bars, n_columns)) < 0.1
    red = np.zeros((n_bars, n_columns))
    for t in range(1, n_bars):
        red[t] = np.where(red[t - 1] > 0, ~back[t], turn[t])
    index = pd.date_range("2025-01-01", periods=n_bars, freq="h", tz="UTC", name="timestamp")
    return pd.DataFrame(red, index=index, columns=[f"C{k}/USDT:USDT" for k in range(n_columns)])


def shocked(red: pd.DataFrame, bars: int = 3) -> pd.DataFrame:
    """The same with every column red in the last bars, after a calm day."""
    table = red.copy()
    table.iloc[-24 - bars : -bars] = 0
    table.iloc[-bars:] = 1
    return table


def test_upper_tail_by_hand() -> None:
    """Two events of chance 1/2 and 1/4: at least one 5/8, both 1/8."""
    chances = np.array([[0.5] * 3, [0.25] * 3])
    assert upper_tail(chances, np.array([0.0, 1.0, 2.0])).tolist() == [1.0, 0.625, 0.125]


def test_a_common_shock_is_an_alert() -> None:
    """Four clusters that turn red at once are beyond chance, with names, time and words."""
    red = shocked(zones(480, 4))
    found = systemic_warning(red, [1, 2, 3, 4], settings=SHORT)
    assert (found.level, found.together, found.clusters) == ("alert", 4.0, 4)
    assert found.p_value < 0.01
    assert found.symbols == tuple(red.columns)
    assert found.since == red.index[-3]
    assert found.words.startswith("4 of 4 clusters turned red within 6 h (C0, C1, C2, C3): more than independent")


def test_one_cluster_is_never_a_warning() -> None:
    """Positions of one cluster turn red together because they are one bet."""
    found = systemic_warning(shocked(zones(480, 4)), [1, 1, 1, 1], settings=SHORT)
    assert found.level == "unknown"
    assert "one cluster" in found.words


def test_together_counts_clusters_not_positions() -> None:
    """Three positions of one cluster and one of another are two clusters."""
    red = shocked(zones(480, 4))
    assert systemic_warning(red, [1, 1, 1, 2], settings=SHORT).together == 2


def test_being_red_for_long_is_not_turning_red() -> None:
    """Columns red all week turned long before the window."""
    red = zones(480, 3)
    red.iloc[-100:] = 1
    found = systemic_warning(red, [1, 2, 3], settings=SHORT)
    assert (found.level, found.together, found.symbols, found.since) == ("none", 0.0, (), None)


def test_p_values_are_uniform_under_independence() -> None:
    """Ties broken at random, p-values of independent clusters are uniform; alarms stay at or below their level."""
    spread, alarms = [], 0
    rng = np.random.default_rng(3)
    for seed in range(300):
        red = zones(480, 5, seed=seed, rate=0.05)
        row = systemic_history(red, range(1, 6), settings=SHORT).iloc[-1]
        more = _tail_above(red, row["together"])
        spread.append(more + rng.random() * (row["p_value"] - more))
        alarms += row["p_value"] <= 0.05
    assert stats.kstest(spread, "uniform").pvalue > 0.01
    assert alarms <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


def _tail_above(red: pd.DataFrame, together: float) -> float:
    """Chance of more than what was seen, from the columns' own frequencies."""
    turn = ((red == 1) & (red.shift() == 0)).rolling(6, min_periods=1).max()
    chances = turn.tail(SHORT.history).mean().to_numpy()[:, None]
    return float(upper_tail(np.r_[chances, [[0.0]]], np.array([together + 1]))[0])


def test_dependent_clusters_alarm_far_more_often() -> None:
    """Clusters that copy one history turn red together again and again."""
    one = zones(3000, 1, seed=4, rate=0.01)
    red = pd.concat([one] * 4, axis=1)
    together = systemic_history(red, [1, 2, 3, 4], settings=SHORT)
    alone = systemic_history(zones(3000, 4, seed=4, rate=0.01), [1, 2, 3, 4], settings=SHORT)
    assert (together["p_value"] <= 0.01).mean() > 0.03 > (alone["p_value"] <= 0.01).mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(60, 599), st.integers(0, 50))
def test_no_reading_looks_ahead(cut: int, seed: int) -> None:
    """The readings of the first bars do not change when more come."""
    red = zones(600, 3, seed=seed)
    red.iloc[:, 0] = red.iloc[:, 0].where(red.index.hour > 2)
    labels = [1, 2, 3]
    whole, part = systemic_history(red, labels, settings=SHORT), systemic_history(red[:cut], labels, settings=SHORT)
    pd.testing.assert_frame_equal(whole[:cut], part)


def test_the_warning_is_the_last_reading() -> None:
    """The single reading and the last row of the history agree."""
    for seed in range(5):
        red = zones(900, 4, seed=seed, rate=0.05)
        found = systemic_warning(red, [1, 2, 3, 3], settings=SHORT)
        row = systemic_history(red, [1, 2, 3, 3], settings=SHORT).iloc[-1]
        assert [found.together, found.expected, found.clusters, found.p_value] == pytest.approx(row.tolist())


def test_short_history_is_unknown() -> None:
    """Too few bars: unknown, and how many are needed."""
    found = systemic_warning(shocked(zones(40, 3)), [1, 2, 3], settings=SHORT)
    assert found.level == "unknown"
    assert np.isnan(found.p_value)
    assert "known for 40 bars; 48 are needed" in found.words


@pytest.mark.parametrize("red", [zones(0, 0), zones(0, 3), zones(1, 3)], ids=["empty book", "no bars", "one bar"])
def test_nothing_to_go_by(red: pd.DataFrame) -> None:
    """Empty tables are unknown, in words."""
    found = systemic_warning(red, [1, 2, 3][: red.shape[1]])
    assert found.level == "unknown"
    assert found.words


def test_unknown_zones_are_left_out() -> None:
    """A column without readings neither counts nor breaks the rest."""
    red = shocked(zones(480, 4))
    red.iloc[:, 3] = np.nan
    found = systemic_warning(red, [1, 2, 3, 4], settings=SHORT)
    assert (found.clusters, found.together) == (3, 3.0)


def test_labels_by_symbol() -> None:
    """A Series labels by symbol; label 0 and symbols it lacks are left out."""
    red = shocked(zones(480, 4))
    labels = pd.Series({"C0/USDT:USDT": 7, "C1/USDT:USDT": 9, "C2/USDT:USDT": 0})
    assert systemic_warning(red, labels, settings=SHORT).symbols == ("C0/USDT:USDT", "C1/USDT:USDT")


def test_old_zones_are_unknown() -> None:
    """Zones that end hours ago say nothing about now."""
    red = shocked(zones(480, 3))
    late = systemic_warning(red, [1, 2, 3], now=red.index[-1] + pd.Timedelta("6h"), settings=SHORT)
    assert late.level == "unknown"
    assert "old" in late.words


def test_bars_after_now_are_left_out() -> None:
    """A shock that has not happened yet is not seen."""
    red = shocked(zones(480, 3))
    assert systemic_warning(red, [1, 2, 3], now=red.index[-3], settings=SHORT).together == 0


def test_wrong_labels_are_refused() -> None:
    """One label per column."""
    with pytest.raises(ParameterError, match="one label per column"):
        systemic_warning(zones(10, 3), [1, 2])


@pytest.mark.parametrize("change", [{"window": 0}, {"alert": 0.1}, {"min_history": 10}, {"history": 100}])
def test_settings_are_checked(change: dict[str, float]) -> None:
    """Impossible settings are refused."""
    with pytest.raises(ParameterError, match="SystemicSettings"):
        SystemicSettings(**change)  # type: ignore[arg-type]


def test_inputs_are_left_alone(pure) -> None:
    """No table is changed."""
    pure(systemic_warning, shocked(zones(480, 3)), [1, 2, 3], settings=SHORT)


def test_fast_on_a_large_book() -> None:
    """50 positions over 90 days of hours take under 0.2 s."""
    red = zones(2160, 50)
    start = time.perf_counter()
    systemic_warning(red, [k % 10 + 1 for k in range(50)])
    assert time.perf_counter() - start < 0.2


def test_red_history_of_a_book() -> None:
    """One column per position in order, 1 where its own zone is red; a market without bars is NaN."""
    from heatlab.domain import Side
    from heatlab.heat import momentum_heat

    source = SimulatedSource(7)
    book = source.positions().head(3)
    book = pd.concat([book, book.head(1).assign(side=-1), book.head(1).assign(symbol="X/USDT:USDT")])
    candles = {(v, s, "1h"): source.candles(s, "1h", venue=v) for s, v in book[["symbol", "venue"]].values[:3]}
    red = red_history(book, candles, bars=500)
    assert red.shape == (500, 5)
    assert list(red.columns) == list(book["symbol"])
    assert red.iloc[:, 4].isna().all()
    table = candles[(book["venue"].iloc[0], book["symbol"].iloc[0], "1h")]
    zone = momentum_heat(table, Side.SHORT)["zone"].tail(500)
    assert red.iloc[:, 3].tolist() == pytest.approx(
        (zone == -1).astype(float).where(zone.notna()).tolist(), nan_ok=True
    )


def test_red_history_without_bars() -> None:
    """No candles at all: no rows, the columns of the book."""
    book = SimulatedSource(7).positions()
    assert red_history(book, {}).shape == (0, len(book))
