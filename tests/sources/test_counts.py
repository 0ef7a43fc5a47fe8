"""Limits and depths: whole numbers above zero, at every source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.sources import FolderSource
from heatlab.sources.counts import check_count
from tests.sources.folders import bars, save
from tests.sources.simulated_world import BTC, world

WRONG = [0, -1, 1.5, float("inf"), float("nan"), True, "3", 10**9]


@pytest.mark.parametrize("wrong", WRONG)
def test_the_message_says_what_where_allowed_and_got(wrong: Any) -> None:
    """Infinity, fractions and words are refused like zero."""
    with pytest.raises(ParameterError, match=r"The 'limit' parameter of me must be a whole number in \[1, .* Got .*"):
        check_count("limit", wrong, caller="me")


def test_whole_numbers_of_any_kind_are_allowed() -> None:
    """NumPy's too."""
    assert [check_count("limit", value, caller="me") for value in (1, np.int64(3), 10_000_000)] == [1, 3, 10_000_000]


@pytest.mark.parametrize("wrong", WRONG)
def test_the_simulated_market_checks_limit_and_depth(wrong: Any) -> None:
    """No bare OverflowError, no fraction cut off in silence."""
    with pytest.raises(ParameterError, match=r"'limit' parameter of SimulatedSource.candles must be a whole number"):
        world().candles(BTC, "1h", limit=wrong)
    with pytest.raises(ParameterError, match=r"'depth' parameter of SimulatedSource.order_book must be a whole number"):
        world().order_book(BTC, depth=wrong)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_folder_checks_limit_and_depth(tmp_path: Path, wrong: Any) -> None:
    """So does a folder."""
    save(bars(48), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    book = pd.DataFrame({"timestamp": bars(1)["timestamp"], "side": "bid", "price": 9.0, "amount": 1.0})
    save(book.assign(exchange="okx", symbol=BTC), tmp_path / "books" / "okx_BTC.parquet")
    with pytest.raises(ParameterError, match=r"'limit' parameter of FolderSource.candles must be a whole number"):
        FolderSource(tmp_path).candles(BTC, "1h", limit=wrong)
    with pytest.raises(ParameterError, match=r"'depth' parameter of FolderSource.order_book must be a whole number"):
        FolderSource(tmp_path).order_book(BTC, depth=wrong)
