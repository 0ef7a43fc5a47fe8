"""Run benchmarks: ``python -m tests.benchmarks [NAME ...] [--json]``."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys

import tests.benchmarks as room
from tests.benchmarks import Result


def names() -> list[str]:
    """Benchmarks there are."""
    found = [module.name for module in pkgutil.iter_modules(room.__path__)]
    return sorted(name.removeprefix("bench_") for name in found if name.startswith("bench_"))


def line(result: Result) -> str:
    """One row for the terminal."""
    peer = "missing" if result.peer_s is None else f"{result.peer_s:.4f}"
    ratio = "-" if result.ratio is None else f"{result.ratio:.1f}x"
    bar = "" if result.bar is None else f"  (bar {result.bar:g}x)"
    times = f"ours {result.ours_s:.5f} s  peer {peer} s  ratio {ratio:>9}{bar}"
    return f"{result.name:<38} {times}  {result.size}  peer: {result.peer}"


def main(argv: list[str]) -> int:
    """Run the named benchmarks, all by default."""
    wanted = [name for name in argv if not name.startswith("-")] or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    rows = []
    for name in wanted:
        for result in importlib.import_module(f"tests.benchmarks.bench_{name}").run():
            if "--json" in argv:
                rows.append({slot: getattr(result, slot) for slot in (*result.__slots__, "ratio")})
            else:
                print(line(result), flush=True)
    if "--json" in argv:
        print(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
