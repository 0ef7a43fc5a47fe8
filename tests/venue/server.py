"""The loopback venue: one HTTP server on 127.0.0.1 that speaks the wire formats of three exchanges.

with LoopbackVenue(ArithmeticMarket()) as venue:
    source = ExchangeSource("okx", options=venue.options)
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from heatlab.sources.base import MarketSource
from tests.venue.binance import Binance
from tests.venue.bybit import Bybit
from tests.venue.faults import Fault, Faults
from tests.venue.okx import Okx
from tests.venue.wire import Query, Refused, Wire

Call = tuple[str, Query]


class LoopbackVenue:
    """Serves a market source over HTTP; remembers every request and shows the faults it is told to.

    Parameters
    ----------
    market : MarketSource
    """

    def __init__(self, market: MarketSource) -> None:
        self.market = market
        self.faults = Faults()
        self.calls: list[Call] = []
        self.methods: set[str] = set()
        formats: tuple[Wire, ...] = tuple(
            kind(market) for kind in (Binance, Okx, Bybit) if kind.venue in market.venues()
        )
        self._formats = {form.venue: form for form in formats}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Serve until the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """Client settings by venue that point ccxt here."""
        return {name: form.options(self.url) for name, form in self._formats.items()}  # type: ignore[attr-defined]

    def asked(self, path: str) -> list[Query]:
        """Queries of the requests whose path contains ``path``."""
        with self._lock:
            return [query for called, query in self.calls if path in called]

    def respond(self, path: str, raw_query: str, headers: dict[str, str]) -> tuple[int, str]:
        """Status and body of one request without faults."""
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        form = self._format_of(path)
        try:
            return 200, json.dumps(form.answer(path, query, headers, raw_query))  # type: ignore[attr-defined]
        except KeyError as error:
            return 404, json.dumps({"code": "404", "retCode": 404, "msg": f"no such path or field: {error}"})
        except Refused as refused:
            return refused.status, json.dumps(refused.payload)

    def _format_of(self, path: str) -> Wire:
        name = "okx" if path.startswith("/api/v5") else "bybit" if path.startswith("/v5") else "binanceusdm"
        return self._formats[name]

    def _note(self, method: str, path: str, query: str) -> None:
        with self._lock:
            self.methods.add(method)
            self.calls.append((path, dict(parse_qsl(query, keep_blank_values=True))))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        venue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                venue._note("GET", parts.path, parts.query)
                fault = venue.faults.take(parts.path)
                if fault is not None and fault.kind == "drop":
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body, extra = 200, "", {}
                if fault is not None and fault.kind == "status":
                    status, body, extra = fault.status, fault.body, fault.headers
                elif fault is not None and fault.kind == "empty":
                    body = venue._format_of(parts.path).empty(parts.path)  # type: ignore[attr-defined]
                else:
                    status, body = venue.respond(parts.path, parts.query, headers)
                self._send(status, self._damaged(body, fault), extra)

            def do_POST(self) -> None:
                venue._note("POST", self.path, "")
                self._send(405, "{}", {})

            def _damaged(self, body: str, fault: Fault | None) -> str:
                if fault is not None and fault.kind == "hang":
                    time.sleep(fault.seconds)
                return body[: len(body) // 2] if fault is not None and fault.kind == "truncate" else body

            def _send(self, status: int, body: str, extra: dict[str, str]) -> None:
                data = body.encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json; charset=utf-8")
                    self.send_header("Content-Length", str(len(data)))
                    for name, value in extra.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Stay quiet."""

        return Handler
