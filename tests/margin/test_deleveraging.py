"""Auto-deleveraging rank."""

from __future__ import annotations

import pytest

from heatlab.margin import deleveraging_rank


def test_a_winning_long() -> None:
    """BitMEX's formula: 20 % profit at an effective 4x ranks 0.8."""
    result = deleveraging_rank(12_000, 10_000, bankruptcy_value=9_000)
    assert (result.effective_leverage, result.profit, result.rank) == (4.0, 0.2, pytest.approx(0.8))


def test_a_losing_short_is_divided_by_its_leverage() -> None:
    """Values of a short are negative; 10 % lost at an effective 11x."""
    result = deleveraging_rank(-11_000, -10_000, bankruptcy_value=-12_000)
    assert result.rank == pytest.approx(-0.1 / 11)
