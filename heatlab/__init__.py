"""heatlab: see the risk of a leveraged crypto book.

``import heatlab as hl`` is quick: rooms such as ``hl.sources``, ``hl.heat``, ``hl.liquidation``, ``hl.figures`` and
``hl.apps`` load when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
_ROOMS = (
    "apps",
    "domain",
    "errors",
    "figures",
    "frames",
    "heat",
    "liquidation",
    "margin",
    "portfolio",
    "sources",
    "store",
    "trend",
    "widgets",
)
__all__ = ["__version__", *_ROOMS]  # noqa: PLE0604 - every room is a name


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"heatlab.{name}")
    raise AttributeError(f"module 'heatlab' has no attribute {name!r}. Its rooms are {', '.join(_ROOMS)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
