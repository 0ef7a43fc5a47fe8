"""Worst falls, the state before them, and whether it was unusual."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.replay import heat_before, prepare_replay, states_before, worst_drawdowns
from tests.portfolio.replay.books import book


def path(*values: float) -> pd.Series:
    """Values by hour."""
    return pd.Series(values, index=pd.date_range("2026-01-01", periods=len(values), freq="h", tz="UTC"), dtype=float)


def test_falls_are_ranked_by_depth_and_do_not_overlap() -> None:
    """10 to 2 first, then 5 to 3 before it and 6 to 5 after it."""
    found = worst_drawdowns(path(5, 3, 10, 4, 2, 6, 5, 7))
    assert found["depth"].tolist() == [-8.0, -2.0, -1.0]
    assert found["start"].dt.hour.tolist() == [2, 0, 5]
    assert found["trough"].dt.hour.tolist() == [4, 1, 6]


def test_the_end_is_the_first_time_back_at_the_height() -> None:
    """5 is seen again in hour 2; 10 never."""
    found = worst_drawdowns(path(5, 3, 10, 4, 2, 6, 5, 7))
    assert found["end"].dt.hour.tolist()[1:] == [2, 7]
    assert pd.isna(found["end"].iloc[0])


def test_a_rising_or_unknown_value_never_fell() -> None:
    """No rows, right types."""
    for value in (path(1, 2, 3), path(np.nan, np.nan), path()):
        found = worst_drawdowns(value)
        assert len(found) == 0
        assert str(found["start"].dtype) == "datetime64[ms, UTC]"


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=60))
def test_the_first_is_the_maximum_drawdown(values: list[float]) -> None:
    """And every fall starts no lower than anything inside it."""
    value = path(*values)
    found = worst_drawdowns(value, most=50)
    deepest = float((value - value.cummax()).min())
    assert (found["depth"].iloc[0] if len(found) else 0.0) == pytest.approx(deepest)
    for row in found.itertuples():
        inside = value[row.start : row.trough]
        assert (inside.max(), inside.min()) == (value[row.start], value[row.trough])
    spans = sorted(zip(found["start"], found["trough"], strict=True))
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_the_state_before_is_that_of_the_start() -> None:
    """All of it was known in the hour the fall began."""
    held, tables, now = book()
    replay = prepare_replay(held, tables, now=now)
    found = states_before(replay, worst_drawdowns(pd.Series(replay.value, index=replay.times)))
    row = replay.at(found["start"].iloc[0])
    assert replay.times[row] == found["start"].iloc[0]
    assert found["book_heat"].iloc[0] == pytest.approx(replay.book_heat[row], nan_ok=True)
    assert found[["green", "amber", "red"]].iloc[0].sum() + replay.zone_counts(row)["unknown"] == 16
    assert found["depth"].is_monotonic_increasing


def test_heat_that_is_always_low_before_falls_is_told_from_the_rest() -> None:
    """A planted drop of heat in the day before each fall: the interval leaves out 0."""
    replay, falls = planted(-30.0)
    found = heat_before(replay, falls)
    assert found.difference == pytest.approx(-28.4, abs=3.0)
    assert found.high < 0
    assert found.differs
    assert "it was lower before them" in found.words


def test_heat_that_knows_nothing_is_not_distinguishable() -> None:
    """Noise: the interval holds 0 and the words say so."""
    found = heat_before(*planted(0.0))
    assert not found.differs
    assert "not distinguishable" in found.words


def test_too_few_falls_are_not_compared() -> None:
    """One event is an anecdote."""
    replay, falls = planted(-30.0)
    found = heat_before(replay, falls.iloc[:1])
    assert np.isnan(found.difference)
    assert found.words == "Too little is known to compare."


def test_the_same_seed_gives_the_same_interval() -> None:
    """No hidden randomness."""
    replay, falls = planted(0.0)
    assert heat_before(replay, falls, seed=4) == heat_before(replay, falls, seed=4)
    assert heat_before(replay, falls, seed=4).low != heat_before(replay, falls, seed=5).low


def test_bad_settings_are_refused() -> None:
    """Each by name."""
    replay, falls = planted(0.0)
    with pytest.raises(ParameterError, match="'most' parameter of worst_drawdowns"):
        worst_drawdowns(path(1, 2), most=0)
    with pytest.raises(ParameterError, match="'block' parameter of heat_before must be a positive length"):
        heat_before(replay, falls, block="never")
    with pytest.raises(ParameterError, match="'draws' parameter of heat_before"):
        heat_before(replay, falls, draws=1)


def planted(shift: float) -> tuple[object, pd.DataFrame]:
    """A replay whose heat is noise around 50, shifted in the day before each of eight falls."""
    held, tables, now = book()
    replay = prepare_replay(held.iloc[[0]], tables, now=now)
    heat = 50.0 + np.random.default_rng(2).normal(0.0, 5.0, len(replay))
    rows = np.arange(150, 1_900, 230)
    for row in rows:
        heat[row - 23 : row + 1] += shift
    falls = pd.DataFrame({"start": replay.times[rows], "trough": replay.times[rows + 20], "depth": -1.0})
    return replace(replay, book_heat=heat), falls
