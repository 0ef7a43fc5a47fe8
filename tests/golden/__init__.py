"""Worked cases from outside: ``python -m tests.golden FILE.json`` runs every case of a file against heatlab.

A case is computed by the function its own fields call for (venue, contract, margin mode, the names of its inputs),
never by its id, so a file of new cases of the same kinds runs unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.golden.compare import differences
from tests.golden.liquidation import liquidation_function
from tests.golden.quant import quant_function

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case and what is wrong with it; it holds if nothing is."""

    case: str
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.problems


def read_cases(path: Path) -> list[Case]:
    """Cases of a file: a bare list, or a mapping with ``cases``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    cases = content["cases"] if isinstance(content, Mapping) else content
    if not isinstance(cases, Sequence):
        raise TypeError(f"{path} must hold a list of cases. Got {type(cases).__name__}.")
    return list(cases)


def run_case(case: Case) -> Outcome:
    """Compute one case and compare it with what it expects."""
    name = str(case.get("id", "unnamed"))
    function: Callable[[Case], Mapping[str, Any]] | None
    function = quant_function(case) if "group" in case else liquidation_function(case)
    if function is None:
        return Outcome(name, (f"no function for {kind_of(case)}",))
    try:
        actual = function(case)
    except Exception as error:  # noqa: BLE001 - a case that cannot be computed is reported like any other mismatch
        return Outcome(name, (f"{type(error).__name__}: {error}",))
    return Outcome(name, tuple(differences(case, actual)))


def kind_of(case: Case) -> str:
    """Words for what a case is about."""
    if "group" in case:
        return f"group {case['group']}, expecting {', '.join(case.get('expected', {}))}"
    fields = (case.get("venue"), case.get("contract"), case.get("margin_mode"))
    return f"{' '.join(map(str, fields))}, expecting {', '.join(case.get('expected', {}))}"
