"""A page that stands alone: text, tables and Bokeh figures in one HTML file that asks the network for nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

from bokeh.embed import components
from bokeh.models import LayoutDOM
from bokeh.models.widgets import Widget
from bokeh.resources import Resources

CSS = """
:root body.hl-app { box-sizing: border-box; max-width: 1320px; margin: 0 auto; padding: 20px 24px 48px;
  background: #ffffff; color: var(--hl-fg); font: 14px/1.45 var(--hl-font); }
table.hl-table th, table.hl-table td { padding: 6px 8px; }
.hl-words-table table.hl-table :is(th, td) { text-align: left; }
main > section { margin: 0 0 26px; }
h2 { margin: 26px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--hl-line); }
nav.hl-contents { display: flex; flex-flow: row wrap; gap: 4px 14px; margin: 8px 0 14px; font-size: 13px; }
.hl-drawn { width: 100%; min-width: 0; }
@media (max-width: 700px) { :root body.hl-app { padding: 12px 10px 32px; } }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root body.hl-app { max-width: none; padding: 0; font-size: 11px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav.hl-contents { display: none; }
  .hl-drawn, tr, .hl-callout, .hl-figure { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  .hl-table-wrap { overflow: visible; }
  table.hl-table th, table.hl-table td { padding: 4px 7px; font-size: 10px; }
  details { display: none; }
}
"""


@dataclass(frozen=True)
class ReportPart:
    """One part of a report.

    Attributes
    ----------
    title : str
        Heading and entry of the contents; empty for none.
    html : str
        Markup that is escaped already.
    figure : LayoutDOM, optional
        A Bokeh figure or layout, drawn below the text; ``words`` says what it shows to who cannot see it.
    words : str
    after : str
        Markup below the figure.
    """

    title: str
    html: str = ""
    figure: LayoutDOM | None = None
    words: str = ""
    after: str = ""


def report_page(title: str, parts: Sequence[ReportPart], *, css: str = "") -> str:
    """Write a self-contained HTML page: Bokeh's code, styles and data are in it, so it opens without a network.

    Parameters
    ----------
    title : str
    parts : sequence of ReportPart
        In order; figures must not belong to a document.
    css : str
        Style sheet of the tables and badges in the parts.

    Returns
    -------
    str
        A whole HTML document.
    """
    figures = [part.figure for part in parts if part.figure is not None]
    script, places = ("", []) if not figures else _components(figures)
    where = iter(places)
    body = "".join(_section(number, part, where) for number, part in enumerate(parts))
    links = "".join(
        f'<a class="hl-link" href="#part{k}">{escape(one.title)}</a>' for k, one in enumerate(parts) if one.title
    )
    return (
        '<!DOCTYPE html>\n<html lang="en" data-hl-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{css}\n{CSS}</style>{_bokeh(figures)}</head>"
        f'<body class="hl-app"><nav class="hl-contents" aria-label="Contents">{links}</nav><main>{body}</main>{script}'
        "</body></html>\n"
    )


def _components(figures: Sequence[LayoutDOM]) -> tuple[str, list[str]]:
    with _quiet():
        script, places = components(list(figures), wrap_script=True)
    return str(script), list(places)


def _bokeh(figures: Sequence[LayoutDOM]) -> str:
    if not figures:
        return ""
    widgets = any(isinstance(model, Widget) for one in figures for model in one.references())
    kinds: list[Any] = ["bokeh", "bokeh-widgets"] if widgets else ["bokeh"]
    return str(Resources(mode="inline", components=kinds).render())


def _section(number: int, part: ReportPart, places: Iterator[str]) -> str:
    head = f"<h2>{escape(part.title)}</h2>" if part.title else ""
    drawn = ""
    if part.figure is not None:
        drawn = f'<div class="hl-drawn" role="img" aria-label="{escape(part.words)}">{next(places)}</div>'
    return f'<section id="part{number}">{head}{part.html}{drawn}{part.after}</section>'


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Bokeh from warning of fixed sizes that its own layouts set."""
    logger = logging.getLogger("bokeh")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
