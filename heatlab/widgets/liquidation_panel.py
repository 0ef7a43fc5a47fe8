"""Liquidation panel: controls, heatmap, liquidation map, zones and own positions. No maths of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from heatlab import frames
from heatlab._checks import check_choice
from heatlab.errors import ParameterError
from heatlab.figures import THEMES, LiquidationFigure, positions_html, zones_html
from heatlab.figures import format as show
from heatlab.liquidation import LiquidationMap, MapSettings, liquidation_map, liquidation_zones
from heatlab.liquidation.profile import heatmap_table, profile_table
from heatlab.liquidation.record import RECORDED, StudyRecord
from heatlab.liquidation.record import Estimate as RecordedEstimate
from heatlab.widgets import liquidation_controls as controls
from heatlab.widgets import panel_parts as parts
from heatlab.widgets.downloads import PictureLink, download_link
from heatlab.widgets.liquidation_controls import Asked, Choices
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.status import Status, guard
from heatlab.widgets.styles import Stylesheet, stylesheet

BASIS = {
    "open interest": "from open interest",
    "open interest in part": "from open interest in part, else volume",
    "volume proxy": "volume proxy, no open interest history",
}
ESTIMATE_DIGITS = "%.7g"


@dataclass(frozen=True)
class MarketInputs:
    """What one view needs: closed bars, open interest and brackets where known, own positions, and what to say.

    Bars before ``since`` build the estimate and are not drawn. ``last`` is the close of the newest bar the source has,
    given where there is none to draw.
    """

    candles: pd.DataFrame
    now: pd.Timestamp
    source_name: str
    since: pd.Timestamp | None = None
    open_interest: pd.DataFrame | None = None
    brackets: pd.DataFrame | None = None
    positions: pd.DataFrame | None = None
    is_simulated: bool = False
    notices: tuple[str, ...] = ()
    last: pd.Timestamp | None = None

    @property
    def shown(self) -> pd.DataFrame:
        """Bars that are drawn."""
        return self.candles if self.since is None else self.candles[self.candles.index >= self.since]


Estimate = tuple[LiquidationMap, pd.DataFrame]
Load = Callable[..., MarketInputs]


class LiquidationPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Liquidation heatmap and map of one symbol with everything that explains them.

    Parameters
    ----------
    load : callable
        ``load(venue, symbol, timeframe, range_days) -> MarketInputs``; it runs in a thread. Where it takes
        ``progress`` and ``cancel`` it gets them: a function of done, total and text, and a ``threading.Event``.
    choices : Choices
    defaults : mapping, optional
        Settings to start with, keys as in :meth:`settings`.
    style : Stylesheet, optional
        Of the page; one of its own without.

    Traits
    ------
    state : dict
        The settings in force. It changes with the controls; use :meth:`apply` to change them.
    """

    state = traitlets.Dict()

    def __init__(
        self,
        load: Load,
        *,
        choices: Choices,
        defaults: Mapping[str, Any] | None = None,
        style: Stylesheet | None = None,
    ) -> None:
        self._load, self._choices = parts.loader(load), choices
        self._choosing = False
        self._followers = parts.Followers()
        self._shown: tuple[Any, ...] = ()
        self.map: LiquidationMap | None = None
        self.zones = pd.DataFrame()
        self.status = Status("Starting", state="busy")
        self.style_sheet = style or stylesheet()
        self.figure = LiquidationFigure(theme=THEMES[self.style_sheet.theme])
        self.controls = controls.build(choices, controls.start_settings(choices, defaults or {}))
        self.header, self.message, self.notes = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.legend, self.zone_table, self.position_table = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.permalink = ipywidgets.HTML()
        self.pane = BokehPane(self.figure.root, waiting="Drawing the liquidation map")
        self._refresh = parts.Refresher(
            settings=self._asked,
            load=lambda asked, loading: self._load(*asked.key, loading=loading),
            compute=_estimate,
            display=self._display,
            status=self.status,
            name=lambda asked: f"{asked.symbol} from {asked.venue}",
        )
        super().__init__(self._layout())
        self.add_class("hl-app")
        self._connect()
        self._say_state()
        self._say_legend()
        self.reload()

    def settings(self) -> dict[str, Any]:
        """Return the settings in force.

        Keys: venue, symbol, timeframe, range_days, half_life [h], sensitivity, tiers, scale, palette.
        """
        return {name: list(c.value) if name == "tiers" else c.value for name, c in self.controls.items()}

    def apply(self, settings: Mapping[str, Any]) -> None:
        """Change some settings.

        Raises
        ------
        ParameterError
            A name is no setting or a value is not one of its choices.
        """
        for name, value in settings.items():
            check_choice("settings", name, self.controls, caller="LiquidationPanel.apply")
            controls.put(self.controls[name], name, value)

    def on_change(self, callback: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``callback(settings)`` after each change that could be shown."""
        self._followers.add(callback)

    def reload(self) -> None:
        """Load the market again and redraw."""
        symbol, venue = self.controls["symbol"].value, self.controls["venue"].value
        self.status.busy(f"Loading {symbol} from {venue}")
        if self.map is None:
            self.message.value = parts.message_html(f"Loading bars of {symbol} from {venue}", kind="hl-skeleton")
        self._refresh(load=True)

    async def settled(self) -> None:
        """Wait until the view shows the settings."""
        await self._refresh.settled()

    def _layout(self) -> list[Any]:
        links = [
            self.permalink,
            PictureLink(name="liquidation.png"),
            download_link("liquidation_heatmap.csv", self._heatmap_csv, label="Heatmap as CSV"),
            download_link("liquidation_map.csv", self._profile_csv, label="Liquidation map as CSV"),
            download_link("liquidation_zones.csv", self._zones_csv, label="Zones as CSV"),
        ]
        side = ipywidgets.VBox(
            [*self.controls.values(), parts.reload_buttons(self.reload, self._refresh, self.status), *links]
        )
        side.add_class("hl-controls")
        tables = ipywidgets.Box([self.zone_table, self.position_table])
        tables.add_class("hl-row")
        bar = ipywidgets.Box([self.status, parts.FullScreen()])
        bar.add_class("hl-toolbar")
        main = ipywidgets.VBox([bar, self.message, self.pane, self.legend, tables, self.notes])
        main.add_class("hl-main")
        body = ipywidgets.Box([side, main])
        body.add_class("hl-body")
        return [self.style_sheet, self.header, body]

    def _connect(self) -> None:
        watch = {
            "venue": self._venue_changed,
            "symbol": self._symbol_changed,
            "scale": self._recolour,
            "palette": self._recolour,
            **dict.fromkeys(("timeframe", "range_days"), lambda _: self._key_changed()),
            **dict.fromkeys(("half_life", "sensitivity", "tiers"), lambda _: self._refresh(load=False)),
        }
        for name, handler in watch.items():
            self.controls[name].observe(guard(handler, self.status), "value")
            self.controls[name].observe(lambda _: self._say_state(), "value")
        self.style_sheet.observe(guard(self._retheme, self.status), "theme")
        self.status.observe(lambda _: self._say_failed(), "state")

    def _venue_changed(self, change: Any) -> None:
        with self._one_choice():
            controls.offer(self.controls["symbol"], tuple(self._choices.symbols[change["new"]]))
            self._offer_timeframes()

    def _symbol_changed(self, _change: Any) -> None:
        with self._one_choice():
            self._offer_timeframes()

    def _key_changed(self) -> None:
        with self._one_choice():
            pass

    def _offer_timeframes(self) -> None:
        offered = self._choices.timeframes_of(self.controls["venue"].value, self.controls["symbol"].value)
        controls.offer(self.controls["timeframe"], offered, first=controls.FIRST_TIMEFRAME)

    @contextmanager
    def _one_choice(self) -> Iterator[None]:
        """Load once, after every list that depends on the one changed has followed."""
        outermost, self._choosing = not self._choosing, True
        try:
            yield
        finally:
            self._choosing = not outermost
        if outermost:
            self.reload()

    def _recolour(self, _change: Any) -> None:
        self.figure.set_palette(self.controls["palette"].value)
        self.figure.set_scale(self.controls["scale"].value)
        self._followers.tell(self.settings())

    def _retheme(self, change: Any) -> None:
        self.figure.set_theme(THEMES[change["new"]])
        self._say_legend()

    def _asked(self) -> Asked:
        """Read the controls: what the next load and estimate are for."""
        names = (one.name for one in fields(Asked))
        return Asked(**{name: self.controls[name].value for name in names})

    def _display(self, inputs: MarketInputs, result: Estimate | None, asked: Asked) -> None:
        if result is None:
            self._say_empty(inputs, asked)
            return
        self.map, self.zones = result
        shown = inputs.shown
        view = (self.map.venue, self.map.symbol, self.map.timeframe, *shown.index[[0, -1]])
        own = _own(inputs.positions, asked.symbol)
        self.figure.update(
            self.map,
            shown,
            zones=self.zones,
            positions=own,
            scale=self.controls["scale"].value,  # the look is the reader's present one, whatever was loaded
            keep_view=view == self._shown,
        )
        self._shown = view
        self.message.value = ""
        self.zone_table.value, self.position_table.value = zones_html(self.zones), positions_html(own)
        self._say_what(inputs, self.map, asked)
        self._followers.tell(self.settings())

    def _say_empty(self, inputs: MarketInputs, asked: Asked) -> None:
        what = f"{asked.timeframe} bars of {asked.symbol} on {asked.venue}"
        text = f"{inputs.source_name} has no {what} for this range. Choose another range, bar length or symbol."
        if inputs.last is not None:
            age = show.age(inputs.now - inputs.last)
            text = (
                f"The {what} in {inputs.source_name} end at {inputs.last:%Y-%m-%d %H:%M} UTC, {age} before its newest "
                "data: there are none in this range. Choose another range, bar length or symbol."
            )
        self.message.value = parts.message_html(text)
        self.map, self.zones = None, self.zones.iloc[:0]
        self.figure.clear()
        self.header.value = self._header(inputs, asked, basis="", age=pd.NaT)
        self.notes.value = parts.notices_html(inputs.notices)
        self.zone_table.value = self.position_table.value = ""
        self._shown = ()
        self.status.ready("Nothing to show")

    def _say_failed(self) -> None:
        """Take away the sign of loading where nothing will come; grey out a chart that is not what was asked for."""
        if self.map is None and self.status.state in ("error", "stale"):
            self.message.value = parts.message_html("Nothing to show")
        if self.status.state == "error":
            self.pane.add_class("hl-stale")

    def _header(self, inputs: MarketInputs, asked: Asked, *, basis: str, age: Any) -> str:
        return parts.header_html(
            f"{asked.symbol} · {asked.venue}",
            source_name=inputs.source_name,
            is_simulated=inputs.is_simulated,
            facts=(asked.timeframe, basis),
            now=inputs.now,
            age=age,
        )

    def _say_what(self, inputs: MarketInputs, made: LiquidationMap, asked: Asked) -> None:
        age = frames.age(inputs.candles, inputs.now)
        self.header.value = self._header(inputs, asked, basis=BASIS.get(made.basis, made.basis), age=age)
        self.notes.value = parts.notices_html([*inputs.notices, *made.notes, *_about_range(inputs, made)])
        stale = frames.is_stale(inputs.candles, inputs.now)
        (self.pane.add_class if stale else self.pane.remove_class)("hl-stale")
        if stale:
            self.status.stale(f"The last bar closed {show.age(age)} ago: reload, or check the source")
        else:
            zones = "1 zone" if len(self.zones) == 1 else f"{len(self.zones)} zones"
            self.status.ready(f"{zones}, mark {show.price(made.mark_price)}")

    def _say_state(self) -> None:
        self.state = self.settings()
        self.permalink.value = parts.permalink_html(self.state)

    def _say_legend(self) -> None:
        strong = "Brighter" if self.figure.theme.is_dark else "Darker"
        self.legend.value = (
            f'<p class="hl-muted">{strong} = more estimated liquidations (USD) if price gets there, faded by the '
            "half-life of their entry. Bars beside the chart split what is outstanding now by leverage, not faded; the "
            "lines add it up from the mark: solid for longs below, dashed for shorts above. Marks at the right edge "
            "are zones: ○ amber, ● red. Sizes are estimates, not reported positions.</p>" + score_html(RECORDED)
        )

    def _zones_csv(self) -> bytes:
        return self.zones.to_csv(index=False).encode()

    def _profile_csv(self) -> bytes:
        return b"" if self.map is None else profile_table(self.map).to_csv(index=False).encode()

    def _heatmap_csv(self) -> bytes:
        return (
            b""
            if self.map is None
            else heatmap_table(self.map).to_csv(index=False, float_format=ESTIMATE_DIGITS).encode()
        )


def score_html(record: StudyRecord) -> str:
    """How well the estimate is known to do, in the words of the recorded study."""
    days = pd.Timestamp(record.first_day), pd.Timestamp(record.last_day)
    when = f"{days[0].day} {days[0]:%B} to {days[1].day} {days[1]:%B %Y}"
    auc = {name: f"{one.value:.2f}" for name, one in record.auc.items()}
    gain = record.gains["distance only"]
    unproven = record.gains["distance x volatility"]
    level = record.level["long"]
    return (
        f"<details><summary>How good is this estimate?</summary><p>Scored on true liquidation prices of "
        f"{escape(record.source)}, {when}, {record.coins} coins with open interest: which price bands held one. AUC "
        f"{auc['map as shown']} for this map, {auc['distance only']} for distance from the price alone "
        f"(gain {_interval(gain)}), but {auc['distance x volatility']} for distance and volatility together: "
        f"<strong>over those the gain {_interval(unproven)} is not proven</strong>, nor is any within one coin. Levels "
        f"are uncalibrated: in BTC the map liquidated about {level.value:.0f} times what venues reported, hour by hour "
        f"in step with it (correlation {record.hourly['long'].value:.2f} for longs). Leaderboard accounts are large "
        'and lucky, not typical. <a class="hl-link" href="liquidation_study.ipynb">The whole study</a></p></details>'
    )


def _interval(one: RecordedEstimate) -> str:
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _estimate(inputs: MarketInputs, asked: Asked) -> Estimate | None:
    if not asked.tiers:
        raise ParameterError("Choose at least one leverage: without one there is nothing to estimate.")
    if inputs.shown.empty:
        return None
    settings = MapSettings(tiers=asked.tiers, recency_half_life=f"{asked.half_life}h")
    made = liquidation_map(
        inputs.candles,
        inputs.open_interest,
        brackets=inputs.brackets,
        venue=asked.venue,
        settings=settings,
        since=inputs.since,
    )
    return made, liquidation_zones(made, sensitivity=asked.sensitivity)


def _about_range(inputs: MarketInputs, made: LiquidationMap) -> list[str]:
    """Say where the bars do not fill the range, and where one column holds several bars."""
    shown, said = inputs.shown, []
    bar = frames.infer_timeframe(inputs.candles).delta
    if inputs.since is not None and shown.index[0] > inputs.since + bar:
        said.append(f"the bars of this range begin at {shown.index[0]:%Y-%m-%d %H:%M} UTC")
    merged = -(-len(shown) // len(made.times))
    if merged > 1:
        said.append(f"each column of the heatmap, and each candle, holds {merged} bars")
    return said


def _own(positions: pd.DataFrame | None, symbol: str) -> pd.DataFrame | None:
    return None if positions is None else positions[positions["symbol"] == symbol]
