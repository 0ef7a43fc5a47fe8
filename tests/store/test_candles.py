"""The candle cache: what it keeps, what it refuses, and that no crash costs a closed bar."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.store import CandleStore
from tests.store.appending import SERIES, bars

START = int(pd.Timestamp("2026-01-31 22:00", tz="UTC").timestamp() // 60)


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    """An empty store."""
    return CandleStore(tmp_path / "cache")


def test_reads_back_what_was_appended(store: CandleStore) -> None:
    """Values, stamps and labels survive; months are separate files."""
    wanted = bars(START, 240)
    assert store.append(*SERIES, wanted) == 240
    got = store.read(*SERIES)
    pd.testing.assert_frame_equal(got, wanted, check_freq=False)
    assert got.attrs == {"venue": "binanceusdm", "symbol": "BTC/USDT:USDT", "timeframe": "1m"}
    names = sorted(path.name for path in (store.root / "binanceusdm").glob("*.parquet"))
    assert names == ["BTC-USDT-USDT_1m_2026-01.parquet", "BTC-USDT-USDT_1m_2026-02.parquet"]


def test_an_empty_store_has_no_bars(store: CandleStore) -> None:
    """Nothing stored is an empty canonical table and no ends."""
    assert store.read(*SERIES).empty
    assert store.first(*SERIES) is None
    assert store.last(*SERIES) is None


def test_first_and_last_say_where_to_resume(store: CandleStore) -> None:
    """The ends are open times over all months."""
    store.append(*SERIES, bars(START, 240))
    assert store.first(*SERIES) == at("2026-01-31 22:00")
    assert store.last(*SERIES) == at("2026-02-01 01:59")


def test_start_is_included_and_end_is_not(store: CandleStore) -> None:
    """Both compare with the bar's open time."""
    store.append(*SERIES, bars(START, 240))
    got = store.read(*SERIES, at("2026-01-31 23:59"), at("2026-02-01 00:01"))
    assert list(got.index) == [at("2026-01-31 23:59"), at("2026-02-01 00:00")]


def test_overlapping_bars_are_kept_once(store: CandleStore) -> None:
    """Appending stored bars again adds only the new ones, in order."""
    store.append(*SERIES, bars(START + 50, 50))
    assert store.append(*SERIES, bars(START, 75)) == 50
    pd.testing.assert_frame_equal(store.read(*SERIES), bars(START, 100), check_freq=False)


def test_a_month_without_new_bars_is_not_rewritten(store: CandleStore) -> None:
    """A closed month stays the file it was."""
    store.append(*SERIES, bars(START, 240))
    january = store.root / "binanceusdm" / "BTC-USDT-USDT_1m_2026-01.parquet"
    before = january.stat().st_ino
    store.append(*SERIES, bars(START, 300))
    assert january.stat().st_ino == before


def test_a_closed_bar_cannot_change(store: CandleStore) -> None:
    """Another version of a stored bar is refused, naming bar, column and values, and nothing is written."""
    store.append(*SERIES, bars(START, 10))
    changed = bars(START, 20)
    changed.iloc[3, changed.columns.get_loc("volume")] += 1.0
    with pytest.raises(DataError, match=r"closed bar must not change.*22:03:00.*stored volume"):
        store.append(*SERIES, changed)
    assert len(store.read(*SERIES)) == 10


def test_a_conflict_in_one_month_writes_no_other(store: CandleStore) -> None:
    """An append that is refused leaves every month as it was."""
    store.append(*SERIES, bars(START + 120, 10))
    changed = bars(START, 130)
    changed.iloc[125, changed.columns.get_loc("close")] += 0.5
    with pytest.raises(DataError, match="stored close"):
        store.append(*SERIES, changed)
    assert store.first(*SERIES) == at("2026-02-01 00:00")


def test_bars_off_the_grid_are_refused(store: CandleStore) -> None:
    """A one-minute bar is no hourly bar."""
    with pytest.raises(DataError, match=r"grid of 1h\. Row 1 opens at 2026-01-31 22:01"):
        store.append("okx", "BTC/USDT:USDT", "1h", bars(START, 3))


def test_bars_labelled_otherwise_are_refused(store: CandleStore) -> None:
    """Hours lie on the grid of minutes too: the label tells them apart."""
    table = bars(START, 1)
    table.attrs = {"venue": "binanceusdm", "timeframe": "1h"}
    with pytest.raises(DataError, match=r"must be labelled so\. Got attrs \{'timeframe': '1h'\}"):
        store.append(*SERIES, table)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=6),
    st.tuples(st.integers(-20, 250), st.integers(0, 120)),
)
@settings(max_examples=20, deadline=None)
def test_any_order_of_appends_gives_the_same_bars(parts: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    """Stored and missing bars fill any range, whatever came first and however it overlapped."""
    with tempfile.TemporaryDirectory() as folder:
        store = CandleStore(folder)
        new = sum(store.append(*SERIES, bars(START + first, count)) for first, count in parts)
        minutes = sorted({START + first + place for first, count in parts for place in range(count)})
        assert new == len(minutes)
        wanted = pd.concat([bars(minute, 1) for minute in minutes])
        pd.testing.assert_frame_equal(store.read(*SERIES), wanted, check_freq=False)
        start, end = (pd.Timestamp((START + edge) * 60, unit="s", tz="UTC") for edge in (asked[0], sum(asked)))
        gaps = store.missing(*SERIES, start, end)
        left = sum(int((last - first) / pd.Timedelta("1min")) for first, last in gaps)
        assert left + len(store.read(*SERIES, start, end)) == asked[1]


def test_a_table_that_is_no_candles_is_refused(store: CandleStore) -> None:
    """The canonical contract is checked before anything is written."""
    with pytest.raises(MissingColumnsError, match="Missing volume"):
        store.append(*SERIES, bars(START, 3).drop(columns="volume"))
    assert not store.root.exists()


@pytest.mark.parametrize(("venue", "symbol"), [("../up", "BTC/USDT"), ("okx", "../x y"), ("okx", ""), ("", "BTC/USDT")])
def test_names_that_leave_the_folder_are_refused(store: CandleStore, venue: str, symbol: str) -> None:
    """A name never becomes a path of its own."""
    with pytest.raises(ParameterError, match="parameter of CandleStore must be"):
        store.read(venue, symbol, "1h")


def test_a_damaged_file_is_named(store: CandleStore) -> None:
    """A truncated file is an error that says what to do."""
    store.append(*SERIES, bars(START, 10))
    path = store.root / "binanceusdm" / "BTC-USDT-USDT_1m_2026-01.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"2026-01\.parquet cannot be read.*Delete the file"):
        store.read(*SERIES)


def test_a_file_of_another_series_is_refused(store: CandleStore) -> None:
    """A file moved to another venue's folder does not become that venue's data."""
    store.append(*SERIES, bars(START, 10))
    moved = store.root / "okx" / "BTC-USDT-USDT_1m_2026-01.parquet"
    moved.parent.mkdir()
    (store.root / "binanceusdm" / moved.name).rename(moved)
    with pytest.raises(DataError, match=r"Got .*binanceusdm"):
        store.read("okx", "BTC/USDT:USDT", "1m")


def test_missing_lists_what_is_left_to_fetch(store: CandleStore) -> None:
    """Only ranges that are not stored are asked for again."""
    store.append(*SERIES, bars(START + 10, 10))
    store.append(*SERIES, bars(START + 30, 10))
    got = store.missing(*SERIES, at("2026-01-31 21:59:30"), at("2026-01-31 22:50"))
    assert got == [
        (at("2026-01-31 22:00"), at("2026-01-31 22:10")),
        (at("2026-01-31 22:20"), at("2026-01-31 22:30")),
        (at("2026-01-31 22:40"), at("2026-01-31 22:50")),
    ]
    assert store.missing(*SERIES, at("2026-01-31 22:10"), at("2026-01-31 22:20")) == []


def test_a_confirmed_hole_is_not_missing(store: CandleStore) -> None:
    """What the venue has no bars for is not asked for twice."""
    store.append(*SERIES, bars(START + 10, 10))
    store.note_absent(*SERIES, at("2026-01-31 21:00"), at("2026-01-31 22:05"))
    store.note_absent(*SERIES, at("2026-01-31 22:05"), at("2026-01-31 22:10"))
    assert store.missing(*SERIES, at("2026-01-31 21:00"), at("2026-01-31 22:20")) == []


def test_a_value_not_known_before_is_completed_with_new_bars(store: CandleStore) -> None:
    """A column only some appends have is NaN where it is unknown, and no conflict."""
    store.append(*SERIES, bars(START, 2))
    store.append(*SERIES, bars(START, 4).assign(taker_buy_volume=0.25))
    assert store.read(*SERIES)["taker_buy_volume"].tolist() == [0.25] * 4


def test_append_leaves_its_input_alone(store: CandleStore, pure: Any) -> None:
    """The caller's table is not touched."""
    pure(store.append, *SERIES, bars(START, 5))


def test_leftovers_of_a_crash_are_cleared_by_the_next_write(store: CandleStore) -> None:
    """Temporary files of this series go, those of others stay."""
    folder = store.root / "binanceusdm"
    folder.mkdir(parents=True)
    ours = folder / ".BTC-USDT-USDT_1m_2026-01.parquet.abc.tmp"
    other = folder / ".ETH-USDT-USDT_1m_2026-01.parquet.abc.tmp"
    ours.touch()
    other.touch()
    store.append(*SERIES, bars(START, 5))
    assert not ours.exists()
    assert other.exists()


def _writer(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.appending", str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert _line(process.stdout) == "done 1"
    return process


def _line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def _ask(process: subprocess.Popen[str], start: int, count: int, batch: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{start} {count} {batch}\n")
    process.stdin.flush()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fifty_kills_lose_no_acknowledged_bar(tmp_path: Path) -> None:
    """A writer killed at any moment leaves every bar it had acknowledged, and files that read."""
    root, chance, safe = tmp_path / "cache", random.Random(7), START
    store = CandleStore(root)
    with _writer(root) as process:
        for kill in range(50):
            _ask(process, safe, 100_000, 5)
            child = int(_line(process.stdout).split()[1])
            time.sleep(chance.uniform(0.0, 0.12))
            os.kill(child, signal.SIGKILL)
            while (line := _line(process.stdout)).startswith("done"):
                safe = int(line.split()[1])
            assert line == "end 9"
            if kill % 5 == 4:
                held = store.read(*SERIES)
                pd.testing.assert_frame_equal(held, bars(START, len(held)), check_freq=False)
                assert len(held) >= safe - START
        process.stdin.close()  # type: ignore[union-attr]
    assert safe > START
    store.append(*SERIES, bars(safe, 5))
    assert not list(root.rglob("*.tmp"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_two_processes_may_append_overlapping_bars(tmp_path: Path) -> None:
    """Writers of one series wait for each other and lose nothing."""
    root = tmp_path / "cache"
    with _writer(root) as one, _writer(root) as two:
        _ask(one, START, 150, 5)
        _ask(two, START + 75, 150, 5)
        for process in (one, two):
            while not (line := _line(process.stdout)).startswith("end"):
                pass
            assert line == "end 0"
            process.stdin.close()  # type: ignore[union-attr]
    pd.testing.assert_frame_equal(CandleStore(root).read(*SERIES), bars(START, 225), check_freq=False)


@pytest.mark.parametrize("content", ["[[1, 2", "[[1]]", "[[null, 2]]", "7", "\udcff"])
def test_a_damaged_list_of_holes_is_named(store: CandleStore, content: str) -> None:
    """The error names the file and what to do, whatever is wrong inside."""
    store.append(*SERIES, bars(START, 3))
    path = store.root / "binanceusdm" / "BTC-USDT-USDT_1m_absent.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match=r"cannot be read in .*1m_absent.json \(.*\)\. Delete the file"):
        store.missing(*SERIES, at("2026-01-31 22:00"), at("2026-01-31 22:05"))
    with pytest.raises(DataError, match=r"absent\.json"):
        store.note_absent(*SERIES, at("2026-01-31 22:03"), at("2026-01-31 22:05"))
