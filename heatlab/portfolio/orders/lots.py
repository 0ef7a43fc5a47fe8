"""Quantities a venue accepts: whole lots."""

from __future__ import annotations

import math
from collections.abc import Mapping

from heatlab._checks import check_positive

Owner = tuple[str, str]
SLACK = 1e-9
"""Part of a lot that is rounding error of a division, not a quantity."""


def rounded_down(quantity: float, lot: float | None) -> float:
    """Largest whole number of lots in ``quantity`` [base]; ``quantity`` itself where the lot is unknown.

    Raises
    ------
    ParameterError
        The lot is not a positive number.
    """
    if lot is None or math.isnan(lot) or math.isnan(quantity):
        return quantity
    check_positive("lot", lot, caller="rounded_down")
    return round(math.floor(quantity / lot + SLACK) * lot, 12)


def rounded_up(quantity: float, lot: float | None, *, most: float = math.inf) -> float:
    """Smallest whole number of lots that holds ``quantity`` [base], at most ``most`` (what is held).

    Raises
    ------
    ParameterError
        The lot is not a positive number.
    """
    if lot is None or math.isnan(lot) or math.isnan(quantity):
        return min(quantity, most)
    check_positive("lot", lot, caller="rounded_up")
    return min(round(math.ceil(quantity / lot - SLACK) * lot, 12), most)


def lot_of(lots: Mapping[Owner, float] | None, venue: str, symbol: str) -> float | None:
    """Lot of a market [base]; None where unknown."""
    return None if lots is None else lots.get((venue, symbol))
