"""From ids to text: characters split over tokens, stop texts split over tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from common.text.engine import Token
from common.text.engines.assembler import TokenAssembler

BYTES = [bytes([value]) for value in range(256)]


def _feed(assembler: TokenAssembler, ids: list[int]) -> list[Token]:
    return [token for token_id in ids for token in assembler.add(token_id, -0.5)] + assembler.finish()


def _text(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


@given(st.text(max_size=60))
def test_bytes_come_together_as_the_text(text: str) -> None:
    tokens = _feed(TokenAssembler(BYTES, frozenset()), list(text.encode()))
    assert _text(tokens) == text
    assert [token.id for token in tokens] == list(text.encode())


def test_no_token_ends_inside_a_character() -> None:
    tokens = _feed(TokenAssembler(BYTES, frozenset()), list("é🙂".encode()))
    assert [token.text for token in tokens] == ["", "é", "", "", "", "🙂"]


def test_an_unfinished_character_becomes_the_replacement_sign() -> None:
    assert _text(_feed(TokenAssembler(BYTES, frozenset()), list("🙂".encode()[:2]))) == "\ufffd"


@given(
    st.text(alphabet="abc", max_size=40),
    st.lists(st.text(alphabet="abc", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_text_ends_before_the_first_stop(text: str, stops: list[str]) -> None:
    assembler = TokenAssembler(BYTES, frozenset(), stops)
    got = _text(_feed(assembler, list(text.encode())))
    # The first stop to be complete ends the text; among those complete at the same letter, the one that began first.
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    if not ends:
        assert got == text and not assembler.stopped
        return
    first_end = min(ends)[0]
    assert got == text[: min(start for end, start in ends if end == first_end)]
    assert assembler.stopped


def test_nothing_of_a_possible_stop_is_shown_early() -> None:
    assembler = TokenAssembler(BYTES, frozenset(), ["END"])
    assert _text(assembler.add(ord("a"), None)) == "a"
    assert assembler.add(ord("E"), None) == []
    assert assembler.add(ord("N"), None) == []
    assert _text(assembler.add(ord("x"), None)) == "ENx"


def test_special_tokens_are_marked() -> None:
    pieces = {**dict(enumerate(BYTES)), 300: b"<|im_end|>"}
    (token,) = TokenAssembler(pieces, frozenset({300})).add(300, -0.1)
    assert token == Token(300, "<|im_end|>", -0.1, special=True)
