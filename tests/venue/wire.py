"""What the three wire formats share: rows of the market, number texts, refusals, signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import numpy as np
import pandas as pd

from heatlab import frames
from heatlab.domain import Instrument, Timeframe
from heatlab.sources.base import MarketSource

KEYS = {"apiKey": "loopback-key-7Qz", "secret": "loopback-secret-9Xw", "password": "loopback-phrase-3Rt"}
Query = dict[str, str]
Headers = dict[str, str]


class Refused(Exception):  # noqa: N818
    """The venue answers with an error of its own."""

    def __init__(self, payload: Any, status: int = 400) -> None:
        super().__init__(str(payload))
        self.payload = payload
        self.status = status


def text(value: float) -> str:
    """Shortest text that reads back to the same float."""
    return repr(float(value))


def milliseconds(time: pd.Timestamp) -> int:
    """Milliseconds since 1970."""
    return int(time.value) // 1_000_000


def moment(stamp: int) -> pd.Timestamp:
    """UTC time of milliseconds since 1970."""
    return pd.Timestamp(stamp, unit="ms", tz="UTC")


class Wire:
    """Base of the formats: one venue of a market source."""

    venue = ""

    def __init__(self, market: MarketSource) -> None:
        self.market = market
        self.listed = {self.id_of(instrument): instrument for instrument in market.instruments(self.venue)}

    def id_of(self, instrument: Instrument) -> str:
        """The venue's own name of an instrument."""
        raise NotImplementedError

    @property
    def now(self) -> int:
        """The market's clock [ms]."""
        return milliseconds(self.market.now())

    def kline_rows(self, symbol: str, timeframe: Timeframe, low: int, high: int) -> pd.DataFrame:
        """Bars that open in [low, high), the unfinished one included, as venues serve them."""
        step, origin = timeframe.milliseconds, 345_600_000 if timeframe is Timeframe.W1 else 0
        table = self.market.candles(
            symbol, timeframe.value, venue=self.venue, start=moment(max(low, 0)), end=moment(min(high, self.now))
        )
        opening = (self.now - origin) // step * step + origin
        if low <= opening < high:
            before = self.market.candles(symbol, timeframe.value, venue=self.venue, limit=1)["close"]
            running = dict.fromkeys(("open", "high", "low", "close"), float(before.iloc[-1])) | {"volume": 1.0}
            table = pd.concat([table, pd.DataFrame(running, index=frames.time_index(np.array([opening])))])
        return table

    def last_price(self, symbol: str) -> float:
        """Close of the last finished minute (or of the shortest bar there is)."""
        shortest = self.market.timeframes(symbol, venue=self.venue)[0]
        return float(self.market.candles(symbol, shortest, venue=self.venue, limit=1)["close"].iloc[-1])

    def positions(self) -> list[dict[str, Any]]:
        """The account's positions."""
        return self.market.positions(venue=self.venue).to_dict("records")


def stamps(table: pd.DataFrame) -> list[int]:
    """Index of a table in milliseconds."""
    return [int(stamp) for stamp in pd.DatetimeIndex(table.index).as_unit("ms").asi8]


def hmac_hex(message: str) -> str:
    """HMAC-SHA256 with the account's secret, hexadecimal."""
    return hmac.new(KEYS["secret"].encode(), message.encode(), hashlib.sha256).hexdigest()


def hmac_base64(message: str) -> str:
    """HMAC-SHA256 with the account's secret, base 64."""
    return base64.b64encode(hmac.new(KEYS["secret"].encode(), message.encode(), hashlib.sha256).digest()).decode()
