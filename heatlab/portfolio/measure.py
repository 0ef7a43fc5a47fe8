"""Measure a whole book once: everything the portfolio apps show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from heatlab.domain import Timeframe
from heatlab.heat import HeatSettings
from heatlab.portfolio.book import RISK_TIMEFRAME, Key, book_view, symbol_closes
from heatlab.portfolio.concentration import concentration_measures, concentration_table
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_shares, correlation_clusters
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation
from heatlab.portfolio.market_state import market_state
from heatlab.portfolio.quadrants import QuadrantSettings, quadrants
from heatlab.portfolio.rule import RuleSettings
from heatlab.portfolio.systemic import SystemicWarning, red_history, systemic_warning
from heatlab.portfolio.view import RiskView


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """Settings of everything in a :class:`heatlab.portfolio.view.RiskView`."""

    heat: HeatSettings = field(default_factory=HeatSettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    correlation: CorrelationSettings = field(default_factory=CorrelationSettings)
    clusters: ClusterSettings = field(default_factory=ClusterSettings)
    quadrants: QuadrantSettings = field(default_factory=QuadrantSettings)


DEFAULT = RiskSettings()
BAR = Timeframe.parse(RISK_TIMEFRAME).delta


def risk_view(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    now: pd.Timestamp,
    settings: RiskSettings = DEFAULT,
    previous_clusters: pd.Series | None = None,
    known: RiskView | None = None,
) -> RiskView:
    """Measure a book: heat, correlation, clusters, concentration, quadrants, systemic warning, state of the market.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Candles; the ``1h`` ones give the correlation. Bars that close after ``now`` are left out.
    now : Timestamp (UTC)
    settings : RiskSettings
    previous_clusters : Series, optional
        Labels by symbol of an earlier view: clusters keep their numbers, and so their colours.
    known : RiskView, optional
        View of another book with the same candles, ``now`` and settings: its readings, and its correlation where the
        symbols are the same, are taken over.

    Returns
    -------
    RiskView
        What cannot be known is NaN or "unknown"; an empty book gives empty tables.
    """
    held = positions.reset_index(drop=True).astype({"side": "int64"})
    closes = symbol_closes(held, candles)
    closes = closes[closes.index <= now - BAR]
    if known is not None and list(known.correlation.matrix.columns) == list(closes.columns):
        estimate = known.correlation
    else:
        estimate = estimate_correlation(closes, settings=settings.correlation)
    labels = correlation_clusters(estimate.matrix, previous=previous_clusters)
    book = book_view(
        held,
        candles,
        now=now,
        settings=settings.heat,
        rules=settings.rules,
        risk=estimate.covariance,
        known=None if known is None else known.heat.table,
    )
    table = concentration_table(held, estimate, labels, contributions=book.contributions)
    return RiskView(
        positions=held,
        heat=book,
        closes=closes,
        correlation=estimate,
        clusters=labels,
        cluster_shares=cluster_shares(table, labels, settings=settings.clusters),
        concentration=table,
        measures=concentration_measures(held, estimate, contributions=book.contributions),
        quadrants=quadrants(held, book.overall, table, settings=settings.quadrants),
        systemic=_systemic(held, candles, labels, now, settings.heat),
        state=market_state(candles, now=now),
    )


def _systemic(
    held: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    labels: pd.Series,
    now: pd.Timestamp,
    settings: HeatSettings,
) -> SystemicWarning:
    red = red_history(held, candles, settings=settings)
    return systemic_warning(red, list(labels.reindex(held["symbol"]).fillna(0).astype("int64")), now=now)
