"""The pieces of the liquidation figure: three linked plots, their sources, and what runs in the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bokeh.core.properties import value
from bokeh.events import MouseLeave, MouseMove
from bokeh.layouts import Column, column, row
from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    CategoricalColorMapper,
    ColorBar,
    ColumnDataSource,
    CrosshairTool,
    CustomJS,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    InlineStyleSheet,
    LabelSet,
    Legend,
    LegendItem,
    LinearAxis,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    Span,
    Title,
    WheelZoomTool,
)
from bokeh.plotting import figure

from heatlab.figures.format import LEVEL_JS, PRICE_JS, USD_JS
from heatlab.figures.liquidation_data import TIER_NAMES
from heatlab.figures.theme import FONT, MONO

TOP, BOTTOM, RIGHT = 66, 8, 74
PRICE_TICKS = 9
VOLUME_HEIGHT, PROFILE_WIDTH, NARROW = 142, 310, 760

READ_OUT = (
    USD_JS
    + PRICE_JS
    + """
const m = meta.data, low = m.low[0], high = m.high[0], log = m.log[0], mark = m.mark[0];
"""
    + LEVEL_JS
    + """
const show = (a, b) => {bar.setv({text: a}, {sync: false}); level.setv({text: b}, {sync: false})};
if (cb_obj.event_name === 'mouseleave') { show(m.bar[0], m.level[0]); return; }
const x = cb_obj.x, y = cb_obj.y, c = candles.data, g = image.data;
let a = m.bar[0], b = price(y) + '  ' + (y >= mark ? '+' : '') + ((y / mark - 1) * 100).toFixed(2) + ' % from mark';
if (has_time && c.time.length) {
  let i = 0, j = c.time.length - 1;
  while (i < j) { const k = (i + j + 1) >> 1; if (c.time[k] <= x) i = k; else j = k - 1; }
  a = new Date(c.time[i]).toISOString().slice(0, 16).replace('T', ' ')
    + ' UTC  O ' + price(c.open[i]) + ' H ' + price(c.high[i]) + ' L ' + price(c.low[i]) + ' C ' + price(c.close[i])
    + ' V ' + usd(c.volume[i], '');
}
if (has_price) {
  if (has_time && g.image.length) {
    const [rows, columns] = g.image[0].shape ?? [0, 0];
    const row = Math.floor(Math.log(y / g.y[0]) / Math.log((g.y[0] + g.dh[0]) / g.y[0]) * rows);
    const column = Math.floor((x - g.x[0]) / g.dw[0] * columns);
    if (row >= 0 && row < rows && column >= 0 && column < columns) {
      const v = g.image[0][row * columns + column];
      b += '  ' + (v < 1 ? 'under ' + usd(low) : 'about ' + usd(amount(v))) + ' at this level, faded';
    }
  }
  const t = totals.data, n = t.price.length;
  const share = Math.log(y / t.price[0]) / Math.log(t.price[n - 1] / t.price[0]);
  const at = Math.max(0, Math.min(n - 1, Math.round(share * (n - 1))));
  const sum = y <= mark ? t.long[at] : t.short[at];
  if (isFinite(sum)) b += '  now ' + usd(sum) + (y <= mark ? ' of longs' : ' of shorts') + ' from mark to here';
} else b = '';
show(a, b);
"""
)


@dataclass(frozen=True)
class Sources:
    """Every data source of the figure; updates replace ``data`` and nothing else."""

    image: ColumnDataSource = field(default_factory=lambda: _source("image x y dw dh"))
    candles: ColumnDataSource = field(default_factory=lambda: _source("x time open high low close volume up"))
    bars: ColumnDataSource = field(
        default_factory=lambda: _source("bottom top " + " ".join(f"from_{k} to_{k}" for k in range(len(TIER_NAMES))))
    )
    totals: ColumnDataSource = field(default_factory=lambda: _source("price long short"))
    zones: ColumnDataSource = field(
        default_factory=lambda: _source("bottom top middle level notional left right edge text")
    )
    entries: ColumnDataSource = field(default_factory=lambda: _source("price text side"))
    exits: ColumnDataSource = field(default_factory=lambda: _source("price text side"))
    mark: ColumnDataSource = field(default_factory=lambda: _source("price text edge"))
    meta: ColumnDataSource = field(default_factory=lambda: _source("low high log mark bar level"))


def _source(names: str) -> ColumnDataSource:
    return ColumnDataSource({name: [] for name in names.split()})


@dataclass(frozen=True)
class Mappers:
    """What turns levels, directions and zones into colours."""

    image: LinearColorMapper
    direction: LinearColorMapper
    level: CategoricalColorMapper


def mappers() -> Mappers:
    """Colour mappers with placeholder palettes: the theme fills them in."""
    return Mappers(
        LinearColorMapper(palette=["#000000"] * 256, low=0, high=255),
        LinearColorMapper(palette=["#000000"] * 2, low=0, high=1),
        CategoricalColorMapper(factors=["amber", "red"], palette=["#000000"] * 2),
    )


def price_figure(sources: Sources, colours: Mappers, *, height: int) -> figure:
    """Heat image under candlesticks, with zones, own positions and the mark price."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        y_axis_type="log",
        y_axis_location="right",
        x_range=Range1d(0, 1),
        y_range=Range1d(1, 2),
        tools=[],
        toolbar_location="above",
        toolbar_sticky=False,
        **borders(bottom=BOTTOM, right=RIGHT),
    )
    plot.xaxis.visible = False
    plot.yaxis.update(axis_label="price [quote]", formatter=CustomJSTickFormatter(code=PRICE_JS + "return price(tick)"))
    _tick(plot)
    plot.image("image", x="x", y="y", dw="dw", dh="dh", source=sources.image, color_mapper=colours.image, name="heat")
    _draw_candles(plot, sources, colours)
    _draw_lines(plot, sources)
    _draw_zones(plot, sources, colours)
    wheel = WheelZoomTool(dimensions="width")
    plot.add_tools(PanTool(), wheel, BoxZoomTool(), ResetTool(), SaveTool())
    plot.toolbar.active_scroll = wheel
    return plot


def borders(*, top: int = TOP, bottom: int, right: int) -> dict[str, int]:
    """Keep fixed room around a frame, so that frames side by side line up."""
    return {"min_border_top": top, "min_border_bottom": bottom, "min_border_left": 6, "min_border_right": right}


def _tick(plot: figure) -> None:
    """Round prices at a reader's distance: a logarithmic ticker leaves a narrow range nearly bare."""
    plot.yaxis.ticker = plot.ygrid.ticker = BasicTicker(desired_num_ticks=PRICE_TICKS)


def _draw_candles(plot: figure, sources: Sources, colours: Mappers) -> None:
    colour = {"field": "up", "transform": colours.direction}
    wick = {"x0": "x", "y0": "high", "x1": "x", "y1": "low", "source": sources.candles}
    plot.segment(**wick, line_width=4, line_alpha=0.5, name="halo")
    plot.segment(**wick, line_color=colour, line_width=1, name="wicks")
    plot.vbar("x", 1.0, "open", "close", source=sources.candles, fill_color=colour, line_color=None, name="bodies")


def _draw_lines(plot: figure, sources: Sources) -> None:
    plot.hspan("price", source=sources.mark, line_width=1, line_dash="dotted", name="mark")
    plot.hspan("price", source=sources.entries, line_width=1.5, line_dash="dashed", name="entry")
    plot.hspan("price", source=sources.exits, line_width=2, name="exit")
    for source, name in ((sources.entries, "entry_label"), (sources.exits, "exit_label")):
        plot.add_layout(_labels(source, name, x=8))


def _labels(source: ColumnDataSource, name: str, *, x: int) -> LabelSet:
    return LabelSet(
        x=x,
        x_units="screen",
        y="price",
        text="text",
        source=source,
        text_font=value(FONT),
        text_font_size="11px",
        text_baseline="bottom",
        y_offset=2,
        background_fill_alpha=0.8,
        name=name,
    )


def _draw_zones(plot: figure, sources: Sources, colours: Mappers) -> None:
    colour = {"field": "level", "transform": colours.level}
    plot.quad("left", "right", "top", "bottom", source=sources.zones, fill_color=colour, line_color=None, name="zones")
    plot.text(
        "edge",
        "middle",
        "text",
        source=sources.zones,
        text_align="right",
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        background_fill_alpha=0.8,
        name="zone_label",
    )


def volume_figure(sources: Sources, colours: Mappers, *, x_range: Range1d) -> figure:
    """Volume bars under the price, sharing its time axis."""
    plot = figure(
        height=VOLUME_HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        y_axis_location="right",
        x_range=x_range,
        y_range=Range1d(0, 1),
        tools=[],
        toolbar_location=None,
        **borders(top=4, bottom=44, right=RIGHT),
    )
    colour = {"field": "up", "transform": colours.direction}
    plot.vbar("x", 1.0, "volume", 0, source=sources.candles, fill_color=colour, line_color=None, name="volume")
    plot.xaxis.axis_label = "time [UTC]"
    plot.yaxis.update(axis_label="volume", formatter=CustomJSTickFormatter(code=USD_JS + "return usd(tick, '')"))
    plot.yaxis.ticker.desired_num_ticks = 3
    wheel = WheelZoomTool(dimensions="width")
    plot.add_tools(PanTool(dimensions="width"), wheel)
    plot.toolbar.active_scroll = wheel
    return plot


def profile_figure(sources: Sources, colours: Mappers, *, y_range: Range1d, height: int) -> figure:
    """Liquidation map at the last column: bars by leverage group and running totals away from the mark."""
    plot = figure(
        height=height + VOLUME_HEIGHT,
        width=PROFILE_WIDTH,
        sizing_mode="stretch_width",
        y_axis_type="log",
        y_axis_location="right",
        x_range=Range1d(0, 1),
        y_range=y_range,
        tools=[],
        toolbar_location=None,
        **borders(bottom=VOLUME_HEIGHT + BOTTOM, right=10),
    )
    plot.yaxis.update(visible=False, formatter=CustomJSTickFormatter(code=PRICE_JS + "return price(tick)"))
    dollars = CustomJSTickFormatter(code=USD_JS + "return usd(tick)")
    plot.xaxis.update(axis_label="estimate per price level [USD]", formatter=dollars)
    plot.xaxis.ticker.desired_num_ticks = 4
    tiers = _draw_bars(plot, sources)
    sums = _draw_totals(plot, sources, dollars)
    plot.hspan("price", source=sources.mark, line_width=1, line_dash="dotted", name="mark")
    mark = _labels(sources.mark, "mark_label", x=0)
    mark.update(x="edge", x_units="data", x_offset=-6, text_align="right", background_fill_alpha=0.7)
    plot.add_layout(mark)
    plot.add_layout(_legend([*tiers, *sums]), "below")
    plot.add_layout(colour_bar(colours.image), "below")
    _tick(plot)
    _price_axis_when_folded(plot)
    return plot


def _draw_bars(plot: figure, sources: Sources) -> list[LegendItem]:
    items = []
    for k, name in enumerate(TIER_NAMES):
        bars = plot.quad(
            f"from_{k}", f"to_{k}", "top", "bottom", source=sources.bars, line_color=None, name=f"tier_{k}"
        )
        items.append(LegendItem(label=name, renderers=[bars]))
    return items


def _draw_totals(plot: figure, sources: Sources, dollars: CustomJSTickFormatter) -> list[LegendItem]:
    plot.extra_x_ranges = {"totals": Range1d(0, 1)}
    axis = LinearAxis(x_range_name="totals", axis_label="sum from the mark [USD]", formatter=dollars, name="totals")
    axis.ticker.desired_num_ticks = 4
    items = []
    for side, dash in (("long", "solid"), ("short", "dashed")):
        line = plot.line(
            side, "price", source=sources.totals, x_range_name="totals", line_width=2, line_dash=dash, name=side
        )
        items.append(LegendItem(label=f"sum of {side}s", renderers=[line]))
    plot.add_layout(axis, "above")
    return items


def _legend(items: list[LegendItem]) -> Legend:
    return Legend(
        items=items, ncols=3, spacing=9, padding=0, margin=2, glyph_width=12, glyph_height=10, label_height=12,
        label_width=10, label_standoff=4, orientation="horizontal",
    )  # fmt: skip


def colour_bar(mapper: LinearColorMapper) -> ColorBar:
    """Bar under the profile; its ticks are levels, its labels dollars."""
    return ColorBar(
        color_mapper=mapper,
        orientation="horizontal",
        height=12,
        width=PROFILE_WIDTH - 60,
        title="heatmap: per level, faded by age [USD]",
        title_text_font=FONT,
        title_text_font_size="11px",
        major_label_text_font=FONT,
        title_text_font_style="normal",
        title_standoff=4,
        ticker=FixedTicker(ticks=[]),
        formatter=CustomJSTickFormatter(
            args={"low": 1.0, "high": 10.0, "log": True}, code=USD_JS + LEVEL_JS + "return usd(amount(tick))"
        ),
        major_label_text_font_size="11px",
        margin=0,
        padding=4,
        bar_line_color=None,
    )


def _price_axis_when_folded(plot: figure) -> None:
    """Below the chart the profile needs a price axis of its own; beside it, it shares the chart's."""
    code = (
        f"const folded = cb_obj.outer_width > {PROFILE_WIDTH + 90};"
        "axis.setv({visible: folded}, {sync: false});"
        f"cb_obj.setv({{min_border_right: folded ? {RIGHT} : 10}}, {{sync: false}});"
    )
    plot.js_on_change("outer_width", CustomJS(args={"axis": plot.yaxis[0]}, code=code))


def link_cursor(price: figure, volume: figure, profile: figure, sources: Sources) -> list[Span]:
    """Share one cross of lines between the plots and write what is under it above the price."""
    across, down = (Span(dimension=name, line_dash="dotted", line_width=1) for name in ("width", "height"))
    none = {"line_alpha": 0.0}
    price.add_tools(CrosshairTool(overlay=[across, down]))
    volume.add_tools(CrosshairTool(overlay=[Span(dimension="width", **none), down]))
    profile.add_tools(CrosshairTool(overlay=[across, Span(dimension="height", **none)]))
    level = Title(text="", text_font=MONO, text_font_size="12px", text_font_style="normal", name="level", standoff=2)
    bar = Title(text="", text_font=MONO, text_font_size="12px", text_font_style="normal", name="bar", standoff=2)
    price.add_layout(level, "above")
    price.add_layout(bar, "above")
    for plot, has_time, has_price in ((price, True, True), (volume, True, False), (profile, False, True)):
        args: dict[str, Any] = {
            "bar": bar, "level": level, "has_time": has_time, "has_price": has_price, "meta": sources.meta,
            "candles": sources.candles, "image": sources.image, "totals": sources.totals,
        }  # fmt: skip
        read = CustomJS(args=args, code=READ_OUT)
        plot.js_on_event(MouseMove, read)
        plot.js_on_event(MouseLeave, read)
    return [across, down]


def zone_hover(price: figure) -> None:
    """Say what a zone block stands for."""
    price.add_tools(
        HoverTool(
            renderers=price.select(name="zones"),
            tooltips=[
                ("zone", "@level"),
                ("from", "@bottom{0,0.[0000]}"),
                ("to", "@top{0,0.[0000]}"),
                ("USD", "@notional{0.0a}"),
            ],
            visible=False,
        )
    )


ROOM_CSS = ":host { container-type: inline-size; width: 100%; }"
FOLD_CSS = f"""
:host {{ display: flex; flex-wrap: nowrap; width: 100%; }}
@container (max-width: {NARROW}px) {{ :host {{ flex-wrap: wrap; }} }}
"""
MAIN_CSS = ":host { flex: 1 1 420px !important; min-width: 0; width: auto !important; }"
SIDE_CSS = f"""
:host {{ flex: 0 0 {PROFILE_WIDTH}px !important; width: {PROFILE_WIDTH}px !important; min-width: 0; }}
@container (max-width: {NARROW}px) {{ :host {{ flex: 1 1 100% !important; width: 100% !important; }} }}
"""


def fold(main: list[figure], side: figure) -> Column:
    """Put ``side`` beside the stacked ``main``, or under them where there is less room than ``NARROW``."""
    left = column(*main, sizing_mode="stretch_width", stylesheets=[InlineStyleSheet(css=MAIN_CSS)])
    right = column(side, sizing_mode="stretch_width", stylesheets=[InlineStyleSheet(css=SIDE_CSS)])
    both = row(left, right, sizing_mode="stretch_width", stylesheets=[InlineStyleSheet(css=FOLD_CSS)])
    return column(both, sizing_mode="stretch_width", stylesheets=[InlineStyleSheet(css=ROOM_CSS)])
