"""Bybit: the wire format of its REST interface, version 5."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from heatlab.domain import Contract, Instrument, Timeframe
from tests.venue.wire import KEYS, Headers, Query, Refused, Wire, hmac_hex, moment, stamps, text

INTERVALS = {
    "1": "1m",
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "120": "2h",
    "240": "4h",
    "720": "12h",
    "D": "1d",
    "W": "1w",
}
PERIODS = {"5min": "5m", "15min": "15m", "30min": "30m", "1h": "1h", "4h": "4h", "1d": "1d"}
CATEGORY = {Contract.LINEAR: "linear", Contract.INVERSE: "inverse", Contract.SPOT: "spot"}
DAY = 86_400_000


class Bybit(Wire):
    """``/v5``: newest first, both bounds included, ``{"retCode", "retMsg", "result"}``."""

    venue = "bybit"
    page = 1000

    def __init__(self, market: Any) -> None:
        super().__init__(market)
        self.listed = {(CATEGORY[one.contract], self.id_of(one)): one for one in market.instruments(self.venue)}

    def id_of(self, instrument: Instrument) -> str:
        """``BTCUSDT``, in linear and in spot alike."""
        return instrument.base + instrument.quote

    @staticmethod
    def options(url: str) -> dict[str, Any]:
        """Client settings that point ccxt here."""
        return {"urls": {"api": {"public": url, "private": url}}, "enableRateLimit": False}

    def answer(self, path: str, query: Query, headers: Headers, raw_query: str) -> Any:
        """Payload of one request."""
        if path.startswith("/v5/position"):
            self._authorise(headers, raw_query)
        handlers = {
            "/v5/market/time": lambda _: {"timeSecond": str(self.now // 1000), "timeNano": str(self.now * 1_000_000)},
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/kline": self.kline,
            "/v5/market/funding/history": self.funding,
            "/v5/market/open-interest": self.interest,
            "/v5/market/orderbook": self.book,
            "/v5/market/tickers": self.tickers,
            "/v5/market/risk-limit": self.risk_limits,
            "/v5/position/list": self.position_list,
        }
        result = handlers[path](query)
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": self.now}

    def _authorise(self, headers: Headers, raw_query: str) -> None:
        stamp, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", "")
        if headers.get("x-bapi-api-key") != KEYS["apiKey"]:
            raise Refused({"retCode": 10003, "retMsg": "API key is invalid.", "result": {}}, 200)
        if headers.get("x-bapi-sign") != hmac_hex(stamp + KEYS["apiKey"] + window + raw_query):
            raise Refused({"retCode": 10004, "retMsg": "error sign!", "result": {}}, 200)

    def _one(self, query: Query) -> Instrument:
        found = self.listed.get((query.get("category", ""), query.get("symbol", "")))
        if found is None:
            raise Refused({"retCode": 10001, "retMsg": "params error: symbol invalid", "result": {}}, 200)
        return found

    def instruments(self, query: Query) -> Any:
        """Markets of one category."""
        kinds = [item for item in self.listed.items() if item[0][0] == query["category"]]
        rows = [] if query.get("status") == "PreLaunch" else [self._market(key[1], one) for key, one in kinds]
        return {"category": query["category"], "list": rows, "nextPageCursor": ""}

    def _market(self, name: str, one: Instrument) -> dict[str, Any]:
        price = {"minPrice": "0.1", "maxPrice": "1000000", "tickSize": text(one.tick_size)}
        if one.contract is Contract.SPOT:
            lot = {
                "basePrecision": text(one.lot_size),
                "quotePrecision": "0.01",
                "minOrderQty": "0.001",
                "maxOrderQty": "100",
            }
            return {
                "symbol": name,
                "baseCoin": one.base,
                "quoteCoin": one.quote,
                "innovation": "0",
                "status": "Trading",
                "marginTrading": "both",
                "lotSizeFilter": lot,
                "priceFilter": price,
            }
        linear = one.contract is Contract.LINEAR
        return {
            "symbol": name,
            "contractType": "LinearPerpetual" if linear else "InversePerpetual",
            "status": "Trading",
            "baseCoin": one.base,
            "quoteCoin": one.quote,
            "launchTime": "1584230400000",
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceScale": "2",
            "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "1"},
            "priceFilter": price,
            "lotSizeFilter": {
                "maxOrderQty": "100",
                "minOrderQty": "0.001" if linear else "1",
                "qtyStep": text(one.lot_size),
                "postOnlyMaxOrderQty": "100",
                "maxMktOrderQty": "50",
                "minNotionalValue": "5",
            },
            "unifiedMarginTrade": True,
            "fundingInterval": 480,
            "settleCoin": one.quote if linear else one.base,
        }

    def kline(self, query: Query) -> Any:
        """Newest first; 1,000 rows at most, 200 unless asked."""
        one, frame = self._one(query), Timeframe.parse(INTERVALS[query["interval"]])
        limit, end = min(self.page, int(query.get("limit", 200))), int(query.get("end", self.now))
        start = int(query.get("start", end - limit * frame.milliseconds))
        table = self.kline_rows(one.symbol, frame, start, end + 1).iloc[::-1].head(limit)
        rows = [
            [
                str(stamp),
                *(text(row[name]) for name in ("open", "high", "low", "close")),
                *self._volumes(one, row["volume"], row["close"]),
            ]
            for stamp, row in zip(stamps(table), table.to_dict("records"), strict=True)
        ]
        return {"category": query["category"], "symbol": query["symbol"], "list": rows}

    @staticmethod
    def _volumes(one: Instrument, volume: float, price: float) -> tuple[str, str]:
        pair = (text(volume), text(volume * price))
        return pair[::-1] if one.contract is Contract.INVERSE else pair

    def funding(self, query: Query) -> Any:
        """Newest first; a start without an end is an error."""
        one = self._one(query)
        if "startTime" in query and "endTime" not in query:
            raise Refused({"retCode": 10001, "retMsg": "endTime is required", "result": {}}, 200)
        start, end = int(query.get("startTime", 0)), int(query.get("endTime", self.now))
        table = self.market.funding(one.symbol, venue=self.venue, start=moment(start), end=moment(end + 1))
        table = table.iloc[::-1].head(min(200, int(query.get("limit", 200))))
        rows = [
            {"symbol": query["symbol"], "fundingRate": text(rate), "fundingRateTimestamp": str(stamp)}
            for stamp, rate in zip(stamps(table), table["funding_rate"], strict=True)
        ]
        return {"category": query["category"], "list": rows}

    def interest(self, query: Query) -> Any:
        """Newest first; coin for linear, dollars for inverse; no value beside it."""
        one, frame = self._one(query), Timeframe.parse(PERIODS[query["intervalTime"]])
        end = int(query.get("endTime", self.now))
        start = int(query.get("startTime", end - 50 * frame.milliseconds))
        table = self.market.open_interest(
            one.symbol, venue=self.venue, timeframe=frame.value, start=moment(start), end=moment(end + 1)
        )
        table = table.iloc[::-1].head(min(200, int(query.get("limit", 50))))
        column = "open_interest_value" if one.contract is Contract.INVERSE else "open_interest"
        rows = [
            {"openInterest": text(amount), "timestamp": str(stamp)}
            for stamp, amount in zip(stamps(table), table[column], strict=True)
        ]
        return {"symbol": query["symbol"], "category": query["category"], "list": rows, "nextPageCursor": ""}

    def book(self, query: Query) -> Any:
        """Quantities in coin (inverse: dollars)."""
        one = self._one(query)
        book = self.market.order_book(one.symbol, venue=self.venue, depth=min(500, int(query.get("limit", 25))))
        inverse = one.contract is Contract.INVERSE
        sides = {
            name: [
                [text(price), text(quantity * price if inverse else quantity)]
                for price, quantity in book.loc[book["side"] == sign, ["price", "quantity"]].to_numpy()
            ]
            for sign, name in ((1, "b"), (-1, "a"))
        }
        return {"s": query["symbol"], **sides, "ts": self.now, "u": 1, "seq": 1, "cts": self.now}

    def tickers(self, query: Query) -> Any:
        """Turnover falls in listing order."""
        swaps = [(key[1], one) for key, one in self.listed.items() if key[0] == query["category"]]
        rows = [
            {
                "symbol": name,
                "lastPrice": text(self.last_price(one.symbol)),
                "volume24h": "1000",
                "turnover24h": text(1e9 / (place + 1)),
                "markPrice": text(self.last_price(one.symbol)),
                "openInterestValue": "1000000",
            }
            for place, (name, one) in enumerate(swaps)
        ]
        return {"category": query["category"], "list": rows}

    def risk_limits(self, query: Query) -> Any:
        """With ``mmDeduction``."""
        one = self._one(query)
        table = self.market.brackets(one.symbol, venue=self.venue)
        rows = [
            {
                "id": place + 1,
                "symbol": query["symbol"],
                "riskLimitValue": text(row["notional_cap"]),
                "maintenanceMargin": text(row["maintenance_margin_rate"]),
                "initialMargin": text(1 / row["max_leverage"]),
                "isLowestRisk": int(place == 0),
                "maxLeverage": text(row["max_leverage"]),
                "mmDeduction": "" if place == 0 else text(row["maintenance_amount"]),
            }
            for place, row in enumerate(table.to_dict("records"))
        ]
        return {"category": query["category"], "list": rows}

    def position_list(self, query: Query) -> Any:
        """Positions of one settlement coin, closed ones included."""
        wanted = query.get("category") == "linear" and query.get("settleCoin") == "USDT"
        rows = [self._position(row) for row in self.positions()] if wanted else []
        closed = [dict(row, size="0", side="", avgPrice="0", liqPrice="") for row in rows[:1]]
        return {"list": [*rows, *closed], "nextPageCursor": "", "category": query.get("category")}

    def _position(self, row: dict[str, Any]) -> dict[str, Any]:
        key = next(key for key, one in self.listed.items() if one.symbol == row["symbol"])
        unknown = np.isnan(row["liquidation_price"])
        isolated = row["margin_mode"] == "isolated"
        return {
            "positionIdx": 0,
            "riskId": 1,
            "riskLimitValue": "150",
            "symbol": key[1],
            "side": "Buy" if row["side"] == 1 else "Sell",
            "size": text(row["quantity"]),
            "avgPrice": text(row["entry_price"]),
            "positionValue": text(row["quantity"] * row["mark_price"]),
            "tradeMode": int(isolated),
            "positionStatus": "Normal",
            "autoAddMargin": 0,
            "adlRankIndicator": 2,
            "leverage": text(row["leverage"]),
            "positionBalance": text(row["margin"]),
            "markPrice": text(row["mark_price"]),
            "liqPrice": "" if unknown else text(row["liquidation_price"]),
            "bustPrice": "",
            "positionMM": "250.0",
            "positionIM": text(row["margin"]),
            "tpslMode": "Full",
            "takeProfit": "0.00",
            "stopLoss": "0.00",
            "trailingStop": "0.00",
            "unrealisedPnl": "0",
            "curRealisedPnl": "0",
            "cumRealisedPnl": "0",
            "seq": 1,
            "isReduceOnly": False,
            "mmrSysUpdatedTime": "",
            "leverageSysUpdatedTime": "",
            "createdTime": str(self.now),
            "updatedTime": str(self.now),
        }

    @staticmethod
    def empty(path: str) -> str:
        """An answer without rows."""
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": []}, "retExtInfo": {}, "time": 0})
