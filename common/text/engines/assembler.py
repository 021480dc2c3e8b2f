"""From token ids to text, while they arrive: whole characters only, and no piece of a stop text.

A byte-level vocabulary may split one character over several tokens, so bytes are held back until they form text.
Likewise tokens are held back while their end could still be the start of a stop text. Knows nothing about models.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from common.text.engine import Token


class StopFilter:
    """Cuts a stream of tokens at the first stop text, which is not part of the result.

    Args:
        stop: texts that end the completion; without any, every token passes at once.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(text for text in stop if text)
        self._held: list[Token] = []
        self.stopped = False

    def add(self, token: Token) -> list[Token]:
        """Take one token; return the tokens that are now certain (maybe none, maybe several)."""
        if self.stopped:
            return []
        self._held.append(token)
        if not self._stop:
            return self.release()
        text = "".join(held.text for held in self._held)
        found = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            return _cut(self.release(), min(found))
        keep_from = len(text) - _longest_start(text, self._stop)
        ready: list[Token] = []
        length = 0
        while self._held and length + len(self._held[0].text) <= keep_from:
            token = self._held.pop(0)
            length += len(token.text)
            ready.append(token)
        return ready

    def release(self) -> list[Token]:
        """What is still held back, now that no stop text can follow."""
        held, self._held = self._held, []
        return held


class TokenAssembler:
    """Turns ids into ``Token`` objects for one request.

    Args:
        pieces: the bytes of every token, by id.
        specials: ids of control tokens; they are passed on, marked, and add nothing to the text.
        stop: texts that end the completion; they are not part of it.
    """

    def __init__(
        self, pieces: Sequence[bytes] | Mapping[int, bytes], specials: Set[int], stop: Sequence[str] = ()
    ) -> None:
        self._pieces = pieces
        self._specials = specials
        self._filter = StopFilter(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def stopped(self) -> bool:
        """Whether a stop text came; nothing more follows."""
        return self._filter.stopped

    def add(self, token_id: int, logprob: float | None) -> list[Token]:
        """Take one id; return the tokens that are now certain (maybe none, maybe several)."""
        if self.stopped:
            return []
        if token_id in self._specials:
            token = Token(token_id, self._pieces[token_id].decode("utf-8", "replace"), logprob, special=True)
            return [*self._filter.release(), token]
        return self._filter.add(Token(token_id, self._decoder.decode(self._pieces[token_id]), logprob))

    def finish(self) -> list[Token]:
        """What is still held back when the model ends: bytes without an end become the replacement character."""
        if self.stopped:
            return []
        tokens = self._filter.release()
        rest = self._decoder.decode(b"", final=True)
        if rest and tokens:
            tokens[-1] = replace(tokens[-1], text=tokens[-1].text + rest)
        elif rest:
            tokens.append(Token(None, rest))
        return tokens


def _longest_start(text: str, stops: Sequence[str]) -> int:
    """Length of the longest end of ``text`` that begins one of ``stops``."""
    return max(
        (size for stop in stops for size in range(1, min(len(stop), len(text) + 1)) if text.endswith(stop[:size])),
        default=0,
    )


def _cut(tokens: Sequence[Token], length: int) -> list[Token]:
    """The tokens that make up the first ``length`` characters, the last one shortened if need be."""
    kept: list[Token] = []
    for token in tokens:
        if length <= 0:
            break
        kept.append(Token(token.id, token.text[:length], token.logprob, token.special))
        length -= len(token.text)
    return kept
