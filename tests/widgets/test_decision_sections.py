"""Remedies, pre-trade check and A/B: what a reader does, and every state he can meet."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.figures import DARK
from heatlab.frames import POSITIONS, empty
from heatlab.portfolio.correlation.clusters import ClusterSettings
from heatlab.portfolio.strategies.verdict import CompareSettings
from heatlab.widgets.comparison_section import EQUAL_SIZES, THIS_BOOK, ComparisonSection, equal_sizes
from heatlab.widgets.pretrade_section import PretradeSection
from heatlab.widgets.remedy_section import RemedySection
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import Status
from tests.portfolio.markets import positions
from tests.portfolio.orders import worlds
from tests.portfolio.orders.worlds import BTC, ETH, VENUE

QUICK = CompareSettings(resamples=100, min_days=30)


def inputs(held: pd.DataFrame | None = None, **changes: Any) -> BookInputs:
    """The book of the world and its market."""
    book = worlds.book() if held is None else held
    made = BookInputs(book, worlds.candles(), worlds.NOW, "test", brackets=worlds.BRACKETS)
    return replace(made, **changes)


def shared(logged: list[JournalEntry] | None = None) -> Shared:
    """Status, selection and a journal that is a list."""

    def write(entry: JournalEntry) -> int:
        assert logged is not None
        logged.append(entry)
        return len(logged)

    return Shared(Status(""), log=None if logged is None else write)


def remedies(held: pd.DataFrame | None = None, logged: list[JournalEntry] | None = None) -> RemedySection:
    """The section with a book shown."""
    section = RemedySection(shared(logged))
    given = inputs(held)
    section.show(given, worlds.measure(given.positions))
    return section


def pretrade(
    held: pd.DataFrame | None = None, logged: list[JournalEntry] | None = None, **given: Any
) -> PretradeSection:
    """The section with a book shown."""
    section = PretradeSection(shared(logged), measure=lambda table, _inputs: worlds.measure(table))
    book = inputs(held, **given)
    section.show(book, worlds.measure(book.positions))
    return section


def comparison(
    held: pd.DataFrame | None = None, logged: list[JournalEntry] | None = None, **given: Any
) -> ComparisonSection:
    """The section with a book shown."""
    section = ComparisonSection(shared(logged), settings=QUICK, **given)
    book = inputs(held)
    section.show(book, worlds.measure(book.positions))
    return section


def handed_in(name: str, content: bytes) -> dict[str, Any]:
    """A file as the browser hands it in."""
    facts = {"type": "text/csv", "size": len(content), "last_modified": worlds.NOW.to_pydatetime()}
    return {"name": name, "content": memoryview(content), **facts}


def test_three_options_are_shown_side_by_side() -> None:
    """The largest cluster in alert is chosen; each card has orders and cost."""
    section = remedies()
    assert section._shared.status.state != "error", section._shared.status.text
    assert [option.name for option in section.options] == ["reduce", "hedge", "exit and re-enter"]
    assert section.cards.value.count("<section") == 3
    assert "Proposed orders, nothing is sent" in section.cards.value
    assert "Independent bets" in section.cards.value
    assert "alert" in section.cluster.options[0][0]


def test_the_target_changes_the_reduction() -> None:
    """A higher target keeps more."""
    section = remedies()
    less = section.options[0].orders["quantity"].sum()
    section.target.value = 35
    assert section.options[0].orders["quantity"].sum() < less


def test_an_option_that_is_not_offered_is_marked() -> None:
    """One cluster is the whole book: it cannot be reduced."""
    section = remedies(worlds.book(sol=0.0, xrp=0.0))
    assert section.cards.value.count('<span class="hl-badge">declined</span>') == 1


def test_the_csv_holds_the_orders_of_the_chosen_option() -> None:
    """Now and later."""
    section = remedies()
    section.option.value = "exit and re-enter"
    table = pd.read_csv(io.BytesIO(section.csv()))
    assert set(table["when"]) == {"now", "once the condition holds"}
    assert "cost" in table.columns


def test_a_proposal_is_logged_with_shares_and_cost() -> None:
    """As an order, with plain values."""
    logged: list[JournalEntry] = []
    section = remedies(logged=logged)
    section.log_button.press()
    assert logged[0].kind == "order"
    assert logged[0].text.startswith("Reduce: Keep ")
    assert logged[0].state["cost"] == pytest.approx(section.options[0].cost)
    assert len(logged[0].state["orders"]) == 2


def test_without_a_watched_cluster_nothing_needs_to_be_done() -> None:
    """It says so; what-if stays."""
    section = RemedySection(shared())
    given = inputs()
    view = worlds.measure(given.positions)
    section.show(given, replace(view, cluster_shares=view.cluster_shares.assign(level="")))
    assert "nothing needs to be done" in section.message.value
    assert len(section.options) == 3


@pytest.mark.parametrize("watching", [True, False])
def test_no_positions_have_no_remedies(watching: bool) -> None:
    """A clear state, whether watching or of unknown sizes."""
    held = worlds.book()
    held["quantity"] = np.nan
    section = RemedySection(shared())
    section.show(inputs(held, watching=watching), worlds.measure(held))
    assert ("No positions" if watching else "No position has a known quantity") in section.message.value
    assert section.csv() == b""
    assert section.entry() is None


def test_an_order_is_checked_as_it_is_typed() -> None:
    """Another amount, another answer, no button."""
    section = pretrade()
    assert section.result is not None, section._shared.status.text
    before = section.result.order["notional"].iloc[0]
    section.amount.value = "20,000"
    assert before == pytest.approx(1_000.0)
    assert section.result.order["notional"].iloc[0] == pytest.approx(20_000.0)
    assert "Look again" in section.verdict.value
    assert "Buy $20,000 of BTC on binanceusdm at 5x, cross" in section.verdict.value


def test_the_market_follows_the_selection() -> None:
    """With its margin mode."""
    section = pretrade()
    section._shared.selection.position = (ETH, VENUE, 1)
    assert section.market.value == (VENUE, ETH)
    assert section.mode.value == "cross"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("amount", "many", "Amount must be a number above 0; got &#x27;many&#x27;."),
        ("amount", "0", "Amount must be a number above 0; got &#x27;0&#x27;."),
        ("leverage", "nan", "Leverage must be a number above 0; got &#x27;nan&#x27;."),
        ("price", "-1", "Price must be a number above 0; got &#x27;-1&#x27;."),
        ("mode", "isolated", "Margin must be cross, as the position held in BTC/USDT:USDT"),
    ],
)
def test_what_is_wrong_with_an_order_is_said_beside_the_form(field: str, value: str, message: str) -> None:
    """The old answer is hidden; a right value brings a new one."""
    section = pretrade()
    good = getattr(section, field).value
    getattr(section, field).value = value
    assert message in section.problem.value
    assert section.answer.layout.display == "none"
    assert section.csv() == b""
    getattr(section, field).value = good
    assert section.problem.value == ""
    assert section.result is not None


def test_an_order_is_logged_with_its_verdict() -> None:
    """And what it would change."""
    logged: list[JournalEntry] = []
    section = pretrade(logged=logged)
    section.log_button.press()
    assert logged[0].text.startswith("Pre-trade check, ")
    assert logged[0].state["gross exposure, before"] == pytest.approx(15_000.0)
    assert b"verdict" in section.csv()


def test_while_watching_an_order_is_checked_against_an_empty_book() -> None:
    """The rows watched are not held."""
    section = pretrade(watching=True)
    assert section.result is not None, section._shared.status.text
    assert len(section.result.positions) == 1
    assert "It is the only position" in section.verdict.value


def test_without_any_market_there_is_nothing_to_trade() -> None:
    """A clear state."""
    section = PretradeSection(shared(), measure=lambda table, _inputs: worlds.measure(table))
    section.show(
        inputs(empty(POSITIONS), candles={}), replace(worlds.measure(worlds.book()), positions=empty(POSITIONS))
    )
    assert "No market is loaded" in section.message.value


def test_marks_of_watch_and_alert_set_elsewhere_are_used() -> None:
    """At marks of 90 % and 95 % nothing is over alert: not after a remedy, not after an order."""
    high = ClusterSettings(watch=0.9, alert=0.95)
    given = inputs()
    section = RemedySection(shared(), limits=lambda: high)
    section.show(given, worlds.measure(given.positions))
    assert (section.options[0].after.clusters["level"] == "").all()
    check = PretradeSection(shared(), measure=lambda table, _inputs: worlds.measure(table), limits=lambda: high)
    check.show(given, worlds.measure(given.positions))
    assert check.result is not None
    assert not any(reason.startswith("Cluster") for reason in check.result.reasons)


def test_a_book_is_compared_with_itself_at_equal_sizes() -> None:
    """Two curves, a verdict that claims nothing, a table."""
    section = comparison()
    assert section.result is not None, section.problem.value
    assert section.result.names == (THIS_BOOK, EQUAL_SIZES)
    assert len(section.curves[0].sources[0].data["equity"]) > 10
    assert "istinguishable at 5x" in section.verdict.value
    assert "outcome" in section.csv().decode()


def test_saved_books_are_offered_and_one_may_be_chosen_twice() -> None:
    """The same book against itself differs by nothing."""
    section = comparison(books=lambda: {"mine": worlds.book(sol=0.0)})
    assert list(section.first.options) == [THIS_BOOK, EQUAL_SIZES, "mine"]
    section.first.value = section.second.value = "mine"
    assert section.result is not None
    assert section.result.names == ("mine (A)", "mine (B)")
    assert section.result.verdicts[0].difference == 0.0


def test_trades_are_read_from_a_file() -> None:
    """And compared with the book."""
    section = comparison()
    text = "symbol,venue,side,quantity,entry_time,entry_price,exit_time,exit_price\n"
    text += f"{BTC},{VENUE},long,1,2025-01-02,100,2025-02-20,101\n"
    section.upload.value = (handed_in("trades.csv", text.encode()),)
    assert section.second.value == "trades.csv"
    assert section.result is not None, section.problem.value
    assert section.result.names == (THIS_BOOK, "trades.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a,b\n1,2\n", "must have the columns symbol"), (b"\xff\xfe\x00", "is not text in UTF-8")],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, message: str) -> None:
    """Beside the controls."""
    section = comparison()
    section.upload.value = (handed_in("bad.csv", content),)
    assert message in section.problem.value


def test_a_book_without_most_of_its_candles_is_not_compared() -> None:
    """No verdict but that, with what is left out by name."""
    lacking = worlds.book()
    lacking["symbol"] = lacking["symbol"].mask(lacking.index > 0, "NEW/USDT:USDT")
    section = comparison(books=lambda: {"mine": lacking})
    section.second.value = "mine"
    assert "These cannot be compared" in section.verdict.value
    assert "NEW/USDT:USDT on" in section.verdict.value
    assert "istinguishable" not in section.verdict.value


def test_a_comparison_is_logged_as_a_reading() -> None:
    """With the words of both verdicts."""
    logged: list[JournalEntry] = []
    comparison(logged=logged).log_button.press()
    assert logged[0].text == f"Compared {THIS_BOOK} against {EQUAL_SIZES}"
    assert set(logged[0].state) == {"5x", "10x", "from", "to"}


def test_nothing_to_compare_is_said() -> None:
    """While only watching, without saved books."""
    section = ComparisonSection(shared(), settings=QUICK)
    given = inputs(watching=True)
    section.show(given, worlds.measure(given.positions))
    assert "No book to compare" in section.message.value
    assert section.result is None
    assert section.csv() == b""


def test_equal_sizes_keep_the_gross() -> None:
    """3,000, 3,000, 4,000 and 5,000 become 3,750 each."""
    held = worlds.book()
    worth = equal_sizes(held)["quantity"] * held["mark_price"]
    assert worth.tolist() == pytest.approx([3_750.0] * 4)


def test_themes_change_without_a_result() -> None:
    """Nothing needs to be shown first."""
    for section in (RemedySection(shared()), ComparisonSection(shared())):
        section.set_theme(DARK)


async def test_in_an_app_the_work_runs_in_a_thread_and_the_last_request_wins() -> None:
    """Ten quick changes, one answer for the last."""
    section = pretrade()
    for amount in range(1, 11):
        section.amount.value = str(amount * 100)
    await section.settled()
    assert section.result is not None
    assert section.result.order["notional"].iloc[0] == pytest.approx(1_000.0)
    await asyncio.sleep(0)


def test_five_hundred_positions_are_solved_quickly() -> None:
    """All options of the largest cluster; screens show the first rows."""
    rows = [(BTC, f"venue{k}", 1, 1.0, worlds.mark(BTC), worlds.mark(BTC), 5.0, "cross") for k in range(250)]
    rows += [(ETH, f"venue{k}", -1, 2.0, worlds.mark(ETH), worlds.mark(ETH), 5.0, "cross") for k in range(250)]
    held = positions(*rows)
    section = RemedySection(shared())
    view = worlds.measure(held.assign(venue=held["venue"]))
    begun = time.perf_counter()
    section.show(inputs(held), view)
    assert time.perf_counter() - begun < 5.0
    assert section.options, section._shared.status.text
    assert len(section.options[2].orders) == 500
    assert "40 of 500 shown" in section.cards.value
