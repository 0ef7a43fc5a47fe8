"""A made-up book of many coins with 14 months of hourly bars, for the benchmarks and their pages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.frames import resample_candles
from heatlab.portfolio.book import book_view
from tests.trend.walks import candles as bars_of

BARS = 10_320
TIMEFRAMES = ("1h", "4h", "1d", "1w")
Candles = dict[tuple[str, str, str], pd.DataFrame]


def book(count: int, *, bars: int = BARS, seed: int = 1) -> tuple[pd.DataFrame, Candles, pd.Timestamp]:
    """Positions, candles and the time of the last close; coins share a common move, every third is a short."""
    random = np.random.default_rng(seed)
    common = random.normal(0.0, 0.004, bars)
    tables: Candles = {}
    rows = []
    for k in range(count):
        moves = common * (1.0 if k % 2 else 0.3) + random.normal(0.0, 0.006, bars)
        fine = bars_of(100.0 * np.exp(np.cumsum(moves)))
        symbol = f"C{k:02d}/USDT:USDT"
        for timeframe in TIMEFRAMES:
            tables["binance", symbol, timeframe] = resample_candles(fine, timeframe)
        rows.append(_position(symbol, 1 if k % 3 else -1, 1.0 + k, float(fine["close"].iloc[-1])))
    return pd.DataFrame(rows), tables, fine.index[-1] + pd.Timedelta("1h")


def _position(symbol: str, side: int, quantity: float, price: float) -> dict[str, Any]:
    unknown = {"margin": np.nan, "liquidation_price": np.nan}
    held = {"symbol": symbol, "venue": "binance", "side": side, "quantity": quantity}
    return {**held, "entry_price": 100.0, "mark_price": price, "leverage": 3.0, "margin_mode": "cross", **unknown}


def replay_app(count: int = 50) -> ipywidgets.VBox:
    """Page with the replay section of that book."""
    from heatlab.widgets import Status, stylesheet
    from heatlab.widgets.replay_section import ReplaySection
    from heatlab.widgets.sections import BookInputs, Shared

    positions, tables, now = book(count)
    labels = pd.Series(1, index=positions["symbol"])
    view: Any = SimpleNamespace(positions=positions, heat=book_view(positions, tables, now=now), clusters=labels)
    section = ReplaySection(Shared(status=Status("starting")))
    section.show(BookInputs(positions=positions, candles=tables, now=now, source_name="made up"), view)
    main = ipywidgets.Box([section.root])
    main.add_class("hl-body")
    section.root.add_class("hl-main")
    app = ipywidgets.VBox([stylesheet(), main])
    app.add_class("hl-app")
    return app


def many_app(name: str) -> ipywidgets.Widget:
    """Portfolio app of that name over five hundred positions on two venues, with a journal and books of its own."""
    from heatlab import apps
    from tests.apps.test_bad_books import many

    source: Any = many()
    return getattr(apps, name)(source, records=apps.user_records(source))
