"""What a pane says to its page and what it takes from it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import bokeh
import numpy as np
import pytest
from bokeh.models import ColumnDataSource, DataTable, Div
from bokeh.plotting import figure

from heatlab.errors import ParameterError
from heatlab.widgets import BokehPane
from heatlab.widgets.pane import bundle_path, bundles


class Wire:
    """Stands for the page: keeps what was sent."""

    def __init__(self, pane: BokehPane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(pane, "send", lambda content, buffers=None: self.sent.append((content, buffers or [])))


@pytest.fixture
def plot() -> Any:
    chart = figure(width=400, height=300, x_range=(0, 3), y_range=(0, 3))
    chart.scatter("x", "y", source=ColumnDataSource({"x": np.arange(3.0), "y": np.arange(3.0)}, name="points"))
    return chart


@pytest.fixture
def pane(plot: Any) -> BokehPane:
    return BokehPane(plot)


@pytest.fixture
def wire(pane: BokehPane, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(pane, monkeypatch)


def test_a_change_travels_as_raw_bytes(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """An array of 600 x 1000 bytes costs 600 kB and a little text."""
    source = ColumnDataSource({"image": [np.zeros((600, 1000), dtype=np.uint8)]})
    plot.image("image", x=0, y=0, dw=3, dh=3, source=source)
    wire.sent.clear()
    source.data["image"] = [np.ones((600, 1000), dtype=np.uint8)]
    [(content, buffers)] = wire.sent
    assert [len(buffer) for buffer in buffers] == [600_000]
    assert len(content["patch"]) < 1_000
    assert len(content["ids"]) == 1


async def test_changes_of_one_turn_travel_together(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """Three properties set in one turn of the loop are one message."""
    plot.title.text = "a"
    plot.background_fill_color = "#0f131a"
    plot.border_fill_color = "#0f131a"
    assert wire.sent == []
    await asyncio.sleep(0)
    [(content, _)] = wire.sent
    assert len(json.loads(content["patch"])["events"]) == 3


def test_a_change_of_the_page_is_not_echoed(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """What the page sends is applied and not sent back."""
    seen: list[float] = []
    plot.x_range.on_change("start", lambda _attr, _old, new: seen.append(new))
    event = {"kind": "ModelChanged", "model": {"id": plot.x_range.id}, "attr": "start", "new": 1.5}
    pane._hear(pane, {"patch": json.dumps({"events": [event]})}, [])
    assert plot.x_range.start == 1.5
    assert seen == [1.5]
    assert wire.sent == []


def test_a_failing_callback_is_logged_and_announced(
    pane: BokehPane, plot: Any, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in a callback of the figure reaches the page as one line and the log as a trace."""

    def failing(_attr: str, _old: Any, _new: Any) -> None:
        raise RuntimeError("secret detail")

    plot.x_range.on_change("start", failing)
    event = {"kind": "ModelChanged", "model": {"id": plot.x_range.id}, "attr": "start", "new": 1.5}
    with caplog.at_level(logging.ERROR, "heatlab"):
        pane._hear(pane, {"patch": json.dumps({"events": [event]})}, [])
    [(content, _)] = wire.sent
    assert content == {"failure": "RuntimeError; the details are in the log"}
    assert "secret detail" in caplog.text


def test_a_late_view_gets_the_present_state(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """A view that asks after a change receives the changed document, addressed to it."""
    plot.title.text = "changed"
    wire.sent.clear()
    pane._hear(pane, {"need": "document", "view": "abc"}, [])
    [(content, [item])] = wire.sent
    assert content == {"document": True, "view": "abc"}
    assert json.loads(item)["root_id"] == plot.id
    assert b'"changed"' in item


async def test_a_view_never_gets_a_change_twice(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """What waits to be sent goes out before the document that contains it."""
    plot.title.text = "changed"
    pane._hear(pane, {"need": "document", "view": "abc"}, [])
    await asyncio.sleep(0)
    assert [("patch" in content, "document" in content) for content, _ in wire.sent] == [(True, False), (False, True)]


def test_bokehjs_comes_from_the_installed_bokeh(pane: BokehPane, wire: Wire) -> None:
    """A page without BokehJS gets the very version that built the figure."""
    pane._hear(pane, {"need": "bundles", "names": ["bokeh"]}, [])
    [(content, [script])] = wire.sent
    assert content == {"bundles": True}
    assert pane.version == bokeh.__version__
    assert bokeh.__version__.encode() in script


def test_only_the_bundles_a_layout_needs_are_named(plot: Any) -> None:
    """A figure needs the core; widgets and tables need theirs."""
    assert bundles(plot) == ["bokeh"]
    assert bundles(Div(text="x")) == ["bokeh", "bokeh-widgets"]
    assert bundles(DataTable(source=ColumnDataSource())) == ["bokeh", "bokeh-widgets", "bokeh-tables"]


def test_an_unknown_bundle_is_refused() -> None:
    """A page cannot ask for any other file."""
    with pytest.raises(ParameterError, match="'name' parameter of bundle_path must be one of bokeh"):
        bundle_path("../../../etc/passwd")


def test_a_closed_pane_is_silent(pane: BokehPane, plot: Any, wire: Wire) -> None:
    """After close nothing more is sent."""
    pane.close()
    plot.title.text = "late"
    assert wire.sent == []
