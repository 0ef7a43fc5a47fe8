"""Correlation matrix as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document

from heatlab.figures.correlation_matrix import CorrelationMatrix, correlation_colours, short_names
from heatlab.figures.palettes import luminance
from heatlab.figures.theme import DARK, LIGHT

NAMES = ["BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"]
CLUSTERS = {NAMES[0]: 1, NAMES[1]: 1, NAMES[2]: 0}


def pairs(*rows: tuple[str, str, float, bool, bool]) -> pd.DataFrame:
    """First, second, correlation, broken, accepted."""
    table = pd.DataFrame(rows, columns=["first", "second", "correlation", "broken", "accepted"])
    return table.assign(long=table["correlation"], short=0.5, low=0.6, high=0.9, bars=719, flagged=False)


def cell(shown: CorrelationMatrix, first: str, second: str, name: str) -> str:
    """One value of one cell."""
    data = shown.source.data
    place = next(k for k in range(len(data["first"])) if (data["first"][k], data["second"][k]) == (first, second))
    return data[name][place]


TABLE = pairs((NAMES[0], NAMES[1], 0.83, True, False))


def test_each_pair_has_two_cells_with_its_number() -> None:
    """Three symbols, nine cells; the break is marked; the unknown symbol is hatched."""
    shown = CorrelationMatrix(TABLE, order=NAMES, clusters=CLUSTERS)
    assert len(shown.source.data["x"]) == 9
    assert cell(shown, NAMES[0], NAMES[1], "text") == cell(shown, NAMES[1], NAMES[0], "text") == "0.83 ≠"
    assert cell(shown, NAMES[0], NAMES[2], "hatch") == "/"
    assert cell(shown, NAMES[2], NAMES[2], "text") == "\u2013"


def test_hover_tells_both_windows_counts_and_the_interval() -> None:
    """All as text."""
    shown = CorrelationMatrix(TABLE, order=NAMES)
    told = [cell(shown, NAMES[0], NAMES[1], name) for name in ("pair", "long", "short", "interval", "bars")]
    assert told == ["BTC and ETH", "0.83", "0.50", "0.60 to 0.90", "719"]
    assert "just changed" in cell(shown, NAMES[0], NAMES[1], "note")


def test_an_accepted_pair_is_ticked() -> None:
    """In the cell and on hover."""
    shown = CorrelationMatrix(pairs((NAMES[0], NAMES[1], 0.83, False, True)), order=NAMES)
    assert cell(shown, NAMES[0], NAMES[1], "text") == "0.83 ✓"
    assert cell(shown, NAMES[0], NAMES[1], "note") == "accepted"


def test_a_frame_and_a_strip_hold_a_cluster_together() -> None:
    """The unclustered symbol has none."""
    shown = CorrelationMatrix(TABLE, order=NAMES, clusters=CLUSTERS, names={1: "BTC +1"})
    assert (shown.blocks.data["left"], shown.blocks.data["right"]) == ([0], [2])
    assert shown.blocks.data["name"] == ["BTC +1"]


def test_many_symbols_have_no_numbers_but_labels() -> None:
    """45 symbols: marks stay, numbers go, every label stays."""
    order = [f"C{k}/USDT:USDT" for k in range(45)]
    shown = CorrelationMatrix(pairs((order[0], order[1], 0.8, True, False)), order=order)
    assert set(shown.source.data["text"]) == {"", "≠"}
    assert len(shown.root.xaxis[0].major_label_overrides) == 45
    assert shown.root.height < 900


def test_symbols_of_one_base_are_told_apart() -> None:
    """Spot and perpetual of one coin show their kind."""
    assert short_names(["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"]) == {
        "BTC/USDT": "BTC spot",
        "BTC/USDT:USDT": "BTC perp",
        "ETH/USDT": "ETH",
    }


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_both_ends_stand_out_from_the_middle(theme: object) -> None:
    """Away from the panel in lightness on both sides, and blue against orange."""
    colours = correlation_colours(theme)  # type: ignore[arg-type]
    middle = luminance(colours[128])
    assert abs(luminance(colours[0]) - middle) > 0.15
    assert abs(luminance(colours[255]) - middle) > 0.15
    assert int(colours[0][5:7], 16) > int(colours[0][1:3], 16)
    assert int(colours[255][1:3], 16) > int(colours[255][5:7], 16)


def test_an_update_keeps_every_model_but_tickers() -> None:
    """Fewer symbols, none, another theme."""
    shown = CorrelationMatrix(TABLE, order=NAMES, clusters=CLUSTERS)
    kept = {shown.root.id, shown.source.id, shown.blocks.id}
    shown.update(None, order=[])
    shown.update(TABLE, order=NAMES[:2])
    shown.set_theme(LIGHT)
    assert {shown.root.id, shown.source.id, shown.blocks.id} == kept
    Document().add_root(shown.root)
    assert not any(isinstance(x, float) and np.isnan(x) for x in shown.source.data["x"])


def test_a_click_names_the_pair() -> None:
    """A cell on the diagonal names none."""
    shown, heard = CorrelationMatrix(TABLE, order=NAMES), []
    shown.on_select(heard.append)
    shown.source.selected.indices = [1]
    shown.source.selected.indices = [0]
    assert heard == [{"first": NAMES[0], "second": NAMES[1]}]
