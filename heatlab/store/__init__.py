"""What heatlab keeps on disk: candles, settings of the apps, snapshots, the journal and books of the reader's own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatlab.store.books import BookStore
    from heatlab.store.candles import CandleStore
    from heatlab.store.journal import Journal
    from heatlab.store.settings import SettingsStore
    from heatlab.store.snapshots import Snapshot, SnapshotStore

__all__ = ["BookStore", "CandleStore", "Journal", "SettingsStore", "Snapshot", "SnapshotStore"]
_PLACES = {
    "BookStore": "books",
    "CandleStore": "candles",
    "Journal": "journal",
    "SettingsStore": "settings",
    "Snapshot": "snapshots",
    "SnapshotStore": "snapshots",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'heatlab.store' has no attribute {name!r}. It has {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"heatlab.store.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
