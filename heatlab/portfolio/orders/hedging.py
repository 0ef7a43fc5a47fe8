"""Which instrument hedges a cluster best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.domain import NAN
from heatlab.frames import align
from heatlab.portfolio.book import RISK_TIMEFRAME, exposure
from heatlab.portfolio.correlation.clusters import correlation_clusters
from heatlab.portfolio.correlation.estimate import CorrelationEstimate, estimate_correlation
from heatlab.portfolio.orders.hedge import Hedge, minimum_variance_hedge
from heatlab.portfolio.view import RiskView

Owner = tuple[str, str]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class HedgeChoice:
    """The instrument that removes most of a cluster's variance.

    Attributes
    ----------
    symbol, venue : str
    price : float
        Mark, or last close, of the instrument [quote].
    correlation : float
        Of the cluster's return, in the proportions held, with the instrument's.
    hedge : Hedge
        Of the cluster's gross exposure [quote].
    estimate : CorrelationEstimate
        Correlation that holds the instrument too.
    clusters : Series of int
        Labels that hold the instrument too.
    """

    symbol: str
    venue: str
    price: float
    correlation: float
    hedge: Hedge
    estimate: CorrelationEstimate
    clusters: pd.Series


def best_hedge(
    view: RiskView, cluster: int, *, candles: Mapping[Key, pd.DataFrame], held_too: bool = False
) -> HedgeChoice | None:
    """Find the perpetual whose returns explain most of a cluster's.

    The cluster's own symbols are left out: selling what one holds is a reduction first, and a hedge beyond it.

    Parameters
    ----------
    view : RiskView
    cluster : int
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Markets with ``1h`` bars may hedge.
    held_too : bool
        Let one of several symbols of the cluster hedge them all, as BTC is sold against a book of coins.

    Returns
    -------
    HedgeChoice or None
        None where nothing has a known correlation with the cluster, or the cluster nets to nothing.
    """
    own = {str(symbol) for symbol, label in view.clusters.items() if label == cluster}
    markets = perpetuals(candles, without=set() if held_too and len(own) > 1 else own)
    estimate, labels = _estimated(view, candles, markets)
    net = _net(view)
    x = net.reindex(estimate.deviation.index).where(estimate.deviation.index.isin(own), 0.0).fillna(0.0)
    matrix = estimate.covariance.to_numpy(dtype=np.float64)
    known = np.isfinite(np.diag(matrix))
    weights = x.to_numpy(dtype=np.float64)[known]
    with_cluster = matrix[np.ix_(known, known)] @ weights
    variance = float(weights @ with_cluster)
    if not variance > 0:
        return None
    names = estimate.deviation.index[known]
    rho = pd.Series(with_cluster, index=names) / (estimate.deviation[names] * np.sqrt(variance))
    rho = rho[[symbol for symbol in markets if symbol in rho.index]].dropna()
    if rho.empty:
        return None
    symbol = str(rho.abs().idxmax())
    gross = float(np.abs(weights).sum())
    correlation = float(np.clip(rho[symbol], -1, 1))
    sigma, own_sigma = float(np.sqrt(variance)) / gross, float(estimate.deviation[symbol])
    hedge = minimum_variance_hedge(sigma, own_sigma, correlation=correlation, notional=gross)
    venue = _venue(view, cluster, markets[symbol])
    price = market_price(view.positions, candles, venue, symbol)
    return HedgeChoice(symbol, venue, price, correlation, hedge, estimate, labels)


def perpetuals(candles: Mapping[Key, pd.DataFrame], *, without: set[str]) -> dict[str, list[str]]:
    """Venues by symbol of the perpetuals with hourly bars: dated futures and spot pairs are left out."""
    found: dict[str, list[str]] = {}
    for (venue, symbol, timeframe), table in candles.items():
        settle = symbol.partition(":")[2]
        if timeframe == RISK_TIMEFRAME and settle and "-" not in settle and symbol not in without and len(table):
            found.setdefault(symbol, []).append(venue)
    return found


def market_price(positions: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], venue: str, symbol: str) -> float:
    """Mark price of a market that is held, else its last close; NaN where neither is known [quote]."""
    held = positions.loc[(positions["venue"] == venue) & (positions["symbol"] == symbol), "mark_price"].dropna()
    if len(held):
        return float(held.iloc[0])
    for timeframe in (RISK_TIMEFRAME, "4h", "1d"):
        bars = candles.get((venue, symbol, timeframe))
        closes = bars["close"].dropna() if bars is not None else pd.Series(dtype="float64")
        if len(closes):
            return float(closes.iloc[-1])
    return NAN


def _estimated(
    view: RiskView, candles: Mapping[Key, pd.DataFrame], markets: Mapping[str, list[str]]
) -> tuple[CorrelationEstimate, pd.Series]:
    """Correlation and labels of the book and of every market that may hedge; the book's labels stay."""
    new = [symbol for symbol in markets if symbol not in view.closes.columns]
    if not new:
        return view.correlation, view.clusters
    added = align({symbol: candles[markets[symbol][0], symbol, RISK_TIMEFRAME] for symbol in new})
    wide = view.closes.join(added.reindex(view.closes.index).astype("float64"))
    estimate = estimate_correlation(wide)
    labels = correlation_clusters(estimate.matrix, previous=view.clusters)
    return estimate, pd.concat([view.clusters, labels[new]])


def _net(view: RiskView) -> pd.Series:
    return pd.Series(exposure(view.positions)).groupby(view.positions["symbol"].to_numpy()).sum(min_count=1)


def _venue(view: RiskView, cluster: int, venues: list[str]) -> str:
    """Of the venues that list the instrument, the one where most of the cluster is held."""
    held = view.concentration[view.concentration["cluster"] == cluster].groupby("venue")["notional"].sum()
    return max(venues, key=lambda venue: float(held.get(venue, 0.0)))
