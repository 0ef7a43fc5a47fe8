"""The gallery and the apps in a real browser, on the simulated market: what a trader sees and does."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
SLOW = 120.0
"""Limit for a first picture [s]: code may have to be compiled before it."""

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def app(new_page: Callable[..., Watched], heatlab_url: str) -> Callable[..., Watched]:
    """Open an app and wait for its picture."""

    def open_app(name: str, query: str = "", **options: Any) -> Watched:
        page = new_page(**options)
        page.goto(f"{heatlab_url}voila/render/{name}.ipynb{query}", wait_until="domcontentloaded")
        page.until(page.painted, timeout=SLOW)
        return page

    return open_app


def status(page: Watched) -> str:
    """Text of the status line."""
    return str(page.locator(".hl-status").first.inner_text())


def test_gallery_shows_cards_alerts_and_that_the_market_is_simulated(
    new_page: Callable[..., Watched], heatlab_url: str
) -> None:
    """A visitor sees at once what this is, and where to go."""
    page = new_page()
    page.goto(heatlab_url, wait_until="domcontentloaded")
    page.until(lambda: page.locator("a.hl-card").count() == 4, timeout=SLOW)
    assert "simulated market" in page.locator(".hl-app").inner_text()
    assert page.locator(".hl-alerts li").count() > 0
    page.locator("a.hl-card").first.click()
    page.until(lambda: "portfolio_heat" in page.url)
    page.until(page.painted, timeout=SLOW)


def test_a_slider_redraws_the_map_and_the_link_follows(app: Callable[..., Watched]) -> None:
    """Half-life changes the picture and the address to share; the status says it is done."""
    page = app("liquidation", "?half_life=24")
    before = page.painted()
    handle = page.locator(".noUi-handle").first
    assert handle.get_attribute("aria-valuetext") == "24"
    handle.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.until(lambda: page.painted() not in (0, before))
    link = page.get_by_text("Link to this view")
    page.until(lambda: "half_life=36" in str(link.get_attribute("href")))
    assert "zone" in status(page)


def test_moving_over_the_chart_reads_the_level(app: Callable[..., Watched]) -> None:
    """The line above the chart tells time, price and estimates; nothing goes to the kernel."""
    page = app("liquidation")
    box = page.locator(".hl-pane").first.bounding_box()
    before, sent = page.painted(), page.sent
    page.mouse.move(box["x"] + 300, box["y"] + 260)
    page.until(lambda: page.painted() != before)
    assert page.sent - sent < 2_000


def test_another_symbol_loads_and_a_bad_address_is_made_safe(app: Callable[..., Watched]) -> None:
    """Junk in the address is dropped; choosing a symbol reloads."""
    page = app("liquidation", "?symbol=%3Cscript%3E&half_life=1e99&venue=nowhere")
    assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "336"
    page.get_by_label("Symbol").select_option("AAVE/USDT:USDT")
    page.until(lambda: "AAVE/USDT:USDT" in page.locator(".hl-app h1").inner_text())
    page.until(lambda: "zone" in status(page))


def test_no_leverage_chosen_says_what_to_do(app: Callable[..., Watched]) -> None:
    """An impossible choice gives one clear line and leaves the app alive."""
    page = app("liquidation")
    leverage = page.get_by_role("group", name="Leverage")
    leverage.get_by_role("button", name="none").click()
    page.until(lambda: "at least one leverage" in page.locator('.hl-main [role="alert"]').first.inner_text())
    ten = leverage.get_by_role("button", name="10x", exact=True)
    ten.focus()
    page.keyboard.press("Space")
    page.until(lambda: ten.get_attribute("aria-pressed") == "true")
    page.until(lambda: "zone" in status(page))
    link = page.get_by_text("Link to this view")
    page.until(lambda: "tiers=10" in str(link.get_attribute("href")))


@pytest.mark.parametrize("name", ["liquidation", "portfolio_heat"])
def test_the_whole_figure_is_saved_as_a_picture(app: Callable[..., Watched], name: str, tmp_path: Path) -> None:
    """One PNG as wide as the figures, with something in it."""
    page = app(name)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture (PNG)").click()
    waiting.value.save_as(tmp_path / "figure.png")
    data = (tmp_path / "figure.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    pane = page.locator(".hl-pane").first.bounding_box()
    assert waiting.value.suggested_filename == f"{name}.png"
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert width >= pane["width"] * 0.9
    assert height >= pane["height"] * 0.9
    assert len(data) > 20_000


def test_the_heatmap_is_saved_as_csv(app: Callable[..., Watched]) -> None:
    """Price levels down, times across."""
    page = app("liquidation")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Heatmap as CSV").click()
    table = pd.read_csv(waiting.value.path())
    assert list(table.columns[:2]) == ["price_low", "price_high"]
    assert table.shape[1] > 300


def test_zones_and_own_positions_are_in_tables(app: Callable[..., Watched]) -> None:
    """The picture's numbers are also in accessible tables."""
    page = app("liquidation")
    captions = page.locator("caption").all_inner_texts()
    assert any(re.match(r"Liquidation zones", text) for text in captions)
    assert "Your positions" in captions
    assert page.locator("th[scope='col']").count() > 8


@pytest.mark.parametrize("name", ["liquidation", "portfolio_heat"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_narrow_screens_need_no_sideways_scrolling(app: Callable[..., Watched], name: str, theme: str) -> None:
    """At 700 px everything folds under."""
    page = app(name, f"?theme={theme}", viewport={"width": 700, "height": 900})
    assert page.evaluate(WIDER) <= 1


def test_a_cell_of_the_heat_grid_shows_its_history(app: Callable[..., Watched]) -> None:
    """Choosing a position and timeframe changes the history; its link follows."""
    page = app("portfolio_heat")
    page.get_by_label("Bars").select_option("1d")
    link = page.get_by_text("Link to this view")
    page.until(lambda: "timeframe=1d" in str(link.get_attribute("href")))
    box = page.locator(".hl-pane").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    page.until(lambda: "timeframe=4h" in str(link.get_attribute("href")))


def test_heat_app_names_the_rule_and_its_orders(app: Callable[..., Watched]) -> None:
    """The big number, the rule in force and the table of orders are on screen."""
    page = app("portfolio_heat")
    text = page.locator(".hl-app").inner_text()
    assert "Portfolio heat, 0 to 100" in text
    assert "halve below 50, to cash below 30" in text
    assert "Positions, weakest first" in text
