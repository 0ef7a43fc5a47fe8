"""Areas in proportion to sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.figures.treemap import headed_rows, squarify

SIZES = st.lists(st.floats(0.01, 100), min_size=1, max_size=30).map(lambda sizes: sorted(sizes, reverse=True))


def test_the_example_of_the_paper() -> None:
    """Areas 6, 6, 4, 3, 2, 2, 1 in a box of 6 x 4: two of 3 x 2 at the left."""
    tiles = squarify([6, 6, 4, 3, 2, 2, 1], (0.0, 0.0, 6.0, 4.0))
    np.testing.assert_allclose(tiles[0], [0, 0, 3, 2])
    np.testing.assert_allclose(tiles[1], [0, 2, 3, 2])
    np.testing.assert_allclose(tiles[2], [3, 0, 12 / 7, 7 / 3])


@settings(max_examples=50, deadline=None)
@given(sizes=SIZES)
def test_areas_are_in_proportion_and_inside(sizes: list[float]) -> None:
    """They fill the box, none leaves it, none overlaps another."""
    tiles = squarify(sizes, (10.0, 5.0, 300.0, 200.0))
    np.testing.assert_allclose(tiles[:, 2] * tiles[:, 3], np.array(sizes) / sum(sizes) * 60_000, rtol=1e-6)
    assert (tiles[:, 0] >= 10 - 1e-6).all()
    assert (tiles[:, 0] + tiles[:, 2] <= 310 + 1e-6).all()
    assert (tiles[:, 1] + tiles[:, 3] <= 205 + 1e-6).all()
    for k, (left, top, width, height) in enumerate(tiles):
        other = tiles[k + 1 :]
        apart_x = (other[:, 0] >= left + width - 1e-6) | (other[:, 0] + other[:, 2] <= left + 1e-6)
        apart_y = (other[:, 1] >= top + height - 1e-6) | (other[:, 1] + other[:, 3] <= top + 1e-6)
        assert (apart_x | apart_y).all()


@settings(max_examples=50, deadline=None)
@given(sizes=SIZES)
def test_bodies_under_their_headers_are_in_proportion(sizes: list[float]) -> None:
    """Headers take room from all alike."""
    boxes = headed_rows(sizes, width=1000, height=420, header=18, least=40)
    areas = np.array([body[2] * body[3] for _, body in boxes])
    np.testing.assert_allclose(areas / areas.sum(), np.array(sizes) / sum(sizes), rtol=1e-9)
    assert all(head[1] + head[3] == pytest.approx(body[1]) and head[2] == body[2] for head, body in boxes)
    assert max(body[1] + body[3] for _, body in boxes) == pytest.approx(420)


def test_nothing_has_no_tiles() -> None:
    """An empty book."""
    assert squarify([], (0, 0, 1, 1)).shape == (0, 4)
    assert headed_rows([], width=1, height=1, header=0.1, least=0.1) == []


def test_sizes_must_fall_and_be_positive() -> None:
    """Unknown and zero sizes are the caller's to leave out."""
    for sizes in ([1.0, 2.0], [1.0, 0.0], [np.nan]):
        with pytest.raises(ParameterError, match="'sizes' parameter of squarify must be above zero, largest first"):
            squarify(sizes, (0, 0, 1, 1))
