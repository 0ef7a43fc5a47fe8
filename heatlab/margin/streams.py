"""Whose position was liquidated: what the side field of each venue's liquidation stream means.

Most venues print the side of the ORDER that closes the position, so ``SELL`` closes a long. Bybit prints the side of
the POSITION, so ``Buy`` means a long was liquidated, and its price is the bankruptcy price, not the fill.
"""

from __future__ import annotations

from heatlab._checks import parameter_error
from heatlab.domain import Side

STREAM_SIDE = {
    ("aster", "forceOrder"): "order",
    ("binance", "forceOrder"): "order",
    ("bitmex", "liquidation"): "order",
    ("bybit", "allLiquidation"): "position",
    ("bybit", "liquidation"): "position",
    ("okx", "liquidation-orders"): "order",
}
VENUE_ALIASES = {"binanceusdm": "binance", "binancecoinm": "binance"}


def liquidated_side(venue: str, stream: str, *, side: str) -> Side:
    """Side of the position a liquidation message is about.

    Parameters
    ----------
    venue : str
        Such as "binance", "binanceusdm" or "bybit".
    stream : str
        Name of the stream or topic; what follows a dot, an ``@`` or a ``!`` prefix is ignored, so
        "btcusdt@forceOrder", "!forceOrder@arr" and "allLiquidation.BTCUSDT" all work.
    side : str
        The message's own side field, such as "SELL" or "Buy".

    Returns
    -------
    Side

    Raises
    ------
    ParameterError
        The convention of that stream is not known; the message lists those that are.

    Examples
    --------
    >>> liquidated_side("binance", "forceOrder", side="SELL").label
    'long'
    >>> liquidated_side("bybit", "allLiquidation", side="Buy").label
    'long'
    """
    name = VENUE_ALIASES.get(venue.lower(), venue.lower())
    parts = set(stream.replace("!", "@").replace(".", "@").split("@"))
    for (known_venue, known_stream), meaning in STREAM_SIDE.items():
        if known_venue == name and known_stream in parts:
            given = Side.parse(side)
            return given if meaning == "position" else Side(-given)
    known = ", ".join(f"{known_venue} {known_stream}" for known_venue, known_stream in STREAM_SIDE)
    raise parameter_error("stream", "liquidated_side", f"one of {known}", f"{venue} {stream}")
