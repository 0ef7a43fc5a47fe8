"""Positions ranked by heat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from heatlab.portfolio.ranking import RANKED_COLUMNS, ranked_positions
from tests.portfolio.hand_made import BTC, ETH, NAN, SOL, nothing, positions, view


def test_weakest_first_unknown_last() -> None:
    """ETH is red on all frames, SOL amber on all, BTC unknown."""
    made = view(zones={ETH: (-1, -1, -1), SOL: (0, 0, 0)})
    made.heat.overall.loc[made.heat.overall["symbol"] == BTC, ["heat", "zone"]] = NAN
    table = ranked_positions(made)
    assert table["symbol"].tolist() == [ETH, SOL, BTC]
    assert table["zone"].tolist() == ["red", "amber", "unknown"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert list(table.columns) == RANKED_COLUMNS


def test_alignment_is_the_forecast_in_the_positions_direction() -> None:
    """A short whose forecast is -4 is aligned by 4."""
    table = ranked_positions(view()).set_index("symbol")
    assert table.loc[SOL, "alignment"] == 4.0
    assert table.loc[BTC, "alignment"] == 4.0


def test_weight_drift_is_what_prices_did_to_the_shares() -> None:
    """Shares now 50, 30 and 20 %; at entry 80, 60 and 50 of 190."""
    table = ranked_positions(view()).set_index("symbol")
    assert table.loc[[BTC, ETH, SOL], "size_share"].tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert table.loc[[BTC, ETH, SOL], "weight_drift"].tolist() == pytest.approx(
        [0.5 - 80 / 190, 0.3 - 60 / 190, 0.2 - 50 / 190]
    )
    assert table["weight_drift"].sum() == pytest.approx(0.0)
    assert table.loc[[BTC, ETH, SOL], "pnl"].tolist() == pytest.approx([20.0, 0.0, 10.0])


def test_change_of_heat_needs_the_day_before() -> None:
    """Now 80, then 50; a position that was not there then has none."""
    before = view(zones={BTC: (0, 0, 0)}).heat.overall
    table = ranked_positions(view(), earlier=before[before["symbol"] != ETH]).set_index("symbol")
    assert table.loc[BTC, "heat_change"] == pytest.approx(30.0)
    assert np.isnan(table.loc[ETH, "heat_change"])
    assert ranked_positions(view())["heat_change"].isna().all()


def test_one_unknown_price_leaves_all_shares_unknown() -> None:
    """A share of an unknown whole is unknown."""
    table = ranked_positions(view(positions(mark_price=[100.0, NAN, 100.0])))
    assert table["size_share"].isna().all()
    assert np.isfinite(table["heat"]).all()


def test_an_empty_book_ranks_nothing() -> None:
    """Columns and no rows."""
    assert ranked_positions(nothing()).empty


def test_inputs_stay_untouched(pure: Callable[..., object]) -> None:
    """The view's tables are left alone."""
    made = view()
    pure(lambda _table: ranked_positions(made), made.positions)
