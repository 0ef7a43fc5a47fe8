"""Concentration section: the book's heat by size and by correlation, its concentration in numbers, its clusters."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.figures import format as show
from heatlab.figures.cluster_bars import ClusterBars
from heatlab.figures.concentration_grid import ConcentrationGrid, concentration_legend
from heatlab.figures.heat_grid import position_label
from heatlab.figures.theme import Theme
from heatlab.portfolio.concentration import ConcentrationMeasures
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_shares
from heatlab.portfolio.view import RiskView
from heatlab.widgets.downloads import download_link
from heatlab.widgets.entry_list import Cell, EntryList
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html, notices_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

HEATS = [("Size-weighted", "size"), ("Correlation-weighted", "correlation"), ("Side by side", "both")]
CLUSTERS = 12
"""Clusters drawn, the largest; the positions of the others are in the table."""
NAMED = 8
"""Positions or symbols named in a message before "and so many more"."""
STALE = pd.Timedelta("3h")
"""Age of the last hourly close from which the correlation is old: three bars."""
WORDS = {
    "size": "Size-weighted heat: the position's share of gross. It knows nothing of what moves together.",
    "correlation": "Correlation-weighted heat: its own share of gross, and those of its neighbours times their "
    "correlation with it. Small positions of one cluster can be hotter than a larger lone one.",
    "both": "The same positions in the same places: what glows only on the second grid is one bet under several names.",
}
HEADS = ("position", "notional", "size", "heat by correlation", "share of risk", "cluster")
EMPTY = "No positions. Load yours with --positions FILE.csv, or point heatlab at an account with a read-only key."
WATCHING = "No positions here, only markets to watch: without quantities there is no size, and no concentration."


class ConcentrationSection:
    """Where the risk of the book sits.

    Parameters
    ----------
    shared : Shared
    settings : ClusterSettings
        Shares of watch and alert to start with.
    on_settings : callable, optional
        ``on_settings(ClusterSettings)`` is told of each change of the two.
    title : str
    """

    name = "concentration"

    def __init__(
        self,
        shared: Shared,
        *,
        settings: ClusterSettings | None = None,
        on_settings: Callable[[ClusterSettings], Any] | None = None,
        title: str = "Concentration",
    ) -> None:
        self.title = title
        self._shared, self._on_settings, self._theme = shared, on_settings, shared.theme
        self.settings = settings or ClusterSettings()
        self._view: RiskView | None = None
        self._keys: list[tuple[str, str, int]] = []
        self.grid, self.bars = ConcentrationGrid(theme=shared.theme), ClusterBars(theme=shared.theme)
        self._names: dict[int, str] = {}
        self.heat = ipywidgets.ToggleButtons(options=HEATS, description="Heat")
        self.heat.style.button_width = "170px"
        self.watch = _percent("Watch from", self.settings.watch)
        self.alert = _percent("Alert from", self.settings.alert)
        self.message, self.figures, self.words, self.legend = (ipywidgets.HTML() for _ in range(4))
        self.cluster_words, self.notes = ipywidgets.HTML(), ipywidgets.HTML()
        self.table = EntryList(HEADS, empty="No positions.")
        self.table.add_class("hl-positions")
        self.pane = BokehPane(self.grid.root, waiting="Drawing the concentration")
        self.bars_pane = BokehPane(self.bars.root, waiting="Drawing the clusters")
        self.root = ipywidgets.VBox(self._parts())
        self._listen()
        self._say_heat()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book."""
        self._view = view
        table = view.concentration
        self.message.value = _message(inputs, view)
        known, in_risk = int(table["size_share"].notna().sum()), int(table["correlation_heat"].notna().sum())
        self.figures.value = figures_html(view.measures, len(table), known=known, in_risk=in_risk)
        self.notes.value = notices_html([*_age_note(inputs, view), *_left_out(view)])
        age = _age(inputs, view)
        for pane in (self.pane, self.bars_pane):
            (pane.add_class if age > STALE else pane.remove_class)("hl-stale")
        shares = self._clusters()
        self.grid.update(table, shares=shares)
        self._names = dict(zip(shares["cluster"], shares["name"], strict=True))
        self._list(table)
        self._mark(None)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figures."""
        self._theme = theme
        self.grid.set_theme(theme)
        self.bars.set_theme(theme)
        self.legend.value = concentration_legend(theme)

    def csv(self) -> bytes:
        """All positions with their heats and shares as CSV; empty before there are any."""
        return b"" if self._view is None else self._view.concentration.to_csv(index=False).encode()

    def _parts(self) -> list[Any]:
        top, limits = ipywidgets.Box([self.heat]), ipywidgets.Box([self.watch, self.alert])
        link = download_link("concentration.csv", self.csv, label="All positions as CSV")
        bottom = ipywidgets.Box([link])
        for box in (top, limits, bottom):
            box.add_class("hl-toolbar")
        return [
            *(self.message, self.figures, top, self.words, self.pane, self.legend),
            *(limits, self.bars_pane, self.cluster_words, self.table, bottom, self.notes),
        ]

    def _listen(self) -> None:
        status, selection = self._shared.status, self._shared.selection
        self.heat.observe(guard(lambda _: self._say_heat(), status), "value")
        for control in (self.watch, self.alert):
            control.observe(guard(self._limits, status), "value")
        self.grid.on_select(guard(self._clicked, status))
        self.table.observe(guard(self._picked, status), "value")
        selection.observe(guard(self._mark, status), "position")

    def _say_heat(self) -> None:
        self.grid.show(self.heat.value)
        self.words.value = f'<p class="hl-muted">{escape(WORDS[self.heat.value])}</p>'
        self.legend.value = concentration_legend(self._theme)

    def _limits(self, _change: Any) -> None:
        self.settings = ClusterSettings(watch=self.watch.value / 100, alert=self.alert.value / 100)
        if self._view is not None:
            self._clusters()
        if self._on_settings is not None:
            self._on_settings(self.settings)

    def _clusters(self) -> pd.DataFrame:
        """Draw the clusters by the limits in force, and return their shares."""
        assert self._view is not None
        shares = cluster_shares(self._view.concentration, self._view.clusters, settings=self.settings)
        self.bars.update(shares.head(CLUSTERS), watch=self.settings.watch, alert=self.settings.alert)
        self.cluster_words.value = _cluster_words(shares, self.settings)
        return shares

    def _list(self, table: pd.DataFrame) -> None:
        """Positions by share of risk, the largest first; hedges show their sign."""
        order = table["risk_share"].abs().sort_values(ascending=False, na_position="last", kind="stable").index
        rows = table.loc[order].to_dict("records")
        self._keys = [(row["symbol"], row["venue"], int(row["side"])) for row in rows]
        cells = [_cells(row, self._names) for row in rows]
        with self.table.hold_sync():
            self.table.rows = [{"number": k + 1, "cells": [list(one) for one in row]} for k, row in enumerate(cells)]
            self.table.caption = (
                f"{len(rows)} positions, most of the risk first; size is the heat by size; a minus is a hedge"
            )

    def _clicked(self, row: dict[str, Any]) -> None:
        self._shared.selection.position = (row["symbol"], row["venue"], int(row["side"]))

    def _picked(self, change: Any) -> None:
        if 0 < change["new"] <= len(self._keys):
            self._shared.selection.position = self._keys[change["new"] - 1]

    def _mark(self, _change: Any) -> None:
        chosen = self._shared.selection.position
        self.table.value = self._keys.index(chosen) + 1 if chosen in self._keys else 0
        if chosen:
            self.grid.select(*chosen)


def figures_html(
    measures: ConcentrationMeasures, count: int, *, known: int | None = None, in_risk: int | None = None
) -> str:
    """Key figures, each with what it means in plain words, and how much of the book it covers.

    Parameters
    ----------
    measures : ConcentrationMeasures
    count : int
        Positions in the book.
    known : int, optional
        Those of known value; all where not given.
    in_risk : int, optional
        Those of known value and correlation; as many as ``known`` where not given.
    """
    known = count if known is None else known
    sized, risky = _cover(known, count), _cover(known if in_risk is None else in_risk, count)
    gross = measures.gross_exposure
    of_gross = measures.volatility / gross if gross > 0 else np.nan
    leaning = measures.net_exposure / gross if gross > 0 else np.nan
    part = "gross" if not sized else "the known gross"
    independent = "what is left when things that move together count as one"
    told = [
        ("Gross exposure", show.at_least(gross, partial=bool(sized)), f"longs and shorts added up{sized}"),
        (
            "Net exposure",
            show.of_known(measures.net_exposure, partial=bool(sized)),
            f"longs less shorts: {show.percent(leaning)} of {part}{sized}",
        ),
        (
            "Volatility per day",
            show.of_known(measures.volatility, partial=bool(risky)),
            f"an ordinary day's gain or loss: {show.percent(of_gross, signed=False)} of {part}{risky}",
        ),
        (
            "HHI of sizes",
            show.number(measures.hhi, 2 if measures.hhi >= 0.1 else 3),
            f"1 = all in one position, 1/n = evenly spread{sized}",
        ),
        (
            "Effective positions",
            show.number(measures.effective_positions, 1),
            f"of {known}{' known' if sized else ''}, counted by size{sized}",
        ),
        ("Effective bets", show.number(measures.effective_bets, 1), f"counted by who carries the risk{risky}"),
        ("Independent bets", show.number(measures.effective_principal_bets, 1), f"{independent}{risky}"),
        (
            "Diversification ratio",
            show.number(measures.diversification_ratio, 2),
            f"risk side by side over risk together: 1 = one bet{risky}",
        ),
    ]
    cells = "".join(
        f'<div class="hl-figure" role="group" aria-label="{name}"><div class="hl-figure-name">{name}</div>'
        f'<div class="hl-figure-value">{escape(value)}</div><div class="hl-figure-name">{escape(words)}</div></div>'
        for name, value, words in told
    )
    return f'<div class="hl-figures">{cells}</div>'


def _cover(known: int, count: int) -> str:
    """Say how much of the book a figure covers; "" where it is all."""
    return f"; {known} of {count} positions known" if known < count else ""


def _cluster_words(shares: pd.DataFrame, settings: ClusterSettings) -> str:
    """Say which clusters reach which limit, and how many are not drawn."""
    told = []
    for level, limit in (("alert", settings.alert), ("watch", settings.watch)):
        names = list(shares.loc[shares["level"] == level, "name"])
        if names:
            told.append(f"{level} from {limit * 100:.3g} % of gross or of risk: {', '.join(names)}.")
    if len(shares) and not told:
        told.append(f"No cluster carries {settings.watch * 100:.3g} % of gross or of risk.")
    if len(shares) > CLUSTERS:
        told.append(f"The {CLUSTERS} largest of {len(shares)} clusters are drawn.")
    return f'<p class="hl-muted" role="status">{escape(" ".join(told))}</p>' if told else ""


def _cells(row: dict[Any, Any], names: dict[int, str]) -> list[Cell]:
    risk, cluster = float(row["risk_share"]), int(row["cluster"])
    return [
        (position_label(row["symbol"], row["venue"], int(row["side"])), "hl-text"),
        (show.usd(float(row["notional"])), ""),
        (show.percent(float(row["size_share"]), signed=False), ""),
        (show.number(float(row["correlation_heat"]), 1), ""),
        (f"{show.percent(risk)}{' hedge' if row['is_hedge'] else ''}", "hl-up" if row["is_hedge"] else ""),
        (names.get(cluster, f"{cluster}") if cluster > 0 else "history too short", ""),
    ]


def _percent(description: str, fraction: float) -> ipywidgets.BoundedFloatText:
    made = ipywidgets.BoundedFloatText(value=fraction * 100, min=1, max=100, step=1, description=f"{description}, %")
    made.style.description_width = "100px"
    made.layout.width = "190px"
    return made


def _message(inputs: BookInputs, view: RiskView) -> str:
    if inputs.watching:
        return message_html(WATCHING, kind="hl-callout")
    if view.concentration.empty:
        return message_html(EMPTY)
    if not view.concentration["size_share"].notna().any():
        return message_html("No position has both a quantity and a mark price.", kind="hl-callout hl-warning")
    missing = _unknown_words(view)
    told = message_html(missing, kind="hl-callout hl-warning") if missing else ""
    if view.measures.volatility == 0:
        which = "Among the known positions every long" if missing else "Every long"
        words = f"{which} is matched by a short of the same size: no price risk is left that can be shared."
        return told + message_html(words, kind="hl-callout")
    return told


def _unknown_words(view: RiskView) -> str:
    """Name the positions that no figure here counts; "" where there are none."""
    table = view.concentration
    unknown = table[table["size_share"].isna()]
    if unknown.empty:
        return ""
    names = [f"{symbol} on {venue}" for symbol, venue in zip(unknown["symbol"], unknown["venue"], strict=True)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"This is not the whole book: {len(names)} of {len(table)} positions are of unknown value, for want of a "
        f"quantity or a price, and count in no figure here: {', '.join(names[:NAMED])}{more}."
    )


def _age(inputs: BookInputs, view: RiskView) -> pd.Timedelta:
    """Since the last hourly bar closed; 0 where there is none."""
    if not len(view.closes):
        return pd.Timedelta(0)
    return pd.Timedelta(inputs.now - view.closes.index[-1]) - pd.Timedelta("1h")


def _age_note(inputs: BookInputs, view: RiskView) -> list[str]:
    if not len(view.closes):
        return ["No hourly closes: correlation, risk and clusters are unknown."]
    age = _age(inputs, view)
    old = f", {show.age(age)} ago: older than three bars, so shown grey" if age > STALE else ""
    last = view.closes.index[-1] + pd.Timedelta("1h")
    return [f"Correlation of hourly returns up to {last:%Y-%m-%d %H:%M} UTC{old}."]


def _left_out(view: RiskView) -> list[str]:
    """Name what is left out of the risk for want of history."""
    notes = view.correlation.notes
    told = [f"{row['symbol']}: {row['note']}." for row in notes.head(NAMED).to_dict("records")]
    if len(notes) > NAMED:
        told.append(f"{len(notes) - NAMED} more symbols have a short history.")
    return told
