"""How much each token of the source counts for a word of the translation: integrated gradients, by captum.

The source's embeddings are faded in from nothing, in small steps on a straight line. At each step the gradient says how
much the log-probability of the word would rise with a little more of each token; summed up along the line that is the
token's share. All shares together are the difference that the whole source makes (completeness), up to what is lost by
taking steps. A trained model changes its mind suddenly: within a hundredth of the line the probability of a word may
jump, and even steps would miss that. So the line is cut where the shares of a piece miss what happens from its one end
to the other, again and again, until little is missed.

Where attention only says where one layer looked, this follows every path from a token to the word. It depends on what
"nothing" is: here the embedding of the padding token, which means no text.

Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic Attribution for Deep Networks" (2017).
Knows nothing about pages.

S tokens of the source, d numbers per token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.translation.trace import check_source

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import MarianMTModel

# Steps on the line at most, where the gradient is looked at.
POINTS = 512
# Enough steps are taken when all pieces together miss at most this part of the difference (or so many nats, for a
# difference near nothing).
_MISSED = 0.05
_MISSED_NATS = 0.02
_STEPS = 4  # in a piece of the line, where Gauss and Legendre put them
_PIECES = 4  # measured in one batch; between two batches a reader can be told, and can stop


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a word of the translation owes to the source.

    Attributes:
        shares: of each source token, in nats (log-probability), negative where it speaks against the word: (S,).
        given: log-probability of the word after the words before it, with the whole source.
        empty: the same with nothing in place of the source.
        points: steps that were taken on the line between the two.
        seconds: how long it took.
    """

    shares: NDArray[np.float32]
    given: float
    empty: float
    points: int
    seconds: float

    @property
    def difference(self) -> float:
        """What the source makes of the word, in nats."""
        return self.given - self.empty

    @property
    def lost(self) -> float:
        """By how much the shares miss the difference, in nats: 0 if the steps were infinitely small."""
        return float(self.shares.sum()) - self.difference


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the line: from where to where (0 nothing, 1 all of the source), the log-probabilities there, and what
    the gradients in between make of each token: (S,).
    """

    start: float
    stop: float
    before: float
    after: float
    shares: NDArray[np.float32]

    @property
    def missed(self) -> float:
        return abs(float(self.shares.sum()) - (self.after - self.before))


def attribute(
    model: MarianMTModel,
    source: Sequence[int],
    written: Sequence[int],
    start: int,
    stop: int,
    *,
    points: int = POINTS,
    seen: Callable[[int], None] = lambda done: None,
) -> Attribution:
    """The shares of the source's tokens in ``written[start:stop]``, given what was written before.

    Args:
        source: token ids as the encoder reads them.
        written: token ids of the translation, without the start token.
        start, stop: the word in it; the log-probabilities of its tokens are added.
        points: steps on the line at most.
        seen: told how many steps are done; what it raises ends the work.

    Raises:
        EmptyPrompt, SentenceTooLong: as ``trace``.
    """
    import torch
    from captum.attr import IntegratedGradients

    check_source(model, source)
    started = time.perf_counter()
    # The decoder reads the start token and the translation up to the word's last token but one.
    read = torch.tensor([[int(model.config.decoder_start_token_id), *written[: stop - 1]]], device=model.device)
    wanted = torch.tensor(list(written[start:stop]), device=model.device)
    padding: int = model.model.encoder.padding_idx
    full, nothing = embeddings(model, source), embeddings(model, [padding] * len(source))

    def word_logprob(embedded: Tensor) -> Tensor:
        """(B, S, d) to (B,)."""
        vectors = model.model.encoder(inputs_embeds=embedded).last_hidden_state
        states = model.model.decoder(
            input_ids=read.expand(len(embedded), -1), encoder_hidden_states=vectors, use_cache=False
        ).last_hidden_state[:, start:]  # (B, tokens of the word, d)
        logprobs = (model.lm_head(states) + model.final_logits_bias).float().log_softmax(-1)
        found: Tensor = logprobs[:, range(len(wanted)), wanted].sum(-1)
        return found

    def at(places: Sequence[float]) -> Tensor:
        """Points on the line: (K, S, d)."""
        return nothing + torch.tensor(places, device=model.device)[:, None, None] * (full - nothing)

    def measured(bounds: Sequence[tuple[float, float, float, float]]) -> list[_Piece]:
        """From where to where, and the log-probabilities there."""
        starts, stops, *_ = zip(*bounds, strict=True)
        found = IntegratedGradients(word_logprob).attribute(
            at(stops), at(starts), n_steps=_STEPS, method="gausslegendre"
        )
        shares = found.sum(-1).float().cpu().numpy()  # (K, S, d) to (K, S)
        return [_Piece(*bound, share) for bound, share in zip(bounds, shares, strict=True)]

    def values(places: Sequence[float]) -> list[float]:
        with torch.no_grad():
            found: list[float] = word_logprob(at(places)).tolist()
        return found

    seen(0)
    places = [number / _PIECES for number in range(_PIECES + 1)]
    logprobs = values(places)
    empty, given = logprobs[0], logprobs[-1]
    pieces = measured(list(zip(places, places[1:], logprobs, logprobs[1:], strict=False)))
    done = batch = _STEPS * _PIECES
    enough = max(_MISSED * abs(given - empty), _MISSED_NATS)
    while sum(piece.missed for piece in pieces) > enough and done + batch <= points:
        seen(done)
        pieces.sort(key=lambda piece: piece.missed)
        worst = [pieces.pop() for _ in range(_PIECES // 2)]
        middles = [(piece.start + piece.stop) / 2 for piece in worst]
        halves: list[tuple[float, float, float, float]] = []
        for piece, middle, logprob in zip(worst, middles, values(middles), strict=True):
            halves.append((piece.start, middle, piece.before, logprob))
            halves.append((middle, piece.stop, logprob, piece.after))
        pieces += measured(halves)
        done += batch
    shares = np.stack([piece.shares for piece in pieces]).sum(0)
    return Attribution(shares, given, empty, done, time.perf_counter() - started)


def embeddings(model: MarianMTModel, source: Sequence[int]) -> Tensor:
    """What the encoder makes of token ids before it adds their places: (1, S, d)."""
    import torch

    encoder = model.model.encoder
    with torch.no_grad():
        found: Tensor = encoder.embed_tokens(torch.tensor([list(source)], device=model.device)) * encoder.embed_scale
    return found
