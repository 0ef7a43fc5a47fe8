"""The command: what it takes, what it refuses and how it says so."""

from __future__ import annotations

import json
import os
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import heatlab
from heatlab import sources
from heatlab.apps import address, doctor, serve
from heatlab.cli import _OneLine, cli
from heatlab.errors import ParameterError, SourceError


class FakeSource:
    """A source that can be opened anywhere."""

    is_simulated = False
    name = "fake market"

    def venues(self) -> tuple[str, ...]:
        return ("binanceusdm", "okx")

    def instruments(self) -> tuple[Any, ...]:
        return ()

    def positions(self) -> list[int]:
        return [1]

    def notices(self) -> tuple[Any, ...]:
        return ()


@dataclass(frozen=True)
class Health:
    """Answer of a venue."""

    reachable: bool = True
    clock_skew_ms: float = 12.0
    keys_present: bool = False
    message: str = "reachable in 90 ms"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was opened, with every source a fake."""
    asked: list[tuple[str, Any]] = []

    def open_source(spec: str, *, positions: Any = None, store: Any = None) -> FakeSource:
        asked.append((spec, positions))
        if spec == "nowhere":
            raise SourceError("There is no source\n'nowhere'.")
        return FakeSource()

    monkeypatch.setattr(sources, "open_source", open_source, raising=False)
    return asked


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[address.Settings]:
    """Settings the server would have started with."""
    started: list[address.Settings] = []

    def fake(settings: address.Settings, *, announce: Any) -> None:
        started.append(settings)
        announce(address.address(settings, 4321))

    monkeypatch.setattr(serve, "serve", fake)
    for name in ("HEATLAB_SOURCE", "HEATLAB_POSITIONS"):
        monkeypatch.setenv(name, "")
    return started


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_the_version_is_printed() -> None:
    """``heatlab --version`` names program and version."""
    assert run("--version").output == f"heatlab, version {heatlab.__version__}\n"


def test_without_a_command_heatlab_serves(opened: list[Any], served: list[address.Settings], tmp_path: Path) -> None:
    """``heatlab`` prints one line with the address and the source."""
    result = run("--no-browser", "--notebooks", str(tmp_path))
    assert result.output == "heatlab is at http://127.0.0.1:4321/ (fake market). Ctrl-C ends it.\n"
    assert opened == [("simulated", None)]
    assert not served[0].open_browser


def test_kernels_are_told_absolute_paths(
    opened: list[Any], served: list[address.Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels run elsewhere, so folder and file are handed over in full."""
    (tmp_path / "market").mkdir()
    (tmp_path / "book.csv").write_text("symbol\n")
    monkeypatch.chdir(tmp_path)
    run("serve", "--source", "market", "--positions", "book.csv", "--notebooks", str(tmp_path))
    assert os.environ["HEATLAB_SOURCE"] == str(tmp_path / "market")
    assert os.environ["HEATLAB_POSITIONS"] == str(tmp_path / "book.csv")


def test_a_source_that_does_not_open_stops_the_command(opened: list[Any], served: list[address.Settings]) -> None:
    """One line, exit code 2, and nothing is served."""
    result = run("--source", "nowhere")
    assert result.exit_code == 2
    assert result.output == "heatlab: There is no source 'nowhere'.\n"
    assert served == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", "70000"), "70000 is not in the range"),
        (("--positions", "missing.csv"), "'missing.csv' does not exist"),
        (("--idle", "1"), "1 is not in the range"),
        (("--colour", "red"), "No such option"),
        (("polish",), "No such command 'polish'"),
    ],
)
def test_a_mistake_is_refused_before_anything_starts(
    arguments: tuple[str, ...], words: str, opened: list[Any], served: list[address.Settings]
) -> None:
    """Options are checked first; the message names the option and the limit."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert opened == []


def test_beyond_this_machine_there_is_always_a_token(
    opened: list[Any], served: list[address.Settings], tmp_path: Path
) -> None:
    """Bound to every address, a random token is made and printed."""
    run("--ip", "0.0.0.0", "--notebooks", str(tmp_path))
    run("--ip", "0.0.0.0", "--notebooks", str(tmp_path))
    assert len(served[0].token) >= 32
    assert served[0].token != served[1].token


def test_the_token_can_come_from_the_environment(
    opened: list[Any], served: list[address.Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HEATLAB_TOKEN keeps it out of the list of processes; an argument goes before it; kernels do not get it."""
    monkeypatch.setenv("HEATLAB_TOKEN", "hush")
    run("--notebooks", str(tmp_path))
    assert "HEATLAB_TOKEN" not in os.environ
    monkeypatch.setenv("HEATLAB_TOKEN", "hush")
    run("--token", "said", "--notebooks", str(tmp_path))
    assert [settings.token for settings in served] == ["hush", "said"]
    assert "HEATLAB_TOKEN" in run("serve", "--help").output


@pytest.mark.parametrize(
    ("ip", "token", "expected"),
    [("127.0.0.1", None, ""), ("localhost", None, ""), ("::1", None, ""), ("::1", "t", "t")],
)
def test_on_this_machine_a_token_is_optional(ip: str, token: str | None, expected: str) -> None:
    """Loopback needs no token; one that is given is used."""
    assert address.choose_token(ip, token) == expected


@pytest.mark.parametrize(
    ("ip", "token", "expected"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:80/"),
        ("::1", "", "http://[::1]:80/"),
        ("10.0.0.5", "abc", "http://10.0.0.5:80/?token=abc"),
        ("0.0.0.0", "abc", "http://127.0.0.1:80/?token=abc"),
    ],
)
def test_the_address_can_be_opened(ip: str, token: str, expected: str) -> None:
    """The address holds a host a browser understands, and the token."""
    assert address.address(address.Settings(ip=ip, token=token), 80, here=True) == expected


def test_a_taken_port_is_refused_when_named_and_avoided_when_not() -> None:
    """``--port`` means that port; without it a free one will do."""
    held = address.bind("127.0.0.1", 0)
    try:
        with pytest.raises(ParameterError, match=r"cannot listen on 127\.0\.0\.1 port .* in use"):
            address.bind("127.0.0.1", held.getsockname()[1])
    finally:
        held.close()


def test_an_address_of_another_machine_is_refused() -> None:
    """An address this machine does not have is said to be so, in one line."""
    with pytest.raises(ParameterError, match=r"heatlab cannot listen on 203\.0\.113\.7 port 0"):
        address.bind("203.0.113.7", 0)


def test_the_template_is_complete_and_made_once(tmp_path: Path) -> None:
    """The prepared folder holds template, style sheet, BokehJS and kernel; a second call finds it."""
    data = serve.prepare_template(tmp_path)
    template = data / "voila" / "templates" / "heatlab"
    assert (template / "index.html.j2").is_file()
    assert b"--hl-css" in (template / "static" / "heatlab.css").read_bytes()
    assert b"Bokeh" in (template / "static" / "bokeh.min.js").read_bytes()
    kernel = json.loads((data / "kernels" / "python3" / "kernel.json").read_text())
    assert kernel["argv"][0] == sys.executable
    before = (template / "index.html.j2").stat().st_mtime_ns
    assert serve.prepare_template(tmp_path) == data
    assert (template / "index.html.j2").stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == [data.name]


def test_a_prepared_folder_nobody_uses_is_removed(tmp_path: Path) -> None:
    """Thirty days unused, a folder of other contents goes; younger ones and what is not ours stay."""
    ages = {"0123456789abcdef": 31, "fedcba9876543210": 29, ".building-x": 31, "notes": 400}
    now = time.time()
    for name, days in ages.items():
        (tmp_path / name / "voila").mkdir(parents=True)
        os.utime(tmp_path / name, (now, now - days * 86_400))
    data = serve.prepare_template(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {data.name, "fedcba9876543210", "notes"}


def test_a_prepared_folder_in_use_stays_young(tmp_path: Path) -> None:
    """Every start, and every day of serving, marks the folder as used."""
    data = serve.prepare_template(tmp_path)
    os.utime(data, (0.0, 0.0))
    assert serve.prepare_template(tmp_path) == data
    assert time.time() - data.stat().st_mtime < 3600


def test_a_folder_taken_into_use_while_it_is_removed_comes_back(tmp_path: Path) -> None:
    """Another process may mark it just then."""
    folder = tmp_path / "0123456789abcdef"
    folder.mkdir()
    serve._remove(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["0123456789abcdef"]


def test_the_template_names_no_address_outside() -> None:
    """No page of ours asks another server for anything."""
    folder = serve.PACKAGE / "share"
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert texts
    assert not [text for text in texts if "https://" in text or "http://" in text]


def test_the_notebooks_are_found() -> None:
    """An installed wheel and a checkout both have them."""
    assert serve.notebooks_dir().name == "notebooks"


def test_the_doctor_reports_a_sound_market(opened: list[Any]) -> None:
    """Python, packages, source and each venue are named, keys as present or absent."""
    findings = doctor.examine("binanceusdm,okx", check_venue=lambda venue: Health(keys_present=venue == "okx"))
    states = {finding.name: finding.state for finding in findings}
    assert states["Python"] == states["bokeh"] == states["source"] == states["okx"] == "ok"
    messages = {finding.name: finding.message for finding in findings}
    assert messages["binanceusdm"] == "reachable in 90 ms (no key)"
    assert messages["okx"] == "reachable in 90 ms (key present)"


@pytest.mark.parametrize(
    "health", [Health(reachable=False, message="not reachable"), Health(clock_skew_ms=5000.0, message="clock is off")]
)
def test_the_doctor_finds_what_is_broken(opened: list[Any], health: Health) -> None:
    """A venue out of reach and a wrong clock both count."""
    findings = doctor.examine("binanceusdm", check_venue=lambda _: health)
    assert [finding.state for finding in findings if finding.name == "binanceusdm"] == ["broken"]


def test_the_doctor_exits_with_one_when_something_is_broken(opened: list[Any]) -> None:
    """A source that does not open is a finding, printed as JSON where asked."""
    result = run("doctor", "--source", "nowhere", "--json")
    assert result.exit_code == 1
    broken = [finding for finding in json.loads(result.output) if finding["state"] == "broken"]
    assert [finding["name"] for finding in broken] == ["source"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "It holds no candle file."),
        ({"x.csv": "a,b\n1,2\n"}, "Left out: x.csv: "),
        ({f"{n}.csv": "a,b\n1,2\n" for n in range(5)}, "; and 2 more."),
    ],
    ids=["empty", "refused", "many"],
)
def test_a_folder_without_candles_is_broken_and_not_served(
    tmp_path: Path, served: list[address.Settings], files: dict[str, str], words: str
) -> None:
    """The doctor and the command say so in one line: what was left out, and what a folder needs."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    result = run("--source", str(tmp_path))
    assert result.exit_code == 2
    assert served == []
    assert len(result.output.splitlines()) == 1
    assert words in result.output
    assert "BTC-USDT-USDT_1h.csv" in result.output
    source = next(finding for finding in doctor.examine(str(tmp_path)) if finding.name == "source")
    assert source.state == "broken"
    assert words in source.message


def test_a_source_that_fails_while_looked_at_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of its venues is reported, not raised."""

    def fail(_: FakeSource) -> tuple[str, ...]:
        raise SourceError("The folder cannot be read.")

    monkeypatch.setattr(FakeSource, "venues", fail)
    monkeypatch.setattr(sources, "open_source", lambda *_, **__: FakeSource(), raising=False)
    assert doctor.Finding("source", "broken", "The folder cannot be read.") in doctor.examine("anywhere")


def test_a_study_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    """A study planned but not built says so; an unknown one too."""
    result = run("study", "trend", "--market", str(tmp_path))
    assert result.exit_code == 2
    assert "The study 'trend' is not available yet. Available: liquidation, risk." in result.output
    assert "is not available. Available" in run("study", "luck", "--market", str(tmp_path)).output


def test_a_study_prints_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics of the study are printed as they are."""
    module = types.ModuleType("heatlab.apps.studies")
    module.liquidation_study = lambda path: {"market": str(path), "auc": 0.6}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "heatlab.apps.studies", module)
    monkeypatch.setattr(heatlab.apps, "studies", module, raising=False)
    result = run("study", "liquidation", "--market", str(tmp_path), "--json")
    assert json.loads(result.output) == {"market": str(tmp_path), "auc": 0.6}


def test_an_error_is_shown_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks in a message do not break the line."""
    _OneLine("a\n  b").show()
    assert capsys.readouterr().err == "heatlab: a b\n"


def test_doctor_says_what_is_odd_about_positions(tmp_path: Path) -> None:
    """A venue nobody knows is noted, though the file is well formed."""
    book = tmp_path / "book.csv"
    book.write_text("symbol,venue,side,quantity,entry_price,leverage\nBTC/USDT:USDT,mtgox,long,1,75000,5\n")
    result = CliRunner().invoke(cli, ["doctor", "--positions", str(book)])
    assert "no exact margin formula of this venue" in result.output
