"""What the tab Inside the transformer knows about one text: asked of the glass box once, kept in the visitor's session.

Attention is asked for one head at a time, as it is looked at; all heads of a long text would be hundreds of megabytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common import errors
from common.text.attention_heads import Head, Word, strongest, words
from common.text.engine import Candidate, GenerationRequest, GlassBox, Token
from common.text.models import TextModels
from common.text.projection import planes

HEADS_SHOWN = 5
LENS_TOP = 3
NEXT_TOP = 10
# More labelled points than this cover each other.
POINTS = 96


@dataclass(frozen=True, slots=True)
class Pair:
    """A word, one it may look at, and the heads that do; None when the other word does not come before it."""

    source: Word
    target: Word
    heads: list[Head] | None


@dataclass(slots=True)
class Look:
    """One text, looked at from all sides. T tokens, layers counted from 0 (the embedding) where states are meant.

    Attributes:
        prompt: the text.
        tokens: its tokens.
        points, shares: the first ``POINTS`` tokens on a plane after every layer, and the share of the spread shown.
        norms: length of the residual stream after every layer but the last: (layers, T).
        heads: number of heads in a layer.
        following: the most probable next tokens.
        lens: what the model would say at ``lens_place`` if it stopped after each layer.
        weights: attention of the head ``shown`` (layer from 0, head from 0 or None for the mean).
        pairs: the pairs of words that were looked for.
    """

    prompt: str
    tokens: list[Token]
    points: NDArray[np.float64]
    shares: list[float]
    norms: NDArray[np.float32]
    heads: int
    following: list[Candidate]
    lens: list[list[Candidate]] = field(default_factory=list)
    lens_place: int = -1
    weights: NDArray[np.float32] | None = None
    shown: tuple[int, int | None] | None = None
    pairs: list[Pair] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """The tokens' numbers."""
        return [token.id for token in self.tokens if token.id is not None]

    @property
    def layers(self) -> int:
        """The model's layers, the embedding not among them."""
        return len(self.shares) - 1

    @property
    def words(self) -> list[Word]:
        """The words of the text."""
        return words([token.text for token in self.tokens])

    def place(self, wanted: int) -> int:
        """A place that this text has: the last one when it is shorter."""
        return min(wanted, len(self.tokens) - 1)


async def look_at(models: TextModels, prompt: str) -> Look:
    """Ask for everything that does not depend on a head or a place. Raises PromptTooLong, NotSupported, EmptyPrompt."""
    glass = models.glass_box()  # first: a remote model says here that it cannot be looked into
    tokens = await models.engine().tokenize(GenerationRequest(prompt=prompt))
    ids = [token.id for token in tokens if token.id is not None]
    # The smallest answer first: a text that is too long is refused before anything large is computed.
    links = await glass.attention_links(ids, [(0, 0)])
    states = await glass.hidden_states(ids)
    [following] = await glass.candidates(ids, len(ids), NEXT_TOP)
    points, shares = await asyncio.to_thread(planes, states[:, :POINTS])
    norms = np.linalg.norm(states[:-1], axis=-1)  # the last one is normalized already: its length says nothing
    return Look(prompt, tokens, points, shares, norms, links.shape[2], following)


async def read_lens(glass: GlassBox, said: Look, place: int) -> None:
    """What the model would say after each layer at a place."""
    if said.lens_place != place:
        found = await glass.logit_lens(said.ids, [place], LENS_TOP)
        said.lens, said.lens_place = [layer[0] for layer in found], place


async def read_head(glass: GlassBox, said: Look, layer: int, head: int) -> NDArray[np.float32]:
    """The attention of a head, as the page counts: layers from 1, heads from 1, 0 for the mean of the layer's heads."""
    if layer > said.layers:
        raise errors.InvalidInput(field="layer", allowed=errors.Phrase("whole_between", minimum=1, maximum=said.layers))
    if head > said.heads:
        raise errors.InvalidInput(field="head", allowed=errors.Phrase("whole_between", minimum=0, maximum=said.heads))
    wanted = layer - 1, head - 1 if head else None
    if said.weights is None or said.shown != wanted:
        said.weights, said.shown = await glass.attention(said.ids, *wanted), wanted
    return said.weights


async def read_pairs(glass: GlassBox, said: Look, source: Word, targets: Sequence[Word]) -> None:
    """The heads that look from one word to each of the others; a word of several tokens is meant by its last one."""
    before = [target for target in targets if target.last < source.last]
    found: dict[Word, list[Head]] = {}
    if before:
        links = await glass.attention_links(said.ids, [(source.last, target.last) for target in before])
        found = {target: strongest(link, HEADS_SHOWN) for target, link in zip(before, links, strict=True)}
    said.pairs = [Pair(source, target, found.get(target)) for target in targets]


def usual_pair(said: Look) -> tuple[int, int, int]:
    """Which words to look for at first: from the last one to "teacher" and "student", or else to the first two."""
    found = said.words
    letters = [index for index, word in enumerate(found) if word.text[0].isalpha()] or list(range(len(found)))
    if not letters:
        return 0, 0, 0
    source = letters[-1]
    named = [index for name in ("teacher", "student") for index in letters if found[index].text == name]
    targets = [index for index in dict.fromkeys([*named, *letters]) if index != source][:2] or [source]
    return source, targets[0], targets[-1]
