"""The correlation section: what it shows, how a pair is accepted or trimmed, and every state of a book."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.domain import JournalEntry
from heatlab.figures.theme import LIGHT
from heatlab.portfolio.book import BookView
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.correlation.clusters import cluster_shares, correlation_clusters
from heatlab.portfolio.correlation.estimate import estimate_correlation
from heatlab.portfolio.view import RiskView
from heatlab.widgets.correlation_html import facts_text
from heatlab.widgets.correlation_section import CorrelationSection
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import Status
from tests.portfolio.correlation.markets import closes, factor_returns

NONE = pd.DataFrame()


def names(count: int) -> list[str]:
    """Symbols."""
    return [f"{chr(65 + k)}/USDT:USDT" if k < 26 else f"C{k}/USDT:USDT" for k in range(count)]


def view(count: int = 4, **changes: Any) -> RiskView:
    """Two clusters of equal positions; the first two symbols correlate by about 0.9."""
    loads = np.array([[0.95, 0.0] if k < 2 else [0.0, 0.75] for k in range(count)]).reshape(count, 2)
    return of_closes(closes(factor_returns(900, loads), names(count)), **changes)


def of_closes(table: pd.DataFrame, **changes: Any) -> RiskView:
    """Everything the section reads."""
    count = table.shape[1]
    positions = pd.DataFrame(
        {
            "symbol": list(table.columns),
            "venue": "okx",
            "side": 1,
            "quantity": np.linspace(20.0, 10.0, count),
            "entry_price": 1.0,
            "mark_price": 1.0,
        }
    )
    estimate = estimate_correlation(table)
    labels = correlation_clusters(estimate.matrix, cut=0.5)
    share = 1 / max(count, 1)
    held = positions.assign(size_share=share, risk_share=share, cluster=1, is_hedge=False)
    book = BookView(NONE, NONE, 50.0, 0.0, NONE)
    made = RiskView(
        positions, book, table, estimate, labels, cluster_shares(held, labels), held, ConcentrationMeasures(), NONE
    )
    return replace(made, **changes)


def inputs(shown: RiskView, **changes: Any) -> BookInputs:
    """A book an hour after the last close."""
    last = shown.closes.index[-1] if len(shown.closes) else pd.Timestamp("2025-01-01", tz="UTC")
    given = {"positions": shown.positions, "candles": {}, "now": last + pd.Timedelta("1h"), "source_name": "test"}
    return BookInputs(**{**given, **changes})


def section(
    shown: RiskView | None = None, *, journal: bool = True, **options: Any
) -> tuple[CorrelationSection, list[JournalEntry]]:
    """Section that shows a view, and what it has logged."""
    logged: list[JournalEntry] = []

    def log(entry: JournalEntry) -> int:
        logged.append(entry)
        return len(logged)

    made = CorrelationSection(Shared(Status(""), log=log if journal else None), **options)
    shown = view() if shown is None else shown
    made.show(inputs(shown), shown)
    return made, logged


def states(made: CorrelationSection) -> list[str]:
    """Last cell of each row."""
    return [row["cells"][-1][0] for row in made.table.rows]


def test_it_shows_matrix_bars_and_pairs_with_the_flagged_first() -> None:
    """Four symbols, six pairs, one above 0.7."""
    made, _ = section()
    assert len(made.matrix.source.data["x"]) == 16
    assert made.table.caption == "6 pairs: 1 above 0.7 need a decision, 0 accepted"
    assert states(made)[0] == "▲ decide"
    assert made.pair == ("A/USDT:USDT", "B/USDT:USDT")
    assert "needs a decision" in made.chosen.value
    assert len(made.bars.source.data["text"]) == 4


def test_a_pair_is_accepted_with_a_reason_and_stays_accepted() -> None:
    """Without a reason nothing is logged."""
    made, logged = section()
    made.accept.button.click()
    assert logged == []
    assert "Give a reason first" in made.accept.status.text
    made.accept.reason.value = "one trade in two legs"
    made.accept.button.click()
    entry = logged[0]
    assert (entry.kind, entry.symbol, entry.reason) == ("accepted", "A/USDT:USDT", "one trade in two legs")
    assert entry.state["second"] == "B/USDT:USDT"
    assert entry.state["limit"] == 0.7
    assert "✓ accepted" in states(made)
    made.show(inputs(view()), view())
    assert made.table.caption == "6 pairs: 0 above 0.7 need a decision, 1 accepted"


@pytest.mark.parametrize("known", [[("B/USDT:USDT", "A/USDT:USDT")], None])
def test_pairs_accepted_before_come_from_the_journal(known: Any) -> None:
    """In either order; None where there is no journal."""
    made, _ = section(accepted=lambda: known)
    assert int(made.pairs["accepted"].sum()) == (1 if known else 0)


def test_a_trim_names_one_position_and_how_much_and_can_be_logged() -> None:
    """The larger contribution; its order is the entry, its position is selected everywhere."""
    made, logged = section()
    made.trim_button.click()
    assert "A carries the larger part" in made.trim_words.value
    assert "Order proposed; nothing is sent" in made.trim_words.value
    assert made._shared.selection.position == ("A/USDT:USDT", "okx", 1)
    made.trim_log.button.click()
    entry = logged[0]
    assert (entry.kind, entry.symbol, entry.venue, entry.side) == ("order", "A/USDT:USDT", "okx", -1)
    assert entry.state["orders"][0]["quantity"] > 0
    assert entry.state["share_after"] < entry.state["share_before"]


def test_another_pair_clears_the_trim() -> None:
    """What is shown belongs to the pair chosen."""
    made, _ = section()
    made.trim_button.click()
    made.table.value = 3
    assert made.trim is None
    assert made.trim_words.value == ""
    assert made.trim_log.layout.display == "none"


def test_another_pair_clears_what_was_logged() -> None:
    """ "Logged as #1" stays with the pair it speaks of."""
    made, _ = section()
    made.accept.reason.value = "one trade in two legs"
    made.accept.button.click()
    assert made.accept.status.text == "Logged as #1"
    made.table.value = 2 if made.table.value != 2 else 3
    assert made.accept.status.text == ""


def test_two_markets_of_one_coin_need_no_decision() -> None:
    """They are named by their kind, and cannot be accepted."""
    loads = np.array([[0.99, 0.0], [0.99, 0.0], [0.0, 0.75]])
    table = closes(factor_returns(900, loads), ["A/USDT", "A/USDT:USDT", "C/USDT:USDT"])
    made, _ = section(of_closes(table))
    assert made.table.caption == "3 pairs: 0 above 0.7 need a decision, 0 accepted, 1 of the same asset"
    made._pick(("A/USDT", "A/USDT:USDT"))
    assert made.chosen.value.startswith("<p><b>A spot and A perp: ")
    assert "same asset, nothing to decide" in made.chosen.value
    assert made.accept.layout.display == "none"
    made._pick(("A/USDT", "C/USDT:USDT"))
    assert made.accept.layout.display == ""


def test_a_click_and_the_selection_choose_a_pair() -> None:
    """Of the symbol selected elsewhere the strongest."""
    made, _ = section()
    made._pick(("D/USDT:USDT", "A/USDT:USDT"))
    assert set(made.pair or ()) == {"A/USDT:USDT", "D/USDT:USDT"}
    made._shared.selection.position = ("B/USDT:USDT", "okx", 1)
    assert made.pair == ("A/USDT:USDT", "B/USDT:USDT")


def test_the_limit_is_a_control() -> None:
    """At 0.3 more pairs are flagged."""
    made, _ = section()
    made.limit.value = 0.3
    assert "2 above 0.3 need a decision" in made.table.caption


def test_window_shrinkage_and_breaks_are_stated() -> None:
    """In words; a break names what is in force."""
    text = facts_text(view())
    assert "over 30 days" in text
    assert "Shrunk 10% (fixed)" in text
    assert "No pair has just changed" in text
    shown = view()
    broken = shown.correlation.broken.copy()
    broken.iloc[0, 1] = broken.iloc[1, 0] = True
    made, _ = section(replace(shown, correlation=replace(shown.correlation, broken=broken)))
    assert "1 pair has just changed (≠): the larger" in made.facts.value
    assert "≠ just changed" in states(made)[0]


def test_short_histories_are_told_on_screen() -> None:
    """A listing of yesterday is hatched, unclustered and explained."""
    table = closes(factor_returns(900, np.full((3, 1), 0.9)), names(3))
    table.iloc[:-24, 2] = np.nan
    made, _ = section(of_closes(table))
    assert "C/USDT:USDT: only 23 of the 48 returns needed (new listing" in made.notes.value
    assert "/" in made.matrix.source.data["hatch"]
    assert "unclustered" in made.bars.source.data["name"]


def test_files_hold_everything() -> None:
    """Matrix in cluster order and all pairs."""
    made, _ = section()
    assert made.matrix_csv().decode().count("\n") == 5
    assert made.pairs_csv().decode().splitlines()[0].startswith("first,second,correlation,long,short,low,high,bars")
    assert CorrelationSection(Shared(Status(""))).matrix_csv() == b""


def test_without_a_journal_nothing_can_be_logged() -> None:
    """The buttons say so."""
    made, _ = section(journal=False)
    assert made.accept.button.disabled
    assert made.trim_log.button.disabled


def test_an_empty_book_a_single_symbol_and_unknown_histories_draw() -> None:
    """Each with its message, no pair and no error."""
    empty = closes(np.empty((0, 0)), [])
    made, _ = section(of_closes(empty))
    assert "No positions" in made.message.value
    assert made.pair is None
    assert made.trim_button.disabled
    assert "One symbol only" in section(view(1))[0].message.value
    table = closes(factor_returns(20, np.full((3, 1), 0.9)), names(3))
    assert "No symbol has enough hourly history" in section(of_closes(table))[0].message.value


def test_while_only_watching_correlations_are_shown() -> None:
    """Without quantities there is nothing to trim."""
    shown = view()
    watched = replace(shown, positions=shown.positions.assign(quantity=np.nan))
    made, logged = section(watched)
    made.show(inputs(watched, watching=True), watched)
    assert "only markets to watch" in made.message.value
    made.trim_button.click()
    assert "is not known" in made.trim_words.value
    assert logged == []


def test_old_closes_grey_the_figures() -> None:
    """From three hours after the last bar."""
    shown = view()
    made, _ = section(shown)
    assert not any("hl-stale" in pane._dom_classes for pane in made.panes)
    made.show(inputs(shown, now=shown.closes.index[-1] + pd.Timedelta("5h")), shown)
    assert all("hl-stale" in pane._dom_classes for pane in made.panes)


def test_of_many_symbols_the_largest_are_drawn_and_it_is_said() -> None:
    """Sixty symbols: 40 drawn, 200 of 1,770 pairs listed, all in the files; one beyond can be picked."""
    made, _ = section(view(60))
    assert len(made.matrix.source.data["x"]) == 1600
    assert "The 40 largest of 60 symbols are drawn" in made.drawn.value
    assert len(made.table.rows) == 200
    assert "the first 200 are listed" in made.table.caption
    assert made.pairs_csv().decode().count("\n") == 1771
    last = tuple(made.pairs.iloc[-1][["first", "second"]])
    made._pick(last)
    assert made.pair == last


def test_a_theme_reaches_both_figures() -> None:
    """Colours change in place."""
    made, _ = section()
    made.set_theme(LIGHT)
    assert made.matrix.theme is made.bars.theme is LIGHT
