"""A portfolio app: one book, what matters about it in a strip on top, and sections below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from heatlab._checks import check_choice
from heatlab.domain import JournalEntry
from heatlab.figures import THEMES, position_label
from heatlab.figures import format as show
from heatlab.figures.heat_grid import arrow
from heatlab.heat import zone_label
from heatlab.portfolio.measure import RiskSettings
from heatlab.portfolio.risk_study.record import warning_words
from heatlab.portfolio.thresholds import ThresholdOverride, regime
from heatlab.portfolio.view import RiskView
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.auto_reload import AutoReload
from heatlab.widgets.downloads import PictureLink
from heatlab.widgets.heat_section import override_html
from heatlab.widgets.sections import BookInputs, Section, Sections, Selection, Shared
from heatlab.widgets.status import Status, guard
from heatlab.widgets.styles import Stylesheet, stylesheet

BADGES = {"green": "hl-good", "amber": "hl-amber", "red": "hl-bad"}
LEVELS = {"alert": "hl-bad", "watch": "hl-amber", "none": "hl-good"}
RULES = {
    "none": "no rule is triggered",
    "halve": "halve every position",
    "to cash": "close the marginal positions, halve the rest, stay in cash",
}
OWN_BOOK = ""
"""The positions of the source itself, among the books to choose from."""


@dataclass(frozen=True)
class Asked:
    """What a refresh is asked for, read once from the controls."""

    book: str
    override: ThresholdOverride | None


class BookPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Portfolio app around sections.

    Parameters
    ----------
    title : str
    load : callable
        ``load(book) -> BookInputs`` in a thread; ``book`` is a name among ``books``. Where it takes ``progress`` and
        ``cancel`` it gets them: a function of done, total and text, and a ``threading.Event``.
    measure : callable
        ``measure(inputs, override) -> RiskView`` in a thread.
    sections : callable
        ``sections(shared, panel) -> sequence of Section``.
    books : mapping of label to name
        Books to choose from; ``""`` is the source's own.
    settings : RiskSettings, optional
        For the words on the strip.
    override : ThresholdOverride, optional
        Thresholds set by hand, in force from the start.
    on_override : callable, optional
        Told of each change of the override, to keep it.
    log : callable, optional
        Writes a :class:`heatlab.domain.JournalEntry`.
    defaults : mapping, optional
        ``section``, ``position``, ``timeframe``, ``book`` to start with.
    picture : str
        File name of the picture of the page's figures.
    style : Stylesheet, optional

    Traits
    ------
    state : dict
        section, position, timeframe and book in force.
    """

    state = traitlets.Dict()

    def __init__(
        self,
        title: str,
        load: Callable[..., BookInputs],
        *,
        measure: Callable[[BookInputs, ThresholdOverride | None], RiskView],
        sections: Callable[[Shared, BookPanel], Sequence[Section]],
        books: Mapping[str, str] | None = None,
        settings: RiskSettings | None = None,
        override: ThresholdOverride | None = None,
        on_override: Callable[[ThresholdOverride | None], Any] | None = None,
        log: Callable[[JournalEntry], Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        picture: str = "heatlab.png",
        style: Stylesheet | None = None,
    ) -> None:
        self._title, self._settings = title, settings or RiskSettings()
        self.override, self._on_override = override, on_override
        self._wanted = dict(defaults or {})
        self._followers = parts.Followers()
        self._viewers: list[Callable[[BookInputs, RiskView], Any]] = []
        self.inputs: BookInputs | None = None
        self.view: RiskView | None = None
        self.status = Status("Starting", state="busy")
        self.style_sheet = style or stylesheet()
        self.selection = Selection()
        theme = THEMES[self.style_sheet.theme]
        self.header, self.message, self.summary = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.callouts, self.notes, self.permalink = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        named = dict(books or {"of the source": OWN_BOOK})
        self.book = ipywidgets.Dropdown(description="Book", options=list(named.items()), value=OWN_BOOK)
        if self._wanted.get("book") in named.values():
            self.book.value = self._wanted["book"]
        shared = Shared(status=self.status, selection=self.selection, log=log, theme=theme)
        self.sections = Sections(sections(shared, self), chosen=str(self._wanted.get("section", "")))
        fetch = parts.loader(load)
        self._refresh = parts.Refresher(
            settings=lambda: Asked(self.book.value, self.override),
            load=lambda asked, loading: fetch(asked.book, loading=loading),
            compute=lambda inputs, asked: measure(inputs, asked.override),
            display=lambda inputs, view, _asked: self._display(inputs, view),
            status=self.status,
            name=lambda _asked: "positions and bars",
        )
        self.sections.layout.display = "none"  # until there is a book to show
        super().__init__(self._layout(picture))
        self.add_class("hl-app")
        self._listen()
        self.reload()

    def settings(self) -> dict[str, Any]:
        """Return what the reader chose: section, position (its label), timeframe, book."""
        label = position_label(*self.selection.position) if self.selection.position else ""
        chosen = {"section": self.sections.chosen, "position": label, "timeframe": self.selection.timeframe}
        return chosen | ({"book": self.book.value} if self.book.value else {})

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Choose section, position or bars; a position the book does not hold is ignored.

        Raises
        ------
        ParameterError
            A name is no setting, or the section or the bars are none of those shown.
        """
        caller = "BookPanel.apply"
        for name in settings:
            check_choice("settings", name, ("section", "position", "timeframe"), caller=caller)
        if "timeframe" in settings:
            frames = self._settings.heat.timeframes
            check_choice("timeframe", settings["timeframe"], frames, caller=caller)
            self.selection.timeframe = settings["timeframe"]
        if "section" in settings:
            check_choice("section", settings["section"], self.sections.names, caller=caller)
            self.sections.chosen = settings["section"]
        for key in self._keys():
            if position_label(*key) == settings.get("position"):
                self.selection.position = key

    def on_change(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change."""
        self._followers.add(callback)

    def on_view(self, callback: Callable[[BookInputs, RiskView], Any]) -> None:
        """Call ``callback(inputs, view)`` with every new view, whatever section is shown."""
        self._viewers.append(callback)

    def remeasure(self) -> None:
        """Measure the book at hand again and redraw: a setting has changed."""
        if self.inputs is not None:
            self._refresh(load=False)

    def reload(self) -> None:
        """Load positions and bars again and redraw."""
        self.status.busy("Loading positions and bars")
        if self.view is None:
            self.message.value = parts.message_html("Loading positions and bars", kind="hl-skeleton")
        self._refresh(load=True)

    def set_override(self, override: ThresholdOverride | None) -> None:
        """Put thresholds in force by hand, or go back to the adaptive ones; everything is measured again."""
        self.override = override
        if self._on_override is not None:
            self._on_override(override)
        self.remeasure()

    def offer_books(self, books: Mapping[str, str], *, choose: str | None = None) -> None:
        """Offer other books, and change to one of them."""
        kept = self.book.value if choose is None else choose
        with self.hold_trait_notifications():
            self.book.options = list(books.items())
            self.book.value = kept if kept in books.values() else OWN_BOOK
        if choose is not None:
            self.reload()

    async def settled(self) -> None:
        """Wait until the view is up to date."""
        await self._refresh.settled()

    def _layout(self, picture: str) -> list[Any]:
        self.auto = AutoReload(self.reload, busy=lambda: self.status.state == "busy")
        tools = [self.book, self.auto, self.status, PictureLink(name=picture), self.permalink, parts.FullScreen()]
        bar = ipywidgets.Box([parts.reload_buttons(self.reload, self._refresh, self.status), *tools])
        bar.add_class("hl-toolbar")
        main = ipywidgets.VBox([bar, self.message, self.callouts, self.summary, self.sections, self.notes])
        main.add_class("hl-main")
        body = ipywidgets.Box([main])
        body.add_class("hl-body")
        return [self.style_sheet, self.header, body]

    def _listen(self) -> None:
        self.selection.observe(guard(self._chose, self.status), ["position", "timeframe"])
        self.sections.observe(guard(self._chose, self.status), "chosen")
        traitlets.dlink((self.sections, "chosen"), (self.selection, "section"))
        self.book.observe(guard(self._changed_book, self.status), "value")
        self.style_sheet.observe(guard(self._retheme, self.status), "theme")
        self.status.observe(self._failed, "state")

    def _failed(self, change: Any) -> None:
        """Take the skeleton away where nothing will come; the status line says why."""
        if change["new"] == "error" and self.view is None:
            self.message.value = parts.message_html("Nothing to show: the line above says why. Reload tries again.")

    def _display(self, inputs: BookInputs, view: RiskView) -> None:
        self.inputs, self.view = inputs, view
        wanted, self._wanted = self._wanted, {}
        if wanted:
            self.apply({name: value for name, value in wanted.items() if name in ("position", "timeframe") and value})
        if self.selection.position not in self._keys():
            self.selection.position = next(iter(self._keys()), ())
        self.message.value = _message(inputs)
        self.sections.layout.display = ""
        self.callouts.value = late_html(inputs) + override_html(self.override) + state_html(view)
        self.summary.value = summary_html(view, self._settings)
        self.notes.value = parts.notices_html(inputs.notices)
        self._say_what(inputs, view)
        for viewer in self._viewers:
            viewer(inputs, view)
        self.sections.show(inputs, view)
        self._chose(None)

    def _say_what(self, inputs: BookInputs, view: RiskView) -> None:
        table = view.heat.table
        ages = table["age"].dropna()
        self.header.value = parts.header_html(
            self._title,
            source_name=inputs.source_name,
            is_simulated=inputs.is_simulated,
            facts=(
                "watch list, no positions" if inputs.watching else f"{len(inputs.positions)} positions",
                f"book: {self.book.label}" if self.book.value else "",
            ),
            now=inputs.now,
            age=ages.min() if len(ages) else pd.NaT,
        )
        stale = int(table["note"].str.startswith("stale").sum())
        wholly = bool(stale) and stale == int(table["heat"].notna().sum())
        (self.sections.add_class if wholly else self.sections.remove_class)("hl-stale")
        if stale:
            self.status.stale(
                f"{stale} of {len(table)} readings are older than three bars: reload, or check the source"
            )
        else:
            self.status.ready(f"{int(table['heat'].notna().sum())} of {len(table)} readings known")

    def _keys(self) -> list[tuple[str, str, int]]:
        if self.view is None:
            return []
        rows = self.view.heat.overall[["symbol", "venue", "side"]].itertuples(index=False, name=None)
        return [(str(symbol), str(venue), int(side)) for symbol, venue, side in rows]

    def _chose(self, _change: Any) -> None:
        if self.view is None:
            return
        self.state = self.settings()
        self.permalink.value = parts.permalink_html(self.state)
        self._followers.tell(self.state)

    def _changed_book(self, _change: Any) -> None:
        self.reload()

    def _retheme(self, change: Any) -> None:
        self.sections.set_theme(THEMES[change["new"]])


def summary_html(view: RiskView, settings: RiskSettings) -> str:
    """Strip of what matters: heat and rule, bets, largest cluster, systemic warning, regime."""
    book = view.heat
    zone = zone_label(book.zone)
    number = f"{show.number(book.book_heat, 1)} {arrow(book.zone)}"
    badge = f'<span class="hl-badge {BADGES.get(zone, "")}" style="font-size:22px">{number}</span> '
    heat = f"{badge if np.isfinite(book.book_heat) else ''}{zone}"
    bets = f"{show.number(view.measures.effective_principal_bets, 1)} in {len(view.positions)} positions"
    levels = book.table["volatility_percentile"].dropna()
    percentile = float(levels.mean()) if len(levels) else float("nan")
    label = regime(percentile) + ("" if np.isnan(percentile) else f", percentile {percentile * 100:.0f}")
    cells = [
        ("Portfolio heat, 0 to 100", heat, False),
        ("Rule in force", _rule_html(view, settings), True),
        ("Independent bets", bets, False),
        ("Largest cluster", _largest(view), True),
        ("Red together", _systemic(view), True),
        ("Volatility regime, mean", label, True),
    ]
    body = "".join(
        f'<div class="hl-figure" role="group" aria-label="{name}"><div class="hl-figure-name">{name}</div>'
        f'<div class="hl-figure-value{" hl-small" if small else ""}">{text}</div></div>'
        for name, text, small in cells
    )
    return f'<div class="hl-figures">{body}</div>'


def late_html(inputs: BookInputs) -> str:
    """Say loudly that a source's data ended days ago; nothing for a simulated market."""
    late = "" if inputs.is_simulated else parts.behind(inputs.now)
    if not late:
        return ""
    text = f"These data end {inputs.now:%Y-%m-%d %H:%M} UTC{late}: every figure and alert here is as of then, not live."
    return f'<div class="hl-callout hl-error" role="alert">{escape(text)}</div>'


def state_html(view: RiskView) -> str:
    """Callouts for a market whose history is not to be trusted, and for a systemic warning."""
    lines = [("hl-warning", words) for words in view.state.words]
    if view.systemic.level in ("alert", "watch"):
        kind = "hl-error" if view.systemic.level == "alert" else "hl-warning"
        lines.insert(0, (kind, f"{view.systemic.words} {warning_words()}"))
    return "".join(f'<div class="hl-callout {kind}" role="status">{escape(text)}</div>' for kind, text in lines)


def _rule_html(view: RiskView, settings: RiskSettings) -> str:
    """Rule that fires, and below what each of them does."""
    limits = f"halve below {settings.rules.halve_below:g}, to cash below {settings.rules.cash_below:g}"
    return f'{escape(_rule(view, settings))}<span class="hl-range">{limits}</span>'


def _rule(view: RiskView, settings: RiskSettings) -> str:
    if view.heat.coverage < settings.rules.coverage:
        return f"none: the heat is known for only {view.heat.coverage:.0%} of the book"
    return RULES.get(view.heat.rule, view.heat.rule)


def _largest(view: RiskView) -> str:
    known = view.cluster_shares
    if known.empty:
        return "unknown"
    row = known.iloc[0]
    badge = f' <span class="hl-badge {LEVELS[row["level"]]}">{row["level"]}</span>' if row["level"] else ""
    gross, risk = (show.number(100 * row[name], 0) for name in ("gross_share", "risk_share"))
    return f"{escape(str(row['name']))}: {gross} % of size, {risk} % of risk{badge}"


def _systemic(view: RiskView) -> str:
    found = view.systemic
    if found.level == "unknown":
        return "unknown: one cluster, or too little history"
    badge = f'<span class="hl-badge {LEVELS.get(found.level, "")}">{found.level}</span>'
    return f"{found.together:g} of {found.clusters} clusters, p = {show.number(found.p_value, 3)} {badge}"


def _message(inputs: BookInputs) -> str:
    how = "Type yours in under Positions, load them with --positions FILE.csv, or use a read-only exchange key."
    if inputs.watching:
        text = f"No positions here: markets are shown as if held long, and no rule applies. {how}"
        return f'<div class="hl-callout" role="status">{escape(text)}</div>'
    return parts.message_html(f"No positions. {how}") if inputs.positions.empty else ""
