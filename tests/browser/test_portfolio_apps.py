"""The portfolio apps in a real browser, on the simulated market: every section, and what a trader does in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import serving
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
SLOW = 120.0
SECTIONS = {
    "portfolio_heat": ("heat", "alerts", "correlation", "stress", "venues", "timeframes", "replay", "positions"),
    "concentration": ("concentration", "remedies", "quadrants", "pretrade", "compare"),
}
PICTURES = {
    "heat": 2, "alerts": 0, "correlation": 2, "stress": 2, "venues": 1, "timeframes": 1, "replay": 1, "positions": 0,
    "concentration": 2, "remedies": 0, "quadrants": 1, "pretrade": 0, "compare": 3,
}  # fmt: skip
"""Figures in view in each section."""
ROLES = ("button", "checkbox", "combobox", "link", "listbox", "slider", "spinbutton", "textbox", "grid", "table")
# Number of colours and a mark of each figure in view; 0 colours while nothing is drawn.
PANES = """() => [...document.querySelectorAll(".hl-pane")].filter((one) => one.getClientRects().length).map((pane) => {
  const found = [];
  const walk = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.tagName === "CANVAS" && node.width && node.height) found.push(node);
    if (node.shadowRoot) walk(node.shadowRoot);
  });
  walk(pane);
  const colours = new Set();
  let mark = 7;
  for (const canvas of found) {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 0; i < data.length; i += 4) {
      const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
      colours.add(colour);
      mark = (Math.imul(mark, 31) + colour) | 0;
    }
  }
  return [colours.size, mark];
})"""
# How far the page, or anything the app stands in, can be scrolled sideways [px].
SIDEWAYS = """() => {
  const page = document.scrollingElement;
  const over = [page.scrollWidth - innerWidth];
  for (let node = document.querySelector(".hl-sections").parentElement; node; node = node.parentElement) {
    if (getComputedStyle(node).overflowX !== "visible") over.push(node.scrollWidth - node.clientWidth);
  }
  return Math.max(...over);
}"""
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def desk_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server whose visitors leave nothing to those of other files."""
    with serving.heatlab(tmp_path_factory.mktemp("desk"), "--preheat", "0", "--source", "simulated") as server:
        yield server.url


@pytest.fixture
def own_url(tmp_path: Path) -> Iterator[str]:
    """Address of a server for one test that changes what later visitors would see."""
    with serving.heatlab(tmp_path, "--preheat", "0", "--source", "simulated") as server:
        yield server.url


@pytest.fixture
def app(new_page: Callable[..., Watched], desk_url: str) -> Open:
    """Open an app at one of its sections and wait until that stands."""

    def opened(name: str, section: str, **options: Any) -> Watched:
        page = new_page(**options)
        go(page, desk_url, name, section)
        return page

    return opened


def go(page: Watched, address: str, name: str, section: str) -> None:
    """Open an app at one of its sections and wait until that stands."""
    page.goto(f"{address}voila/render/{name}.ipynb?section={section}", wait_until="domcontentloaded")
    page.until(lambda: link(page).get("section") == section, timeout=SLOW)
    page.until(lambda: stands(page, section))


def link(page: Watched) -> dict[str, str]:
    """What the link to this view holds; empty before there is one."""
    found = page.get_by_text("Link to this view")
    address = str(found.get_attribute("href")) if found.count() else ""
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def marks(page: Watched) -> list[int]:
    """Mark of each figure in view, 0 while it has less than thirty colours."""
    return [mark if colours > 30 else 0 for colours, mark in page.evaluate(PANES)]


def stands(page: Watched, section: str) -> bool:
    """Whether a section has drawn its figures and waits for nothing."""
    drawn = marks(page)
    return len(drawn) == PICTURES[section] and all(drawn) and not page.locator(".hl-skeleton:visible").count()


def nameless(page: Watched) -> list[str]:
    """Controls in view that a screen reader could only call by what they are."""
    nodes = page.context.new_cdp_session(page.page).send("Accessibility.getFullAXTree")["nodes"]
    told = [(node.get("role", {}).get("value"), node.get("name", {}).get("value", "")) for node in nodes]
    return [role for role, name in told if role in ROLES and not name.strip()]


def figure(page: Watched, name: str) -> str:
    """Value of a key figure in view."""
    return str(page.locator(".hl-figure:visible").filter(has_text=name).locator(".hl-figure-value").first.inner_text())


@pytest.mark.parametrize(("name", "first"), [("portfolio_heat", "alerts"), ("concentration", "compare")])
def test_every_section_opens_by_its_button_in_any_width_and_theme(app: Open, name: str, first: str) -> None:
    """The first by the address; each paints, names its controls, recolours with the theme and fits 700 px."""
    page = app(name, first)
    buttons = page.locator(".hl-sections button")
    assert buttons.count() == len(SECTIONS[name])
    found: dict[str, list[str]] = {}
    for place, section in enumerate(SECTIONS[name]):
        buttons.nth(place).click()
        page.until(lambda: link(page)["section"] == section)  # noqa: B023 - used before the next turn
        page.until(lambda: stands(page, section))  # noqa: B023
        found[section] = nameless(page)
    assert not any(found.values()), found
    page.set_viewport_size({"width": 700, "height": 900})
    light: dict[str, list[int]] = {}
    for place, section in enumerate(SECTIONS[name]):
        buttons.nth(place).click()
        page.until(lambda: stands(page, section))  # noqa: B023
        page.until(lambda: page.evaluate(SIDEWAYS) <= 1)
        light[section] = marks(page)
    page.get_by_role("button", name="Dark theme").click()
    page.until(lambda: stands(page, section) and not set(marks(page)) & set(light[section]))
    for place, section in enumerate(SECTIONS[name]):
        buttons.nth(place).click()
        page.until(lambda: stands(page, section) and not set(marks(page)) & set(light[section]))  # noqa: B023


def test_a_click_on_a_cell_selects_the_position_in_other_sections(app: Open) -> None:
    """Concentration to quadrants and the pre-trade check."""
    page = app("concentration", "remedies")
    buttons = page.locator(".hl-sections")
    buttons.get_by_role("button", name="Concentration").click()
    page.until(lambda: stands(page, "concentration"))
    before = link(page)["position"]
    pane = page.locator(".hl-pane:visible").first
    box = pane.bounding_box()
    pane.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.6})
    page.until(lambda: link(page)["position"] != before)
    chosen = link(page)["position"]
    buttons.get_by_role("button", name="Quadrants").click()
    page.until(lambda: stands(page, "quadrants"))
    selected = page.locator('.hl-entries:visible tr[aria-selected="true"] th')
    assert selected.inner_text() == chosen
    buttons.get_by_role("button", name="Pre-trade").click()
    market = page.get_by_label("Market")
    page.until(lambda: market.locator("option:checked").inner_text().split("/")[0] == chosen.split(" ")[0])


def test_a_decision_on_a_position_opened_by_the_address_needs_a_reason(app: Open) -> None:
    """Without one it is refused in words; with one it gets a number."""
    page = app("concentration", "quadrants")
    page.get_by_role("button", name="Log the decision").click()
    page.until(lambda: page.get_by_text("Give a reason first").locator("visible=true").count())
    page.locator(".hl-log input:visible").fill("still my best trend")
    page.get_by_role("button", name="Log the decision").click()
    page.until(lambda: page.get_by_text(re.compile(r"Logged as #\d")).locator("visible=true").count())


def test_the_stress_slider_and_a_day_of_the_past_change_the_profit(app: Open) -> None:
    """By keyboard and by button, and back."""
    page = app("portfolio_heat", "stress")
    before = figure(page, "P&L")
    page.locator(".noUi-handle:visible").focus()
    page.keyboard.press("ArrowLeft")
    page.until(lambda: figure(page, "P&L") != before)
    moved = figure(page, "P&L")
    day = page.get_by_text("Days of the past").locator("xpath=ancestor::div[contains(@class,'hl-buttons')]//button")
    page.until(lambda: day.count() > 1)
    day.first.click()
    page.until(lambda: "hour by hour" in page.locator(".hl-status").first.inner_text())
    page.until(lambda: len(marks(page)) == PICTURES["stress"] + 1 and all(marks(page)))
    assert figure(page, "P&L") != moved
    page.get_by_role("button", name="Back to the slider").click()
    page.until(lambda: figure(page, "P&L") == moved)


def test_the_replay_plays_and_goes_to_a_drawdown(app: Open) -> None:
    """Play moves the clock; a drawdown's button sets it to the hour before."""
    page = app("portfolio_heat", "replay")
    clock = page.locator(".hl-replay-clock")
    page.until(lambda: clock.inner_text().endswith("UTC"))
    page.get_by_role("button", name=re.compile("Drawdown 1")).click()
    falls = page.locator("table").filter(has_text="Worst falls")
    page.until(lambda: clock.inner_text() == falls.locator("tbody td").first.inner_text() + " UTC")
    before, drawn = clock.inner_text(), marks(page)
    page.locator(".hl-replay-play").click()
    page.until(lambda: clock.inner_text() > before and marks(page) != drawn)
    page.locator(".hl-replay-play").click()
    stopped = clock.inner_text()
    page.wait_for_timeout(300)
    assert clock.inner_text() == stopped


def test_an_accepted_pair_stands_in_the_journal(app: Open, desk_url: str) -> None:
    """With its reason; the table says that it is accepted."""
    page = app("portfolio_heat", "correlation")
    pair = page.locator('.hl-entries:visible tr[aria-selected="true"]')
    page.locator(".hl-log input:visible").first.fill("two legs of one idea, sized as one")
    page.get_by_role("button", name="Accept").click()
    page.until(lambda: "accepted" in pair.inner_text())
    page.goto(f"{desk_url}voila/render/journal.ipynb", wait_until="domcontentloaded")
    rows = page.locator(".hl-entries tbody tr")
    page.until(rows.count, timeout=SLOW)
    page.get_by_label("Kind").first.select_option("accepted")
    page.until(lambda: rows.count() == 1)
    rows.first.click()
    page.until(lambda: "two legs of one idea" in page.locator(".hl-app").inner_text())


def test_a_book_is_typed_in_and_stays(new_page: Callable[..., Watched], own_url: str) -> None:
    """A wrong cell says what is wrong and keeps what was typed; the book in use is there after a reload."""
    page = new_page()
    go(page, own_url, "portfolio_heat", "positions")
    page.get_by_role("button", name="Clear").click()
    page.until(lambda: page.get_by_label("Symbol, row 1").count() == 0)
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("Symbol, row 1").fill("ETH/USDT:USDT")
    page.get_by_label("Quantity, row 1").fill("two")
    page.get_by_label("Entry, row 1").fill("3000")
    use = page.get_by_role("button", name="Use this book")
    quantity = page.get_by_label("Quantity, row 1")
    page.until(lambda: quantity.get_attribute("aria-invalid") == "true")
    page.until(lambda: "Quantity" in page.locator('.hl-callout[role="alert"]').inner_text())
    assert quantity.input_value() == "two"
    assert page.get_by_label("Entry, row 1").input_value() == "3000"
    assert use.is_disabled()
    quantity.fill("2")
    page.until(use.is_enabled)
    page.get_by_label("Name", exact=True).fill("typed")
    use.click()
    badge = page.get_by_text("1 positions").or_(page.get_by_text("1 position", exact=True))
    page.until(lambda: badge.count() and page.get_by_label("Book", exact=True).input_value() == "typed", timeout=SLOW)
    go(page, own_url, "portfolio_heat", "venues")
    assert link(page)["book"] == "typed"
    page.locator(".hl-sections").get_by_role("button", name="Positions").click()
    page.until(lambda: page.get_by_label("Symbol, row 1").count())
    assert page.get_by_label("Symbol, row 1").input_value() == "ETH/USDT:USDT"
    assert page.get_by_label("Symbol, row 2").count() == 0


def test_thresholds_set_by_hand_are_said_until_they_are_taken_back(
    new_page: Callable[..., Watched], own_url: str
) -> None:
    """The reason stands on top of the page, after a reload too."""
    page = new_page()
    go(page, own_url, "portfolio_heat", "heat")
    banner = page.get_by_text("Thresholds set by hand since")
    page.get_by_role("button", name="Override thresholds").click()
    page.until(lambda: "reason" in page.locator('[role="alert"]:visible').first.inner_text().lower())
    assert banner.count() == 0
    page.get_by_placeholder("why? At least 8 characters").fill("the market has <b>changed</b>")
    page.get_by_role("button", name="Override thresholds").click()
    page.until(lambda: banner.count() and "the market has <b>changed</b>" in banner.inner_text())
    go(page, own_url, "portfolio_heat", "timeframes")
    page.until(banner.count)
    page.locator(".hl-sections").get_by_role("button", name="Heat").click()
    page.get_by_role("button", name="Back to adaptive").click()
    page.until(lambda: banner.count() == 0)


def test_the_pretrade_check_says_go_or_look_again(app: Open) -> None:
    """A small order against the book's risk may go; one that breaks a mark is to be looked at again."""
    page = app("concentration", "pretrade")
    verdict = page.locator(".hl-verdict-word:visible")
    page.get_by_label("Amount", exact=True).fill("500000")
    page.until(lambda: verdict.count() and "Look again" in verdict.inner_text())
    page.get_by_label("Amount", exact=True).fill("many")
    page.until(lambda: page.get_by_text("Amount must be a number above 0; got 'many'.").count())
    page.get_by_role("button", name="Sell", exact=True).click()
    page.get_by_label("Amount", exact=True).fill("100")
    page.until(lambda: verdict.count() and "Go" in verdict.inner_text())
