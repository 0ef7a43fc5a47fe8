"""The apps: one widget each, and the only room that joins all others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatlab.apps.index import index
    from heatlab.apps.liquidation import liquidation
    from heatlab.apps.market import open_market
    from heatlab.apps.portfolio_heat import portfolio_heat
    from heatlab.apps.studies import liquidation_study
    from heatlab.apps.warm import warm_up

__all__ = ["index", "liquidation", "liquidation_study", "open_market", "portfolio_heat", "warm_up"]
_PLACES = {
    "index": "index",
    "liquidation": "liquidation",
    "liquidation_study": "studies",
    "open_market": "market",
    "portfolio_heat": "portfolio_heat",
    "warm_up": "warm",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'heatlab.apps' has no attribute {name!r}. It has {', '.join(__all__)}.")
    value = getattr(importlib.import_module(f"heatlab.apps.{_PLACES[name]}"), name)
    globals()[name] = value  # importing a module of the same name put the module here
    return value


def __dir__() -> list[str]:
    return list(__all__)
