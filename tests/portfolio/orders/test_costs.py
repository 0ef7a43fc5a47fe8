"""What orders cost, lots, and the hedge ratio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.orders.costs import CostSettings, price_orders, usual_fee
from heatlab.portfolio.orders.hedge import minimum_variance_hedge
from heatlab.portfolio.orders.lots import lot_of, rounded_down, rounded_up


def orders() -> pd.DataFrame:
    """Sell 2 BTC at 50,000 on one venue, buy 100 SOL of unknown price on another."""
    table = pd.DataFrame(
        {
            "symbol": ["BTC/USDT:USDT", "SOL/USDT:USDT"],
            "venue": ["binanceusdm", "bybit"],
            "side": [-1, 1],
            "quantity": [2.0, 100.0],
            "notional": [100_000.0, np.nan],
            "reason": ["", ""],
            "rule": ["halve", "halve"],
        }
    )
    table.attrs["rule"] = "halve"
    return table


def test_an_order_costs_its_fee_and_half_the_spread(pure: Callable[..., Any]) -> None:
    """100,000 at 4 bp and half of 2 bp: 40 + 10; measured, so nothing is assumed."""
    owner = ("binanceusdm", "BTC/USDT:USDT")
    priced = pure(price_orders, orders(), spreads={owner: 0.0002}, fees={"binanceusdm": 0.0004})
    assert priced.loc[0, ["price", "fee", "spread_cost", "cost"]].tolist() == pytest.approx([50_000, 40, 10, 50])
    assert priced["assumed"].tolist() == [False, True]
    assert priced.attrs["rule"] == "halve"


def test_what_is_not_measured_is_assumed_and_said() -> None:
    """5 bp of fee and half of 5 bp of spread by default."""
    priced = price_orders(orders())
    assert priced.loc[0, "cost"] == pytest.approx(75.0)
    assert priced["assumed"].all()


def test_an_order_of_unknown_price_costs_an_unknown_amount() -> None:
    """NaN, never 0."""
    assert price_orders(orders()).loc[1, ["price", "fee", "cost"]].isna().all()


def test_no_orders_cost_nothing() -> None:
    """The columns are there all the same."""
    assert list(price_orders(orders()[:0]).columns)[-5:] == ["price", "fee", "spread_cost", "cost", "assumed"]


def test_a_venue_with_a_fee_of_its_own_is_charged_that() -> None:
    """Bybit's usual taker fee; the one of the settings where the venue is not known."""
    assert usual_fee("bybit") == 0.00055
    assert usual_fee("binanceusdm", settings=CostSettings(taker_fee=0.001)) == 0.001


def test_wrong_tables_and_settings_are_refused() -> None:
    """A missing column and a spread that is no fraction."""
    with pytest.raises(MissingColumnsError, match=r"orders of price_orders must have the columns .* Missing notional"):
        price_orders(orders().drop(columns="notional"))
    with pytest.raises(ParameterError, match=r"'spread' parameter of CostSettings must be in \[0, 0.5\]. Got 2"):
        CostSettings(spread=2)


def test_quantities_are_rounded_to_whole_lots() -> None:
    """Down for what is opened, up for what is cut, never beyond what is held, and 0.3 is three lots of 0.1."""
    assert rounded_down(1.25, 0.1) == 1.2
    assert rounded_up(1.25, 0.1) == 1.3
    assert rounded_up(1.25, 1.0, most=1.5) == 1.5
    assert rounded_up(0.1 + 0.2, 0.1) == rounded_down(0.1 + 0.2, 0.1) == 0.3


def test_an_unknown_lot_rounds_nothing() -> None:
    """None and NaN."""
    assert rounded_down(1.25, None) == rounded_up(1.25, float("nan")) == 1.25
    assert lot_of(None, "okx", "BTC/USDT:USDT") is None
    assert lot_of({("okx", "A"): 1.0}, "okx", "A") == 1.0


def test_the_hedge_of_least_variance_is_johnsons() -> None:
    """rho 0.8, 4 % against 5 %: 0.64 per unit, 2.4 % left, 64 % of the variance gone."""
    hedge = minimum_variance_hedge(0.04, 0.05, correlation=0.8, notional=10_000)
    assert (hedge.ratio, hedge.notional) == (pytest.approx(0.64), pytest.approx(-6_400.0))
    assert (hedge.residual_volatility, hedge.effectiveness) == (pytest.approx(0.024), pytest.approx(0.64))


def test_a_hedge_without_volatility_is_refused() -> None:
    """It would need an infinite amount."""
    with pytest.raises(ParameterError, match="'sigma_hedge' parameter of minimum_variance_hedge must be a positive"):
        minimum_variance_hedge(0.04, 0.0, correlation=0.8)
