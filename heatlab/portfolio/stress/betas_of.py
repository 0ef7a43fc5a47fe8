"""Beta of each position, from the betas of symbols."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.portfolio.stress.book import Bools, Floats, StressBook


@dataclass(frozen=True)
class PositionBetas:
    """Betas of positions, arrays of shape (n,): ``up`` and ``down`` are those used in rises and falls.

    ``stated`` and ``stated_down`` are the estimates alone, NaN where unknown. ``counted`` is False where a position
    is left out: no beta, or no price or quantity.
    """

    up: Floats
    down: Floats
    stated: Floats
    stated_down: Floats
    counted: Bools
    notes: tuple[str, ...]

    @property
    def basis(self) -> np.ndarray:
        """Say "beta" where a position moves by beta, nothing where it is left out."""
        return np.where(self.counted, "beta", "")


def position_betas(book: StressBook, betas: pd.DataFrame, *, assume: bool = False) -> PositionBetas:
    """Match betas to positions; ``assume`` takes 1 where beta is unknown."""
    rows = {str(row["symbol"]): row for row in betas.to_dict("records")}
    by_base: dict[str, str] = {}
    for symbol, row in rows.items():
        if np.isfinite(row["beta"]):
            by_base.setdefault(symbol.split("/", maxsplit=1)[0], symbol)
    found = [_found(str(symbol), rows, by_base) for symbol in book.positions["symbol"]]
    up, down = (np.array([one[k] for one in found], dtype=np.float64) for k in (0, 1))
    notes = [str(one[2]) for one in found]
    known = np.isfinite(book.mark) & np.isfinite(book.quantity)
    used = np.where(np.isnan(up), 1.0, up) if assume else up
    fall = np.where(np.isnan(down), used, down)
    for place in np.flatnonzero(np.isnan(up)):
        notes[place] += ": taken as 1" if assume else ": left out"
    for place in np.flatnonzero(~known):
        notes[place] = "its price or quantity is not known: left out"
    return PositionBetas(used, fall, up, down, known & np.isfinite(used), tuple(notes))


def _found(symbol: str, rows: dict[str, dict], by_base: dict[str, str]) -> tuple[float, float, str]:  # type: ignore[type-arg]
    own = rows.get(symbol)
    other = by_base.get(symbol.split("/", maxsplit=1)[0])
    if own is not None and (np.isfinite(own["beta"]) or other is None):
        note = "" if own["note"] == "the benchmark" else str(own["note"])
        return float(own["beta"]), float(own["downside_beta"]), note
    if other is None:
        return float("nan"), float("nan"), "no hourly candles, beta unknown"
    return float(rows[other]["beta"]), float(rows[other]["downside_beta"]), f"beta of {other}"
