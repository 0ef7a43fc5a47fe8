"""Hourly liquidation totals of a folder of market data, as vendors add them up over several venues.

Any Parquet file under ``liquidations_agg`` with the columns ``timestamp`` (OPEN of the hour), ``symbol``,
``liq_long_usd`` and ``liq_short_usd`` counts. Venues throttle the feeds behind such totals: they are lower bounds.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from heatlab.sources.base import Notice

PLACE = "liquidations_agg"
HOUR = pd.Timedelta("1h")
NEEDED = ("timestamp", "symbol", "liq_long_usd", "liq_short_usd")
BIAS = (
    "reported liquidation totals are added up over several venues from throttled feeds: their level is not that of "
    "one venue, and not all of it"
)


def read_liquidation_totals(folder: str | Path) -> tuple[dict[str, pd.DataFrame], tuple[Notice, ...]]:
    """Read the hourly totals.

    Parameters
    ----------
    folder : str or Path
        Folder of market data.

    Returns
    -------
    totals : dict of symbol to DataFrame
        Index ``timestamp`` (OPEN of the hour, UTC), columns ``long`` and ``short``: liquidated longs and shorts
        [quote]. Empty where the folder holds none. Where two files hold an hour, the first by name counts.
    notices : tuple of Notice
        Files that were not hourly and what was left out.
    """
    place = Path(folder) / PLACE
    parts: list[pd.DataFrame] = []
    notices: list[Notice] = []
    for path in sorted(place.glob("*.parquet")) if place.is_dir() else ():
        if not set(NEEDED) <= set(pq.read_schema(path).names):
            continue
        table = pd.read_parquet(path, columns=list(NEEDED)).dropna()
        step = table.groupby("symbol")["timestamp"].diff().median()
        if step != HOUR:
            notices.append(Notice(f"{PLACE}/{path.name}", f"left out: a row every {step}, not every hour"))
            continue
        parts.append(table)
    if not parts:
        return {}, tuple(notices)
    rows = pd.concat(parts, ignore_index=True).drop_duplicates(["symbol", "timestamp"], keep="first")
    rows = rows.rename(columns={"liq_long_usd": "long", "liq_short_usd": "short"})
    totals = {
        str(symbol): part.set_index("timestamp")[["long", "short"]].astype("float64").sort_index()
        for symbol, part in rows.groupby("symbol")
    }
    return totals, tuple(notices)
