"""How far positions are from their liquidation prices, and how that is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.alerts.distance import liquidation_distance, liquidation_words
from heatlab.portfolio.alerts.settings import AlertSettings

NAN = float("nan")


def book(*rows: tuple[str, int, float, float]) -> pd.DataFrame:
    """Positions from (symbol, side, mark_price, liquidation_price)."""
    table = pd.DataFrame(rows, columns=["symbol", "side", "mark_price", "liquidation_price"])
    return table.assign(
        venue="okx", quantity=1.0, entry_price=table["mark_price"], margin_mode="cross", leverage=NAN, margin=NAN
    )


def words(table: pd.DataFrame) -> str:
    """What is said of the first position."""
    return liquidation_words(table.to_dict("records")[0], float(liquidation_distance(table).iloc[0]))


def test_distance_is_positive_for_living_longs_and_shorts() -> None:
    """A long at 100 liquidated at 90 and a short at 100 liquidated at 120 are 10 % and 20 % away."""
    distance = liquidation_distance(book(("A", 1, 100, 90), ("B", -1, 100, 120)))
    assert distance.tolist() == pytest.approx([0.1, 0.2])


def test_a_distance_is_said_with_its_price() -> None:
    """A short at 100 that is liquidated at 104."""
    assert words(book(("RED", -1, 100, 104))) == "the short is 4.0% from its liquidation price 104"


def test_unknown_liquidation_price_is_never_called_safe() -> None:
    """NaN gives words that say why."""
    assert "no computable liquidation price" in words(book(("X", 1, 100, NAN)))


def test_the_reason_of_an_unknown_price_is_the_true_one() -> None:
    """An isolated position lacks leverage or margin; one without a mark price says so."""
    isolated = book(("X", 1, 100, NAN)).assign(margin_mode="isolated")
    assert "give its leverage or its margin" in words(isolated)
    assert "notes on the data say why" in words(isolated.assign(leverage=10.0, margin=5.0))
    assert "no mark price" in words(book(("X", 1, NAN, 90)))


def test_a_position_past_its_price_is_beyond_it() -> None:
    """A long at 90 that should have been liquidated at 100."""
    assert "11.1% beyond its liquidation price 100" in words(book(("X", 1, 90, 100)))


def test_inputs_stay_untouched(pure: Callable[..., Any]) -> None:
    """A measure leaves its table alone."""
    pure(liquidation_distance, book(("A", 1, 100, 90)))


def test_empty_book_has_no_distances() -> None:
    """No positions, no distances."""
    assert liquidation_distance(book()).empty


def test_red_distance_beyond_amber_is_refused() -> None:
    """Red lies inside amber."""
    with pytest.raises(ParameterError, match="The 'red_distance' parameter of AlertSettings must be in"):
        AlertSettings(amber_distance=0.05, red_distance=0.1)
