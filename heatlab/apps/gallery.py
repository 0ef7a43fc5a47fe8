"""The gallery: one card per app with a live thumbnail, the data source and its age, and the alerts in force."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar
from urllib.parse import urlencode

import ipywidgets
import pandas as pd

from heatlab import frames
from heatlab.apps import url
from heatlab.apps.market import choices, market_inputs
from heatlab.apps.portfolio_app import Desk
from heatlab.apps.shell import framed
from heatlab.apps.user_data import Records
from heatlab.errors import HeatlabError
from heatlab.figures import THEMES, concentration_thumbnail, heat_thumbnail, liquidation_thumbnail
from heatlab.figures import format as show
from heatlab.figures.theme import Theme
from heatlab.liquidation import LiquidationMap, liquidation_map
from heatlab.portfolio import RiskView, risk_alerts
from heatlab.sources import MarketSource, Notice
from heatlab.store import SettingsStore
from heatlab.widgets import Presence, Status, guard, stylesheet
from heatlab.widgets.book_panel import late_html
from heatlab.widgets.liquidation_controls import FIRST_TIMEFRAME, pick
from heatlab.widgets.liquidation_panel import BASIS, MarketInputs
from heatlab.widgets.panel_parts import FRESH, behind
from heatlab.widgets.sections import BookInputs

SHAPES = {"red": ("▼", "hl-bad"), "amber": ("●", "hl-amber"), "note": ("i", "")}
MOST_ALERTS = 8
DAYS = 14
STUDY = (
    '<p class="hl-study"><a class="hl-link" href="liquidation_study.ipynb">How good is the liquidation map?</a> '
    '<span class="hl-muted">Scored on real positions, with what it does not prove.</span></p>'
)
RISK_STUDY = (
    '<p class="hl-study"><a class="hl-link" href="risk_study.ipynb">Can the risk figures be believed?</a> '
    '<span class="hl-muted">Value at risk, risk shares and the systemic warning against what happened.</span></p>'
)
APPS = {"liquidation": "liquidation", "cluster": "concentration"}
"""App an alert leads to; the rest lead to the portfolio heat."""
DETAIL = re.compile(r" \([^()]*\)")
T = TypeVar("T")


@dataclass(frozen=True)
class Gallery:
    """What the gallery shows; a part that could not be had is None and its error is kept."""

    book: tuple[BookInputs, RiskView] | None
    market: tuple[MarketInputs, LiquidationMap] | None
    errors: tuple[str, ...]
    name: str = ""


def index(
    source: MarketSource, store: SettingsStore | None = None, *, records: Records | None = None
) -> ipywidgets.Widget:
    """Build the gallery on a market source.

    Parameters
    ----------
    source : MarketSource
    store, records
        As for the portfolio apps: the book in use there is the one shown here.

    Returns
    -------
    Widget
        Cards that lead to the apps; if the source cannot deliver, what is wrong and what to do.
    """
    return framed(lambda: _page(source, Desk(source, store, records)), title="heatlab")


def gallery(source: MarketSource, desk: Desk | None = None) -> Gallery:
    """Compute the thumbnails' contents: the book in use and the first market's liquidation map."""
    errors: list[str] = []
    book = _tried(lambda: _book(desk or Desk(source, None, None)), errors)
    market = _tried(lambda: _market(source), errors)
    return Gallery(book, market, tuple(errors), "" if desk is None else desk.book)


def _tried(make: Callable[[], T], errors: list[str]) -> T | None:
    try:
        return make()
    except HeatlabError as error:
        errors.append(str(error))
        return None


def _book(desk: Desk) -> tuple[BookInputs, RiskView]:
    inputs = desk.load(desk.chosen())
    return inputs, desk.view(inputs.positions, inputs, override=desk.override())


def _market(source: MarketSource) -> tuple[MarketInputs, LiquidationMap]:
    offered = choices(source)
    venue = next(iter(offered.symbols))
    symbol = offered.symbols[venue][0]
    timeframe = pick(offered.timeframes_of(venue, symbol), FIRST_TIMEFRAME)
    inputs = market_inputs(source, venue, symbol, timeframe, DAYS)
    made = liquidation_map(
        inputs.candles, inputs.open_interest, brackets=inputs.brackets, venue=venue, since=inputs.since
    )
    return inputs, made


def _page(source: MarketSource, desk: Desk) -> ipywidgets.Widget:
    shown = gallery(source, desk)
    url.query_parameters()  # the reader is here from now on
    if desk.chosen() != shown.name:  # and may have changed the book while this page was kept ready
        shown = gallery(source, desk)
    sheet, status = stylesheet(), Status("Up to date")
    body = ipywidgets.HTML()

    def draw(theme: Theme) -> None:
        body.value = page_html(source, shown, theme=theme)

    draw(THEMES[sheet.theme])
    sheet.observe(guard(lambda change: draw(THEMES[change["new"]]), status), "theme")
    box = ipywidgets.VBox([sheet, Presence(lambda: None), body])
    box.add_class("hl-app")
    return box


def page_html(source: MarketSource, shown: Gallery, *, theme: Theme) -> str:
    """Write the gallery as HTML: source line, alerts, cards."""
    simulated = ' <span class="hl-badge hl-amber">simulated market</span>' if source.is_simulated else ""
    late = "" if source.is_simulated else behind(source.now())
    book = f' <span class="hl-badge">book: {escape(shown.name)}</span>' if shown.name else ""
    head = (
        f'<div class="hl-toolbar"><h1>Your book at a glance</h1>{simulated}{book}'
        f'<span class="hl-muted">source: {escape(source.name)} · {source.now():%Y-%m-%d %H:%M} UTC{late}</span></div>'
    )
    top = head + _late_html(shown) + _errors_html(shown.errors) + _alerts_html(shown)
    return top + _cards_html(shown, theme) + STUDY + RISK_STUDY + _notices_html(source)


def _late_html(shown: Gallery) -> str:
    return "" if shown.book is None else late_html(shown.book[0])


def _errors_html(errors: tuple[str, ...]) -> str:
    return "".join(f'<div class="hl-callout hl-error" role="alert">{escape(text)}</div>' for text in errors)


def alerts(shown: Gallery) -> pd.DataFrame:
    """Alerts in force over the book, most urgent first; none while there is no position."""
    if shown.book is None or shown.book[0].watching:
        return pd.DataFrame(columns=["level", "what", "symbol", "venue", "detail"])
    return risk_alerts(shown.book[1])


def _alerts_html(shown: Gallery) -> str:
    found = alerts(shown)
    if shown.book is None:
        return ""
    if found.empty:
        calm = "No alert: no position is near its liquidation price and no rule is triggered."
        if shown.book[0].watching:
            calm = "No positions yet. Start heatlab with --positions FILE.csv or a read-only exchange key to see yours."
        return f'<div class="hl-callout hl-good" role="status">{escape(calm)}</div>'
    rows = "".join(_alert_html(row) for row in found.head(MOST_ALERTS).to_dict("records"))
    more = f"<li>and {len(found) - MOST_ALERTS} more in the apps</li>" if len(found) > MOST_ALERTS else ""
    items = f'<ul class="hl-list">{rows}{more}</ul>'
    return f'<section class="hl-panel hl-alerts"><h2>Alerts in force</h2>{items}</section>'


def _alert_html(row: Mapping[Any, Any]) -> str:
    shape, kind = SHAPES[row["level"]]
    where = escape(f"{row['symbol'].split(':')[0]} · {row['venue']}" if row["venue"] else row["symbol"])
    app = APPS.get(row["what"], "portfolio_heat")
    query = urlencode({"venue": row["venue"], "symbol": row["symbol"]}) if app == "liquidation" else ""
    link = f'<a class="hl-link" href="{app}.ipynb{f"?{escape(query)}" if query else ""}"><strong>{where}</strong></a>'
    badge = f'<span class="hl-badge {kind}">{shape} {escape(row["level"])}</span>'
    return f"<li>{badge} {link} {escape(row['detail'])}</li>"


def _cards_html(shown: Gallery, theme: Theme) -> str:
    return (
        f'<div class="hl-gallery">{_heat_card(shown.book, theme)}{_concentration_card(shown.book, theme)}'
        f"{_liquidation_card(shown.market, theme)}{_journal_card()}</div>"
    )


def _heat_card(book: tuple[BookInputs, RiskView] | None, theme: Theme) -> str:
    if book is None:
        return _card("portfolio_heat", "Portfolio heat", "", "not available: see above", "")
    inputs, view = book
    held = f"{len(inputs.positions)} positions · portfolio heat {show.number(view.heat.book_heat, 1)}"
    facts = f"{'watch list, no positions' if inputs.watching else held} · {_aged(_youngest(view), inputs)}"
    text = "Does each position go with the trend of its own past year, on every timeframe? And what does the rule say?"
    picture = heat_thumbnail(view.heat.table, theme=theme)
    return _card("portfolio_heat", "Portfolio heat", text, facts, picture)


def _concentration_card(book: tuple[BookInputs, RiskView] | None, theme: Theme) -> str:
    if book is None:
        return _card("concentration", "Concentration", "", "not available: see above", "")
    inputs, view = book
    bets = show.number(view.measures.effective_principal_bets, 1)
    held = f"{bets} independent bets in {len(view.positions)} positions"
    facts = f"{'watch list, no positions' if inputs.watching else held} · {_aged(_youngest(view), inputs)}"
    text = "Is it one bet under many names? Clusters, who carries the risk, and what a trade would change."
    picture = concentration_thumbnail(view.cluster_shares, theme=theme)
    return _card("concentration", "Concentration", text, facts, picture)


def _youngest(view: RiskView) -> Any:
    """Age of the newest bar; NaT where there is none."""
    return view.heat.table["age"].min()


def _liquidation_card(market: tuple[MarketInputs, LiquidationMap] | None, theme: Theme) -> str:
    if market is None:
        return _card("liquidation", "Liquidation heatmap", "", "not available: see above", "")
    inputs, made = market
    name = f"{made.symbol.split(':')[0]} on {made.venue}"
    aged = _aged(frames.age(inputs.candles, inputs.now), inputs)
    facts = f"{name}, {DAYS} days · {BASIS.get(made.basis, made.basis)} · {aged}"
    text = "Where would leveraged positions be closed by force, how much, and how far away is that from here?"
    picture = liquidation_thumbnail(made, inputs.shown, theme=theme)
    return _card("liquidation", "Liquidation heatmap", text, facts, picture)


def _journal_card() -> str:
    text = "Every reading, override, order and decision that was logged, and what the price did next."
    return _card("journal", "Journal", text, "by zone, signal and rule, with intervals", "")


def _aged(age: Any, inputs: BookInputs | MarketInputs) -> str:
    if pd.isna(age):
        return "no data"
    late = "" if inputs.is_simulated else behind(inputs.now)
    if late:
        return f"data end {inputs.now:%Y-%m-%d}{late}"
    return "up to date" if age < FRESH else f"last bar closed {show.age(age)} ago"


def _card(name: str, title: str, text: str, facts: str, picture: str) -> str:
    image = f'<img src="{picture}" alt="" loading="lazy">' if picture else ""
    return (
        f'<a class="hl-card" href="{name}.ipynb">{image}<span class="hl-card-body"><span class="hl-card-title">'
        f'{escape(title)}</span><span class="hl-card-text">{escape(text)}</span>'
        f'<span class="hl-card-foot">{escape(facts)}</span></span></a>'
    )


def _notices_html(source: MarketSource) -> str:
    found = source.notices()
    if not found:
        return ""
    rows = "".join(_reason_html(reason, places) for reason, places in grouped(found).items())
    summary = f"{len(found)} note{'' if len(found) == 1 else 's'} on the source"
    return f'<details><summary>{summary}</summary><ul class="hl-list">{rows}</ul></details>'


def grouped(notices: Iterable[Notice]) -> dict[str, list[str]]:
    """Places by reason; what stands in brackets tells one place from another and is no part of the reason."""
    reasons: dict[str, list[str]] = {}
    for one in notices:
        reasons.setdefault(DETAIL.sub("", one.message), []).append(one.where)
    return reasons


def _reason_html(reason: str, places: list[str]) -> str:
    names = ", ".join(f"<code>{escape(place)}</code>" for place in places)
    if len(places) == 1:
        return f"<li>{names} {escape(reason)}</li>"
    return f"<li><strong>{len(places)} x</strong> {escape(reason)}<br>{names}</li>"
