"""What may be said of two strategies: what happened to each, and whether their growth can be told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from heatlab._checks import check_positive, check_range
from heatlab.domain import NAN, Timeframe
from heatlab.heat import HeatSettings
from heatlab.portfolio.intervals import block_picks
from heatlab.portfolio.strategies.coverage import Coverage

DAYS_A_YEAR = 365
CANNOT = "These cannot be compared: more than {most:.3g} % of a strategy, or an unknown part of it, is left out."
BOTH_LOST = "Both lose everything at this leverage: neither is the better one."


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """How two strategies are compared.

    Parameters
    ----------
    leverages : tuple of float
        Gross exposure over equity, of a book at the start, of trades at their peak.
    heat_timeframe : str
        Bars the heat is read from.
    block_days : int
        Length of the blocks resampled together, so that runs of good and bad days stay whole.
    resamples : int
    level : float
        Of the interval [fraction].
    min_days : int
        Days below which nothing is said about growth.
    most_left_out : float
        Share of a strategy's value that may be left out, for want of candles or a size, before nothing is said
        [fraction]; anything of unknown value is too much.
    seed : int
        Of the resampling.
    heat : HeatSettings
    """

    leverages: tuple[float, ...] = (5.0, 10.0)
    heat_timeframe: str = "4h"
    block_days: int = 10
    resamples: int = 2000
    level: float = 0.95
    min_days: int = 60
    most_left_out: float = 0.20
    seed: int = 0
    heat: HeatSettings = field(default_factory=HeatSettings)

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "CompareSettings"
        for leverage in self.leverages:
            check_positive("leverages", leverage, caller=caller)
        Timeframe.parse(self.heat_timeframe)
        check_range("block_days", self.block_days, 1, 10_000, caller=caller)
        check_range("resamples", self.resamples, 100, 1_000_000, caller=caller)
        check_range("level", self.level, 0, 1, caller=caller, closed="neither")
        check_range("most_left_out", self.most_left_out, 0, 1, caller=caller)
        check_range("min_days", self.min_days, 2, 1_000_000, caller=caller)


DEFAULT = CompareSettings()


@dataclass(frozen=True, slots=True)
class LeverageVerdict:
    """What can be said of two strategies at one leverage.

    Attributes
    ----------
    leverage : float
    difference, low, high : float
        Of the mean log growth per year, first less second, and its interval; -inf or inf where one is ruined, NaN
        where the history is too short or both are ruined.
    distinguishable : bool
        Whether the interval leaves out 0 and the one with more growth kept its account.
    words : str
        With what is left out of either.
    comparable : bool
        False where too much of a strategy is left out: then there is no other verdict.
    """

    leverage: float
    difference: float
    low: float
    high: float
    distinguishable: bool
    words: str
    comparable: bool = True


def growth_difference(
    first: pd.Series, second: pd.Series, leverage: float, *, settings: CompareSettings = DEFAULT
) -> tuple[float, float, float]:
    """Difference in mean log growth per year at constant leverage, with a block-bootstrap interval.

    Blocks of days are drawn from both histories at once, so what moved both stays paired (circular block bootstrap,
    Politis and Romano 1992; percentile interval).

    Parameters
    ----------
    first, second : Series
        Return per day on the gross exposure [fraction]; days both know count.
    leverage : float
    settings : CompareSettings

    Returns
    -------
    difference, low, high : float
        A day that takes all is ruin, growth -inf; two ruins are no difference. NaN for fewer than ``min_days`` days.
    """
    check_positive("leverage", leverage, caller="growth_difference")
    both = pd.concat([first, second], axis=1, join="inner").dropna().to_numpy(dtype=np.float64)
    if len(both) < settings.min_days:
        return NAN, NAN, NAN
    with np.errstate(divide="ignore"):
        growth = np.log(np.maximum(1 + leverage * both, 0.0))
    block = min(settings.block_days, len(both))
    days = block_picks(len(both), block=block, seed=settings.seed, resamples=settings.resamples)
    sampled = DAYS_A_YEAR * np.array([_less(*growth[rows].mean(axis=0)) for rows in days])
    tail = (1 - settings.level) / 2
    low = np.quantile(sampled, tail, method="lower")
    high = np.quantile(sampled, 1 - tail, method="higher")
    return float(DAYS_A_YEAR * _less(*growth.mean(axis=0))), float(low), float(high)


def _less(first: float, second: float) -> float:
    return 0.0 if math.isinf(first) and math.isinf(second) else first - second


def leverage_verdict(
    daily: tuple[pd.Series, pd.Series],
    outcomes: pd.DataFrame,
    *,
    names: tuple[str, str],
    leverage: float,
    settings: CompareSettings = DEFAULT,
    coverage: Sequence[Coverage] = (),
) -> LeverageVerdict:
    """Put what happened, and whether growth can be told apart, into one record.

    Parameters
    ----------
    daily : two Series
        Return per day on the gross exposure [fraction].
    outcomes : DataFrame
        With strategy, leverage, return, max_drawdown, liquidated_at, possible_at.
    names : tuple of two str
    leverage : float
    settings : CompareSettings
    coverage : sequence of Coverage
        What is left out of the strategies: told in the verdict, or in its place.
    """
    lacking = " ".join(filter(None, [one.words for one in coverage]))
    if not all(one.enough(settings.most_left_out) for one in coverage):
        return LeverageVerdict(
            leverage,
            NAN,
            NAN,
            NAN,
            False,
            f"{CANNOT.format(most=settings.most_left_out * 100)} {lacking}",
            comparable=False,
        )
    difference, low, high = growth_difference(*daily, leverage, settings=settings)
    lost = _liquidated(outcomes, leverage)
    better = names[0] if low > 0 else (names[1] if high < 0 else "")
    apart = bool(better) and better not in lost
    growth = BOTH_LOST if set(names) <= lost else _growth_words(names, low, high, better if apart else "", settings)
    words = " ".join(filter(None, [_fate(outcomes, leverage), growth, lacking]))
    return LeverageVerdict(leverage, difference, low, high, bool(apart), words)


def _fate(outcomes: pd.DataFrame, leverage: float) -> str:
    """Tell what happened to the margin of each."""
    told = []
    for row in outcomes[outcomes["leverage"] == leverage].to_dict("records"):
        if not pd.isna(row["liquidated_at"]):
            told.append(f"{row['strategy']} would have been liquidated by {row['liquidated_at']:%Y-%m-%d %H:%M} UTC")
        elif not pd.isna(row["possible_at"]):
            told.append(
                f"{row['strategy']} would have returned {row['return']:+.0%}, unless its margin ran out within the "
                f"hour of {row['possible_at']:%Y-%m-%d %H:%M} UTC"
            )
        else:
            fell = f"with a drawdown of {row['max_drawdown']:.0%}"
            told.append(f"{row['strategy']} would have returned {row['return']:+.0%} {fell}")
    return f"At {leverage:g}x {'; '.join(told)}."


def _liquidated(outcomes: pd.DataFrame, leverage: float) -> set[str]:
    """Strategies whose account was lost at a leverage."""
    own = outcomes[(outcomes["leverage"] == leverage) & outcomes["liquidated_at"].notna()]
    return set(own["strategy"])


def _growth_words(names: tuple[str, str], low: float, high: float, better: str, settings: CompareSettings) -> str:
    if math.isnan(low):
        return f"Fewer than {settings.min_days} days in common: growth is not compared."
    interval = f"{settings.level:.0%} interval of the difference in log growth per year {low:+.2f} to {high:+.2f}"
    if low <= 0 <= high:
        return f"Growth is not distinguishable from luck: {interval}, which holds 0."
    if not better:
        return (
            f"Nothing is claimed: the one with more growth a day lost its account. {interval[0].upper()}{interval[1:]}."
        )
    worse = names[1] if better == names[0] else names[0]
    return f"{better} grew faster than {worse} over this history, beyond resampling noise: {interval}."
