"""The journal app in a real browser: write an entry, find it, choose it by keyboard, add a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.sources import SimulatedSource
from heatlab.store import Journal
from tests.browser import serving
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
SLOW = 120.0
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The app over a journal of twelve entries on the simulated market."""
    source = SimulatedSource(7)
    journal = Journal(tmp_path / "data" / "journal-simulated.sqlite")
    for number in range(12):
        entry = JournalEntry(
            kind="signal" if number % 2 else "reading",
            text=f"<i>thought</i> {number}",
            symbol="BTC/USDT:USDT",
            venue=source.venues()[0],
            side=1 if number % 3 else -1,
            state={"heat": 50.0 + number, "zone": 1},
        )
        journal.add(entry, at=source.now() - pd.Timedelta(days=40 - 3 * number), source=source.name)
    with serving.heatlab(tmp_path, "--preheat", "0", "--source", "simulated") as server:
        yield f"{server.url}voila/render/journal.ipynb"


def test_a_trader_reads_and_writes_the_journal(new_page: Callable[..., Watched], address: str) -> None:
    """List, detail, filter, form and note work by mouse and keyboard; nothing in an entry becomes markup."""
    page = new_page()
    page.goto(f"{address}?horizon=1d", wait_until="domcontentloaded")
    rows = page.locator(".hl-entries tbody tr")
    page.until(lambda: rows.count() == 12, timeout=SLOW)
    page.until(page.painted)
    assert "<i>thought</i> 11" in rows.first.inner_text()
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    page.until(lambda: "#11 " in page.locator(".hl-entry h3").inner_text())
    assert rows.nth(1).get_attribute("aria-selected") == "true"
    page.until(lambda: "entry=11" in str(page.get_by_text("Link to this view").get_attribute("href")))
    page.get_by_role("button", name="Add to the journal").click()
    page.until(lambda: "Write a text first" in page.locator('.hl-form [role="alert"]').inner_text())
    page.get_by_label("Text").fill("bought <b>the</b> dip")
    page.get_by_role("button", name="Add to the journal").click()
    page.until(lambda: rows.count() == 13)
    page.until(lambda: "bought <b>the</b> dip" in page.locator(".hl-written").inner_text())
    note = page.get_by_placeholder(re.compile("a later thought"))
    note.fill("too early")
    page.get_by_role("button", name="Add note").click()
    page.until(lambda: "too early" in page.locator(".hl-entry").inner_text())
    page.get_by_label("Kind").first.select_option("signal")
    page.until(lambda: rows.count() == 6)
    assert page.evaluate("document.querySelectorAll('.hl-entries i, .hl-entry b').length") == 0
    page.set_viewport_size({"width": 700, "height": 900})
    page.until(lambda: page.evaluate(WIDER) <= 1)
