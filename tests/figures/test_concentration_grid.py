"""Concentration grid: area, colour, number and place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.figures.concentration_cells import concentration_colour, grid_columns
from heatlab.figures.concentration_grid import ConcentrationGrid, concentration_legend
from heatlab.figures.palettes import luminance
from heatlab.figures.theme import DARK, LIGHT, THEMES


def table(sizes: list[float], **changes: Any) -> pd.DataFrame:
    """Positions of these sizes, longs, each in its own symbol."""
    share = np.array(sizes, dtype="float64") / np.nansum(sizes)
    count = len(sizes)
    columns = {
        "symbol": [f"C{k}/USDT:USDT" for k in range(count)],
        "venue": "okx",
        "side": 1,
        "notional": np.array(sizes, dtype="float64"),
        "size_share": share,
        "size_heat": 100 * share,
        "correlation_heat": np.clip(150 * share, 0, 100),
        "risk_share": share,
        "cluster": 1,
        "is_hedge": False,
    }
    return pd.DataFrame(columns | changes)


SHARES = pd.DataFrame({"cluster": [1, 2], "name": ["majors", "memes"], "gross_share": [0.7, 0.3], "risk_share": 0.5})


def areas(data: dict[str, Any]) -> np.ndarray:
    """Area of each cell."""
    wide = np.subtract(data["right"], data["left"])
    return wide * np.subtract(data["top"], data["bottom"])


def test_area_is_size() -> None:
    """Exactly in proportion, across clusters and their headers too."""
    grid = ConcentrationGrid(table([50, 20, 20, 10], cluster=[1, 1, 2, 2]), shares=SHARES)
    data = dict(grid.source.data)
    shares = [float(share.split()[0]) for share in data["share"]]
    np.testing.assert_allclose(areas(data) / areas(data).sum() * 100, shares)


def test_switching_changes_colours_and_numbers_only() -> None:
    """The places stay, so that the eye can compare."""
    grid = ConcentrationGrid(table([50, 30, 20]), shares=SHARES)
    before = dict(grid.source.data)
    grid.show("correlation")
    after = dict(grid.source.data)
    assert before["value"] == ["50", "30", "20"]
    assert after["value"] == ["75", "45", "30"]
    assert after["fill"] != before["fill"]
    assert [after[name] for name in ("left", "right", "top", "bottom")] == [
        before[name] for name in ("left", "right", "top", "bottom")
    ]
    assert grid.plots[0].title.text == "Correlation-weighted heat"


def test_side_by_side_shows_both_from_one_source() -> None:
    """The second grid is there only then; a selection shows in both."""
    grid = ConcentrationGrid(table([50, 30, 20]), shares=SHARES)
    assert not grid.plots[1].visible
    grid.show("both")
    assert grid.plots[1].visible
    assert grid.source.data["value"][0] == "50"
    assert grid.source.data["other_value"][0] == "75"


def test_headers_tell_clusters_and_lone_positions_share_one() -> None:
    """Name, gross and risk; a cluster of one position is no cluster; without history is said."""
    data = table([40, 30, 20, 10], cluster=[1, 1, 2, 0])
    told = [text.split("\n")[0] for text in ConcentrationGrid(data, shares=SHARES).headers.data["text"]]
    assert told == [
        "majors: 70 % of gross, 50 % of risk",
        "on their own: 20 % of gross, 20 % of risk",
        "history too short: 10 % of gross, 10 % of risk",
    ]


def test_a_hedge_is_hatched_and_named() -> None:
    """Never by colour alone."""
    data = table([60, 40], is_hedge=[False, True], side=[1, -1], risk_share=[1.2, -0.2])
    cells = ConcentrationGrid(data).source.data
    assert cells["hatch"] == [" ", "/"]
    assert cells["size"][1] == "hedge, size 40 %\nhedge"
    assert cells["name"][1] == "C1 short\nC1 S\nC1"
    assert cells["risk"] == ["+120.0 %", "-20.0 %"]


def test_an_unknown_heat_has_no_colour() -> None:
    """A dash on the ground; by size it is known."""
    grid = ConcentrationGrid(table([60, 40], correlation_heat=[60.0, np.nan]), theme=LIGHT, heat="correlation")
    assert (grid.source.data["value"][1], grid.source.data["fill"][1]) == ("\u2013", LIGHT.panel)
    grid.show("size")
    assert grid.source.data["value"][1] == "40"


def test_a_position_of_unknown_size_has_no_cell_but_is_named() -> None:
    """Nothing is drawn as if it were small."""
    grid = ConcentrationGrid(table([60, np.nan]))
    assert len(grid.source.data["x"]) == 1
    assert grid.not_drawn == ["C1/USDT:USDT okx"]


def test_the_largest_forty_are_drawn_and_the_rest_are_counted() -> None:
    """One line for the others, with their share."""
    grid = ConcentrationGrid(table([100.0] * 40 + [10.0] * 460))
    assert len(grid.source.data["x"]) == 40
    assert grid.headers.data["text"][-1].split("\n")[0] == (
        "and 460 more: 53 % of gross, 53 % of risk, not drawn to scale"
    )


def test_nothing_to_draw_says_so() -> None:
    """Empty book, watch list."""
    for grid in (ConcentrationGrid(), ConcentrationGrid(table([1.0, 1.0], size_share=np.nan))):
        assert grid.source.data["x"] == []
        assert grid.plots[0].title.text == "Size-weighted heat: no position of known size"


def test_places_do_not_depend_on_the_order_of_the_positions() -> None:
    """The same picture for a shuffled book, equal sizes too."""
    data = table([20, 20, 20, 15, 15, 10], cluster=[1, 1, 2, 2, 3, 0])
    first, headers = grid_columns(data, SHARES, theme=DARK)
    assert grid_columns(data.iloc[[3, 1, 5, 0, 2, 4]], SHARES, theme=DARK) == (first, headers)


def test_an_update_keeps_every_model() -> None:
    """Another book, another theme, another heat: the same models."""
    grid = ConcentrationGrid(table([60, 40]), shares=SHARES)
    before = {model.id for model in grid.root.references()}
    grid.update(table([10, 20, 70]), shares=SHARES)
    grid.set_theme(LIGHT)
    grid.show("both")
    assert {model.id for model in grid.root.references()} == before
    assert len(grid.source.data["x"]) == 3


def test_a_click_calls_back_and_select_marks() -> None:
    """By symbol, venue and side."""
    grid, heard = ConcentrationGrid(table([60, 40])), []
    grid.on_select(heard.append)
    grid.source.selected.indices = [1]
    assert heard == [{"symbol": "C1/USDT:USDT", "venue": "okx", "side": 1}]
    grid.select("C0/USDT:USDT", "okx", 1)
    assert grid.source.selected.indices == [0]
    grid.select("other", "okx", 1)
    assert grid.source.selected.indices == []


def test_luminance_runs_one_way_with_heat() -> None:
    """Order is read without hue, light and dark."""
    for theme, direction in ((DARK, 1), (LIGHT, -1)):
        steps = np.diff([luminance(concentration_colour(heat, theme)) for heat in range(0, 101, 5)])
        assert (direction * steps > 0).all()


def test_the_legend_prints_its_numbers() -> None:
    """A swatch with its heat, in both themes."""
    for theme in THEMES.values():
        assert ">25<" in concentration_legend(theme)


def test_an_unknown_heat_name_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(ParameterError, match=r"'heat' parameter of ConcentrationGrid\.show must be one of 'size'"):
        ConcentrationGrid().show("colour")
