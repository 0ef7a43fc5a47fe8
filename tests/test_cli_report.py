"""The ``report`` command: exit codes, one line on failure, silence in a pipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from heatlab import cli, sources
from heatlab.apps import doctor, report_app
from heatlab.errors import SourceError


class Market:
    """A source that can be opened anywhere."""

    is_simulated = False
    name = "fake market"

    def positions(self) -> list[int]:
        """One."""
        return [1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the report was asked for, with everything behind it a fake."""
    calls: list[dict[str, Any]] = []

    def fake(source: Any, folder: Path, **kwargs: Any) -> Any:
        calls.append({"source": source, "folder": folder, **kwargs})
        return report_app.Report({}, 8, 5, 3), (folder / "ranked.csv", folder / "report.html")

    monkeypatch.setattr(sources, "open_source", lambda spec, **_kwargs: Market(), raising=False)
    monkeypatch.setattr(doctor, "venues_of", lambda source: ())
    monkeypatch.setattr(report_app, "report", fake)
    return calls


def run(*arguments: str) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(cli.cli, ["report", *arguments])


def test_one_line_says_what_was_written(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """Exit code 0, the page, and no progress in a pipe."""
    result = run("--out", str(tmp_path))
    assert result.exit_code == 0
    assert result.output == f"{tmp_path}/report.html: 8 positions, 5 alerts, 3 of them red.\n"
    assert asked[0]["progress"] is None


def test_quiet_says_nothing(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """For cron, which mails what is printed."""
    assert run("--out", str(tmp_path), "--quiet").output == ""


def test_the_age_is_counted_to_now(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """The clock on the wall, not the source's, which may have stopped."""
    run("--out", str(tmp_path), "--max-age", "3h")
    assert asked[0]["max_age"] == pd.Timedelta(hours=3)
    assert abs(pd.Timestamp.now("UTC") - asked[0]["at"]) < pd.Timedelta(minutes=1)


@pytest.mark.parametrize("text", ["soon", "-3h", "0s"])
def test_a_length_of_time_is_checked(asked: list[dict[str, Any]], tmp_path: Path, text: str) -> None:
    """One line, exit code 2, nothing opened."""
    result = run("--out", str(tmp_path), "--max-age", text)
    assert result.exit_code == 2
    assert result.output.startswith("heatlab: --max-age must be a length of time")
    assert asked == []


def test_a_failure_is_one_line_and_a_code(
    asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong, exit code 2."""

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise SourceError("There are no candles.\nNone at all.")

    monkeypatch.setattr(report_app, "report", fail)
    result = run("--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.output == "heatlab: There are no candles. None at all.\n"


def test_a_folder_is_needed() -> None:
    """Nothing is written to a place nobody named."""
    result = run()
    assert result.exit_code == 2
    assert "--out" in result.output


def test_progress_shows_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, rewritten and cleared at the end; standard output stays clean."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with cli._progress(False) as (progress, say):
        progress(2, 8, "BTC on okx")
        say("measuring")
    captured = capsys.readouterr()
    assert "heatlab: loading 2 of 8: BTC on okx" in captured.err
    assert captured.err.endswith("\r\033[2K")
    assert captured.out == ""
