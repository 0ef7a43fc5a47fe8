"""What a study's scores prove and what they do not: comparisons, placebos, and the words for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from heatlab.liquidation import evaluate
from heatlab.liquidation.evaluate import Estimate

OURS = "map as shown"
STATE = "map without recency"
DISTANCE, VOLATILITY, NAIVE = "distance only", "distance x volatility", "entry*(1-1/L)"
BASELINES = ("uniform", DISTANCE, VOLATILITY, "volume profile", NAIVE)
MODELS = (OURS, STATE, *BASELINES)
HAS_OPEN_INTEREST = "has open interest"
"""Placebo: uniform where a coin has open interest, nothing elsewhere."""
PRIOR = (
    "the map's leverage prior and its third of positions without a near price are published figures on leaderboard "
    "accounts (about 31 % of the rows of their file have no price): not fitted here, but not blind to such accounts"
)
SECONDARY = ("auc", "auc within symbol", "incremental R2")


def comparisons(units: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Claims the map must meet: AUC over each baseline (pooled, within one symbol), incremental R2, deviance skill.

    The gains over the best three baselines come once more with every model as shares of the hour, which takes away
    what a model knows about how much is near the price at all.
    """
    rows: list[tuple[object, ...]] = []
    for text, table, others, within in (
        ("AUC gain over", units, BASELINES, None),
        ("AUC gain within symbol over", units, BASELINES, "symbol"),
        ("AUC gain as shares of the hour over", _hour_shares(units), (DISTANCE, VOLATILITY, NAIVE), None),
    ):
        for other in others:
            gain = evaluate.difference(table, OURS, other, within=within)
            wanted = evaluate.REFERENCE_AUC_GAIN if other == DISTANCE else 0.0
            rows.append((f"{text} {other}", gain.value, gain.error, gain.low, gain.high, wanted))
    for metric, wanted in (("incremental R2", evaluate.REFERENCE_R2), ("deviance skill", 0.0)):
        found = scores[(scores["model"] == OURS) & (scores["metric"] == metric)].iloc[0]
        claim = f"{metric} over {VOLATILITY}"
        rows.append((claim, found["value"], found["error"], found["low"], found["high"], wanted))
    table = pd.DataFrame(rows, columns=["claim", "value", "error", "low", "high", "reference"])
    return table.assign(holds=(table["value"] >= table["reference"]) & (table["low"] > 0))


def _hour_shares(units: pd.DataFrame) -> pd.DataFrame:
    """Every model as shares of its sum over the sides and bands of a symbol's hour."""
    sums = units.groupby(["symbol", "timestamp"])[list(MODELS)].transform("sum")
    return units.assign(**{name: units[name] / sums[name].where(sums[name] > 0, 1.0) for name in MODELS})


def placebos(units: pd.DataFrame, seed: int) -> pd.DataFrame:
    """AUC of the map at the wrong time and on the wrong side; a map that knows something loses by either."""
    positive = units["truth"].to_numpy() > 0
    band, symbol = units["band"].to_numpy(), units["symbol"].to_numpy()
    shuffles = [evaluate.shuffled_in_time(units, OURS, seed=seed + i) for i in range(evaluate.SHUFFLES)]
    metrics: dict[str, Callable[[evaluate.Array], float]] = {
        "auc": lambda values: evaluate.auc(values, positive),
        "auc within symbol": lambda values: evaluate.within_auc(values, positive, symbol),
        "auc within band": lambda values: evaluate.within_auc(values, positive, band),
    }
    rows = []
    for name, metric in metrics.items():
        ours = metric(units[OURS].to_numpy())
        rows.append(("time shuffle", name, float(np.mean([metric(values) for values in shuffles])), ours))
        rows.append(("mirror band", name, metric(evaluate.mirrored(units, OURS)), ours))
        rows.append((HAS_OPEN_INTEREST, name, metric(units[HAS_OPEN_INTEREST].to_numpy()), ours))
    return pd.DataFrame(rows, columns=["placebo", "metric", "value", "ours"])


def reading(
    primary: pd.DataFrame, units: pd.DataFrame, scope: str, scores: pd.DataFrame, secondary: pd.DataFrame
) -> tuple[str, ...]:
    """Say what was scored, how it was normalised, and what to read with care."""
    days, positive = primary["day"].nunique(), int((primary["truth"] > 0).sum())
    lines = [
        f"{scope}: {len(primary)} units, {positive} with a true liquidation price; days are the clusters: {days}",
        "every model is a share of all it holds, near and far, as the truth is a share of a side's whole notional",
        "the two distance baselines are fitted to the truth itself, which errs in their favour; the map is not",
        PRIOR,
    ]
    if days < 2:
        lines.append("one day only: no intervals and no held-out fits")
    if not secondary.empty:
        found = secondary[secondary["metric"] == "auc"].set_index("model")["value"]
        lines.append(
            f"{positive} of {int((units['truth'] > 0).sum())} true prices lie in coins with open interest: over all "
            f"coins a score that knows only which coins have it gets AUC {found[HAS_OPEN_INTEREST]:.3f}, the map "
            f"{found[OURS]:.3f}. AUC over all coins proves nothing"
        )
    return (*lines, *_rivals(scores))


def _rivals(scores: pd.DataFrame) -> tuple[str, ...]:
    """Baselines that do as well as the map or better, plainly."""
    lines = []
    for metric in ("auc", "auc within symbol", "incremental R2"):
        found = scores[scores["metric"] == metric].set_index("model")["value"]
        better = [f"{name} {found[name]:.3f}" for name in BASELINES if found[name] >= found[OURS]]
        if better:
            lines.append(
                f"as good as the map or better by {metric} ({found[OURS]:.3f}, {found[STATE]:.3f} without recency): "
                + ", ".join(better)
            )
    return tuple(lines)


def in_words(table: pd.DataFrame) -> tuple[str, ...]:
    """Say of each claim whether it holds."""
    lines = []
    for row in table.itertuples():
        found = f"{row.claim} is {row.value:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
        wanted = f", wanted >= {row.reference:.3f} with the interval above zero"
        lines.append(f"holds: {found}" if row.holds else f"does NOT hold: {found}{wanted}")
    return tuple(sorted(lines, key=lambda line: not line.startswith("holds")))


def totals_in_words(totals: pd.DataFrame) -> tuple[str, ...]:
    """Say how well hours and their level are told."""
    lines = []
    for (symbol, side), part in totals.groupby(["symbol", "side"], sort=False):
        figures = part[["value", "error", "low", "high"]].to_numpy(dtype="float64")
        rows = {name: Estimate(*(float(v) for v in row)) for name, row in zip(part["measure"], figures, strict=True)}
        ours, gain, level = rows["map"], rows["gain"], rows["level"]
        proven = "holds" if gain.low > 0 else "not proven"
        lines.append(
            f"{symbol} {side}s by the hour: correlation {ours.value:.3f} with what was reported, "
            f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] over {part['measure'].iloc[1]} ({proven}); level "
            f"{level.value:.1f} times what was reported: uncalibrated, and reported totals are lower bounds"
        )
    return tuple(lines)
