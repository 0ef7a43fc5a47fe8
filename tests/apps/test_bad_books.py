"""Books that real accounts hold and demos never show: every section of both apps shows a clear state."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import heatlab as hl
from heatlab.apps.book import book_inputs
from heatlab.figures import DARK, LIGHT
from heatlab.frames import POSITIONS, empty
from heatlab.portfolio import risk_view
from heatlab.sources import SimulatedSource
from heatlab.widgets.book_panel import BookPanel, state_html, summary_html
from heatlab.widgets.sections import BookInputs
from tests.sources.simulated_world import world

MANY = 500
BARS = 1_000


def missing_price(book: pd.DataFrame) -> pd.DataFrame:
    """One position without a mark price, as a delisted market has."""
    book.loc[0, "mark_price"] = np.nan
    return book


def unknown_symbol(book: pd.DataFrame) -> pd.DataFrame:
    """One symbol the source has never heard of."""
    book.loc[0, "symbol"] = "NONE/USDT:USDT"
    return book


def zero_equity(book: pd.DataFrame) -> pd.DataFrame:
    """Nothing left behind any position, nor in the wallets."""
    book["margin"] = 0.0
    book.attrs["wallet_balance"] = dict.fromkeys(book["venue"], 0.0)
    return book


def one_position(book: pd.DataFrame) -> pd.DataFrame:
    """A single bet."""
    return book.iloc[[1]]


def all_hedged(book: pd.DataFrame) -> pd.DataFrame:
    """Long on one venue, as much short on the other."""
    leg = book[book["symbol"] == "BTC/USDT:USDT"].iloc[[0]]
    return pd.concat([leg.assign(side=1), leg.assign(side=-1, venue="okx")], ignore_index=True)


def nan_leverage(book: pd.DataFrame) -> pd.DataFrame:
    """Neither leverage nor margin nor liquidation price, as some venues report cross positions."""
    book[["leverage", "margin", "liquidation_price"]] = np.nan
    return book


def nothing_known(book: pd.DataFrame) -> pd.DataFrame:
    """Symbol, venue and side, and a quantity; the rest is unknown."""
    book[["mark_price", "leverage", "margin", "liquidation_price"]] = np.nan
    book["symbol"] = [f"NONE{k}/USDT:USDT" for k in range(len(book))]
    return book


def nothing(_book: pd.DataFrame) -> pd.DataFrame:
    """No position."""
    return empty(POSITIONS)


BOOKS: tuple[Callable[[pd.DataFrame], pd.DataFrame], ...] = (
    missing_price, unknown_symbol, zero_equity, one_position, all_hedged, nan_leverage, nothing_known, nothing,
)  # fmt: skip
APPS = ("portfolio_heat", "concentration")


class Given:
    """A source whose account holds exactly these rows: nothing is looked up or filled in."""

    def __init__(self, source: SimulatedSource, table: pd.DataFrame) -> None:
        self._source, self._table = source, table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def positions(self, *, venue: str | None = None) -> pd.DataFrame:
        """Rows of the account."""
        return self._table if venue is None else self._table[self._table["venue"] == venue]


def source_of(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Given:
    """The simulated market with a book changed."""
    book = world().positions().copy()
    book.attrs = {}
    return Given(world(), change(book))


def through(panel: BookPanel) -> None:
    """Open every section in both themes; an error would stand in the status line."""
    assert panel.status.state != "error", panel.status.text
    for name in panel.sections.names:
        panel.sections.chosen = name
        assert panel.status.state != "error", f"{name}: {panel.status.text}"
    for theme in (DARK, LIGHT):
        panel.sections.set_theme(theme)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("change", BOOKS, ids=lambda change: change.__name__)
def test_every_section_shows_a_bad_book(app: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Nothing crashes, nothing hides: the app stands and the status line holds no error."""
    panel = getattr(hl.apps, app)(source_of(change))
    assert isinstance(panel, BookPanel)
    through(panel)


@cache
def viewed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> tuple[BookInputs, Any]:
    """Inputs and view of a bad book."""
    inputs = book_inputs(source_of(change))
    return inputs, risk_view(inputs.positions, inputs.candles, now=inputs.now)


def test_a_missing_price_makes_the_book_partly_unknown_not_zero() -> None:
    """The position's notional is NaN, the others still share all of the known risk."""
    _, view = viewed(missing_price)
    assert np.isnan(view.concentration["notional"][0])
    assert view.concentration["risk_share"].sum() == pytest.approx(1)
    assert view.heat.coverage < 1


def test_an_unknown_symbol_is_named_in_the_notes() -> None:
    """The reader sees which symbol, and that the others are read."""
    inputs, view = viewed(unknown_symbol)
    assert any("NONE/USDT:USDT" in note for note in inputs.notices)
    assert view.clusters["NONE/USDT:USDT"] == 0
    assert view.heat.table["heat"].notna().sum() == 4 * (len(view.positions) - 1)


def test_one_position_is_one_bet() -> None:
    """All the risk, one cluster in alert, no pairs, no systemic warning to give."""
    _, view = viewed(one_position)
    assert view.measures.effective_principal_bets == pytest.approx(1)
    assert view.cluster_shares["level"].tolist() == ["alert"]
    assert view.systemic.level == "unknown"


def test_a_hedged_book_has_no_risk_to_share() -> None:
    """Both legs are hedges, neither carries risk, and the strip says that what is unknown is unknown."""
    _, view = viewed(all_hedged)
    assert view.concentration["is_hedge"].all()
    assert view.measures.net_exposure == pytest.approx(0)
    assert view.concentration["risk_share"].abs().max() == pytest.approx(0)


def test_unknown_liquidation_prices_are_said_not_safe() -> None:
    """Each of them is a note among the alerts."""
    _, view = viewed(nan_leverage)
    found = hl.portfolio.risk_alerts(view)
    said = found[(found["what"] == "liquidation") & (found["level"] == "note")]
    assert len(said) == len(view.positions)


def test_a_book_of_unknown_markets_has_words_for_it() -> None:
    """No heat, no rule, no cluster; the strip still stands."""
    _, view = viewed(nothing_known)
    assert np.isnan(view.heat.book_heat)
    assert view.heat.rule == "none"
    assert "unknown" in summary_html(view, hl.portfolio.RiskSettings())
    assert "nan" not in (summary_html(view, hl.portfolio.RiskSettings()) + state_html(view)).lower()


@cache
def many() -> Given:
    """Five hundred symbols on two venues, made of the bars of sixteen."""
    base = world()
    listed = [one.symbol for one in base.instruments("binanceusdm")]
    rng = np.random.default_rng(7)
    rows = []
    for k in range(MANY):
        price = base.mark_price(listed[k % len(listed)])
        side = 1 if rng.random() < 0.7 else -1
        quantity = float(np.exp(rng.normal(8, 1)) / price)
        rows.append((f"S{k:03d}/USDT:USDT", ("binanceusdm", "okx")[k % 2], side, quantity, price, price))
    names = ["symbol", "venue", "side", "quantity", "entry_price", "mark_price"]
    table = pd.DataFrame(rows, columns=names).assign(leverage=5.0, margin_mode="isolated")
    table["margin"] = table["quantity"] * table["entry_price"] / 5.0
    table["liquidation_price"] = table["entry_price"] * (1 - 0.19 * table["side"])
    return Many(base, table.reindex(columns=list(POSITIONS.names)), listed)


class Many(Given):
    """Candles of a listed symbol under another name, the last so many bars."""

    def __init__(self, source: SimulatedSource, table: pd.DataFrame, listed: list[str]) -> None:
        super().__init__(source, table)
        self._listed = listed

    def candles(self, symbol: str, timeframe: str, *, venue: str | None = None, **span: Any) -> pd.DataFrame:
        """Bars of the symbol that stands for this one."""
        own = symbol if symbol in self._listed else self._listed[int(symbol[1:4]) % len(self._listed)]
        return self._source.candles(own, timeframe, venue=venue, **span).tail(BARS)

    def capabilities(self, symbol: str, *, venue: str | None = None) -> Any:
        """What the market has of the symbols it lists; candles of the others."""
        return self._source.capabilities(symbol, venue=venue) if symbol in self._listed else frozenset()


@pytest.mark.parametrize("app", APPS)
def test_five_hundred_positions_are_shown(app: str) -> None:
    """All sections stand; figures draw the largest and say how many there are."""
    panel = getattr(hl.apps, app)(many())
    through(panel)
    assert panel.view is not None
    assert len(panel.view.positions) == MANY
