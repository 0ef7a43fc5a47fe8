"""The common ground of all prices: calendar of hidden steps, volatility with regimes, market and sector factors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatlab.sources.simulated import settings
from heatlab.sources.simulated.engine import autoregress

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HOUR_MS = 3_600_000
ROLES = {"market": 1, "volume": 2, "premium": 3, "okx": 4, "own": 5, "accounts": 6, "book": 7, "sector": 8}
"""Each use of chance has its own stream, so that adding one leaves the others as they were."""

REGIME_LEVELS = np.array([-0.35, 0.0, 0.65])
"""Log volatility of the calm, the normal and the stormy regime."""
REGIME_HOURS = np.array([480.0, 480.0, 96.0])
"""Mean length of a regime: stormy ones last days, the others weeks."""
SLOW_LOG_VOLATILITY, SLOW_HALF_LIFE = 0.25, 360.0
FAST_LOG_VOLATILITY, FAST_HALF_LIFE = 0.46, 8.0
"""Two speeds of volatility clustering [log, hours]: autocorrelation of absolute returns 0.25 at lag 1, 0.12 at 24."""
JUMPS_PER_HOUR, JUMP_SCALE, JUMP_STEPS = 1 / 96, 0.014, 4
"""Market jumps: one in four days, Laplace-distributed, over a few steps: the fat tails of the hourly returns."""
JUMP_LEAN = -0.004
"""Mean of a market jump: falls are the larger ones."""
BOUNCE = 0.6
"""Passing noise of the price in hidden steps of volatility: it widens hourly ranges as real ones are."""
WEEKEND_VOLATILITY = 0.72
SESSION_VOLATILITY = np.ones(24)
SESSION_VOLATILITY[list(settings.ASIA)] = 0.92
SESSION_VOLATILITY[list(settings.EUROPE)] = 0.88
SESSION_VOLATILITY[list(settings.AMERICA)] = 1.22
"""US hours move most, then Asia, then Europe, measured on 28 coin-years of 2023-2025."""


def random(seed: int, role: str, place: int = 0) -> np.random.Generator:
    """Stream of random numbers for one use."""
    return np.random.default_rng([seed, ROLES[role], place])


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hidden steps: ``per_hour`` of them in each hour, the ``hour`` each is in, ``start`` and ``length`` [ms]."""

    per_hour: IntArray
    hour: IntArray
    start: IntArray
    length: IntArray
    origin: int

    @property
    def hours(self) -> FloatArray:
        """Length of each step [hours]."""
        return self.length / HOUR_MS


@lru_cache(maxsize=1)
def calendar() -> Calendar:
    """Lay out the steps from the first day of the burn-in to the end of the data."""
    coarse = (settings.DAYS - settings.FINE_DAYS + settings.BURN_IN_DAYS) * 24
    per_hour = np.repeat([settings.COARSE_STEPS, settings.FINE_STEPS], [coarse, settings.FINE_DAYS * 24])
    hour = np.repeat(np.arange(len(per_hour)), per_hour)
    length = HOUR_MS // per_hour[hour]
    origin = int(settings.ORIGIN.timestamp() * 1000)
    return Calendar(per_hour, hour, origin + np.r_[0, np.cumsum(length)[:-1]], length, origin)


def decay(half_life: float) -> float:
    """Factor per hour of a half-life [hours]."""
    return float(0.5 ** (1.0 / half_life))


def _session_shape() -> FloatArray:
    hours = np.arange(len(calendar().per_hour))
    weekday = (hours // 24 + settings.ORIGIN.day_of_week) % 7
    return SESSION_VOLATILITY[hours % 24] * np.where(weekday >= 5, WEEKEND_VOLATILITY, 1.0)


def regimes(rng: np.random.Generator, hours: int) -> IntArray:
    """Regime of each hour, 0 calm, 1 normal, 2 stormy: a chain whose stays are geometric."""
    change = rng.random(hours)
    choice = rng.random(hours)
    path = np.ones(hours, dtype=np.int64)
    for t in range(1, hours):
        now = path[t - 1]
        path[t] = now if change[t] * REGIME_HOURS[now] >= 1.0 else (now + 1 + (choice[t] < 0.5)) % 3
    return path


def volatility_path(rng: np.random.Generator, level: float, common: FloatArray | None = None) -> FloatArray:
    """Hourly volatility with clusters at two speeds and a mean square of ``level`` squared.

    ``common`` is log volatility shared with the market; without it the path draws its own regimes.
    """
    hours = len(calendar().per_hour)
    fast = FAST_LOG_VOLATILITY * autoregress(rng.standard_normal(hours), decay(FAST_HALF_LIFE))
    slow = SLOW_LOG_VOLATILITY * autoregress(rng.standard_normal(hours), decay(SLOW_HALF_LIFE))
    log_volatility = fast + slow if common is None else 0.6 * (fast + slow) + 0.8 * common
    if common is None:
        log_volatility += REGIME_LEVELS[regimes(rng, hours)]
    path = np.exp(log_volatility) * _session_shape()
    return np.asarray(path * (level / np.sqrt(np.mean(path**2))))


def step_returns(rng: np.random.Generator, volatility: FloatArray) -> FloatArray:
    """Gaussian returns of every step for an hourly volatility path."""
    steps = calendar()
    noise = rng.standard_normal(len(steps.hour))
    noise *= (volatility / np.sqrt(steps.per_hour))[steps.hour]
    return noise


def add_bounce(returns: FloatArray, rng: np.random.Generator, volatility: FloatArray) -> None:
    """Add to ``returns`` in place noise of the price level that is gone a step later: it widens ranges, not returns."""
    steps = calendar()
    level = rng.standard_normal(len(steps.hour))
    level *= (BOUNCE * volatility / np.sqrt(steps.per_hour))[steps.hour]
    returns += level
    returns[1:] -= level[:-1]


def add_jumps(returns: FloatArray, rng: np.random.Generator, *, rate: float, scale: float, lean: float = 0.0) -> None:
    """Add Laplace jumps at Poisson times to ``returns`` in place, each over a few steps."""
    steps = calendar()
    count = rng.poisson(rate * len(steps.per_hour))
    first = np.searchsorted(steps.hour, rng.integers(0, len(steps.per_hour), count))
    size = rng.laplace(lean, scale, count) / JUMP_STEPS
    for offset in range(JUMP_STEPS):
        np.add.at(returns, np.minimum(first + offset, len(returns) - 1), size)


@dataclass(frozen=True, slots=True)
class Factors:
    """Returns of every step: ``market`` and one per sector; hourly ``volatility`` of the market and its log."""

    market: FloatArray
    sectors: dict[str, FloatArray]
    volatility: FloatArray
    log_volatility: FloatArray


@lru_cache(maxsize=2)
def factors(seed: int) -> Factors:
    """Market and sector factors of a seed."""
    rng = random(seed, "market")
    volatility = volatility_path(rng, settings.MARKET_VOLATILITY)
    market = step_returns(rng, volatility)
    add_jumps(market, rng, rate=JUMPS_PER_HOUR, scale=JUMP_SCALE, lean=JUMP_LEAN)
    common = np.log(volatility / _session_shape())
    common -= common.mean()
    sectors = {}
    for place, (name, level) in enumerate(settings.SECTOR_VOLATILITY.items()):
        stream = random(seed, "sector", place)
        sectors[name] = step_returns(stream, volatility_path(stream, level, common))
    return Factors(market, sectors, volatility, common)
