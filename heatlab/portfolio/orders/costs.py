"""What proposed orders cost: the taker fee, and half the spread for crossing it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range
from heatlab.domain import NAN
from heatlab.errors import MissingColumnsError
from heatlab.margin.venues import TAKER_FEES, formula_of
from heatlab.portfolio.rule import ORDER_COLUMNS

Owner = tuple[str, str]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CostSettings:
    """What to assume where neither fee nor spread is known.

    Parameters
    ----------
    taker_fee : float
        Fee of a market order where the venue publishes none that is known here [fraction of notional].
    spread : float
        Best ask less best bid [fraction of the mid]. 5 basis points is wide for a large coin and narrow for a small
        one; a market order of size pays more than that.
    """

    taker_fee: float = 0.0005
    spread: float = 0.0005

    def __post_init__(self) -> None:
        """Refuse what is no fraction."""
        check_range("taker_fee", self.taker_fee, 0, 0.1, caller="CostSettings")
        check_range("spread", self.spread, 0, 0.5, caller="CostSettings")


DEFAULT = CostSettings()


def price_orders(
    orders: pd.DataFrame,
    *,
    spreads: Mapping[Owner, float] | None = None,
    fees: Mapping[str, float] | None = None,
    settings: CostSettings = DEFAULT,
) -> pd.DataFrame:
    """Add to each order the price it is reckoned at and what it costs as a market order.

    Parameters
    ----------
    orders : DataFrame
        With the columns of :data:`heatlab.portfolio.rule.ORDER_COLUMNS`.
    spreads : mapping of (venue, symbol) to float, optional
        Best ask less best bid [fraction of the mid], measured.
    fees : mapping of venue to float, optional
        Taker fee of the account [fraction].
    settings : CostSettings
        Used where those are silent; where the venue's usual fee is known, that comes first.

    Returns
    -------
    DataFrame
        ``orders`` with ``price`` (mark) [quote], ``fee``, ``spread_cost`` (half the spread), ``cost`` (their sum)
        [quote] and ``assumed`` (bool: the fee or the spread is not measured). NaN where the notional is unknown.
        ``attrs`` are kept. Market impact beyond the spread is not included.

    Raises
    ------
    MissingColumnsError
        A column of the orders is missing.
    """
    if missing := [name for name in ORDER_COLUMNS if name not in orders.columns]:
        needed = ", ".join(ORDER_COLUMNS)
        raise MissingColumnsError(
            f"The orders of price_orders must have the columns {needed}. Missing {', '.join(missing)}."
        )
    priced = orders.copy()
    owners = list(zip(orders["venue"], orders["symbol"], strict=True))
    own_fees = [_known(fees, venue) for venue, _ in owners]
    own_spreads = [_known(spreads, owner) for owner in owners]
    usual = [usual_fee(venue, settings=settings) for venue, _ in owners]
    fee, spread = _filled(own_fees, usual), _filled(own_spreads, [settings.spread] * len(owners))
    notional = orders["notional"].to_numpy(dtype=np.float64)
    quantity = orders["quantity"].to_numpy(dtype=np.float64)
    priced["price"] = np.divide(notional, quantity, out=np.full(len(orders), np.nan), where=quantity > 0)
    priced["fee"] = notional * fee
    priced["spread_cost"] = notional * spread / 2
    priced["cost"] = priced["fee"] + priced["spread_cost"]
    priced["assumed"] = np.isnan(own_fees) | np.isnan(own_spreads)
    priced.attrs = dict(orders.attrs)
    return priced


def usual_fee(venue: str, *, settings: CostSettings = DEFAULT) -> float:
    """Taker fee a venue usually takes [fraction]; the one of the settings where none is known."""
    return float(TAKER_FEES.get(formula_of(venue), settings.taker_fee))


def _known(given: Mapping[Any, float] | None, key: Hashable) -> float:
    return NAN if given is None else float(given.get(key, NAN))


def _filled(own: Sequence[float], usual: Sequence[float]) -> Floats:
    return np.where(np.isnan(own), np.asarray(usual, dtype=np.float64), np.asarray(own, dtype=np.float64))
