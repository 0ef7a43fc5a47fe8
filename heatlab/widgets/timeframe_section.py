"""Timeframe section: the same book at 1h, 4h and 1d side by side, and which of them are noise for a position."""

from __future__ import annotations

from html import escape

import ipywidgets

from heatlab.figures import format as show
from heatlab.figures.tables import html_table
from heatlab.figures.theme import Theme
from heatlab.figures.timeframe_figure import TimeframeFigure, head
from heatlab.portfolio.timeframes import DEFAULT, TimeframeExposure, TimeframeSettings, timeframe_exposure
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import Background
from heatlab.widgets.downloads import download_link
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html
from heatlab.widgets.sections import BookInputs, Shared

LEGEND = (
    "Each cell: momentum heat on these bars, ▲ green, ● amber, ▼ red zone; with or against the trend of these bars; "
    "share of the book's risk from returns of these bars, negative = hedge. A column hatched and marked as noise turns "
    "too often to steer a position that is held for days. In the table, moves are scaled to a day by the square root "
    "of time over different histories: where they differ, calm and wild spells or trends within the day do."
)


class TimeframeSection:
    """Exposure by timeframe.

    Parameters
    ----------
    shared : Shared
    settings : TimeframeSettings
    """

    title, name = "Timeframes", "timeframes"

    def __init__(self, shared: Shared, *, settings: TimeframeSettings = DEFAULT) -> None:
        self._shared, self._settings = shared, settings
        self.exposure: TimeframeExposure | None = None
        self.figure = TimeframeFigure(theme=shared.theme)
        self.words, self.message, self.table, self.notes = (ipywidgets.HTML() for _ in range(4))
        self.pane = BokehPane(self.figure.root, waiting="Drawing the timeframes")
        bar = ipywidgets.Box([download_link("timeframes.csv", self.csv, label="All positions by timeframe as CSV")])
        bar.add_class("hl-toolbar")
        self.body = ipywidgets.VBox([self.words, self.pane, self.notes, self.table, bar])
        self.root = ipywidgets.VBox([self.message, self.body])
        self._work = Background(self._measure, self._display, shared.status)

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book; it is measured in a thread where an event loop runs."""
        self._work((inputs, view))

    async def settled(self) -> None:
        """Wait until the view is up to date."""
        await self._work.settled()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figure."""
        self.figure.set_theme(theme)

    def csv(self) -> bytes:
        """All positions by timeframe as CSV; empty before there are any."""
        return b"" if self.exposure is None else self.exposure.positions.to_csv(index=False).encode()

    def _measure(self, given: tuple[BookInputs, RiskView]) -> tuple[BookInputs, TimeframeExposure]:
        inputs, view = given
        table = view.heat.table
        return inputs, timeframe_exposure(
            view.positions, inputs.candles, table, now=inputs.now, settings=self._settings
        )

    def _display(self, measured: tuple[BookInputs, TimeframeExposure]) -> None:
        inputs, found = measured
        self.exposure = found
        empty = found.positions.empty
        self.body.layout.display = "none" if empty else ""
        self.message.value = message_html("No positions to compare.") if empty else _watching(inputs)
        self.figure.update(found.positions, found.book)
        self.words.value = _words_html(found.words)
        self.table.value = book_html(found)
        count = len(found.positions) // max(len(found.book), 1)
        few = f" The {self.figure.drawn} largest of {count} positions are drawn." if self.figure.drawn < count else ""
        self.notes.value = f'<p class="hl-muted">{escape(LEGEND + few)}</p>'


def book_html(found: TimeframeExposure) -> str:
    """Book by timeframe: what it moves, how many independent bets it is, how often readings turn."""
    rows = [
        [
            head(row),
            str(row["window"]),
            show.usd(row["volatility"]),
            show.usd(row["volatility_day"]),
            show.usd(row["with_trend"]),
            show.usd(row["against_trend"]),
            show.number(row["independent_bets"], 1),
            show.percent(row["largest_share"], signed=False),
            show.percent(row["flips"], signed=False),
            f"{row['readings']:,}",
        ]
        for row in found.book.to_dict("records")
    ]
    heads = (
        "bars", "history", "moves per bar", "scaled to a day", "with trend", "against", "independent bets",
        "largest risk share", "turned within a day", "readings",
    )  # fmt: skip
    caption = "The whole book by timeframe"
    return html_table(caption, heads, rows, empty="No timeframes.")


def _words_html(words: tuple[str, ...]) -> str:
    return "".join(f'<div class="hl-callout" role="note">{escape(one)}</div>' for one in words)


def _watching(inputs: BookInputs) -> str:
    text = "No positions here: heat and trend are shown; values and shares of risk are not known."
    return f'<div class="hl-callout" role="status">{escape(text)}</div>' if inputs.watching else ""
