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
        Coins; units scored (coin x snapshot x side x distance band); units that held a true liquidation price.
    auc, auc_within, incremental_r2 : mapping of model to Estimate
        Over all coins; within one coin; beyond distance x volatility (its own entry is left out).
    gain_over_distance, gain_within : Estimate
        AUC of the map minus that of distance alone, over all coins and within one coin.
    shuffled_auc : float
        AUC of the map with its time shuffled.
    best_published_r2 : float
        Incremental R2 of the best published study.
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
    gain_over_distance: Estimate
    gain_within: Estimate
    shuffled_auc: float
    best_published_r2: float

    @property
    def proven_within(self) -> bool:
        """Whether the gain within one coin is above zero beyond its interval."""
        return self.gain_within.low is not None and self.gain_within.low > 0


RECORDED = StudyRecord(
    source="public Hyperliquid leaderboard accounts",
    first_day="2026-02-04",
    last_day="2026-02-12",
    coins=15,
    units=7200,
    positive=177,
    auc={
        "map as shown": Estimate(0.900, 0.013),
        "distance x volatility": Estimate(0.834, 0.016),
        "entry*(1-1/L)": Estimate(0.822, 0.013),
        "uniform": Estimate(0.815, 0.022),
        "distance only": Estimate(0.813, 0.019),
        "volume profile": Estimate(0.712, 0.059),
    },
    auc_within={
        "map as shown": Estimate(0.875, 0.013),
        "distance x volatility": Estimate(0.864, 0.020),
        "entry*(1-1/L)": Estimate(0.864, 0.010),
        "uniform": Estimate(0.862, 0.021),
        "distance only": Estimate(0.860, 0.018),
        "volume profile": Estimate(0.736, 0.062),
    },
    incremental_r2={"map as shown": Estimate(0.019, 0.004)},
    gain_over_distance=Estimate(0.087, low=0.068, high=0.107),
    gain_within=Estimate(0.015, low=-0.010, high=0.040),
    shuffled_auc=0.881,
    best_published_r2=0.044,
)
"""The run the screen and the README quote. Repeat it with ``heatlab study liquidation``."""
