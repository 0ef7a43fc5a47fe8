"""Replay section: a year of hourly states behind a slider, and the map as it stood before each of the worst falls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab import heat
from heatlab.domain import JournalEntry
from heatlab.figures import format as show
from heatlab.figures.replay_figure import ReplayFigure
from heatlab.figures.tables import html_table
from heatlab.figures.theme import Theme
from heatlab.portfolio.replay.drawdowns import HeatBefore, heat_before, states_before, worst_drawdowns
from heatlab.portfolio.replay.prepare import prepare_replay
from heatlab.portfolio.replay.record import Replay
from heatlab.portfolio.replay.snapshots import Row, replay_from_snapshots
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import in_thread
from heatlab.widgets.downloads import download_link
from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import Loading, message_html
from heatlab.widgets.replay_player import ReplayPlayer
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

FALLS = 5
LEAST = 48
"""Hours there must be before there is anything to play."""

PRICES, SNAPSHOTS = "prices", "snapshots"
WHAT = {
    PRICES: "Rebuilt from prices: today's quantities held all along. Every hour uses only bars closed by then, so the "
    "map is the one you would have seen, but of today's book, not of what you held.",
    SNAPSHOTS: "Stored snapshots: what was on screen at each refresh, with the book held then. Gaps are shown as gaps.",
}
LEGEND = (
    "Each cell: momentum heat at that hour, ▲ green, ● amber, ▼ red zone, with it the thresholds then in force, "
    "red|green. all = mean over the bars. risk = share of the book's risk, number and bar; negative = hedge. Hatched = "
    "unknown or old. Click a timeline to jump; on the slider: arrows 1 h, Page keys 1 day, Space plays."
)


@dataclass(frozen=True)
class Prepared:
    """A replay and what was found in it."""

    replay: Replay
    falls: pd.DataFrame
    comparison: HeatBefore


class ReplaySection:
    """Slider and play button over the past year of a book.

    Parameters
    ----------
    shared : Shared
    snapshots : callable, optional
        ``snapshots(inputs)`` returns stored states as :func:`heatlab.portfolio.replay.replay_from_snapshots` takes
        them; it runs in a thread. Without it there is no choice.
    settings : callable, optional
        ``settings() -> HeatSettings`` in force.
    span : str
        How far back prices are replayed.
    """

    title, name = "Replay", "replay"

    def __init__(
        self,
        shared: Shared,
        *,
        snapshots: Callable[[BookInputs], Sequence[Row]] | None = None,
        settings: Callable[[], heat.HeatSettings] = heat.HeatSettings,
        span: str = "365D",
    ) -> None:
        self._shared, self._snapshots, self._settings, self._span = shared, snapshots, settings, span
        self._given: tuple[BookInputs, RiskView] | None = None
        self._loading: Loading | None = None
        self._key: tuple[Any, ...] | None = None
        self.prepared: Prepared | None = None
        self.figure = ReplayFigure(theme=shared.theme)
        self.player = ReplayPlayer(self.figure)
        options = [("this book, rebuilt from prices", PRICES), ("stored snapshots", SNAPSHOTS)]
        self.kind = ipywidgets.Dropdown(description="Replay of", options=options if snapshots else options[:1])
        self.cancel_button = ipywidgets.Button(description="Cancel", tooltip="Give up preparing", disabled=True)
        self.log_button = LogButton(shared.log, self.entry, label="Log this hour")
        self.what, self.message, self.notes, self.table, self.comparison = (ipywidgets.HTML() for _ in range(5))
        self.falls = ipywidgets.Box([])
        self.falls.add_class("hl-toolbar")
        self.pane = BokehPane(self.figure.root, waiting="Drawing the replay")
        self.body = ipywidgets.VBox([self.player, self.falls, self.pane, self.notes, self.table, self.comparison])
        self.body.layout.display = "none"
        self.root = ipywidgets.VBox([self._bar(), self.what, self.message, self.body])
        self._latest = LatestWins(guard(self._begin, shared.status))
        self.kind.observe(guard(lambda _: self.prepare(), shared.status), "value")
        self.cancel_button.on_click(guard(lambda _: self.cancel(), shared.status))

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Prepare the replay of a book, in a thread where an event loop runs; the same book and hour are kept."""
        self._given = inputs, view
        if self._wanted() != self._key:
            self.prepare()

    def prepare(self) -> None:
        """Prepare again; a preparation under way is overtaken."""
        if self._loading is not None:
            self._loading.cancel.set()
        self._latest(None)

    def cancel(self) -> None:
        """Give up the preparation under way: what was shown stays."""
        if self._loading is not None:
            self._loading.cancel.set()
            self._shared.status.stale("Replay: cancelled")

    async def settled(self) -> None:
        """Wait until the replay is up to date."""
        await self._latest.settled()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figure."""
        self._sync()
        self.figure.set_theme(theme)

    def csv(self) -> bytes:
        """Book by hour as CSV; empty before there is a replay."""
        return b"" if self.prepared is None else book_by_hour(self.prepared.replay).to_csv().encode()

    def _bar(self) -> ipywidgets.Box:
        link = download_link("replay.csv", self.csv, label="Book by hour as CSV")
        bar = ipywidgets.Box(
            [self.kind, self.cancel_button, *([] if self._shared.log is None else [self.log_button]), link]
        )
        bar.add_class("hl-toolbar")
        return bar

    def _wanted(self) -> tuple[Any, ...] | None:
        if self._given is None:
            return None
        inputs = self._given[0]
        held = inputs.positions[["symbol", "venue", "side", "quantity"]].itertuples(index=False)
        rows = tuple(map(repr, held))
        stamp = inputs.now.floor("h") if self.kind.value == PRICES else inputs.now
        return self.kind.value, inputs.source_name, stamp, rows, self._settings()

    def _begin(self, _value: Any) -> Any:
        task = self._started()
        if task is None:
            return None
        return in_thread(
            lambda: self._work(*task),
            lambda found: self._ended(found, task),
            self._shared.status,
            failed=lambda error: self._failed(str(error)),
        )

    def _ended(self, found: Prepared, task: tuple[Any, ...]) -> None:
        self.cancel_button.disabled, self._loading = True, None
        if not task[-1].cancel.is_set():
            self._done(found, task)
        elif self.prepared is None:
            self._failed("Cancelled. Choose what to replay to prepare it again.")

    def _started(self) -> tuple[Any, ...] | None:
        if self._given is None:
            return None
        self._loading = Loading(self._shared.status.busy, "the replay")
        self.cancel_button.disabled = False
        self._say(self.kind.value, self._given[0])
        if self.prepared is None:
            self.message.value = message_html("Preparing the replay", kind="hl-skeleton")
        return self._given, self.kind.value, self._settings(), self._wanted(), self._loading

    def _work(
        self, given: tuple[BookInputs, RiskView], kind: str, settings: heat.HeatSettings, _key: Any, loading: Loading
    ) -> Prepared:
        inputs, view = given
        if kind == SNAPSHOTS and self._snapshots is not None:
            replay = replay_from_snapshots(self._snapshots(inputs), settings=settings)
        else:
            replay = prepare_replay(
                inputs.positions, inputs.candles, now=inputs.now, span=self._span, clusters=view.clusters,
                settings=settings, progress=loading.progress, cancel=loading.cancel,
            )  # fmt: skip
        falls = states_before(replay, worst_drawdowns(pd.Series(replay.value, index=replay.times), most=FALLS))
        return Prepared(replay, falls, heat_before(replay, falls))

    def _done(self, found: Prepared, task: tuple[Any, ...]) -> None:
        settings, self._key = task[2], task[3]
        self.prepared = found
        replay = found.replay
        least = 2 if replay.source == SNAPSHOTS else LEAST
        if len(replay) < least or replay.positions.empty:
            self._failed(" ".join(replay.notes) or f"Too little history: {len(replay)} of {least} states.")
            self._shared.status.ready("Replay: nothing to play yet")
            return
        self.message.value, self.body.layout.display = "", ""
        self.figure.update(replay, found.falls, green=settings.green, red=settings.red)
        self.player.renew(len(replay) - 1)
        self.falls.children = [ipywidgets.HTML("<b>The hour before:</b>"), *self._buttons(found)]
        self.falls.layout.display = "" if len(found.falls) else "none"
        self.notes.value, self.table.value = self._notes_html(replay), drawdowns_html(found.falls)
        self.comparison.value = comparison_html(found.comparison)
        self._shared.status.ready(f"Replay: {len(replay):,} states, {self.figure.drawn} positions drawn")

    def _failed(self, text: str) -> None:
        self.cancel_button.disabled, self._loading = True, None
        self.message.value = message_html(text)
        self.body.layout.display = "none"

    def _buttons(self, found: Prepared) -> list[ipywidgets.Button]:
        buttons = []
        for k, row in enumerate(found.falls.to_dict("records"), start=1):
            text = f"Drawdown {k}: {show.usd(row['depth'])}"
            tip = f"The map at {row['start']:%Y-%m-%d %H:%M} UTC, before drawdown {k}"
            button = ipywidgets.Button(description=text, tooltip=tip, layout=ipywidgets.Layout(width="auto"))
            button.on_click(guard(lambda _, start=row["start"]: self.go(start), self._shared.status))
            buttons.append(button)
        return buttons

    def go(self, time: pd.Timestamp) -> None:
        """Show the last state at or before a time."""
        if self.prepared is not None:
            self.player.frame = self.prepared.replay.at(time)

    def _say(self, kind: str, inputs: BookInputs) -> None:
        text = WHAT[kind]
        if inputs.watching and kind == PRICES:
            text += " There are no positions: heat is shown, a value and shares of risk are not known."
        self.what.value = f'<div class="hl-callout" role="note">{escape(text)}</div>'

    def _notes_html(self, replay: Replay) -> str:
        notes = list(replay.notes)
        if self.figure.drawn < len(replay.positions):
            notes.append(f"The {self.figure.drawn} largest of {len(replay.positions)} positions are drawn; all count.")
        if replay.every > 1:
            notes.append(f"With this many symbols the covariance is estimated every {replay.every} hours.")
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        return f'<p class="hl-muted">{escape(LEGEND)}</p>' + (f'<ul class="hl-muted">{items}</ul>' if items else "")

    def _sync(self) -> None:
        """Let Python's figure follow the page before it is redrawn from Python."""
        if self.prepared is not None and len(self.figure.hours.data["time"]):
            self.figure.show(min(self.player.frame, len(self.prepared.replay) - 1))

    def entry(self) -> JournalEntry | None:
        """Journal entry of the hour shown; None before there is a replay."""
        if self.prepared is None or not len(self.prepared.replay):
            return None
        replay, row = self.prepared.replay, self.player.frame
        at = replay.times[row]
        state = {
            "replay of": replay.source,
            "time": at.isoformat(),
            "portfolio heat": float(replay.book_heat[row]),
            "bets by share of risk": float(replay.effective_bets[row]),
            "drawdown [quote]": float(replay.drawdown[row]),
            **replay.zone_counts(row),
        }
        text = f"replay at {at:%Y-%m-%d %H:%M} UTC: book heat {show.number(replay.book_heat[row], 1)}"
        return JournalEntry(kind="reading", text=text, state=state)


def book_by_hour(replay: Replay) -> pd.DataFrame:
    """Book heat, zone counts, bets by share of risk, volatility, profit and drawdown by hour."""
    columns = {
        "book_heat": replay.book_heat,
        **{name: (replay.zone == zone).sum(axis=(1, 2)) for name, zone in (("green", 1), ("amber", 0), ("red", -1))},
        "bets_by_risk_share": replay.effective_bets,
        "volatility": replay.volatility,
        "value": replay.value,
        "drawdown": replay.drawdown,
    }
    return pd.DataFrame(columns, index=replay.times.rename("timestamp"))


def drawdowns_html(falls: pd.DataFrame) -> str:
    """Worst falls with the state of the book at their start."""
    rows = [
        [
            f"{k}",
            f"{row['start']:%Y-%m-%d %H:%M}",
            f"{row['trough']:%Y-%m-%d %H:%M}",
            "not yet" if pd.isna(row["end"]) else f"{row['end']:%Y-%m-%d %H:%M}",
            show.usd(row["depth"]),
            show.number(row["book_heat"], 1),
            f"{row['green']} / {row['amber']} / {row['red']}",
            show.number(row["effective_bets"], 1),
            show.usd(row["volatility"]),
            _largest(row),
            show.percent(row["largest_cluster_share"], signed=False),
        ]
        for k, row in enumerate(falls.to_dict("records"), start=1)
    ]
    heads = (
        "drawdown", "from [UTC]", "low", "recovered", "depth", "book heat before", "▲ / ● / ▼ before",
        "bets by share of risk before", "volatility, 1 d", "largest risk before", "largest cluster",
    )  # fmt: skip
    caption = "Worst falls of this book, and the state known in the hour they began"
    return html_table(caption, heads, rows, empty="No fall to show: the value of the book is unknown or never fell.")


def comparison_html(found: HeatBefore) -> str:
    """Book heat before the falls against all hours, quantiles side by side."""
    if not np.isfinite(found.before):
        return f'<p class="hl-muted">Heat before falls against all hours: {escape(found.words)}</p>'
    rows = [
        [name, str(hours), show.number(mean, 1), *(show.number(one, 0) for one in quantiles)]
        for name, hours, mean, quantiles in (
            ("24 h before a fall", f"{found.hours}", found.before, found.quantiles_before),
            ("all hours", "all", found.overall, found.quantiles_overall),
        )
    ]
    heads = ("book heat", "hours", "mean", "5 %", "25 %", "median", "75 %", "95 %")
    table = html_table("Was the map colder before the worst falls?", heads, rows, empty="")
    return f'{table}<div class="hl-callout" role="note">{escape(found.words)}</div>'


def _largest(row: Any) -> str:
    if not row["largest"]:
        return show.UNKNOWN
    return f"{str(row['largest']).split('/', maxsplit=1)[0]} {show.percent(row['largest_share'], signed=False)}"
