import pandas as pd

from heatlab.sources.liquidation_totals import read_liquidation_totals


def write(folder, name, *, hours=6, step="1h", symbol="BTC/USDT:USDT", **columns):
    """Totals of one symbol, stamped at the open of the hour."""
    place = folder / "liquidations_agg"
    place.mkdir(exist_ok=True)
    stamps = pd.date_range("2025-03-01", periods=hours, freq=step, tz="UTC", unit="ms")
    table = pd.DataFrame({"timestamp": stamps, "symbol": symbol, "liq_long_usd": 2.0, "liq_short_usd": 1.0} | columns)
    table.to_parquet(place / name)


def test_files_with_the_columns_are_read(tmp_path):
    """Two symbols, the first file by name where hours overlap, other tables left alone."""
    write(tmp_path, "a.parquet", hours=4)
    write(tmp_path, "b.parquet", hours=6, liq_long_usd=9.0)
    write(tmp_path, "c.parquet", symbol="ETH/USDT:USDT", more=1)
    pd.DataFrame({"timestamp": [], "total_usd": []}).to_parquet(tmp_path / "liquidations_agg" / "d.parquet")
    totals, notices = read_liquidation_totals(tmp_path)
    assert set(totals) == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert totals["BTC/USDT:USDT"]["long"].tolist() == [2, 2, 2, 2, 9, 9]
    assert totals["ETH/USDT:USDT"]["short"].tolist() == [1] * 6
    assert notices == ()


def test_daily_totals_are_left_out_and_said(tmp_path):
    """A table that is not hourly is named."""
    write(tmp_path, "daily.parquet", step="1D")
    totals, notices = read_liquidation_totals(tmp_path)
    assert totals == {}
    assert notices[0].where == "liquidations_agg/daily.parquet"
    assert "not every hour" in notices[0].message


def test_a_folder_without_totals(tmp_path):
    """Nothing there: nothing read, nothing said."""
    assert read_liquidation_totals(tmp_path) == ({}, ())
