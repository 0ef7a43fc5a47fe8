"""True positions of Hyperliquid's leaderboard accounts, from a folder of market data.

The file ``hyperliquid/leaderboard_positions.parquet`` holds snapshots of the accounts on the venue's public
leaderboards. They are the largest and the most profitable traders, not a sample of all traders.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from heatlab.errors import DataError, MissingColumnsError, SourceError
from heatlab.sources.base import Notice

PLACE = "hyperliquid/leaderboard_positions.parquet"
BIAS = (
    "true positions are those of public leaderboards (largest positions, best profits by day and week): "
    "big and lucky accounts, not retail"
)
NEEDED = ("timestamp", "coin", "side", "size", "leverage", "liquidation_price", "mark_price")
SIDES = {"long": 1.0, "short": -1.0}


def read_true_positions(folder: str | Path) -> tuple[pd.DataFrame, tuple[Notice, ...]]:
    """Read the snapshots.

    Parameters
    ----------
    folder : str or Path
        Folder of market data that holds :data:`PLACE`.

    Returns
    -------
    positions : DataFrame
        One row per snapshot, account and coin: ``timestamp`` (UTC instant of the snapshot), ``base`` (coin; 1000X for
        the venue's kX), ``side`` (+1, -1), ``quantity`` [base], ``mark_price`` and ``liquidation_price`` [quote]
        (NaN where the venue gave none), ``leverage``. Sorted by time.
    notices : tuple of Notice
        Rows left out and why.

    Raises
    ------
    SourceError
        The folder has no such file.
    MissingColumnsError, DataError
        The file lacks columns or has an unknown side.
    """
    path = Path(folder) / PLACE
    if not path.is_file():
        raise SourceError(f"read_true_positions needs the file {PLACE} in {Path(folder).name}. There is none.")
    raw = pd.read_parquet(path)
    missing = [name for name in NEEDED if name not in raw.columns]
    if missing:
        raise MissingColumnsError(f"{PLACE} must have the columns {', '.join(NEEDED)}. Missing {', '.join(missing)}.")
    unknown = ~raw["side"].isin(list(SIDES))
    if unknown.any():
        raise DataError(f"Column 'side' of {PLACE} must be long or short. Got {raw['side'][unknown].iloc[0]!r}.")
    return _canonical(raw)


def _canonical(raw: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Notice, ...]]:
    coin = raw["coin"].astype("str")
    table = pd.DataFrame(
        {
            "timestamp": raw["timestamp"],
            "base": coin.where(~coin.str.match("^k[A-Z]"), "1000" + coin.str[1:]),
            "side": raw["side"].map(SIDES).astype("float64"),
            "quantity": raw["size"].astype("float64").abs(),
            "mark_price": raw["mark_price"].astype("float64"),
            "liquidation_price": raw["liquidation_price"].astype("float64"),
            "leverage": raw["leverage"].astype("float64"),
        }
    )
    usable = (table["mark_price"] > 0) & (table["quantity"] > 0)
    notices: tuple[Notice, ...] = ()
    if not usable.all():
        notices = (Notice(PLACE, f"{int((~usable).sum())} rows without a mark price or quantity left out"),)
    return table[usable].sort_values("timestamp", kind="stable", ignore_index=True), notices
