"""Recorded messages of real venues: parsed through real ccxt into our tables, and held against what we serve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heatlab.domain import Contract, Timeframe
from heatlab.sources.exchange import ExchangeSource
from tests.venue.binance import Binance
from tests.venue.bybit import Bybit
from tests.venue.market import BTC, COIN, ETH, ArithmeticMarket
from tests.venue.okx import Okx
from tests.venue.server import LoopbackVenue
from tests.venue.sources import KEY_ENVIRONMENT, served

pytestmark = pytest.mark.market


@pytest.fixture(scope="module")
def recorded(market_dir: Path) -> Path:
    """Folder of recorded messages."""
    return market_dir / "fixtures"


@pytest.fixture
def venues() -> Iterator[tuple[LoopbackVenue, ExchangeSource]]:
    """All three venues with keys, in May 2025."""
    market = ArithmeticMarket(now=pd.Timestamp("2025-05-13 00:10:30", tz="UTC"))
    with served(market=market, environ=KEY_ENVIRONMENT) as pair:
        yield pair


def load(folder: Path, name: str) -> Any:
    """Payload of a recorded message, without the envelope some recordings have."""
    payload = json.loads((folder / name).read_text(encoding="utf-8"))
    return payload["body"] if isinstance(payload, dict) and set(payload) == {"url", "captured", "body"} else payload


def replay(loopback: LoopbackVenue, path: str, payload: Any, times: int = 1) -> None:
    """Answer the next requests to a path with a recorded message."""
    loopback.faults.add(path, "status", status=200, body=json.dumps(payload), times=times)


def pages(source: ExchangeSource, venue: str, timeframe: Timeframe, first: int) -> pd.DataFrame:
    """One window of ten bars, whatever the venue's listing date."""
    place = source._panel.named(venue)
    [(_, page)] = list(place.candle_pages(BTC, timeframe, (first, first + 10 * timeframe.milliseconds)))
    return page


# -- recorded messages through ccxt and our parsing -------------------------------------------------------------------
def test_binance_klines(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """The week of 2017-07-03 from the documentation."""
    loopback, source = venues
    replay(loopback, "/klines", load(recorded, "binance/klines_response.json"))
    bar = pages(source, "binanceusdm", Timeframe.D1, 1499040000000).iloc[0]
    assert bar.to_list() == [0.0163479, 0.8, 0.015758, 0.015771, 148976.11427815]


def test_binance_exchange_info(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """All perpetuals of July 2021; dated futures are left out."""
    loopback, source = venues
    payload = load(recorded, "binance/rest_fapi_exchangeInfo_2021.json")
    replay(loopback, "exchangeInfo", payload)
    found = {one.symbol: one for one in source.instruments("binanceusdm")}
    trading = [row for row in payload["symbols"] if row["contractType"] == "PERPETUAL" and row["status"] == "TRADING"]
    assert len(found) == len(trading)
    assert (found[BTC].tick_size, found[BTC].lot_size, found[BTC].contract) == (0.01, 0.001, Contract.LINEAR)


def test_binance_spot_exchange_info_has_no_perpetual(
    recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]
) -> None:
    """ETHBTC is a spot pair with its own symbol."""
    loopback, source = venues
    replay(loopback, "exchangeInfo", load(recorded, "binance/exchange_info_response.json"))
    [one] = source.instruments("binanceusdm")
    assert (one.symbol, one.contract, one.contract_size) == ("ETH/BTC", Contract.SPOT, 1.0)


@pytest.mark.parametrize(
    ("name", "bid", "ask"),
    [("depth_response", [4.0, 431.0], [4.000002, 12.0]), ("rest_fapi_depth_SUSHIUSDT_2021", [7.611, 6.0], None)],
)
def test_binance_depth(
    recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource], name: str, bid: list[float], ask: list[float] | None
) -> None:
    """Best first, bids below asks."""
    loopback, source = venues
    replay(loopback, "/depth", load(recorded, f"binance/{name}.json"))
    book = source.order_book(BTC, venue="binanceusdm")
    bids, asks = (book.loc[book["side"] == side, ["price", "quantity"]] for side in (1, -1))
    assert bids.iloc[0].to_list() == bid
    assert ask is None or asks.iloc[0].to_list() == ask
    assert bids["price"].is_monotonic_decreasing
    assert asks["price"].is_monotonic_increasing
    assert bids["price"].iloc[0] < asks["price"].iloc[0]


def test_binance_position_risk(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """The older version 2 row, which states leverage and margin type."""
    loopback, source = venues
    replay(loopback, "positionRisk", load(recorded, "binance/position_risk.json"))
    row = source.positions(venue="binanceusdm").iloc[0]
    assert (row["symbol"], row["side"], row["quantity"]) == (BTC, 1, 0.001)
    assert (row["entry_price"], row["mark_price"], row["leverage"]) == (50_000.0, 51_000.0, 20.0)
    assert (row["margin_mode"], row["margin"], row["liquidation_price"]) == ("cross", 2.55, 45_000.0)


def test_okx_candlesticks(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Newest first on the wire, oldest first in the table; volume is volCcy, not contracts."""
    loopback, source = venues
    replay(loopback, "market/", load(recorded, "okx/http_get_candlesticks_full.json"))
    start, end = (pd.Timestamp(f"2025-05-12 23:{minute}", tz="UTC") for minute in (53, 55))
    table = source.candles(BTC, "1m", venue="okx", start=start, end=end)
    assert table["volume"].to_list() == [71.6404, 10.4037]
    assert table["close"].to_list() == [102806.1, 102820.4]
    assert table.index[0] == pd.Timestamp("2025-05-12 23:53", tz="UTC")


def test_okx_short_candlesticks(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """A row whose coin volume is 0 has volume 0, not the contracts beside it."""
    loopback, source = venues
    replay(loopback, "market/", load(recorded, "okx/http_get_candlesticks.json"))
    table = pages(source, "okx", Timeframe.M1, 1625097600000)
    assert table["open"].to_list() == [33528.6, 33783.9]
    assert table["volume"].to_list() == [0.0, 0.0]


def test_okx_instruments(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Contract sizes in coin for linear, in dollars for inverse."""
    loopback, source = venues
    replay(loopback, "instruments", load(recorded, "okx/http_get_instruments_spot.json"))
    replay(loopback, "instruments", load(recorded, "okx/http_get_instruments_swap.json"))
    found = {one.symbol: one for one in source.instruments("okx")}
    sizes = {symbol: found[symbol].contract_size for symbol in (BTC, ETH, COIN)}
    assert sizes == {BTC: 0.01, ETH: 0.1, COIN: 100.0}
    assert found[COIN].contract is Contract.INVERSE
    assert any(one.contract is Contract.SPOT for one in found.values())
    assert found[BTC].lot_size == pytest.approx(0.0001)


def test_okx_instruments_of_2022(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """All swaps of May 2022 that were live."""
    loopback, source = venues
    payload = load(recorded, "okx/rest_instruments_swap_2022.json")
    replay(loopback, "instruments", {"code": "0", "msg": "", "data": []})
    replay(loopback, "instruments", payload)
    assert len(source.instruments("okx")) == sum(row["state"] == "live" for row in payload["data"])


def test_okx_positions(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Half a contract of 0.01 coin."""
    loopback, source = venues
    replay(loopback, "account/positions", load(recorded, "okx/http_get_positions.json"))
    row = source.positions(venue="okx").iloc[0]
    assert (row["symbol"], row["side"], row["margin_mode"]) == (BTC, 1, "isolated")
    assert row["quantity"] == pytest.approx(0.005)
    assert (row["entry_price"], row["leverage"], row["margin"], row["liquidation_price"]) == (
        10_000.0,
        10.0,
        0.5,
        9_000.0,
    )


def test_okx_position_tiers(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Fifty contracts of 0.01 coin at the last price."""
    loopback, source = venues
    price = loopback.market.last_price(BTC)  # type: ignore[attr-defined]
    replay(loopback, "position-tiers", load(recorded, "okx/http_get_position_tiers.json"))
    row = source.brackets(BTC, venue="okx").iloc[0]
    assert row["notional_cap"] == pytest.approx(50 * 0.01 * price)
    assert (row["maintenance_margin_rate"], row["maintenance_amount"], row["max_leverage"]) == (0.03, 0.0, 10.0)


def test_okx_order_book(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Contracts become coin; a book of 2024 is old."""
    loopback, source = venues
    replay(loopback, "market/books", load(recorded, "okx/http_get_order_book.json"))
    book = source.order_book(BTC, venue="okx")
    assert book["price"].to_list() == [41006.7, 41006.6, 41006.5, 41006.8, 41006.9, 41007.0]
    assert book["quantity"].iloc[0] == pytest.approx(0.0048792100)
    assert book["age"].iloc[0] > pd.Timedelta("365D")


def test_okx_funding(recorded: Path) -> None:
    """The realised rate, eight hours apart."""
    market = ArithmeticMarket(now=pd.Timestamp("2024-01-01 01:00", tz="UTC"))
    with served("okx", market=market) as (loopback, source):
        replay(loopback, "funding-rate-history", load(recorded, "okx/http_get_funding_rate_history.json"))
        table = source.funding(BTC, start=pd.Timestamp("2023-12-31 12:00", tz="UTC"))
    assert table["funding_rate"].to_list() == [-0.00002, 0.00015]
    assert set(table["funding_interval"]) == {pd.Timedelta("8h")}


def test_bybit_klines(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Start, open, high, low, close, volume in coin, turnover."""
    loopback, source = venues
    replay(loopback, "/kline", load(recorded, "bybit/http_get_klines_linear.json"), times=3)
    bar = pages(source, "bybit", Timeframe.M1, 1709891640000).iloc[0]
    assert bar.to_list() == [27450.0, 27460.0, 27440.0, 27455.0, 123.45]


def test_bybit_instruments(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Two linear perpetuals; the other categories are empty here."""
    loopback, source = venues
    nothing = {"retCode": 0, "retMsg": "OK", "result": {"list": []}, "time": 0}
    linear = load(recorded, "bybit/http_get_instruments_linear.json")
    for payload in (nothing, linear, nothing, nothing, nothing):  # spot, linear and its pre-launch, inverse and its
        replay(loopback, "instruments-info", payload)
    found = {one.symbol: (one.contract, one.tick_size, one.lot_size) for one in source.instruments("bybit")}
    assert found == {BTC: (Contract.LINEAR, 0.5, 0.001), ETH: (Contract.LINEAR, 0.05, 0.01)}


def test_bybit_positions(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Two open positions; the closed one of the message is left out."""
    loopback, source = venues
    source.capabilities(ETH, venue="bybit")
    replay(loopback, "position/list", load(recorded, "bybit/http_get_positions.json"))
    table = source.positions(venue="bybit")
    assert table["symbol"].to_list() == [BTC, ETH]
    assert table["side"].to_list() == [1, -1]
    assert table["quantity"].to_list() == [0.5, 5.0]
    assert table["margin"].to_list() == [2500.0, 3000.0]
    assert table["liquidation_price"].to_list() == [45_000.0, 3_500.0]
    assert table["margin_mode"].to_list() == ["cross", "cross"]


def test_bybit_order_book(recorded: Path, venues: tuple[LoopbackVenue, ExchangeSource]) -> None:
    """Three levels a side, in coin."""
    loopback, source = venues
    replay(loopback, "/orderbook", load(recorded, "bybit/http_get_orderbook.json"))
    book = source.order_book(BTC, venue="bybit")
    assert book["quantity"].to_list() == [1.5, 2.0, 0.75, 1.2, 3.0, 0.5]


def test_bybit_funding(recorded: Path) -> None:
    """Two settlements of March 2024."""
    market = ArithmeticMarket(now=pd.Timestamp("2024-03-08 09:00", tz="UTC"))
    with served("bybit", market=market) as (loopback, source):
        replay(loopback, "funding/history", load(recorded, "bybit/http_get_funding_history.json"))
        table = source.funding(BTC, start=pd.Timestamp("2024-03-07 20:00", tz="UTC"))
    assert table["funding_rate"].to_list() == [0.00015, 0.0001]


# -- what we serve has the layout of what was recorded ----------------------------------------------------------------
def differences(told: Any, ours: Any, where: str = "") -> list[str]:
    """Where ``ours`` lacks a key, has another kind of value or another row length than ``told``."""
    if told is None or ours is None or (told in ("", [], {})) or (ours in ("", [], {})):
        return []
    if isinstance(told, dict) and isinstance(ours, dict):
        lacking = [f"{where}.{key} is missing" for key in told if key not in ours]
        return lacking + [
            line for key in told if key in ours for line in differences(told[key], ours[key], f"{where}.{key}")
        ]
    if isinstance(told, list) and isinstance(ours, list):
        scalars = not isinstance(told[0], dict | list)
        if scalars and len(told) > 2 and len(told) != len(ours):
            return [f"{where} has {len(ours)} fields, recorded {len(told)}"]
        return differences(told[0], ours[0], f"{where}[0]")
    kinds = {str: "text", int: "number", float: "number", bool: "flag"}
    mine, theirs = kinds.get(type(ours), "?"), kinds.get(type(told), "?")
    return [] if mine == theirs else [f"{where} is {mine}, recorded {theirs}"]


QUERY = {"symbol": "BTCUSDT", "instId": "BTC-USDT-SWAP", "category": "linear"}
LAYOUTS = [
    (Binance, "klines", {"interval": "1h"}, "binance/klines_response.json", ""),
    (Binance, "exchange_info", {}, "binance/rest_fapi_exchangeInfo_2021.json", ""),
    (Binance, "depth", {}, "binance/rest_fapi_depth_SUSHIUSDT_2021.json", ""),
    (Okx, "candles", {"bar": "1m"}, "okx/http_get_candlesticks_full.json", "data"),
    (Okx, "instruments", {"instType": "SWAP"}, "okx/http_get_instruments_swap.json", "data"),
    (Okx, "instruments", {"instType": "SPOT"}, "okx/http_get_instruments_spot.json", "data"),
    (Okx, "account_positions", {}, "okx/http_get_positions.json", "data"),
    (Okx, "tiers", {"instFamily": "BTC-USDT"}, "okx/http_get_position_tiers.json", "data"),
    (Okx, "books", {"sz": "5"}, "okx/http_get_order_book.json", "data"),
    (Okx, "funding", {}, "okx/http_get_funding_rate_history.json", "data"),
    (Bybit, "kline", {"interval": "60"}, "bybit/http_get_klines_linear.json", "result"),
    (Bybit, "instruments", {}, "bybit/http_get_instruments_linear.json", "result"),
    (Bybit, "position_list", {"settleCoin": "USDT"}, "bybit/http_get_positions.json", "result"),
    (Bybit, "book", {}, "bybit/http_get_orderbook.json", "result"),
    (Bybit, "funding", {}, "bybit/http_get_funding_history.json", "result"),
]


@pytest.mark.parametrize(("form", "handler", "query", "name", "part"), LAYOUTS, ids=[row[3] for row in LAYOUTS])
def test_what_we_serve_has_the_recorded_layout(
    recorded: Path, form: Any, handler: str, query: dict[str, str], name: str, part: str
) -> None:
    """Every recorded field is there, as text or number alike; rows have as many fields."""
    told = load(recorded, name)
    ours = getattr(form(ArithmeticMarket()), handler)(QUERY | query)
    assert differences(told[part] if part else told, ours) == []


def test_differences_are_found() -> None:
    """The comparison itself can fail."""
    assert differences({"a": "1", "b": [{"c": 1}]}, {"a": 1, "b": [{"d": 1}]}) == [
        ".a is number, recorded text",
        ".b[0].c is missing",
    ]
    assert differences([["1", "2", "3"]], [["1", "2", "3", "4"]]) == ["[0] has 4 fields, recorded 3"]
