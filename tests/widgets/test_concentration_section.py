"""Concentration section: what is shown of a book, and what a control does."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pandas as pd

from heatlab.figures.theme import DARK
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.correlation.clusters import ClusterSettings
from heatlab.widgets.concentration_section import ConcentrationSection, figures_html
from heatlab.widgets.sections import Shared
from heatlab.widgets.status import Status
from tests.widgets.risk_views import given


def section(*args: Any, shared: Shared | None = None, **changes: Any) -> ConcentrationSection:
    """A section that shows a book."""
    made = ConcentrationSection(shared or Shared(Status("")))
    made.show(*given(*args, **changes))
    return made


def texts(made: ConcentrationSection, column: int) -> list[str]:
    """One column of the table."""
    return [row["cells"][column][0] for row in made.table.rows]


def test_a_book_is_shown_by_size_first() -> None:
    """Grid, numbers, table with the largest risk on top."""
    shown = section()
    assert shown.grid.source.data["value"] == ["50", "30", "12", "8.0"]
    assert "longs and shorts added up" in shown.figures.value
    assert "$1k" in shown.figures.value
    assert texts(shown, 0)[0] == "BTC long · okx"
    assert shown.message.value == ""


def test_a_hedge_is_shown_as_such() -> None:
    """In the table by word and sign, in the grid hatched."""
    shown = section([("BTC", "okx", 1, 800.0), ("ETH", "okx", -1, 200.0)])
    assert texts(shown, 4)[1].startswith("-")
    assert texts(shown, 4)[1].endswith("hedge")
    assert shown.grid.source.data["hatch"] == [" ", "/"]


def test_the_toggle_changes_the_grid_in_place() -> None:
    """Colours and numbers, no place."""
    shown = section()
    left = shown.grid.source.data["left"]
    shown.heat.value = "correlation"
    assert shown.grid.heat == "correlation"
    assert shown.grid.source.data["left"] == left
    assert "neighbours" in shown.words.value
    shown.heat.value = "both"
    assert shown.grid.plots[1].visible


def test_a_cell_a_row_and_a_selection_from_elsewhere_are_one() -> None:
    """The selected position is marked in both, and told to all."""
    shared = Shared(Status(""))
    shown = section(shared=shared)
    shown.grid.source.selected.indices = [1]
    assert shared.selection.position == ("ETH/USDT:USDT", "okx", 1)
    assert shown.table.value == 1 + texts(shown, 0).index("ETH long · okx")
    shown.table.value = 1
    assert shared.selection.position == ("BTC/USDT:USDT", "okx", 1)
    assert shown.grid.source.selected.indices == [0]
    shared.selection.position = ("XRP/USDT:USDT", "okx", 1)
    assert shown.grid.source.selected.indices == [3]
    shared.selection.position = ()
    assert shown.table.value == 0


def test_watch_and_alert_are_settings_and_are_told() -> None:
    """In percent on screen, as fractions inside."""
    told: list[ClusterSettings] = []
    shown = ConcentrationSection(Shared(Status("")), on_settings=told.append)
    shown.show(*given())
    shown.alert.value = 60
    shown.watch.value = 50
    assert (told[-1].watch, told[-1].alert) == (0.5, 0.6)
    assert shown.cluster_words.value.count("alert from 60 % of gross or of risk: BTC +1") == 1
    assert shown.settings == told[-1]


def test_no_cluster_above_the_marks_is_said_too() -> None:
    """And that the largest twelve are drawn."""
    shown = section([(f"C{k}", "okx", 1, 100.0) for k in range(30)], clusters="own")
    assert "No cluster carries 20 % of gross or of risk" in shown.cluster_words.value
    assert "The 12 largest of 30 clusters are drawn" in shown.cluster_words.value
    assert len(shown.bars.source.data["y"]) == 24


def test_a_watch_above_the_alert_is_an_error_in_words() -> None:
    """The limits in force stay."""
    shared = Shared(Status(""))
    shown = section(shared=shared)
    shown.watch.value = 90
    assert shared.status.state == "error"
    assert "watch" in shared.status.text
    assert shown.settings == ClusterSettings()


def test_states_without_numbers_say_why() -> None:
    """Empty, watching, no price at all, all hedged."""
    assert "--positions FILE.csv" in section([]).message.value
    watching = section([("BTC", "okx", 1, np.nan)], watching=True)
    assert "only markets to watch" in watching.message.value
    assert "no position of known size" in watching.grid.plots[0].title.text
    assert "both a quantity and a mark price" in section([("BTC", "okx", 1, np.nan)]).message.value
    hedged = section([("BTC", "okx", 1, 100.0), ("BTC", "bybit", -1, 100.0)])
    assert "matched by a short" in hedged.message.value
    assert hedged.grid.source.data["hatch"] == ["/", "/"]


def test_one_position_is_shown() -> None:
    """All of gross, all of the risk."""
    shown = section([("BTC", "okx", 1, 100.0)])
    assert shown.grid.source.data["value"] == ["100"]
    assert texts(shown, 4) == ["+100.0 %"]


def test_what_is_left_out_is_named() -> None:
    """A position without a price is in no share; it is in the table and named on top."""
    shown = section([*[("BTC", "okx", 1, 100.0)], ("<b>", "okx", 1, np.nan)])
    assert "This is not the whole book: 1 of 2 positions are of unknown value" in shown.message.value
    assert "&lt;b&gt;/USDT:USDT on okx" in shown.message.value
    assert len(shown.table.rows) == 2


def test_figures_of_a_part_of_the_book_say_so() -> None:
    """Gross is a lower bound; net and effective numbers are of the known positions."""
    html = section([("BTC", "okx", 1, 100.0), ("ETH", "okx", 1, 100.0), ("XRP", "okx", 1, np.nan)]).figures.value
    assert "at least $200" in html
    assert "$200 of the known" in html
    assert html.count("2 of 3 positions known") == 8
    assert "of 2 known, counted by size" in html


def test_figures_of_a_whole_book_say_nothing_of_known_ones() -> None:
    """Also of a book that is hedged in full."""
    html = section([("BTC", "okx", 1, 100.0), ("BTC", "bybit", -1, 100.0)]).figures.value
    assert "known" not in html
    assert "at least" not in html


def test_old_closes_are_grey_and_say_so() -> None:
    """From three bars on."""
    shown = section(old="5h")
    assert "hl-stale" in shown.pane._dom_classes
    assert "5 h ago: older than three bars" in shown.notes.value
    shown.show(*given())
    assert "hl-stale" not in shown.pane._dom_classes


def test_the_csv_holds_every_position() -> None:
    """Also those the grid has no room for; nothing before there is a book."""
    assert ConcentrationSection(Shared(Status(""))).csv() == b""
    shown = section([(f"C{k}", "okx", 1, 100.0 + k) for k in range(60)])
    assert len(pd.read_csv(io.BytesIO(shown.csv()))) == 60
    assert len(shown.grid.source.data["x"]) == 40


def test_the_theme_recolours() -> None:
    """Grid and legend."""
    shown = section()
    before = shown.legend.value
    shown.set_theme(DARK)
    assert shown.grid.theme is DARK
    assert shown.legend.value != before


def test_unknown_measures_are_dashes() -> None:
    """Never 0, never nan."""
    html = figures_html(ConcentrationMeasures(), 0)
    assert html.count("\u2013") >= 8
    assert "nan" not in html


def test_every_control_is_quick_with_five_hundred_positions() -> None:
    """Toggle, limits and selection each well below 250 ms."""
    shared = Shared(Status(""))
    shown = section([(f"C{k}", "okx", 1, 100.0 + k) for k in range(500)], shared=shared)
    changes = [
        lambda: setattr(shown.heat, "value", "correlation"),
        lambda: setattr(shown.alert, "value", 40),
        lambda: setattr(shared.selection, "position", ("C3/USDT:USDT", "okx", 1)),
    ]
    for change in changes:
        begun = time.process_time()
        change()
        assert time.process_time() - begun < 0.25
