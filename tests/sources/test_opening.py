"""A line of text, or the environment, names the market source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from heatlab import sources
from heatlab.errors import DataError, ParameterError, SourceError
from heatlab.sources import FolderSource, WithPositions, from_environment, open_source
from heatlab.store import CandleStore
from tests.sources.folders import bars, lines, save

BTC = "BTC/USDT:USDT"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A market of one symbol, and a file of one position."""
    save(bars(10), tmp_path / "okx" / "BTC-USDT-USDT_1h.csv")
    return tmp_path / "okx"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A positions file."""
    return lines(tmp_path / "book.csv", f"{BTC},okx,long,1,60000", header="symbol,venue,side,quantity,entry_price")


def test_a_folder_is_opened(folder: Path) -> None:
    """The path of an existing folder."""
    source = open_source(str(folder))
    assert isinstance(source, FolderSource)
    assert source.venues() == ("okx",)


def test_the_simulated_market_is_opened() -> None:
    """With its own seed or the one named."""
    assert open_source("simulated").is_simulated
    assert "11" in open_source("simulated:11").name


def test_exchanges_are_opened() -> None:
    """Names with commas between; the first is the default. Nothing is fetched yet."""
    assert open_source("binanceusdm, okx").venues() == ("binanceusdm", "okx")


def test_positions_replace_those_of_the_source(folder: Path, book: Path) -> None:
    """The file's positions over the folder's market."""
    source = open_source(str(folder), positions=book)
    assert isinstance(source, WithPositions)
    assert source.positions()["quantity"].tolist() == [1.0]


@pytest.mark.parametrize("spec", ["", "  ", "okx,", "two words", "simulated market", "BTC/USDT:USDT?"])
def test_other_text_lists_what_is_allowed(spec: str) -> None:
    """The message lists the ways to name a source."""
    with pytest.raises(
        (ParameterError, SourceError), match=r"'simulated', 'simulated:SEED', the path of an existing folder"
    ):
        open_source(spec)


@pytest.mark.parametrize("spec", ["simulated:", "simulated:x", "simulated:-1", "simulated:1.5"])
def test_a_seed_is_a_whole_number(spec: str) -> None:
    """The message repeats what it got."""
    with pytest.raises(ParameterError, match=f"seed .* whole number .* Got '{spec}' instead"):
        open_source(spec)


def test_an_unknown_exchange_lists_what_is_allowed() -> None:
    """A name that is neither folder nor exchange."""
    with pytest.raises(ParameterError, match=r"open_source must be 'simulated'.* Got 'nosuchvenue' instead"):
        open_source("nosuchvenue")


@pytest.mark.parametrize("spec", ["/no/such/folder", "./nowhere", "~/no-such-folder-here"])
def test_a_path_without_a_folder_says_so(spec: str) -> None:
    """A path is not taken for an exchange."""
    with pytest.raises(SourceError, match="There is no folder"):
        open_source(spec)


def test_the_environment_names_source_positions_and_cache(folder: Path, book: Path, tmp_path: Path) -> None:
    """The three variables a served notebook reads."""
    source = from_environment({"HEATLAB_SOURCE": str(folder), "HEATLAB_POSITIONS": str(book)})
    assert isinstance(source, WithPositions)
    assert isinstance(source.source, FolderSource)
    live = from_environment({"HEATLAB_SOURCE": "okx"}, store=CandleStore(tmp_path / "cache"))
    assert live.venues() == ("okx",)


def test_the_environment_defaults_to_the_simulated_market() -> None:
    """Empty counts as not given."""
    assert from_environment({}).is_simulated
    assert from_environment({"HEATLAB_SOURCE": "", "HEATLAB_POSITIONS": ""}).is_simulated


def test_a_bad_positions_file_stops_the_opening(folder: Path, tmp_path: Path) -> None:
    """The user hears of it before any screen is shown."""
    bad = lines(tmp_path / "bad.csv", f"{BTC},okx,up,1,60000", header="symbol,venue,side,quantity,entry_price")
    with pytest.raises(DataError, match="row 2, column 'side'"):
        open_source(str(folder), positions=bad)


def test_the_door_of_sources_is_light() -> None:
    """Looking at the room, and at its protocol, loads no exchange library and no file format."""
    code = (
        "import sys, heatlab.sources as s; s.MarketSource, s.Notice, s.Capability; "
        "print(sorted({'ccxt', 'pyarrow.parquet', 'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_door_opens() -> None:
    """Each public name can be had, and an unknown one lists them."""
    for name in dir(sources):
        assert getattr(sources, name) is not None
    with pytest.raises(AttributeError, match="It has Capability, ExchangeSource"):
        sources.Nothing  # noqa: B018
