"""The venues section: what it compares, when it loads, what it says where there is nothing to compare."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import SourceError
from heatlab.figures.format import UNKNOWN
from heatlab.figures.theme import DARK
from heatlab.sources import SimulatedSource
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import Status
from heatlab.widgets.venue_section import ROWS, VenueSection

SOURCE = SimulatedSource(7)
FRAMES = ("1h", "4h", "1d", "1w")
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
BOOK = SOURCE.positions().iloc[:2].reset_index(drop=True)


def bars(venue: str) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Bars of the book's symbols on one venue."""
    return {(venue, s, f): SOURCE.candles(s, f, venue=venue) for s in (BTC, ETH) for f in FRAMES}


OWN, OTHER = bars("binanceusdm"), bars("okx")


def inputs(**changes: Any) -> BookInputs:
    """Book with the bars of both venues."""
    given = BookInputs(positions=BOOK, candles=OWN | OTHER, now=SOURCE.now(), source_name="test")
    return replace(given, **changes)


def shown(given: BookInputs, **options: Any) -> VenueSection:
    """Section without an event loop: everything happens at once."""
    section = VenueSection(Shared(status=Status()), **options)
    section.show(given, SimpleNamespace())  # type: ignore[arg-type]
    return section


def test_two_venues_side_by_side() -> None:
    """Table, words, verdict and figure are about the first two venues."""
    section = shown(inputs())
    assert (section.first.value, section.second.value) == ("binanceusdm", "okx")
    assert "readings are in the same zone on binanceusdm and okx" in section.words.value
    assert section.table.value.count("<tr>") == 3
    assert "moves first by up to 1 h (p = 0.00" in section.verdict.value
    assert len(section.figure.source.data["lag"]) == 5


def test_a_missing_venue_is_loaded_once() -> None:
    """Bars of the second venue are asked for where the inputs hold none, and kept until new inputs come."""
    asked = []

    def load(venue: str) -> dict[tuple[str, str, str], pd.DataFrame]:
        asked.append(venue)
        return OTHER

    own = inputs(candles=OWN)
    section = shown(own, load=load, venues=("binanceusdm", "okx"))
    section.first.value, section.second.value = "okx", "binanceusdm"
    assert asked == ["okx"]
    assert np.isfinite(section.comparison.book_heat).all()
    section.show(inputs(candles=dict(OWN)), SimpleNamespace())  # type: ignore[arg-type]
    assert asked == ["okx", "okx"]


def test_one_venue_is_said() -> None:
    """Nothing to compare with: said, and what to do."""
    section = shown(inputs(candles=OWN))
    assert "one venue only: binanceusdm" in section.message.value
    assert section.comparison is None
    assert section.root.children[1].layout.display == "none"


def test_a_venue_against_itself_is_not_compared() -> None:
    """The same venue twice asks for another, and the lists stay."""
    section = shown(inputs())
    section.second.value = "binanceusdm"
    assert "two different venues" in section.message.value
    assert section.table.value == ""
    section.second.value = "okx"
    assert section.message.value == ""
    assert section.table.value


def test_an_empty_book() -> None:
    """No positions: said, no error."""
    section = shown(inputs(positions=BOOK.head(0), candles={}))
    assert "no book to compare" in section.message.value
    assert section._shared.status.state != "error"


def test_only_watching() -> None:
    """Unknown quantities are dashes, readings are there."""
    section = shown(inputs(positions=BOOK.assign(quantity=np.nan), watching=True))
    assert f"<td>{UNKNOWN}</td>" in section.table.value
    assert section.comparison.readings["heat_first"].notna().all()


def test_selection_goes_both_ways() -> None:
    """A position selected elsewhere is tested here; a symbol chosen here is selected everywhere."""
    section = shown(inputs())
    section._shared.selection.position = (ETH, "binanceusdm", 1)
    assert section.symbol.value == ETH
    assert section.figure.root.title.text.startswith(f"{ETH}, 1h bars")
    section.symbol.value = BTC
    assert section._shared.selection.position[0] == BTC


def test_other_bars_are_another_test() -> None:
    """Longer bars, another verdict, the step in words."""
    section = shown(inputs())
    section.timeframe.value = "4h"
    assert section.lead.step == pd.Timedelta("4h")
    assert section.figure.root.xaxis[0].axis_label == "lag [bars of 4 h]"


def test_no_bars_in_common() -> None:
    """A symbol one venue lacks: the table says so, the test says so."""
    fewer = {key: table for key, table in (OWN | OTHER).items() if key[:2] != ("okx", ETH)}
    section = shown(inputs(candles=fewer))
    section.symbol.value = ETH
    assert "no bars on okx" in section.table.value
    assert "have no bars of one length in common" in section.verdict.value
    assert len(section.figure.source.data["lag"]) == 0


def test_old_bars_are_grey() -> None:
    """Bars that ended long ago are greyed, and their age is said."""
    section = shown(inputs(now=SOURCE.now() + pd.Timedelta("2D")))
    assert "Old: the last bar both have closed 2 d ago" in section.words.value
    assert "hl-stale" in section.pane._dom_classes


def test_a_large_book_is_cut_and_said() -> None:
    """The largest rows are shown, how many there are is said, the CSV has all."""
    many = pd.concat([BOOK.head(1).assign(symbol=f"C{k}/USDT:USDT") for k in range(60)], ignore_index=True)
    section = shown(inputs(positions=pd.concat([BOOK, many], ignore_index=True)))
    assert f"the largest {ROWS} of 62; all are in the CSV" in section.table.value
    assert section.csv().decode().count("\n") == 62 * 4 + 1


def test_a_load_that_fails_is_shown() -> None:
    """The error is a line in the status, not a crash."""

    def load(venue: str) -> dict[tuple[str, str, str], pd.DataFrame]:
        raise SourceError(f"{venue} does not answer.")

    section = shown(inputs(candles=OWN), load=load, venues=("binanceusdm", "okx"))
    assert section._shared.status.state == "error"
    assert "okx does not answer" in section._shared.status.text


@pytest.mark.asyncio
async def test_in_the_background() -> None:
    """Where an event loop runs the section says that it compares, then shows."""
    section = shown(inputs())
    fresh = VenueSection(Shared(status=Status()))
    fresh.show(inputs(), SimpleNamespace())  # type: ignore[arg-type]
    await fresh.settled()
    assert fresh.table.value == section.table.value


def test_themes_change_in_place() -> None:
    """The figure stays, its colours change."""
    section = shown(inputs())
    root = section.figure.root
    section.set_theme(DARK)
    assert section.figure.root is root
    assert root.background_fill_color == DARK.background


def test_names_are_escaped() -> None:
    """What comes from outside is text."""
    rude = BOOK.assign(symbol=["<b>x</b>", ETH])
    assert "<b>x</b>" not in shown(inputs(positions=rude)).table.value


def test_a_position_whose_bars_ended_says_when() -> None:
    """Old on one venue: its end in place of a reading, in the note, and in the lead's notes; the other stays."""
    past = SOURCE.now() - pd.Timedelta("60D")
    ended = {key: table[table.index < past] if key[1] == ETH else table for key, table in OTHER.items()}
    section = shown(inputs(candles=OWN | ended))
    day = section.comparison.overall.set_index("symbol").loc[ETH, "ended_second"]
    assert f'<span class="hl-muted">old, ends {day:%Y-%m-%d}</span>' in section.table.value
    assert "old on okx: 1h, 4h, 1d, 1w bars end" in section.table.value
    assert "readings are old on a venue and not counted" in section.words.value
    section.symbol.value = BTC
    assert "Old: " not in section.notes.value
    assert "hl-stale" not in section.pane._dom_classes
    section.symbol.value = ETH
    assert f"Old: the bars of this test end {day:%Y-%m-%d}." in section.notes.value
    assert "hl-stale" in section.pane._dom_classes


def test_a_lead_says_what_it_is_worth() -> None:
    """Its share of variance and its gain against costs are with the verdict."""
    section = shown(inputs())
    assert "of the variance of the next bar on okx; following it would earn about" in section.verdict.value
    assert "before assumed costs of about 15 bp" in section.verdict.value
