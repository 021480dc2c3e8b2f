"""Beam search, one step at a time: several translations grow side by side, and the least probable ones are dropped.

At every step each beam is continued by every token of the vocabulary. Of all these continuations the best twice as many
as there are beams are looked at. One that writes the end token is a finished translation if it is among the best; of
the others the best become the next beams. A translation is judged by the log-probability of all its tokens together;
finished ones, which are of different lengths, by its mean per token. The search ends when no beam can become better
than the worst finished translation that is kept.

Gives what ``generate(num_beams=…)`` of transformers gives with its usual settings (length penalty 1, no early
stopping), and the whole tree on the way. Knows nothing about pages.

S tokens of the source, d numbers per token, V tokens in the vocabulary, B beams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from common.translation.trace import MAX_STEPS, check_source, encode, never_written, remember_source

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EncoderDecoderCache, MarianMTModel

MAX_BEAMS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """One continuation that was looked at.

    Attributes:
        parent: place in the tree of the node it continues; None at the first step.
        step: counted from 0.
        token: the token added.
        chance: its probability after its parent.
        score: log-probability of all tokens up to here.
        state: it goes on as a beam, is a finished translation, or was dropped.
    """

    parent: int | None
    step: int
    token: int
    chance: float
    score: float
    state: Literal["beam", "finished", "dropped"]


@dataclass(frozen=True, slots=True)
class BeamTree:
    """The whole search.

    Attributes:
        nodes: all continuations looked at, step by step, the best first within a step.
        finished: places in ``nodes`` of the translations kept, the best first.
    """

    nodes: tuple[Node, ...]
    finished: tuple[int, ...]

    def path(self, place: int) -> list[int]:
        """Places of the nodes from the first token to this one."""
        found: list[int] = []
        now: int | None = place
        while now is not None:
            found.append(now)
            now = self.nodes[now].parent
        return found[::-1]

    def tokens(self, place: int) -> list[int]:
        """The tokens up to a node."""
        return [self.nodes[one].token for one in self.path(place)]

    def mean(self, place: int) -> float:
        """Log-probability per token up to a node: what finished translations are compared by."""
        return self.nodes[place].score / (self.nodes[place].step + 1)


def beam_search(model: MarianMTModel, source: Sequence[int], beams: int, *, limit: int = MAX_STEPS) -> BeamTree:
    """Search for the most probable translation with ``beams`` beams.

    Args:
        source: token ids with the end token, and the language token in front where the model takes one.
        limit: most steps; translations that are not finished then are taken as they are.

    Raises:
        SentenceTooLong, EmptyPrompt.
    """
    import torch
    from transformers import DynamicCache, EncoderDecoderCache

    check_source(model, source)
    end, banned = model.config.eos_token_id, never_written(model)
    nodes: list[Node] = []
    finished: list[int] = []

    vectors = encode(model, source)  # (1, S, d)
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    remember_source(model, vectors, cache)
    running: list[int | None] = [None]  # places of the beams in the tree; the search begins with a single, empty one
    read, scores = [int(model.config.decoder_start_token_id)], torch.zeros(1)

    limit = min(limit, int(model.config.max_position_embeddings))
    for step in range(limit):
        log_chances = _next_tokens(model, read, vectors, cache)  # (B, V)
        log_chances[:, banned] = -float("inf")
        best = (log_chances + scores[:, None]).flatten().topk(2 * beams)  # over all beams and tokens
        here = len(nodes)
        kept: list[tuple[int, int]] = []  # row of the parent, place in the tree
        for rank, (score, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            row, token = divmod(place, log_chances.shape[1])
            state: Literal["beam", "finished", "dropped"] = "dropped"
            if token == end or step == limit - 1:
                if rank < beams:
                    state = "finished"
                    finished.append(len(nodes))
            elif len(kept) < beams:
                state = "beam"
                kept.append((row, len(nodes)))
            chance = float(log_chances[row, token].exp())
            nodes.append(Node(running[row], step, token, chance, score, state))

        tree = BeamTree(tuple(nodes), ())
        finished = sorted(finished, key=tree.mean, reverse=True)[:beams]
        if not kept or not _can_improve(tree, finished, beams, kept[0][1]):
            break
        # Keys and values follow their beams: a beam with two children is doubled, one without is gone.
        rows = torch.tensor([row for row, _ in kept], device=vectors.device)
        cache.reorder_cache(cast("torch.LongTensor", rows))
        vectors = vectors[rows]
        running = [place for _, place in kept]
        read = [nodes[place].token for _, place in kept]
        scores = best.values[[place - here for _, place in kept]]
    return BeamTree(tuple(nodes), tuple(finished))


def _next_tokens(model: MarianMTModel, read: Sequence[int], vectors: Tensor, cache: EncoderDecoderCache) -> Tensor:
    """Each beam reads one token; log-probabilities of the next: (B, V)."""
    import torch

    with torch.inference_mode():
        output = model.model.decoder(
            input_ids=torch.tensor(list(read), device=model.device)[:, None],  # (B, 1)
            encoder_hidden_states=vectors,
            past_key_values=cache,
            use_cache=True,
        )
        logits = model.lm_head(output.last_hidden_state[:, -1]) + model.final_logits_bias
        log_chances: Tensor = logits.float().log_softmax(-1).cpu()
    return log_chances.clone()  # what is made in inference mode cannot be changed outside it


def _can_improve(tree: BeamTree, finished: Sequence[int], beams: int, best: int) -> bool:
    """Whether the best beam is still ahead of the worst finished translation, were it to end now.

    A guess: a longer translation can have a better mean. Transformers guesses the same.
    """
    return len(finished) < beams or tree.mean(best) > tree.mean(finished[-1])
