"""Sections of a portfolio app: what they are given, what they share, and the bar that shows one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

import ipywidgets
import pandas as pd
import traitlets

from heatlab.domain import JournalEntry
from heatlab.figures import format as show
from heatlab.figures.theme import LIGHT, Theme
from heatlab.portfolio.view import RiskView
from heatlab.widgets.status import Status

MOST_LATE = 5
MINUTE = pd.Timedelta(minutes=1)
Key = tuple[str, str, str]
Owner = tuple[str, str]


@dataclass(frozen=True)
class BookInputs:
    """A book and the market around it.

    Attributes
    ----------
    positions : DataFrame
        Canonical positions; ``attrs["wallet_balance"]`` maps venue to the balance of its cross account [quote].
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Closed bars; ``1h`` bars also give the correlation. May hold markets without a position.
    now : Timestamp
    source_name : str
    is_simulated : bool
    notices : tuple of str
    watching : bool
        There is no position; ``positions`` lists markets to look at, as if held long, of unknown quantity.
    brackets : mapping of (venue, symbol) to DataFrame
        Leverage brackets where the source has them.
    spreads : mapping of (venue, symbol) to float
        Best ask less best bid [fraction of the mid] where the source has a book.
    fees : mapping of venue to float
        Taker fee [fraction] where the source knows it.
    """

    positions: pd.DataFrame
    candles: Mapping[Key, pd.DataFrame]
    now: pd.Timestamp
    source_name: str
    is_simulated: bool = False
    notices: tuple[str, ...] = ()
    watching: bool = False
    brackets: Mapping[Owner, pd.DataFrame] = field(default_factory=dict)
    spreads: Mapping[Owner, float] = field(default_factory=dict)
    fees: Mapping[str, float] = field(default_factory=dict)


class Selection(traitlets.HasTraits):  # type: ignore[misc]
    """What is selected everywhere in an app: the position as (symbol, venue, side), or (), and the bars looked at.

    ``section`` is the name of the section in view, "" where nobody says.
    """

    position = traitlets.Tuple()
    timeframe = traitlets.Unicode("1h")
    section = traitlets.Unicode()

    def in_view(self, name: str) -> bool:
        """Whether a section may be looked at now: one that costs time to follow the selection waits until it is."""
        return self.section in ("", name)


@dataclass(frozen=True)
class Shared:
    """What the sections of one app share.

    Attributes
    ----------
    status : Status
        Line where progress and errors are shown; wrap handlers with :func:`heatlab.widgets.status.guard`.
    selection : Selection
        Observe it, and set it on a click.
    log : callable, optional
        ``log(entry)`` writes to the journal; None where there is none (hide what would log).
    theme : Theme
        To start with.
    """

    status: Status
    selection: Selection = field(default_factory=Selection)
    log: Callable[[JournalEntry], Any] | None = None
    theme: Theme = LIGHT


class Section(Protocol):
    """One part of a portfolio app. It is shown new data only while it is visible."""

    title: str
    name: str
    root: ipywidgets.Widget

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book; also called with an empty book, with unknown values and while only watching."""
        ...

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of its figures."""
        ...


class Deferred:
    """A section that is built when it is first shown: figures cost time, and most are never opened.

    Parameters
    ----------
    title, name : str
        Of the section.
    make : callable
        ``make() -> Section``.
    """

    def __init__(self, title: str, name: str, make: Callable[[], Section]) -> None:
        self.title, self.name = title, name
        self._make = make
        self._theme: Theme | None = None
        self.built: Section | None = None
        self.root = ipywidgets.Box([])
        self.root.add_class("hl-deferred")

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book; builds the section the first time."""
        self.build().show(inputs, view)

    def build(self) -> Section:
        """Build the section if it is not there yet."""
        if self.built is None:
            self.built = self._make()
            if self._theme is not None:
                self.built.set_theme(self._theme)
            self.root.children = (self.built.root,)
        return self.built

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of its figures, now or once they are there."""
        self._theme = theme
        if self.built is not None:
            self.built.set_theme(theme)


class Sections(ipywidgets.VBox):  # type: ignore[misc]
    """A bar of buttons over sections, one visible at a time; a hidden section is drawn when it is opened.

    Traits
    ------
    chosen : str
        Name of the visible section.
    """

    chosen = traitlets.Unicode()

    def __init__(self, sections: Sequence[Section], *, chosen: str = "") -> None:
        self._sections = {section.name: section for section in sections}
        self._given: tuple[BookInputs, RiskView] | None = None
        self._drawn: set[str] = set()
        options = [(section.title, section.name) for section in sections]
        self.bar = ipywidgets.ToggleButtons(options=options)
        self.bar.add_class("hl-sections")
        self.age = ipywidgets.HTML()
        super().__init__([self.bar, self.age, *(section.root for section in sections)])
        traitlets.link((self.bar, "value"), (self, "chosen"))
        self.observe(self._open, "chosen")
        self.bar.value = chosen if chosen in self._sections else sections[0].name
        first = self._sections[self.chosen]
        if isinstance(first, Deferred):
            first.build()  # its widgets go out with the page; ones made while a page loads may miss it
        self._open(None)

    def section(self, name: str) -> Section:
        """Section by its name; what a :class:`Deferred` one has built, once it has.

        Raises
        ------
        KeyError
            There is none of this name.
        """
        found = self._sections[name]
        return found.built if isinstance(found, Deferred) and found.built is not None else found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sections, in order."""
        return tuple(self._sections)

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Give every section a book; the visible one draws it now, the others when they are opened."""
        self._given, self._drawn = (inputs, view), set()
        self.age.value = age_html(view, inputs.now)
        self._open(None)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of every figure."""
        for section in self._sections.values():
            section.set_theme(theme)

    def _open(self, _change: Any) -> None:
        for name, section in self._sections.items():
            section.root.layout.display = "" if name == self.chosen else "none"
        if self._given is not None and self.chosen in self._sections and self.chosen not in self._drawn:
            self._drawn.add(self.chosen)
            self._sections[self.chosen].show(*self._given)


def age_html(view: RiskView, now: pd.Timestamp) -> str:
    """Say up to when everything below is, and which markets are behind by more than three of their bars."""
    table = view.heat.table
    hourly = table[table["timeframe"] == "1h"].dropna(subset=["age"]) if len(table) else table
    if hourly.empty:
        return ""
    last = now - hourly["age"].min()
    late = hourly[hourly["note"].str.startswith("stale")].drop_duplicates(["symbol", "venue"])
    text = f"Everything below is of the bars closed by {last:%Y-%m-%d %H:%M} UTC"
    text += "." if hourly["age"].min() < MINUTE else f", {show.age(hourly['age'].min())} ago by the source's clock."
    if len(late):
        named = [f"{row['symbol']} on {row['venue']} by {show.age(row['age'])}" for row in late.to_dict("records")]
        more = f" and {len(named) - MOST_LATE} more" if len(named) > MOST_LATE else ""
        text += f" Behind by more than three bars, greyed, not to be relied on: {', '.join(named[:MOST_LATE])}{more}."
    return f'<p class="hl-muted hl-age">{escape(text)}</p>'
