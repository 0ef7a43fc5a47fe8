"""Tables kept in memory, the least recently used thrown out first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import pandas as pd


class TableCache:
    """Tables by key, at most ``limit`` bytes of them; one thread builds a table at a time.

    Every caller gets a shallow copy with labels of its own; pandas copies on write, so that what a caller does to a
    table it was given stays with the caller.

    Parameters
    ----------
    limit : int
    lock : RLock
        Held while a table is built; building may use whatever else the lock guards.
    """

    def __init__(self, limit: int, lock: threading.RLock) -> None:
        self._limit = limit
        self._tables: OrderedDict[Hashable, tuple[pd.DataFrame, int]] = OrderedDict()
        self._bytes = 0
        self._lock = lock

    def get(self, key: Hashable, build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the table of ``key``, built on first use."""
        with self._lock:
            if key not in self._tables:
                self._keep(key, build())
            self._tables.move_to_end(key)
            return self._tables[key][0].copy(deep=False)

    def _keep(self, key: Hashable, table: pd.DataFrame) -> None:
        size = int(table.memory_usage(deep=True).sum())
        self._tables[key] = (table, size)
        self._bytes += size
        while self._bytes > self._limit and len(self._tables) > 1:
            _, (_, freed) = self._tables.popitem(last=False)
            self._bytes -= freed
