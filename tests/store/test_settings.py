"""Settings of the apps on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatlab.errors import DataError
from heatlab.store.settings import SettingsStore


def test_what_was_written_is_read_back_and_other_apps_stay(tmp_path: Path) -> None:
    """Each app has its own settings."""
    store = SettingsStore(tmp_path / "deep" / "settings.json")
    store.write("liquidation", {"half_life": 24})
    store.write("portfolio_heat", {"venue": "okx"})
    assert SettingsStore(tmp_path / "deep" / "settings.json").read("liquidation") == {"half_life": 24}
    assert store.read("portfolio_heat") == {"venue": "okx"}


def test_nothing_written_reads_as_empty(tmp_path: Path) -> None:
    """A first start has no settings."""
    assert SettingsStore(tmp_path / "settings.json").read("liquidation") == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"liquidation": 3}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    """A broken file is said, not silently replaced."""
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"settings\.json cannot be read"):
        SettingsStore(path).read("liquidation")
