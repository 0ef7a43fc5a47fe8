"""Visit a running heatlab as a person would: gallery, then every app. ``python visit.py URL``; exits 1 on a problem."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, PAINTED, chromium_path

LIMIT = 90.0
EMPTY = "() => location.pathname.endsWith('journal.ipynb') && !!document.querySelector('.hl-app .hl-empty')"
"""A journal nobody has written to yet has no figure, and says what to do."""


def wait_for(page: Page, script: str, what: str) -> None:
    """Poll a condition of the page."""
    end = time.monotonic() + LIMIT
    while not page.evaluate(script):
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {LIMIT:g} s at {page.url}")
        page.wait_for_timeout(200)


def visit(page: Page, url: str) -> None:
    """Open the gallery and follow each card until its figure is painted."""
    root = url.split("?", maxsplit=1)[0]
    page.goto(url, wait_until="domcontentloaded", timeout=LIMIT * 1000)
    wait_for(page, "() => document.querySelectorAll('a.hl-card').length", "cards of the gallery")
    for name in page.eval_on_selector_all("a.hl-card", "cards => cards.map(card => card.getAttribute('href'))"):
        begun = time.monotonic()
        page.goto(f"{root}voila/render/{name}", wait_until="domcontentloaded", timeout=LIMIT * 1000)
        wait_for(page, f"() => ({EMPTY})() || ({PAINTED})()", f"the figure of {name}")
        print(f"{name} painted after {time.monotonic() - begun:.1f} s")


def main(url: str) -> int:
    """Visit and report what the pages complained of."""
    problems: list[str] = []
    with sync_playwright() as playwright:
        path = chromium_path() or shutil.which("chromium") or os.environ["CHROMIUM"]
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        visit(page, url)
        browser.close()
    for problem in problems:
        print(f"problem on a page: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
