"""Settings in the address: what the reader asked for, read safely.

Nothing in an address is trusted: numbers are clamped, choices are checked, unknown names are ignored.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import threading
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

LONGEST = 4000
CONNECT_SECONDS = 5.0
log = logging.getLogger("heatlab.apps")


def query_parameters(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Parameters of the address the page was opened with; the last value of a name counts.

    A preheated kernel has no visitor yet: there, and only there, this waits until one arrives. Call it as late as
    possible, after everything that does not depend on it.

    Parameters
    ----------
    environ : mapping, optional
        Defaults to the environment of the process.

    Returns
    -------
    dict
        Empty in JupyterLab.
    """
    if environ is None:
        _await_visitor()
        environ = os.environ
    query = environ.get("QUERY_STRING", "")[:LONGEST]
    return dict(parse_qsl(query))


def number(parameters: Mapping[str, str], name: str, *, default: float, low: float, high: float) -> float:
    """Parameter as a number in [low, high]; out of range is clamped, anything but a number is ``default``."""
    try:
        value = float(parameters[name])
    except (KeyError, ValueError):
        return default
    return default if math.isnan(value) else min(max(value, low), high)


def integer(parameters: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    """Parameter as a whole number in [low, high]."""
    return round(number(parameters, name, default=default, low=low, high=high))


def choice(parameters: Mapping[str, str], name: str, *, default: str, allowed: Collection[str]) -> str:
    """Parameter if it is one of ``allowed``, else ``default``."""
    value = parameters.get(name, default)
    return value if value in allowed else default


def choices(
    parameters: Mapping[str, str], name: str, *, default: tuple[str, ...], allowed: Collection[str]
) -> tuple[str, ...]:
    """Comma-separated parameter, what is not ``allowed`` left out; ``default`` if nothing remains."""
    wanted = dict.fromkeys(part.strip() for part in parameters.get(name, "").split(","))
    return tuple(part for part in wanted if part in allowed) or default


def _await_visitor() -> None:
    """Ask Voila who comes, as its own ``wait_for_request`` does; importing voila for it would cost a kernel seconds."""
    environ = os.environ
    if environ.get("VOILA_PREHEAT") != "True":
        return
    server = f"{environ.get('VOILA_APP_IP', '127.0.0.1')}:{environ.get('VOILA_APP_PORT', '8866')}"
    path = environ.get("VOILA_WS_BASE_URL", environ.get("VOILA_SERVER_URL", "/"))
    kernel = environ.get("VOILA_KERNEL_ID")
    asked = f"{environ.get('VOILA_WS_PROTOCOL', 'ws')}://{server}{path}voila/query/{kernel}"
    waiting = threading.Thread(target=lambda: environ.update(asyncio.run(_request(asked))), daemon=True)
    waiting.start()  # the kernel's own event loop runs already, and this cell holds it
    waiting.join()
    environ["VOILA_PREHEAT"] = "False"


async def _request(asked: str) -> dict[str, str]:
    """Request of the visitor as variables of the environment; none if the server cannot be asked."""
    from tornado.httpclient import HTTPError
    from tornado.websocket import websocket_connect

    try:
        connection = await websocket_connect(asked, connect_timeout=CONNECT_SECONDS)
    except (OSError, HTTPError) as error:
        log.warning("the settings in the address are not known: %s: %s", asked, error)
        return {}
    said = await connection.read_message()
    connection.close()
    await connection.read_message()  # None, once the server has closed it too
    return {} if said is None else {name: str(value) for name, value in json.loads(said).items()}
