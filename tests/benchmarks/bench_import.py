"""``import heatlab`` on top of numpy and pandas."""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.benchmarks import Result

NAME = "import"
RUNS = 7


def _seconds(statement: str) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(RUNS)
    ]
    return statistics.median(runs)


def run() -> list[Result]:
    """Time above numpy and pandas [s]; the goal is at most 0.15 s."""
    plain = _seconds("import numpy, pandas")
    with_tables = _seconds("import numpy, pandas, heatlab, heatlab.frames")
    above = max(with_tables - plain, 1e-6)
    return [Result("import heatlab above numpy+pandas", above, plain, f"median of {RUNS}", "import numpy, pandas")]
