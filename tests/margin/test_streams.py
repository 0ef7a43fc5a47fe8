"""Side conventions of liquidation streams."""

from __future__ import annotations

import pytest

from heatlab.domain import Side
from heatlab.errors import ParameterError
from heatlab.margin import liquidated_side


@pytest.mark.parametrize(
    ("venue", "stream", "side", "expected"),
    [
        ("binance", "forceOrder", "SELL", Side.LONG),
        ("binanceusdm", "btcusdt@forceOrder", "BUY", Side.SHORT),
        ("binanceusdm", "!forceOrder@arr", "SELL", Side.LONG),
        ("bybit", "allLiquidation", "Buy", Side.LONG),
        ("bybit", "allLiquidation.BTCUSDT", "Sell", Side.SHORT),
        ("okx", "liquidation-orders", "sell", Side.LONG),
        ("bitmex", "liquidation", "Buy", Side.SHORT),
        ("aster", "forceOrder", "SELL", Side.LONG),
    ],
)
def test_the_liquidated_side(venue: str, stream: str, side: str, expected: Side) -> None:
    """Order side closes a position, Bybit's is the position's own."""
    assert liquidated_side(venue, stream, side=side) is expected


def test_an_unknown_stream_is_refused() -> None:
    """A guess would turn the map upside down."""
    with pytest.raises(ParameterError, match="binance forceOrder"):
        liquidated_side("kraken", "liquidations", side="buy")
