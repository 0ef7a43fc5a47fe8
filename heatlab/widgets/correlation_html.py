"""What the correlation section says in words and tables."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from heatlab.figures import format as show
from heatlab.figures.correlation_matrix import NUMBERS_UP_TO
from heatlab.portfolio.correlation.pairs import same_asset
from heatlab.portfolio.view import RiskView
from heatlab.widgets.entry_list import Cell
from heatlab.widgets.panel_parts import message_html
from heatlab.widgets.sections import BookInputs

MOST_NOTES = 12
EMPTY = "No positions. Load yours with --positions FILE.csv, or point heatlab at an account with a read-only key."
ALONE = "One symbol only: there is no pair to correlate. Its share of the book stands below."
UNKNOWN = "No symbol has enough hourly history for a correlation: see the notes below."


def facts_text(view: RiskView) -> str:
    """Say window, shrinkage, state of breaks and how sure the figures are, in one paragraph."""
    estimate = view.correlation
    settings = estimate.settings
    changed = estimate.broken.to_numpy(dtype=bool) & ~same_asset(estimate.broken.columns)
    upper = int(changed.sum()) // 2
    bars = pd.Timedelta(settings.window).days
    words = [f"Log returns of hourly closes over {bars} days, pair by pair on the hours both have."]
    share = estimate.shrinkage if pd.notna(estimate.shrinkage) else (settings.shrinkage or 0.0)
    how = "estimated" if settings.shrinkage is None else "fixed"
    words.append(f"Shrunk {share:.0%} ({how}) towards the mean correlation.")
    if upper:
        many = "1 pair has" if upper == 1 else f"{upper} pairs have"
        words.append(f"{many} just changed (≠): the larger of the 30-day and the 3-day correlation is in force.")
    else:
        words.append("No pair has just changed.")
    words.append(f"By chance alone at most about {settings.false_alarms:.0%} of the pairs would show a change.")
    return " ".join(words)


def pair_words(row: Any, limit: float) -> str:
    """Say what is known of a pair."""
    state = "accepted" if row["accepted"] else f"above {limit:g}, needs a decision" if row["flagged"] else "below"
    state = "same asset, nothing to decide" if row["same_asset"] else state
    parts = [f"{row['correlation']:.2f} in force, {state}"]
    if pd.notna(row["low"]):
        parts.append(f"30 days {row['long']:.2f} ({row['low']:.2f} to {row['high']:.2f}, {row['bars']} hours)")
    if pd.notna(row["short"]):
        parts.append(f"3 days {row['short']:.2f}{', just changed' if row['broken'] else ''}")
    return "; ".join(parts)


def pair_cells(row: dict[Any, Any], names: dict[str, str]) -> list[Cell]:
    """Cells of a pair, with the class of each."""
    state = "✓ accepted" if row["accepted"] else "▲ decide" if row["flagged"] else ""
    state = "= same asset" if row["same_asset"] else state
    state += f"{' · ' if state else ''}≠ just changed" if row["broken"] else ""
    interval = f"{show.number(row['low'], 2)} to {show.number(row['high'], 2)}"
    return [
        (f"{names.get(row['first'], row['first'])} and {names.get(row['second'], row['second'])}", "hl-text"),
        (show.number(row["correlation"], 2), ""),
        (show.number(row["long"], 2), ""),
        (interval, ""),
        (show.number(row["short"], 2), ""),
        (show.number(row["bars"]), ""),
        (state, "hl-text"),
    ]


def drawn_html(shown: int, known: int) -> str:
    """Say what the matrix leaves out, where it does."""
    words = f"The {shown} largest of {known} symbols are drawn; all are in the CSV. " if shown < known else ""
    words += "Too many for numbers in the cells: point at one to read it." if shown > NUMBERS_UP_TO else ""
    return f'<p class="hl-muted">{escape(words)}</p>' if words else ""


def nothing_html(inputs: BookInputs, view: RiskView) -> str:
    """Say why there is little or nothing to see, where it is so."""
    matrix = view.correlation.matrix
    if matrix.empty:
        return message_html(EMPTY)
    if inputs.watching:
        words = (
            "No positions here, only markets to watch: their correlations are shown, shares of a book are not known."
        )
        return message_html(words, kind="hl-callout")
    if not matrix.notna().any(axis=None):
        return message_html(UNKNOWN, kind="hl-callout hl-warning")
    return message_html(ALONE, kind="hl-callout") if len(matrix) == 1 else ""


def history_lines(view: RiskView) -> list[str]:
    """Say whose history is short, and up to when the closes reach."""
    notes = view.correlation.notes
    told = [f"{row['symbol']}: {row['note']}." for row in notes.head(MOST_NOTES).to_dict("records")]
    if len(notes) > MOST_NOTES:
        told.append(f"{len(notes) - MOST_NOTES} more symbols have a short history.")
    if len(view.closes):
        told.append(f"Up to the hour that began {view.closes.index[-1]:%Y-%m-%d %H:%M} UTC.")
    return told
