"""A whole book: the parts joined, and what is unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.portfolio import RuleSettings, book_view
from heatlab.portfolio.book import coverage, exposure, symbol_closes
from heatlab.portfolio.measure import risk_view

NOW = pd.Timestamp("2026-01-20", tz="UTC")


def positions() -> pd.DataFrame:
    """A long of two, and a short of one elsewhere."""
    return pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT", "ETH/USDT:USDT"],
            "venue": ["binanceusdm", "okx"],
            "side": [1, -1],
            "quantity": [2.0, 10.0],
            "entry_price": [100.0, 10.0],
            "mark_price": [110.0, 9.0],
            "leverage": [2.0, 2.0],
            "margin_mode": ["isolated", "isolated"],
            "margin": [100.0, 50.0],
            "liquidation_price": [np.nan, np.nan],
        }
    )


def bars(price: float, seed: int) -> pd.DataFrame:
    """Closed hourly random walk that ends at NOW."""
    close = price * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 900)))
    index = pd.date_range(end=NOW - pd.Timedelta("1h"), periods=900, freq="1h", name="timestamp").as_unit("ms")
    table = pd.DataFrame({"open": close, "high": close, "low": close, "close": close, "volume": 1.0}, index=index)
    table.attrs = {"timeframe": "1h"}
    return table


def test_exposure_is_signed_value_at_the_mark() -> None:
    """2 x 110 long, 10 x 9 short."""
    assert exposure(positions()).tolist() == [220.0, -90.0]


def test_closes_have_one_column_per_symbol_from_the_first_venue_that_has_bars() -> None:
    """Two legs of one symbol are one bet; what has no bars is NaN."""
    legs = positions().iloc[[1, 0, 0]].assign(venue=["okx", "okx", "binanceusdm"])
    closes = symbol_closes(legs, {("binanceusdm", "BTC/USDT:USDT", "1h"): bars(100.0, 1)})
    assert list(closes.columns) == ["ETH/USDT:USDT", "BTC/USDT:USDT"]
    assert closes["ETH/USDT:USDT"].isna().all()
    assert closes["BTC/USDT:USDT"].notna().all()


def test_the_parts_are_joined() -> None:
    """Shares sum to 1, the book's heat lies between its positions, the rule has a name."""
    candles = {
        ("binanceusdm", "BTC/USDT:USDT", "1h"): bars(100.0, 1),
        ("okx", "ETH/USDT:USDT", "1h"): bars(10.0, 2),
    }
    view = book_view(positions(), candles, now=NOW)
    assert view.contributions.sum() == pytest.approx(1)
    assert view.overall["heat"].min() <= view.book_heat <= view.overall["heat"].max()
    assert view.rule in ("none", "halve", "to cash")


def test_an_empty_book_has_no_heat() -> None:
    """Nothing held, nothing known, nothing to do."""
    view = book_view(positions().iloc[:0], {}, now=NOW)
    assert np.isnan(view.book_heat)
    assert view.orders.empty


def test_no_rule_while_most_of_the_book_is_unknown() -> None:
    """ETH alone is known, 90 of 310 of the value: its heat is shown, but no orders are made of it."""
    rising = bars(10.0, 2)
    for name in ("open", "high", "low", "close"):
        rising[name] = np.linspace(9, 12, 900) ** 2 * (1 + 0.002 * np.sin(np.arange(900)))
    view = book_view(positions(), {("okx", "ETH/USDT:USDT", "1h"): rising}, now=NOW)
    assert view.book_heat < 50
    assert view.coverage == pytest.approx(90 / 310)
    assert view.orders.empty
    whole = book_view(positions(), {("okx", "ETH/USDT:USDT", "1h"): rising}, now=NOW, rules=RuleSettings(coverage=0.2))
    assert not whole.orders.empty


def test_a_bar_that_is_still_open_changes_nothing() -> None:
    """Half an hour before the last bar closes its price is not used, neither for heat nor for risk."""
    candles = {
        ("binanceusdm", "BTC/USDT:USDT", "1h"): bars(100.0, 1),
        ("okx", "ETH/USDT:USDT", "1h"): bars(10.0, 2),
    }
    moment = NOW - pd.Timedelta("30min")
    torn = {key: table.copy() for key, table in candles.items()}
    torn["okx", "ETH/USDT:USDT", "1h"].iloc[-1] *= 2
    for measure in (book_view, risk_view):
        seen, doubled = (measure(positions(), tables, now=moment) for tables in (candles, torn))
        one, other = (getattr(view, "heat", view).contributions for view in (seen, doubled))
        np.testing.assert_array_equal(one, other)


def test_a_book_worth_nothing_has_no_coverage() -> None:
    """0 of 0 is not known."""
    assert coverage(positions().assign(quantity=0.0), np.array([50.0, 50.0])) == 0.0
