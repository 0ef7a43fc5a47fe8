"""Bracket tables: building, reading, refusing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab import frames
from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.margin import (
    bracket_table,
    default_brackets,
    from_ccxt,
    maintenance_amounts,
    maintenance_margin,
    maximum_leverage,
)

CAPS, RATES = [50_000.0, 250_000.0, 1_000_000.0], [0.004, 0.005, 0.01]
TIERS = [
    {
        "symbol": "BTC/USDT:USDT",
        "minNotional": 0,
        "maxNotional": 50_000,
        "maintenanceMarginRate": 0.004,
        "maxLeverage": 125,
    },
    {
        "symbol": "BTC/USDT:USDT",
        "minNotional": 50_000,
        "maxNotional": None,
        "maintenanceMarginRate": 0.005,
        "maxLeverage": 100,
    },
]


def test_maintenance_amounts_follow_the_published_rule() -> None:
    """The amounts of Binance's first three BTC brackets come out."""
    assert maintenance_amounts(CAPS, RATES) == pytest.approx([0, 50, 1300], abs=1e-9)


def test_maintenance_amounts_need_one_rate_per_cap() -> None:
    """Lists of different length are refused."""
    with pytest.raises(ParameterError, match="one rate for each of at least one cap"):
        maintenance_amounts(CAPS, RATES[:2])


def test_a_bracket_table_is_canonical() -> None:
    """Floors follow the caps and an unnamed leverage limit stays unknown."""
    table = frames.check(bracket_table(CAPS, RATES), frames.BRACKETS)
    assert table["notional_floor"].tolist() == [0, 50_000, 250_000]
    assert table["max_leverage"].isna().all()


def test_maintenance_margin_uses_the_bracket_of_the_notional() -> None:
    """Each notional is held to its own bracket, and one beyond the last cap to the last."""
    table = bracket_table(CAPS, RATES)
    expected = [40.0, 450.0, 3_700.0, 18_700.0]
    assert maintenance_margin([10_000, 100_000, 500_000, 2_000_000], table) == pytest.approx(expected)


def test_maintenance_margin_of_an_unknown_notional_is_unknown() -> None:
    """NaN in, NaN out."""
    assert np.isnan(maintenance_margin(float("nan"), bracket_table(CAPS, RATES)))


def test_maintenance_margin_refuses_a_negative_notional() -> None:
    """A notional has no sign."""
    with pytest.raises(ParameterError, match="at least 0"):
        maintenance_margin(-1.0, bracket_table(CAPS, RATES))


def test_maximum_leverage_is_that_of_the_bracket() -> None:
    """A floor belongs to its bracket, a cap to the next."""
    table = bracket_table(CAPS, RATES, max_leverages=[125, 100, 50])
    assert maximum_leverage([49_999, 50_000, 9e9], table).tolist() == [125, 100, 50]


def test_default_brackets_say_that_they_are_assumed() -> None:
    """The table is canonical, marked, and never asks for more margin than opening did."""
    table = frames.check(default_brackets(), frames.BRACKETS)
    assert table.attrs["assumed"] is True
    assert (table["maintenance_margin_rate"] < 1 / table["max_leverage"]).all()


def test_from_ccxt_reads_tiers() -> None:
    """Tiers come out sorted, a missing last cap as infinity, missing amounts from continuity."""
    table = from_ccxt(TIERS[::-1])
    assert table["maintenance_amount"].tolist() == pytest.approx([0, 50])
    assert table["notional_cap"].tolist() == [50_000, np.inf]
    assert table.attrs["symbol"] == "BTC/USDT:USDT"


def test_from_ccxt_prefers_the_amounts_the_venue_gives() -> None:
    """``info["cum"]`` wins over continuity."""
    tiers = [{**tier, "info": {"cum": str(place * 7)}} for place, tier in enumerate(TIERS)]
    assert from_ccxt(tiers)["maintenance_amount"].tolist() == [0, 7]


def test_from_ccxt_names_what_a_tier_lacks() -> None:
    """A tier without its rate is refused."""
    with pytest.raises(DataError, match="must have 'maintenanceMarginRate'"):
        from_ccxt([{"minNotional": 0}])
    with pytest.raises(DataError, match="at least one leverage tier"):
        from_ccxt([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[::-1], "must increase"),
        (lambda table: table.iloc[:0], "at least one row"),
        (lambda table: table.assign(maintenance_margin_rate=1.0), "below 1"),
        (lambda table: table.assign(maintenance_amount=np.nan), "must be known"),
    ],
)
def test_a_broken_table_is_refused(change, message: str) -> None:
    """Nothing is repaired: the message names the column."""
    with pytest.raises(DataError, match=message):
        maintenance_margin(1.0, change(bracket_table(CAPS, RATES)))


def test_a_table_without_its_columns_is_refused() -> None:
    """The schema is checked first."""
    with pytest.raises(MissingColumnsError, match="notional_floor"):
        maintenance_margin(1.0, pd.DataFrame({"rate": [0.1]}))


def test_reading_brackets_changes_nothing(pure) -> None:
    """The table given stays as it was."""
    pure(maintenance_margin, [1.0, 60_000.0], bracket_table(CAPS, RATES))
