"""The folder that keeps simulated symbols between runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from heatlab.sources.simulated import SimulatedSource, cache, settings, source
from tests.sources.simulated_world import AAVE, world


def test_a_kept_symbol_equals_a_fresh_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second process reads what the first one wrote and simulates nothing."""
    fresh = world()
    candles, accounts = fresh.candles(AAVE, "1m"), fresh.account_history(AAVE)
    SimulatedSource(7, cache=tmp_path).candles(AAVE, "1h")
    assert [path.name for path in tmp_path.rglob("*.*")] == ["AAVE.npz"]
    monkeypatch.setattr(source, "record", None)
    again = SimulatedSource(7, cache=tmp_path)
    pd.testing.assert_frame_equal(again.candles(AAVE, "1m"), candles, check_exact=True)
    pd.testing.assert_frame_equal(again.account_history(AAVE), accounts, check_exact=True)
    assert again.notices() == ()


def test_seeds_and_versions_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another seed, or another version of the market, is another file."""
    listing = settings.BY_SYMBOL[AAVE]
    first = cache.file_of(tmp_path, listing, 7)
    assert first != cache.file_of(tmp_path, listing, 8)
    monkeypatch.setattr(cache.settings, "VERSION", 999)
    assert first != cache.file_of(tmp_path, listing, 7)


def test_a_damaged_file_is_reported_and_replaced(tmp_path: Path) -> None:
    """A broken file costs a new simulation and leaves a notice, no more."""
    path = cache.file_of(tmp_path, settings.BY_SYMBOL[AAVE], 7)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a tape")
    market = SimulatedSource(7, cache=tmp_path)
    assert market.mark_price(AAVE) == world().mark_price(AAVE)
    assert "made afresh" in market.notices()[0].message
    assert path.stat().st_size > 1_000_000


def test_an_unusable_folder_does_no_harm(tmp_path: Path) -> None:
    """Where the folder's place is taken by a file, the market works and says so once."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    market = SimulatedSource(7, cache=blocked / "simulated")
    assert market.mark_price(AAVE) == world().mark_price(AAVE)
    assert len(market.notices()) == 1
    assert market.notices()[0].where == str(blocked / "simulated")
