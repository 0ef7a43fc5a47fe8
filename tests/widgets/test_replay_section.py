"""Replay and timeframe sections: every state a reader can meet."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.figures import DARK
from heatlab.portfolio.book import BookView, book_view
from heatlab.widgets import Status
from heatlab.widgets.replay_section import SNAPSHOTS, ReplaySection, comparison_html, drawdowns_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.timeframe_section import TimeframeSection
from tests.portfolio.replay.books import book


class View:
    """What the two sections read of a view."""

    def __init__(self, positions: pd.DataFrame, heat: BookView) -> None:
        self.positions, self.heat = positions, heat
        self.clusters = pd.Series(1, index=list(dict.fromkeys(positions["symbol"])))


def given(**options: Any) -> tuple[BookInputs, Any]:
    """Inputs and view of a small book."""
    held, tables, now = book(**options)
    return of(held, tables, now)


def of(held: pd.DataFrame, tables: Any, now: pd.Timestamp, **options: Any) -> tuple[BookInputs, Any]:
    """Inputs and view of these positions."""
    inputs = BookInputs(positions=held, candles=tables, now=now, source_name="made up", **options)
    return inputs, View(held, book_view(held, tables, now=now))


def section(**options: Any) -> ReplaySection:
    """A replay section of its own."""
    return ReplaySection(Shared(status=Status("")), **options)


def test_a_book_is_replayed_at_once_where_no_loop_runs() -> None:
    """The last hour is shown first; the player knows how many there are."""
    replay = section()
    replay.show(*given())
    assert replay.player.count == 2_000
    assert replay.player.frame == 1_999
    assert replay.body.layout.display == ""
    assert "Rebuilt from prices" in replay.what.value


async def test_it_is_prepared_in_a_thread_where_a_loop_runs() -> None:
    """Nothing is shown until it is done; then the status says what is there."""
    replay = section()
    replay.show(*given())
    assert replay.player.count == 0
    await replay.settled()
    assert replay.player.count == 2_000
    assert replay._shared.status.text == "Replay: 2,000 states, 4 positions drawn"
    assert replay.cancel_button.disabled


async def test_a_preparation_can_be_cancelled() -> None:
    """The page says so and nothing is drawn."""
    replay = section()
    replay.show(*given())
    await asyncio.sleep(0.01)
    replay.cancel()
    await replay.settled()
    assert replay.prepared is None
    assert "Cancelled" in replay.message.value


def test_each_drawdown_has_a_button_to_the_hour_before() -> None:
    """A click shows the state at its start."""
    replay = section()
    replay.show(*given())
    assert replay.prepared is not None
    button = replay.falls.children[1]
    button.click()
    start = replay.prepared.falls["start"].iloc[0]
    assert button.description.startswith("Drawdown 1: -$")
    assert replay.prepared.replay.times[replay.player.frame] == start


def test_the_same_book_in_the_same_hour_is_not_prepared_again() -> None:
    """A reload a minute later keeps what is there; another quantity does not."""
    replay = section()
    inputs, view = given()
    replay.show(inputs, view)
    first = replay.prepared
    replay.show(replace(inputs, now=inputs.now + pd.Timedelta("5min")), view)
    assert replay.prepared is first
    replay.show(replace(inputs, positions=inputs.positions.assign(quantity=9.0)), view)
    assert replay.prepared is not first


def test_an_empty_book_and_a_short_history_say_so() -> None:
    """A message in place of the player."""
    held, tables, now = book()
    replay = section()
    replay.show(*of(held.iloc[:0], tables, now))
    assert "There are no bars of this book" in replay.message.value
    assert replay.body.layout.display == "none"
    replay.show(*given(bars=30))
    assert "30 of 48 states" in replay.message.value or "The bars reach back 1 days" in replay.message.value


def test_watched_markets_are_replayed_without_a_value() -> None:
    """The line above says what is not known; there is no drawdown to click."""
    held, tables, now = book()
    replay = section()
    replay.show(*of(held.assign(quantity=np.nan), tables, now, watching=True))
    assert "a value and shares of risk are not known" in replay.what.value
    assert replay.falls.layout.display == "none"
    assert "No fall to show" in replay.table.value


def test_stored_snapshots_are_another_kind_and_say_so() -> None:
    """The choice is there only with a store."""
    assert len(section().kind.options) == 1
    inputs, view = given()
    rows = [(inputs.now - pd.Timedelta(hours=k), view.heat.table, {"book_heat": 50.0}) for k in range(5)]
    replay = section(snapshots=lambda _inputs: rows)
    replay.show(inputs, view)
    replay.kind.value = SNAPSHOTS
    assert "Stored snapshots" in replay.what.value
    assert replay.player.count == 5


def test_no_snapshots_yet_is_a_state() -> None:
    """It says how they come."""
    replay = section(snapshots=lambda _inputs: [])
    replay.show(*given())
    replay.kind.value = SNAPSHOTS
    assert "each refresh adds one" in replay.message.value


def test_an_hour_can_be_noted() -> None:
    """The entry carries the state of that hour; without a journal there is no button."""
    heard: list[JournalEntry] = []
    replay = ReplaySection(Shared(status=Status(""), log=heard.append))
    replay.show(*given())
    replay.player.frame = 1_500
    replay.log_button.press()
    assert heard[0].kind == "reading"
    assert heard[0].state["time"] == replay.prepared.replay.times[1_500].isoformat()  # type: ignore[union-attr]
    assert heard[0].state["drawdown [quote]"] == replay.prepared.replay.drawdown[1_500]  # type: ignore[union-attr]
    assert {"drawdown", "effective bets"}.isdisjoint(heard[0].state)
    assert heard[0].state["bets by share of risk"] == replay.prepared.replay.effective_bets[1_500]  # type: ignore[union-attr]
    assert replay.log_button not in section().root.children[0].children


def test_the_theme_keeps_the_hour() -> None:
    """The figure follows the player."""
    replay = section()
    replay.show(*given())
    replay.player.frame = 700
    replay.set_theme(DARK)
    assert replay.figure.row == 700


def test_the_book_by_hour_goes_to_a_file() -> None:
    """One line per state and a head."""
    replay = section()
    assert replay.csv() == b""
    replay.show(*given())
    lines = replay.csv().decode().splitlines()
    assert lines[0] == "timestamp,book_heat,green,amber,red,bets_by_risk_share,volatility,value,drawdown"
    assert len(lines) == 2_001


def test_tables_tell_what_preceded_the_falls() -> None:
    """Numbers of the state, and whether they differ from other hours."""
    replay = section()
    replay.show(*given())
    assert replay.prepared is not None
    assert "Worst falls of this book" in drawdowns_html(replay.prepared.falls)
    assert "Was the map colder before the worst falls?" in comparison_html(replay.prepared.comparison)


def test_timeframes_are_measured_and_drawn() -> None:
    """Noise is said with its count; the CSV has every position on every timeframe."""
    shown = TimeframeSection(Shared(status=Status("")))
    shown.show(*given())
    assert "1h is noise for a position held for days" in shown.words.value
    assert "The whole book by timeframe" in shown.table.value
    assert len(shown.csv().decode().splitlines()) == 13
    assert shown.figure.drawn == 4


@pytest.mark.parametrize(
    ("watching", "said"), [(False, "No positions to compare."), (True, "values and shares of risk")]
)
def test_timeframes_of_an_empty_or_watched_book_say_so(watching: bool, said: str) -> None:
    """A message, no error."""
    held, tables, now = book()
    shown = TimeframeSection(Shared(status=Status("")))
    positions = held.assign(quantity=np.nan) if watching else held.iloc[:0]
    shown.show(*of(positions, tables, now, watching=watching))
    assert said in shown.message.value


async def test_timeframes_are_measured_in_a_thread_where_a_loop_runs() -> None:
    """Then drawn."""
    shown = TimeframeSection(Shared(status=Status("")))
    shown.show(*given())
    await shown.settled()
    assert shown.figure.drawn == 4
    shown.set_theme(DARK)
    assert shown.figure.theme is DARK
