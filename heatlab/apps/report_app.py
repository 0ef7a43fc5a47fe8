"""The nightly report: one HTML page that stands alone, and the tables behind it as CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import heatlab
from heatlab.apps.book import book_inputs
from heatlab.apps.market import Progress
from heatlab.apps.report_parts import Findings, report_parts
from heatlab.domain import Timeframe
from heatlab.errors import SourceError, StaleDataError
from heatlab.figures import format as show
from heatlab.figures.report import report_page
from heatlab.portfolio.alerts.current import risk_alerts
from heatlab.portfolio.book import RISK_TIMEFRAME, BookView, book_view
from heatlab.portfolio.correlation.pairs import correlation_pairs
from heatlab.portfolio.measure import risk_view
from heatlab.portfolio.orders.costs import price_orders
from heatlab.portfolio.ranking import ranked_positions
from heatlab.portfolio.view import RiskView
from heatlab.sources import MarketSource
from heatlab.store.reports import report_folder, write_report
from heatlab.widgets.sections import BookInputs
from heatlab.widgets.styles import css

PAGE = "report.html"
DAY = pd.Timedelta(days=1)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """A report made.

    Attributes
    ----------
    files : dict of str to bytes
        Contents by file name: ranked.csv, orders.csv, clusters.csv, pairs.csv, alerts.csv and, last, report.html.
    positions, alerts, reds : int
        How many positions and alerts there are, and red ones among these.
    """

    files: dict[str, bytes]
    positions: int
    alerts: int
    reds: int


def report(
    source: MarketSource,
    folder: str | Path,
    *,
    max_age: pd.Timedelta | None = None,
    at: pd.Timestamp | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> tuple[Report, tuple[Path, ...]]:
    """Make a report of the source's book and write it to a folder.

    Parameters
    ----------
    source : MarketSource
    folder : str or Path
        Made where it is missing.
    max_age : Timedelta, optional
        Fail if the last hourly bar of a position closed longer ago than this.
    at : Timestamp (UTC), optional
        Instant its age is counted to; the source's clock without it.
    progress : callable, optional
        Told of each series loaded: done, total, which.
    say : callable, optional
        Told what is being done.

    Returns
    -------
    Report, tuple of Path
        What was made, and the files written.

    Raises
    ------
    SourceError
        The source has no candles of any position.
    StaleDataError
        They are older than ``max_age``.
    DataError
        The folder cannot be written to.
    """
    tell = say or (lambda _text: None)
    report_folder(folder)
    tell("loading")
    inputs = book_inputs(source, progress=progress)
    check_candles(inputs, max_age=max_age, at=at)
    tell("measuring")
    view = risk_view(inputs.positions, inputs.candles, now=inputs.now)
    tell("drawing")
    made = make_report(inputs, view, earlier=_day_before(inputs))
    tell("writing")
    return made, write_report(folder, made.files)


def make_report(inputs: BookInputs, view: RiskView, *, earlier: BookView | None = None) -> Report:
    """Make a report of a view; nothing is written. ``earlier`` is the book's heat a day before."""
    watching = inputs.watching
    found = Findings(
        alerts=risk_alerts(view),
        ranked=ranked_positions(view, earlier=None if earlier is None else earlier.overall),
        orders=price_orders(view.heat.orders, spreads=inputs.spreads, fees=inputs.fees),
        pairs=correlation_pairs(view.correlation),
    )
    found = found if not watching else Findings(found.alerts, found.ranked, found.orders.head(0), found.pairs)
    page = report_page(
        f"Risk report, {inputs.source_name}, {inputs.now:%Y-%m-%d %H:%M} UTC",
        report_parts(inputs, view, found, version=heatlab.__version__),
        css=css(),
    )
    tables = {
        "ranked": found.ranked,
        "orders": found.orders,
        "clusters": view.cluster_shares,
        "pairs": found.pairs,
        "alerts": found.alerts.drop(columns=["strength", "red_strength"]),
    }
    files = {f"{name}.csv": bytes(table.to_csv(index=False).encode()) for name, table in tables.items()}
    files[PAGE] = page.encode()
    reds = int((found.alerts["level"] == "red").sum())
    return Report(files, 0 if watching else len(view.positions), len(found.alerts), reds)


def check_candles(inputs: BookInputs, *, max_age: pd.Timedelta | None, at: pd.Timestamp | None = None) -> None:
    """Raise if there is nothing to report on, or it is too old.

    Raises
    ------
    SourceError
        No position has hourly candles.
    StaleDataError
        The last bar of one closed more than ``max_age`` before ``at``; the message names the oldest.
    """
    owners = dict.fromkeys(zip(inputs.positions["venue"], inputs.positions["symbol"], strict=True))
    closed = {owner: _closed(inputs, owner) for owner in owners}
    known = {owner: stamp for owner, stamp in closed.items() if stamp is not None}
    if not known:
        why = " ".join(inputs.notices[:2])
        what = "candles of any position" if owners else "markets"
        raise SourceError(f"{inputs.source_name} has no {what}, so there is nothing to report. {why}".strip())
    if max_age is None:
        return
    (venue, symbol), oldest = min(known.items(), key=lambda item: item[1])
    age = (inputs.now if at is None else at) - oldest
    if age > max_age:
        raise StaleDataError(
            f"The data must be at most {show.age(max_age)} old. The last bar of {symbol} on {venue} closed "
            f"{show.age(age)} ago ({oldest:%Y-%m-%d %H:%M} UTC)."
        )


def _closed(inputs: BookInputs, owner: tuple[str, str]) -> pd.Timestamp | None:
    table = inputs.candles.get((*owner, RISK_TIMEFRAME))
    return None if table is None or table.empty else table.index[-1] + Timeframe(RISK_TIMEFRAME).delta


def _day_before(inputs: BookInputs) -> BookView:
    """Heat of the same positions a day ago, from the bars that were closed then."""
    return book_view(inputs.positions.reset_index(drop=True), inputs.candles, now=inputs.now - DAY)
