"""Snapshots: what is kept, what is replaced, spans, pruning, and the step from the first version."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, ParameterError
from heatlab.store import Snapshot, SnapshotStore
from heatlab.store.packing import pack_table, pack_values, unpack_table, unpack_values
from heatlab.store.snapshots import MARK

SOURCE = "simulated market (seed 7)"


def hour(number: int) -> pd.Timestamp:
    return pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(hours=number)


def heats(positions: int = 3, seed: int = 1) -> pd.DataFrame:
    """Heat by position and timeframe, with the dtypes of the real one."""
    frames = ["1h", "4h", "1d", "1w"]
    count = positions * len(frames)
    table = pd.DataFrame(
        {
            "symbol": np.repeat([f"C{k}/USDT:USDT" for k in range(positions)], len(frames)),
            "side": np.resize([1, -1], count),
            "timeframe": frames * positions,
            "heat": np.random.default_rng(seed).uniform(0, 100, count),
            "timestamp": pd.Series([hour(0)] * count).dt.as_unit("ms"),
            "age": pd.Series([pd.Timedelta("5min")] * count).dt.as_unit("ms"),
        }
    )
    table.loc[0, "heat"] = np.nan
    return table


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    """An empty store."""
    return SnapshotStore(tmp_path / "data" / "history.sqlite")


def test_reads_back_what_was_written(store: SnapshotStore) -> None:
    """Tables with their dtypes and unknowns, values with theirs."""
    values = {"book_heat": 61.5, "effective_bets": float("nan"), "rule": "none"}
    assert store.write(hour(0), SOURCE, {"heat": heats(), "empty": pd.DataFrame()}, values) == 1
    got = store.read(SOURCE, hour(0))
    pd.testing.assert_frame_equal(got.tables["heat"], heats())
    assert got.tables["empty"].empty
    assert (got.at, got.source) == (hour(0), SOURCE)
    assert got.values["book_heat"] == 61.5
    assert np.isnan(got.values["effective_bets"])
    assert got.values["rule"] == "none"


def test_the_same_instant_again_replaces_and_adds_nothing(store: SnapshotStore) -> None:
    """A repeated refresh keeps its number; the last content counts."""
    first = store.write(hour(0), SOURCE, {"heat": heats(), "old": heats()}, {"book_heat": 1.0})
    again = store.write(hour(0), SOURCE, {"heat": heats(seed=2)}, {"book_heat": 2.0})
    assert first == again == 1
    assert len(store.times(SOURCE)) == 1
    got = store.read(SOURCE, hour(0))
    assert list(got.tables) == ["heat"]
    assert got.values == {"book_heat": 2.0}


def test_sources_do_not_mix(store: SnapshotStore) -> None:
    """Two markets at one instant are two snapshots."""
    store.write(hour(0), "okx", {}, {"book_heat": 1.0})
    store.write(hour(0), "binance", {}, {"book_heat": 2.0})
    assert store.sources() == ("binance", "okx")
    assert store.values("okx")["book_heat"].tolist() == [1.0]


def test_an_empty_store_has_nothing_and_makes_no_file(store: SnapshotStore) -> None:
    """Looking does not write."""
    assert store.sources() == ()
    assert len(store.times(SOURCE)) == 0
    assert store.values(SOURCE).empty
    assert store.range(SOURCE, hour(0), hour(9)) == []
    assert store.prune(pd.Timedelta("1D")) == 0
    assert not store.path.exists()


def test_values_are_one_row_a_snapshot(store: SnapshotStore) -> None:
    """Every name ever stored is a column; what a snapshot lacks is NaN; a span leaves out its end."""
    store.write_all([Snapshot(hour(k), SOURCE, values={"book_heat": float(k)}) for k in (2, 0, 1)])
    store.write(hour(3), SOURCE, {}, {"volatility": 0.5, "reach": float("inf")})
    table = store.values(SOURCE)
    assert table["book_heat"].tolist()[:3] == [0.0, 1.0, 2.0]
    assert np.isnan(table["book_heat"].iloc[3])
    assert table["reach"].iloc[3] == np.inf
    assert table.index.equals(store.times(SOURCE))
    assert table.index.name == "timestamp"
    assert len(store.values(SOURCE, hour(1), hour(3))) == 2


def test_a_span_gives_the_tables_asked_for(store: SnapshotStore) -> None:
    """Oldest first, the end left out."""
    for k in range(4):
        store.write(hour(k), SOURCE, {"heat": heats(seed=k), "orders": pd.DataFrame()}, {})
    found = store.range(SOURCE, hour(1), hour(3), names=("heat",))
    assert [one.at for one in found] == [hour(1), hour(2)]
    assert [list(one.tables) for one in found] == [["heat"], ["heat"]]


def test_an_instant_without_a_snapshot_names_the_one_before(store: SnapshotStore) -> None:
    """The reader learns what there is."""
    store.write(hour(0), SOURCE, {}, {})
    with pytest.raises(DataError, match="The last one before is of 2026-01-01 00:00"):
        store.read(SOURCE, hour(5))
    with pytest.raises(DataError, match="none before it either"):
        store.read("okx", hour(5))


def test_pruning_counts_back_from_the_newest_of_each_source(store: SnapshotStore) -> None:
    """No clock is asked; the tables go too."""
    store.write_all([Snapshot(hour(k), SOURCE, {"heat": heats()}) for k in range(10)])
    store.write(hour(-500), "okx", {}, {})
    assert store.prune(pd.Timedelta(hours=3)) == 6
    assert list(store.times(SOURCE)) == [hour(k) for k in (6, 7, 8, 9)]
    assert len(store.times("okx")) == 1
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM content").fetchone() == (4,)


@pytest.mark.parametrize("keep", [pd.Timedelta(0), pd.Timedelta(hours=-1)])
def test_pruning_everything_is_refused(store: SnapshotStore, keep: pd.Timedelta) -> None:
    """A length of time must be positive."""
    with pytest.raises(ParameterError, match="'keep' parameter"):
        store.prune(keep)


def test_a_batch_is_stored_whole_or_not_at_all(store: SnapshotStore) -> None:
    """A bad one among good ones writes none."""
    with pytest.raises(ParameterError, match="'source' parameter"):
        store.write_all([Snapshot(hour(0), SOURCE), Snapshot(hour(1), "")])
    assert not store.path.exists()


def test_secrets_and_objects_are_refused() -> None:
    """Keys never reach the disk; only plain values do."""
    for name in ("api_key", "apiSecret_secret", "Passphrase", "access_token", "private_key"):
        with pytest.raises(ParameterError, match="must hold no secret"):
            pack_values({"account": {name: "x"}}, caller="here")
    with pytest.raises(ParameterError, match="plain values"):
        pack_values({"x": object()}, caller="here")
    assert (
        pack_values({"token": "BTC", "at": hour(0)}, caller="here")
        == '{"token":"BTC","at":"2026-01-01T00:00:00+00:00"}'
    )


def test_the_json_is_strict() -> None:
    """Other programs can read it: no bare NaN or Infinity."""
    text = pack_values({"a": np.float64("nan"), "b": np.inf, "c": np.int64(3), "d": [np.bool_(True)]}, caller="here")
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": "inf", "c": 3, "d": [True]}
    assert unpack_values(text, where="here")["b"] == np.inf


def test_damaged_content_is_noticed() -> None:
    """Compressed tables carry a checksum."""
    body = bytearray(pack_table(heats()))
    body[len(body) // 2] ^= 0x55
    with pytest.raises(DataError, match="A stored table in here is damaged"):
        unpack_table(bytes(body), where="here")
    with pytest.raises(DataError, match="Stored values in here are damaged"):
        unpack_values("[1]", where="here")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=True), st.text(max_size=8), st.booleans()), max_size=12))
def test_any_plain_table_survives(rows: list[tuple[float, str, bool]]) -> None:
    """Packing and unpacking gives the same table."""
    table = pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"a": "float64", "c": "bool"})
    pd.testing.assert_frame_equal(unpack_table(pack_table(table), where="here"), table, check_dtype=bool(rows))


def first_version(path: Path) -> None:
    """A file as version 1 wrote it, by its own SQL, so that a change of the migration cannot change the fixture."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE snapshot (number INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, "
            '"values" TEXT NOT NULL, UNIQUE (source, at));'
            "CREATE TABLE content (snapshot INTEGER NOT NULL REFERENCES snapshot (number) ON DELETE CASCADE, "
            "name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (snapshot, name));"
            f"PRAGMA application_id = {MARK}; PRAGMA user_version = 1;"
        )
        written = ['{"book_heat":61.5,"effective_bets":2.5}', '{"book_heat":null,"rule":"none"}', "{}"]
        rows = [(SOURCE, 1_767_225_600_000 + k * 3_600_000, text) for k, text in enumerate(written)]
        connection.executemany('INSERT INTO snapshot (source, at, "values") VALUES (?, ?, ?)', rows)
        connection.execute("INSERT INTO content VALUES (1, 'heat', ?)", (pack_table(heats()),))
        connection.commit()


def test_a_history_of_the_first_version_is_migrated(store: SnapshotStore) -> None:
    """Heat and effective bets get columns, unknown is NULL, and everything reads as before."""
    first_version(store.path)
    assert list(store.times(SOURCE)) == [hour(0), hour(1), hour(2)]
    pd.testing.assert_frame_equal(store.read(SOURCE, hour(0)).tables["heat"], heats())
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        rows = connection.execute("SELECT book_heat, effective_bets FROM snapshot ORDER BY at").fetchall()
    assert rows == [(61.5, 2.5), (None, None), (None, None)]
    store.write(hour(3), SOURCE, {}, {"book_heat": 40.0})
    assert store.values(SOURCE)["book_heat"].iloc[-1] == 40.0


def test_the_values_of_a_year_are_read_in_a_second(store: SnapshotStore) -> None:
    """8,760 hourly states, tables included in the file but not read."""
    body = {"heat": heats(2)}
    figures = {f"figure_{k}": k + 0.5 for k in range(8)}
    store.write_all([Snapshot(hour(k), SOURCE, body if k % 50 == 0 else {}, figures) for k in range(8760)])
    begun = time.perf_counter()
    assert store.values(SOURCE).shape == (8760, 8)
    assert time.perf_counter() - begun < 1.0
