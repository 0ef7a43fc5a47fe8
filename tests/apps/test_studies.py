import numpy as np
import pandas as pd
import pytest

from heatlab.apps.studies import _fits, liquidation_study, simulated_liquidation_study
from heatlab.domain import Instrument
from heatlab.liquidation.claims import MODELS
from heatlab.sources.hyperliquid_positions import BIAS, PLACE
from tests.liquidation import markets


def write_market(folder, symbol="WIDGET-USDT-USDT"):
    """Candles of one made-up coin and positions around it, laid out like a folder of market data."""
    candles = markets.candles(400)
    place = folder / "ohlcv" / "binance_perp"
    place.mkdir(parents=True)
    named = candles.reset_index().assign(exchange="binanceusdm", symbol=symbol.replace("-", "/", 1).replace("-", ":"))
    named.to_parquet(place / f"{symbol}_1h.parquet")
    rng = np.random.default_rng(1)
    instants = candles.index[200::25] + pd.Timedelta("5min")
    marks = candles["close"].to_numpy()[199:-1:25]
    rows = []
    for instant, mark in zip(instants, marks, strict=True):
        for side in ("long", "short"):
            away = rng.lognormal(-3, 1, 5)
            price = mark * (1 - away if side == "long" else 1 + away)
            rows += [(instant, "WIDGET", side, 1.0, 10.0, p if p > 0 else np.nan, mark) for p in price]
    names = ["timestamp", "coin", "side", "size", "leverage", "liquidation_price", "mark_price"]
    path = folder / PLACE
    path.parent.mkdir()
    pd.DataFrame(rows, columns=names).to_parquet(path)


def test_any_coin_in_the_same_layout(tmp_path):
    """A coin nobody tuned to is scored; what lacked and the bias of the truth are said."""
    write_market(tmp_path)
    found = liquidation_study(tmp_path)
    assert set(found.scores["model"]) == set(MODELS)
    assert found.markets["symbol"].tolist() == ["WIDGET/USDT:USDT"]
    assert found.markets["basis"].tolist() == ["volume proxy"]
    assert BIAS in found.notes
    assert any("open interest" in line for line in found.lacked)
    assert any("1h candles" in line for line in found.used)


def test_folder_without_positions(tmp_path):
    """No true positions: no scores, and the file that lacks is named."""
    write_market(tmp_path)
    (tmp_path / PLACE).unlink()
    found = liquidation_study(tmp_path)
    assert found.scores.empty
    assert PLACE in found.lacked


def test_hourly_totals_are_a_block_of_their_own(tmp_path):
    """Totals are compared with what the map consumes, with or without true positions."""
    write_market(tmp_path)
    (tmp_path / PLACE).unlink()
    candles = markets.candles(400)
    place = tmp_path / "liquidations_agg"
    place.mkdir()
    fall = (1 - candles["low"] / candles["open"]) * candles["volume"]
    totals = pd.DataFrame(
        {"timestamp": candles.index, "symbol": "WIDGET/USDT:USDT", "liq_long_usd": fall, "liq_short_usd": 1 + fall}
    )
    totals.to_parquet(place / "totals.parquet")
    found = liquidation_study(tmp_path)
    assert set(found.totals["side"]) == {"long", "short"}
    assert (found.totals["hours"] == 400 - 168).all()
    assert any("uncalibrated" in note for note in found.notes)
    assert "by the hour" in str(found)


def test_inverse_contracts_are_left_out():
    """Only linear perpetuals fit: an inverse one settles in its coin."""
    linear, inverse = (
        Instrument(venue="x", symbol=symbol, base="BTC", quote="USD") for symbol in ("BTC/USD:USD", "BTC/USD:BTC")
    )
    assert _fits(linear)
    assert not _fits(inverse)


@pytest.mark.market
def test_shared_market(market_dir):
    """On real positions the study runs, keeps its intervals and names the bias of the truth."""
    found = liquidation_study(market_dir)
    assert found.scores["value"].notna().all()
    assert BIAS in found.notes
    assert (found.comparisons["low"] <= found.comparisons["high"]).all()


def test_simulated_truth():
    """Where every account is known and follows the same mechanics, the map beats distance on one symbol."""
    found = simulated_liquidation_study(symbols=1)
    claims = found.comparisons.set_index("claim")
    assert claims.loc["AUC gain over distance only", "low"] > 0
    assert "accounts are simulated, not real" in found.notes
