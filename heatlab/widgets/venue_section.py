"""Venues section: the same book on two venues side by side, and which of them moves first, tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.domain import Side
from heatlab.figures import format as show
from heatlab.figures.heat_grid import WORDS, arrow
from heatlab.figures.lead_lag_figure import LeadLagFigure
from heatlab.figures.tables import Markup, badge, html_table
from heatlab.figures.theme import Theme
from heatlab.portfolio.lead_lag import LeadLag, lead_lag, lead_worth
from heatlab.portfolio.orders.costs import CostSettings
from heatlab.portfolio.venues import VenueComparison, shared_bars, venue_comparison
from heatlab.portfolio.view import RiskView
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.background import in_thread
from heatlab.widgets.downloads import download_link
from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.sections import BookInputs, Key, Shared
from heatlab.widgets.status import guard

ROWS = 40
"""Most positions in the table; the others are in the CSV."""
MOST_BARS = 20_000
"""Most recent bars a lead is tested on."""
MAX_LAG = 5
STALE = pd.Timedelta("3h")
STALE_BARS = 3
ROUND_TRIP = 2 * CostSettings().taker_fee + CostSettings().spread
"""Cost of getting in and out at once at the assumed fee and spread [fraction]."""
NOTE = (
    '<p class="hl-muted">Each position is read as if held on either venue. ▲ green, ● amber, ▼ red zone; ≠ marks zones '
    "that differ. Basis: last close on the second venue against the first, same bar. A lead of one bar between a busy "
    "and a quiet venue can come from earlier last trades; bars without trades are left out. Old: the last bar "
    "closed more than three bars ago; such a reading is left out of heat, differences and counts.</p>"
)
Load = Callable[[str], Mapping[Key, pd.DataFrame]]


@dataclass(frozen=True)
class _Asked:
    """What is compared: inputs and two venues."""

    inputs: BookInputs
    first: str
    second: str


class VenueSection:
    """The book on two venues: heat, difference, zones that agree, basis, and the lead-lag of one symbol.

    Parameters
    ----------
    shared : Shared
    load : callable, optional
        ``load(venue)`` returns bars of the book's symbols on a venue by (venue, symbol, timeframe); it runs in a
        thread, once per book and venue, where the inputs hold none. Without it only venues of the inputs are offered.
    venues : sequence of str
        Venues of the source, the usual first; those of the inputs where it is empty.
    """

    title, name = "Venues", "venues"

    def __init__(self, shared: Shared, *, load: Load | None = None, venues: Sequence[str] = ()) -> None:
        self._shared, self._load, self._venues = shared, load, tuple(venues)
        self._inputs: BookInputs | None = None
        self._candles: dict[Key, pd.DataFrame] = {}
        self._loaded: set[str] = set()
        self._quiet = False
        self.comparison: VenueComparison | None = None
        self.lead: LeadLag | None = None
        self.figure = LeadLagFigure(theme=shared.theme)
        self.first = ipywidgets.Dropdown(description="First", options=[])
        self.second = ipywidgets.Dropdown(description="Second", options=[])
        self.symbol = ipywidgets.Dropdown(description="Symbol", options=[])
        self.timeframe = ipywidgets.Dropdown(description="Bars", options=[])
        self.message, self.words, self.table = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.verdict, self.notes = ipywidgets.HTML(), ipywidgets.HTML()
        self.pane = BokehPane(self.figure.root, waiting="Drawing the lead-lag")
        self._content = ipywidgets.VBox(self._parts())
        self.root = ipywidgets.VBox([self.message, self._content])
        self._latest = LatestWins(self._start)
        self._listen()

    def show(self, inputs: BookInputs, view: RiskView) -> None:  # noqa: ARG002 - every section is given both
        """Show a book; the other venue's bars are loaded in the background where they are not there."""
        if self._inputs is None or inputs.candles is not self._inputs.candles:
            self._candles, self._loaded = dict(inputs.candles), set()
        self._inputs = inputs
        self._offer()
        self._refresh(None)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figure."""
        self.figure.set_theme(theme)

    async def settled(self) -> None:
        """Wait until the comparison is up to date."""
        await self._latest.settled()

    def csv(self) -> bytes:
        """Comparison by position and timeframe as CSV; empty before there is one."""
        return b"" if self.comparison is None else self.comparison.readings.to_csv(index=False).encode()

    def _parts(self) -> list[Any]:
        link = download_link("venues.csv", self.csv, label="Comparison as CSV")
        top, pick = ipywidgets.Box([self.first, self.second, link]), ipywidgets.Box([self.symbol, self.timeframe])
        for box in (top, pick):
            box.add_class("hl-toolbar")
        heading = ipywidgets.HTML("<h2>Which venue moves first</h2>")
        return [top, self.words, self.table, ipywidgets.HTML(NOTE), heading, pick, self.verdict, self.pane, self.notes]

    def _listen(self) -> None:
        status = self._shared.status
        for control in (self.first, self.second):
            control.observe(guard(self._refresh, status), "value")
        self.symbol.observe(guard(self._picked, status), "value")
        self.timeframe.observe(guard(self._test, status), "value")
        self._shared.selection.observe(guard(self._follow, status), ["position", "section"])

    def _known_venues(self) -> list[str]:
        """Venues to choose from: first those that have bars of the most symbols of the book."""
        if self._inputs is None:
            return []
        wanted = set(self._inputs.positions["symbol"])
        inside = list(dict.fromkeys(venue for venue, _, _ in self._inputs.candles))
        order = list(dict.fromkeys([*self._venues, *inside])) if self._load else inside
        return order if wanted else []

    def _offer(self) -> None:
        """Fill the lists without asking for anything."""
        venues = self._known_venues()
        symbols = list(dict.fromkeys(self._inputs.positions["symbol"])) if self._inputs is not None else []
        self._quiet = True
        try:
            for control, place in ((self.first, 0), (self.second, 1)):
                _set_options(control, venues, default=place)
            if self.first.value == self.second.value and len(venues) > 1:
                self.second.value = next(venue for venue in venues if venue != self.first.value)
            _set_options(self.symbol, symbols, default=0)
            if self._shared.selection.position and self._shared.selection.position[0] in symbols:
                self.symbol.value = self._shared.selection.position[0]
        finally:
            self._quiet = False

    def _problem(self) -> str:
        """Why there is nothing to compare, or nothing."""
        if self._inputs is None or self._inputs.positions.empty:
            return "No positions: there is no book to compare."
        venues = self._known_venues()
        if len(venues) < 2:
            only = f": {venues[0]}" if venues else ""
            return f"This source has one venue only{only}. Name two, such as --source binanceusdm,okx, to compare them."
        if self.first.value == self.second.value:
            return "Choose two different venues."
        return ""

    def _refresh(self, _change: Any) -> None:
        if self._quiet:
            return
        problem = self._problem()
        self.message.value = parts.message_html(problem)
        self._content.layout.display = "none" if problem and len(self._known_venues()) < 2 else ""
        if problem or self._inputs is None:
            self.comparison = None
            self.table.value = self.words.value = ""
            self._clear(problem)
            return
        self._latest(_Asked(self._inputs, self.first.value, self.second.value))

    def _start(self, asked: _Asked) -> Any:
        if not self.table.value:
            self.words.value = parts.message_html("Comparing the venues", kind="hl-skeleton")
        loaded = set(self._loaded)
        return in_thread(
            lambda: self._work(asked, loaded),
            lambda result: self._display(asked, result),
            self._shared.status,
            failed=lambda _error: setattr(self.words, "value", ""),
        )

    def _work(self, asked: _Asked, loaded: set[str]) -> tuple[dict[Key, pd.DataFrame], VenueComparison]:
        """Load what is missing and compare; nothing of the section is changed here."""
        symbols = set(asked.inputs.positions["symbol"])
        candles = dict(self._candles)
        for venue in (asked.first, asked.second):
            has = {symbol for at, symbol, _ in candles if at == venue}
            if self._load is not None and venue not in loaded and not symbols <= has:
                candles |= self._load(venue)
        both = (asked.first, asked.second)
        return candles, venue_comparison(asked.inputs.positions, candles, venues=both, now=asked.inputs.now)

    def _display(self, asked: _Asked, result: tuple[dict[Key, pd.DataFrame], VenueComparison]) -> None:
        if asked.inputs is not self._inputs:
            return
        self._candles, self.comparison = result
        self._loaded |= {asked.first, asked.second}
        self.words.value = f'<p role="status"><strong>{escape(self.comparison.words)}</strong></p>'
        self.table.value = comparison_html(self.comparison)
        old = _age(self.comparison, asked.inputs.now)
        (self.table.add_class if old > STALE else self.table.remove_class)("hl-stale")
        if old > STALE:
            self.words.value += f'<p class="hl-muted">Old: the last bar both have closed {show.age(old)} ago.</p>'
        self._offer_bars()
        self._test(None)

    def _offer_bars(self) -> None:
        self._quiet = True
        try:
            _set_options(self.timeframe, list(self._bars()), default=0)
        finally:
            self._quiet = False

    def _bars(self) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
        if self._inputs is None or self.comparison is None or not self.symbol.value:
            return {}
        both = (self.comparison.first, self.comparison.second)
        return shared_bars(self._candles, self.symbol.value, venues=both, now=self._inputs.now)

    def _test(self, _change: Any) -> None:
        """Test the lead of the chosen symbol at the chosen bars."""
        if self._quiet or self.comparison is None:
            return
        both = (self.comparison.first, self.comparison.second)
        bars = self._bars().get(self.timeframe.value)
        if bars is None:
            self._clear(f"{self.symbol.value}: {both[0]} and {both[1]} have no bars of one length in common.")
            return
        first, second = (table.tail(MOST_BARS) for table in bars)
        self.lead = lead_lag(first, second, max_lag=MAX_LAG, names=both)
        title = f"{self.symbol.value}, {self.timeframe.value} bars, {self.lead.bars:,} returns"
        self.figure.update(self.lead.table, first=both[0], second=both[1], step=self.lead.step, title=title)
        move = float(np.log(bars[0 if self.lead.leader == both[1] else 1]["close"].tail(MOST_BARS)).diff().std())
        self.verdict.value = verdict_html(self.lead, worth=lead_worth(self.lead, move=move, cost=ROUND_TRIP))
        ended = min(table.index[-1] for table in bars) + self.lead.step
        self._mark_old(ended, self._inputs.now if self._inputs is not None else ended)

    def _mark_old(self, ended: pd.Timestamp, now: pd.Timestamp) -> None:
        """Say and grey a test whose bars ended long ago."""
        lead = self.lead or LeadLag("", "")
        old = now - ended > STALE_BARS * lead.step
        (self.pane.add_class if old else self.pane.remove_class)("hl-stale")
        said = (f"Old: the bars of this test end {ended:%Y-%m-%d}.",) if old else ()
        self.notes.value = parts.notices_html((*said, *lead.notes))

    def _clear(self, words: str) -> None:
        self.lead, empty = None, LeadLag("first", "second")
        self.figure.update(empty.table, first="first", second="second", step=pd.Timedelta(0), title="")
        self.verdict.value, self.notes.value = parts.message_html(words), ""
        self.pane.remove_class("hl-stale")

    def _picked(self, _change: Any) -> None:
        if self._quiet or self._inputs is None:
            return
        book = self._inputs.positions
        rows = book[book["symbol"] == self.symbol.value]
        selected = self._shared.selection.position
        if len(rows) and (not selected or selected[0] != self.symbol.value):
            row = rows.iloc[0]
            self._shared.selection.position = (row["symbol"], row["venue"], int(row["side"]))
        self._offer_bars()
        self._test(None)

    def _follow(self, _change: Any) -> None:
        selection = self._shared.selection
        if selection.in_view(self.name) and selection.position and selection.position[0] in self.symbol.options:
            self.symbol.value = selection.position[0]


def _set_options(control: ipywidgets.Dropdown, options: Sequence[str], *, default: int) -> None:
    """Offer these, keeping the choice where it is still among them."""
    kept = control.value
    if list(control.options) != list(options):
        control.options = list(options)
        control.value = kept if kept in options else (options[min(default, len(options) - 1)] if options else None)


def _age(comparison: VenueComparison, now: pd.Timestamp) -> pd.Timedelta:
    closed = comparison.overall["as_of"].dropna() if len(comparison.overall) else pd.Series(dtype="object")
    return pd.Timedelta(now - closed.max()) if len(closed) else pd.Timedelta(0)


def comparison_html(comparison: VenueComparison) -> str:
    """Positions down, what each venue says across, zones in shape and word, what differs marked."""
    frames = list(dict.fromkeys(comparison.readings["timeframe"]))
    cells = {(row["symbol"], row["side"], row["timeframe"]): row for row in comparison.readings.to_dict("records")}
    overall = comparison.overall
    rows = [_row(row, frames, cells) for row in overall.head(ROWS).to_dict("records")]
    heads = ("position", "notional", comparison.first, comparison.second, "difference", *frames, "basis", "note")
    more = f", the largest {ROWS} of {len(overall)}; all are in the CSV" if len(overall) > ROWS else ""
    caption = f"Heat on {comparison.first} and {comparison.second}{more}"
    return html_table(caption, heads, rows, empty="No positions to compare.")


def _row(row: Mapping[Any, Any], frames: Sequence[str], cells: Mapping[Any, Mapping[Any, Any]]) -> list[str]:
    per_frame = [_pair(cells[row["symbol"], row["side"], frame]) for frame in frames]
    return [
        f"{row['symbol']} {Side(int(row['side'])).label}",
        show.usd(row["notional"]),
        _heat(row["heat_first"], row["zone_first"], row["ended_first"]),
        _heat(row["heat_second"], row["zone_second"], row["ended_second"]),
        _points(row["difference"]) + ("" if row["agree"] != 0 else " ≠"),
        *per_frame,
        _basis(row["basis"]),
        str(row["note"]),
    ]


def _old(ended: pd.Timestamp) -> str:
    return f"old, ends {ended:%Y-%m-%d}"


def _heat(heat: float, zone: float, ended: Any) -> str:
    if pd.notna(ended):
        return Markup(f'<span class="hl-muted">{_old(ended)}</span>')
    if not np.isfinite(heat):
        return show.UNKNOWN
    return badge(f"{arrow(zone)} {heat:.1f}", WORDS[int(zone)] if np.isfinite(zone) else "")


def _pair(row: Mapping[Any, Any]) -> str:
    """Both readings of one timeframe: ``95 ▲ | 94 ▲``, ≠ where the zones differ; what is old says when it ended."""
    both = [_short(row[f"heat_{k}"], row[f"zone_{k}"], row[f"ended_{k}"]) for k in ("first", "second")]
    return " | ".join(both) + (" ≠" if row["agree"] == 0 else "")


def _short(heat: float, zone: float, ended: Any) -> str:
    if pd.notna(ended):
        return _old(ended)
    return f"{heat:.0f} {arrow(zone)}" if np.isfinite(heat) else show.UNKNOWN


def _points(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}" if np.isfinite(value) else show.UNKNOWN


def _basis(value: float) -> str:
    return f"{round(value * 1e4, 1) + 0.0:+.1f} bp" if np.isfinite(value) else show.UNKNOWN


def verdict_html(lead: LeadLag, *, worth: str = "") -> str:
    """Verdict with its chance and what the lead is worth; a lead is a callout, none is plain."""
    same = f" Within one bar the correlation is {lead.same_bar:.3f}." if np.isfinite(lead.same_bar) else ""
    gain = f" {worth}" if worth else ""
    kind = "hl-callout hl-warning" if lead.leader else "hl-callout"
    return f'<div class="{kind}" role="status"><strong>{escape(lead.words)}</strong>{escape(same + gain)}</div>'
