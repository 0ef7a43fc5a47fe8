"""The apps as widgets: what they show, what they do with a bad address, and what they say when a source fails."""

from __future__ import annotations

import html
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest

import heatlab as hl
from heatlab.apps.book import book_inputs
from heatlab.apps.gallery import alerts, gallery, grouped, page_html
from heatlab.apps.liquidation_app import clean
from heatlab.apps.market import WARM_UP, choices, heat_candles, market_inputs, open_market
from heatlab.apps.shell import remember, remembered
from heatlab.apps.user_data import Records
from heatlab.domain import Contract, Instrument
from heatlab.errors import SourceError
from heatlab.figures import DARK
from heatlab.sources import Capability, MarketSource, Notice, SimulatedSource, open_source
from heatlab.store import BookStore, Journal, SettingsStore, SnapshotStore
from heatlab.widgets.book_panel import BookPanel
from heatlab.widgets.liquidation_panel import LiquidationPanel


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    """The simulated market."""
    return SimulatedSource()


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address unless a test gives one."""
    monkeypatch.delenv("QUERY_STRING", raising=False)
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)


class Without:
    """A source that lacks some capabilities, or fails at everything."""

    def __init__(self, source: MarketSource, *lacking: Capability, error: Exception | None = None) -> None:
        self._source, self._lacking, self._error = source, lacking, error

    def __getattr__(self, name: str) -> Any:
        if self._error is not None and name in ("candles", "positions", "instruments"):
            raise self._error
        return getattr(self._source, name)

    def capabilities(self, symbol: str, *, venue: str | None = None) -> frozenset[Capability]:
        """What is left."""
        return self._source.capabilities(symbol, venue=venue) - set(self._lacking)


def texts(widget: ipywidgets.Widget) -> str:
    """All HTML an app shows."""
    own = widget.value if isinstance(widget, ipywidgets.HTML) else ""
    return own + "".join(texts(child) for child in getattr(widget, "children", ()))


def test_liquidation_app_shows_the_map_and_says_it_is_simulated(source: SimulatedSource) -> None:
    """The first view is there, labelled, with zones."""
    app = hl.apps.liquidation(source)
    assert isinstance(app, LiquidationPanel)
    assert app.map is not None
    assert "simulated" in texts(app)
    app.apply({"sensitivity": 2.0})
    assert not app.zones.empty


def test_address_goes_before_what_was_remembered(
    source: SimulatedSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A link a friend sent shows what the friend saw; the rest is as it was left."""
    store = SettingsStore(tmp_path / "settings.json")
    store.write(f"liquidation {source.name}", {"half_life": 24, "palette": "viridis", "symbol": "ETH/USDT:USDT"})
    monkeypatch.setenv("QUERY_STRING", "symbol=AAVE%2FUSDT%3AUSDT&half_life=12")
    settings = hl.apps.liquidation(source, store).settings()
    assert (settings["symbol"], settings["half_life"], settings["palette"]) == ("AAVE/USDT:USDT", 12, "viridis")


def test_settings_are_remembered(source: SimulatedSource, tmp_path: Path) -> None:
    """A change is kept for the next visit."""
    store = SettingsStore(tmp_path / "settings.json")
    hl.apps.liquidation(source, store).apply({"sensitivity": 2.0})
    assert store.read(f"liquidation {source.name}")["sensitivity"] == 2.0


def test_settings_that_cannot_be_shown_are_not_remembered(source: SimulatedSource, tmp_path: Path) -> None:
    """No leverage chosen is an error now, and none at the next visit."""
    store = SettingsStore(tmp_path / "settings.json")
    app = hl.apps.liquidation(source, store)
    app.apply({"tiers": ()})
    assert "Choose at least one leverage" in app.status.text
    assert store.read(f"liquidation {source.name}").get("tiers") != []


@pytest.mark.parametrize(
    ("asked", "name", "got"),
    [
        ({"half_life": "1e9"}, "half_life", 336),
        ({"half_life": "nan"}, "half_life", 48),
        ({"sensitivity": "-3"}, "sensitivity", 0.25),
        ({"symbol": "<script>"}, "symbol", "BTC/USDT:USDT"),
        ({"venue": "okx"}, "venue", "okx"),
        ({"venue": "mtgox"}, "venue", "binanceusdm"),
        ({"range_days": "20"}, "range_days", 14),
        ({"tiers": "5,10,9000"}, "tiers", (5.0, 10.0)),
        ({"tiers": [50.0, 100.0]}, "tiers", (50.0, 100.0)),
        ({"scale": "cubic"}, "scale", "log"),
    ],
)
def test_a_bad_address_is_made_safe(source: SimulatedSource, asked: dict[str, Any], name: str, got: Any) -> None:
    """Numbers are clamped, choices checked, junk dropped."""
    assert clean({**asked, "junk": "1"}, choices(source))[name] == got


def test_map_is_built_from_bars_before_those_shown(source: SimulatedSource) -> None:
    """Three weeks of bars before the range build the state; they are not drawn."""
    inputs = market_inputs(source, "binanceusdm", "BTC/USDT:USDT", "1h", 7)
    assert inputs.now - inputs.candles.index[0] == pd.Timedelta(days=7) + WARM_UP
    assert inputs.shown.index[0] == inputs.since


def test_without_open_interest_the_screen_says_volume_proxy(source: SimulatedSource) -> None:
    """A source without open interest is labelled so, and without brackets they are assumed."""
    app = hl.apps.liquidation(Without(source, Capability.OPEN_INTEREST, Capability.BRACKETS))
    shown = texts(app)
    assert "volume proxy, no open interest history" in shown
    assert "leverage brackets are assumed" in shown


def test_a_source_that_fails_is_explained_on_the_screen(source: SimulatedSource) -> None:
    """What went wrong, escaped, and what to do next."""
    broken = Without(source, error=SourceError("okx did not answer <b>at all</b>"))
    for build in (hl.apps.liquidation, hl.apps.portfolio_heat, hl.apps.concentration):
        shown = texts(build(broken))
        assert "okx did not answer &lt;b&gt;at all&lt;/b&gt;" in shown
        assert "heatlab doctor" in shown


def test_portfolio_heat_app_reads_every_position_on_every_timeframe(source: SimulatedSource) -> None:
    """All readings of the demo book are known."""
    app = hl.apps.portfolio_heat(source)
    assert isinstance(app, BookPanel)
    assert app.view is not None
    assert app.view.heat.table["heat"].notna().all()
    assert len(app.view.heat.table) == 4 * len(source.positions())


def test_another_book_has_alerts_of_its_own(source: SimulatedSource, tmp_path: Path) -> None:
    """A typed-in book leaves the account's alerts alone; going back finds them as they were."""
    records = Records(
        Journal(tmp_path / "j.sqlite"), SnapshotStore(tmp_path / "s.sqlite"), BookStore(tmp_path / "b.sqlite")
    )
    records.books.write("calm", source.positions().iloc[[1]])
    app = hl.apps.portfolio_heat(source, SettingsStore(tmp_path / "settings.json"), records=records)
    centre = app.sections.section("alerts")
    own = dict(centre.state.active)
    app.book.value = "calm"
    assert set(centre.state.active) != set(own)
    app.book.value = ""
    assert set(centre.state.active) == set(own)
    assert not centre.state.past
    assert len(records.snapshots.times(source.name)) == 1
    assert len(records.snapshots.times(f"{source.name}, calm")) == 1


def test_book_inputs_of_a_failing_symbol_are_a_note_not_a_crash(source: SimulatedSource) -> None:
    """One symbol without candles leaves the others alone."""
    book = source.positions()
    book.loc[0, "symbol"] = "NONE/USDT:USDT"
    inputs = book_inputs(hl.sources.WithPositions(source, book))
    assert any("NONE/USDT:USDT" in notice for notice in inputs.notices)
    assert set(book["symbol"]) - {key[1] for key in inputs.candles} == {"NONE/USDT:USDT"}


def test_without_positions_markets_are_watched_and_no_rule_applies(source: SimulatedSource) -> None:
    """A newcomer sees the heat of the markets, marked as a watch list, and no orders."""
    nobody = hl.sources.WithPositions(source, source.positions().iloc[:0])
    app = hl.apps.portfolio_heat(nobody)
    assert app.view.heat.table["heat"].notna().any()
    assert app.view.heat.orders.empty
    assert pd.isna(app.view.heat.book_heat)
    assert "watch list, no positions" in texts(app)
    assert alerts(gallery(nobody)).empty


def test_gallery_links_every_app_and_lists_alerts_most_urgent_first(source: SimulatedSource) -> None:
    """One card per app; the position near its liquidation price comes first."""
    shown = gallery(source)
    page = page_html(source, shown, theme=DARK)
    assert 'href="portfolio_heat.ipynb"' in page
    assert 'href="liquidation.ipynb"' in page
    assert 'href="concentration.ipynb"' in page
    assert 'href="journal.ipynb"' in page
    assert "simulated market" in page
    levels = alerts(shown)["level"].tolist()
    assert levels == sorted(levels, key=["red", "amber", "note"].index)
    assert "liquidation" in set(alerts(shown)["what"])


@pytest.mark.market
def test_gallery_of_old_files_says_how_old(market_dir: Path) -> None:
    """Files that ended long ago are not up to date."""
    files = hl.sources.FolderSource(market_dir)
    page = page_html(files, gallery(files), theme=DARK)
    assert "data end 2026-02-13 (" in page
    assert "up to date" not in page


def test_gallery_of_a_failing_source_says_so_on_each_card(source: SimulatedSource) -> None:
    """Cards stay, the error is written above them, escaped."""
    broken = Without(source, error=SourceError("no <i>reach</i>"))
    page = page_html(broken, gallery(broken), theme=DARK)
    assert "not available: see above" in page
    assert html.escape("no <i>reach</i>") in page


def test_notes_of_one_reason_are_one_line() -> None:
    """What stands in brackets differs from file to file and does not part them."""
    found = [
        Notice("a.csv", "Skipped: its columns (x, y) make no table."),
        Notice("b.csv", "Skipped: its columns (z) make no table."),
        Notice("c.csv", "Damaged in row 3."),
    ]
    assert grouped(found) == {
        "Skipped: its columns make no table.": ["a.csv", "b.csv"],
        "Damaged in row 3.": ["c.csv"],
    }


class Listing(Without):
    """A source that lists given instruments, by venue."""

    def __init__(self, source: MarketSource, listed: dict[str, tuple[Instrument, ...]]) -> None:
        super().__init__(source)
        self.listed = listed

    def venues(self) -> tuple[str, ...]:
        """Those listed."""
        return tuple(self.listed)

    def instruments(self, venue: str | None = None) -> tuple[Instrument, ...]:
        """As given."""
        return self.listed[venue or next(iter(self.listed))]


def test_spot_is_offered_only_where_there_is_nothing_else(source: SimulatedSource) -> None:
    """Spot has no liquidations: a venue with spot pairs only is left out, unless every venue is such."""
    perpetuals = source.instruments("binanceusdm")
    spot = tuple(replace(one, venue="gemini", contract=Contract.SPOT) for one in perpetuals[:2])
    both = Listing(source, {"gemini": spot, "binanceusdm": perpetuals + spot[:1]})
    assert list(choices(both).symbols) == ["binanceusdm"]
    assert choices(both).symbols["binanceusdm"] == tuple(one.symbol for one in perpetuals)
    assert list(choices(Listing(source, {"gemini": spot})).symbols) == ["gemini"]


def test_bars_before_the_range_only_give_their_last_close(source: SimulatedSource) -> None:
    """A series that ended long ago is an empty view that says when it ended."""

    class Ended(Without):
        def candles(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
            bars = self._source.candles(*args, **{**kwargs, "start": None, "limit": None})
            kept = bars[bars.index < self._source.now() - pd.Timedelta(days=100)]
            return kept[kept.index >= kwargs["start"]] if kwargs.get("start") else kept.tail(1)

    inputs = market_inputs(Ended(source), "binanceusdm", "BTC/USDT:USDT", "1d", 14)
    assert inputs.shown.empty
    assert inputs.now - inputs.last == pd.Timedelta(days=100)


def test_progress_reaches_a_source_that_takes_it_also_below_positions(source: SimulatedSource) -> None:
    """The exchange's pages are told, whether or not a file of positions is laid over it."""
    heard: list[tuple[float, float, str]] = []

    class Paged(Without):
        def candles(self, *args: Any, progress: Any = None, cancel: Any = None, **kwargs: Any) -> pd.DataFrame:
            progress(1, 2, "page")
            assert not cancel.is_set()
            return self._source.candles(*args, **kwargs)

    over = hl.sources.WithPositions(Paged(source), source.positions())
    tell = lambda *told: heard.append(told)  # noqa: E731
    market_inputs(over, "binanceusdm", "BTC/USDT:USDT", "1h", 7, progress=tell, cancel=threading.Event())
    assert heard == [(1, 2, "page")]


def test_the_book_tells_each_series_and_stops_when_asked(source: SimulatedSource) -> None:
    """Two series of two symbols are four steps; a wish to stop ends it there."""
    book, heard, stop = source.positions().iloc[:2], [], threading.Event()

    def tell(done: float, total: float, text: str) -> None:
        heard.append((done, total))
        if done == 3:
            stop.set()

    tables, _ = heat_candles(source, book, timeframes=("1h", "1d"), progress=tell, cancel=stop)
    assert heard == [(1, 4), (2, 4), (3, 4)]
    assert len(tables) == 3


@pytest.mark.market
def test_everything_offered_of_a_real_folder_can_be_shown(market_dir: Path) -> None:
    """Every venue, symbol and bar length gives bars, or a view that says when they ended."""
    folder = open_source(str(market_dir))
    offered = choices(folder)
    for venue, symbols in offered.symbols.items():
        for symbol in symbols:
            for timeframe in offered.timeframes_of(venue, symbol):
                inputs = market_inputs(folder, venue, symbol, timeframe, 14)
                assert (inputs.last is None) != inputs.shown.empty, (venue, symbol, timeframe)


def test_unwritable_settings_do_not_stop_an_app(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says it; the app goes on."""
    (tmp_path / "file").write_text("")
    store = SettingsStore(tmp_path / "file" / "settings.json")
    remember(store, "liquidation")({"half_life": 1})
    assert "were not kept" in caplog.text
    damaged = SettingsStore(tmp_path / "file")
    (tmp_path / "file").write_text("{")
    assert remembered(damaged, "liquidation") == {}


def test_open_market_reads_the_environment(tmp_path: Path) -> None:
    """Nothing named means the simulated market; exchanges get the candle store."""
    assert open_market({"HEATLAB_CACHE": str(tmp_path)}).is_simulated
    assert open_market({"HEATLAB_SOURCE": "okx", "HEATLAB_CACHE": str(tmp_path)}).venues() == ("okx",)


def test_warm_up_runs() -> None:
    """Every app's computation runs once."""
    hl.apps.warm_up()


def test_books_can_be_merged_and_each_keeps_its_notes(source: SimulatedSource, tmp_path: Path) -> None:
    """A typed-in book beside the account's: together the same leg is one row; an unknown symbol is noted."""
    records = Records(
        Journal(tmp_path / "j.sqlite"), SnapshotStore(tmp_path / "s.sqlite"), BookStore(tmp_path / "b.sqlite")
    )
    own = source.positions()
    typed = pd.concat([own.iloc[[0]], own.iloc[[1]].assign(symbol="NONE/USDT:USDT")], ignore_index=True)
    records.books.write("typed", typed)
    app = hl.apps.portfolio_heat(source, SettingsStore(tmp_path / "settings.json"), records=records)
    assert [label for label, _ in app.book.options] == ["of the source", "typed", "all together"]
    app.book.value = "typed"
    assert len(app.view.positions) == 2
    assert any("NONE/USDT:USDT" in note for note in app.inputs.notices)
    app.book.value = "*"
    assert app.status.state != "error"
    assert len(app.view.positions) == len(own) + 1
    assert app.view.positions["quantity"][0] == pytest.approx(2 * own["quantity"][0])


def test_every_app_starts_with_the_book_used_last(source: SimulatedSource, tmp_path: Path) -> None:
    """Chosen in one app, it is in the other, in the gallery, and there after a reload; its name stands in the title."""
    records = Records(
        Journal(tmp_path / "j.sqlite"), SnapshotStore(tmp_path / "s.sqlite"), BookStore(tmp_path / "b.sqlite")
    )
    store = SettingsStore(tmp_path / "settings.json")
    records.books.write("mine", source.positions().iloc[[0, 1]])
    hl.apps.portfolio_heat(source, store, records=records).book.value = "mine"
    for app in (hl.apps.concentration, hl.apps.portfolio_heat):
        shown = app(source, store, records=records)
        assert shown.book.value == "mine"
        assert "book: mine" in shown.header.value
        assert len(shown.view.positions) == 2
    assert "book: mine" in texts(hl.apps.index(source, store, records=records))
    records.books.remove("mine")
    assert hl.apps.concentration(source, store, records=records).book.value == ""
