"""Chromium on the served app: any console error and any request to the outside fails the test."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import serving

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")
# The largest canvas on the page, shadow roots included: 0 while nothing is painted, else a number that tells pictures
# apart.
PAINTED = """() => {
  const found = [];
  const walk = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.tagName === "CANVAS" && node.width > 200 && node.height > 200) found.push(node);
    if (node.shadowRoot) walk(node.shadowRoot);
  });
  walk(document);
  const canvas = found.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  if (!canvas) return 0;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  let mark = 7;
  for (let i = 0; i < data.length; i += 4) {
    const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
    colours.add(colour);
    mark = (mark * 31 + colour) | 0;
  }
  return colours.size > 30 ? mark || 1 : 0;
}"""


class Watched:
    """A Playwright page with what went wrong on it, and the waits our tests need."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.outside: list[str] = []
        self.tolerated: tuple[str, ...] = ()
        self.sent = self.received = 0
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url.startswith(LOCAL) else self.outside.append(request.url))
        page.on("websocket", self._count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def _count(self, socket: Any) -> None:
        socket.on("framesent", lambda frame: self._add("sent", frame))
        socket.on("framereceived", lambda frame: self._add("received", frame))

    def _add(self, direction: str, frame: Any) -> None:
        setattr(self, direction, getattr(self, direction) + len(frame))

    def painted(self) -> int:
        """Mark of the largest picture on the page, 0 while there is none."""
        return int(self.page.evaluate(PAINTED))

    def until(self, condition: Callable[[], Any], *, timeout: float = 20.0) -> Any:
        """Wait until a condition holds and return what it gave."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            value = condition()
            if value:
                return value
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {timeout:g} s; problems on the page: {self.problems}")

    def failures(self) -> list[str]:
        """Console errors and outside requests that no test expected."""
        unexpected = [p for p in self.problems if not any(word in p for word in self.tolerated)]
        return unexpected + [f"request to {url}" for url in self.outside]


def chromium_path() -> str | None:
    """Chromium to drive: CHROMIUM, else the usual places."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Headless Chromium; ends with this folder, so that its event loop is gone before asynchronous tests run."""
    pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium found: install it, or name it in the environment variable CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Make pages; at the end of the test each must be free of errors and outside requests."""
    opened: list[tuple[Any, Watched]] = []

    def make(**options: Any) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        page = Watched(context.new_page())
        opened.append((context, page))
        return page

    yield make
    failures = [failure for _, page in opened for failure in page.failures()]
    for context, _ in opened:
        for page in context.pages:
            page.close(run_before_unload=True)
        context.close()
    assert failures == []


@pytest.fixture
def page(new_page: Callable[..., Watched]) -> Watched:
    """One page of 1400 x 900."""
    return new_page()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """The real command on the small test notebooks, without preheating."""
    options = ("--notebooks", str(serving.NOTEBOOKS), "--preheat", "0", "--idle", "4")
    with serving.heatlab(tmp_path_factory.mktemp("served"), *options) as server:
        yield server


@pytest.fixture(scope="package")
def heatlab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the real command on the real notebooks and the simulated market."""
    with serving.heatlab(tmp_path_factory.mktemp("heatlab"), "--preheat", "0", "--source", "simulated") as server:
        yield server.url


@pytest.fixture(scope="module")
def shared_pane(browser: Any, served: serving.Server) -> Iterator[Watched]:
    """The pane notebook, opened once for the tests of a module."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
    page = Watched(context.new_page())
    page.goto(f"{served.url}voila/render/pane.ipynb")
    page.until(page.painted)
    yield page
    page.close(run_before_unload=True)
    context.close()


@pytest.fixture
def pane(shared_pane: Watched) -> Iterator[Watched]:
    """The shared pane page; it must be free of errors after each test."""
    yield shared_pane
    failures = shared_pane.failures()
    shared_pane.problems.clear()
    assert failures == []


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A folder with the pane notebook alone."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(serving.NOTEBOOKS / "pane.ipynb", folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder for a server of the test's own."""
    return tmp_path / "cache"
