"""Giving a translation back to the parts of its source: nothing lost, in order, where attention says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from common.translation.spread import spread

WORDS = st.lists(st.sampled_from(["dog", "a", "čaj", "B.", "–", "(x)", "über"]), min_size=1, max_size=8)


def _tokens(text: str) -> list[str]:
    return [f"▁{word}" for word in text.split()]


def test_bold_words_stay_bold_where_attention_says_so() -> None:
    leaves = ["I love ", "red", " wine"]
    # "Milujem" looks at "I love", "červené" at "red", "víno" at "wine", "</s>" at nothing
    attention = [[0.4, 0.5, 0.05, 0.05, 0], [0, 0.1, 0.8, 0.1, 0], [0, 0, 0.1, 0.9, 0]]
    source = [*_tokens("I love red wine"), "</s>"]
    pieces = spread(leaves, source, "Milujem červené víno", _tokens("Milujem červené víno"), attention)
    assert pieces == ["Milujem ", "červené", " víno"]


def test_a_language_token_in_front_is_no_text() -> None:
    attention = [[0.1, 0.8, 0.1, 0], [0.1, 0.1, 0.8, 0]]
    source = [">>sk<<", "▁Good", "▁morning", "</s>"]
    assert spread(["Good", " morning"], source, "Dobré ráno", _tokens("Dobré ráno"), attention) == ["Dobré", " ráno"]


def test_a_part_with_words_keeps_one_at_least() -> None:
    attention = [[1.0, 0, 0]] * 3  # everything looks at the first word
    pieces = spread(["one ", "two ", "three"], _tokens("one two three"), "x y z", _tokens("x y z"), attention)
    assert [piece.strip() for piece in pieces] == ["x", "y", "z"]


def test_white_space_gets_no_words() -> None:
    attention = [[0.5, 0.5], [0.5, 0.5]]
    pieces = spread(["one", " ", "two"], _tokens("one two"), "x y", _tokens("x y"), attention)
    assert "".join(pieces) == "x y" and not pieces[1].strip()


@given(WORDS, WORDS, st.data())
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_and_the_order_stays(source: list[str], target: list[str], data: st.DataObject) -> None:
    text = " ".join(source)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    leaves = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    weights = st.lists(st.floats(0, 1), min_size=len(source), max_size=len(source))
    attention = data.draw(st.lists(weights, min_size=len(target), max_size=len(target)))
    said = " ".join(target)
    pieces = spread(leaves, _tokens(text), said, _tokens(said), attention)
    assert len(pieces) == len(leaves)
    assert "".join(pieces) == said
