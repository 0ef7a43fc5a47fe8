"""The frame of the portfolio apps and its heat section: one book, one selection, thresholds set by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.errors import ParameterError, SourceError
from heatlab.figures import DARK
from heatlab.heat import HeatSettings
from heatlab.portfolio import RiskSettings, RiskView, SystemicWarning, ThresholdOverride, overridden, risk_view
from heatlab.widgets.book_panel import BookPanel, late_html, state_html, summary_html
from heatlab.widgets.downloads import PictureLink
from heatlab.widgets.heat_section import HeatSection
from heatlab.widgets.sections import BookInputs, Deferred, Sections, Shared
from tests.widgets.test_panels import NOW, bars, book, everything

FRAMES = HeatSettings().timeframes
MARKETS = (("binanceusdm", "BTC/USDT:USDT", 65_500.0), ("okx", "ETH/USDT:USDT", 3_010.0))


@cache
def market() -> dict[tuple[str, str, str], pd.DataFrame]:
    """Bars of both positions on every timeframe but one."""
    candles = {}
    for k, (venue, symbol, price) in enumerate(MARKETS):
        for timeframe, count in (("1h", 900), ("4h", 400), ("1d", 400), ("1w", 120)):
            candles[venue, symbol, timeframe] = bars(count, price, timeframe=timeframe, seed=k + count)
    del candles["okx", "ETH/USDT:USDT", "1w"]
    return candles


def inputs(**changes: Any) -> BookInputs:
    """The book in its market."""
    settings = {"positions": book(), "candles": market(), "now": NOW, "source_name": "test market"}
    return BookInputs(**{**settings, **changes})


def measure(given: BookInputs, override: ThresholdOverride | None) -> RiskView:
    """As the apps do."""
    settings = RiskSettings(heat=overridden(HeatSettings(), override))
    return risk_view(given.positions, given.candles, now=given.now, settings=settings)


def heat_section(shared: Shared, panel: BookPanel) -> HeatSection:
    """The section alone, with a form for thresholds."""
    return HeatSection(
        shared,
        timeframes=FRAMES,
        settings=lambda: overridden(HeatSettings(), panel.override),
        override=panel.set_override,
    )


class Other:
    """A second section that counts how often it is shown."""

    title, name = "Other", "other"

    def __init__(self) -> None:
        import ipywidgets

        self.root, self.shown = ipywidgets.HTML(), 0

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        self.shown += 1

    def set_theme(self, theme: Any) -> None:
        self.theme = theme


def panel(
    load: Callable[..., BookInputs] = lambda _book: inputs(), **options: Any
) -> tuple[BookPanel, HeatSection, Other]:
    """A panel with the heat section and another one."""
    made: list[Any] = []

    def sections(shared: Shared, owner: BookPanel) -> list[Any]:
        made.extend([heat_section(shared, owner), Other()])
        return made

    built = BookPanel("Portfolio heat", load, measure=measure, sections=sections, picture="book.png", **options)
    return built, made[0], made[1]


def test_the_grid_holds_every_position_and_timeframe() -> None:
    """Two positions, four timeframes and "all"."""
    built, section, _ = panel()
    assert len(section.grid.source.data["text"]) == 10
    assert section.grid.source.data["column"].count("all") == 2
    assert built.status.text == "7 of 8 readings known"


def test_the_strip_says_heat_rule_bets_and_cluster() -> None:
    """Each of them by its name."""
    built, _, _ = panel()
    for name in ("Portfolio heat, 0 to 100", "Rule in force", "Independent bets", "Largest cluster", "Red together"):
        assert name in built.summary.value
    assert built.view is not None
    assert f"{built.view.heat.book_heat:.1f}" in built.summary.value
    assert "halve below 50, to cash below 30" in built.summary.value


def test_a_systemic_warning_is_shown_with_its_record() -> None:
    """What it says, and what it was worth."""
    built, _, _ = panel()
    assert built.view is not None
    warned = replace(built.view, systemic=SystemicWarning(level="alert", words="Two clusters turned red together."))
    shown = state_html(warned)
    assert "hl-error" in shown
    assert "Two clusters turned red together. On real prices" in shown
    assert "21% of the crossings" in shown
    assert "not proven to come first" in shown


def test_a_hidden_section_is_drawn_when_it_is_opened() -> None:
    """And only once for the same book."""
    built, _, other = panel()
    assert other.shown == 0
    built.apply({"section": "other"})
    built.apply({"section": "heat"})
    built.apply({"section": "other"})
    assert other.shown == 1
    built.reload()
    assert other.shown == 2


def test_data_that_ended_long_ago_are_said_to_be_old() -> None:
    """A red line above everything; a simulated market has no clock to be behind."""
    built, _, _ = panel()
    assert "not live" in built.callouts.value
    assert 'role="alert"' in built.callouts.value
    assert late_html(inputs(is_simulated=True)) == ""
    assert late_html(inputs(now=pd.Timestamp.now("UTC"))) == ""


def test_a_deferred_section_is_built_when_it_is_first_shown_in_the_theme_of_then() -> None:
    """Nothing is built for a section nobody opens; a theme chosen before reaches it."""
    made: list[Other] = []

    def make() -> Other:
        made.append(Other())
        return made[-1]

    later = Deferred("Later", "later", make)
    later.set_theme(DARK)
    assert not made
    later.show(inputs(), measure(inputs(), None))
    later.show(inputs(), measure(inputs(), None))
    assert len(made) == 1
    assert (made[0].theme, made[0].shown) == (DARK, 2)
    assert later.root.children == (made[0].root,)


def test_the_section_a_page_opens_with_is_built_with_the_page() -> None:
    """Before there is a book: widgets made while a browser loads the page may never reach it."""
    first, second = (Deferred(name, name, Other) for name in ("one", "two"))
    Sections([first, second], chosen="two")
    assert second.built is not None
    assert first.built is None


def test_a_click_shows_that_history() -> None:
    """Grid, lists, title and state agree."""
    built, section, _ = panel()
    data = section.grid.source.data
    cell = list(zip(data["symbol"], data["timeframe"], strict=True)).index(("ETH/USDT:USDT", "4h"))
    section.grid.source.selected.indices = [cell]
    assert section.history.price.title.text == "ETH short · okx, 4h"
    assert built.state == {"section": "heat", "position": "ETH short · okx", "timeframe": "4h"}
    assert len(section.history.source.data["heat"]) == 400


def test_the_selection_of_another_section_is_followed() -> None:
    """One selection for the whole app."""
    built, section, _ = panel()
    built.selection.position = ("ETH/USDT:USDT", "okx", -1)
    assert section.position.value == ("ETH/USDT:USDT", "okx", -1)
    assert section.history.price.title.text.startswith("ETH short")


def test_a_cell_without_candles_says_so() -> None:
    """The history is cleared, not left on the last cell."""
    built, section, _ = panel()
    built.apply({"position": "ETH short · okx", "timeframe": "1w"})
    assert section.history.price.title.text.endswith("no candles")
    assert len(section.history.source.data["heat"]) == 0


def test_settings_start_where_asked_and_are_told() -> None:
    """Defaults apply once the positions are known; followers hear every change."""
    built, section, _ = panel(defaults={"position": "ETH short · okx", "timeframe": "4h", "section": "heat"})
    heard: list[dict[str, Any]] = []
    built.on_change(heard.append)
    assert built.settings() == {"section": "heat", "position": "ETH short · okx", "timeframe": "4h"}
    section.timeframe.value = "1d"
    assert heard[-1]["timeframe"] == "1d"


def test_an_unknown_setting_is_refused() -> None:
    """The message names what there is."""
    built, _, _ = panel()
    with pytest.raises(ParameterError, match="'section', 'position', 'timeframe'"):
        built.apply({"colour": "red"})
    with pytest.raises(ParameterError, match="'heat', 'other'"):
        built.apply({"section": "nowhere"})


def test_an_empty_book_says_what_to_do() -> None:
    """No positions: no heat, no orders, a next step."""
    built, _, _ = panel(lambda _book: inputs(positions=book().iloc[:0]))
    assert "load them with --positions FILE.csv" in built.message.value
    assert built.status.state == "ready"


def test_a_failing_source_shows_its_reason() -> None:
    """One line, no trace."""

    def fail(_book: str) -> BookInputs:
        raise SourceError("key refused")

    built, _, _ = panel(fail)
    assert (built.status.state, built.status.text) == ("error", "key refused")
    assert built.sections.layout.display == "none"
    assert "hl-skeleton" not in built.message.value


def test_thresholds_set_by_hand_are_in_force_logged_and_said() -> None:
    """Every zone follows them, the journal has them with the reason, and a line stays on the screen."""
    logged: list[JournalEntry] = []
    kept: list[ThresholdOverride | None] = []
    built, section, _ = panel(log=logged.append, on_override=kept.append)
    section.green.value, section.red.value = 0, 0
    section.reason.value = "I want to see green everywhere"
    section.set_button.click()
    assert built.view is not None
    known = built.view.heat.table["zone"].dropna()
    assert (known == 1).all()
    assert "Reason given: I want to see green everywhere" in built.callouts.value
    assert (logged[0].kind, logged[0].reason) == ("override", "I want to see green everywhere")
    assert "1h" in logged[0].state["thresholds before"]
    section.clear_button.click()
    assert built.callouts.value.count("set by hand") == 0
    assert kept == [kept[0], None]


def test_thresholds_without_a_reason_are_refused_on_the_screen() -> None:
    """Nothing is put in force, nothing is logged."""
    logged: list[JournalEntry] = []
    built, section, _ = panel(log=logged.append)
    section.set_button.click()
    assert built.status.state == "error"
    assert "Reason: at least 8 characters, please" in built.status.text
    assert built.override is None
    assert not logged


def test_another_book_is_loaded_when_it_is_chosen() -> None:
    """The name reaches the loader, and the address."""
    asked: list[str] = []

    def load(name: str) -> BookInputs:
        asked.append(name)
        return inputs()

    built, _, _ = panel(load, books={"of the source": "", "mine": "mine"})
    built.book.value = "mine"
    assert asked == ["", "mine"]
    assert built.state["book"] == "mine"
    built.offer_books({"of the source": "", "mine": "mine", "other": "other"}, choose="other")
    assert asked[-1] == "other"


def test_old_readings_are_said_and_grey() -> None:
    """Four bars late on every timeframe: the status says so and everything is grey."""
    built, _, _ = panel(lambda _book: inputs(now=NOW + pd.Timedelta("60D")))
    assert built.status.state == "stale"
    assert "older than three bars" in built.status.text
    assert "hl-stale" in built.sections._dom_classes


def test_viewers_hear_every_view_whatever_is_shown() -> None:
    """Alerts do not wait until they are looked at."""
    heard: list[RiskView] = []
    built, _, _ = panel()
    built.on_view(lambda _inputs, view: heard.append(view))
    built.apply({"section": "other"})
    built.reload()
    assert heard == [built.view]


def test_many_positions_make_pages() -> None:
    """Forty at once, by risk; each page shows its own."""
    many = pd.concat([book().iloc[[k % 2]].assign(symbol=f"S{k:03d}/USDT:USDT") for k in range(90)], ignore_index=True)
    given = inputs()
    candles = {
        (row.venue, row.symbol, "1h"): given.candles[MARKETS[k % 2][0], MARKETS[k % 2][1], "1h"]
        for k, row in enumerate(many.itertuples())
    }
    _, section, _ = panel(lambda _book: inputs(positions=many, candles=candles))
    assert [label for label, _ in section.page.options] == ["1 to 40 by risk", "41 to 80 by risk", "81 to 90 by risk"]
    assert len(set(section.grid.source.data["row"])) == 40
    first = set(section.grid.source.data["row"])
    section.page.value = 80
    assert len(set(section.grid.source.data["row"])) == 10
    assert not first & set(section.grid.source.data["row"])


def test_the_figures_follow_the_theme() -> None:
    """Every section is told, hidden or not."""
    built, section, other = panel()
    built.style_sheet.theme = "dark"
    assert section.grid.theme.is_dark
    assert other.theme.is_dark


def test_the_panel_offers_a_picture_and_tables() -> None:
    """A PNG of the figures, heat and orders as CSV."""
    built, section, _ = panel()
    assert [one.name for one in everything(built) if isinstance(one, PictureLink)] == ["book.png"]
    assert section.csv("table").decode().startswith("symbol,venue,side,timeframe,heat")
    assert section.csv("orders").decode().startswith("symbol,venue,side,quantity")


def test_a_reading_and_the_orders_can_be_logged_with_their_state() -> None:
    """What the journal reads later: heat, zone, price; the orders with their cost."""
    logged: list[JournalEntry] = []
    built, section, _ = panel(log=logged.append)
    built.apply({"position": "BTC long · binanceusdm", "timeframe": "4h"})
    section.log_reading.button.click()
    entry = logged[0]
    assert (entry.kind, entry.symbol, entry.side) == ("reading", "BTC/USDT:USDT", 1)
    assert entry.state["timeframe"] == "4h"
    assert entry.state["mark_price"] == book()["mark_price"][0]
    assert 0 <= entry.state["heat"] <= 100
    assert built.view is not None
    if built.view.heat.rule == "none":
        assert section.proposal() is None
    else:
        assert section.proposal().state["orders"][0]["cost"] > 0


def test_a_position_without_hourly_bars_carries_no_weight() -> None:
    """Unknown risk is NaN, the rest share 1."""
    given = inputs()
    candles = {key: table for key, table in given.candles.items() if key != ("okx", "ETH/USDT:USDT", "1h")}
    view = measure(inputs(candles=candles), None)
    assert np.isnan(view.heat.contributions[1])
    assert view.heat.contributions[0] == pytest.approx(1)
    assert "unknown" in summary_html(view, RiskSettings())


def test_both_sides_of_one_symbol_are_two_positions() -> None:
    """Same venue and symbol, long and short."""
    both = pd.concat([book().iloc[[0]], book().iloc[[0]].assign(side=-1, quantity=0.25)], ignore_index=True)
    view = measure(inputs(positions=both), None)
    assert len(view.heat.overall) == 2
    assert view.heat.contributions.sum() == pytest.approx(1)
