"""A year of states as a figure the page plays by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.figures import LIGHT
from heatlab.figures import replay_data as data
from heatlab.figures.replay_figure import SHOW_JS, ReplayFigure

HOURS = 100


@dataclass(frozen=True)
class Made:
    """What the figure reads of a replay."""

    positions: pd.DataFrame
    times: pd.DatetimeIndex
    heat: np.ndarray
    zone: np.ndarray
    green: np.ndarray
    red: np.ndarray
    stale: np.ndarray
    position_heat: np.ndarray
    exposure: np.ndarray
    contributions: np.ndarray
    book_heat: np.ndarray
    book_zone: np.ndarray
    volatility: np.ndarray
    value: np.ndarray
    drawdown: np.ndarray
    effective_bets: np.ndarray
    timeframes: tuple[str, ...] = field(default=("1h", "1d"))


def made(count: int = 2, hours: int = HOURS) -> Made:
    """Heat rises by one an hour from 0; the second position is twice as large and green."""
    positions = pd.DataFrame({"symbol": [f"C{k}/USDT" for k in range(count)], "venue": "okx", "side": 1})
    times = pd.date_range("2026-01-01", periods=hours, freq="h", tz="UTC").as_unit("ms")
    shape = (hours, count, 2)
    heat = np.broadcast_to((np.arange(hours) % 101.0)[:, None, None], shape).astype(np.float32)
    size = np.broadcast_to(np.arange(1.0, count + 1), (hours, count)).astype(np.float32)
    line = np.linspace(0.0, 100.0, hours)
    return Made(
        positions, times, heat, np.full(shape, 1, np.int8), np.full(shape, 75.4, np.float16),
        np.full(shape, 40.0, np.float16), np.zeros(shape, bool), heat[:, :, 0], size, size / max(size[:1].sum(), 1.0),
        line, np.full(hours, -128, np.int8), line, line, line * 0, line,
    )  # fmt: skip


def test_a_state_is_cells_with_numbers_arrows_and_thresholds() -> None:
    """The largest position first; the mean has no zone of its own; the share of risk is a number and a bar."""
    figure = ReplayFigure()
    figure.update(made())
    figure.show(80)
    cells = figure.cells.data
    assert cells["row"][0] == "C1 long · okx"
    assert cells["text"][:4] == ["80 ▲", "80 ▲", "80", "66.7 %"]
    assert cells["note"][:4] == ["40|75", "40|75", "", ""]
    assert (figure.bars.data["right"] - figure.bars.data["left"]).tolist() == pytest.approx([0.647, 0.323], abs=1e-3)


def test_an_unknown_or_old_reading_is_hatched() -> None:
    """A dash for the unknown; an old one keeps its number."""
    replay = made()
    heat, stale = replay.heat.copy(), replay.stale.copy()
    heat[80, 1, 0], stale[80, 1, 1] = np.nan, True
    figure = ReplayFigure()
    figure.update(replace(replay, heat=heat, stale=stale))
    figure.show(80)
    assert figure.cells.data["text"][:2] == ["\u2013", "80 ▲"]
    assert figure.cells.data["hatch"][:3] == [0.94, 0.94, 0.0]


def test_a_reading_without_a_zone_has_no_arrow() -> None:
    """Heat alone; the code of no zone stays within its bits."""
    replay = made()
    figure = ReplayFigure()
    figure.update(replace(replay, zone=np.full(replay.zone.shape, -128, np.int8)))
    figure.show(80)
    assert figure.cells.data["text"][:2] == ["80", "80"]


def test_a_hedge_and_an_unknown_share_are_told_apart() -> None:
    """Minus sign and another colour; a dash and no bar."""
    replay = made()
    shares = replay.contributions.copy()
    shares[:, 1], shares[:, 0] = -0.2, np.nan
    figure = ReplayFigure(theme=LIGHT)
    figure.update(replace(replay, contributions=shares))
    assert [figure.cells.data["text"][k] for k in (3, 7)] == ["-20.0 %", "\u2013"]
    assert figure.bars.data["fill"][0] == LIGHT.warn
    assert figure.bars.data["right"][1] == figure.bars.data["left"][1]


def test_a_year_of_forty_positions_fits_in_a_few_megabytes() -> None:
    """Two bytes per reading for heat and zone, two for thresholds, two per share of risk."""
    replay = made(50, hours=8_760)
    frames = data.frame_columns(replay, data.largest(replay))
    assert sum(part.nbytes for part in frames.values()) == 8_760 * 40 * (3 * 2 + 2 * 2 + 2)


def test_only_the_largest_are_drawn() -> None:
    """40 of 50; an unknown value counts as small."""
    replay = made(50)
    replay.exposure[:, 49] = np.nan
    figure = ReplayFigure()
    figure.update(replay)
    assert figure.drawn == 40
    assert figure.cells.data["row"][0] == "C48 long · okx"


def test_the_book_counts_its_zones_by_hour() -> None:
    """Four green readings of two positions on two timeframes."""
    columns = data.hour_columns(made())
    assert [columns[name][0] for name in ("green", "amber", "red", "known")] == [4.0, 0.0, 0.0, 4.0]
    assert np.isnan(columns["zone"][0])


def test_falls_are_numbered_boxes() -> None:
    """From high to low."""
    replay = made()
    falls = pd.DataFrame({"start": replay.times[[10, 40]], "trough": replay.times[[20, 45]], "depth": [-5.0, -1.0]})
    columns = data.fall_columns(falls, replay.times)
    assert columns["number"] == ["1", "2"]
    assert ((columns["right"] - columns["left"]) / 3.6e6).tolist() == [10.0, 5.0]


def test_an_update_keeps_every_model() -> None:
    """Other positions, another theme, another state: the same models."""
    figure = ReplayFigure()
    figure.update(made())
    kept = {figure.cursor.id, figure.cells.id, figure.heat.id, figure.grid.id, figure.value.id}
    figure.update(made(5))
    figure.set_theme(LIGHT)
    figure.show(3)
    assert kept <= {model.id for model in figure.root.references()} | {figure.cells.id}
    assert (figure.row, figure.drawn) == (3, 5)


def test_nothing_to_replay_draws_nothing() -> None:
    """No hours, no error."""
    figure = ReplayFigure()
    figure.update(made(2, hours=0))
    assert figure.cells.data["text"] == []
    figure.show(0)


def test_a_row_there_is_not_is_refused() -> None:
    """The message says which there are."""
    figure = ReplayFigure()
    figure.update(made())
    with pytest.raises(ParameterError, match=r"'row' parameter of ReplayFigure\.show must be in"):
        figure.show(100)


def test_the_page_moves_when_the_cursor_does() -> None:
    """One callback on the cursor does all the work; it never reports its own changes."""
    figure = ReplayFigure()
    assert len(figure.cursor.js_property_callbacks["change:location"]) == 1
    assert "{sync: false}" in SHOW_JS
