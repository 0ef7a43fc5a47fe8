"""Benchmarks: ours against a named peer or a plain reference, measured in turn in one run.

``python -m tests.benchmarks [NAME ...] [--json]`` runs them; each is a module ``bench_<name>`` with ``run()``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. ``peer_s`` is None where the peer is not installed; ``bar`` is the ratio to reach, if any."""

    name: str
    ours_s: float
    peer_s: float | None
    size: str
    peer: str
    bar: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times longer the peer takes."""
        return None if self.peer_s is None else self.peer_s / self.ours_s


def best_of(function: Callable[[], Any], *, runs: int = 5) -> float:
    """Shortest of several runs [s], after one warm-up."""
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
