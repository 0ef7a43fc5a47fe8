"""Quadrant section: undecided first, one selection, and a decision that is logged."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.figures.theme import DARK
from heatlab.widgets.quadrant_section import QuadrantSection
from heatlab.widgets.sections import Shared
from heatlab.widgets.status import Status
from tests.widgets.risk_views import given


def section(*args: Any, shared: Shared | None = None, **changes: Any) -> QuadrantSection:
    """A section that shows a book."""
    made = QuadrantSection(shared or Shared(Status("")))
    made.show(*given(*args, **changes))
    return made


def names(made: QuadrantSection) -> list[str]:
    """Quadrants of the list, from the top."""
    return [row["cells"][1][0] for row in made.list.rows]


def test_the_unsure_come_first_with_their_reason() -> None:
    """Large ones on a weak trend, then the small, then the hedge."""
    shown = section()
    assert names(shown) == ["▲ unsure", "▲ unsure", "◆ speculative, small", "■ hedge"]
    assert shown.list.rows[0]["cells"][4][0] == "large, without conviction"
    assert shown.list.caption == "2 of 4 positions need a decision; they come first"
    assert "High conviction from +50 %; large from 25 % of gross" in shown.words.value


def test_limits_sort_again() -> None:
    """Without measuring the book again."""
    shown = section()
    shown.conviction.value = 20
    assert names(shown)[0] == "● high conviction, large"
    shown.large.value = 3
    assert names(shown) == ["◆ speculative, small"] * 3 + ["■ hedge"]
    assert shown.figure.lines[1].location == 0.75


def test_a_point_a_row_and_a_selection_from_elsewhere_are_one() -> None:
    """The selected position is marked in both, and told to all."""
    shared = Shared(Status(""))
    shown = section(shared=shared)
    shown.figure.source.selected.indices = [1]
    assert shared.selection.position == ("ETH/USDT:USDT", "okx", 1)
    assert shown.list.value == 2
    shown.list.value = 4
    assert shared.selection.position == ("BTC/USDT:USDT", "bybit", -1)
    assert "BTC short · bybit" in shown.chosen.value
    shared.selection.position = ()
    assert shown.list.value == 0
    assert shown.chosen.value == "Select a position to decide on"


def test_a_decision_is_logged_with_its_state() -> None:
    """Kind, position, reason, and plain values a JSON file can hold."""
    logged: list[JournalEntry] = []
    shared = Shared(Status(""), log=logged.append)
    shown = section(shared=shared)
    shared.selection.position = ("BTC/USDT:USDT", "okx", 1)
    shown.decision.value = "reduce"
    shown.logger.reason.value = "too large for what it is"
    shown.logger.press()
    [entry] = logged
    assert (entry.kind, entry.symbol, entry.venue, entry.side) == ("reading", "BTC/USDT:USDT", "okx", 1)
    assert entry.text == "reduce BTC long · okx (unsure): large, without conviction"
    assert entry.reason == "too large for what it is"
    assert entry.state["decision"] == "reduce"
    assert entry.state["size_share"] == 0.5
    assert entry.state["conviction"] == 0.2
    json.dumps(dict(entry.state), allow_nan=False)


def test_unknown_values_are_logged_as_unknown() -> None:
    """NaN, never 0."""
    shared = Shared(Status(""))
    shown = section([("BTC", "okx", 1, 100.0), ("ETH", "okx", 1, np.nan)], shared=shared)
    shared.selection.position = ("ETH/USDT:USDT", "okx", 1)
    entry = shown.entry()
    assert entry is not None
    assert np.isnan(entry.state["size_share"])


def test_nothing_selected_logs_nothing_and_no_journal_hides_the_form() -> None:
    """There is nothing to decide on, or nowhere to write it."""
    shown = section()
    assert shown.entry() is None
    assert not any(shown.logger in getattr(box, "children", ()) for box in shown.root.children)


def test_states_without_sizes_say_why() -> None:
    """Empty and watching."""
    assert "--positions FILE.csv" in section([]).message.value
    assert section([]).list.rows == []
    watching = section([("BTC", "okx", 1, np.nan)], watching=True)
    assert "nothing to decide" in watching.message.value
    assert "1 not drawn" in watching.words.value


def test_the_csv_holds_every_position_and_the_theme_recolours() -> None:
    """Also those the figure has no room for."""
    shown = section([(f"C{k}", "okx", 1, 100.0 + k) for k in range(60)])
    assert len(pd.read_csv(io.BytesIO(shown.csv()))) == 60
    assert "20 not drawn" in shown.words.value
    shown.set_theme(DARK)
    assert shown.figure.theme is DARK
