"""From a key on a slider to changed pixels: the liquidation app, and a 1000 x 600 uint8 image against jupyter_bokeh.

Needs Chromium. Also measures how long the server takes to start and the app to paint, cold and kept ready.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import Result
from tests.browser import serving
from tests.browser.conftest import FLAGS, Watched, chromium_path

NAME = "redraw"
APP = "liquidation.ipynb?range_days=90"
"""90 days of hourly bars: the most columns and bins the map has."""
APPS = serving.ROOT / "notebooks"
NOTEBOOK = "pane.ipynb"
NOTEBOOKS = serving.NOTEBOOKS
PEER_NOTEBOOK = "peer.ipynb"
PEER_NOTEBOOKS = Path(__file__).parent / "notebooks"
STEPS = 40
PEER = "jupyter_bokeh"
# Wait for the first animation frame in which the largest canvas differs from what it was; gives milliseconds.
WATCH = """() => {
  const found = [];
  const walk = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.tagName === "CANVAS" && node.width > 200 && node.height > 200) found.push(node);
    if (node.shadowRoot) walk(node.shadowRoot);
  });
  walk(document);
  const canvas = found.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  const context = canvas.getContext("2d");
  const sample = () => {
    const row = context.getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1).data;
    let mark = 7;
    for (let i = 0; i < row.length; i += 16) mark = (mark * 31 + row[i]) | 0;
    return mark;
  };
  const before = sample();
  window.hl_redraw = new Promise((resolve) => {
    window.addEventListener("keydown", () => {
      const begun = performance.now();
      const look = () => (sample() === before ? requestAnimationFrame(look) : resolve(performance.now() - begun));
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}"""


def run() -> list[Result]:
    """Measure; without Chromium or Playwright there is nothing to measure and the result says so by its absence."""
    path = chromium_path()
    if path is None or importlib.util.find_spec("playwright") is None:
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            return _measure(chromium)
        finally:
            chromium.close()


def _measure(chromium: Any) -> list[Result]:
    with _server("0", APPS) as server:
        start = server.started_in
        cold = statistics.median(_first_paint(chromium, server, APP) for _ in range(3))
        app, app_kilobytes = _redraw(chromium, server, APP)
    with _server("0") as server:
        ours, kilobytes = _redraw(chromium, server, NOTEBOOK)
    peer, peer_kilobytes = _peer(chromium)
    with _server("1", APPS) as server:
        _settle(server)
        ready = _first_paint(chromium, server, APP)
    size = _summary("1000x600 uint8", ours, kilobytes)
    if peer:
        size += "; peer " + _summary("the same", peer, peer_kilobytes)
    return [
        Result(
            "liquidation app, slider to repaint", statistics.median(app), None, _summary(APP, app, app_kilobytes), "-"
        ),
        Result(
            "pane alone, slider to repaint",
            statistics.median(ours),
            statistics.median(peer) if peer else None,
            size,
            PEER,
        ),
        Result("server start", start, None, "command to printed address", "-"),
        Result("liquidation app, first paint", ready, cold, "kernel kept ready, against a cold one", "cold kernel"),
    ]


def _summary(what: str, times: list[float], traffic: str) -> str:
    return f"{what}; p50 {1e3 * statistics.median(times):.0f} ms, p95 {1e3 * _p95(times):.0f} ms, {traffic}"


def _peer(chromium: Any) -> tuple[list[float], str]:
    """The same figure and slider through jupyter_bokeh, where it is installed."""
    if importlib.util.find_spec(PEER) is None:
        return [], ""
    with _server("0", PEER_NOTEBOOKS) as server:
        return _redraw(chromium, server, PEER_NOTEBOOK)


def _server(preheat: str, notebooks: Path = NOTEBOOKS) -> Any:
    cache = Path(tempfile.mkdtemp(prefix="heatlab-bench-"))
    return serving.heatlab(cache, "--notebooks", str(notebooks), "--preheat", preheat)


def _settle(server: serving.Server) -> None:
    limit = time.monotonic() + serving.START
    while len(server.kernels()) < 3 and time.monotonic() < limit:  # the gallery and the two apps
        time.sleep(0.2)
    time.sleep(20)


def _open(chromium: Any, server: serving.Server, notebook: str) -> tuple[Any, Watched, float]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = Watched(context.new_page())
    begun = time.perf_counter()
    page.goto(f"{server.url}voila/render/{notebook}", wait_until="commit")
    page.until(page.painted, timeout=60)
    return context, page, time.perf_counter() - begun


def _first_paint(chromium: Any, server: serving.Server, notebook: str) -> float:
    context, page, took = _open(chromium, server, notebook)
    page.close(run_before_unload=True)
    context.close()
    return took


def _redraw(chromium: Any, server: serving.Server, notebook: str) -> tuple[list[float], str]:
    """Seconds of every step, and the traffic of one."""
    context, page, _ = _open(chromium, server, notebook)
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    sent, received = page.sent, page.received
    times = [_step(page) for _ in range(STEPS)]
    page.wait_for_timeout(500)
    traffic = f"{(page.received - received) / STEPS / 1e3:.0f} kB down, {(page.sent - sent) / STEPS / 1e3:.1f} kB up"
    page.close(run_before_unload=True)
    context.close()
    return times, traffic


def _step(page: Watched) -> float:
    page.evaluate(WATCH)
    page.keyboard.press("ArrowRight")
    took = float(page.evaluate("window.hl_redraw")) / 1e3
    page.wait_for_timeout(60)
    return took


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
