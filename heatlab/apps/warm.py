"""Compile what the apps need before somebody waits for it."""

from __future__ import annotations

from heatlab.apps.book import book_inputs
from heatlab.apps.market import choices, market_inputs
from heatlab.liquidation import liquidation_map, liquidation_zones
from heatlab.portfolio import prepare_replay, risk_view
from heatlab.sources import SimulatedSource


def warm_up() -> None:
    """Run each app's computation once on the simulated market: compiled code and the market are then cached on disk."""
    source = SimulatedSource()
    offered = choices(source)
    venue = next(iter(offered.symbols))
    inputs = market_inputs(source, venue, offered.symbols[venue][0], "1h", 14)
    liquidation_zones(liquidation_map(inputs.candles, inputs.open_interest, brackets=inputs.brackets, venue=venue))
    book = book_inputs(source)
    risk_view(book.positions, book.candles, now=book.now)
    prepare_replay(book.positions, book.candles, now=book.now)
