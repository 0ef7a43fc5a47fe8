"""What the journal panel is given, what it may do, and which entries it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from heatlab.domain import JournalEntry
from heatlab.portfolio.outcomes import OutcomeSettings, is_hit

ALL = ""
SPANS = {"all": None, "a year": 365, "90 days": 90, "30 days": 30, "7 days": 7, "a day": 1}
ZONES = ("green", "amber", "red")
MOST_COST = 5.0
"""Highest cost of a round trip one may set [%]."""

SETTINGS = ("kind", "symbol", "zone", "since", "search", "horizon", "cost", "by", "entry")
DEFAULTS: dict[str, Any] = {
    "kind": ALL, "symbol": ALL, "zone": ALL, "since": "all", "search": "", "horizon": "3d", "cost": 0.1, "by": "kind",
    "entry": 0,
}  # fmt: skip


@dataclass(frozen=True)
class JournalInputs:
    """What there is to show.

    Attributes
    ----------
    entries : DataFrame
        Newest first, as ``Journal.entries`` returns them; the outcome columns are not read.
    outcomes : DataFrame
        As ``portfolio.outcomes.entry_outcomes`` returns it: a status for every entry and horizon.
    markets : tuple of (symbol, venue)
        What the form offers.
    now : Timestamp
    source_name : str
    is_simulated : bool
    notices : tuple of str
    place : str
        Where the journal is kept.
    """

    entries: pd.DataFrame
    outcomes: pd.DataFrame
    markets: tuple[tuple[str, str], ...]
    now: pd.Timestamp
    source_name: str
    is_simulated: bool = False
    notices: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class JournalActions:
    """What the panel may do.

    Attributes
    ----------
    add : callable
        ``add(entry) -> number``.
    note : callable
        ``note(number, text)``.
    notes : callable
        ``notes(number) -> DataFrame`` with columns at, text.
    bars : callable
        ``bars(symbol, venue, start, end)`` -> candles.
    export : callable
        ``export() -> bytes`` of a CSV file.
    """

    add: Callable[[JournalEntry], int]
    note: Callable[[int, str], Any]
    notes: Callable[[int], pd.DataFrame]
    bars: Callable[[str, str, pd.Timestamp, pd.Timestamp], pd.DataFrame]
    export: Callable[[], bytes]


def joined(inputs: JournalInputs, *, horizon: str, cost: float) -> pd.DataFrame:
    """Entries with status, prices and hit over one horizon; ``cost`` of a round trip [fraction]."""
    about = ["number", "status", "opened_at", "closed_at", "forward_return", "favourable", "adverse"]
    over = inputs.outcomes.loc[inputs.outcomes["horizon"] == horizon, about]
    bare = inputs.entries.drop(columns=[name for name in about[1:] if name in inputs.entries])
    table = bare.merge(over, on="number", how="left")
    hit = is_hit(table["forward_return"], settings=OutcomeSettings(cost=cost))
    return table.assign(hit=hit.fillna(0.0).astype(bool))


def filtered(entries: pd.DataFrame, settings: Mapping[str, Any], *, now: pd.Timestamp) -> pd.DataFrame:
    """Entries of a kind, symbol, zone, time and text; an empty choice keeps all.

    The text is looked for in text, reason, symbol, venue and rule, upper and lower case alike.
    """
    kept = pd.Series(data=True, index=entries.index)
    for name in ("kind", "symbol", "zone"):
        if settings[name] != ALL:
            kept &= entries[name] == settings[name]
    days = SPANS[settings["since"]]
    if days is not None:
        kept &= entries["at"] >= now - pd.Timedelta(days=days)
    if sought := str(settings["search"]).strip().casefold():
        columns = (entries[name].astype("str") for name in ("text", "reason", "symbol", "venue", "rule"))
        rows = zip(*columns, strict=True)
        found = [sought in "\n".join(row).casefold() for row in rows]
        kept &= pd.Series(found, index=entries.index, dtype=bool)
    return entries[kept]
