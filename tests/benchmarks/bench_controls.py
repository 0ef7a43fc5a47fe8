"""Every control of the portfolio apps on a book of 500 positions: from a key to what it changes on the screen.

Needs Chromium. The time ends with the first frame in which everything the control is there to change has changed, text
and pictures; every section has been opened before, so all of them follow what is selected.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.benchmarks import Result
from tests.browser import serving
from tests.browser.conftest import FLAGS, Watched, chromium_path

NAME = "controls"
NOTEBOOKS = Path(__file__).parent / "notebooks"
STEPS, WARM = 20, 2
MEASURED = 5
"""Steps of a control that asks for a new measurement of the whole book, in a thread: the page stays alive."""
LIMIT = 0.250
FIRST = 180.0
"""Limit for a first picture of so large a book [s]."""

# What each target looks like now, and milliseconds from the next key to the frame in which all of them have changed
# (-1 after twenty seconds). A target is "pane N", the Nth figure in view, or a CSS selector whose text counts.
WATCH = """(targets) => {
  const canvases = (place) => {
    const found = [];
    const walk = (root) => root.querySelectorAll("*").forEach((node) => {
      if (node.tagName === "CANVAS" && node.width && node.height) found.push(node);
      if (node.shadowRoot) walk(node.shadowRoot);
    });
    walk(place);
    return found;
  };
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.getClientRects().length);
  const words = (node) => node.textContent + (node.getAttribute("aria-selected") ?? "");
  const text = (selector) => shown(selector).map(words).join("|");
  const picture = (number) => {
    let mark = 7;
    for (const canvas of canvases(shown(".hl-pane")[number])) {
      const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
      for (let i = 0; i < data.length; i += 3) mark = (Math.imul(mark, 31) + data[i]) | 0;
    }
    return mark;
  };
  const look = (target) => (target.startsWith("pane ") ? picture(Number(target.slice(5))) : text(target));
  const before = targets.map(look);
  let open = targets.map((_, place) => place);
  window.hl_seen = new Promise((resolve) => {
    window.addEventListener("keydown", () => {
      const begun = performance.now();
      const frame = () => {
        const passed = performance.now() - begun;
        open = open.filter((place) => look(targets[place]) === before[place]);
        if (!open.length) resolve([passed, ""]);
        else if (passed > 20000) resolve([-1, open.map((place) => targets[place]).join(", ")]);
        else requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    }, { once: true, capture: true });
  });
}"""


@dataclass(frozen=True)
class Control:
    """A control and what it changes.

    Attributes
    ----------
    name : str
    section : str
        Title of its section.
    find : callable
        ``find(page)`` gives the element to focus.
    keys : tuple of str
        Pressed in turn.
    targets : tuple of str
        See ``WATCH``.
    steps : int
        How many are timed.
    """

    name: str
    section: str
    find: Callable[[Any], Any]
    keys: tuple[str, ...]
    targets: tuple[str, ...]
    steps: int = STEPS


def _label(text: str) -> Callable[[Any], Any]:
    return lambda page: page.get_by_label(text, exact=True).locator("visible=true").first


def _css(selector: str) -> Callable[[Any], Any]:
    return lambda page: page.locator(selector).locator("visible=true").first


def _buttons(*names: str) -> Callable[[Any], Any]:
    turn = cycle(names)
    return lambda page: page.get_by_role("button", name=next(turn), exact=True).locator("visible=true").first


DOWN_UP, UP_DOWN = ("ArrowDown", "ArrowUp"), ("ArrowUp", "ArrowDown")
ROW = '.hl-entries tr[tabindex="0"]'
CONTROLS = {
    "many_heat": (
        Control("page of positions", "Heat", _label("Show"), DOWN_UP, ("pane 0",)),
        Control("position list", "Heat", _label("Position"), DOWN_UP, ("pane 1",)),
        Control("bars", "Heat", _label("Bars"), DOWN_UP, ("pane 1",)),
        Control(
            "sensitivity", "Alerts", _buttons("Conservative", "Aggressive"), ("Enter",), (".hl-alert-centre .hl-muted",)
        ),
        Control("flag above", "Correlation", _label("Flag above"), DOWN_UP, (".hl-entries caption", "pane 0")),
        Control("pair list", "Correlation", _css(ROW), ("ArrowDown",), (".hl-entries tr", ".widget-html b")),
        Control(
            "BTC slider", "Stress", _css(".noUi-handle"), ("ArrowRight",),
            (".hl-figure-value", "pane 0", "pane 1", "td"),
        ),
        Control("page of positions", "Stress", _label("Show"), DOWN_UP, ("tbody th",)),
        Control("slider", "Replay", _css(".hl-replay-slider"), ("PageDown",), ("pane 0", ".hl-replay-clock")),
        Control("quantity in a row", "Positions", _label("Quantity, row 1"), ("x", "Backspace"), (".hl-callout",)),
    ),
    "many_concentration": (
        Control(
            "heat by", "Concentration", _buttons("Correlation-weighted", "Size-weighted"), ("Enter",), ("pane 0",)
        ),
        Control("position list", "Concentration", _css(ROW), ("ArrowDown",), (".hl-entries tr",)),
        Control("watch limit", "Concentration", _label("Watch from, %"), UP_DOWN, ("pane 1",)),
        Control("alert limit", "Concentration", _label("Alert from, %"), UP_DOWN, ("pane 1",)),
        Control("cluster", "Remedies", _label("Cluster"), DOWN_UP, (".hl-option",), MEASURED),
        Control("target share", "Remedies", _css(".noUi-handle"), ("ArrowRight",), (".hl-option",), MEASURED),
        Control("option", "Remedies", _buttons("Hedge", "Reduce"), ("Enter",), (".hl-option",)),
        Control(
            "conviction limit", "Quadrants", _label("High conviction from, %"), UP_DOWN, ("pane 0", ".hl-muted"),
        ),
        Control("size limit", "Quadrants", _label("Large from, x equal share"), UP_DOWN, ("pane 0", ".hl-muted")),
        Control("position list", "Quadrants", _css(ROW), ("ArrowDown",), (".hl-entries tr",)),
        Control("side", "Pre-trade", _buttons("Sell", "Buy"), ("Enter",), ("td",), MEASURED),
        Control("amount", "Pre-trade", _label("Amount"), ("1", "Backspace"), ("td",), MEASURED),
        Control("market", "Pre-trade", _label("Market"), DOWN_UP, ("td",), MEASURED),
        Control("first book", "A/B", _label("A"), DOWN_UP, ("td", "pane 0"), MEASURED),
    ),
}  # fmt: skip


def run() -> list[Result]:
    """Measure; without Chromium or Playwright there is nothing to measure and the result says so by its absence."""
    path = chromium_path()
    if path is None or importlib.util.find_spec("playwright") is None:
        return []
    from playwright.sync_api import sync_playwright

    found: list[Result] = []
    cache = Path(tempfile.mkdtemp(prefix="heatlab-bench-"))
    with sync_playwright() as playwright, _served(cache) as server:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for notebook, controls in CONTROLS.items():
            with _opened(chromium, server, notebook) as page:
                found += [_result(page, control) for control in controls]
        chromium.close()
    return found


def _served(cache: Path) -> Any:
    return serving.heatlab(cache, "--notebooks", str(NOTEBOOKS), "--preheat", "0")


@contextmanager
def _opened(chromium: Any, server: serving.Server, notebook: str) -> Iterator[Watched]:
    """Open a page on which every section has been looked at."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = Watched(context.new_page())
    page.goto(f"{server.url}voila/render/{notebook}.ipynb", wait_until="commit")
    page.until(page.painted, timeout=FIRST)
    for title in page.locator(".hl-sections button").all_inner_texts():
        _go(page, title)
        _rest(page)
    yield page
    page.close(run_before_unload=True)
    context.close()


def _go(page: Watched, title: str) -> None:
    page.locator(".hl-sections").get_by_role("button", name=title, exact=True).click()


def _rest(page: Watched) -> None:
    """Wait until the kernel has nothing to do and nothing moves."""
    page.wait_for_timeout(300)
    page.until(lambda: page.locator(".hl-status").first.get_attribute("data-state") != "busy", timeout=60)
    page.wait_for_timeout(700)


def _result(page: Watched, control: Control) -> Result:
    _go(page, control.section)
    _rest(page)
    keys = cycle(control.keys)
    times = [_step(page, control, next(keys)) for _ in range(control.steps + WARM)][WARM:]
    spread = f"p50 {1e3 * statistics.median(times):.0f} ms, p95 {1e3 * _p95(times):.0f} ms (limit {1e3 * LIMIT:g} ms)"
    size = f"500 positions, {len(times)} steps; {spread}"
    return Result(f"{control.section}: {control.name}", statistics.median(times), None, size, "-")


def _step(page: Watched, control: Control, key: str) -> float:
    control.find(page).focus()
    page.evaluate(WATCH, list(control.targets))
    page.keyboard.press(key)
    took, left = page.evaluate("window.hl_seen")
    if took < 0:
        raise AssertionError(f"{control.section}, {control.name}: {key} did not change {left}")
    page.wait_for_timeout(150)
    return float(took) / 1e3


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
