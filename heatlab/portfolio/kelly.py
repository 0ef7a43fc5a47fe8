"""How much to stake: Kelly's fraction of a bet, of a record of trades, of one asset and of several.

Kelly assumes that the odds are known. They are estimated, and an error upward costs more growth than the same error
downward, so half of it, or the fraction of the win rate's lower bound, is the usual choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import check_positive, check_range, parameter_error
from heatlab.portfolio.intervals import share_interval


@dataclass(frozen=True, slots=True)
class KellyLeverage:
    """Kelly's leverage of one asset and what it grows by.

    Attributes
    ----------
    leverage : float
        ``(m - r) / s^2``, times equity.
    growth : float
        Expected log growth at it, ``r + (m - r)^2 / (2 s^2)``, per unit of time of the mean.
    half_growth : float
        The same at half the leverage: three quarters of the excess growth at half the volatility.
    """

    leverage: float
    growth: float
    half_growth: float


@dataclass(frozen=True)
class KellyWeights:
    """Kelly's weights of several assets.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        ``C^-1 mu``, times equity; they may sum to more than 1.
    sharpe : float
        Of the portfolio they make, ``sqrt(mu' C^-1 mu)``.
    growth : float
        Expected log growth, ``sharpe^2 / 2``, in excess of the rate the means are in excess of.
    """

    weights: NDArray[np.float64]
    sharpe: float
    growth: float


@dataclass(frozen=True, slots=True)
class KellyTrades:
    """Kelly's fraction of a record of trades; ``_low`` at the Wilson lower bound of the win rate.

    Attributes
    ----------
    win_rate, win_rate_low : float
        Share of trades won, and the lower end of its 95 % interval.
    payoff_ratio : float
        Average win over average loss.
    fraction, fraction_low : float
        Share of equity to risk, at least 0: of the record, and of its cautious reading.
    expectancy : float
        Mean profit of a trade, in the unit of the averages.
    profit_factor : float
        All wins over all losses; inf where none was lost.
    """

    win_rate: float
    win_rate_low: float
    payoff_ratio: float
    fraction: float
    fraction_low: float
    expectancy: float
    profit_factor: float


def kelly_fraction(win_rate: float, payoff_ratio: float, *, clamp: bool = True) -> float:
    """Share of equity to risk on a bet: ``(b p - q) / b`` (Kelly 1956).

    Parameters
    ----------
    win_rate : float
        ``p``, in [0, 1]; ``q = 1 - p``.
    payoff_ratio : float
        ``b``: what a win pays per unit a loss takes, positive.
    clamp : bool
        A bet without an edge gives 0, not a negative share.

    Raises
    ------
    ParameterError
        The win rate or the payoff ratio is out of range.
    """
    check_range("win_rate", win_rate, 0, 1, caller="kelly_fraction")
    check_positive("payoff_ratio", payoff_ratio, caller="kelly_fraction")
    fraction = (payoff_ratio * win_rate - (1 - win_rate)) / payoff_ratio
    return max(fraction, 0.0) if clamp else fraction


def kelly_leverage(mean: float, volatility: float, *, rate: float = 0.0) -> KellyLeverage:
    """Leverage of greatest expected log growth in one asset (Thorp 2006, section 7).

    Parameters
    ----------
    mean, volatility : float
        Of returns over one unit of time, such as a year [fraction]; the volatility positive.
    rate : float
        What cash earns and borrowing costs over that time [fraction].

    Raises
    ------
    ParameterError
        A number is missing, or the volatility is not positive.
    """
    check_range("mean", mean, -math.inf, math.inf, caller="kelly_leverage", closed="neither")
    check_range("rate", rate, -math.inf, math.inf, caller="kelly_leverage", closed="neither")
    check_positive("volatility", volatility, caller="kelly_leverage")
    leverage = (mean - rate) / volatility**2

    def growth(times: float) -> float:
        return rate + times * (mean - rate) - (times * volatility) ** 2 / 2

    return KellyLeverage(leverage, growth(leverage), growth(leverage / 2))


def kelly_weights(mean: ArrayLike, covariance: ArrayLike) -> KellyWeights:
    """Weights of greatest expected log growth: ``C^-1 mu`` (Merton 1969, Thorp 2006).

    Parameters
    ----------
    mean : array of shape (n,)
        Excess returns over one unit of time [fraction].
    covariance : array of shape (n, n)
        Of returns over the same time; positive definite.

    Raises
    ------
    ParameterError
        The shapes do not agree, a number is unknown, or the covariance is not positive definite.
    """
    mu, matrix = np.asarray(mean, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if mu.ndim != 1 or not mu.size or not np.isfinite(mu).all():
        raise parameter_error("mean", "kelly_weights", "known numbers of one dimension", mean)
    if matrix.shape != (mu.size, mu.size):
        raise parameter_error("covariance", "kelly_weights", f"of shape {(mu.size, mu.size)}", matrix.shape)
    if not np.isfinite(matrix).all() or not np.linalg.eigvalsh(matrix)[0] > 0:
        raise parameter_error("covariance", "kelly_weights", "known and positive definite", covariance)
    weights = np.asarray(np.linalg.solve(matrix, mu), dtype=np.float64)
    squared = float(mu @ weights)
    return KellyWeights(weights, math.sqrt(squared), squared / 2)


def kelly_from_trades(wins: int, trades: int, average_win: float, average_loss: float) -> KellyTrades:
    """Kelly's fraction of a record, as it is and at the lower bound of its win rate.

    Parameters
    ----------
    wins, trades : int
        Trades won, and all of them; at least one.
    average_win, average_loss : float
        Sizes, both positive, in one unit (such as quote).

    Raises
    ------
    ParameterError
        A count or an average is out of range.
    """
    caller = "kelly_from_trades"
    check_range("trades", trades, 1, math.inf, caller=caller, closed="left")
    check_range("wins", wins, 0, trades, caller=caller)
    check_positive("average_win", average_win, caller=caller)
    check_positive("average_loss", average_loss, caller=caller)
    won, payoff = wins / trades, average_win / average_loss
    low, _ = share_interval(wins, trades)
    return KellyTrades(
        win_rate=won,
        win_rate_low=low,
        payoff_ratio=payoff,
        fraction=kelly_fraction(won, payoff),
        fraction_low=kelly_fraction(low, payoff),
        expectancy=won * average_win - (1 - won) * average_loss,
        profit_factor=wins * average_win / ((trades - wins) * average_loss) if wins < trades else math.inf,
    )
