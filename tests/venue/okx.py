"""OKX: the wire format of its REST interface, version 5."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from heatlab.domain import Contract, Instrument, Timeframe
from tests.venue.wire import KEYS, Headers, Query, Refused, Wire, hmac_base64, moment, stamps, text

BARS = {
    "1m": "1m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1H": "1h",
    "2H": "2h",
    "4H": "4h",
    "12Hutc": "12h",
    "1Dutc": "1d",
    "1Wutc": "1w",
    "1D": "1d",
}
DAY = 86_400_000


class Okx(Wire):
    """``/api/v5``: newest first, both bounds excluded, ``{"code", "msg", "data"}``."""

    venue = "okx"
    page = 300

    def id_of(self, instrument: Instrument) -> str:
        """``BTC-USDT-SWAP`` or ``BTC-USDT``."""
        pair = f"{instrument.base}-{instrument.quote}"
        return pair if instrument.contract is Contract.SPOT else f"{pair}-SWAP"

    @staticmethod
    def options(url: str) -> dict[str, Any]:
        """Client settings that point ccxt here."""
        return {"urls": {"api": {"rest": url}}, "enableRateLimit": False}

    def answer(self, path: str, query: Query, headers: Headers, raw_query: str) -> Any:
        """Payload of one request."""
        if path.startswith("/api/v5/account"):
            self._authorise(path, headers, raw_query)
        handlers = {
            "/api/v5/public/time": lambda _: [{"ts": str(self.now)}],
            "/api/v5/public/instruments": self.instruments,
            "/api/v5/market/candles": self.recent_candles,
            "/api/v5/market/history-candles": self.candles,
            "/api/v5/public/funding-rate-history": self.funding,
            "/api/v5/public/open-interest": self.present_interest,
            "/api/v5/rubik/stat/contracts/open-interest-history": self.interest,
            "/api/v5/market/books": self.books,
            "/api/v5/market/tickers": self.tickers,
            "/api/v5/market/ticker": lambda query: [self._ticker(query["instId"], self._one(query), 0)],
            "/api/v5/public/position-tiers": self.tiers,
            "/api/v5/account/positions": self.account_positions,
        }
        return {"code": "0", "msg": "", "data": handlers[path](query)}

    def _authorise(self, path: str, headers: Headers, raw_query: str) -> None:
        full = path + (f"?{raw_query}" if raw_query else "")
        if headers.get("ok-access-key") != KEYS["apiKey"]:
            raise Refused({"code": "50111", "msg": "Invalid OK-ACCESS-KEY.", "data": []}, 401)
        if headers.get("ok-access-passphrase") != KEYS["password"]:
            raise Refused({"code": "50105", "msg": "Request header OK-ACCESS-PASSPHRASE incorrect.", "data": []}, 401)
        if headers.get("ok-access-sign") != hmac_base64(headers["ok-access-timestamp"] + "GET" + full):
            raise Refused({"code": "50113", "msg": "Invalid signature.", "data": []}, 401)

    def _one(self, query: Query) -> Instrument:
        if query.get("instId") not in self.listed:
            raise Refused({"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []}, 200)
        return self.listed[query["instId"]]

    def instruments(self, query: Query) -> Any:
        """Markets of one type."""
        spot = query["instType"] == "SPOT"
        kinds = {name: one for name, one in self.listed.items() if (one.contract is Contract.SPOT) is spot}
        return [self._market(name, one, spot) for name, one in kinds.items()]

    def _market(self, name: str, one: Instrument, spot: bool) -> dict[str, Any]:
        linear = one.contract is Contract.LINEAR
        family = f"{one.base}-{one.quote}"
        lot = one.lot_size / one.contract_size if linear else one.lot_size
        return {
            "alias": "",
            "auctionEndTime": "",
            "baseCcy": one.base if spot else "",
            "category": "1",
            "contTdSwTime": "",
            "ctMult": "" if spot else "1",
            "ctType": "" if spot else ("linear" if linear else "inverse"),
            "ctVal": "" if spot else text(one.contract_size),
            "ctValCcy": "" if spot else (one.base if linear else one.quote),
            "expTime": "",
            "futureSettlement": False,
            "instFamily": "" if spot else family,
            "instId": name,
            "instIdCode": 1,
            "instType": "SPOT" if spot else "SWAP",
            "lever": "10" if spot else "100",
            "listTime": "1573557408000",
            "lotSz": text(lot),
            "maxIcebergSz": "100000000",
            "maxLmtAmt": "20000000",
            "maxLmtSz": "100000000",
            "maxMktAmt": "",
            "maxMktSz": "12000",
            "maxPlatOILmt": "",
            "maxStopSz": "20000",
            "maxTriggerSz": "100000000",
            "maxTwapSz": "100000000",
            "minSz": text(lot),
            "openType": "",
            "optType": "",
            "posLmtAmt": "",
            "posLmtPct": "",
            "preMktSwTime": "",
            "quoteCcy": one.quote if spot else "",
            "ruleType": "normal",
            "settleCcy": "" if spot else (one.quote if linear else one.base),
            "state": "live",
            "stk": "",
            "tickSz": text(one.tick_size),
            "tradeQuoteCcyList": [],
            "uly": "" if spot else family,
        }

    def recent_candles(self, query: Query) -> Any:
        """The last 1,440 bars only."""
        step = Timeframe.parse(BARS[query["bar"]]).milliseconds
        border = self.now - 1440 * step
        return [row for row in self.candles(query) if int(row[0]) >= border]

    def candles(self, query: Query) -> Any:
        """Newest first between ``before`` and ``after``, both excluded; volume in contracts, coin and quote."""
        one, frame = self._one(query), Timeframe.parse(BARS[query["bar"]])
        limit, after = min(self.page, int(query.get("limit", 100))), int(query.get("after", self.now + 1))
        before = int(query.get("before", after - 1 - limit * frame.milliseconds))
        table = self.kline_rows(one.symbol, frame, before + 1, after).iloc[::-1].head(limit)
        return [
            [
                str(stamp),
                *(text(row[name]) for name in ("open", "high", "low", "close")),
                *self._volumes(one, row["volume"], row["close"]),
                str(int(stamp + frame.milliseconds <= self.now)),
            ]
            for stamp, row in zip(stamps(table), table.to_dict("records"), strict=True)
        ]

    def _volumes(self, one: Instrument, volume: float, price: float) -> tuple[str, str, str]:
        if one.contract is Contract.SPOT:
            return text(volume), text(volume * price), text(volume * price)
        return text(self._contracts(one, volume, price)), text(volume), text(volume * price)

    @staticmethod
    def _contracts(one: Instrument, base: float, price: float) -> float:
        return base * (price if one.contract is Contract.INVERSE else 1.0) / one.contract_size

    def funding(self, query: Query) -> Any:
        """Newest first, 100 rows, three months."""
        one = self._one(query)
        after, before = int(query.get("after", self.now + 1)), int(query.get("before", 0))
        oldest = max(before, self.now - 93 * DAY)
        table = self.market.funding(one.symbol, venue=self.venue, start=moment(oldest + 1), end=moment(after))
        table = table.iloc[::-1].head(min(100, int(query.get("limit", 100))))
        return [
            {
                "instType": "SWAP",
                "instId": query["instId"],
                "fundingRate": text(rate * 1.01),
                "realizedRate": text(rate),
                "fundingTime": str(stamp),
                "method": "current_period",
                "formulaType": "withRate",
            }
            for stamp, rate in zip(stamps(table), table["funding_rate"], strict=True)
        ]

    def present_interest(self, query: Query) -> Any:
        """Open interest now, in contracts, coin and dollars."""
        one = self._one(query)
        row = self.market.open_interest(one.symbol, venue=self.venue, timeframe="5m").iloc[-1]
        price = row["open_interest_value"] / row["open_interest"]
        return [
            {
                "instType": "SWAP",
                "instId": query["instId"],
                "oi": text(self._contracts(one, row["open_interest"], price)),
                "oiCcy": text(row["open_interest"]),
                "oiUsd": text(row["open_interest_value"]),
                "ts": str(self.now),
            }
        ]

    def interest(self, query: Query) -> Any:
        """Newest first between ``begin`` and ``end``, both excluded; 100 rows."""
        one, frame = self._one(query), Timeframe.parse(BARS[query["period"]])
        end = int(query.get("end", self.now + 1))
        begin = int(query.get("begin", end - 101 * frame.milliseconds))
        table = self.market.open_interest(
            one.symbol, venue=self.venue, timeframe=frame.value, start=moment(begin + 1), end=moment(end)
        )
        table = table.iloc[::-1].head(min(100, int(query.get("limit", 100))))
        return [
            [
                str(stamp),
                text(self._contracts(one, row["open_interest"], row["open_interest_value"] / row["open_interest"])),
                text(row["open_interest"]),
                text(row["open_interest_value"]),
            ]
            for stamp, row in zip(stamps(table), table.to_dict("records"), strict=True)
        ]

    def books(self, query: Query) -> Any:
        """Quantities in contracts."""
        one, depth = self._one(query), min(400, int(query.get("sz", 1)))
        book = self.market.order_book(one.symbol, venue=self.venue, depth=depth)
        sides = {
            name: [
                [text(price), text(self._contracts(one, quantity, price)), "0", "1"]
                for price, quantity in book.loc[book["side"] == sign, ["price", "quantity"]].to_numpy()
            ]
            for sign, name in ((-1, "asks"), (1, "bids"))
        }
        return [sides | {"ts": str(self.now)}]

    def tickers(self, query: Query) -> Any:
        """Turnover falls in listing order."""
        swaps = [(name, one) for name, one in self.listed.items() if one.contract is not Contract.SPOT]
        return [self._ticker(name, one, place) for place, (name, one) in enumerate(swaps)]

    def _ticker(self, name: str, one: Instrument, place: int) -> dict[str, Any]:
        last = self.last_price(one.symbol)
        coins = 1e9 / (place + 1) / last
        return {
            "instType": "SWAP",
            "instId": name,
            "last": text(last),
            "lastSz": "1",
            "askPx": text(last),
            "askSz": "1",
            "bidPx": text(last),
            "bidSz": "1",
            "open24h": text(last),
            "high24h": text(last),
            "low24h": text(last),
            "volCcy24h": text(coins),
            "vol24h": text(self._contracts(one, coins, last)),
            "ts": str(self.now),
            "sodUtc0": text(last),
            "sodUtc8": text(last),
        }

    def tiers(self, query: Query) -> Any:
        """Bounded in contracts."""
        name = f"{query['instFamily']}-SWAP"
        one = self.listed[name]
        price = self.last_price(one.symbol)
        unit = one.contract_size * (price if one.contract is Contract.LINEAR else 1.0)
        table = self.market.brackets(one.symbol, venue=self.venue)
        return [
            {
                "baseMaxLoan": "",
                "imr": text(1 / row["max_leverage"]),
                "instId": "",
                "instFamily": query["instFamily"],
                "maxLever": text(row["max_leverage"]),
                "maxSz": text(row["notional_cap"] / unit),
                "minSz": text(row["notional_floor"] / unit),
                "mmr": text(row["maintenance_margin_rate"]),
                "optMgnFactor": "0",
                "quoteMaxLoan": "",
                "tier": str(place + 1),
                "uly": query["instFamily"],
            }
            for place, row in enumerate(table.to_dict("records"))
        ]

    def account_positions(self, _: Query) -> Any:
        """Net positions in contracts."""
        return [self._position(row) for row in self.positions()]

    def _position(self, row: dict[str, Any]) -> dict[str, Any]:
        name, one = next(item for item in self.listed.items() if item[1].symbol == row["symbol"])
        contracts = self._contracts(one, row["quantity"], row["mark_price"]) * row["side"]
        isolated, unknown = row["margin_mode"] == "isolated", np.isnan(row["liquidation_price"])
        notional = row["quantity"] * row["mark_price"]
        return {
            "adl": "1",
            "availPos": "",
            "avgPx": text(row["entry_price"]),
            "baseBal": "",
            "bePx": text(row["entry_price"]),
            "cTime": str(self.now),
            "ccy": "USDT",
            "fee": "0",
            "fundingFee": "0",
            "idxPx": text(row["mark_price"]),
            "imr": "" if isolated else text(row["margin"]),
            "instId": name,
            "instType": "SWAP",
            "interest": "0",
            "last": text(row["mark_price"]),
            "lever": text(row["leverage"]),
            "liqPenalty": "0",
            "liqPx": "" if unknown else text(row["liquidation_price"]),
            "margin": text(row["margin"]) if isolated else "",
            "markPx": text(row["mark_price"]),
            "mgnMode": row["margin_mode"],
            "mgnRatio": "11",
            "mmr": "100",
            "notionalUsd": text(notional),
            "optVal": "",
            "pendingCloseOrdLiabVal": "",
            "pnl": "0",
            "pos": text(contracts),
            "posCcy": "",
            "posId": "1",
            "posSide": "net",
            "quoteBal": "",
            "quoteBorrowed": "",
            "quoteInterest": "",
            "realizedPnl": "0",
            "spotInUseAmt": "",
            "spotInUseCcy": "",
            "tradeId": "1",
            "uTime": str(self.now),
            "upl": "0",
            "uplLastPx": "0",
            "uplRatio": "0",
            "uplRatioLastPx": "0",
            "usdPx": "",
        }

    @staticmethod
    def empty(path: str) -> str:
        """An answer without rows."""
        return json.dumps({"code": "0", "msg": "", "data": []})
