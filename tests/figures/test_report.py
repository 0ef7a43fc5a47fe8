"""A page that stands alone."""

from __future__ import annotations

import re

from bokeh.layouts import column
from bokeh.models import Div
from bokeh.plotting import figure

from heatlab.figures.report import ReportPart, report_page

OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["'](?!#|data:)|@import|url\(\s*['"]?https?:""")


def drawn() -> figure:
    """A small figure."""
    plot = figure(height=100, sizing_mode="stretch_width")
    plot.line([1, 2], [3, 4])
    return plot


def shell(page: str) -> str:
    """The page without its scripts: what the browser loads by itself."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_page_asks_the_network_for_nothing() -> None:
    """No source, link, import or address of elsewhere outside the scripts; Bokeh's code is inside."""
    page = report_page("Report", [ReportPart("Heat", "<p>words</p>", drawn(), "A line.")])
    assert not OUTSIDE.search(shell(page))
    assert "<script src" not in page
    assert "Bokeh" in page
    assert page.startswith("<!DOCTYPE html>")


def test_parts_stand_in_order_with_contents() -> None:
    """Heading, text, figure with words for who cannot see it, text below."""
    parts = [ReportPart("", "<p>head</p>"), ReportPart("One", "<p>a</p>", drawn(), 'A "line"', "<p>z</p>")]
    page = shell(report_page("R", parts))
    places = [page.index(text) for text in ("<p>head</p>", "<h2>One</h2>", "<p>a</p>", "aria-label", "<p>z</p>")]
    places = [page.index("<main>"), *[page.index(text) for text in ("<p>head</p>", "<h2>One</h2>", "<p>a</p>")]]
    assert places == sorted(places)
    assert page.index('role="img" aria-label="A &quot;line&quot;"') < page.index("<p>z</p>")
    assert '<a class="hl-link" href="#part1">One</a>' in page


def test_titles_are_escaped() -> None:
    """A source may be called anything."""
    page = report_page("<b>", [ReportPart("<i>", "")])
    assert "<b>" not in page
    assert "<i>" not in page


def test_text_alone_needs_no_bokeh() -> None:
    """A page without figures is small."""
    assert len(report_page("R", [ReportPart("One", "<p>a</p>")])) < 5_000


def test_widgets_in_a_layout_bring_their_code() -> None:
    """Bokeh's widgets are in a bundle of their own."""
    plain = report_page("R", [ReportPart("One", figure=drawn())])
    more = report_page("R", [ReportPart("One", figure=column(drawn(), Div(text="x")))])
    assert len(more) > len(plain) + 100_000
