"""Parts of the nightly report: tables and figures of one risk view, in the light theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from heatlab.figures import LIGHT, HeatGrid, orders_html, position_label
from heatlab.figures import format as show
from heatlab.figures.cluster_bars import ClusterBars
from heatlab.figures.concentration_grid import ConcentrationGrid, concentration_legend
from heatlab.figures.correlation_matrix import CorrelationMatrix
from heatlab.figures.heat_grid import arrow
from heatlab.figures.report import ReportPart
from heatlab.figures.stress_figure import StressFigure
from heatlab.figures.stress_tables import stress_positions_html
from heatlab.figures.tables import Markup, badge, html_table
from heatlab.portfolio.alerts.settings import AlertSettings, sensitivity_words
from heatlab.portfolio.book import RISK_TIMEFRAME
from heatlab.portfolio.correlation.clusters import cluster_names, cluster_order
from heatlab.portfolio.measure import RiskSettings
from heatlab.portfolio.stress.beta import BENCHMARK, betas
from heatlab.portfolio.stress.prepared import PreparedStress, prepare_stress
from heatlab.portfolio.view import RiskView
from heatlab.widgets.book_panel import state_html, summary_html
from heatlab.widgets.panel_parts import header_html, notices_html
from heatlab.widgets.positions_section import hedges_html
from heatlab.widgets.sections import BookInputs

MOST_ROWS, MOST_DRAWN, MOST_PAIRS = 60, 40, 20
SHOCKS = (-0.10, -0.20, 0.10)
LEVELS = {"red": "▼ red", "amber": "● amber", "note": "i note"}
ZONES = {"green": 1.0, "amber": 0.0, "red": -1.0}
READ = (
    "Momentum heat is 0 to 100: high = the position goes with the trend on that timeframe. Shares of risk are Euler "
    "contributions; a negative one is a hedge. Alignment is the forecast in the position's direction. Weight drift is "
    "the share of gross value now less that at entry prices. The chance of liquidation assumes returns without drift, "
    "of the volatility of the last 30 days. Orders are proposed, not sent."
)


@dataclass(frozen=True)
class Findings:
    """What a report shows beside the view: alerts, ranked positions, priced orders, pairs."""

    alerts: pd.DataFrame
    ranked: pd.DataFrame
    orders: pd.DataFrame
    pairs: pd.DataFrame


def report_parts(inputs: BookInputs, view: RiskView, found: Findings, *, version: str) -> tuple[ReportPart, ...]:
    """Every part of a report, in reading order; what there is nothing of is left out or says so."""
    parts = [_head(inputs, view, version=version), _alerts(found.alerts, watching=inputs.watching)]
    if len(view.positions):
        parts += [_ranked(found.ranked), _heat(view)]
    parts.append(
        ReportPart("Orders that follow from the rule", orders_html(found.orders, caption="Proposed, not sent"))
    )
    if len(view.positions) and not inputs.watching:
        parts += [_concentration(view), _clusters(view), _decisions(view)]
    if view.correlation.matrix.notna().any(axis=None):
        parts.append(_correlation(view, found.pairs))
    if len(view.positions) and not inputs.watching:
        parts.append(_stress(inputs, view))
    notes = notices_html(inputs.notices) or '<p class="hl-muted">The source skipped nothing.</p>'
    parts.append(ReportPart("Notes on the data", notes + f'<p class="hl-muted">{escape(READ)}</p>'))
    return tuple(parts)


def _head(inputs: BookInputs, view: RiskView, *, version: str) -> ReportPart:
    hourly = view.heat.table["timeframe"] == RISK_TIMEFRAME
    ages = view.heat.table.loc[hourly, "age"].dropna()
    count = "watch list, no positions" if inputs.watching else f"{len(view.positions)} positions"
    head = header_html(
        "Risk report",
        source_name=inputs.source_name,
        is_simulated=inputs.is_simulated,
        facts=(count, f"heatlab {version}"),
        now=inputs.now,
        age=ages.max() if len(ages) else pd.NaT,
    ).replace("last bar closed", "the oldest hourly bar closed")
    words = "No positions: markets are shown as if held long, and no rule applies."
    watching = f'<div class="hl-callout" role="status">{words}</div>' if inputs.watching else ""
    return ReportPart("", head + watching + state_html(view) + summary_html(view, RiskSettings()) + _sums(view))


def _sums(view: RiskView) -> str:
    """Value, profit and volatility of the book in one line."""
    measures = view.measures
    facts = {
        "gross value": show.usd(measures.gross_exposure),
        "net value": show.usd(measures.net_exposure),
        "volatility a day": show.usd(measures.volatility),
        "diversification ratio": show.number(measures.diversification_ratio, 2),
    }
    return f'<p class="hl-muted">{escape(" · ".join(f"{name} {value}" for name, value in facts.items()))}</p>'


def _alerts(alerts: pd.DataFrame, *, watching: bool) -> ReportPart:
    rows = [
        [badge(LEVELS[row["level"]], row["level"]), row["what"], _place(row), row["detail"]]
        for row in alerts.head(MOST_ROWS).to_dict("records")
    ]
    calm = "A watch list has no liquidation prices to warn of." if watching else "No alert: nothing needs you now."
    table = html_table(
        _shown("Most urgent first", len(alerts), MOST_ROWS), ("level", "what", "where", "detail"), rows, empty=calm
    )
    words = "" if watching else f'<p class="hl-muted">{escape(sensitivity_words(AlertSettings()))}</p>'
    return ReportPart("Alerts", f'<div class="hl-words-table">{table}</div>{words}')


def _place(row: Mapping[Any, Any]) -> str:
    symbol, venue = str(row["symbol"]), str(row["venue"])
    return f"{symbol} · {venue}" if venue else symbol


def _ranked(ranked: pd.DataFrame) -> ReportPart:
    heads = (
        "position", "heat", "24 h", "alignment", "value", "size", "drift", "profit", "risk", "cluster", "mark",
        "liquidation", "away", "chance, 24 h",
    )  # fmt: skip
    rows = [_ranked_cells(row) for row in ranked.head(MOST_ROWS).to_dict("records")]
    caption = _shown("Weakest heat first; all of it in ranked.csv", len(ranked), MOST_ROWS)
    return ReportPart("Positions by heat", html_table(caption, heads, rows, empty="No positions."))


def _ranked_cells(row: Mapping[Any, Any]) -> list[str]:
    zone = str(row["zone"])
    exit_price, away = float(row["liquidation_price"]), float(row["liquidation_distance"])
    none = exit_price == 0 or np.isinf(exit_price)
    return [
        position_label(str(row["symbol"]), str(row["venue"]), int(row["side"])),
        badge(f"{show.number(row['heat'], 0)} {arrow(ZONES.get(zone, np.nan))}", zone),
        _signed(row["heat_change"]),
        _signed(row["alignment"]),
        show.usd(row["value"]),
        show.percent(row["size_share"], signed=False),
        show.percent(row["weight_drift"]),
        show.usd(row["pnl"]),
        show.percent(row["risk_share"], signed=float(row["risk_share"]) < 0),
        f"{row['cluster']}" + (", hedge" if row["is_hedge"] else ""),
        show.price(row["mark_price"]),
        "none" if none else show.price(exit_price) if np.isfinite(exit_price) else "unknown",
        "none" if none else show.percent(away, signed=False),
        _chance(float(row["liquidation_chance"])),
    ]


def _signed(value: float) -> str:
    return f"{value:+.1f}" if np.isfinite(value) else show.UNKNOWN


def _chance(chance: float) -> str:
    if np.isnan(chance):
        return "unknown"
    return "< 0.1 %" if chance < 0.001 else show.percent(chance, signed=False)


def _heat(view: RiskView) -> ReportPart:
    identity = ["symbol", "venue", "side"]
    worth = (view.positions["quantity"] * view.positions["mark_price"]).fillna(0.0)
    largest = view.positions.loc[
        worth.sort_values(ascending=False, kind="stable").index[:MOST_DRAWN].sort_values(), identity
    ]
    table, overall = (largest.drop_duplicates().merge(one, on=identity) for one in (view.heat.table, view.heat.overall))
    grid = HeatGrid(table, theme=LIGHT, overall=overall)
    words = (
        "High = the position goes with the trend. ▲ green, ● amber, ▼ red zone; below each number the thresholds, "
        "red | green. Hatched = no reading."
    )
    drawn = f" The {MOST_DRAWN} largest of {len(view.positions)} are drawn." if len(view.positions) > MOST_DRAWN else ""
    text = f'<p class="hl-muted">{escape(words + drawn)}</p>'
    return ReportPart(
        "Heat by timeframe", text, grid.root, "Heat of each position on each timeframe; see the table above."
    )


def _concentration(view: RiskView) -> ReportPart:
    grid = ConcentrationGrid(view.concentration, theme=LIGHT, shares=view.cluster_shares, heat="both")
    text = f'<p class="hl-muted">{concentration_legend(LIGHT)}</p>'
    return ReportPart(
        "Concentration", text, grid.root, "Size of each position by area, its concentration heat by colour."
    )


def _clusters(view: RiskView) -> ReportPart:
    rows = [_cluster_cells(row) for row in view.cluster_shares.to_dict("records")]
    heads = ("cluster", "symbols", "positions", "of the value", "of the risk")
    table = html_table("Watch from 20 %, alert from 25 % of value or risk", heads, rows, empty="No clusters.")
    bars = ClusterBars(view.cluster_shares, theme=LIGHT)
    return ReportPart(
        "Clusters", "", bars.root, "Share of value and of risk of each cluster; see the table below.", table
    )


def _cluster_cells(row: Mapping[Any, Any]) -> list[str]:
    level = str(row["level"])
    mark = badge(level, {"alert": "red", "watch": "amber"}.get(level, "")) if level else ""
    symbols = row["symbols"] if isinstance(row["symbols"], str) else ", ".join(row["symbols"])
    return [
        Markup(f"{escape(str(row['name']))} {mark}"),
        symbols,
        f"{row['positions']}",
        show.percent(row["gross_share"], signed=False),
        show.percent(row["risk_share"], signed=False),
    ]


def _decisions(view: RiskView) -> ReportPart:
    unsure = view.quadrants[view.quadrants["quadrant"] == "unsure"]
    rows = [
        [
            position_label(row["symbol"], row["venue"], int(row["side"])),
            show.percent(row["size_share"], signed=False),
            row["reason"],
        ]
        for row in unsure.head(MOST_ROWS).to_dict("records")
    ]
    caption = _shown("Neither meant nor small nor a hedge", len(unsure), MOST_ROWS)
    table = html_table(caption, ("position", "size", "why"), rows, empty="No position waits for a decision.")
    return ReportPart("To decide", f'<div class="hl-words-table">{table}{hedges_html(view)}</div>')


def _correlation(view: RiskView, pairs: pd.DataFrame) -> ReportPart:
    weights = view.concentration.groupby("symbol")["notional"].sum() if len(view.concentration) else None
    order = _largest(cluster_order(view.correlation.matrix), weights)
    names = cluster_names(view.clusters, weights)
    matrix = CorrelationMatrix(pairs, order=order, clusters=view.clusters, names=names, theme=LIGHT)
    flagged = pairs[pairs["flagged"]]
    rows = [
        [
            f"{row['first'].split('/')[0]} and {row['second'].split('/')[0]}",
            show.number(row["correlation"], 2),
            f"{show.number(row['low'], 2)} to {show.number(row['high'], 2)}",
            show.number(row["short"], 2),
            "has just changed" if row["broken"] else "",
        ]
        for row in flagged.head(MOST_PAIRS).to_dict("records")
    ]
    heads = ("pair", "in force", "30 days, 95 %", "3 days", "")
    caption = _shown("Pairs above 0.7; all pairs in pairs.csv", len(flagged), MOST_PAIRS)
    table = html_table(caption, heads, rows, empty="No pair is above 0.7.")
    notes = "".join(f"<li>{escape(f'{row.symbol}: {row.note}')}</li>" for row in view.correlation.notes.itertuples())
    after = table + (f'<ul class="hl-muted">{notes}</ul>' if notes else "")
    return ReportPart("Correlation, 30 days", "", matrix.root, "Correlation of each pair; see the table below.", after)


def _largest(order: Sequence[str], weights: pd.Series | None) -> list[str]:
    """Symbols to draw, in order; the heaviest where there are too many."""
    if len(order) <= MOST_DRAWN or weights is None:
        return list(order)
    kept = set(weights.reindex(list(order)).fillna(0.0).sort_values(ascending=False, kind="stable").index[:MOST_DRAWN])
    return [symbol for symbol in order if symbol in kept]


def _stress(inputs: BookInputs, view: RiskView) -> ReportPart:
    prepared = _prepared(inputs, view)
    if prepared is None:
        text = f'<p class="hl-muted">There are no hourly candles of {BENCHMARK} to take betas from.</p>'
        return ReportPart("Stress", text)
    figure = StressFigure(theme=LIGHT)
    figure.update(
        prepared.curve(),
        marks=prepared.marks(),
        accounts=prepared.account_curves(),
        title="P&L over moves of BTC; ✕ = something is liquidated there",
    )
    rows = []
    for move in SHOCKS:
        result = prepared.at(move)
        gone = int((result.positions["outcome"] == "liquidated").sum())
        rows.append([f"BTC {move:+.0%}", show.usd(float(result.pnl)), f"{gone} of {len(result.positions)}"])
    sums = html_table("What a move of BTC does", ("move", "P&L", "liquidated"), rows, empty="")
    worst = stress_positions_html(prepared.at(SHOCKS[0]).positions, limit=MOST_DRAWN)
    notes = notices_html(prepared.at(SHOCKS[0]).notes)
    after = f"{sums}<h3>Positions at BTC {SHOCKS[0]:+.0%}</h3>{worst}{notes}"
    return ReportPart("Stress", "", figure.root, "Profit or loss over moves of BTC; see the table below.", after)


def _prepared(inputs: BookInputs, view: RiskView) -> PreparedStress | None:
    hourly = {symbol: table for (_, symbol, frame), table in inputs.candles.items() if frame == "1h" and len(table)}
    base = BENCHMARK.split("/", maxsplit=1)[0]
    market = hourly.get(BENCHMARK, next((hourly[name] for name in hourly if name.split("/")[0] == base), None))
    if market is None:
        return None
    closes = view.closes.loc[:, ~view.closes.columns.duplicated()]
    found = betas(closes, benchmark=market["close"].rename(BENCHMARK))
    return prepare_stress(inputs.positions, found, brackets=inputs.brackets)


def _shown(caption: str, count: int, most: int) -> str:
    return f"{caption} ({most} of {count} shown)" if count > most else caption
