import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.liquidation import MapSettings, _kernel
from heatlab.liquidation.drawing import price_grid, sweep_inputs
from heatlab.liquidation.flows import open_interest_flows
from heatlab.liquidation.levels import placement_offsets
from heatlab.margin import default_brackets
from tests.liquidation import markets, reference


def inputs(count, closing, *, seed=1, with_open_interest=True, timeframe="1h", **changes):
    """Kernel arguments of a made-up market; open interest begins a third into it."""
    settings_ = MapSettings(closing=closing, **changes)
    table = markets.candles(count, timeframe, seed=seed)
    interest = markets.open_interest(table, seed=seed + 1).iloc[count // 3 :] if with_open_interest else None
    grid = price_grid(table, settings_)
    offsets = placement_offsets(
        settings_.tiers, None, venue="binanceusdm", brackets=default_brackets(), notional=1e4, jitter=settings_.jitter
    )
    flows = open_interest_flows(table, interest, settings_)
    every = np.arange(count, dtype=np.int64)
    return (*sweep_inputs(table, flows, offsets, grid=grid, settings=settings_), every, grid.n_bins), flows, table, grid


@pytest.mark.parametrize("closing", ["full", "proportional"])
@pytest.mark.parametrize("with_open_interest", [True, False])
def test_kernel_equals_plain_numpy(closing, with_open_interest):
    """The lazy sweep gives what whole-array operations give, both closing models."""
    arguments, *_ = inputs(700, closing, with_open_interest=with_open_interest)
    for ours, plain in zip(_kernel.sweep(*arguments), reference.sweep(*arguments), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-8, atol=1e-8)


def test_kernel_equals_plain_numpy_over_a_long_decay():
    """Folding the running scale into the bins loses nothing when it gets tiny."""
    arguments, *_ = inputs(900, "proportional", timeframe="4h", recency_half_life="1h")
    for ours, plain in zip(_kernel.sweep(*arguments), reference.sweep(*arguments), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-8, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    closing=st.sampled_from(["full", "proportional"]),
    with_open_interest=st.booleans(),
    rho=st.floats(0, 0.5),
)
def test_mass_is_conserved_and_sides_equal_open_interest(seed, closing, with_open_interest, rho):
    """Placed = consumed + closed + on grid + off grid, and long = short = open interest, after every candle."""
    arguments, flows, *_ = inputs(250, closing, seed=seed, with_open_interest=with_open_interest, rho=rho)
    ledger = _kernel.sweep(*arguments)[2]
    placed, consumed, closed, near, far = np.moveaxis(ledger, 2, 0)
    scale = max(placed.max(), 1e-9)
    np.testing.assert_allclose((placed - consumed - closed - near - far) / scale, 0, atol=1e-9)
    np.testing.assert_allclose(near + far, np.repeat(flows.target[:, None], 2, axis=1), rtol=1e-9, atol=1e-9)
    assert (ledger >= 0).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), closing=st.sampled_from(["full", "proportional"]))
def test_nothing_stays_on_the_wrong_side(seed, closing):
    """No long at or above the bar's low and the close, no short at or below its high and the close; nothing < 0."""
    arguments, _, table, grid = inputs(200, closing, seed=seed)
    columns = _kernel.sweep(*arguments)[0]
    close = grid.positions(table["close"].to_numpy()).astype(int)
    bins = np.arange(grid.n_bins)
    assert (columns >= 0).all()
    assert not columns[0][bins[None, :] >= close[:, None]].any()
    assert not columns[1][bins[None, :] <= close[:, None]].any()


def test_grid_mass_matches_the_ledger():
    """Without recency the columns add up to the mass on the grid."""
    arguments, *_ = inputs(300, "full", recency_half_life=None)
    columns, by_tier, ledger = _kernel.sweep(*arguments)
    np.testing.assert_allclose(columns.sum(axis=2).T, ledger[:, :, _kernel.NEAR], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(by_tier.sum(axis=1), columns[:, -1], rtol=1e-9, atol=1e-9)


def test_older_and_losing_classes_close_faster():
    """Twice the weight closes twice the share; a class that is gone passes the rest on."""
    assert _kernel.closing_shares(np.array([100.0, 100.0]), np.array([1.0, 2.0]), 30.0).tolist() == [0.1, 0.2]
    np.testing.assert_allclose(_kernel.closing_shares(np.array([100.0, 10.0]), np.array([1.0, 4.0]), 60.0), [0.5, 1.0])


def test_proxy_levels_fade():
    """Flows of 10 that halve each bar."""
    assert _kernel.proxy_levels(np.array([10.0, 10.0, 0.0]), 0.5).tolist() == [10.0, 15.0, 7.5]
