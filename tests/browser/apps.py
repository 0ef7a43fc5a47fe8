"""A small app for the browser tests: an image pane, a slider that repaints it, and everything else a pane meets."""

from __future__ import annotations

import time
from typing import Any

import ipywidgets
import numpy as np
from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure

from heatlab import widgets
from heatlab.apps import url

WIDTH, HEIGHT = 1000, 600


def image(step: int) -> np.ndarray:
    """A uint8 picture of shape (600, 1000) that differs for every step."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((rows // 4 + columns // 3 + 7 * step) % 256).astype(np.uint8)


def picture(step: int) -> tuple[Any, ColumnDataSource]:
    """A figure of one image, and its data."""
    data = ColumnDataSource({"image": [image(step)], "x": [0], "y": [0], "dw": [1000], "dh": [600]})
    plot = figure(
        height=500,
        sizing_mode="stretch_width",
        x_range=(0, 1000),
        y_range=(0, 600),
        tools="pan,tap,reset",
        title="Pane",
    )
    mapper = LinearColorMapper(palette="Viridis256", low=0, high=255)
    plot.image("image", x="x", y="y", dw="dw", dh="dh", source=data, color_mapper=mapper)
    return plot, data


def pane_app() -> ipywidgets.VBox:
    """Build the app; the address may set ``step``."""
    step = url.integer(url.query_parameters(), "step", default=0, low=0, high=100)
    sheet, status = widgets.stylesheet(), widgets.Status("shown")
    plot, data = picture(step)
    pane = widgets.BokehPane(plot)
    slider = ipywidgets.IntSlider(step, 0, 100, description="Step")
    seen = ipywidgets.Label()

    def repaint(value: int) -> None:
        data.data["image"] = [image(value)]
        status.ready(f"step {value} at {time.time():.3f}")

    def recolour(change: dict[str, Any]) -> None:
        dark = change["new"] == "dark"
        plot.background_fill_color = plot.border_fill_color = "#0f131a" if dark else "#ffffff"

    def moved(_attr: str, _old: float, new: float) -> None:
        seen.value = f"x starts at {new:.0f}"

    def broken(_button: Any) -> None:
        raise RuntimeError("<b>boom</b>")

    latest = widgets.LatestWins(widgets.guard(repaint, status))
    slider.observe(lambda change: latest(change["new"]), "value")
    sheet.observe(recolour, "theme")
    plot.x_range.on_change("start", moved)
    fail = ipywidgets.Button(description="Fail")
    fail.on_click(widgets.guard(broken, status))
    runner = widgets.Runner(count, label="Count", lock=(slider,), on_done=lambda _: None)
    link = widgets.download_link("numbers.csv", lambda: b"a,b\n1,2\n", label="Numbers")
    presence = widgets.Presence(lambda: None)
    controls = ipywidgets.VBox([slider, fail, runner, link, seen, status])
    controls.add_class("hl-controls")
    main = ipywidgets.VBox([pane])
    main.add_class("hl-main")
    body = ipywidgets.HBox([controls, main])
    body.add_class("hl-body")
    app = ipywidgets.VBox([sheet, presence, body])
    app.add_class("hl-app")
    return app


def peer_app() -> ipywidgets.VBox:
    """Build the same picture and slider through jupyter_bokeh, for the benchmark; it must be installed."""
    from jupyter_bokeh import BokehModel

    plot, data = picture(0)
    slider = ipywidgets.IntSlider(0, 0, 100, description="Step")
    slider.observe(lambda change: data.data.update(image=[image(change["new"])]), "value")
    return ipywidgets.VBox([slider, BokehModel(plot)])


def count(job: widgets.Job) -> int:
    """Take two seconds, saying so."""
    for step in range(40):
        time.sleep(0.05)
        job.progress(step + 1, 40, "counted")
    return 40
