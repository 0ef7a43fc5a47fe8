"""Every alert a book's risk gives rise to, with how far each is beyond its threshold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import pandas as pd

from heatlab.domain import Side, market_names
from heatlab.portfolio.alerts.distance import (
    account_chances,
    daily_volatility,
    liquidation_distance,
    liquidation_words,
    price_chance,
)
from heatlab.portfolio.alerts.settings import AlertSettings
from heatlab.portfolio.correlation.estimate import CorrelationEstimate
from heatlab.portfolio.correlation.pairs import same_asset
from heatlab.portfolio.rule import RuleSettings
from heatlab.portfolio.view import RiskView

ALERT_COLUMNS = ["level", "what", "symbol", "venue", "detail", "side", "strength", "red_strength"]
LEVELS = ("red", "amber", "note")
WHATS = ("liquidation", "rule", "systemic", "cluster", "heat", "market", "stale", "correlation")
"""Kinds of alerts, what can hurt soonest first."""
MOST_NAMED = 3
MOST_SINGLE = 5
"""Positions with old bars that get a line each; more share one."""
FADING = 0.9
"""Strength of what is just below a threshold that has no measure of its own."""
BOOK = "the whole book"
IDENTITY = ["symbol", "venue", "side"]
Row = tuple[str, str, str, str, str, int, float, float]


def risk_alerts(
    view: RiskView,
    *,
    settings: AlertSettings | None = None,
    rules: RuleSettings | None = None,
    accepted: Collection[tuple[str, str]] = (),
    fading: bool = False,
) -> pd.DataFrame:
    """List what needs the trader's eye, most urgent first.

    Sources: the chance of meeting a liquidation price, or of a cross account running out of margin, red heat, the rule
    on the book's heat, clusters that weigh too much, pairs that move together, positions that turn red together, old
    data, states of the market. A watch list has only the last two.

    Parameters
    ----------
    view : RiskView
    settings : AlertSettings, optional
    rules : RuleSettings, optional
        Thresholds of the rule, for how far the book is from them.
    accepted : collection of (symbol, symbol)
        Pairs whose correlation the trader has accepted; they are not counted.
    fading : bool
        Also list, with an empty level, what is below its threshold but close: what has been raised may need it to stay
        (:func:`heatlab.portfolio.alerts.state.update_alerts`).

    Returns
    -------
    DataFrame
        level ("red", "amber", "note"), what (one of ``WHATS``), symbol ("cluster 1" or "the whole book" where it is no
        one position), venue, detail, side (0 for none), strength, red_strength: the measure over its amber and red
        threshold, so that 1 raises an alert; NaN red strength where there is no red.
    """
    limits, thresholds = settings or AlertSettings(), rules or RuleSettings()
    makers: tuple[Callable[[], Iterator[Row]], ...] = (
        lambda: _liquidations(view, limits),
        lambda: _accounts(view, limits),
        lambda: _heats(view, limits),
        lambda: _rule(view, thresholds, limits),
        lambda: _clusters(view, limits),
        lambda: _pairs(view.correlation, view.positions, limits, accepted),
        lambda: _systemic(view),
        lambda: _stale(view),
        lambda: _market(view),
    )
    if view.positions["quantity"].isna().all():  # a watch list, or nothing at all
        makers = makers[-2:]
    rows = [row for make in makers for row in make() if row[0] or fading]
    rows.sort(key=_urgency)
    kinds = {"side": "int64", "strength": "float64", "red_strength": "float64"}
    return pd.DataFrame(rows, columns=ALERT_COLUMNS).astype(kinds)


def _urgency(row: Row) -> tuple[int, int, float]:
    """Order by level, then what can hurt soonest, then how far it is beyond its threshold."""
    level, what, strength = row[0], row[1], row[6]
    return (LEVELS.index(level) if level else len(LEVELS), WHATS.index(what), -strength)


def _level(strength: float, red_strength: float) -> str:
    if red_strength >= 1:
        return "red"
    return "amber" if strength >= 1 else ""


def _liquidations(view: RiskView, limits: AlertSettings) -> Iterator[Row]:
    away = liquidation_distance(view.positions).to_numpy(dtype="float64")
    chance, volatility = price_chance(view, hours=limits.hours), daily_volatility(view)
    rows = view.positions.to_dict("records")
    for row, distance, met, sigma in zip(rows, away, chance, volatility, strict=True):
        place = (str(row["symbol"]), str(row["venue"]))
        price = row["liquidation_price"]
        words = liquidation_words(
            {**row, "liquidation_price": row["mark_price"] * (1 - row["side"] * distance)}, distance
        )
        if np.isnan(distance):
            if not np.isnan(row["quantity"]):
                yield ("note", "liquidation", *place, words, int(row["side"]), 1.0, np.nan)
            continue
        if np.isnan(met):
            strength, red = limits.amber_distance / distance, limits.red_distance / distance
            words += "; how volatile its price is remains unknown"
        else:
            strength, red = met / limits.amber_probability, met / limits.red_probability
            if distance > 0:
                words += (
                    f", {distance / sigma:.1f} of its usual days away: {met:.0%} to be met within {limits.hours:g} h"
                )
        if np.isnan(price):
            words += " (the first of its accounts)"
        if strength >= 0.5:
            yield (_level(strength, red), "liquidation", *place, words, int(row["side"]), strength, red)


def _accounts(view: RiskView, limits: AlertSettings) -> Iterator[Row]:
    for row in account_chances(view, hours=limits.hours).to_dict("records"):
        strength, red = row["chance"] / limits.amber_probability, row["chance"] / limits.red_probability
        if strength >= 0.5:
            words = (
                f"its {row['positions']} cross positions moving together use up the margin left, "
                f"${max(row['room'], 0):,.0f}, within {limits.hours:g} h with a chance of {row['chance']:.0%}; the "
                "liquidation price of each alone says less"
            )
            name = f"cross account {row['currency']}"
            yield (_level(strength, red), "liquidation", name, str(row["venue"]), words, 0, strength, red)


def _heats(view: RiskView, limits: AlertSettings) -> Iterator[Row]:
    known = view.heat.table[view.heat.table["zone"].notna()]
    near = (known["zone"] < 0) | (known["heat"] < known["red"] + limits.near_heat)
    flagged = known.assign(below=known["zone"] < 0, near=near)
    sums = flagged.groupby(IDENTITY, sort=False, as_index=False).agg(
        frames=("zone", "size"), below=("below", "sum"), near=("near", "sum")
    )
    below = {key: list(group) for key, group in flagged[flagged["below"]].groupby(IDENTITY, sort=False)["timeframe"]}
    for row in sums[sums["near"] * 2 > sums["frames"]].to_dict("records"):
        against = below.get((row["symbol"], row["venue"], row["side"]), [])
        strength = 1.0 if row["below"] * 2 > row["frames"] else FADING
        worst = 1.0 if row["below"] == row["frames"] else FADING if row["near"] == row["frames"] else 0.0
        side = Side.parse(row["side"])
        words = f"the {side.label} is against the trend on {', '.join(against) or 'no timeframe any more'}"
        yield (
            _level(strength, worst),
            "heat",
            str(row["symbol"]),
            str(row["venue"]),
            words,
            int(side),
            strength,
            worst,
        )


def _rule(view: RiskView, rules: RuleSettings, limits: AlertSettings) -> Iterator[Row]:
    heat = view.heat.book_heat
    if len(view.positions) and view.heat.coverage < rules.coverage and view.positions["quantity"].notna().any():
        words = f"the heat is known for only {view.heat.coverage:.0%} of the book, so no rule applies"
        yield ("note", "rule", BOOK, "", words, 0, 1.0, np.nan)
    elif heat < rules.halve_below + limits.near_heat:
        action = (
            "close the marginal positions, halve the rest" if view.heat.rule == "to cash" else "halve every position"
        )
        fired = view.heat.rule != "none"
        words = f"portfolio heat {heat:.1f}: {action}" if fired else f"portfolio heat {heat:.1f}: no rule any more"
        strength = 1.0 if fired else FADING
        yield ("red" if fired else "", "rule", BOOK, "", words, 0, strength, strength)


def _clusters(view: RiskView, limits: AlertSettings) -> Iterator[Row]:
    for row in view.cluster_shares.to_dict("records"):
        shares = [float(row["gross_share"]), float(row["risk_share"])]
        share = np.nanmax([*shares, -np.inf])
        strength, red = share / limits.cluster_watch, share / limits.cluster_alert
        if strength < 0.5 or int(row["positions"]) < 2:
            continue
        sizes = f"{shares[0]:.0%} of the value and {shares[1]:.0%} of the risk"
        words = f"{row['name']}: {sizes} in one bet of {row['positions']} positions"
        yield (_level(strength, red), "cluster", f"cluster {row['cluster']}", "", words, 0, strength, red)


def _pairs(
    estimate: CorrelationEstimate, positions: pd.DataFrame, limits: AlertSettings, accepted: Collection[tuple[str, str]]
) -> Iterator[Row]:
    own = set(positions["symbol"])
    held = [symbol for symbol in estimate.matrix.index if symbol in own]
    called = market_names(held)
    names = [called[symbol] for symbol in held]
    matrix = estimate.matrix.reindex(index=held, columns=held).to_numpy(dtype="float64")
    first, second = np.triu_indices(len(held), 1)
    silent = np.zeros(matrix.shape, dtype=bool)
    place = {symbol: k for k, symbol in enumerate(held)}
    for one, other in accepted:
        if one in place and other in place:
            silent[[place[one], place[other]], [place[other], place[one]]] = True
    open_pairs = ~(same_asset(held) | silent)[first, second]
    rho = np.where(open_pairs, np.abs(matrix[first, second]), np.nan)
    flagged = np.flatnonzero(rho > limits.correlation_limit)
    strongest = flagged[np.argsort(-rho[flagged], kind="stable")]
    if len(flagged):
        listed = _named(names, first, second, strongest, matrix)
        words = f"{_pairs_word(len(flagged))} from {limits.correlation_limit:g}: {listed}"
        yield ("amber", "correlation", BOOK, "", words, 0, 1.0, np.nan)
    broken = (
        estimate.broken.reindex(index=held, columns=held).fillna(False).to_numpy(dtype=bool)[first, second] & open_pairs
    )
    if broken.any():
        where = np.flatnonzero(broken)
        listed = _named(names, first, second, where, matrix)
        words = f"the correlation of {_pairs_word(len(where))} has just changed: {listed}"
        yield ("amber", "correlation", "structural break", "", words, 0, 1.0, np.nan)


def _pairs_word(count: int) -> str:
    return f"{count} pair{'s' if count != 1 else ''}"


def _named(names: list[str], first: np.ndarray, second: np.ndarray, where: np.ndarray, matrix: np.ndarray) -> str:
    rows = [(names[first[k]], names[second[k]], matrix[first[k], second[k]]) for k in where[:MOST_NAMED]]
    listed = ", ".join(f"{one}-{other} {rho:.2f}" for one, other, rho in rows)
    return f"{listed} and {len(where) - MOST_NAMED} more" if len(where) > MOST_NAMED else listed


def _systemic(view: RiskView) -> Iterator[Row]:
    level = {"alert": "red", "watch": "amber"}.get(view.systemic.level)
    if level:
        red = 1.0 if level == "red" else FADING
        yield (level, "systemic", BOOK, "", view.systemic.words, 0, 1.0, red)


def _stale(view: RiskView) -> Iterator[Row]:
    notes = view.heat.table[view.heat.table["note"].str.startswith(("stale", "no candles"))]
    owners = notes.drop_duplicates(["symbol", "venue"])
    if len(owners) > MOST_SINGLE:
        total = len(view.heat.table.drop_duplicates(["symbol", "venue"]))
        words = f"{len(owners)} of {total} markets have old bars or none: their heat is not to be trusted"
        yield ("amber", "stale", BOOK, "", words, 0, 1.0, np.nan)
        return
    for row in owners.to_dict("records"):
        yield (
            "amber",
            "stale",
            str(row["symbol"]),
            str(row["venue"]),
            f"{row['timeframe']}: {row['note']}",
            0,
            1.0,
            np.nan,
        )


def _market(view: RiskView) -> Iterator[Row]:
    if view.state.words:
        level = "amber" if not view.state.trusted else "note"
        yield (level, "market", BOOK, "", " ".join(view.state.words), 0, 1.0, np.nan)
