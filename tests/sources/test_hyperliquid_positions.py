import pandas as pd
import pytest

from heatlab.errors import DataError, MissingColumnsError, SourceError
from heatlab.sources.hyperliquid_positions import PLACE, read_true_positions


def write(folder, **changes):
    """A file with two usable rows and one without a mark price."""
    table = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2026-02-04 10:00", "2026-02-04 09:00", "2026-02-04 11:00"], utc=True),
            "coin": ["BTC", "kPEPE", "ETH"],
            "side": ["long", "short", "long"],
            "size": [2.0, -5.0, 1.0],
            "leverage": [10.0, 3.0, 5.0],
            "liquidation_price": [60_000.0, float("nan"), 1_000.0],
            "mark_price": [70_000.0, 0.01, 0.0],
        }
    )
    path = folder / PLACE
    path.parent.mkdir()
    table.assign(**changes).to_parquet(path)
    return folder


def test_rows_become_canonical(tmp_path):
    """Sorted by time, sides as signs, quantities positive, kPEPE as 1000PEPE; the row without a mark is noted."""
    positions, notices = read_true_positions(write(tmp_path))
    assert positions["base"].tolist() == ["1000PEPE", "BTC"]
    assert positions["side"].tolist() == [-1.0, 1.0]
    assert positions["quantity"].tolist() == [5.0, 2.0]
    assert positions["liquidation_price"].isna().tolist() == [True, False]
    assert notices[0].message == "1 rows without a mark price or quantity left out"


def test_errors(tmp_path):
    """No file, a missing column and an unknown side are named."""
    with pytest.raises(SourceError, match=r"needs the file hyperliquid/leaderboard_positions.parquet"):
        read_true_positions(tmp_path)
    write(tmp_path, side="both")
    with pytest.raises(DataError, match=r"Column 'side' .* Got 'both'"):
        read_true_positions(tmp_path)
    table = pd.read_parquet(tmp_path / PLACE).drop(columns="mark_price")
    table.to_parquet(tmp_path / PLACE)
    with pytest.raises(MissingColumnsError, match="Missing mark_price"):
        read_true_positions(tmp_path)
