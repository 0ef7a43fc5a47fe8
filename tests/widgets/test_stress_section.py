"""The stress section: slider, days of the past, and every state of a book."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.errors import SourceError
from heatlab.figures import DARK
from heatlab.portfolio.stress.scenario import Scenario
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import Status
from heatlab.widgets.stress_section import StressSection
from tests.portfolio.stress.books import ONE_PERCENT, positions

NOW = pd.Timestamp("2026-01-20", tz="UTC")
OLD = Scenario("old day", pd.Timestamp("2021-05-19", tz="UTC"), pd.Timestamp("2021-05-20", tz="UTC"))
ETH = {"symbol": "ETH/USDT:USDT", "entry_price": 50.0, "mark_price": 50.0}


def bars(count: int = 1000, *, seed: int = 1, times: float = 1.0, end: pd.Timestamp = NOW) -> pd.DataFrame:
    """A random walk and, with ``times``, one that moves as many times as far."""
    close = 100 * np.exp(np.cumsum(times * np.random.default_rng(seed).normal(0, 0.004, count)))
    index = pd.date_range(end=end - pd.Timedelta("1h"), periods=count, freq="1h", name="timestamp").as_unit("ms")
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close, "volume": 1.0}, index=index)


def inputs(book: pd.DataFrame, **options: Any) -> BookInputs:
    """A book on one venue with hourly bars of BTC and ETH."""
    candles = {
        ("binanceusdm", "BTC/USDT:USDT", "1h"): bars(),
        ("binanceusdm", "ETH/USDT:USDT", "1h"): bars(times=1.5),
    }
    owners = zip(book["venue"], book["symbol"], strict=True)
    given = {"candles": candles, "brackets": dict.fromkeys(owners, ONE_PERCENT), "is_simulated": True, **options}
    return BookInputs(positions=book, now=NOW, source_name="test", **given)


def view(given: BookInputs) -> Any:
    """What the section reads of a view: the closes of the book's symbols."""
    closes = {
        symbol: given.candles["binanceusdm", symbol, "1h"]["close"]
        for symbol in dict.fromkeys(given.positions["symbol"])
        if ("binanceusdm", symbol, "1h") in given.candles
    }
    index = pd.DatetimeIndex([], tz="UTC", name="timestamp")
    return SimpleNamespace(closes=pd.DataFrame(closes) if closes else pd.DataFrame(index=index))


@pytest.fixture
def section() -> Callable[..., StressSection]:
    """Build a section; ``log`` and the loaders as given."""

    def build(*, log: Any = None, **options: Any) -> StressSection:
        return StressSection(Shared(status=Status("ready"), log=log), **options)

    return build


def shown(made: StressSection, book: pd.DataFrame, **options: Any) -> StressSection:
    """Show a book."""
    given = inputs(book, **options)
    made.show(given, view(given))
    return made


def test_a_book_is_stressed_as_it_is_shown(section: Callable[..., StressSection]) -> None:
    """Ten percent down to begin with: a 10x long is gone."""
    made = shown(section(), positions({}))
    assert made.result is not None
    assert (made.result.move, made.result.liquidated) == (-0.10, 1)
    assert "✕ 1 of 1" in made.figures.value
    assert "✕ liquidated" in made.positions.value


def test_the_slider_changes_numbers_tables_and_marker(section: Callable[..., StressSection]) -> None:
    """Five percent: 5 of 10 are lost; the next liquidation is named."""
    made = shown(section(), positions({}))
    made.slider.value = -5
    assert "-$5" in made.figures.value
    assert "at BTC -9.1 %" in made.figures.value
    assert made.bars.source.data["text"] == ["-$5"]
    assert made.figure.here.data["move"] == [-0.05]


def test_five_hundred_positions_stay_quick_and_paged(section: Callable[..., StressSection]) -> None:
    """A move of the slider within a quarter of a second; all rows by page and in the file."""
    rows = [{"quantity": 1 + k / 100, **(ETH if k % 2 else {})} for k in range(500)]
    made = shown(section(), positions(*rows))
    begun = time.process_time()
    made.slider.value = -7
    assert time.process_time() - begun < 0.25
    assert len(made.page.options) == 13
    made.page.value = 480
    assert "(481 to 500 of 500)" in made.positions.value
    assert made.csv().count(b"\n") == 501


@pytest.mark.parametrize(
    ("book", "options", "words"),
    [
        (positions().astype({"side": "int64"}), {}, "No positions."),
        (positions({"quantity": np.nan}), {"watching": True}, "Only markets are watched here"),
    ],
)
def test_without_positions_it_says_so(
    section: Callable[..., StressSection], book: pd.DataFrame, options: dict[str, Any], words: str
) -> None:
    """And shows no figure; the next book is shown again."""
    made = shown(section(), book, **options)
    assert words in made.message.value
    assert made.body.layout.display == "none"
    assert made.csv() == b""
    assert shown(made, positions({})).body.layout.display == ""


def test_without_candles_of_btc_no_beta_is_known(section: Callable[..., StressSection]) -> None:
    """The position is left out, and a beta of 1 is offered."""
    made = shown(section(), positions(ETH), candles={("binanceusdm", "ETH/USDT:USDT", "1h"): bars()})
    assert "Left out of the P&amp;L: ETH/USDT:USDT" in made.notes.value
    assert made.assume.layout.display == ""
    made.assume.value = True
    assert "Beta unknown, taken as 1" in made.notes.value
    assert "too short" in made.days.children[0].value


def test_the_worst_days_at_hand_are_offered_and_run(section: Callable[..., StressSection]) -> None:
    """Hour by hour, with a path; the slider takes the shock back."""
    made = shown(section(), positions({"leverage": 2.0}))
    names = [one.description for one in made.days.children[1:-1]]
    assert [name[:10] for name in names] == ["Worst 24 h", "Worst 7 d "]
    made.days.children[1].click()
    assert made.result is not None
    assert made.result.name == names[0]
    assert made.panes[2].layout.display == ""
    made.back.click()
    assert made.result.path is None
    assert made.panes[2].layout.display == "none"


async def test_a_scenario_is_loaded_once_and_off_the_loop(section: Callable[..., StressSection]) -> None:
    """Offered and loaded by the app's functions, in a thread."""
    asked = []

    def load(book: pd.DataFrame, scenario: Scenario, *, progress: Any) -> Mapping[tuple[str, str], pd.DataFrame]:
        asked.append(scenario.name)
        progress(1, 1, "BTC")
        return {("binanceusdm", "BTC/USDT:USDT"): bars(48, end=OLD.end + pd.Timedelta("12h"))}

    made = shown(section(scenarios=lambda: (OLD,), load_scenario=load), positions({"leverage": 2.0}))
    await made.settled()
    assert [one.description for one in made.days.children[1:-1]] == ["old day"]
    for _ in range(2):
        made.days.children[1].click()
        await asyncio.sleep(0)
        await made.settled()
    assert asked == ["old day"]
    assert made.result is not None
    assert made.result.path is not None
    assert len(made.result.path) == 24


async def test_a_load_that_fails_is_said(section: Callable[..., StressSection]) -> None:
    """What was shown stays."""

    def load(_book: pd.DataFrame, _scenario: Scenario) -> Mapping[tuple[str, str], pd.DataFrame]:
        raise SourceError("the venue does not answer")

    made = shown(section(scenarios=lambda: (OLD,), load_scenario=load), positions({}))
    await made.settled()
    before = made.result
    made.days.children[1].click()
    await asyncio.sleep(0)
    await made.settled()
    assert made._shared.status.text == "the venue does not answer"
    assert made.result is before


def test_a_click_selects_the_position_everywhere(section: Callable[..., StressSection]) -> None:
    """And a selection made elsewhere is marked here."""
    made = shown(section(), positions({}, ETH))
    made.bars.select("ETH/USDT:USDT", "binanceusdm", 1)
    assert made._shared.selection.position == ("ETH/USDT:USDT", "binanceusdm", 1)
    made._shared.selection.position = ("BTC/USDT:USDT", "binanceusdm", 1)
    assert made.bars.source.data["symbol"][made.bars.source.selected.indices[0]] == "BTC/USDT:USDT"


def test_the_result_can_be_logged(section: Callable[..., StressSection]) -> None:
    """With the numbers of that moment; without a journal there is no button."""
    entries: list[JournalEntry] = []
    made = shown(section(log=entries.append), positions({}))
    made.log_button.press()
    assert entries[0].text == "stress BTC -10 %: P&L -$10, 1 liquidated"
    assert entries[0].state["liquidated"] == 1


def test_an_unknown_wallet_is_stated(section: Callable[..., StressSection]) -> None:
    """In the key figures, the table and the accounts."""
    made = shown(section(), positions({"margin_mode": "cross"}))
    assert "unknown for 1 position that cannot be judged" in made.figures.value
    assert "? unknown" in made.positions.value
    assert "its wallet balance is not known" in made.accounts.value


def test_themes_reach_all_figures(section: Callable[..., StressSection]) -> None:
    """All three change."""
    made = shown(section(), positions({}))
    made.set_theme(DARK)
    assert made.bars.root.background_fill_color == made.path.pnl.background_fill_color == DARK.background


def test_what_cannot_be_judged_is_said_wherever_safety_is(section: Callable[..., StressSection]) -> None:
    """One of two has no price: no count, no next liquidation and no equity looks complete."""
    book = positions({"leverage": 2.0}, {**ETH, "mark_price": np.nan, "entry_price": np.nan})
    made = shown(section(), book)
    html = made.figures.value
    assert "at least 0 of 2" in html
    assert html.count("unknown for 1 position that cannot be judged") == 2
    assert "within this slider" in html
    assert ">none<" not in html
    assert "at least $40" in html
    assert "equity now at least $50, without ETH/USDT:USDT on binanceusdm" in html
    assert "-$10 of the known" in html
    assert made.entry().text.endswith("0 liquidated, unknown for 1")  # type: ignore[union-attr]


def test_columns_name_what_they_hold(section: Callable[..., StressSection]) -> None:
    """And the words under the figure explain them."""
    made = shown(section(), positions({"leverage": 2.0}))
    how = made.body.children[5].value
    for head in ("liquidated at BTC move", "own price move to liquidation", "left after the shock"):
        assert head in made.positions.value
        assert head in how or head.capitalize() in how
