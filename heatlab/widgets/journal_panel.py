"""Journal panel: what was logged, the state at that moment, what came of it, and what was worth following."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from heatlab._checks import check_choice
from heatlab.domain import JOURNAL_KINDS, JournalEntry
from heatlab.figures import THEMES
from heatlab.figures.journal_figure import EntryFigure, ReviewFigure
from heatlab.portfolio.outcomes import GROUPS, HORIZONS, OutcomeSettings, review
from heatlab.widgets import journal_html as words
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.downloads import PictureLink, download_link
from heatlab.widgets.entry_list import EntryList
from heatlab.widgets.journal_form import JournalForm
from heatlab.widgets.journal_view import (
    ALL,
    DEFAULTS,
    MOST_COST,
    SETTINGS,
    SPANS,
    ZONES,
    JournalActions,
    JournalInputs,
    filtered,
    joined,
)
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.presence import Presence
from heatlab.widgets.status import Status, guard
from heatlab.widgets.styles import Stylesheet, stylesheet

MOST_ROWS = 300
BEFORE = pd.Timedelta(days=2)
HOW = (
    '<div class="hl-empty" role="status">The journal is empty. Entries come in from the other apps, where Log stands '
    "beside a reading, a threshold, an accepted pair or a proposed order, each with the state at that moment: start "
    'with <a class="hl-link" href="portfolio_heat.ipynb">portfolio heat</a> or '
    '<a class="hl-link" href="concentration.ipynb">concentration</a>. Or write one with the form on this page.</div>'
)


class JournalPanel(ipywidgets.VBox):  # type: ignore[misc]
    """List, detail and review of a journal, and a form to write in it.

    Parameters
    ----------
    load : callable
        ``load() -> JournalInputs``; it runs in a thread where an event loop runs. It may take ``progress`` and
        ``cancel`` as :func:`heatlab.widgets.panel_parts.loader` says.
    actions : JournalActions
    defaults : mapping, optional
        Settings to start with, keys as in :meth:`settings`.
    style : Stylesheet, optional
        Of the page; one of its own without.

    Traits
    ------
    state : dict
        The settings in force.
    """

    state = traitlets.Dict()

    def __init__(
        self,
        load: Callable[..., JournalInputs],
        actions: JournalActions,
        *,
        defaults: Mapping[str, Any] | None = None,
        style: Stylesheet | None = None,
    ) -> None:
        self._actions, self._wanted = actions, {**DEFAULTS, **(defaults or {})}
        self._followers = parts.Followers()
        self._inputs: JournalInputs | None = None
        self.shown = self.review = pd.DataFrame()
        self.status, self.note_status = Status("Starting", state="busy"), Status("")
        self.style_sheet = style or stylesheet()
        theme = THEMES[self.style_sheet.theme]
        self.chart, self.figure = EntryFigure(theme=theme), ReviewFigure(theme=theme)
        self.panes = [BokehPane(self.chart.root), BokehPane(self.figure.root, waiting="Drawing the review")]
        self._make_controls()
        self.form = JournalForm(self._add)
        self.list = EntryList(words.HEADS)
        self.header, self.message, self.figures = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.detail, self.moment, self.table = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.permalink, self.notes = ipywidgets.HTML(), ipywidgets.HTML()
        self._prepare(load)
        super().__init__(self._layout())
        self.add_class("hl-app")
        self._follow()
        self.reload()

    def settings(self) -> dict[str, Any]:
        """Return the settings in force: filters, ``horizon``, ``cost`` [%], ``by`` of the review and ``entry``."""
        chosen = {name: control.value for name, control in self.controls.items()}
        return {**chosen, "entry": self.list.value}

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Change filters, horizon, review or entry; a symbol or entry the journal does not hold is ignored.

        Raises
        ------
        ParameterError
            A name is no setting, or a value is none of its choices.
        """
        for name, value in settings.items():
            check_choice("settings", name, SETTINGS, caller="JournalPanel.apply")
            if name == "entry":
                self.list.value = value if value in [row["number"] for row in self.list.rows] else self.list.value
            elif name == "symbol" and value not in _values(self.controls["symbol"]):
                continue
            else:
                self._set(name, value)

    def on_change(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change."""
        self._followers.add(callback)

    def reload(self) -> None:
        """Read the journal again, fill in outcomes, and redraw."""
        self.status.busy("Reading the journal and the prices after its entries")
        if self._inputs is None:
            self.message.value = parts.message_html("Reading the journal", kind="hl-skeleton")
        self._refresh(load=True)

    async def settled(self) -> None:
        """Wait until list and detail are up to date."""
        await self._refresh.settled()
        await self._redraw.settled()

    def _make_controls(self) -> None:
        dropdown = ipywidgets.Dropdown
        self.controls: dict[str, Any] = {
            "kind": dropdown(description="Kind", options=[("all", ALL), *((kind, kind) for kind in JOURNAL_KINDS)]),
            "symbol": dropdown(description="Symbol", options=[("all", ALL)]),
            "zone": dropdown(description="Zone", options=[("all", ALL), *((zone, zone) for zone in ZONES)]),
            "since": dropdown(description="Since", options=list(SPANS), value="all"),
            "search": ipywidgets.Text(description="Search", placeholder="words", continuous_update=False),
            "horizon": dropdown(description="Outcome", options=list(HORIZONS), value="3d"),
            "cost": ipywidgets.BoundedFloatText(description="Cost [%]", value=0.1, min=0, max=MOST_COST, step=0.01),
            "by": ipywidgets.ToggleButtons(options=list(GROUPS), value="kind"),
        }
        self.controls["cost"].tooltip = "Round trip of fees and spread, taken off every outcome"
        self.note = ipywidgets.Text(placeholder="a later thought; the entry stays as it is")
        self.add_note = ipywidgets.Button(description="Add note", icon="plus")

    def _set(self, name: str, value: Any) -> None:
        control = self.controls[name]
        if name not in ("search", "cost"):
            check_choice(name, value, _values(control), caller="JournalPanel.apply")
        control.value = value

    def _prepare(self, load: Callable[..., JournalInputs]) -> None:
        fetch = parts.loader(load)
        self._refresh = parts.Refresher(
            settings=lambda: None,
            load=lambda _settings, loading: fetch(loading=loading),
            compute=lambda inputs, _settings: inputs,
            display=lambda inputs, _result, _settings: self._display(inputs),
            status=self.status,
            name=lambda _settings: "the prices after the entries",
        )
        self._redraw = parts.Refresher(
            settings=self._chosen,
            load=lambda entry, loading: self._bars(entry),  # noqa: ARG005 - called by this name
            compute=lambda bars, _entry: bars,
            display=lambda bars, _result, entry: self._draw(bars, entry),
            status=self.note_status,
            name=lambda _entry: "prices",
        )

    def _follow(self) -> None:
        for name, control in self.controls.items():
            control.observe(guard(self._regroup if name == "by" else self._show, self.status), "value")
        self.list.observe(guard(self._selected, self.status), "value")
        self.add_note.on_click(guard(self._note, self.note_status))
        self.style_sheet.observe(guard(self._retheme, self.status), "theme")

    def _layout(self) -> list[Any]:
        links = [
            download_link("journal.csv", self._actions.export, label="Journal as CSV"),
            download_link("review.csv", lambda: self.review.to_csv(index=False).encode(), label="Review as CSV"),
            PictureLink(name="journal.png"),
        ]
        buttons = parts.reload_buttons(self.reload, self._refresh, self.status)
        bar = _box([buttons, self.status, *links, self.permalink, parts.FullScreen()], "hl-toolbar")
        names = ("kind", "symbol", "zone", "since", "search", "horizon", "cost")
        head = ipywidgets.HTML("<h2>Filter and outcome</h2>")
        head.add_class("hl-wide")
        controls = ipywidgets.VBox([head, *(self.controls[name] for name in names), self.form])
        controls.add_class("hl-controls")
        later = _box([self.note, self.add_note, self.note_status], "hl-toolbar")
        words_of_entry = ipywidgets.VBox([self.detail, later])
        self.entry_box = _box(
            [words_of_entry, ipywidgets.VBox([self.panes[0], self.moment])], "hl-row", "hl-panel", "hl-entry"
        )
        group = _box([ipywidgets.HTML("<h2>What was worth following, by</h2>"), self.controls["by"]], "hl-toolbar")
        self.review_box = ipywidgets.VBox([group, self.panes[1], self.table])
        self.content = ipywidgets.VBox([self.figures, self.list, self.entry_box, self.review_box])
        self.content.layout.display = "none"
        main = ipywidgets.VBox([bar, self.message, self.content, self.notes])
        main.add_class("hl-main")
        return [self.style_sheet, Presence(lambda: None), self.header, _box([controls, main], "hl-body")]

    def _display(self, inputs: JournalInputs) -> None:
        self._inputs = inputs
        symbol = self.controls["symbol"]
        options = [("all", ALL), *((one, one) for one in sorted({*inputs.entries["symbol"]} - {""}))]
        if list(symbol.options) != options:
            kept = symbol.value
            symbol.options = options
            symbol.value = kept if kept in [value for _, value in options] else ALL
        self.form.offer(inputs.markets)
        self.message.value = "" if len(inputs.entries) else HOW
        self.content.layout.display = "" if len(inputs.entries) else "none"
        place = (
            f'<p class="hl-muted">Kept in <code>{escape(inputs.place)}</code>; nothing in it is ever changed. '
            "The file itself is yours: remove it, and a new one begins at number 1.</p>"
        )
        self.notes.value = parts.notices_html(inputs.notices) + (place if inputs.place else "")
        wanted, self._wanted = self._wanted, {}
        self.apply({name: value for name, value in wanted.items() if name != "entry"})
        self._show(None)
        self.apply({name: value for name, value in wanted.items() if name == "entry"})

    def _show(self, _change: Any) -> None:
        inputs = self._inputs
        if inputs is None:
            return
        settings = self.settings()
        table = joined(inputs, horizon=settings["horizon"], cost=settings["cost"] / 100)
        self.shown = filtered(table, settings, now=inputs.now)
        drawn = self.shown.head(MOST_ROWS)
        more = f"; the newest {len(drawn)} are listed, all are in the CSV" if len(drawn) < len(self.shown) else ""
        caption = f"{len(self.shown):,} of {len(table):,} entries, newest first{more}. ▲ beats the cost, ▼ does not"
        self.list.heads = [head.format(horizon=settings["horizon"]) for head in words.HEADS]
        self.list.show(words.list_rows(drawn), caption=caption, empty="No entry passes the filter: widen it.")
        self._regroup(None)
        self._say_what(inputs, len(table))
        self._selected(None)

    def _regroup(self, _change: Any) -> None:
        settings = self.settings()
        scoring = OutcomeSettings(cost=settings["cost"] / 100)
        self.review = review(self.shown, by=settings["by"], settings=scoring)
        total = review(self.shown.assign(kind="all"), by="kind", settings=scoring)
        self.figures.value = words.figures_html(self.shown, total, horizon=settings["horizon"])
        self.figure.update(self.review)
        self.panes[1].layout.display = "" if (self.review["decided"] > 0).any() else "none"
        self.table.value = words.review_html(self.review, by=settings["by"], horizon=settings["horizon"])
        self._tell()

    def _say_what(self, inputs: JournalInputs, count: int) -> None:
        self.header.value = parts.header_html(
            "Journal",
            source_name=inputs.source_name,
            is_simulated=inputs.is_simulated,
            facts=(f"{count:,} entr{'y' if count == 1 else 'ies'}",),
            now=inputs.now,
            age=pd.NaT,
        )
        missing = int((self.shown["status"] == "no prices").sum()) if count else 0
        if missing:
            self.status.stale(f"{missing} of {len(self.shown)} entries shown have no prices after them")
        else:
            self.status.ready(f"{len(self.shown):,} of {count:,} entries shown")

    def _chosen(self) -> dict[str, Any] | None:
        rows = self.shown[self.shown["number"] == self.list.value] if len(self.shown) else self.shown
        return None if rows.empty else {str(name): value for name, value in rows.iloc[0].items()}

    def _selected(self, _change: Any) -> None:
        entry, inputs = self._chosen(), self._inputs
        self.entry_box.layout.display = "none" if entry is None else ""
        self._tell()
        if entry is None or inputs is None:
            return
        over = inputs.outcomes[inputs.outcomes["number"] == entry["number"]]
        self.detail.value = words.entry_html(entry, over, self._actions.notes(int(entry["number"])))
        self.moment.value = words.state_html(entry["state"])
        self.note_status.ready("")
        self._redraw(load=True)

    def _bars(self, entry: Mapping[str, Any] | None) -> pd.DataFrame:
        if entry is None or not entry["symbol"] or self._inputs is None or entry["status"] == "other market":
            return pd.DataFrame({"close": []}, index=pd.DatetimeIndex([], tz="UTC"))
        length = pd.Timedelta(self.controls["horizon"].value.upper())
        end = min(entry["at"] + length + BEFORE / 2, self._inputs.now)
        return self._actions.bars(entry["symbol"], entry["venue"], entry["at"] - BEFORE, end)

    def _draw(self, bars: pd.DataFrame, entry: Mapping[str, Any] | None) -> None:
        chart = self.panes[0]
        chart.layout.display = "none" if entry is None or not entry["symbol"] else ""
        if entry is None or self._inputs is None:
            return
        over = self._inputs.outcomes
        row = over[(over["number"] == entry["number"]) & (over["horizon"] == self.controls["horizon"].value)]
        if bars.empty:
            self.chart.clear(title=words.WHY.get(str(entry["status"]), "no prices around this entry"))
        else:
            outcome = next(iter(row.to_dict("records")), None)
            self.chart.update(bars, at=entry["at"], outcome=outcome, side=int(entry["side"]))

    def _add(self, entry: JournalEntry) -> int:
        number = self._actions.add(entry)
        self._wanted = {"entry": number}
        self.reload()
        return number

    def _note(self, _button: Any) -> None:
        self._actions.note(self.list.value, self.note.value)
        self.note.value = ""
        self._selected(None)
        self.note_status.ready(f"Noted on #{self.list.value}")

    def _tell(self) -> None:
        self.state = self.settings()
        told = {name: value for name, value in self.state.items() if value != DEFAULTS[name]}
        self.permalink.value = parts.permalink_html(told)
        self._followers.tell(self.state)

    def _retheme(self, change: Any) -> None:
        for figure in (self.chart, self.figure):
            figure.set_theme(THEMES[change["new"]])


def _box(children: list[Any], *classes: str) -> ipywidgets.Box:
    box = ipywidgets.Box(children)
    for name in classes:
        box.add_class(name)
    return box


def _values(control: Any) -> list[Any]:
    return [one[1] if isinstance(one, tuple) else one for one in control.options]
