"""What the step player knows about one sentence: its trace as it grows, and the tokens that a visitor forced.

The decoding runs in a thread of its own; pages get what has come so far, a few times a second.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field, replace

from common import errors
from common.errors import Phrase
from common.translation.models import Glass, TranslationModels
from common.translation.pieces import Piece, TargetTokens, source_pieces
from common.translation.trace import Encoding, Step, trace

# How often a page gets what has come, in seconds. A short sentence is finished before the first time.
_PAUSE = 0.2
_runs = itertools.count(1)
# The first sentence after loading pays for memory and code that later ones find ready; its times would mislead.
_warm: set[int] = set()


@dataclass(frozen=True, slots=True)
class Shown:
    """One sentence, translated step by step.

    Attributes:
        sentence, source, target: what was asked for; languages as ISO 639-1 codes.
        pieces: the source's tokens.
        tokens: names and texts of the target's tokens.
        forced: token ids by step, counted from 0.
        encoding: what was computed once; None until it has come.
        steps: what has come so far.
        complete: nothing more will come.
        usual: the model's own translation, where a token was forced.
        run: number of this decoding, a new one every time.
    """

    sentence: str
    source: str
    target: str
    pieces: tuple[Piece, ...]
    tokens: TargetTokens
    forced: Mapping[int, int]
    encoding: Encoding | None = None
    steps: tuple[Step, ...] = ()
    complete: bool = False
    usual: str = ""
    run: int = field(default_factory=lambda: next(_runs))

    @property
    def text(self) -> str:
        """The translation so far."""
        return self.tokens.text(step.chosen for step in self.steps)

    @property
    def ended(self) -> bool:
        """Whether the end token was written; otherwise the limit of steps was reached, or more is to come."""
        return bool(self.steps) and self.tokens.piece(self.steps[-1].chosen).control

    @property
    def layers(self) -> int:
        """Layers of the decoder."""
        return len(self.steps[0].cross) if self.steps else 0

    @property
    def heads(self) -> int:
        """Heads in each of them."""
        return self.steps[0].cross.shape[1] if self.steps else 0


def written_forced(tokens: TargetTokens, forced: Mapping[int, int]) -> str:
    """Forced tokens for an address: ``3=▁adore 5=</s>``, steps counted from 1."""
    return " ".join(f"{number + 1}={tokens.name(token)}" for number, token in sorted(forced.items()))


def read_forced(tokens: TargetTokens, written: str) -> dict[int, int]:
    """What ``written_forced`` wrote. Raises InvalidInput."""
    found: dict[int, int] = {}
    for part in written.split():
        number, sign, name = part.partition("=")
        if not sign or not number.isdecimal() or len(number) > 4 or int(number) < 1:
            raise errors.InvalidInput(field="force", allowed=Phrase("tokens_at_steps"))
        found[int(number) - 1] = tokens.id(name)
    return found


async def look(
    models: TranslationModels, sentence: str, source: str, target: str, forced: str = "", usual: str = ""
) -> AsyncGenerator[Shown, None]:
    """Translate a sentence, giving what has come so far a few times a second and once it is complete.

    Args:
        forced: as ``written_forced`` gives it.
        usual: the model's own translation where it is known already.

    Raises:
        UnsupportedPair, ModelUnavailable, EmptyPrompt, NothingToTranslate, SentenceTooLong, InvalidInput,
        NotSupported: the model is no Marian model.
    """
    glass = await asyncio.to_thread(open_glass, models, source, target)
    pieces, tokens = tuple(source_pieces(glass.codec, sentence)), TargetTokens(glass.codec)
    shown = Shown(sentence, source, target, pieces, tokens, read_forced(tokens, forced), usual=usual)
    events: list[Encoding | Step] = []
    gone = threading.Event()

    def work() -> str:
        """Fills ``events``; gives the model's own translation where one is wanted for comparison."""
        ids = [piece.id for piece in pieces]
        with glass.in_use():
            _warm_up(glass, ids)
            for event in trace(glass.model, ids, forced=shown.forced):
                events.append(event)
                if gone.is_set():
                    return ""
            if not shown.forced or usual:
                return usual
            return tokens.text(step.chosen for step in _steps(trace(glass.model, ids)))

    working = asyncio.create_task(asyncio.to_thread(work))
    seen = 0
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_PAUSE)
            if not working.done() and len(events) > max(seen, 1):
                seen = len(events)
                yield _grown(shown, events[:seen])
        comparison = await working
        yield replace(_grown(shown, events), complete=True, usual=comparison)
    finally:
        gone.set()


def open_glass(models: TranslationModels, source: str, target: str) -> Glass:
    """The model for a direction, whose steps can be shown. Raises as ``look`` does."""
    glass = models.glass(source, target)
    if glass.model.config.model_type != "marian":
        raise errors.NotSupported(what=Phrase("step_by_step", name=glass.name))
    return glass


def warm_up(models: TranslationModels, sentence: str, source: str, target: str) -> None:
    """Load the model for a direction and run it once.

    Raises:
        UnsupportedPair, ModelUnavailable, OutOfMemory, NotSupported.
    """
    glass = open_glass(models, source, target)
    with glass.in_use():
        _warm_up(glass, [piece.id for piece in source_pieces(glass.codec, sentence)])


def _warm_up(glass: Glass, ids: list[int]) -> None:
    if id(glass.model) not in _warm:
        list(trace(glass.model, ids, limit=2))
        _warm.add(id(glass.model))


def _steps(events: Iterator[Encoding | Step]) -> Iterator[Step]:
    return (event for event in events if isinstance(event, Step))


def _grown(shown: Shown, events: list[Encoding | Step]) -> Shown:
    first = events[0]
    assert isinstance(first, Encoding)  # noqa: S101 - the trace begins with it
    return replace(shown, encoding=first, steps=tuple(_steps(iter(events))))
