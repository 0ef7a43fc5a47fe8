"""The same widgets in JupyterLab, where nothing of ours is installed in the page."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import serving
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
HARMLESS = ("Failed to load resource",)  # JupyterLab asks for settings that a fresh installation does not have


@pytest.fixture(scope="module")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab on a copy of the test notebooks, ended by its process id."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(serving.NOTEBOOKS / "pane.ipynb", folder)
    shutil.copy(serving.ROOT / "notebooks" / "liquidation.ipynb", folder)
    port = serving.free_port()
    options = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    log = folder / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=serving.environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(process, f"http://127.0.0.1:{port}/api", log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        serving.end(process, with_signal=15)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    limit = time.monotonic() + serving.START
    while time.monotonic() < limit and process.poll() is None:
        try:
            if serving.fetch(url)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text(errors='replace')}")


@pytest.mark.parametrize("name", ["pane", "liquidation"])
def test_the_widgets_work_in_jupyterlab(page: Watched, lab_url: str, name: str) -> None:
    """BokehJS and the style sheet come over the comm; a slider repaints; the theme is that of JupyterLab."""
    page.tolerated = HARMLESS
    page.goto(f"{lab_url}lab/tree/{name}.ipynb?reset")
    page.until(lambda: page.locator(".jp-Notebook .jp-Cell").count(), timeout=60)
    page.until(lambda: page.get_by_text("| Idle").count(), timeout=60)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.until(page.painted, timeout=120)
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--hl-css').trim()") == "1"
    before = page.painted()
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.until(lambda: page.painted() not in (0, before))
    page.goto("about:blank")
