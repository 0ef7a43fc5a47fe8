"""The liquidation panel: controls to state to figure data, and every state a reader can meet."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError, SourceError
from heatlab.figures import LIGHT
from heatlab.liquidation.profile import heatmap_table, profile_table
from heatlab.liquidation.record import RECORDED, Estimate
from heatlab.widgets import liquidation_panel
from heatlab.widgets.downloads import PictureLink
from heatlab.widgets.liquidation_controls import Choices
from heatlab.widgets.liquidation_panel import LiquidationPanel, MarketInputs, score_html
from heatlab.widgets.panel_parts import Loading

NOW = pd.Timestamp("2026-01-20 00:03", tz="UTC")
CHOICES = Choices(symbols={"binanceusdm": ("BTC/USDT:USDT", "DOGE/USDT:USDT"), "okx": ("BTC/USDT:USDT",)})


def bars(count: int, price: float, *, timeframe: str = "1h", seed: int = 1, **attrs: str) -> pd.DataFrame:
    """Closed random-walk bars that end just before NOW."""
    step = pd.Timedelta({"1h": "1h", "4h": "4h", "1d": "24h", "1w": "168h"}.get(timeframe, "1h"))
    walk = np.random.default_rng(seed).normal(0, 0.004, count)
    close = price * np.exp(np.cumsum(walk))
    opened = np.r_[close[:1], close[:-1]]
    index = pd.date_range(end=NOW.floor("1h") - step, periods=count, freq=step, name="timestamp").as_unit("ms")
    table = pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * 1.002,
            "low": np.minimum(opened, close) * 0.998,
            "close": close,
            "volume": 500.0,
        },
        index=index,
    )
    table.attrs = {"timeframe": timeframe, **attrs}
    return table


def book() -> pd.DataFrame:
    """A long with a liquidation price, and a short elsewhere without one."""
    return pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT", "ETH/USDT:USDT"],
            "venue": ["binanceusdm", "okx"],
            "side": [1, -1],
            "quantity": [1.0, 10.0],
            "entry_price": [65_000.0, 3_000.0],
            "mark_price": [65_500.0, 3_010.0],
            "leverage": [10.0, 5.0],
            "margin_mode": ["isolated", "cross"],
            "margin": [6_500.0, 6_000.0],
            "liquidation_price": [59_000.0, np.nan],
        }
    )


class Market:
    """A source that counts its loads."""

    def __init__(self, **changes: Any) -> None:
        self.calls: list[tuple[str, str, str, int]] = []
        self.changes = changes

    def __call__(self, venue: str, symbol: str, timeframe: str, range_days: int) -> MarketInputs:
        self.calls.append((venue, symbol, timeframe, range_days))
        price = 0.12 if symbol.startswith("DOGE") else 65_000.0
        candles = bars(range_days * 12, price, symbol=symbol, venue=venue)
        settings = {"candles": candles, "now": NOW, "source_name": "test market", "positions": book()}
        return MarketInputs(**{**settings, **self.changes})


def panel(**changes: Any) -> tuple[LiquidationPanel, Market]:
    """Panel without an event loop: everything happens at once."""
    market = Market(**changes)
    return LiquidationPanel(market, choices=CHOICES, defaults={"range_days": 7}), market


def image(shown: LiquidationPanel) -> np.ndarray:
    """What the heatmap holds."""
    return np.array(shown.figure.sources.image.data["image"][0])


def test_the_panel_opens_on_its_defaults() -> None:
    """One load, one picture, a status that says what is shown."""
    shown, market = panel()
    assert market.calls == [("binanceusdm", "BTC/USDT:USDT", "1h", 7)]
    assert image(shown).max() == 255
    assert shown.status.state == "ready"
    assert shown.message.value == ""


def test_controls_are_the_state() -> None:
    """A changed control changes state, permalink and followers."""
    shown, _ = panel()
    heard: list[dict[str, Any]] = []
    shown.on_change(heard.append)
    shown.controls["half_life"].value = 12
    assert shown.state["half_life"] == 12
    assert heard[-1] == shown.settings() == shown.state
    assert "half_life=12" in shown.permalink.value
    assert "symbol=BTC%2FUSDT%3AUSDT" in shown.permalink.value


def test_half_life_recomputes_without_loading() -> None:
    """Another picture from the same bars."""
    shown, market = panel()
    before = image(shown)
    shown.controls["half_life"].value = 4
    assert len(market.calls) == 1
    assert not np.array_equal(image(shown), before)


def test_sensitivity_changes_zones_only() -> None:
    """The map stays, the zones do not."""
    shown, market = panel()
    before, zones = image(shown), shown.zones
    shown.controls["sensitivity"].value = 4.0
    assert np.array_equal(image(shown), before)
    assert not shown.zones.equals(zones)
    assert len(market.calls) == 1


def test_tiers_choose_what_is_estimated() -> None:
    """Only the chosen leverages are in the map."""
    shown, _ = panel()
    shown.controls["tiers"].value = (10.0, 25.0)
    assert list(shown.map.tiers) == [10.0, 25.0]
    assert shown.state["tiers"] == [10.0, 25.0]


def test_no_tier_is_an_error_with_its_reason() -> None:
    """The last picture stays."""
    shown, _ = panel()
    before = image(shown)
    shown.controls["tiers"].value = ()
    assert shown.status.state == "error"
    assert "at least one leverage" in shown.status.text
    assert np.array_equal(image(shown), before)


def test_palette_and_scale_only_recolour() -> None:
    """Nothing is loaded or estimated again."""
    shown, market = panel()
    made = shown.map
    shown.controls["palette"].value = "viridis"
    shown.controls["scale"].value = "linear"
    assert shown.figure.palette == "viridis"
    assert shown.figure.scale.kind == "linear"
    assert shown.map is made
    assert len(market.calls) == 1


def test_a_symbol_loads_and_keeps_the_models() -> None:
    """Data in place, models untouched, positions of that symbol only."""
    shown, market = panel()
    before = {model.id for model in shown.figure.root.references()}
    shown.controls["symbol"].value = "DOGE/USDT:USDT"
    assert market.calls[-1][1] == "DOGE/USDT:USDT"
    assert {model.id for model in shown.figure.root.references()} == before
    assert shown.figure.sources.entries.data["price"] == []
    assert shown.figure.price.y_range.end < 1


def test_a_venue_offers_its_own_symbols() -> None:
    """A symbol it lacks gives way to its first."""
    shown, market = panel()
    shown.controls["symbol"].value = "DOGE/USDT:USDT"
    shown.controls["venue"].value = "okx"
    assert shown.controls["symbol"].options == ("BTC/USDT:USDT",)
    assert market.calls[-1][:2] == ("okx", "BTC/USDT:USDT")


def test_apply_sets_controls_and_refuses_the_rest() -> None:
    """Unknown names and values say what is allowed."""
    shown, _ = panel()
    shown.apply({"timeframe": "1h", "scale": "linear", "tiers": [10]})
    assert shown.settings()["tiers"] == [10.0]
    with pytest.raises(ParameterError, match=r"'settings' parameter of LiquidationPanel\.apply"):
        shown.apply({"colour": "red"})
    with pytest.raises(ParameterError, match="'symbol' parameter of LiquidationPanel"):
        shown.apply({"symbol": "XYZ"})


def test_the_header_says_where_the_data_is_from() -> None:
    """Simulated badge, basis, source and age; escaped."""
    shown, _ = panel(is_simulated=True, source_name="<b>market</b>", notices=("<i>partial</i>",))
    assert "simulated market" in shown.header.value
    assert "volume proxy, no open interest history" in shown.header.value
    assert "&lt;b&gt;market" in shown.header.value
    assert "<b>" not in shown.header.value
    assert "last bar closed 3 min ago" in shown.header.value
    assert "&lt;i&gt;partial" in shown.notes.value


def test_no_bars_say_what_to_do() -> None:
    """Empty is a state of its own."""
    shown, _ = panel(candles=bars(2, 1.0).iloc[:0])
    assert "Choose another range, bar length or symbol" in shown.message.value
    assert shown.status.state == "ready"


def test_old_bars_are_stale() -> None:
    """Greyed, with their age."""
    shown, _ = panel(now=NOW + pd.Timedelta(days=2))
    assert shown.status.state == "stale"
    assert "2 d ago" in shown.status.text
    assert "hl-stale" in shown.pane._dom_classes


def test_a_source_that_fails_is_asked_again() -> None:
    """The error is one line; the next change tries again."""
    fails = LiquidationPanel(_failing, choices=CHOICES)
    assert fails.status.state == "error"
    assert "no route to the venue" in fails.status.text
    working = Market()
    fails._load = lambda *key, **_: working(*key)
    fails.reload()
    assert fails.status.state == "ready"


def _failing(*_key: Any) -> MarketInputs:
    raise SourceError("no route to the venue")


def test_downloads_hold_what_is_shown() -> None:
    """Zones and the map by side and tier."""
    shown, _ = panel()
    assert shown._zones_csv().decode().startswith("side,price_low,price_high")
    table = profile_table(shown.map)
    assert len(table) == len(shown.map.price_edges) - 1
    assert {"long_10x", "short_125x"} <= set(table.columns)


def test_the_heatmap_download_is_price_by_time() -> None:
    """One row a price level, one column a time; the sum is that of the map."""
    shown, _ = panel()
    table = heatmap_table(shown.map)
    assert table.shape == (len(shown.map.price_edges) - 1, len(shown.map.times) + 2)
    assert table.columns[2] == f"{shown.map.times[0]:%Y-%m-%dT%H:%M}Z"
    read = pd.read_csv(io.BytesIO(shown._heatmap_csv()))
    assert read.iloc[:, 2:].to_numpy().sum() == pytest.approx(shown.map.notional().sum(), rel=1e-5)


def test_the_panel_offers_a_picture() -> None:
    """A PNG of the whole figure."""
    shown, _ = panel()
    assert [one.name for one in everything(shown) if isinstance(one, PictureLink)] == ["liquidation.png"]


def everything(widget: Any) -> list[Any]:
    """A widget and all it holds."""
    return [widget, *(one for child in getattr(widget, "children", ()) for one in everything(child))]


def test_the_page_theme_recolours_the_figure() -> None:
    """Light and dark follow the page."""
    shown, _ = panel()
    shown.style_sheet.theme = "dark"
    shown.style_sheet.theme = "light"
    assert shown.figure.theme is LIGHT
    assert shown.legend.value.startswith('<p class="hl-muted">Darker')


async def test_a_burst_loads_once_more_at_most() -> None:
    """In a running loop the newest request wins, and a load is never lost to a recompute."""
    market = Market()
    shown = LiquidationPanel(market, choices=CHOICES, defaults={"range_days": 7})
    await shown.settled()
    for days in (3, 14, 30):
        shown.controls["range_days"].value = days
    for hours in (10, 20, 30):
        shown.controls["half_life"].value = hours
    await asyncio.wait_for(shown.settled(), 60)
    assert market.calls[-1][3] == 30
    assert len(market.calls) == 2
    assert shown.status.state == "ready"


class Gate:
    """A market whose loads wait until they are let through, one by one."""

    def __init__(self) -> None:
        self.market, self.begun, self.go = Market(), threading.Semaphore(0), threading.Semaphore(0)
        self.progress: Any = None

    def __call__(self, *key: Any, progress: Any = None, cancel: threading.Event | None = None) -> MarketInputs:
        self.progress = progress
        self.begun.release()
        while not self.go.acquire(timeout=0.01):
            if cancel is not None and cancel.is_set():
                raise SourceError("stopped")
        return self.market(*key)

    async def under_way(self) -> None:
        """Wait until a load has begun."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=30)


async def test_a_venue_changed_during_a_load_does_not_mix_with_it() -> None:
    """What was asked for is read once: the old load ends as it began, the new one has its own venue and symbol."""
    gate = Gate()

    def deaf(*key: Any) -> MarketInputs:
        """Take no notice of a wish to stop."""
        return gate(*key)

    shown = LiquidationPanel(deaf, choices=CHOICES, defaults={"range_days": 7})
    await gate.under_way()
    shown.controls["symbol"].value = "DOGE/USDT:USDT"
    shown.controls["venue"].value = "okx"
    gate.go.release(2)
    await asyncio.wait_for(shown.settled(), 60)
    assert gate.market.calls == [("binanceusdm", "BTC/USDT:USDT", "1h", 7), ("okx", "BTC/USDT:USDT", "1h", 7)]
    assert (shown.map.venue, shown.map.symbol) == ("okx", "BTC/USDT:USDT")
    assert "BTC/USDT:USDT · okx" in shown.header.value


async def test_the_estimate_uses_the_venue_its_bars_were_loaded_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slider and a venue moved while the estimate runs: that estimate keeps the venue and half-life it began with."""
    asked: list[tuple[str, str]] = []
    wait, real = threading.Event(), liquidation_panel.liquidation_map

    def slow(candles: pd.DataFrame, *args: Any, **kwargs: Any) -> Any:
        wait.wait(30)
        asked.append((kwargs["venue"], candles.attrs["venue"]))
        return real(candles, *args, **kwargs)

    monkeypatch.setattr(liquidation_panel, "liquidation_map", slow)
    shown = LiquidationPanel(Market(), choices=CHOICES, defaults={"range_days": 7})
    await asyncio.sleep(0.2)
    shown.controls["venue"].value = "okx"
    wait.set()
    await asyncio.wait_for(shown.settled(), 60)
    assert asked == [("binanceusdm", "binanceusdm"), ("okx", "okx")]


async def test_a_scale_changed_during_a_load_is_kept() -> None:
    """The look is the reader's present one."""
    gate = Gate()
    shown = LiquidationPanel(gate, choices=CHOICES, defaults={"range_days": 7})
    await gate.under_way()
    shown.controls["scale"].value = "linear"
    gate.go.release()
    await asyncio.wait_for(shown.settled(), 60)
    assert shown.figure.scale.kind == "linear"


async def test_a_long_load_says_how_far_it_is_and_can_be_cancelled() -> None:
    """Progress is on the status line; Cancel leaves what was there and says so; Reload loads."""
    gate = Gate()
    shown = LiquidationPanel(gate, choices=CHOICES, defaults={"range_days": 7})
    await gate.under_way()
    await asyncio.to_thread(gate.progress, 3, 12, "a page")
    await asyncio.sleep(0)
    assert shown.status.text == "Loading BTC/USDT:USDT from binanceusdm: 3 of 12"
    next(one for one in everything(shown) if getattr(one, "description", "") == "Cancel").click()
    await asyncio.wait_for(shown.settled(), 30)
    assert (shown.status.state, shown.status.text[:10]) == ("stale", "Cancelled:")
    gate.go.release()
    shown.reload()
    await asyncio.wait_for(shown.settled(), 60)
    assert shown.status.state == "ready"


async def test_a_new_choice_stops_the_load_before_it() -> None:
    """No error is shown for a load that was overtaken."""
    gate = Gate()
    shown = LiquidationPanel(gate, choices=CHOICES, defaults={"range_days": 7})
    await gate.under_way()
    shown.controls["range_days"].value = 3
    await gate.under_way()
    gate.go.release()
    await asyncio.wait_for(shown.settled(), 60)
    assert gate.market.calls == [("binanceusdm", "BTC/USDT:USDT", "1h", 3)]
    assert shown.status.state == "ready"


def test_progress_is_told_at_most_ten_times_a_second() -> None:
    """A thousand pages in a moment are one line."""
    said: list[str] = []
    loading = Loading(said.append, "BTC from okx")
    for page in range(1000):
        loading.progress(page, 1000)
    assert said == ["Loading BTC from okx: 0 of 1000"]
    time.sleep(0.11)
    loading.progress(1000, 1000)
    assert said[-1] == "Loading BTC from okx: 1000 of 1000"


def test_bars_offered_are_those_served() -> None:
    """The bar length stays where it is served, else 1h, else the first there is."""
    there = {"BTC/USDT:USDT": ("5m", "15m", "1h"), "DOGE/USDT:USDT": ("4h", "1d")}
    market = Market()
    offered = Choices(symbols=CHOICES.symbols, served=lambda _venue, symbol: there[symbol])
    shown = LiquidationPanel(market, choices=offered, defaults={"range_days": 7, "timeframe": "5m"})
    shown.controls["symbol"].value = "DOGE/USDT:USDT"
    assert shown.controls["timeframe"].options == ("4h", "1d")
    shown.controls["symbol"].value = "BTC/USDT:USDT"
    assert [call[1:3] for call in market.calls] == [
        ("BTC/USDT:USDT", "5m"),
        ("DOGE/USDT:USDT", "4h"),
        ("BTC/USDT:USDT", "1h"),
    ]


def test_bars_that_ended_long_ago_say_when() -> None:
    """The reader learns that the series is old, not that something failed."""
    shown, _ = panel(candles=bars(50, 1.0).iloc[:0], last=NOW - pd.Timedelta(days=200))
    assert "end at 2025-07-04 00:03 UTC, 200 d before its newest data" in shown.message.value
    assert shown.status.state == "ready"


def test_a_first_load_that_fails_leaves_no_loading_sign() -> None:
    """The frame says there is nothing, the status says why."""
    fails = LiquidationPanel(_failing, choices=CHOICES)
    assert "hl-skeleton" not in fails.message.value


def test_the_score_quotes_the_record() -> None:
    """Other figures in the record are other words on the screen."""
    said = score_html(RECORDED)
    assert "AUC 0.86 for this map, 0.82 for distance from the price alone (gain +0.036 [+0.011, +0.061])" in said
    assert "over those the gain -0.002 [-0.026, +0.022] is not proven" in said
    other = replace(RECORDED, level={**RECORDED.level, "long": Estimate(3.0)})
    assert "about 3 times what venues reported" in score_html(other)
