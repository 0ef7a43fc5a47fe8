"""Sources shared by threads: what is remembered is made once, and one symbol does not wait for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from heatlab.sources import FolderSource
from heatlab.sources.folder import library
from heatlab.sources.simulated import SimulatedSource
from tests.sources.folders import bars, save
from tests.sources.simulated_world import BTC, ETH

THREADS = 4


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[str]:
    """Make a function slow, and write down each call."""
    calls: list[str] = []
    original: Callable[..., Any] = getattr(module, name)

    def slow(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        time.sleep(0.05)
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, slow)
    return calls


def together(work: Callable[[], object]) -> list[Any]:
    """Results of work that several threads begin at once."""
    ready = threading.Barrier(THREADS, timeout=10)

    def begin(_: int) -> object:
        ready.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.parametrize("name", ["build_index", "ordered_venues", "ordered_instruments", "read_rows"])
def test_threads_share_what_a_folder_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Index, order and tables are made once, whoever asks first."""
    save(bars(48), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    source, calls = FolderSource(tmp_path), counted(monkeypatch, library, name)
    tables = together(lambda: (source.instruments(), source.candles(BTC, "1h")))
    assert calls == [name]
    assert [len(candles) for _, candles in tables] == [48] * THREADS


def test_threads_note_a_damaged_file_once(tmp_path: Path) -> None:
    """One file, one notice."""
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    save(bars(48), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    source = FolderSource(tmp_path)
    assert {len(notices) for notices in together(source.notices)} == {1}


def test_simulated_symbols_are_made_side_by_side_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two symbols at once: each waits for the other to have begun, and is made one time."""
    source, begun, both = SimulatedSource(cache=None), [], threading.Barrier(2, timeout=10)

    def load(listing: Any, number: int) -> Any:
        begun.append(listing.symbol)
        both.wait()
        return type("Tape", (), {"close": [float(number)]})()

    monkeypatch.setattr(source, "_load_or_record", load)
    with ThreadPoolExecutor(THREADS) as pool:
        prices = list(pool.map(source.mark_price, [BTC, BTC, ETH, ETH]))
    assert sorted(begun) == [BTC, ETH]
    assert prices[0] == prices[1] != prices[2] == prices[3]
