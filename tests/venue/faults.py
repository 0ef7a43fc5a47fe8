"""Faults a venue can show, by path and count."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What to do with the next ``times`` requests whose path contains ``path``.

    ``kind`` is "status" (send ``status`` with ``headers`` and ``body``), "truncate" (cut the JSON in half), "empty"
    (an answer without rows), "hang" (answer only after ``seconds``) or "drop" (close the connection).
    """

    path: str
    kind: str
    times: int = 1
    after: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"
    seconds: float = 1.0


class Faults:
    """The faults still to be shown; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[Fault] = []

    def add(self, path: str, kind: str, **details: object) -> None:
        """Plan a fault; see :class:`Fault`."""
        with self._lock:
            self._left.append(Fault(path, kind, **details))  # type: ignore[arg-type]

    def take(self, path: str) -> Fault | None:
        """Use up one fault that fits a path."""
        with self._lock:
            for fault in self._left:
                if fault.path in path and fault.times > 0:
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None
