"""Stress section: a slider for BTC, days of the past, and what becomes of every position and account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.figures import format as show
from heatlab.figures.stress_bars import StressBars, StressPath
from heatlab.figures.stress_figure import StressFigure
from heatlab.figures.stress_tables import stress_accounts_html, stress_positions_html
from heatlab.figures.theme import Theme
from heatlab.portfolio.stress.beta import BENCHMARK, betas
from heatlab.portfolio.stress.prepared import PreparedStress, prepare_stress
from heatlab.portfolio.stress.result import StressResult
from heatlab.portfolio.stress.scenario import Scenario, run_scenario, scenarios
from heatlab.portfolio.stress.settings import StressSettings
from heatlab.portfolio.view import RiskView
from heatlab.widgets.background import in_thread
from heatlab.widgets.downloads import download_link
from heatlab.widgets.jobs import LatestWins
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import Loading, loader, message_html, notices_html
from heatlab.widgets.sections import BookInputs, Owner, Shared
from heatlab.widgets.status import guard
from heatlab.widgets.stress_key_figures import key_figures_html

PAGE = 40
START = -10
HOW = (
    '<p class="hl-muted">Falls use the downside beta (slope over the hours in which BTC falls), rises the beta, both '
    "from the last 90 days of hourly returns. A liquidated position loses all of its margin and no more; a cross "
    "account falls as a whole. In the table, “liquidated at BTC move” is the move of BTC, from its price now, at which "
    "the position is liquidated. “Own price move to liquidation” is the same told by the position's own price, from "
    "its price now (for a cross account, which goes as a whole, by BTC). “Left after the shock” is how much further "
    "that price can go once the shock is over. "
    "Betas are averages: in a panic they rise, see the days of the past, where each symbol moves as it did.</p>"
)
Candles = Mapping[Owner, pd.DataFrame]


class StressSection:
    """What a move of BTC, or a day of the past, would do to the book.

    Parameters
    ----------
    shared : Shared
    scenarios : callable, optional
        ``scenarios() -> tuple[Scenario, ...]`` that can be loaded; it runs in a thread, once per load of the book.
        Without it those the candles at hand cover.
    load_scenario : callable, optional
        ``load_scenario(positions, scenario) -> {(venue, symbol): candles}``, in a thread; where it takes ``progress``
        and ``cancel`` it gets them. Without it the candles at hand are cut.
    """

    title, name = "Stress", "stress"

    def __init__(
        self,
        shared: Shared,
        *,
        scenarios: Callable[[], tuple[Scenario, ...]] | None = None,
        load_scenario: Callable[..., Candles] | None = None,
    ) -> None:
        self._shared, self._offer = shared, scenarios
        self._load = loader(load_scenario) if load_scenario is not None else None
        self._inputs: BookInputs | None = None
        self._loaded: dict[Scenario, Candles] = {}
        self.prepared: PreparedStress | None = None
        self.result: StressResult | None = None
        self.figure, self.bars = StressFigure(theme=shared.theme), StressBars(theme=shared.theme)
        self.path = StressPath(theme=shared.theme)
        self.slider = ipywidgets.IntSlider(
            value=START,
            min=-30,
            max=30,
            step=1,
            description="BTC [%]",
            readout_format="+d",
            continuous_update=True,
        )
        self.assume = ipywidgets.Checkbox(value=False, description="take beta 1 where it is unknown", indent=False)
        self.page = ipywidgets.Dropdown(description="Show", options=[("all", 0)])
        self.log_button = LogButton(shared.log, self.entry, label="Log this")
        self.message, self.figures, self.notes = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.positions, self.accounts = ipywidgets.HTML(), ipywidgets.HTML()
        for html in (self.positions, self.accounts):
            html.add_class("hl-wrap-heads")
        self.back = ipywidgets.Button(description="Back to the slider", tooltip="Show the move of the slider again")
        self.days = ipywidgets.Box([])
        self.days.add_class("hl-buttons")
        self.days.layout.flex_flow = "row wrap"
        self.panes = [
            BokehPane(self.figure.root, waiting="Drawing the stress"),
            BokehPane(self.bars.root),
            BokehPane(self.path.root),
        ]
        self.panes[2].layout.display = "none"
        self.body = ipywidgets.VBox(self._parts())
        self.root = ipywidgets.VBox([self.message, self.body])
        self._move = LatestWins(guard(lambda _value: self._moved(), shared.status))
        self._scenario = LatestWins(guard(self._run, shared.status))
        self._list = LatestWins(guard(self._list_days, shared.status))
        self._listen()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show the stress of a book."""
        if self._inputs is None or inputs.source_name != self._inputs.source_name or inputs.now != self._inputs.now:
            self._loaded.clear()
        self._inputs = inputs
        self._view = view
        words = _nothing_to_stress(inputs)
        self.message.value = message_html(words)
        self.body.layout.display = "none" if words else ""
        if words:
            self.prepared = self.result = None
            return
        self._prepare()
        self._list(None)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of both figures."""
        self.figure.set_theme(theme)
        self.bars.set_theme(theme)
        self.path.set_theme(theme)

    def csv(self, name: str = "positions") -> bytes:
        """Positions or accounts under stress as CSV, all of them; empty before there is a result."""
        if self.result is None:
            return b""
        table = getattr(self.result, name).assign(scenario=self.result.name, benchmark_move=self.result.move)
        return bytes(table.to_csv(index=False).encode())

    async def settled(self) -> None:
        """Wait until every request is dealt with."""
        for queue in (self._move, self._list, self._scenario):
            await queue.settled()

    def _parts(self) -> list[Any]:
        self.slider.layout.width = "min(620px, 100%)"
        controls = ipywidgets.Box([self.slider, self.assume])
        links = [
            download_link("stress.csv", lambda: self.csv("positions"), label="Positions as CSV"),
            download_link("stress_accounts.csv", lambda: self.csv("accounts"), label="Accounts as CSV"),
        ]
        below = ipywidgets.Box([self.page, *([self.log_button] if self._shared.log is not None else []), *links])
        figures = ipywidgets.Box(self.panes[:2])
        for box in (controls, below):
            box.add_class("hl-toolbar")
        figures.add_class("hl-row")
        return [
            controls, self.days, self.figures, self.panes[2], figures, ipywidgets.HTML(HOW), below, self.positions,
            self.accounts, self.notes,
        ]  # fmt: skip

    def _listen(self) -> None:
        status = self._shared.status
        self.slider.observe(lambda change: self._move(change["new"]), "value")
        self.assume.observe(guard(lambda _: self._prepare(), status), "value")
        self.page.observe(guard(lambda _: self._draw_positions(), status), "value")
        self.back.on_click(lambda _: self._move(None))
        self.bars.on_select(guard(self._clicked, status))
        self._shared.selection.observe(guard(self._select, status), "position")

    def _prepare(self) -> None:
        if self._inputs is None:
            return
        inputs = self._inputs
        settings = StressSettings(assume_beta=self.assume.value)
        self.prepared = prepare_stress(
            inputs.positions, _betas(inputs, self._view), brackets=inputs.brackets, settings=settings
        )
        count = len(inputs.positions)
        pages = [(f"{k + 1} to {min(k + PAGE, count)} of {count}", k) for k in range(0, count, PAGE)]
        if list(self.page.options) != pages:
            self.page.options = pages
        self.page.layout.display = "" if len(pages) > 1 else "none"
        self.assume.layout.display = "" if np.isnan(self.prepared.betas.stated).any() else "none"
        self._scale()
        self._moved()

    def _scale(self) -> None:
        assert self.prepared is not None
        reach = self.prepared.settings.reach
        both = [self.prepared.at(move).positions["pnl"].to_numpy() for move in (-reach, reach)]
        known = np.concatenate(both)
        known = known[np.isfinite(known)]
        self.bars.scale(float(known.min()) if len(known) else -1.0, float(known.max()) if len(known) else 1.0)
        self.figure.update(
            self.prepared.curve(),
            marks=self.prepared.marks(),
            accounts=self.prepared.account_curves(),
            title="P&L over moves of BTC; ✕ = something is liquidated there",
        )

    def _moved(self) -> None:
        if self.prepared is None:
            return
        if self.result is not None and self.result.path is not None:
            self._shared.status.ready(f"BTC {self.slider.value:+d} %")
        self._show(self.prepared.at(self.slider.value / 100))

    def _show(self, result: StressResult) -> None:
        self.result = result
        marks = self.prepared.marks() if self.prepared is not None and result.path is None else None
        self.figures.value = key_figures_html(result, marks=marks)
        self._show_path(result)
        if result.path is None:
            self.figure.move(result.move, pnl=result.pnl, liquidated=result.liquidated)
        else:
            self.figure.no_move()
        self.bars.update(result.positions, title=f"P&L by position, {result.name}")
        self.accounts.value = stress_accounts_html(result.accounts)
        self.notes.value = notices_html(result.notes)
        self._draw_positions()

    def _show_path(self, result: StressResult) -> None:
        self.panes[2].layout.display = self.back.layout.display = "none" if result.path is None else ""
        if result.path is not None:
            self.path.update(result.path, title=f"{result.name}: the book hour by hour")

    def _select(self, _change: Any) -> None:
        if self._shared.selection.position:
            self.bars.select(*self._shared.selection.position)

    def _clicked(self, row: dict[str, Any]) -> None:
        self._shared.selection.position = (str(row["symbol"]), str(row["venue"]), int(row["side"]))

    def _draw_positions(self) -> None:
        if self.result is not None:
            first = self.page.value or 0
            move = self.result.move if self.result.path is None else float("nan")
            table = self.result.positions
            self.positions.value = stress_positions_html(table, move=move, first=first, limit=PAGE)

    def _list_days(self, _request: Any) -> Any:
        assert self._inputs is not None
        self._offer_days(_at_hand(self._inputs))
        return None if self._offer is None else in_thread(self._offer, self._offer_days, self._shared.status)

    def _offer_days(self, days: tuple[Scenario, ...]) -> None:
        buttons = []
        for day in days:
            one = ipywidgets.Button(
                description=day.name,
                tooltip=f"{day.start:%Y-%m-%d %H:%M} to {day.end:%Y-%m-%d %H:%M} UTC, hour by hour",
            )
            one.on_click(lambda _button, day=day: self._scenario(day))
            buttons.append(one)
        words = "Days of the past" if buttons else "No day of the past: the candles of BTC here are too short."
        self.days.children = [ipywidgets.HTML(f'<span class="hl-muted">{words}</span>'), *buttons, self.back]

    def _run(self, scenario: Scenario) -> Any:
        if self.prepared is None or self._inputs is None:
            return None
        inputs, status = self._inputs, self._shared.status
        loading = Loading(status.busy, scenario.name)

        def work() -> Candles:
            if scenario in self._loaded:
                return self._loaded[scenario]
            return _cut(inputs) if self._load is None else self._load(inputs.positions, scenario, loading=loading)

        def then(candles: Candles) -> None:
            if inputs is self._inputs and self.prepared is not None:
                self._loaded[scenario] = candles
                self._show(run_scenario(self.prepared, scenario, candles))
                status.ready(f"{scenario.name}: shown hour by hour")

        status.busy(f"Loading {scenario.name}")
        return in_thread(work, then, status)

    def entry(self) -> JournalEntry | None:
        """Journal entry of the result shown; None where there is none."""
        if self.result is None:
            return None
        one = self.result
        silent = f", unknown for {one.unknown}" if one.unknown else ""
        text = f"stress {one.name}: P&L {show.usd(one.pnl)}, {one.liquidated} liquidated{silent}"
        state = {
            "move": one.move,
            "pnl": one.pnl,
            "share of equity": one.pnl_share,
            "liquidated": one.liquidated,
            "unknown": one.unknown,
        }
        return JournalEntry(kind="reading", text=text, state=state)


def _nothing_to_stress(inputs: BookInputs) -> str:
    how = "Load yours with --positions FILE.csv, or point heatlab at an account with a read-only key."
    if inputs.watching:
        return f"Only markets are watched here: without quantities there is nothing to stress. {how}"
    return f"No positions. {how}" if inputs.positions.empty else ""


def _betas(inputs: BookInputs, view: RiskView) -> pd.DataFrame:
    """Betas of the book's symbols; all unknown where there are no candles of the benchmark."""
    market = _benchmark(inputs)
    closes = view.closes.loc[:, ~view.closes.columns.duplicated()]
    if market is None:
        empty = pd.DataFrame({"symbol": list(closes.columns), "note": f"no hourly candles of {BENCHMARK}"})
        return empty.assign(beta=np.nan, downside_beta=np.nan)
    return betas(closes, benchmark=market["close"].rename(BENCHMARK))


def _benchmark(inputs: BookInputs) -> pd.DataFrame | None:
    """Hourly candles of the benchmark, else of another contract on the same coin; None where there are none."""
    base = BENCHMARK.split("/", maxsplit=1)[0]
    hourly = {key: table for key, table in inputs.candles.items() if key[2] == "1h" and not table.empty}
    exact = [table for key, table in hourly.items() if key[1] == BENCHMARK]
    alike = [table for key, table in hourly.items() if key[1].split("/", maxsplit=1)[0] == base]
    return next(iter([*exact, *alike]), None)


def _at_hand(inputs: BookInputs) -> tuple[Scenario, ...]:
    market = _benchmark(inputs)
    return () if market is None else scenarios(market, simulated=inputs.is_simulated)


def _cut(inputs: BookInputs) -> Candles:
    """Hourly candles at hand by (venue, symbol), the benchmark among them."""
    found = {key[:2]: table for key, table in inputs.candles.items() if key[2] == "1h" and not table.empty}
    market = _benchmark(inputs)
    return found if market is None else {**found, ("", BENCHMARK): market}
