"""The search for heads: what stands out from position and sinks, and the words of a cut text."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from common import errors
from common.text.attention_heads import Word, link, strongest, words


def _random(seed: int, heads: int, length: int) -> NDArray[np.float64]:
    weights = np.tril(np.random.default_rng(seed).random((heads, length, length)))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


@given(st.integers(0, 2**20), st.integers(1, 4), st.integers(1, 12), st.data())
def test_a_link_is_the_weight_and_the_larger_mean(seed: int, heads: int, length: int, data: st.DataObject) -> None:
    weights = _random(seed, heads, length)
    source = data.draw(st.integers(0, length - 1))
    target = data.draw(st.integers(0, source))
    found = link(weights, source, target)
    assert found.shape == (heads, 2)
    np.testing.assert_array_equal(found[:, 0], weights[:, source, target])
    for head in range(heads):
        distance, column = [], []
        for i in range(length):
            for j in range(i + 1):
                if i != source and i - j == source - target and (j > 0 or target == 0):
                    distance.append(weights[head, i, j])
                if i != source and j == target and i > target:
                    column.append(weights[head, i, j])
        expected = max(np.mean(distance) if distance else 0, np.mean(column) if column else 0)
        assert found[head, 1] == pytest.approx(expected)


def test_heads_of_position_and_sinks_have_no_surplus_and_one_that_means_the_pair_has() -> None:
    length, source, target = 10, 8, 3
    position, sink, pair = np.zeros((3, length, length))
    for place in range(length):
        position[place, max(place - (source - target), 0)] = 1
        sink[place, min(place, target)] = 1
        pair[place, 0] = 1
    pair[source] = 0
    pair[source, target] = 1
    links = link(np.stack([position, sink, pair])[None], source, target)
    assert links.shape == (1, 3, 2)
    np.testing.assert_allclose(links[0, :, 0], 1)
    np.testing.assert_allclose(links[0, :, 1], [1, 1, 0])
    [found] = strongest(links, 5)
    assert (found.layer, found.head, found.weight, found.expected) == (0, 2, 1.0, 0.0)


@given(st.integers(0, 2**20), st.integers(1, 4), st.integers(1, 5), st.integers(1, 25))
def test_the_strongest_come_first(seed: int, layers: int, heads: int, count: int) -> None:
    links = np.random.default_rng(seed).random((layers, heads, 2))
    surplus = links[..., 0] - links[..., 1]
    found = strongest(links, count)
    got = [surplus[one.layer, one.head] for one in found]
    assert got == sorted((value for value in surplus.ravel() if value > 0), reverse=True)[:count]


@pytest.mark.parametrize(("source", "target"), [(2, 3), (5, 1), (1, -1)])
def test_a_link_that_cannot_be(source: int, target: int) -> None:
    with pytest.raises(errors.InvalidInput):
        link(_random(0, 1, 5), source, target)


def test_words_of_a_cut_text() -> None:
    assert words(["The", " tea", "cher", " saw", " 12", ".", "5", "\n", "Yes", "!"]) == [
        Word("The", 0, 0),
        Word("teacher", 1, 2),
        Word("saw", 3, 3),
        Word("12", 4, 4),
        Word(".", 5, 5),
        Word("5", 6, 6),
        Word("Yes", 8, 8),
        Word("!", 9, 9),
    ]


@given(st.lists(st.text(max_size=4), max_size=10))
def test_words_are_in_order_and_stand_apart(pieces: list[str]) -> None:
    found = words(pieces)
    assert all(word.text and word.first <= word.last for word in found)
    assert all(a.last < b.first for a, b in pairwise(found))
