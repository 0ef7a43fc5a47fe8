"""The numbers on top of the stress section."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from heatlab.figures import format as show
from heatlab.portfolio.stress.result import KnownEquity, StressResult

NAMED = 3
"""Parts named in a figure before "and so many more"."""


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
    sure = "at least " if result.unknown else ""
    gone = f"{'✕ ' if result.liquidated else ''}{sure}{result.liquidated} of {total}"
    pnl = show.of_known(result.pnl, partial=result.left_out > 0)
    left = result.known.amount if result.known.gaps else result.equity
    cells = [
        (f"P&L, {result.name}", f'<span class="{kind}">{escape(pnl)}</span>', _worst(result)),
        ("Of equity", show.percent(result.pnl_share), _equity_words(result)),
        ("Positions liquidated", gone, _unknown_words(result)),
        ("Equity left", show.at_least(left, partial=bool(result.known.gaps)), _left_words(result)),
    ]
    if marks is not None:
        cells.append(("Next liquidation", *_next(marks, result)))
    return f'<div class="hl-figures">{"".join(_figure(*cell) for cell in cells)}</div>'


def _figure(name: str, text: str, below: str) -> str:
    return (
        f'<div class="hl-figure" role="group" aria-label="{escape(name)}"><div class="hl-figure-name">{escape(name)}'
        f'</div><div class="hl-figure-value">{text}</div><div class="hl-muted" style="font-size:12px;line-height:1.4">'
        f"{escape(below)}</div></div>"
    )


def _worst(result: StressResult) -> str:
    told = []
    if result.path is not None and len(result.path):
        worst = show.usd(float(result.path["pnl"].min()))
        told.append(f"BTC {show.percent(result.move)}; worst on the way {worst}")
    if result.left_out:
        told.append(f"{result.left_out} of {len(result.positions)} positions left out")
    return "; ".join(told)


def _equity_words(result: StressResult) -> str:
    known = result.known_before
    if known.gaps:
        return f"equity now {_known_words(known)}"
    return f"equity now {show.usd(result.equity_before)}"


def _left_words(result: StressResult) -> str:
    told = [_without(result.known)] if result.known.gaps else []
    if result.unknown:
        told.append("if what cannot be judged is not liquidated")
    return "; ".join([*told, *filter(None, [_account_words(result)])])


def _account_words(result: StressResult) -> str:
    used = result.accounts[result.accounts["positions"] > 0]
    ratio = used["margin_ratio"].dropna()
    if (used["outcome"] == "liquidated").any():
        return "a cross account is liquidated"
    if ratio.empty:
        return ""
    venue = used["venue"].loc[ratio.index[int(np.argmax(ratio.to_numpy()))]]
    return f"tightest account {venue}: {ratio.max():.0%} of its equity is maintenance margin"


def _next(marks: pd.DataFrame, result: StressResult) -> tuple[str, str]:
    """Name what is liquidated next beyond the move; unknown where a position cannot be judged."""
    move, silent = result.move, _unknown_words(result)
    ahead = marks[marks["move"] < min(move, 0)] if move <= 0 else marks[marks["move"] > move]
    if ahead.empty:
        rest = "of the others none within this slider's reach" if result.unknown < len(result.positions) else ""
        return (
            ("unknown", "; ".join(filter(None, [silent, rest]))) if silent else ("none", "within this slider's reach")
        )
    one = ahead.iloc[-1] if move <= 0 else ahead.iloc[0]
    return escape(str(one["label"])), "; ".join(filter(None, [f"at BTC {show.percent(float(one['move']))}", silent]))


def _unknown_words(result: StressResult) -> str:
    """Say for how many positions nothing is known of liquidation; "" where it is known for all."""
    if not result.unknown:
        return ""
    return f"unknown for {result.unknown} position{'s' if result.unknown > 1 else ''} that cannot be judged"


def _known_words(known: KnownEquity) -> str:
    amount = show.at_least(known.amount, partial=True) if np.isfinite(known.amount) else "unknown"
    return f"{amount}, {_without(known)}"


def _without(known: KnownEquity) -> str:
    """Name what is not in an equity, and why."""
    more = f" and {len(known.gaps) - NAMED} more" if len(known.gaps) > NAMED else ""
    return f"without {', '.join(known.gaps[:NAMED])}{more}"
