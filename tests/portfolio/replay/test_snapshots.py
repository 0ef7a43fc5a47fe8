"""A replay of stored states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.replay import replay_from_snapshots

START = pd.Timestamp("2026-01-01", tz="UTC")


def table(*rows: tuple[str, int, str, float, float], **extra: Any) -> pd.DataFrame:
    """Heat table of (symbol, side, timeframe, heat, zone)."""
    made = pd.DataFrame(rows, columns=["symbol", "side", "timeframe", "heat", "zone"]).assign(venue="okx", note="")
    return made.assign(green=75.0, red=40.0, **extra)


def snapshot(hour: float, heat: float = 60.0, value: float = 0.0) -> Any:
    """State of one position on two timeframes."""
    rows = (("BTC", 1, "4h", heat, 0.0), ("BTC", 1, "1h", 80.0, 1.0))
    return START + pd.Timedelta(hours=hour), table(*rows, risk=1.0), {"book_heat": heat, "value": value}


def test_states_stand_side_by_side_in_order_of_time() -> None:
    """Whatever the order they come in; timeframes are shortest first."""
    replay = replay_from_snapshots([snapshot(1, 70.0, 120.0), snapshot(0, 60.0, 100.0)])
    assert replay.source == "snapshots"
    assert replay.timeframes == ("1h", "4h")
    assert replay.heat[:, 0, :].tolist() == [[80.0, 60.0], [80.0, 70.0]]
    assert replay.value.tolist() == [0.0, 20.0]
    assert replay.book_heat.tolist() == [60.0, 70.0]
    assert replay.position_heat[:, 0].tolist() == [70.0, 75.0]


def test_a_gap_is_a_state_of_which_nothing_is_known() -> None:
    """One usual interval after the last state before the gap; the notes count it."""
    replay = replay_from_snapshots([snapshot(hour) for hour in (0, 1, 2, 10, 11)])
    assert replay.times.hour.tolist() == [0, 1, 2, 3, 10, 11]
    assert np.isnan(replay.heat[3]).all()
    assert np.isnan(replay.book_heat[3])
    assert replay.notes == ("5 snapshots, 1 gaps; gaps are shown as gaps.",)


def test_a_position_is_unknown_while_it_was_not_held() -> None:
    """The book may change from one snapshot to the next."""
    other = START + pd.Timedelta("1h"), table(("ETH", -1, "1h", 30.0, -1.0)), {}
    replay = replay_from_snapshots([snapshot(0), other])
    assert replay.positions[["symbol", "side"]].to_numpy().tolist() == [["BTC", 1], ["ETH", -1]]
    assert np.isnan(replay.heat[1, 0]).all()
    assert replay.heat[1, 1, 0] == 30.0
    assert replay.zone[1, 1].tolist() == [-1, -128]


def test_nothing_stored_is_said() -> None:
    """No rows, no error."""
    replay = replay_from_snapshots([])
    assert (len(replay), replay.notes) == (0, ("No snapshots are stored yet: each refresh adds one.",))


def test_old_readings_are_marked_by_their_note() -> None:
    """As heat_table writes it."""
    row = START, table(("BTC", 1, "1h", 30.0, -1.0)).assign(note="stale: 1h bars 5 missing"), {}
    assert replay_from_snapshots([row]).stale.ravel().tolist() == [True]


def test_a_table_without_its_columns_is_refused() -> None:
    """The message names what is missing."""
    with pytest.raises(MissingColumnsError, match="Missing zone"):
        replay_from_snapshots([(START, table(("BTC", 1, "1h", 1.0, 0.0)).drop(columns="zone"), {})])
    with pytest.raises(ParameterError, match="'gap' parameter of replay_from_snapshots"):
        replay_from_snapshots([], gap=0)
