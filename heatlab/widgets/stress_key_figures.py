"""The numbers on top of the stress section."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from heatlab.figures import format as show
from heatlab.portfolio.stress.result import StressResult


def key_figures_html(result: StressResult, *, marks: pd.DataFrame | None = None) -> str:
    """P&L, its share of equity, what is liquidated, what is left, and what would be liquidated next.

    Parameters
    ----------
    result : StressResult
    marks : DataFrame, optional
        As ``PreparedStress.marks``, for a shock.
    """
    kind = "hl-down" if result.pnl < 0 else "hl-up"
    total = len(result.positions)
    gone = f"{'✕ ' if result.liquidated else ''}{result.liquidated} of {total}"
    unknown = f"{result.unknown} cannot be judged" if result.unknown else ""
    cells = [
        (f"P&L, {result.name}", f'<span class="{kind}">{escape(show.usd(result.pnl))}</span>', _worst(result)),
        ("Of equity", show.percent(result.pnl_share), _equity_words(result)),
        ("Positions liquidated", gone, unknown),
        ("Equity left", show.usd(result.equity), _left_words(result)),
    ]
    if marks is not None:
        cells.append(("Next liquidation", *_next(marks, result.move)))
    return f'<div class="hl-figures">{"".join(_figure(*cell) for cell in cells)}</div>'


def _figure(name: str, text: str, below: str) -> str:
    return (
        f'<div class="hl-figure" role="group" aria-label="{escape(name)}"><div class="hl-figure-name">{escape(name)}'
        f'</div><div class="hl-figure-value">{text}</div><div class="hl-muted" style="font-size:12px;line-height:1.4">'
        f"{escape(below)}</div></div>"
    )


def _worst(result: StressResult) -> str:
    if result.path is not None and len(result.path):
        return f"BTC {show.percent(result.move)}; worst on the way {show.usd(float(result.path['pnl'].min()))}"
    return f"{result.left_out} of {len(result.positions)} positions left out" if result.left_out else ""


def _equity_words(result: StressResult) -> str:
    if np.isnan(result.equity_before):
        return "equity unknown: a wallet balance, margin or quantity is missing"
    return f"equity now {show.usd(result.equity_before)}"


def _left_words(result: StressResult) -> str:
    used = result.accounts[result.accounts["positions"] > 0]
    ratio = used["margin_ratio"].dropna()
    if (used["outcome"] == "liquidated").any():
        return "a cross account is gone"
    if ratio.empty:
        return ""
    venue = used["venue"].loc[ratio.index[int(np.argmax(ratio.to_numpy()))]]
    return f"tightest account {venue}: {ratio.max():.0%} of its equity is maintenance margin"


def _next(marks: pd.DataFrame, move: float) -> tuple[str, str]:
    ahead = marks[marks["move"] < min(move, 0)] if move <= 0 else marks[marks["move"] > move]
    if ahead.empty:
        return "none", "within this slider's reach"
    one = ahead.iloc[-1] if move <= 0 else ahead.iloc[0]
    return escape(str(one["label"])), f"at BTC {show.percent(float(one['move']))}"
