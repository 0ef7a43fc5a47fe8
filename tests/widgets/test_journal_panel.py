"""The journal panel: filters, detail, review, form, and every state a reader can meet."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JOURNAL_KINDS, JournalEntry
from heatlab.errors import ParameterError, SourceError
from heatlab.portfolio.outcomes import entry_outcomes
from heatlab.widgets import journal_html as words
from heatlab.widgets.entry_list import EntryList
from heatlab.widgets.journal_form import JournalForm
from heatlab.widgets.journal_panel import MOST_ROWS, JournalPanel
from heatlab.widgets.journal_view import JournalActions, JournalInputs, filtered, joined

NOW = pd.Timestamp("2026-03-01 12:00", tz="UTC")
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def bars(symbol: str = BTC, venue: str = "okx", start: Any = None, end: Any = None) -> pd.DataFrame:
    """Hourly bars that rise by one a bar, up to NOW."""
    index = pd.date_range(end=NOW - pd.Timedelta("1h"), periods=24 * 60, freq="1h", name="timestamp").as_unit("ms")
    close = 1000.0 + np.arange(len(index))
    table = pd.DataFrame(
        {"open": close - 1, "high": close + 1, "low": close - 2, "close": close, "volume": 1.0}, index=index
    )
    table.attrs = {"timeframe": "1h"}
    return table.loc[start:end]


def entry(number: int, days: float, **changes: Any) -> dict[str, Any]:
    """A row of the journal, so many days old."""
    given = {
        "number": number, "at": NOW - pd.Timedelta(days=days), "kind": "reading", "symbol": BTC, "venue": "okx",
        "side": 1, "text": f"entry {number}", "reason": "", "source": "test", "state": {"heat": 71.5},
        "mark_price": 1.0, "zone": "green", "rule": "", "notes": 0,
    }  # fmt: skip
    return {**given, **changes}


ROWS = (
    entry(4, 0.5, zone="red", text="<b>bold</b> & new", side=-1),
    entry(3, 8, kind="signal", symbol=ETH, reason="Breakout of the range"),
    entry(2, 20, kind="note", symbol="", venue="", side=0, zone="", state={}),
    entry(1, 40, kind="order", rule="halve", side=-1),
)


def inputs(*rows: dict[str, Any], **changes: Any) -> JournalInputs:
    """What the panel is given."""
    names = list(entry(1, 1))
    table = pd.DataFrame(list(rows), columns=names)
    table["at"] = pd.to_datetime(table["at"], utc=True).dt.as_unit("ms")
    outcomes = entry_outcomes(table, {("okx", BTC): bars(), ("okx", ETH): bars()}, now=NOW)
    given = {"entries": table, "outcomes": outcomes, "markets": ((BTC, "okx"),), "now": NOW, "source_name": "test"}
    return JournalInputs(**{**given, **changes})


class Book:
    """A journal in memory, as actions."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.thoughts = list(rows), []  # type: ignore[var-annotated]
        self.actions = JournalActions(self.add, self.note, self.notes, bars, lambda: b"number\n")

    def load(self) -> JournalInputs:
        return inputs(*self.rows, place="/data/journal.sqlite")

    def add(self, made: JournalEntry) -> int:
        number = len(self.rows) + 1
        about = {"kind": made.kind, "symbol": made.symbol, "venue": made.venue, "side": made.side}
        self.rows.insert(0, entry(number, 0, **about, text=made.text, reason=made.reason))
        return number

    def note(self, number: int, text: str) -> None:
        if not text:
            raise ParameterError("The note must not be empty.")
        self.thoughts.append({"at": NOW, "text": text})

    def notes(self, number: int) -> pd.DataFrame:
        return pd.DataFrame(self.thoughts, columns=["at", "text"])


def panel(*rows: dict[str, Any], **defaults: Any) -> JournalPanel:
    """A panel on these rows."""
    book = Book(*rows)
    return JournalPanel(book.load, book.actions, defaults=defaults)


def numbers(shown: JournalPanel) -> list[int]:
    """Numbers of the entries listed."""
    return [row["number"] for row in shown.list.rows]


def test_lists_entries_newest_first_and_shows_the_first() -> None:
    """The newest is chosen; its words are on screen as text."""
    shown = panel(*ROWS)
    assert numbers(shown) == [4, 3, 2, 1]
    assert shown.list.value == 4
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; new" in shown.detail.value
    assert shown.status.text == "4 of 4 entries shown"
    assert "4 entries" in shown.header.value


def test_an_empty_journal_says_how_entries_come_in() -> None:
    """Nothing else is drawn; the form is there."""
    shown = panel()
    assert "The journal is empty" in shown.message.value
    assert "portfolio_heat.ipynb" in shown.message.value
    assert shown.content.layout.display == "none"
    assert shown.form.market.options[1][1] == (BTC, "okx")


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"kind": "signal"}, [3]),
        ({"symbol": BTC}, [4, 1]),
        ({"zone": "red"}, [4]),
        ({"since": "30 days"}, [4, 3, 2]),
        ({"search": "bReakout"}, [3]),
        ({"search": "HALVE"}, [1]),
        ({"search": "eth/"}, [3]),
        ({"search": ".*"}, []),
        ({"kind": "alert"}, []),
    ],
)
def test_filters_leave_what_was_asked_for(settings: dict[str, Any], left: list[int]) -> None:
    """By kind, symbol, zone, time and words; words are words, not patterns."""
    shown = panel(*ROWS)
    shown.apply(settings)
    assert numbers(shown) == left
    assert len(shown.shown) == len(left)


def test_nothing_left_says_so_and_hides_the_detail() -> None:
    """The list says what to do."""
    shown = panel(*ROWS, kind="alert")
    assert shown.list.empty == "No entry passes the filter: widen it."
    assert shown.entry_box.layout.display == "none"
    shown.apply({"kind": ""})
    assert shown.entry_box.layout.display == ""


def test_settings_in_the_address_are_applied_once_the_journal_is_read() -> None:
    """Filter, horizon and entry; one that is not there is ignored."""
    shown = panel(*ROWS, horizon="7d", entry=1, by="symbol")
    assert shown.list.value == 1
    assert shown.settings()["horizon"] == "7d"
    assert panel(*ROWS, entry=99, symbol="XRP/USDT:USDT").list.value == 4
    assert "horizon=7d" in shown.permalink.value
    assert "kind=" not in shown.permalink.value


def test_the_list_tells_outcomes_with_a_shape() -> None:
    """A short in a rising market loses, a long wins, the rest says why not."""
    shown = panel(*ROWS)
    cells = {row["number"]: row["cells"][5] for row in shown.list.rows}
    assert cells[4] == ["pending", "hl-muted"]
    assert cells[3][0].startswith("▲ +")
    assert cells[2][0] == "–"  # noqa: RUF001 - the dash of the screen
    assert cells[1][0].startswith("▼ -")


def test_the_cost_decides_what_is_a_hit() -> None:
    """A return of about 4.5 % is none at a cost of 5 %."""
    shown = panel(ROWS[1])
    assert shown.review["hits"].tolist() == [1]
    shown.apply({"cost": 5.0})
    assert shown.review["hits"].tolist() == [0]
    assert shown.list.rows[0]["cells"][5][0].startswith("▼ +")


def test_the_review_follows_filter_and_grouping() -> None:
    """By kind, then by symbol; what is reviewed is what is listed."""
    shown = panel(*ROWS)
    assert set(shown.review["group"]) == {"reading", "signal", "note", "order"}
    shown.apply({"by": "symbol"})
    assert set(shown.review["group"]) == {BTC, ETH, "whole book"}
    shown.apply({"kind": "order"})
    assert shown.review["group"].tolist() == [BTC]
    assert "too few to tell" in shown.table.value
    assert shown.figure.source.data["label"] == [BTC]


def test_a_review_without_outcomes_draws_nothing() -> None:
    """The figure goes, the table stays."""
    shown = panel(ROWS[2])
    assert shown.panes[1].layout.display == "none"
    assert "note" in shown.table.value


def test_choosing_an_entry_shows_its_price_and_state() -> None:
    """Outcomes over every horizon, state, chart; a note on the whole book has no chart."""
    shown = panel(*ROWS)
    shown.list.value = 3
    assert "Breakout of the range" in shown.detail.value
    assert shown.detail.value.count("<tr>") == 4
    assert "heat" in shown.moment.value
    assert shown.chart.root.title.text.startswith("+")
    shown.list.value = 2
    assert shown.panes[0].layout.display == "none"
    assert "No state was kept" in shown.moment.value


def test_a_note_is_added_and_an_empty_one_refused() -> None:
    """It stands with the entry at once; the error stands beside the field."""
    shown = panel(*ROWS)
    shown.note.value = "too early"
    shown.add_note.click()
    assert "too early" in shown.detail.value
    assert (shown.note.value, shown.note_status.text) == ("", "Noted on #4")
    shown.add_note.click()
    assert (shown.note_status.state, shown.note_status.text) == ("error", "The note must not be empty.")


def test_the_form_writes_and_the_entry_is_shown() -> None:
    """Checked, numbered, chosen; the fields are empty again."""
    shown = panel(*ROWS)
    form = shown.form
    form.kind.value, form.market.value, form.side.value = "order", (BTC, "okx"), 1
    form.text.value, form.reason.value = " bought the dip ", "support"
    form.button.click()
    assert (form.status.text, form.text.value) == ("Logged as #5", "")
    assert shown.list.value == 5
    assert "bought the dip" in shown.detail.value


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Write a text first"),
        ({"text": "x", "side": 1}, "A side needs a market"),
        ({"text": "x", "kind": "order", "market": (BTC, "okx")}, "needs a side"),
    ],
)
def test_the_form_says_what_is_missing(fields: dict[str, Any], said: str) -> None:
    """Nothing is written, what was typed stays."""
    written: list[JournalEntry] = []
    form = JournalForm(lambda made: written.append(made) or 1)  # type: ignore[func-returns-value]
    form.offer(((BTC, "okx"),))
    for name, value in fields.items():
        getattr(form, name).value = value
    form.button.click()
    assert form.status.state == "error"
    assert said in form.status.text
    assert written == []
    assert form.text.value == fields.get("text", "")


def test_markets_offered_anew_keep_the_choice() -> None:
    """Unless it is gone."""
    form = JournalForm(lambda _: 1)
    form.offer(((BTC, "okx"), (ETH, "okx")))
    form.market.value = (ETH, "okx")
    form.offer(((ETH, "okx"),))
    assert form.market.value == (ETH, "okx")
    form.offer(((BTC, "okx"),))
    assert form.market.value == ("", "")


def test_settings_are_checked() -> None:
    """Unknown names and values raise; junk from outside does not get that far."""
    shown = panel(*ROWS)
    with pytest.raises(ParameterError, match=r"JournalPanel\.apply must be one of"):
        shown.apply({"colour": "red"})
    with pytest.raises(ParameterError, match="'horizon' parameter"):
        shown.apply({"horizon": "9d"})


def test_followers_hear_every_change() -> None:
    """Settings are kept as they change."""
    shown, heard = panel(*ROWS), []
    shown.on_change(heard.append)
    shown.controls["zone"].value = "red"
    assert heard[-1]["zone"] == "red"
    assert shown.state["zone"] == "red"


def test_a_journal_that_cannot_be_read_is_an_error_on_screen() -> None:
    """The reason is shown; reloading works once it is gone."""
    book, broken = Book(*ROWS), [True]

    def load() -> JournalInputs:
        if broken[0]:
            raise SourceError("The journal cannot be opened.")
        return book.load()

    shown = JournalPanel(load, book.actions)
    assert (shown.status.state, shown.status.text) == ("error", "The journal cannot be opened.")
    broken[0] = False
    shown.reload()
    assert numbers(shown) == [4, 3, 2, 1]


def test_prices_that_cannot_be_had_do_not_hide_the_words() -> None:
    """The error stands beside the entry."""
    book = Book(*ROWS)

    def no_bars(*_: Any) -> pd.DataFrame:
        raise SourceError("The venue is down.")

    actions = JournalActions(book.add, book.note, book.notes, no_bars, bytes)
    shown = JournalPanel(book.load, actions)
    assert shown.note_status.text == "The venue is down."
    assert "#4" in shown.detail.value


def test_long_journals_list_the_newest_and_say_so() -> None:
    """The review counts all of them."""
    rows = [entry(number, 1 + number / 1000) for number in range(1, MOST_ROWS + 51)]
    shown = panel(*rows)
    assert len(shown.list.rows) == MOST_ROWS
    assert f"the newest {MOST_ROWS} are listed" in shown.list.caption
    assert shown.review["count"].sum() == MOST_ROWS + 50


def test_the_theme_reaches_the_figures() -> None:
    """Light and dark."""
    shown = panel(*ROWS)
    shown.style_sheet.theme = "dark"
    assert shown.chart.root.background_fill_color == shown.figure.hit.background_fill_color == "#0f131a"


async def test_reading_runs_beside_the_event_loop() -> None:
    """The panel stays alive while prices are fetched."""
    shown = panel(*ROWS)
    assert shown.status.state == "busy"
    await shown.settled()
    await asyncio.sleep(0)
    await shown.settled()
    assert numbers(shown) == [4, 3, 2, 1]


def test_joining_keeps_entries_without_an_outcome() -> None:
    """Inputs stay as they were."""
    given = inputs(*ROWS)
    before = given.entries.copy()
    table = joined(given, horizon="3d", cost=0.001)
    assert table["number"].tolist() == [4, 3, 2, 1]
    assert table["hit"].tolist() == [False, True, False, False]
    pd.testing.assert_frame_equal(given.entries, before)
    assert len(filtered(table, {"kind": "", "symbol": "", "zone": "", "since": "all", "search": ""}, now=NOW)) == 4


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("heat", 71.456789, "71.46"),
        ("price", 65432.1234, "65,432"),
        ("price", 0.000123456, "0.0001235"),
        ("volatilities", {"majors": 1234.56789}, "majors 1,235"),
        ("drawdown", -0.25, "-25.0 %"),
        ("drawdown [quote]", -31_680.983, "-$31.7k"),
        ("risk_share", 0.25, "25.0 %"),
        ("cluster_shares", {"majors": 0.5}, "majors 50.0 %"),
        ("zone", -1, "▼ red"),
        ("liquidation_price", float("inf"), "none"),
        ("x", None, "–"),  # noqa: RUF001 - the dash of the screen
        ("x", float("nan"), "–"),  # noqa: RUF001 - the dash of the screen
        ("x", [1, "a", True], "1, a, yes"),
        ("count", 12_000, "12,000"),
    ],
)
def test_state_values_read_like_the_screens(name: str, value: Any, text: str) -> None:
    """Percent for fractions, words for zones, a dash for what is unknown."""
    assert words.value_text(value, name=name) == text


def test_a_replayed_drawdown_is_money() -> None:
    """With its unit in the name, and without it as first logged; elsewhere a drawdown is a fraction."""
    for name in ("drawdown [quote]", "drawdown"):
        shown = words.state_html({"replay of": "prices", name: -31_680.983})
        assert "-$31.7k" in shown
        assert "[quote]" not in shown
    assert "-31.0 %" in words.state_html({"drawdown": -0.31})


def test_an_entry_list_keeps_its_choice() -> None:
    """While the row is there."""
    made = EntryList(("#",))
    made.show([(2, [("2", "")]), (1, [("1", "")])], caption="two", empty="none")
    assert made.value == 2
    made.value = 1
    made.show([(3, [("3", "")]), (1, [("1", "")])], caption="two", empty="none")
    assert made.value == 1
    made.show([], caption="", empty="none")
    assert (made.value, made.empty) == (0, "none")


def test_every_kind_can_be_filtered_by() -> None:
    """The list of kinds is the domain's."""
    shown = panel(*ROWS)
    for kind in JOURNAL_KINDS:
        shown.apply({"kind": kind})
        assert shown.settings()["kind"] == kind
