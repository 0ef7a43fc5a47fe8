"""Which function computes a case of quant maths, by its group and what it expects.

A room adds its cases by adding a row to :data:`FUNCTIONS`: the group, what the inputs must have, and the function.
Functions import their room themselves, so that one broken room does not stop the cases of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from heatlab import margin

Case = Mapping[str, Any]
Result = Mapping[str, Any]
Function = Callable[[Case], Result]


def quant_function(case: Case) -> Function | None:
    """Function that computes the case, None if there is none."""
    return next(
        (function for group, covers, function in FUNCTIONS if group == case["group"] and covers(case["inputs"])), None
    )


def rule_of_thumb(case: Case) -> Result:
    leverage = case["inputs"]["leverage"]
    return {"adverse_move": 1 - margin.bankruptcy_price("long", 1.0, leverage=leverage)}


def portfolio_risk(case: Case) -> Result:
    from heatlab import portfolio

    weights, covariance = case["inputs"]["w"], case["inputs"]["cov"]
    return {
        "vol": portfolio.portfolio_volatility(weights, covariance),
        "component": portfolio.risk_components(weights, covariance),
        "pct": portfolio.risk_contributions(weights, covariance),
        "diversification_ratio": portfolio.diversification_ratio(weights, covariance),
    }


def breakout(case: Case) -> Result:
    from heatlab import trend

    inputs = case["inputs"]
    given = inputs["price"]
    if isinstance(given, str):
        first, last = (int(part) for part in given.split(".."))
        given = range(first, last + 1)
    index = pd.date_range("2024-01-01", periods=len(given), freq="D", tz="UTC", name="timestamp")
    price = pd.Series(np.asarray(given, dtype=np.float64), index=index)
    return {"forecast_last": trend.breakout(price, lookback=inputs["lookback"]).iloc[-1]}


def ewmac_scalars(case: Case) -> Result:
    from heatlab import trend

    scalars = {f"{fast}_{slow}": scalar for (fast, slow), scalar in trend.EWMAC_SCALARS.items()}
    cap, target = trend.FORECAST_CAP, trend.TARGET_ABSOLUTE_FORECAST
    return {"forecast_scalar": scalars, "forecast_cap": cap, "target_abs": target}


def kelly_bet(case: Case) -> Result:
    from heatlab.portfolio.kelly import kelly_fraction

    win_rate, payoff = case["inputs"]["p"], case["inputs"]["b"]
    return {"f": kelly_fraction(win_rate, payoff), "f_raw": kelly_fraction(win_rate, payoff, clamp=False)}


def kelly_record(case: Case) -> Result:
    from heatlab.portfolio.kelly import kelly_from_trades

    inputs = case["inputs"]
    got = kelly_from_trades(inputs["wins"], inputs["n"], inputs["avg_win"], inputs["avg_loss"])
    return {
        "win_rate": got.win_rate,
        "b": got.payoff_ratio,
        "f": got.fraction,
        "expectancy_per_trade": got.expectancy,
        "profit_factor": got.profit_factor,
    }


def kelly_one_asset(case: Case) -> Result:
    from heatlab.portfolio.kelly import kelly_leverage

    inputs = case["inputs"]
    got = kelly_leverage(inputs["m"], inputs["s"], rate=inputs.get("r", 0.0))
    return {"f": got.leverage, "g": got.growth, "half_kelly_g": got.half_growth}


def kelly_assets(case: Case) -> Result:
    from heatlab.portfolio.kelly import kelly_weights

    got = kelly_weights(case["inputs"]["mu"], case["inputs"]["cov"])
    return {"f": got.weights, "sharpe": got.sharpe, "growth": got.growth}


def minimum_variance_hedge(case: Case) -> Result:
    from heatlab.portfolio.orders.hedge import minimum_variance_hedge

    inputs = case["inputs"]
    got = minimum_variance_hedge(
        inputs["sigma_spot"],
        inputs["sigma_hedge"],
        correlation=inputs["rho"],
        notional=inputs["notional"],
    )
    return {
        "h": got.ratio,
        "hedge_notional": got.notional,
        "residual_vol": got.residual_volatility,
        "effectiveness": got.effectiveness,
    }


def concentration(case: Case) -> Result:
    from heatlab.portfolio.concentration import concentration_measures, concentration_table
    from heatlab.portfolio.risk import portfolio_volatility, risk_contributions
    from tests.portfolio.books_of_risk import book, estimate

    inputs = case["inputs"]
    weights = np.asarray(inputs["w"], dtype=np.float64)
    count = weights.size
    given = inputs.get("corr", np.where(np.eye(count) == 1, 1.0, inputs.get("corr_offdiag", 0.0)))
    correlation = np.eye(count) if isinstance(given, str) else np.asarray(given, dtype=np.float64)
    known = estimate([f"A{k}" for k in range(count)], correlation, deviation=inputs.get("vol", 1.0))
    positions = book([(f"A{k}", "okx", 1, weight) for k, weight in enumerate(weights)])
    shares = risk_contributions(weights, known.covariance)
    table = concentration_table(positions, known, pd.Series(dtype=np.int64), contributions=shares)
    measures = concentration_measures(positions, known, contributions=shares)
    cluster = correlation[0] > 0.7
    neighbours = (table["correlation_heat"] - table["size_heat"]) / (100.0 - table["size_heat"])
    return {
        "contrib": table["risk_share"],
        "cluster_sum": table["risk_share"][cluster].sum(),
        "cluster_gross": table["size_share"][cluster].sum(),
        "enb_pca": measures.effective_principal_bets,
        "port_vol": portfolio_volatility(weights, known.covariance),
        "div_mult": measures.diversification_ratio,
        "corr_weighted_each": max(shares, key=lambda share: abs(share - shares.mean())),
        "enb_risk_contrib": measures.effective_bets,
        "effective_n_weights": measures.effective_positions,
        "avg_corr": neighbours.mean(),
    }


def rolling_correlation_case(case: Case) -> Result:
    from heatlab.portfolio.correlation.rolling import rolling_correlation

    inputs = case["inputs"]
    table = np.array([[np.nan if v is None else v for v in inputs[name]] for name in ("x", "y")], dtype=np.float64).T
    rolled = rolling_correlation(table, inputs["window"], min_bars=inputs.get("min_periods"))[:, 0]
    return {"corr": rolled, "corr_last": rolled[-1]}


def correlation_blocks(case: Case) -> Result:
    from heatlab.portfolio.correlation.clusters import cluster_tree, correlation_clusters
    from heatlab.portfolio.correlation.hrp import hierarchical_risk_parity

    inputs = case["inputs"]
    names = [chr(ord("a") + k) for k in range(len(inputs["corr"]))]
    matrix = pd.DataFrame(inputs["corr"], index=names, columns=names, dtype=np.float64)
    labels = correlation_clusters(matrix, cut=inputs.get("cut", 0.5)).to_numpy()
    parts = sorted([int(k) for k in np.flatnonzero(labels == label)] for label in set(labels))
    return {
        "labels_partition": parts,
        "linkage_heights": cluster_tree(matrix)[1][:, 2],
        "hrp_weights": dict(hierarchical_risk_parity(matrix * np.outer(inputs["sd"], inputs["sd"]))),
    }


def has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    """Tell whether a case's inputs have all of these names."""
    return lambda inputs: all(name in inputs for name in names)


FUNCTIONS: list[tuple[str, Callable[[Mapping[str, Any]], bool], Function]] = [
    ("liquidation_rule_of_thumb", has("leverage"), rule_of_thumb),
    ("portfolio_risk", has("w", "cov"), portfolio_risk),
    ("trend", has("price", "lookback"), breakout),
    ("trend", has("rule"), ewmac_scalars),
    ("kelly", has("p", "b"), kelly_bet),
    ("kelly", has("n", "wins", "avg_win", "avg_loss"), kelly_record),
    ("kelly", has("m", "s"), kelly_one_asset),
    ("kelly", has("mu", "cov"), kelly_assets),
    ("hedge", has("sigma_spot", "sigma_hedge", "rho", "notional"), minimum_variance_hedge),
    ("concentration", has("w"), concentration),
    ("correlation", has("x", "y", "window"), rolling_correlation_case),
    ("clusters", has("corr", "sd"), correlation_blocks),
]
