"""Tables of a stress test: positions and accounts before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from heatlab.figures import format as show
from heatlab.figures.heat_grid import position_label
from heatlab.figures.stress_bars import CROSS
from heatlab.figures.tables import Markup, badge, html_table


def stress_positions_html(
    positions: pd.DataFrame | None, *, move: float = float("nan"), first: int = 0, limit: int = 40
) -> str:
    """Positions of a stress test from row ``first`` on: betas, P&L, way to liquidation before and after.

    Parameters
    ----------
    positions : DataFrame
        As ``StressResult.positions``.
    move : float
        Of BTC, where it is a shock [fraction]: for the way that is left to a cross account.
    first, limit : int
        Rows shown; the caption says which.
    """
    table = pd.DataFrame() if positions is None else positions
    part = table.iloc[first : first + limit]
    shown = f"{first + 1} to {first + len(part)} of {len(table)}" if len(table) > limit else f"{len(table)}"
    heads, rows = _filled([_position_cells(row, move) for row in part.to_dict("records")])
    return html_table(f"Positions under stress ({shown})", heads, rows, empty="No positions to stress.")


def _position_cells(row: dict[Any, Any], move: float) -> dict[str, str]:
    """Cells by column head; a column without any text is not shown."""
    shared, past = row["margin_mode"] == "cross", row["basis"] == "candles"
    goal = float(row["liquidation_move"])
    left = (1 + goal) / (1 + move) - 1 if row["outcome"] == "held" else float("nan")
    return {
        "position": position_label(row["symbol"], row["venue"], int(row["side"])),
        "P&L": show.usd(float(row["pnl"])),
        "outcome": outcome_badge(str(row["outcome"])),
        "liquidated at BTC move": _way(float(row["liquidation_move"]), row["outcome"]),
        "own price move to liquidation": _joint_way(goal) if shared else _way(float(row["distance"]), row["outcome"]),
        "left after the shock": _joint_way(left) if shared else _way(float(row["distance_after"]), row["outcome"]),
        "margin left": "shared" if shared else show.usd(float(row["margin_left"])),
        "beta": show.number(float(row["beta"]), 2),
        "downside": show.number(float(row["downside_beta"]), 2),
        "moves by": "own candles" if past else "",
        "notional": show.usd(float(row["notional"])),
        "margin": str(row["margin_mode"]),
        "note": str(row["note"]),
    }


def outcome_badge(outcome: str) -> Markup:
    """Outcome in a word and a shape: a cross for what is liquidated, a question mark for what cannot be known."""
    words = {"liquidated": (f"{CROSS} liquidated", "red"), "unknown": ("? unknown", "amber")}
    text, kind = words.get(outcome, (outcome, ""))
    return badge(text, kind)


def _way(fraction: float, outcome: Any) -> str:
    """Way to go; "none" where no move liquidates, a dash where it does not apply, "unknown" where nobody can tell."""
    if np.isinf(fraction):
        return "none"
    if np.isnan(fraction) and outcome == "unknown":
        return "unknown"
    return show.percent(fraction)


def _joint_way(move: float) -> str:
    """Way of BTC until a whole account is liquidated; words where there is no such number."""
    return f"BTC {show.percent(move)}" if np.isfinite(move) else "with account"


def stress_accounts_html(accounts: pd.DataFrame | None) -> str:
    """Cross accounts of a stress test: equity, maintenance margin and what is left between them.

    Parameters
    ----------
    accounts : DataFrame
        As ``StressResult.accounts``.
    """
    used = pd.DataFrame() if accounts is None else accounts
    heads, rows = _filled([_account_cells(row) for row in used.to_dict("records")])
    caption = "Wallets shared by cross positions; liquidation at a margin ratio of 100 %"
    return html_table(caption, heads, rows, empty="No cross account: each position stands alone.")


def _filled(cells: list[dict[str, str]]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows without the columns that hold no text."""
    heads = [head for head in (cells[0] if cells else {}) if any(row[head] for row in cells)]
    return heads, [[row[head] for head in heads] for row in cells]


def _account_cells(row: dict[Any, Any]) -> dict[str, str]:
    idle = int(row["positions"]) == 0
    return {
        "account": f"{row['venue']} {row['currency']}".strip(),
        "positions": f"{int(row['positions'])}",
        "equity now": show.usd(float(row["equity_before"])),
        "equity after": show.usd(float(row["equity"])),
        "maintenance": show.usd(float(row["maintenance"])),
        "margin left": show.usd(float(row["margin_left"])),
        "margin ratio": "no cross position" if idle else show.percent(float(row["margin_ratio"]), signed=False),
        "liquidated at BTC move": "none" if idle else _way(float(row["liquidation_move"]), row["outcome"]),
        "outcome": outcome_badge(str(row["outcome"])),
        "note": str(row["note"]),
    }
