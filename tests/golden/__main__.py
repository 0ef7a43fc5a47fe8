"""Command line of the golden runner."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.golden import read_cases, run_case


def main(arguments: list[str]) -> int:
    """Run the cases of each file named; 0 only if every one holds."""
    if not arguments:
        print("usage: python -m tests.golden FILE.json [FILE.json ...]", file=sys.stderr)
        return 2
    outcomes = [run_case(case) for argument in arguments for case in read_cases(Path(argument))]
    for outcome in outcomes:
        for problem in outcome.problems:
            print(f"{outcome.case}: {problem}")
    held = sum(outcome.holds for outcome in outcomes)
    print(f"{held} of {len(outcomes)} cases hold")
    return 0 if held == len(outcomes) and outcomes else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
