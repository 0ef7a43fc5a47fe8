"""What the portfolio apps share: a book from the source or typed in, measured, kept as a snapshot, and remembered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from heatlab.apps import url
from heatlab.apps.book import book_inputs
from heatlab.apps.market import Progress, market_of, notices
from heatlab.apps.shell import remember, remembered
from heatlab.apps.user_data import Records, log_to
from heatlab.domain import JournalEntry
from heatlab.errors import HeatlabError, ParameterError
from heatlab.heat import HeatSettings
from heatlab.portfolio import (
    ClusterSettings,
    RiskSettings,
    RiskView,
    ThresholdOverride,
    merge_positions,
    overridden,
    position_pnl,
    risk_view,
)
from heatlab.sources import MarketSource, WithPositions
from heatlab.store import SettingsStore
from heatlab.widgets.book_panel import OWN_BOOK, BookPanel
from heatlab.widgets.sections import BookInputs, Section, Shared

log = logging.getLogger("heatlab.apps")
ALL_BOOKS = "*"
"""All books as one; no book can be named so."""
BOOK = "book"
"""Under which the book in use is remembered by source, for all apps."""
THRESHOLDS, CLUSTERS, LIMITS = "thresholds", "clusters", "cluster limits"
SNAPSHOT_TABLES = ("concentration", "cluster_shares")


class Desk:
    """One portfolio app's book, and what is kept of it.

    Parameters
    ----------
    source : MarketSource
    store : SettingsStore, optional
        Remembers choices, thresholds set by hand and the numbers of clusters.
    records : Records, optional
        Journal, snapshots and typed-in books; without it nothing is kept.
    """

    def __init__(self, source: MarketSource, store: SettingsStore | None, records: Records | None) -> None:
        self.source, self.store, self.records = source, store, records
        self.book = OWN_BOOK
        self.cluster_settings = _limits(remembered(store, LIMITS))
        self._measured: tuple[BookInputs, ThresholdOverride | None, RiskView] | None = None
        self._clusters = _labels(remembered(store, CLUSTERS).get(source.name))

    @property
    def snapshot_name(self) -> str:
        """Under what the states of the book in use are kept: the source, and the book's name if it was typed in."""
        return f"{self.source.name}, {self.book}" if self.book else self.source.name

    def load(self, book: str, *, progress: Progress | None = None, cancel: threading.Event | None = None) -> BookInputs:
        """Load a book by its name; ``""`` is the source's own."""
        self.book = book
        if book == OWN_BOOK:
            return book_inputs(self.source, also=self._others(), progress=progress, cancel=cancel)
        held = self.positions(book)
        inputs = book_inputs(self.source, held=held, also=self._others(), progress=progress, cancel=cancel)
        noted = () if book == ALL_BOOKS else notices(self._typed(book), {*held["venue"], *held["symbol"]})
        return replace(inputs, notices=tuple(dict.fromkeys((*inputs.notices, *noted))))

    def positions(self, book: str) -> pd.DataFrame:
        """Positions of a book by its name, marks and liquidation prices filled in; ``ALL_BOOKS`` merges all of them."""
        if book == ALL_BOOKS:
            return merge_positions(self.all_books())
        if book == OWN_BOOK:
            return self.source.positions()
        return self._typed(book).positions()

    def measure(self, inputs: BookInputs, override: ThresholdOverride | None) -> RiskView:
        """Measure a book, number its clusters as before, and keep a snapshot."""
        view = self.view(inputs.positions, inputs, override=override)
        self._measured = (inputs, override, view)
        self._keep_clusters(view)
        self._keep_snapshot(inputs, view)
        return view

    def view(
        self, positions: pd.DataFrame, inputs: BookInputs, *, override: ThresholdOverride | None = None
    ) -> RiskView:
        """Measure positions in the market of ``inputs``; nothing is kept."""
        settings = RiskSettings(heat=overridden(HeatSettings(), override), clusters=self.cluster_settings)
        return risk_view(
            positions,
            inputs.candles,
            now=inputs.now,
            settings=settings,
            previous_clusters=self._clusters,
            known=self._known(inputs, override),
        )

    def books(self) -> dict[str, str]:
        """Books to choose from, by what they are called on screen."""
        named = self._named()
        return named | ({"all together": ALL_BOOKS} if len(named) > 1 else {})

    def chosen(self, asked: str | None = None) -> str:
        """Book to start with: the one asked for, else the one used last; the source's own where there is none such."""
        name = asked if asked is not None else str(remembered(self.store, BOOK).get(self.source.name, OWN_BOOK))
        return name if name in self.books().values() else OWN_BOOK

    def keep_book(self) -> None:
        """Remember the book in use, for every app on this source."""
        kept = remembered(self.store, BOOK)
        if kept.get(self.source.name, OWN_BOOK) != self.book:
            remember(self.store, BOOK)({**kept, self.source.name: self.book})

    def all_books(self) -> dict[str, pd.DataFrame]:
        """Positions of every book, by what it is called on screen; one that cannot be read is left out (logged)."""
        found: dict[str, pd.DataFrame] = {}
        for label, name in self._named().items():
            try:
                found[label] = self.positions(name)
            except HeatlabError:
                log.exception("the book %r is left out", label)
        return found

    def accepted_pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs of symbols whose correlation the trader has accepted, as the journal has them."""
        if self.records is None:
            return ()
        states = self.records.journal.entries(kind="accepted")["state"]
        pairs = [(state.get("first"), state.get("second")) for state in states]
        return tuple((str(first), str(second)) for first, second in pairs if first and second)

    def keep_limits(self, settings: ClusterSettings) -> None:
        """Put other shares of watch and alert in force, and remember them."""
        self.cluster_settings = settings
        remember(self.store, LIMITS)({"watch": settings.watch, "alert": settings.alert})

    def override(self) -> ThresholdOverride | None:
        """Thresholds set by hand that are in force; None where they cannot be read."""
        kept = remembered(self.store, THRESHOLDS)
        try:
            return ThresholdOverride(
                green=float(kept["green"]),
                red=float(kept["red"]),
                reason=str(kept["reason"]),
                at=pd.Timestamp(kept["at"]),
            )
        except KeyError:
            return None
        except (HeatlabError, ValueError, TypeError):
            log.exception("the thresholds set by hand are not used")
            return None

    def keep_override(self, override: ThresholdOverride | None) -> None:
        """Remember thresholds set by hand, or that there are none any more."""
        fields = ("green", "red", "reason")
        plain = {} if override is None else {name: getattr(override, name) for name in fields}
        remember(self.store, THRESHOLDS)(plain if override is None else plain | {"at": override.at.isoformat()})

    def log(self) -> Callable[[JournalEntry], Any] | None:
        """Return what writes to the journal, stamped with the source's clock; None where there is no journal."""
        return None if self.records is None else log_to(self.records.journal, self.source)

    def _others(self) -> pd.DataFrame | None:
        """Symbols and venues of the books typed in: two books can be compared only where both have candles."""
        if self.records is None or not self.records.books.names():
            return None
        tables = [self.records.books.read(name)[["symbol", "venue"]] for name in self.records.books.names()]
        return pd.concat(tables, ignore_index=True)

    def _typed(self, book: str) -> WithPositions:
        if self.records is None:
            raise ParameterError(f"The book {book!r} is not kept: there are no records here.")
        return WithPositions(market_of(self.source), self.records.books.read(book))

    def _named(self) -> dict[str, str]:
        names = () if self.records is None else self.records.books.names()
        return {"of the source": OWN_BOOK} | {name: name for name in names}

    def _known(self, inputs: BookInputs, override: ThresholdOverride | None) -> RiskView | None:
        """Give the book measured last, if it is of the same market and thresholds."""
        if self._measured is None or self._measured[0] is not inputs or self._measured[1] != override:
            return None
        return self._measured[2]

    def _keep_clusters(self, view: RiskView) -> None:
        known = view.clusters[view.clusters > 0]
        self._clusters = known if len(known) else self._clusters
        plain = {str(symbol): int(label) for symbol, label in known.items()}
        kept = remembered(self.store, CLUSTERS)
        if kept.get(self.source.name) != plain:
            remember(self.store, CLUSTERS)({**kept, self.source.name: plain})

    def _keep_snapshot(self, inputs: BookInputs, view: RiskView) -> None:
        if self.records is None or inputs.watching:
            return
        tables = {"positions": view.positions, "heat": view.heat.table}
        tables |= {name: getattr(view, name) for name in SNAPSHOT_TABLES}
        try:
            self.records.snapshots.write(inputs.now, self.snapshot_name, tables, snapshot_values(view))
        except (OSError, HeatlabError):
            log.exception("the snapshot was not kept")


def snapshot_values(view: RiskView) -> dict[str, float | str]:
    """Give the numbers of a view that are kept beside its tables, for sliders and for drawdowns."""
    return {
        "book_heat": float(view.heat.book_heat),
        "zone": float(view.heat.zone),
        "rule": view.heat.rule,
        "effective_bets": float(view.measures.effective_bets),
        "gross_exposure": float(view.measures.gross_exposure),
        "net_exposure": float(view.measures.net_exposure),
        "unrealized_pnl": float(position_pnl(view.positions).sum(min_count=1)),
        "systemic": view.systemic.level,
    }


def portfolio_panel(
    source: MarketSource,
    store: SettingsStore | None,
    records: Records | None,
    *,
    name: str,
    title: str,
    sections: Callable[[Shared, BookPanel, Desk], Sequence[Section]],
) -> BookPanel:
    """Build a portfolio app: its book, its sections, and what the address and the last visit ask for.

    Parameters
    ----------
    source, store, records
        As for :class:`Desk`.
    name : str
        Of the app: its settings are remembered under it.
    title : str
    sections : callable
        ``sections(shared, panel, desk)``.
    """
    desk = Desk(source, store, records)
    desk.load(OWN_BOOK)  # fills the source's memory before the reader is known
    place = f"{name} {source.name}"
    asked = {**remembered(store, place), **url.query_parameters()}
    panel = BookPanel(
        title,
        desk.load,
        measure=desk.measure,
        sections=lambda shared, made: sections(shared, made, desk),
        books=desk.books(),
        override=desk.override(),
        on_override=desk.keep_override,
        log=desk.log(),
        defaults=_clamped(asked) | {"book": desk.chosen(asked.get("book"))},
        picture=f"{name}.png",
    )
    panel.on_change(lambda chosen: remember(store, place)({k: v for k, v in chosen.items() if k != "book"}))
    panel.on_view(lambda _inputs, _view: desk.keep_book())
    return panel


def _clamped(asked: Mapping[str, Any]) -> dict[str, Any]:
    frames = HeatSettings().timeframes
    return {
        "section": str(asked.get("section", "")),
        "position": str(asked.get("position", "")),
        "timeframe": url.choice(asked, "timeframe", default=frames[0], allowed=frames),
    }


def _labels(plain: Any) -> pd.Series | None:
    """Cluster labels as they were kept; None where they are damaged or missing."""
    if not isinstance(plain, dict) or not plain:
        return None
    try:
        return pd.Series({str(name): int(label) for name, label in plain.items()}, dtype="int64")
    except (TypeError, ValueError):
        return None


def _limits(plain: Mapping[str, Any]) -> ClusterSettings:
    """Shares of watch and alert as they were kept; the usual ones where they are damaged or missing."""
    try:
        return ClusterSettings(watch=float(plain["watch"]), alert=float(plain["alert"]))
    except (KeyError, TypeError, ValueError):
        return ClusterSettings()
