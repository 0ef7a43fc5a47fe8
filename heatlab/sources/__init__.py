"""Where market data and positions come from: a simulated market, a folder of files, live exchanges."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatlab.sources.base import Capability, MarketSource, Notice
    from heatlab.sources.exchange import ExchangeSource
    from heatlab.sources.folder import FolderSource
    from heatlab.sources.opening import from_environment, open_source
    from heatlab.sources.positions import WithPositions
    from heatlab.sources.positions_file import read_positions
    from heatlab.sources.simulated import SimulatedSource

__all__ = [
    "Capability",
    "ExchangeSource",
    "FolderSource",
    "MarketSource",
    "Notice",
    "SimulatedSource",
    "WithPositions",
    "from_environment",
    "open_source",
    "read_positions",
]
_PLACES = {
    "Capability": "base",
    "ExchangeSource": "exchange",
    "FolderSource": "folder",
    "MarketSource": "base",
    "Notice": "base",
    "SimulatedSource": "simulated",
    "WithPositions": "positions",
    "from_environment": "opening",
    "open_source": "opening",
    "read_positions": "positions_file",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"heatlab.sources.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'heatlab.sources' has no attribute {name!r}. It has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return list(__all__)
