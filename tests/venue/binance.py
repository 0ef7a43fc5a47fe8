"""Binance USD-M futures: the wire format of its REST interface."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from heatlab.domain import Contract, Instrument, Timeframe
from tests.venue.wire import KEYS, Headers, Query, Refused, Wire, hmac_hex, milliseconds, moment, stamps, text

DAY = 86_400_000


class Binance(Wire):
    """``/fapi`` and ``/futures/data``: ascending pages, errors as ``{"code", "msg"}``."""

    venue = "binanceusdm"
    page = 1500

    def id_of(self, instrument: Instrument) -> str:
        """``BTCUSDT``."""
        return instrument.base + instrument.quote

    @staticmethod
    def options(url: str) -> dict[str, Any]:
        """Client settings that point ccxt here."""
        names = {
            "fapiPublic": "/fapi/v1",
            "fapiPublicV2": "/fapi/v2",
            "fapiPublicV3": "/fapi/v3",
            "fapiPrivate": "/fapi/v1",
            "fapiPrivateV2": "/fapi/v2",
            "fapiPrivateV3": "/fapi/v3",
            "fapiData": "/futures/data",
        }
        return {"urls": {"api": {name: url + path for name, path in names.items()}}, "enableRateLimit": False}

    def answer(self, path: str, query: Query, headers: Headers, raw_query: str) -> Any:
        """Payload of one request."""
        if path in {"/fapi/v1/leverageBracket", "/fapi/v3/positionRisk", "/fapi/v2/positionRisk"}:
            self._authorise(headers, raw_query)
        handlers = {
            "/fapi/v1/time": lambda _: {"serverTime": self.now},
            "/fapi/v1/exchangeInfo": self.exchange_info,
            "/fapi/v1/klines": self.klines,
            "/fapi/v1/fundingRate": self.funding,
            "/fapi/v1/openInterest": self.present_interest,
            "/futures/data/openInterestHist": self.interest,
            "/fapi/v1/depth": self.depth,
            "/fapi/v1/ticker/24hr": self.tickers,
            "/fapi/v1/leverageBracket": self.brackets,
            "/fapi/v3/positionRisk": self.position_risk,
        }
        return handlers[path](query)

    def _authorise(self, headers: Headers, raw_query: str) -> None:
        signed, _, signature = raw_query.partition("&signature=")
        if headers.get("x-mbx-apikey") != KEYS["apiKey"]:
            raise Refused({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401)
        if signature != hmac_hex(signed):
            raise Refused({"code": -1022, "msg": "Signature for this request is not valid."}, 400)

    def _symbol(self, query: Query) -> str:
        if query.get("symbol") not in self.listed:
            raise Refused({"code": -1121, "msg": "Invalid symbol."})
        return self.listed[query["symbol"]].symbol

    def exchange_info(self, _: Query) -> Any:
        """Markets."""
        symbols = [self._market(name, one) for name, one in self.listed.items() if one.contract is Contract.LINEAR]
        return {
            "timezone": "UTC",
            "serverTime": self.now,
            "futuresType": "U_MARGINED",
            "rateLimits": [],
            "exchangeFilters": [],
            "assets": [],
            "symbols": symbols,
        }

    def _market(self, name: str, one: Instrument) -> dict[str, Any]:
        return {
            "symbol": name,
            "pair": name,
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": milliseconds(moment(1569398400000)),
            "status": "TRADING",
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": one.base,
            "quoteAsset": one.quote,
            "marginAsset": one.quote,
            "pricePrecision": 2,
            "quantityPrecision": 3,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "settlePlan": 0,
            "triggerProtect": "0.0500",
            "liquidationFee": "0.012000",
            "marketTakeBound": "0.30",
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": "0.01",
                    "maxPrice": "1000000",
                    "tickSize": text(one.tick_size),
                },
                {
                    "filterType": "LOT_SIZE",
                    "minQty": text(one.lot_size),
                    "maxQty": "1000",
                    "stepSize": text(one.lot_size),
                },
            ],
            "orderTypes": [
                "LIMIT",
                "MARKET",
                "STOP",
                "STOP_MARKET",
                "TAKE_PROFIT",
                "TAKE_PROFIT_MARKET",
                "TRAILING_STOP_MARKET",
            ],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        }

    def klines(self, query: Query) -> Any:
        """From ``startTime`` on, else the latest; both ends included."""
        symbol, frame = self._symbol(query), Timeframe.parse(query["interval"])
        limit, step = min(self.page, int(query.get("limit", 500))), frame.milliseconds
        last = int(query.get("endTime", self.now))
        first = int(query.get("startTime", last - limit * step))
        table = self.kline_rows(symbol, frame, first, last + 1)
        table = table.head(limit) if "startTime" in query else table.tail(limit)
        return [
            [
                stamp,
                *(text(row[name]) for name in ("open", "high", "low", "close", "volume")),
                stamp + step - 1,
                text(row["volume"] * row["close"]),
                10,
                text(row["volume"] / 2),
                text(row["volume"] * row["close"] / 2),
                "0",
            ]
            for stamp, row in zip(stamps(table), table.to_dict("records"), strict=True)
        ]

    def funding(self, query: Query) -> Any:
        """Ascending from ``startTime``; stamps a few milliseconds late, as Binance's are."""
        symbol, first = self._symbol(query), int(query.get("startTime", self.now - 100 * DAY))
        last = int(query.get("endTime", self.now))
        table = self.market.funding(symbol, venue=self.venue, start=moment(first - 5), end=moment(last))
        rows = [
            {"symbol": query["symbol"], "fundingTime": stamp + 3, "fundingRate": text(rate), "markPrice": "50000.0"}
            for stamp, rate in zip(stamps(table), table["funding_rate"], strict=True)
            if first <= stamp + 3 <= last
        ]
        return rows[: int(query.get("limit", 100))]

    def present_interest(self, query: Query) -> Any:
        """Open interest now."""
        table = self.market.open_interest(self._symbol(query), venue=self.venue, timeframe="5m")
        return {"symbol": query["symbol"], "openInterest": text(table["open_interest"].iloc[-1]), "time": self.now}

    def interest(self, query: Query) -> Any:
        """Thirty days at most, 500 rows a page."""
        symbol, limit = self._symbol(query), int(query.get("limit", 30))
        first = int(query.get("startTime", self.now - DAY))
        if first < self.now - 30 * DAY:
            raise Refused({"code": -1130, "msg": "Data sent for parameter 'startTime' is not valid."})
        if limit > 500:
            raise Refused({"code": -1130, "msg": "Data sent for parameter 'limit' is not valid."})
        table = self.market.open_interest(
            symbol,
            venue=self.venue,
            timeframe=query["period"],
            start=moment(first),
            end=moment(int(query.get("endTime", self.now)) + 1),
        )
        return [
            {
                "symbol": query["symbol"],
                "sumOpenInterest": text(row["open_interest"]),
                "sumOpenInterestValue": text(row["open_interest_value"]),
                "timestamp": stamp,
            }
            for stamp, row in zip(stamps(table.head(limit)), table.head(limit).to_dict("records"), strict=True)
        ]

    def depth(self, query: Query) -> Any:
        """Book of one of the allowed depths."""
        symbol, limit = self._symbol(query), int(query.get("limit", 500))
        if limit not in (5, 10, 20, 50, 100, 500, 1000):
            raise Refused({"code": -4021, "msg": f"{limit} is not valid depth limit"})
        book = self.market.order_book(symbol, venue=self.venue, depth=limit)
        side = {+1: "bids", -1: "asks"}
        return {"lastUpdateId": 1, "E": self.now, "T": self.now} | {
            name: book.loc[book["side"] == sign, ["price", "quantity"]].map(text).to_numpy().tolist()
            for sign, name in side.items()
        }

    def tickers(self, query: Query) -> Any:
        """Turnover falls in listing order."""
        rows = [
            {
                "symbol": name,
                "lastPrice": text(self.last_price(one.symbol)),
                "volume": "1000.0",
                "quoteVolume": text(1e9 / (place + 1)),
                "openTime": self.now - DAY,
                "closeTime": self.now,
            }
            for place, (name, one) in enumerate(self.listed.items())
        ]
        return rows if "symbol" not in query else next(row for row in rows if row["symbol"] == query["symbol"])

    def brackets(self, _: Query) -> Any:
        """All symbols, with ``cum``."""
        return [
            {
                "symbol": name,
                "brackets": [
                    {
                        "bracket": place + 1,
                        "initialLeverage": int(row["max_leverage"]),
                        "notionalCap": row["notional_cap"],
                        "notionalFloor": row["notional_floor"],
                        "maintMarginRatio": row["maintenance_margin_rate"],
                        "cum": row["maintenance_amount"],
                    }
                    for place, row in enumerate(self.market.brackets(one.symbol, venue=self.venue).to_dict("records"))
                ],
            }
            for name, one in self.listed.items()
        ]

    def position_risk(self, _: Query) -> Any:
        """Version 3: no leverage and no margin type, but the initial margin."""
        return [self._position(row) for row in self.positions()]

    def _position(self, row: dict[str, Any]) -> dict[str, Any]:
        isolated, signed = row["margin_mode"] == "isolated", row["side"] * row["quantity"]
        name = next(name for name, one in self.listed.items() if one.symbol == row["symbol"])
        given = 0.0 if np.isnan(row["liquidation_price"]) else row["liquidation_price"]
        profit = signed * (row["mark_price"] - row["entry_price"])
        initial = row["quantity"] * row["mark_price"] / row["leverage"]
        return {
            "symbol": name,
            "positionSide": "BOTH",
            "positionAmt": text(signed),
            "entryPrice": text(row["entry_price"]),
            "breakEvenPrice": text(row["entry_price"]),
            "markPrice": text(row["mark_price"]),
            "unRealizedProfit": text(profit),
            "liquidationPrice": text(given),
            "isolatedMargin": text(row["margin"] + profit if isolated else 0.0),
            "notional": text(signed * row["mark_price"]),
            "marginAsset": "USDT",
            "isolatedWallet": text(row["margin"] if isolated else 0.0),
            "initialMargin": text(initial),
            "maintMargin": "1.0",
            "positionInitialMargin": text(initial),
            "openOrderInitialMargin": "0",
            "adl": 2,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": self.now,
        }

    @staticmethod
    def empty(path: str) -> str:
        """An answer without rows."""
        return json.dumps([])
