"""From the book's heat to explicit orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import check_range, parameter_error
from heatlab.domain import Side
from heatlab.frames import POSITIONS, check
from heatlab.portfolio.orders.lots import lot_of, rounded_up

ORDER_COLUMNS = ["symbol", "venue", "side", "quantity", "notional", "reason", "rule"]
IDENTITY = ["symbol", "venue", "side"]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Thresholds of the rule on the book's heat.

    Parameters
    ----------
    halve_below : float
        Book heat below which every position is halved.
    cash_below : float
        Book heat below which marginal positions are closed and the rest halved; the proceeds stay in cash.
    marginal_below : float
        A position is marginal if its own heat is below this. 100 closes all but a perfect position: all to cash.
    coverage : float
        Share of the book's value whose heat must be known before the rule says anything [fraction].
    """

    halve_below: float = 50.0
    cash_below: float = 30.0
    marginal_below: float = 50.0
    coverage: float = 0.8

    def __post_init__(self) -> None:
        """Check every setting."""
        check_range("halve_below", self.halve_below, 0, 100, caller="RuleSettings")
        check_range("cash_below", self.cash_below, 0, self.halve_below, caller="RuleSettings")
        check_range("marginal_below", self.marginal_below, 0, 100, caller="RuleSettings")
        check_range("coverage", self.coverage, 0, 1, caller="RuleSettings")


DEFAULT = RuleSettings()


def heat_rule(
    positions: pd.DataFrame,
    portfolio_heat: float,
    position_heat: pd.DataFrame | ArrayLike,
    *,
    settings: RuleSettings = DEFAULT,
    lots: Mapping[tuple[str, str], float] | None = None,
) -> pd.DataFrame:
    """Orders the heat rule asks for; nothing is sent anywhere.

    Below ``halve_below`` every position is halved. Below ``cash_below`` marginal positions (own heat below
    ``marginal_below``) are closed and the others, as well as those of unknown heat, are halved; nothing new is
    opened, so what is freed goes to cash and stays there. "Close the marginal positions and go to cash" would name
    the marginal ones for nothing if it meant all: the others keep the half the milder rule, which holds below
    ``cash_below`` too, leaves them. ``marginal_below=100`` closes the whole book instead. At or above
    ``halve_below``, and while the book's heat is unknown, there are no orders.
    :func:`heatlab.portfolio.orders.costs.price_orders` adds what the orders cost.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    portfolio_heat : float in [0, 100] or NaN
    position_heat : DataFrame or array of shape (n_positions,)
        Table with ``symbol, venue, side, heat`` (matched by the first three), or heats in the order of ``positions``.
    settings : RuleSettings
    lots : mapping of (venue, symbol) to float, optional
        Lot of each market [base]: a halving is rounded up to whole lots, never beyond the position.

    Returns
    -------
    DataFrame
        Columns ``symbol, venue, side`` (of the ORDER: opposite to the position's), ``quantity`` > 0 [base, whole
        lots where the lot is known], ``notional`` [quote, NaN where the mark price is unknown], ``reason``,
        ``rule``. ``attrs["rule"]`` is "none", "halve" or "to cash"; closings come first.

    Raises
    ------
    MissingColumnsError, DataError
        ``positions`` is not a canonical table.
    ParameterError
        A heat lies outside [0, 100], or the heats do not fit the positions.
    """
    check(positions, POSITIONS, where="heat_rule")
    rule = _rule(portfolio_heat, settings)
    heats = _heats(positions, position_heat)
    rows: list[dict[str, Any]] = []
    if rule != "none":
        for position, heat in zip(positions.to_dict("records"), heats, strict=True):
            lot = lot_of(lots, position["venue"], position["symbol"])
            rows.append(_order(position, float(heat), portfolio_heat, rule, settings, lot))
    rows.sort(key=lambda row: not row["reason"].startswith("close"))
    numeric = {"side": np.int64, "quantity": np.float64, "notional": np.float64}
    orders = pd.DataFrame(rows, columns=ORDER_COLUMNS).astype(numeric)
    orders.attrs["rule"] = rule
    return orders


def _rule(heat: float, settings: RuleSettings) -> str:
    if np.isnan(heat):
        return "none"
    check_range("portfolio_heat", heat, 0, 100, caller="heat_rule")
    if heat < settings.cash_below:
        return "to cash"
    return "halve" if heat < settings.halve_below else "none"


def _order(
    position: dict[Any, Any], heat: float, book: float, rule: str, settings: RuleSettings, lot: float | None
) -> dict[str, Any]:
    side = Side.parse(position["side"])
    marginal = rule == "to cash" and heat < settings.marginal_below
    held = position["quantity"]
    quantity = held if marginal else rounded_up(held / 2, lot, most=held)
    limit = settings.cash_below if rule == "to cash" else settings.halve_below
    own = "unknown" if np.isnan(heat) else f"{heat:.1f}"
    words = f"{'close' if marginal else 'halve'} the {side.label}: portfolio heat {book:.1f} is below {limit:g}"
    return {
        "symbol": position["symbol"],
        "venue": position["venue"],
        "side": -int(side),
        "quantity": quantity,
        "notional": quantity * position["mark_price"],
        "reason": f"{words}, own heat {own}",
        "rule": rule,
    }


def _heats(positions: pd.DataFrame, position_heat: pd.DataFrame | ArrayLike) -> NDArray[np.float64]:
    if isinstance(position_heat, pd.DataFrame):
        known = position_heat[[*IDENTITY, "heat"]].drop_duplicates(IDENTITY)
        heats = positions[IDENTITY].merge(known, on=IDENTITY, how="left")["heat"].to_numpy(dtype=np.float64)
    else:
        heats = np.asarray(position_heat, dtype=np.float64)
    if heats.shape != (len(positions),):
        raise parameter_error("position_heat", "heat_rule", f"one per position ({len(positions)})", heats.shape)
    for heat in heats[np.isfinite(heats)]:
        check_range("position_heat", heat, 0, 100, caller="heat_rule")
    return heats
