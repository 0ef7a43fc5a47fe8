"""When something is worth an alert: the thresholds, and three sets of them from early to late."""

from __future__ import annotations

from dataclasses import dataclass

from heatlab._checks import check_positive, check_range


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """When something is worth an alert.

    Parameters
    ----------
    amber_distance, red_distance : float
        Distances from mark to liquidation price [fraction of mark] at which a position is amber and red where the
        volatility of its price is unknown. Defaults are ours: 5 % is inside an ordinary day of a large coin, 10 %
        inside an ordinary week.
    amber_probability, red_probability : float
        Chance of meeting the liquidation price within ``hours`` at which it is amber and red where the volatility is
        known (:func:`heatlab.portfolio.alerts.touch.touch_probability`).
    hours : float
        Horizon of that chance.
    cluster_watch, cluster_alert : float
        Share of value or risk in one cluster that is amber and red [fraction].
    correlation_limit : float
        Correlation of two positions that is worth a line.
    near_heat : float
        Points of heat a reading may recover before its alert is given up.
    """

    amber_distance: float = 0.10
    red_distance: float = 0.05
    amber_probability: float = 0.05
    red_probability: float = 0.20
    hours: float = 24.0
    cluster_watch: float = 0.20
    cluster_alert: float = 0.25
    correlation_limit: float = 0.7
    near_heat: float = 3.0

    def __post_init__(self) -> None:
        """Refuse distances, chances and shares that are no fractions, and reds that are milder than ambers."""
        check_range("amber_distance", self.amber_distance, 0, 1, caller="AlertSettings")
        check_range("red_distance", self.red_distance, 0, self.amber_distance, caller="AlertSettings")
        check_range("red_probability", self.red_probability, 0, 1, caller="AlertSettings", closed="neither")
        check_range(
            "amber_probability", self.amber_probability, 0, self.red_probability, caller="AlertSettings", closed="right"
        )
        check_positive("hours", self.hours, caller="AlertSettings")
        check_range("cluster_alert", self.cluster_alert, 0, 1, caller="AlertSettings", closed="right")
        check_range("cluster_watch", self.cluster_watch, 0, self.cluster_alert, caller="AlertSettings", closed="right")
        check_range("correlation_limit", self.correlation_limit, 0, 1, caller="AlertSettings", closed="right")
        check_range("near_heat", self.near_heat, 0, 100, caller="AlertSettings")


SENSITIVITIES: dict[str, AlertSettings] = {
    "conservative": AlertSettings(
        amber_distance=0.15, red_distance=0.08, amber_probability=0.02, red_probability=0.10,
        cluster_watch=0.15, cluster_alert=0.20, correlation_limit=0.6,
    ),
    "balanced": AlertSettings(),
    "aggressive": AlertSettings(
        amber_distance=0.07, red_distance=0.03, amber_probability=0.10, red_probability=0.40,
        cluster_watch=0.25, cluster_alert=0.35, correlation_limit=0.8,
    ),
}  # fmt: skip
"""From warning early to warning late. Conservative traders are told first, aggressive ones when it is pressing."""


def sensitivity_words(settings: AlertSettings) -> str:
    """Say in one sentence what settings alert on."""
    return (
        f"Liquidation: amber from a {settings.amber_probability:.0%} chance of being met within {settings.hours:g} h, "
        f"red from {settings.red_probability:.0%} (where volatility is unknown: within {settings.amber_distance:.0%} "
        f"and {settings.red_distance:.0%} of the mark). Clusters: amber from {settings.cluster_watch:.0%}, red from "
        f"{settings.cluster_alert:.0%} of value or risk. Pairs: from a correlation of {settings.correlation_limit:g}."
    )
