"""The risk study on folders: what it takes, what it says it lacked, and that the record is what it finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from heatlab.apps import risk_studies
from heatlab.apps.risk_page import risk_study_page
from heatlab.apps.risk_studies import risk_study
from heatlab.cli import cli
from heatlab.portfolio.risk_study.record import recorded
from heatlab.widgets.risk_study_view import RiskStudyView
from tests.portfolio.risk_study.markets import closes

ROOT = Path(__file__).resolve().parents[2]


def write_candles(folder: Path, venue: str, symbol: str, close: pd.Series) -> None:
    """One file of hourly candles, laid out like a folder of market data."""
    opened = close.shift(1).fillna(close.iloc[0])
    table = pd.DataFrame(
        {
            "timestamp": close.index,
            "open": opened.to_numpy(),
            "high": np.maximum(opened, close).to_numpy(),
            "low": np.minimum(opened, close).to_numpy(),
            "close": close.to_numpy(),
            "volume": 10.0,
            "exchange": venue,
            "symbol": symbol,
        }
    )
    place = folder / "ohlcv" / venue
    place.mkdir(parents=True, exist_ok=True)
    table.to_parquet(place / f"{symbol.replace('/', '-').replace(':', '-')}_1h.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four coins on one venue, one of them on another too, and one coin only there."""
    table = closes(70)
    for name in "ABCD":
        write_candles(tmp_path, "binanceusdm", f"{name}/USDT:USDT", table[name])
    for name in "AE":
        write_candles(tmp_path, "okx", f"{name}/USDT:USDT", table[name] * 1.0001)
    return tmp_path


def test_any_coins_in_the_same_layout(folder: Path) -> None:
    """Coins nobody tuned to are scored, each once; a symbol on two venues is tested for a lead."""
    found = risk_study(folder)
    assert found.coins["symbol"].tolist() == [f"{name}/USDT:USDT" for name in "ABCDE"]
    assert found.venues[["symbol", "first", "second"]].to_numpy().tolist() == [["A/USDT:USDT", "binanceusdm", "okx"]]
    assert found.lacked == ()
    assert any(line.startswith("4 perpetuals of binanceusdm, hourly") for line in found.used)
    assert len(found.coverage)


def test_more_coins_than_there_is_time_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the longest histories are kept, the others are named."""
    monkeypatch.setattr(risk_studies, "MOST_COINS", 3)
    found = risk_study(folder)
    assert len(found.coins) == 3
    assert any(line.startswith("time for 2 coins") and "E/USDT:USDT" in line for line in found.lacked)


def test_an_empty_folder(tmp_path: Path) -> None:
    """No candles: no tables, and what lacked; unreadable files are named."""
    write_candles(tmp_path, "binanceusdm", "A/USDT:USDT", closes(40)["A"])
    (tmp_path / "broken.parquet").write_bytes(b"no table")
    found = risk_study(tmp_path)
    assert found.coverage.empty
    assert "31 days of hourly closes of at least three coins" in found.lacked
    assert any("broken.parquet" in line for line in found.lacked)


def test_the_command_prints_text_and_json(folder: Path) -> None:
    """``heatlab study risk`` as a reader and as a program sees it."""
    text = CliRunner().invoke(cli, ["study", "risk", "--market", str(folder)])
    assert text.exit_code == 0
    assert text.output.startswith("Study: risk")
    plain = CliRunner().invoke(cli, ["study", "risk", "--market", str(folder), "--json"])
    assert json.loads(plain.output)["name"] == "risk"


def test_the_page_shows_the_record_at_once() -> None:
    """Nothing is computed until the button is pressed; the theme reaches the figures."""
    page = risk_study_page(None)
    view = next(child for child in page.children if isinstance(child, RiskStudyView))
    assert "✗ Fails" in view.findings.value
    style = page.children[0]
    style.theme = "dark" if style.theme == "light" else "light"
    assert view.path.root.background_fill_color == ("#0f131a" if style.theme == "dark" else "#ffffff")


@pytest.mark.market
def test_the_record_is_what_the_study_finds(market_dir: Path) -> None:
    """Every figure and sentence recorded agrees with a run on the data it names, to its last digit."""
    result, record = risk_study(market_dir), recorded()
    assert result.notes == record.notes
    keys = ["book", "model", "horizon", "level", "period"]
    found = result.coverage.set_index(keys).loc[pd.MultiIndex.from_frame(record.coverage[keys])].reset_index()
    pd.testing.assert_frame_equal(found[record.coverage.columns], record.coverage, check_dtype=False, atol=1e-4)
    for name in ("contributions", "warning", "venues"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(record, name), check_dtype=False, atol=1e-4)
    path = result.path[result.path["day"] % 2 == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(path, record.path, check_dtype=False, atol=1e-4)
