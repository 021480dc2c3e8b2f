"""Planes: against the singular value decomposition, and that turning changes the view and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from common.text.projection import plane, planes, turned_to


def _distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=-1))


@given(st.integers(0, 2**20), st.integers(1, 12), st.integers(2, 20))
def test_a_plane_shows_what_the_first_two_components_hold(seed: int, count: int, width: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, width))
    flat, share = plane(points)
    centred = points - points.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * values[:2]
    np.testing.assert_allclose(_distances(flat), _distances(expected), atol=1e-6)
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum() if count > 1 else 1.0)


@given(st.integers(0, 2**20), st.integers(2, 10), st.floats(0, 6.3), st.booleans())
def test_a_turned_picture_comes_back_to_where_it_was(seed: int, count: int, angle: float, mirrored: bool) -> None:
    before = np.random.default_rng(seed).normal(size=(count, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn = turn @ np.diag([1, -1])
    np.testing.assert_allclose(turned_to(before @ turn, before), before, atol=1e-9)


@given(st.integers(0, 2**20), st.integers(1, 4), st.integers(1, 8))
def test_planes_of_layers(seed: int, layers: int, count: int) -> None:
    states = np.random.default_rng(seed).normal(size=(layers, count, 6))
    states[0, 0] = 0  # a state without a direction is no reason to fail
    pictures, shares = planes(states)
    assert pictures.shape == (layers, count, 2) and len(shares) == layers
    assert np.isfinite(pictures).all() and all(0 <= share <= 1 for share in shares)
    lengthened = states * np.random.default_rng(seed + 1).uniform(1, 9, size=(layers, count, 1))
    for picture, same in zip(pictures, planes(lengthened)[0], strict=True):
        np.testing.assert_allclose(_distances(same), _distances(picture), atol=1e-6)  # up to a turn of the whole


def test_a_state_that_does_not_change_does_not_move() -> None:
    layer = np.random.default_rng(3).normal(size=(7, 16))
    pictures, _ = planes(np.stack([layer, 5 * layer, layer]))
    np.testing.assert_allclose(pictures[1], pictures[0], atol=1e-9)
    np.testing.assert_allclose(pictures[2], pictures[0], atol=1e-9)
