"""Alerts: what needs the trader's eye now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.alerts import AlertSettings, heat_alerts, liquidation_alerts, liquidation_distance

NAN = float("nan")


def book(*rows: tuple[str, int, float, float]) -> pd.DataFrame:
    """Positions from (symbol, side, mark_price, liquidation_price)."""
    table = pd.DataFrame(rows, columns=["symbol", "side", "mark_price", "liquidation_price"])
    return table.assign(
        venue="okx", quantity=1.0, entry_price=table["mark_price"], margin_mode="cross", leverage=NAN, margin=NAN
    )


def test_distance_is_positive_for_living_longs_and_shorts() -> None:
    """A long at 100 liquidated at 90 and a short at 100 liquidated at 120 are 10 % and 20 % away."""
    distance = liquidation_distance(book(("A", 1, 100, 90), ("B", -1, 100, 120)))
    assert distance.tolist() == pytest.approx([0.1, 0.2])


def test_most_urgent_comes_first_and_safe_positions_are_silent() -> None:
    """Red at 5 %, amber at 10 %, unknown is said, the rest is quiet."""
    rows = [("SAFE", 1, 100, 50), ("CROSS", 1, 100, NAN), ("AMBER", 1, 100, 92), ("RED", -1, 100, 104)]
    table = liquidation_alerts(book(*rows))
    assert table[["level", "symbol"]].to_numpy().tolist() == [["red", "RED"], ["amber", "AMBER"], ["note", "CROSS"]]
    assert "4.0%" in table["detail"].iloc[0]


def test_unknown_liquidation_price_is_never_called_safe() -> None:
    """NaN gives a note that says why."""
    assert "no computable liquidation price" in liquidation_alerts(book(("X", 1, 100, NAN)))["detail"].iloc[0]


def test_the_reason_of_an_unknown_price_is_the_true_one() -> None:
    """An isolated position lacks leverage or margin; one without a mark price says so."""
    isolated = book(("X", 1, 100, NAN)).assign(margin_mode="isolated")
    assert "give its leverage or its margin" in liquidation_alerts(isolated)["detail"].iloc[0]
    given = isolated.assign(leverage=10.0, margin=5.0)
    assert "notes on the data say why" in liquidation_alerts(given)["detail"].iloc[0]
    assert "no mark price" in liquidation_alerts(book(("X", 1, NAN, 90)))["detail"].iloc[0]


def test_a_position_past_its_price_is_beyond_it() -> None:
    """A long at 90 that should have been liquidated at 100."""
    assert "11.1% beyond its liquidation price 100" in liquidation_alerts(book(("X", 1, 90, 100)))["detail"].iloc[0]


def test_inputs_stay_untouched(pure: Callable[..., Any]) -> None:
    """A measure leaves its table alone."""
    pure(liquidation_alerts, book(("A", 1, 100, 90)))


def test_empty_book_gives_an_empty_table() -> None:
    """No positions, no alerts, same columns."""
    assert liquidation_alerts(book()).empty


def test_red_distance_beyond_amber_is_refused() -> None:
    """Red lies inside amber."""
    with pytest.raises(ParameterError, match="The 'red_distance' parameter of AlertSettings must be in"):
        AlertSettings(amber_distance=0.05, red_distance=0.1)


def test_heat_alert_needs_most_timeframes_red() -> None:
    """Two of three red is amber, three of three red is red, one of three is nothing."""
    rows = []
    for symbol, zones in {"A": [-1, -1, 1], "B": [-1, -1, -1], "C": [-1, 0, 1], "D": [NAN, NAN, NAN]}.items():
        rows += [
            {"symbol": symbol, "venue": "okx", "side": 1, "timeframe": frame, "zone": zone}
            for frame, zone in zip(("1h", "4h", "1d"), zones, strict=True)
        ]
    table = heat_alerts(pd.DataFrame(rows))
    assert table[["level", "symbol"]].to_numpy().tolist() == [["red", "B"], ["amber", "A"]]
