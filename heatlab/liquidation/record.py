"""What the study of the liquidation map found when it was last run on real positions: recorded, not computed here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its standard error, and a 95 % interval where one was recorded."""

    value: float
    error: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """One run of :func:`heatlab.liquidation.study` on true liquidation prices.

    Attributes
    ----------
    source, first_day, last_day : str
        Whose positions, and when (UTC).
    coins, units, positive : int
        Coins with open interest; units scored (coin x snapshot x side x distance band); units that held a true
        liquidation price.
    auc, auc_within, incremental_r2 : mapping of model to Estimate
        Over those coins; within one coin; beyond distance x volatility (its own entry is left out).
    gains, gains_within : mapping of baseline to Estimate
        AUC of the map minus that of the baseline, over those coins and within one coin.
    shuffled_auc : float
        AUC of the map with its time shuffled.
    best_published_r2 : float
        Incremental R2 of the best published study.
    hourly, hourly_baseline : mapping of side to Estimate
        Correlation per hour (square roots) of what the map says was liquidated in BTC with what was reported, and that
        of range x sqrt(volume).
    level : mapping of side to Estimate
        What the map says was liquidated over what was reported.
    """

    source: str
    first_day: str
    last_day: str
    coins: int
    units: int
    positive: int
    auc: dict[str, Estimate] = field(default_factory=dict)
    auc_within: dict[str, Estimate] = field(default_factory=dict)
    incremental_r2: dict[str, Estimate] = field(default_factory=dict)
    gains: dict[str, Estimate] = field(default_factory=dict)
    gains_within: dict[str, Estimate] = field(default_factory=dict)
    shuffled_auc: float
    best_published_r2: float
    hourly: dict[str, Estimate] = field(default_factory=dict)
    hourly_baseline: dict[str, Estimate] = field(default_factory=dict)
    level: dict[str, Estimate] = field(default_factory=dict)


RECORDED = StudyRecord(
    source="public Hyperliquid leaderboard accounts",
    first_day="2026-02-04",
    last_day="2026-02-12",
    coins=6,
    units=2880,
    positive=175,
    auc={
        "map as shown": Estimate(0.861, 0.015),
        "distance x volatility": Estimate(0.863, 0.020),
        "entry*(1-1/L)": Estimate(0.846, 0.013),
        "uniform": Estimate(0.827, 0.024),
        "distance only": Estimate(0.825, 0.022),
        "volume profile": Estimate(0.761, 0.063),
    },
    auc_within={
        "map as shown": Estimate(0.876, 0.013),
        "distance x volatility": Estimate(0.876, 0.019),
        "entry*(1-1/L)": Estimate(0.862, 0.011),
        "uniform": Estimate(0.862, 0.021),
        "distance only": Estimate(0.860, 0.019),
        "volume profile": Estimate(0.755, 0.058),
    },
    incremental_r2={"map as shown": Estimate(0.001, 0.002)},
    gains={
        "distance only": Estimate(0.036, low=0.011, high=0.061),
        "distance x volatility": Estimate(-0.002, low=-0.026, high=0.022),
        "entry*(1-1/L)": Estimate(0.015, low=-0.005, high=0.035),
    },
    gains_within={
        "distance only": Estimate(0.015, low=-0.011, high=0.042),
        "distance x volatility": Estimate(0.000, low=-0.021, high=0.021),
        "entry*(1-1/L)": Estimate(0.014, low=-0.004, high=0.031),
    },
    shuffled_auc=0.842,
    best_published_r2=0.044,
    hourly={"long": Estimate(0.938, low=0.918, high=0.959), "short": Estimate(0.863, low=0.832, high=0.893)},
    hourly_baseline={"long": Estimate(0.870, low=0.838, high=0.902), "short": Estimate(0.834, low=0.797, high=0.871)},
    level={"long": Estimate(6.0, low=5.4, high=6.6), "short": Estimate(7.1, low=5.7, high=8.6)},
)
"""The run the screen and the README quote. Repeat it with ``heatlab study liquidation``."""
