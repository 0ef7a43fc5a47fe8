"""The liquidation figure: what its sources hold, and that updates change data only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.models import Model
from bokeh.protocol import Protocol

from heatlab.errors import ParameterError
from heatlab.figures import DARK, LIGHT, PALETTES, LiquidationFigure, dequantise
from heatlab.figures.liquidation_data import candle_columns, profile_columns, raster, zone_columns


def test_the_image_holds_the_map_in_bytes(make: Any) -> None:
    """Every cell comes back within one level of its amount."""
    made, candles = make()
    figure = LiquidationFigure()
    figure.update(made, candles)
    image = figure.sources.image.data["image"][0]
    wanted = made.notional()
    back = dequantise(image, figure.scale)
    on_scale = (wanted >= figure.scale.low) & (wanted <= figure.scale.high)
    step = (figure.scale.high / figure.scale.low) ** (1 / 254)
    assert image.dtype == np.uint8
    assert image.shape == wanted.shape
    assert np.all(np.abs(np.log(back[on_scale] / wanted[on_scale])) <= np.log(step))


def test_updates_keep_every_model(make: Any, zones: pd.DataFrame, positions: pd.DataFrame) -> None:
    """Another symbol, palette, scale and theme: the same models, other data."""
    figure = LiquidationFigure()
    figure.update(*make(), zones=zones, positions=positions)
    before = {model.id for model in figure.root.references()}
    figure.update(*make(count=40, price=0.12), zones=None, positions=None, scale="linear")
    figure.set_palette("viridis")
    figure.set_theme(LIGHT)
    figure.set_scale("log")
    assert {model.id for model in figure.root.references()} == before


def test_a_new_estimate_keeps_the_view(make: Any) -> None:
    """keep_view leaves the axes where the user put them."""
    figure = LiquidationFigure()
    figure.update(*make())
    figure.price.y_range.update(start=64_000, end=66_000)
    figure.update(*make(), keep_view=True)
    assert (figure.price.y_range.start, figure.price.y_range.end) == (64_000, 66_000)


def test_a_large_map_stays_under_700_kb(make: Any) -> None:
    """1,000 columns by 600 bins, with candles and profile."""
    figure = LiquidationFigure()
    document = Document()
    document.add_root(figure.root)
    events: list[Any] = []
    document.on_change(events.append)
    made, candles = make(count=1000, bins=600)
    figure.update(made, candles)
    message = Protocol().create("PATCH-DOC", events)
    size = len(message.content_json) + sum(len(buffer.to_bytes()) for buffer in message.buffers)
    assert size <= 700_000


def test_more_bins_than_rows_are_added_up(make: Any) -> None:
    """Each column keeps its total when bins are joined."""
    made, _ = make(count=3, bins=1300)
    cut = raster(made, reach=0.9)
    assert cut.amounts.shape == (434, 3)
    assert cut.amounts.sum(axis=0) == pytest.approx(made.notional().sum(axis=0))


def test_more_bars_than_columns_are_joined(make: Any) -> None:
    """High, low and volume survive the joining."""
    _, candles = make(count=100)
    columns = candle_columns(candles, start=float(candles.index.as_unit("ms").asi8[0]), step=4 * 3_600_000.0)
    assert len(columns["x"]) == 25
    assert columns["high"].max() == pytest.approx(candles["high"].max())
    assert columns["volume"].sum() == pytest.approx(candles["volume"].sum())


def test_a_gap_in_the_bars_keeps_time_even(make: Any) -> None:
    """Missing columns show the one before them."""
    made, _ = make(count=10)
    kept = [0, 1, 2, 6, 7, 8, 9]
    holed = type(made)(**{**vars(made), "times": made.times[kept], "long": made.long[:, kept] * np.arange(1, 8),
                          "short": made.short[:, kept]})  # fmt: skip
    cut = raster(holed, reach=0.9)
    assert cut.amounts.shape[1] == 10
    assert np.array_equal(cut.amounts[:, 3], cut.amounts[:, 2])
    assert cut.step == 3_600_000


def test_bars_stack_to_the_whole_profile(make: Any) -> None:
    """The last group ends at long plus short of all tiers."""
    made, _ = make()
    bars, _totals = profile_columns(made)
    assert bars["to_3"] == pytest.approx(made.notional()[:, -1])
    assert np.array_equal(bars["to_0"], bars["from_1"])


def test_totals_grow_away_from_the_mark(make: Any) -> None:
    """Longs add up downwards, shorts upwards, each unknown on the other side."""
    made, _ = make()
    _bars, totals = profile_columns(made)
    below = totals["price"] <= made.mark_price
    assert np.all(np.diff(totals["long"][below]) <= 0)
    assert np.all(np.diff(totals["short"][~below]) >= 0)
    assert np.isnan(totals["long"][~below]).all()
    assert totals["long"][0] == pytest.approx((made.notional()[:, -1])[below].sum())


def test_positions_draw_what_is_known(make: Any, positions: pd.DataFrame) -> None:
    """Two entries, one liquidation: the cross short has no known price."""
    figure = LiquidationFigure()
    figure.update(*make(), positions=positions)
    assert figure.sources.entries.data["price"] == [66_000.0, 64_000.0]
    assert figure.sources.exits.data["text"] == ["your long liquidation 59,800"]


def test_zones_stand_right_of_the_last_column(make: Any, zones: pd.DataFrame) -> None:
    """Level is told by shape as well as colour."""
    figure = LiquidationFigure()
    figure.update(*make(), zones=zones)
    data = figure.sources.zones.data
    assert data["text"] == ["● $2.5M", "○ $800k"]
    assert np.all(data["left"] > figure.sources.candles.data["x"].max())


@pytest.mark.parametrize("price", [1e-7, 0.1234, 65_432.0, 1e9])
def test_any_magnitude_of_price_is_in_view(make: Any, price: float) -> None:
    """The view holds all bars and the mark."""
    made, candles = make(price=price)
    figure = LiquidationFigure()
    figure.update(made, candles)
    assert figure.price.y_range.start < candles["low"].min()
    assert candles["high"].max() < figure.price.y_range.end
    assert figure.price.y_range.start > 0


def test_one_candle_draws(make: Any) -> None:
    """A single column and bar."""
    figure = LiquidationFigure()
    figure.update(*make(count=1))
    assert figure.sources.image.data["image"][0].shape[1] == 1
    assert len(figure.sources.candles.data["x"]) == 1
    assert figure.price.x_range.end > figure.price.x_range.start


def test_an_all_zero_map_draws_nothing_but_bars(make: Any) -> None:
    """Level 0 everywhere, axes still valid."""
    figure = LiquidationFigure()
    figure.update(*make(quantity=0.0))
    assert figure.sources.image.data["image"][0].max() == 0
    assert figure.profile.x_range.end > 0


def test_no_candles_leave_the_map(make: Any) -> None:
    """An empty candle table draws the map alone."""
    made, candles = make()
    figure = LiquidationFigure()
    figure.update(made, candles.iloc[:0])
    assert len(figure.sources.candles.data["x"]) == 0
    assert "no bars" in figure.sources.meta.data["bar"][0]


def test_inputs_are_left_alone(make: Any, pure: Any, zones: pd.DataFrame, positions: pd.DataFrame) -> None:
    """update changes none of its tables."""
    made, candles = make()
    figure = LiquidationFigure()
    pure(lambda bars, marks, own: figure.update(made, bars, zones=marks, positions=own), candles, zones, positions)


def test_palette_and_scale_only_recolour(make: Any) -> None:
    """A palette leaves the image, a scale leaves the amounts."""
    figure = LiquidationFigure(theme=DARK)
    figure.update(*make())
    image = figure.sources.image.data["image"][0]
    figure.set_palette("inferno")
    assert figure.sources.image.data["image"][0] is image
    assert figure._mappers.image.palette[255][:7] == PALETTES["inferno"][255]
    figure.set_scale("linear")
    assert figure.sources.meta.data["log"] == [False]
    assert figure._bar.formatter.args["log"] is False


def test_unknown_choices_are_refused(make: Any) -> None:
    """Palette and scale say what there is."""
    with pytest.raises(ParameterError, match="'palette' parameter of LiquidationFigure"):
        LiquidationFigure(palette="jet")
    with pytest.raises(ParameterError, match="'log', 'linear'"):
        LiquidationFigure().set_scale("cubic")


def test_two_figures_share_no_model() -> None:
    """Each fits a document of its own."""
    one, two = LiquidationFigure(), LiquidationFigure()
    shared: set[Model] = one.root.references() & two.root.references()
    assert not shared


def test_zone_labels_stay_in_view_and_apart() -> None:
    """A zone across the edge has its label inside, one beyond it outside; the heavier of two neighbours keeps its."""
    zones = pd.DataFrame(
        {
            "price_low": [98.0, 97.0, 100.5, 50.0],
            "price_high": [104.0, 98.0, 101.0, 51.0],
            "notional": [5.0, 3.0, 9.0, 1.0],
            "level": ["red", "amber", "red", "amber"],
        }
    )
    columns = zone_columns(zones, left=0, right=1, edge=2, gap=0.04, within=(45.0, 100.0))
    assert [bool(text) for text in columns["text"]] == [True, False, True, True]
    assert columns["middle"][0] == pytest.approx(100 * np.exp(-0.02))
    assert columns["middle"][2] == pytest.approx(100 * np.exp(0.02))
    assert columns["middle"][3] == pytest.approx(np.sqrt(50.0 * 51.0))


def test_the_mark_is_named_at_the_far_end_of_the_profile(make: Any) -> None:
    """Bars begin at the left: the label keeps off them, and moves with the axis."""
    figure = LiquidationFigure()
    figure.update(*make())
    assert figure.sources.mark.data["edge"] == [figure.profile.x_range.end]
    label = figure.profile.select_one({"name": "mark_label"})
    assert (label.text_align, label.x_units) == ("right", "data")


def test_a_narrow_price_range_has_ticks_enough() -> None:
    """Grid and axis share one ticker that aims at nine."""
    figure = LiquidationFigure()
    for plot in (figure.price, figure.profile):
        assert plot.yaxis[0].ticker.desired_num_ticks == 9
        assert plot.ygrid[0].ticker is plot.yaxis[0].ticker
