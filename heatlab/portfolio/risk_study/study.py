"""The study behind ``heatlab study risk``: walk forward through hourly prices and score what was stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.heat import HeatSettings
from heatlab.portfolio.correlation.estimate import CorrelationSettings
from heatlab.portfolio.lead_lag import lead_lag
from heatlab.portfolio.risk_study import words
from heatlab.portfolio.risk_study.contributions import contribution_rows, contribution_table
from heatlab.portfolio.risk_study.result import RiskStudyResult
from heatlab.portfolio.risk_study.value_at_risk import Case, Period, coverage_table, day_exceptions
from heatlab.portfolio.risk_study.walk import Day, Prices, days, prices
from heatlab.portfolio.risk_study.warning_lead import readings, warning_path, warning_table
from heatlab.portfolio.systemic import SystemicSettings

PANEL_SPLIT = pd.Timestamp("2025-01-01", tz="UTC")
VENUES = [
    "symbol", "first", "second", "timeframe", "bars", "same_bar",
    "leader", "lag", "forward", "backward", "p_value", "words",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class VenuePair:
    """Candles of one symbol on two venues, bars of one length."""

    symbol: str
    timeframe: str
    venues: tuple[str, str]
    first: pd.DataFrame
    second: pd.DataFrame


def risk_study(
    closes: pd.DataFrame,
    *,
    pairs: Sequence[VenuePair] = (),
    cut: float = 0.7,
    seed: int = 7,
    used: tuple[str, ...] = (),
    lacked: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> RiskStudyResult:
    """Score the risk model on prices nobody tuned it to; every setting is the product's default.

    Parameters
    ----------
    closes : DataFrame of shape (n_hours, n_coins) [quote]
        Hourly closes, stamped with the open of the bar, one column per coin; NaN where unknown.
    pairs : sequence of VenuePair
        For the test of which venue moves first.
    cut : float
        Correlation at which clusters are cut.
    seed : int
        Of the bootstrap and the sign flips.
    used, lacked, notes : tuple of str
        Passed through to the result.

    Returns
    -------
    RiskStudyResult
        With empty tables, and the reason in ``lacked``, where the prices do not reach.

    Raises
    ------
    DataError
        The index is not an hourly UTC index, sorted and unique.
    """
    given = prices(closes)
    walked = list(days(given, settings=CorrelationSettings()))
    venues = venue_table(pairs, seed=seed)
    coins = coin_table(given.closes)
    if not walked:
        missing = "31 days of hourly closes of at least three coins"
        return RiskStudyResult(venues=venues, coins=coins, used=used, lacked=(*lacked, missing), notes=notes)
    spans = periods(walked)
    coverage = coverage_table(_exceptions(given, walked), spans)
    shares = contribution_rows(given, walked, cut=cut)
    contributions = contribution_table(shares, panels(spans), seed=seed)
    read = readings(given, walked, cut=cut, settings=SystemicSettings(), heat=HeatSettings())
    warning = warning_table(read, panels(spans))
    path = warning_path(read)
    said = words.in_words(coverage, contributions, warning, venues)
    return RiskStudyResult(
        coverage=coverage,
        contributions=contributions,
        shares=shares,
        warning=warning,
        path=path,
        venues=venues,
        coins=coins,
        used=used,
        lacked=lacked,
        notes=(*said, *notes),
    )


def periods(walked: Sequence[Day]) -> list[Period]:
    """All days, the panels before and from 2025, and each year; only those that hold days."""
    first, last = walked[0].date, walked[-1].date
    end = last + pd.Timedelta("1D")
    found: list[Period] = [("all", first, end)]
    if first < PANEL_SPLIT <= last:
        found += [
            (_years(first.year, PANEL_SPLIT.year - 1), first, PANEL_SPLIT),
            (_years(PANEL_SPLIT.year, last.year), PANEL_SPLIT, end),
        ]
    years = range(first.year, last.year + 1)
    return found + [
        (str(year), pd.Timestamp(year, 1, 1, tz="UTC"), pd.Timestamp(year + 1, 1, 1, tz="UTC")) for year in years
    ]


def _years(first: int, last: int) -> str:
    """Name of a panel; never that of a single year, which has a row of its own."""
    return f"{first}-{last}" if first < last else f"{first} as panel"


def panels(spans: Sequence[Period]) -> list[Period]:
    """Those that are not single years."""
    return [span for span in spans if not span[0].isdigit()]


def venue_table(pairs: Sequence[VenuePair], *, seed: int) -> pd.DataFrame:
    """Lead-lag of each pair, with both correlations at the lag of the verdict (or the clearest one)."""
    rows = []
    for pair in pairs:
        found = lead_lag(pair.first, pair.second, names=pair.venues, seed=seed)
        place = (pair.symbol, *pair.venues, pair.timeframe, found.bars, found.same_bar, found.leader)
        if found.table.empty:
            rows.append((*place, np.nan, np.nan, np.nan, found.p_value, found.words))
            continue
        best = found.table.iloc[int(found.table["statistic"].abs().argmax())]
        rows.append((*place, best["lag"], best["forward"], best["backward"], found.p_value, found.words))
    return pd.DataFrame(rows, columns=VENUES)


def coin_table(closes: pd.DataFrame) -> pd.DataFrame:
    """First and last known hour of each coin, and days known."""
    rows = []
    for symbol in closes.columns:
        known = closes.index[closes[symbol].notna()]
        ends = (known[0], known[-1]) if len(known) else (pd.NaT, pd.NaT)
        rows.append((symbol, *ends, len(known) / 24))
    return pd.DataFrame(rows, columns=["symbol", "first", "last", "days"])


def _exceptions(given: Prices, walked: Sequence[Day]) -> dict[Case, list[tuple[pd.Timestamp, NDArray[np.bool_]]]]:
    found: dict[Case, list[tuple[pd.Timestamp, NDArray[np.bool_]]]] = {}
    for day in walked:
        for case, hits in day_exceptions(given, day).items():
            found.setdefault(case, []).append((day.date, hits))
    return found
