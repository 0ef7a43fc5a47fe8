"""HTML tables: structure, words beside colours, escaping."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heatlab.figures import html_table, orders_html, positions_html, ranked_html, zones_html


def test_a_table_has_caption_and_scoped_heads(zones: pd.DataFrame) -> None:
    """Screen readers can name each cell."""
    html = zones_html(zones)
    assert "<caption>Liquidation zones (2)</caption>" in html
    assert html.count('<th scope="col">') == 8
    assert html.count('<th scope="row"') == 2


def test_zones_come_nearest_first(zones: pd.DataFrame) -> None:
    """The 5 % short before the 7 % long."""
    html = zones_html(zones)
    assert html.index("shorts") < html.index("longs")
    assert "+5.0 %" in html
    assert "● red" in html
    assert "○ amber" in html


def test_only_the_nearest_are_shown(zones: pd.DataFrame) -> None:
    """The caption says how many there are."""
    assert "nearest 1 of 2" in zones_html(zones, limit=1)


def test_no_zones_say_what_to_do() -> None:
    """An empty state, not an empty table."""
    assert "Raise the sensitivity" in zones_html(None)


def test_an_unknown_liquidation_price_is_never_safe(positions: pd.DataFrame) -> None:
    """Cross without its account: unknown, with the reason."""
    html = positions_html(positions)
    assert "unknown" in html
    assert "needs the whole account" in html
    assert "59,800" in html


def test_a_position_no_price_can_liquidate_says_none(positions: pd.DataFrame) -> None:
    """Infinity is known."""
    html = positions_html(positions.assign(liquidation_price=[np.inf, np.inf]))
    assert "unknown" not in html
    assert html.count("<td>none</td>") == 2


def test_everything_from_outside_is_escaped(positions: pd.DataFrame) -> None:
    """A symbol cannot become markup, in any table."""
    bad = "<img src=x onerror=alert(1)>"
    orders = pd.DataFrame([{"symbol": bad, "venue": bad, "side": -1, "quantity": 1.0, "notional": 2.0,
                            "rule": bad, "reason": bad}])  # fmt: skip
    overall = pd.DataFrame([{"symbol": bad, "venue": bad, "side": 1, "heat": 3.0, "zone": -1.0, "note": bad}])
    for html in (
        positions_html(positions.assign(symbol=bad, venue=bad, margin_mode=bad)),
        orders_html(orders, caption=bad),
        ranked_html(overall),
        html_table(bad, [bad], [[bad]], empty=bad),
        html_table("", [], [], empty=bad),
    ):
        assert "<img" not in html
        assert "&lt;img" in html


def test_orders_say_what_to_do_and_why() -> None:
    """Side of the order in words; a cost where it is priced, marked where it is assumed."""
    order = {"symbol": "BTC/USDT:USDT", "venue": "okx", "side": -1, "quantity": 0.75, "notional": 48_750.0,
             "rule": "halve", "reason": "halve the long: book heat 42"}  # fmt: skip
    html = orders_html(pd.DataFrame([order]))
    for text in ("sell", "0.75", "$48.8k", "halve the long", "book heat 42"):
        assert text in html
    assert "cost" not in html
    priced = orders_html(pd.DataFrame([order | {"cost": 25.0, "assumed": True}]))
    assert "~$25" in priced


def test_no_orders_say_so() -> None:
    """No rule, no table."""
    assert "no rule is triggered" in orders_html(None)


def test_the_weakest_position_comes_first() -> None:
    """Unknown heat before known, then rising."""
    rows = [("B/USDT", 70.0, 0.0), ("A/USDT", 20.0, -1.0), ("C/USDT", np.nan, np.nan)]
    table = pd.DataFrame([{"symbol": s, "venue": "x", "side": 1, "heat": h, "zone": z} for s, h, z in rows])
    html = ranked_html(table)
    assert html.index("C long") < html.index("A long") < html.index("B long")
    assert "▼ red" in html
