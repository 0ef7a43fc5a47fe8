"""Correlation section: matrix in cluster order, clusters against their marks, and pairs that need a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import ipywidgets
import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.figures.cluster_bars import ClusterBars
from heatlab.figures.correlation_matrix import CorrelationMatrix, short_names
from heatlab.figures.tables import orders_html
from heatlab.figures.theme import Theme
from heatlab.portfolio.correlation.clusters import ClusterSettings, cluster_names, cluster_order, cluster_shares
from heatlab.portfolio.correlation.pairs import PAIR_COLUMNS, correlation_pairs
from heatlab.portfolio.correlation.trim import Trim, trim_pair
from heatlab.portfolio.view import RiskView
from heatlab.widgets.correlation_html import drawn_html, facts_text, history_lines, nothing_html, pair_cells, pair_words
from heatlab.widgets.downloads import download_link
from heatlab.widgets.entry_list import EntryList
from heatlab.widgets.log_button import LogButton
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.panel_parts import message_html, notices_html
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

Pair = tuple[str, str]
MOST_SYMBOLS, MOST_PAIRS = 40, 200
STALE = pd.Timedelta("3h")
HEADS = ("pair", "in force", "30 days", "95 % interval", "3 days", "hours", "state")
LEGEND = (
    "Orange: move together; blue: move against each other; hatched: too little history. Frames and the strip at the "
    "left hold a cluster together. ≠ has just changed, ✓ accepted. Click a cell, or a row below, to decide on a pair."
)


class CorrelationSection:
    """What moves together, and what to do about it.

    Parameters
    ----------
    shared : Shared
    accepted : callable, optional
        ``accepted()`` returns the pairs of symbols accepted before, from the journal; those accepted here are added.
    settings : ClusterSettings
        Marks of the clusters; a pair is trimmed down to the mark to watch.
    limit : float
        Correlation above which a pair is flagged.
    title : str
    """

    name = "correlation"

    def __init__(
        self,
        shared: Shared,
        *,
        accepted: Callable[[], Iterable[Pair] | None] | None = None,
        settings: ClusterSettings | None = None,
        limit: float = 0.7,
        title: str = "Correlation",
    ) -> None:
        self.title = title
        self.settings = settings or ClusterSettings()
        self._shared, self._accepted = shared, accepted
        self._accepted_here: set[Pair] = set()
        self._view: RiskView | None = None
        self._shown: Pair | None = None
        self._listing = False
        self.pairs = pd.DataFrame(columns=PAIR_COLUMNS)
        self.trim: Trim | None = None
        self.matrix, self.bars = CorrelationMatrix(theme=shared.theme), ClusterBars(theme=shared.theme)
        self.limit = ipywidgets.BoundedFloatText(value=limit, min=0, max=0.99, step=0.05, description="Flag above")
        self.message, self.facts, self.drawn, self.notes = (ipywidgets.HTML() for _ in range(4))
        self.chosen, self.trim_words = ipywidgets.HTML(), ipywidgets.HTML()
        self.table = EntryList(HEADS, empty="No pair of known symbols.")
        self.table.layout.max_height, self.table.layout.overflow = "380px", "auto"
        self.accept = LogButton(
            shared.log, self.accepted_entry, label="Accept", needs_reason=True, on_logged=lambda _: self._take()
        )
        self.trim_button = ipywidgets.Button(description="Trim", tooltip="Show which of the two to trim, by how much")
        self.trim_log = LogButton(shared.log, self.trim_entry, label="Log this order")
        self.panes = [
            BokehPane(self.matrix.root, waiting="Drawing the correlations"),
            BokehPane(self.bars.root, waiting="Drawing the clusters"),
        ]
        self.root = ipywidgets.VBox(self._parts())
        self._listen()
        self._choose(None)

    @property
    def pair(self) -> Pair | None:
        """The pair chosen, None where there is none."""
        if not 0 < self.table.value <= len(self.pairs):
            return None
        row = self.pairs.iloc[self.table.value - 1]
        return str(row["first"]), str(row["second"])

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show a book."""
        self._view = view
        self.message.value = nothing_html(inputs, view)
        self.facts.value = f'<p class="hl-muted">{escape(facts_text(view))}</p>'
        self.notes.value = notices_html(history_lines(view))
        old = len(view.closes) > 0 and inputs.now - view.closes.index[-1] - pd.Timedelta("1h") > STALE
        for pane in self.panes:
            (pane.add_class if old else pane.remove_class)("hl-stale")
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the figures."""
        self.matrix.set_theme(theme)
        self.bars.set_theme(theme)

    def matrix_csv(self) -> bytes:
        """Correlations in force of all symbols, in cluster order, as CSV; empty before there are any."""
        if self._view is None:
            return b""
        matrix = self._view.correlation.matrix
        order = cluster_order(matrix)
        return bytes(matrix.loc[order, order].to_csv().encode())

    def pairs_csv(self) -> bytes:
        """Return all pairs with intervals and flags as CSV."""
        return bytes(self.pairs.to_csv(index=False).encode())

    def accepted_entry(self) -> JournalEntry | None:
        """Entry that accepts the chosen pair, with its state at this moment."""
        if self.pair is None:
            return None
        row = self.pairs.iloc[self.table.value - 1].to_dict()
        words = f"Correlation of {self._called(self.pair)} accepted at {row['correlation']:.2f}"
        return JournalEntry(kind="accepted", text=words, symbol=self.pair[0], state={**row, "limit": self.limit.value})

    def trim_entry(self) -> JournalEntry | None:
        """Entry that proposes the trim shown; None where there is no order."""
        if self.trim is None or self.trim.orders.empty:
            return None
        orders = self.trim.orders.to_dict("records")
        first = orders[0]
        state = {
            "pair": list(self.pair or ()),
            "share_before": self.trim.before,
            "share_after": self.trim.after,
            "orders": orders,
        }
        return JournalEntry(
            kind="order", text=self.trim.text, symbol=first["symbol"], venue=first["venue"], side=first["side"],
            state=state,
        )  # fmt: skip

    def _parts(self) -> list[Any]:
        links = ipywidgets.Box(
            [
                self.limit,
                download_link("correlation.csv", self.matrix_csv, label="Matrix as CSV"),
                download_link("pairs.csv", self.pairs_csv, label="All pairs as CSV"),
            ]
        )
        decide = ipywidgets.Box([self.accept, self.trim_button])
        for box in (links, decide):
            box.add_class("hl-toolbar")
        legend = ipywidgets.HTML(f'<p class="hl-muted">{escape(LEGEND)}</p>')
        return [
            *(self.message, self.facts, self.panes[0], self.drawn, legend, self.notes),
            *(links, self.table, self.chosen, decide, self.trim_words, self.trim_log, self.panes[1]),
        ]

    def _listen(self) -> None:
        status = self._shared.status
        self.limit.observe(guard(lambda _: self._draw(), status), "value")
        self.table.observe(guard(self._choose, status), "value")
        self.trim_button.on_click(guard(lambda _: self._trim(), status))
        self.matrix.on_select(guard(lambda row: self._pick((row["first"], row["second"])), status))
        self._shared.selection.observe(guard(self._follow, status), ["position", "section"])

    def _draw(self) -> None:
        """Draw matrix, bars and pairs by the limit and the acceptances in force."""
        view = self._view
        if view is None:
            return
        kept = self.pair
        before = self._accepted() if self._accepted is not None else None
        taken = [*(before or ()), *self._accepted_here]
        table = correlation_pairs(view.correlation, limit=self.limit.value, accepted=taken)
        self.pairs = table.sort_values("flagged", ascending=False, kind="stable", ignore_index=True)
        shares = cluster_shares(view.concentration, view.clusters, settings=self.settings)
        sizes = view.concentration.groupby("symbol", sort=False)["size_share"].sum()
        names = cluster_names(view.clusters, sizes)
        order = _largest(view, sizes)
        inside = self.pairs["first"].isin(order) & self.pairs["second"].isin(order)
        self.matrix.update(self.pairs[inside], order=order, clusters=view.clusters, names=names)
        self.bars.update(shares.head(MOST_SYMBOLS), watch=self.settings.watch, alert=self.settings.alert)
        self.drawn.value = drawn_html(len(order), len(view.correlation.matrix))
        self._list(kept)

    def _list(self, kept: Pair | None) -> None:
        head = self.pairs.head(MOST_PAIRS)
        names = self._names()
        outer, self._listing = self._listing, True
        rows = [(k + 1, pair_cells(row, names)) for k, row in enumerate(head.to_dict("records"))]
        flagged, accepted = int(self.pairs["flagged"].sum()), int(self.pairs["accepted"].sum())
        caption = f"{len(self.pairs)} pairs: {flagged} above {self.limit.value:g} need a decision, {accepted} accepted"
        same = int(self.pairs["same_asset"].sum())
        caption += f", {same} of the same asset" if same else ""
        if len(self.pairs) > MOST_PAIRS:
            caption += f"; the first {MOST_PAIRS} are listed, all are in the CSV"
        self.table.show(rows, caption=caption, empty="No pair of known symbols.")
        if kept is not None:
            self._pick(kept)
        self._listing = outer
        self._choose(None)

    def _names(self) -> dict[str, str]:
        return short_names(list(self._view.correlation.matrix.columns)) if self._view is not None else {}

    def _called(self, pair: Pair) -> str:
        names = self._names()
        return " and ".join(names.get(symbol, symbol) for symbol in pair)

    def _pick(self, pair: Pair) -> None:
        wanted = frozenset(pair)
        for k, found in enumerate(zip(self.pairs["first"], self.pairs["second"], strict=True)):
            if frozenset(found) == wanted:
                self._reach(k)
                return

    def _reach(self, place: int) -> None:
        """Choose a pair; one below the rows listed is put among them first."""
        if place >= MOST_PAIRS:
            order = [place, *(k for k in range(len(self.pairs)) if k != place)]
            self.pairs = self.pairs.iloc[order].reset_index(drop=True)
            self._list(None)
            place = 0
        self.table.value = place + 1

    def _follow(self, _change: Any) -> None:
        """Choose the strongest pair of the symbol selected elsewhere, unless the pair shown holds it."""
        selection = self._shared.selection
        if not selection.in_view(self.name):
            return
        symbol = selection.position[0] if selection.position else ""
        own = (self.pairs["first"] == symbol) | (self.pairs["second"] == symbol)
        if own.any() and symbol not in (self.pair or ()):
            row = self.pairs[own].sort_values("correlation", ascending=False).iloc[0]
            self._pick((row["first"], row["second"]))

    def _choose(self, _change: Any) -> None:
        self.trim, self.trim_words.value, self.trim_log.layout.display = None, "", "none"
        pair = self.pair
        if pair != self._shown and not self._listing:  # "Logged as ..." speaks of the pair before
            self._shown = pair
            self.accept.status.ready("")
            self.trim_log.status.ready("")
        self.trim_button.disabled = pair is None
        if pair is None:
            self.chosen.value = ""
            return
        row = self.pairs.iloc[self.table.value - 1]
        self.accept.layout.display = "none" if row["same_asset"] else ""
        words = f"{self._called(pair)}: {pair_words(row, self.limit.value)}"
        self.chosen.value = f"<p><b>{escape(words)}</b></p>"

    def _take(self) -> None:
        if self.pair is not None:
            self._accepted_here.add(self.pair)
            self._draw()

    def _trim(self) -> None:
        if self._view is None or self.pair is None:
            return
        covariance = self._view.correlation.covariance
        self.trim = trim_pair(self._view.positions, covariance, self.pair, target=self.settings.watch)
        orders = orders_html(self.trim.orders, caption="Order proposed; nothing is sent") if self.trim.symbol else ""
        self.trim_words.value = message_html(self.trim.text, kind="hl-callout") + orders
        self.trim_log.layout.display = "" if len(self.trim.orders) else "none"
        if len(self.trim.orders):
            order = self.trim.orders.iloc[0]
            self._shared.selection.position = (str(order["symbol"]), str(order["venue"]), -int(order["side"]))


def _largest(view: RiskView, sizes: pd.Series) -> list[str]:
    """Symbols to draw, in cluster order: the largest ones where there are too many."""
    order = cluster_order(view.correlation.matrix)
    if len(order) > MOST_SYMBOLS:
        kept = set(
            sizes.abs().reindex(order).fillna(0.0).sort_values(ascending=False, kind="stable")[:MOST_SYMBOLS].index
        )
        order = [symbol for symbol in order if symbol in kept]
    label = {symbol: int(view.clusters.get(symbol, 0)) for symbol in order}
    ranks = {group: k for k, group in enumerate(dict.fromkeys(label.values()))}
    return sorted(order, key=lambda symbol: (label[symbol] == 0, ranks[label[symbol]]))
