"""Reports on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heatlab.errors import DataError
from heatlab.store.reports import report_folder, write_report


def test_every_file_is_written_and_the_folder_made(tmp_path: Path) -> None:
    """In the order given."""
    paths = write_report(tmp_path / "a" / "b", {"x.csv": b"1", "report.html": b"2"})
    assert [path.name for path in paths] == ["x.csv", "report.html"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]


def test_a_report_replaces_the_one_before_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Old files of the same name are replaced whole; others stay."""
    (tmp_path / "mine.txt").write_text("keep")
    write_report(tmp_path, {"report.html": b"old"})
    (tmp_path / ".report.html.abc.tmp").write_bytes(b"half")
    write_report(tmp_path, {"report.html": b"new"})
    assert (tmp_path / "report.html").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".report.lock", "mine.txt", "report.html"]


def test_a_failure_on_the_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not cost the report of yesterday."""
    write_report(tmp_path, {"report.html": b"old"})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_report(tmp_path, {"report.html": b"new"})
    monkeypatch.undo()
    assert (tmp_path / "report.html").read_bytes() == b"old"


def test_others_may_read_what_the_system_lets_them(tmp_path: Path) -> None:
    """Files have the permissions new files get, not those of a temporary one."""
    (path,) = write_report(tmp_path, {"report.html": b"x"})
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be, before any work is done."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match=r"The report cannot be written to .*out': File exists"):
        report_folder(tmp_path / "out")
    with pytest.raises(DataError, match="cannot be written"):
        write_report(tmp_path / "out" / "deeper", {})
