"""What heatlab keeps on disk: the candle cache and the settings of the apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatlab.store.candles import CandleStore
    from heatlab.store.settings import SettingsStore

__all__ = ["CandleStore", "SettingsStore"]


def __getattr__(name: str) -> Any:
    if name == "CandleStore":
        from heatlab.store.candles import CandleStore

        return CandleStore
    if name == "SettingsStore":
        from heatlab.store.settings import SettingsStore

        return SettingsStore
    raise AttributeError(f"module 'heatlab.store' has no attribute {name!r}. It has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return list(__all__)
