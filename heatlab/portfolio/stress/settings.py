"""Settings of the stress test."""

from __future__ import annotations

from dataclasses import dataclass

from heatlab._checks import check_range


@dataclass(frozen=True, slots=True)
class StressSettings:
    """How a shock is applied.

    Parameters
    ----------
    reach : float
        Largest move of the benchmark, up and down [fraction].
    steps : int
        Points of the whole curve from ``-reach`` to ``+reach``.
    assume_beta : bool
        Stress a position whose beta is unknown as if it were 1; without it such a position is left out, and said.
    """

    reach: float = 0.30
    steps: int = 61
    assume_beta: bool = False

    def __post_init__(self) -> None:
        """Check every setting."""
        check_range("reach", self.reach, 0, 0.95, caller="StressSettings", closed="right")
        check_range("steps", self.steps, 3, 10_001, caller="StressSettings")


DEFAULT = StressSettings()
