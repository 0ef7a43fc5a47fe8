"""Alerts come, go on and go."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, ParameterError
from heatlab.portfolio.alerts.current import ALERT_COLUMNS
from heatlab.portfolio.alerts.state import (
    AlertChange,
    AlertState,
    AlertStateSettings,
    acknowledge,
    snooze,
    update_alerts,
)

NOW = pd.Timestamp("2026-02-01 12:00", tz="UTC")
HOUR = pd.Timedelta(hours=1)
KEY = ("liquidation", "BTC", "okx", 1)


def current(strength: float, red: float = 0.0, *, symbol: str = "BTC", level: str | None = None) -> pd.DataFrame:
    """One alert of a strength."""
    named = "red" if red >= 1 else "amber" if strength >= 1 else ""
    row = (level or named, "liquidation", symbol, "okx", f"at {strength:g}", 1, strength, red)
    return pd.DataFrame([row], columns=ALERT_COLUMNS)


def after(*strengths: tuple[float, float], step: pd.Timedelta = HOUR, **kwargs: Any) -> list[AlertChange]:
    """Changes of a run of (strength, red strength), one a step."""
    state, changes = AlertState(), []
    for place, (strength, red) in enumerate(strengths):
        changes.append(update_alerts(state, current(strength, red), now=NOW + place * step, **kwargs))
        state = changes[-1].active
    return changes


def told(changes: list[AlertChange]) -> list[list[str]]:
    """Levels told at each step."""
    return [[alert.level for alert in change.raised] for change in changes]


def test_an_alert_is_raised_once() -> None:
    """Amber is told once however long it lasts."""
    assert told(after((1.2, 0.0), (1.3, 0.0), (1.1, 0.0))) == [["amber"], [], []]


def test_it_clears_only_beyond_the_margin() -> None:
    """0.9 keeps it, 0.7 ends it, 0.9 does not bring it back."""
    changes = after((1.0, 0), (0.9, 0), (0.7, 0), (0.9, 0))
    assert [len(change.active.active) for change in changes] == [1, 1, 0, 0]
    assert [len(change.cleared) for change in changes] == [0, 0, 1, 0]
    assert changes[2].cleared[0].cleared == NOW + 2 * HOUR


def test_what_is_gone_from_the_list_is_cleared() -> None:
    """A position closed has no alerts."""
    change = update_alerts(after((1.0, 0))[0].active, current(1.0).head(0), now=NOW + HOUR)
    assert [alert.key for alert in change.cleared] == [KEY]
    assert change.active.past[0].key == KEY


def test_turning_red_is_told_at_once() -> None:
    """And falling back to amber is not, until well below."""
    changes = after((1.2, 0.5), (1.5, 1.0), (1.4, 0.9), (1.2, 0.7))
    assert told(changes) == [["amber"], ["red"], [], []]
    assert [change.active.active[KEY].level for change in changes] == ["amber", "red", "red", "amber"]


def test_the_same_alert_is_not_repeated_too_soon() -> None:
    """Gone and back within four hours: in force, not told again; after five: told."""
    assert told(after((1, 0), (0, 0), (1, 0))) == [["amber"], [], []]
    assert told(after((1, 0), (0, 0), (1, 0), step=3 * HOUR)) == [["amber"], [], ["amber"]]


def test_red_is_told_again_until_someone_has_seen_it() -> None:
    """Every four hours; not once it is acknowledged; again if it eases and then turns red anew."""
    changes = after(*[(2.0, 1.5)] * 9)
    assert [len(levels) for levels in told(changes)] == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    seen = acknowledge(changes[0].active, KEY)
    assert update_alerts(seen, current(2, 1.5), now=NOW + 9 * HOUR).raised == ()
    eased = update_alerts(seen, current(1.2, 0.5), now=NOW + 9 * HOUR).active
    worse = update_alerts(eased, current(2, 1.5), now=NOW + 10 * HOUR)
    assert [alert.level for alert in worse.raised] == ["red"]


def test_a_snoozed_alert_is_quiet_until_then() -> None:
    """Whatever its level; afterwards red speaks again."""
    state = snooze(after((1.2, 0))[0].active, KEY, until=NOW + 8 * HOUR)
    quiet = update_alerts(state, current(2, 2), now=NOW + HOUR)
    assert quiet.raised == ()
    assert len(update_alerts(quiet.active, current(2, 2), now=NOW + 8 * HOUR).raised) == 1


def test_rows_of_one_key_are_one_alert() -> None:
    """The strongest speaks."""
    both = pd.concat([current(1.1), current(1.8)])
    change = update_alerts(AlertState(), both, now=NOW)
    assert [alert.detail for alert in change.raised] == ["at 1.8"]


def test_most_urgent_first() -> None:
    """Red before amber before a note."""
    rows = [current(1.0, float("nan"), symbol="C", level="note"), current(1.0, symbol="B"), current(2, 2, symbol="A")]
    change = update_alerts(AlertState(), pd.concat(rows), now=NOW)
    assert [(alert.level, alert.key[1]) for alert in change.raised] == [("red", "A"), ("amber", "B"), ("note", "C")]
    assert [alert.level for alert in change.active.ranked()] == ["red", "amber", "note"]


def test_unknown_alerts_cannot_be_touched() -> None:
    """The message names the key."""
    with pytest.raises(ParameterError, match="The 'key' parameter of acknowledge must be an alert in force"):
        acknowledge(AlertState(), KEY)


def test_the_state_survives_a_file() -> None:
    """Through JSON and back, with everything it knows."""
    state = after((1, 0), (2, 2), (0, 0), (1, 0))[-1].active
    state = snooze(acknowledge(state, KEY), KEY, until=NOW + 99 * HOUR)
    assert AlertState.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    assert AlertState.from_dict({}) == AlertState()


@pytest.mark.parametrize(
    "stored",
    [{"version": 9}, {"version": 1}, {"version": 1, "active": [{}], "told": [], "past": []}],
)
def test_another_file_is_no_state(stored: dict[str, Any]) -> None:
    """Refused in words."""
    with pytest.raises(DataError, match="The state of the alerts"):
        AlertState.from_dict(stored)


def test_the_past_is_kept_short() -> None:
    """A hundred that are over."""
    assert len(after(*[(1, 0), (0, 0)] * 120)[-1].active.past) == 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.8, 0.999), min_size=1, max_size=20))
def test_inside_the_band_nothing_changes(strengths: list[float]) -> None:
    """What is raised stays, what is not does not come, and nobody is told."""
    calm = after(*[(strength, 0.0) for strength in strengths])
    assert not any(change.raised or change.active.active for change in calm)
    raised = after((1.0, 0.0), *[(strength, 0.0) for strength in strengths])
    assert all(len(change.active.active) == 1 and not change.cleared for change in raised)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=30))
def test_no_level_is_told_twice_within_the_least_time(strengths: list[tuple[float, float]]) -> None:
    """Whatever the strengths do."""
    last: dict[str, int] = {}
    for hour, levels in enumerate(told(after(*strengths))):
        for level in levels:
            assert hour - last.get(level, -99) >= 4 or (
                level == "red" and last.get("amber", -99) > last.get(level, -99)
            )
            last[level] = hour


def test_settings_are_checked() -> None:
    """A margin above the threshold would never clear."""
    with pytest.raises(ParameterError, match="clear_below"):
        AlertStateSettings(clear_below=1.5)
