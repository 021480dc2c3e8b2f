"""A text put together again from its pieces: nothing is lost, whatever is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.translation.engine import Output
from common.translation.passage import _joined, _sorted


class Everything(dict[str, int]):
    """A vocabulary with every text in it."""

    def __contains__(self, text: object) -> bool:
        return True


class Echo:
    """A codec for which a text is one token, so that a translation can be the text itself."""

    def __init__(self) -> None:
        self.target_prefix: list[str] = []
        self.end = ""
        self.ids: dict[str, int] = Everything()

    def encode(self, text: str) -> list[str]:
        return [text]

    def decode(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)


SIGNS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("aB \n\r\t.,!?\u2028。"))


@given(st.text(SIGNS, max_size=1_000), st.sampled_from(["en", "de", "sk", "ja"]))
@settings(max_examples=150, deadline=None)
def test_translated_to_itself_no_character_is_lost(text: str, language: str) -> None:
    pieces, waiting, kept = _sorted(text, language, Echo())
    made = {number: [_itself(pieces[number].body)] for number in waiting}
    assert kept == 0 and _joined(pieces, waiting, made, Echo()) == text


@pytest.mark.parametrize("done", range(4))
def test_up_to_the_first_sentence_that_is_missing_nothing_is_lost(done: int) -> None:
    text = "  One here.\n\n1 2 3\nTwo there. Three, too. \n"
    pieces, waiting, _ = _sorted(text, "en", Echo())
    made: dict[int, Any] = {number: [_itself(pieces[number].body)] for number in waiting[:done]}
    said = _joined(pieces, waiting, made, Echo())
    assert text.startswith(said) and all(pieces[number].body in said for number in waiting[:done])
    assert len(waiting) == 3 and (said == text) == (done == 3)


def _itself(body: str) -> Output:
    return Output([body], 0.0)
