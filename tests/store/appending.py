"""A process that forks writers on request: ``python -m tests.store.appending ROOT``, one request a line.

``START COUNT BATCH`` forks a child that appends COUNT one-minute bars from open time START [min] in batches, and
reports each batch the store has acknowledged. Forking saves importing pandas for every kill.
"""

from __future__ import annotations

import os
import sys

import numpy as np
import pandas as pd

from heatlab.frames import time_index
from heatlab.store import CandleStore

SERIES = ("binanceusdm", "BTC/USDT:USDT", "1m")


def bars(start: int, count: int) -> pd.DataFrame:
    """Candles whose every value follows from their open time [min], so that any process writes the same."""
    minutes = np.arange(start, start + count)
    close = 100.0 + minutes % 977
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": minutes % 13 + 0.5}
    return pd.DataFrame(columns, index=time_index(minutes * 60_000))


def append(root: str, start: int, count: int, batch: int) -> None:
    """Append bars batch by batch; say on standard output which are safe."""
    store = CandleStore(root)
    for first in range(start, start + count, batch):
        store.append(*SERIES, bars(first, batch))
        os.write(1, f"done {first + batch}\n".encode())


def main() -> None:
    """Fork a writer per request line; say its process id first, wait for it, say how it ended."""
    root = sys.argv[1]
    append(root + "-warm", 0, 1, 1)
    for line in sys.stdin:
        start, count, batch = map(int, line.split())
        child = os.fork()
        if child == 0:
            os.write(1, f"child {os.getpid()}\n".encode())
            append(root, start, count, batch)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os.write(1, f"end {status}\n".encode())


if __name__ == "__main__":
    main()
