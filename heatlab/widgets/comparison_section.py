"""Strategy A against B: growth, heat, concentration, and what 5x and 10x would have done to each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.errors import DataError, HeatlabError
from heatlab.figures.comparison import EquityFigure, HeatShares
from heatlab.figures.decision_tables import outcomes_html, quantiles_html
from heatlab.figures.theme import Theme
from heatlab.portfolio.strategies.compare import Comparison, compare_strategies
from heatlab.portfolio.strategies.trades import trades_from_csv
from heatlab.portfolio.strategies.verdict import CompareSettings
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import Background
from heatlab.widgets.downloads import download_link
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html, notices_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

THIS_BOOK, EQUAL_SIZES = "this book", "this book at equal sizes"
MOST_BYTES = 20_000_000
HOW = (
    '<p class="hl-muted">A book is bought at its weights of today on the first hour all its markets know, and held; '
    "trades are followed as they were made. Leverage is gross exposure over equity: of a book at the start, of trades "
    "at their peak. One cross account each, lost when equity is at or below maintenance margin by the venue's "
    "brackets. Closes decide; “maybe” marks an hour whose extremes would have been enough. Fees and funding are not "
    "included. The verdict is of daily growth at constant leverage with a block-bootstrap interval: one history, so "
    "unless the interval leaves out 0 the two cannot be told apart. What has no candles or price here is left out and "
    "named in the verdict; where that is too large a part of a strategy, or of unknown value, there is none."
    "</p>"
)


@dataclass(frozen=True)
class _Asked:
    inputs: BookInputs
    first: pd.DataFrame
    second: pd.DataFrame
    names: tuple[str, str]


class ComparisonSection:
    """Two books or trade lists side by side.

    Parameters
    ----------
    shared : Shared
    books : callable, optional
        ``books() -> mapping of name to positions or trades``, asked whenever a book is shown; beside those the book on
        screen and itself at equal sizes are always there, and trades can be read from a CSV file.
    settings : CompareSettings, optional
    """

    title, name = "A/B", "compare"

    def __init__(
        self,
        shared: Shared,
        *,
        books: Callable[[], Mapping[str, pd.DataFrame]] | None = None,
        settings: CompareSettings | None = None,
    ) -> None:
        self._shared, self._offer, self._settings = shared, books, settings or CompareSettings()
        self._given: BookInputs | None = None
        self._tables: dict[str, pd.DataFrame] = {}
        self._read: dict[str, pd.DataFrame] = {}
        self.result: Comparison | None = None
        self.first = ipywidgets.Dropdown(description="A", options=[])
        self.second = ipywidgets.Dropdown(description="B", options=[])
        self.upload = ipywidgets.FileUpload(description="Trades as CSV", accept=".csv", multiple=False)
        self.upload.tooltip = "symbol, venue, side, quantity, entry_time, entry_price, exit_time, exit_price"
        self.message, self.problem = ipywidgets.HTML(), ipywidgets.HTML()
        self.verdict, self.outcomes, self.quantiles = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.notes = ipywidgets.HTML()
        self.curves = [EquityFigure(theme=shared.theme) for _ in self._settings.leverages]
        self.shares = HeatShares(theme=shared.theme)
        self.log_button = LogButton(shared.log, self.entry, label="Log this comparison")
        self.link = download_link("comparison.csv", self.csv, label="Comparison as CSV")
        self.answer = ipywidgets.VBox(self._answer_parts())
        self.body = ipywidgets.VBox([self._pick(), self.problem, self.answer, ipywidgets.HTML(HOW)])
        self.root = ipywidgets.VBox([self.message, self.body])
        self._work = Background(self._compare, self._display, shared.status)
        for control in (self.first, self.second):
            control.observe(guard(lambda _: self._ask(), shared.status), "value")
        self.upload.observe(guard(lambda _: self._take(), shared.status), "value")

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Offer the books there are, and compare the two chosen."""
        self._given = None
        self._tables = self._offered(inputs, view)
        names = list(self._tables)
        words = "" if names else "No book to compare. Load positions, save a book, or read trades from a CSV file."
        self.message.value = message_html(words)
        self.answer.layout.display = "none" if words else ""
        self._fill(names)
        self._given = inputs
        if names:
            self._ask()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figures."""
        for figure in self.curves:
            figure.set_theme(theme)
        self.shares.set_theme(theme)

    def csv(self) -> bytes:
        """Outcomes, verdicts, heat quantiles and concentration in one CSV; empty without a result."""
        if self.result is None:
            return b""
        verdicts = pd.DataFrame([_verdict_row(one) for one in self.result.verdicts])
        tables = {
            "outcome": self.result.outcomes,
            "verdict": verdicts,
            "heat": self.result.heat_quantiles,
            "concentration": self.result.concentration,
        }
        return bytes(
            pd.concat([table.assign(table=name) for name, table in tables.items()]).to_csv(index=False).encode()
        )

    def entry(self) -> JournalEntry | None:
        """Journal entry of the comparison; None without a result."""
        if self.result is None:
            return None
        names = " against ".join(self.result.names)
        state = {f"{one.leverage:g}x": one.words for one in self.result.verdicts}
        state |= {"from": str(self.result.start), "to": str(self.result.end)}
        return JournalEntry(kind="reading", text=f"Compared {names}", state=state)

    async def settled(self) -> None:
        """Wait until every request is dealt with."""
        await self._work.settled()

    def _pick(self) -> ipywidgets.Box:
        for control in (self.first, self.second):
            control.layout.width = "min(340px, 100%)"
        self.upload.layout.width = "auto"
        pick = ipywidgets.Box([self.first, self.second, self.upload, self.link, self.log_button])
        pick.add_class("hl-toolbar")
        return pick

    def _answer_parts(self) -> list[Any]:
        roots = [*(figure.root for figure in self.curves), self.shares.root]
        figures = ipywidgets.Box([BokehPane(root, waiting="Comparing") for root in roots])
        figures.add_class("hl-thirds")
        return [self.verdict, figures, self.outcomes, self.quantiles, self.notes]

    def _offered(self, inputs: BookInputs, view: RiskView) -> dict[str, pd.DataFrame]:
        own: dict[str, pd.DataFrame] = {}
        held = view.positions
        if len(held) and not inputs.watching:
            own = {THIS_BOOK: held, EQUAL_SIZES: equal_sizes(held)}
        return {**own, **(self._offer() if self._offer is not None else {}), **self._read}

    def _fill(self, names: list[str]) -> None:
        for control, place in ((self.first, 0), (self.second, 1)):
            kept = control.value
            if list(control.options) != names:
                control.options = names
                control.value = kept if kept in names else (names[min(place, len(names) - 1)] if names else None)

    def _take(self) -> None:
        """Read the file handed in."""
        if not self.upload.value:
            return
        given = self.upload.value[0]
        name = str(given["name"])
        try:
            self._read[name] = trades_from_csv(_text(bytes(given["content"]), name), where=name)
        except HeatlabError as error:
            self._display(error)
            return
        self._tables[name] = self._read[name]
        self._fill(list(self._tables))
        self.message.value = ""
        self.second.value = name
        self._ask()

    def _ask(self) -> None:
        if self._given is None or self.first.value is None or self.second.value is None:
            return
        names = (str(self.first.value), str(self.second.value))
        self._work(_Asked(self._given, self._tables[names[0]], self._tables[names[1]], _apart(names)))

    def _compare(self, asked: _Asked) -> Comparison | HeatlabError:
        """Compare; what cannot be compared is an answer, not a failure."""
        inputs = asked.inputs
        try:
            return compare_strategies(
                asked.first,
                asked.second,
                inputs.candles,
                now=inputs.now,
                names=asked.names,
                brackets=inputs.brackets,
                settings=self._settings,
            )
        except HeatlabError as error:
            return error

    def _display(self, result: Comparison | HeatlabError) -> None:
        wrong = isinstance(result, HeatlabError)
        self.problem.value = message_html(str(result), kind="hl-callout hl-error") if wrong else ""
        self.answer.layout.display = "none" if wrong else ""
        self.result = None if isinstance(result, HeatlabError) else result
        if self.result is None:
            return
        shown = self.result
        for figure, leverage in zip(self.curves, self._settings.leverages, strict=True):
            figure.update(shown.curves, leverage=leverage, names=shown.names)
        heat = self._settings.heat
        self.shares.update(shown.heat, red=heat.red, green=heat.green)
        self.verdict.value = verdicts_html(shown)
        self.outcomes.value = outcomes_html(shown.outcomes)
        self.quantiles.value = quantiles_html(shown.heat_quantiles, shown.concentration)
        self.notes.value = notices_html(shown.notes)


def equal_sizes(positions: pd.DataFrame) -> pd.DataFrame:
    """Give the same positions equal value each, gross exposure unchanged; those without a value stay as they are."""
    worth = positions["quantity"] * positions["mark_price"]
    known = worth > 0
    each = float(worth[known].mean()) if known.any() else math.nan
    changed = positions.copy()
    changed.loc[known, "quantity"] = each / positions.loc[known, "mark_price"]
    return changed


def verdicts_html(result: Comparison) -> str:
    """Say what can be said at each leverage, and over which stretch."""
    if refused := [one for one in result.verdicts if not one.comparable]:
        below = "The figures below show only the part that can be followed, which is not these strategies."
        return message_html(f"{refused[0].words} {below}", kind="hl-callout hl-warning")
    days = (result.end - result.start).days
    heads = {True: "Distinguishable", False: "Not distinguishable"}
    part = ", of what is left," if any(one.left_out for one in result.coverage) else ""
    rows = "".join(
        f"<li><strong>{heads[one.distinguishable]}{part} at {one.leverage:g}x.</strong> {escape(one.words)}</li>"
        for one in result.verdicts
    )
    stretch = f"{result.start:%Y-%m-%d} to {result.end:%Y-%m-%d}, {days} days"
    return f'<div class="hl-callout" role="status">Over {stretch}:<ul class="hl-points">{rows}</ul></div>'


def _verdict_row(one: Any) -> dict[str, Any]:
    names = ("leverage", "difference", "low", "high", "distinguishable", "comparable", "words")
    return {name: getattr(one, name) for name in names}


def _apart(names: tuple[str, str]) -> tuple[str, str]:
    """Two names, told apart where the same one is chosen twice."""
    return names if names[0] != names[1] else (f"{names[0]} (A)", f"{names[1]} (B)")


def _text(content: bytes, name: str) -> str:
    if len(content) > MOST_BYTES:
        raise DataError(f"{name} is larger than {MOST_BYTES / 1e6:g} MB: read it in a notebook instead.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name} is not text in UTF-8, so it cannot be read as CSV.") from None
