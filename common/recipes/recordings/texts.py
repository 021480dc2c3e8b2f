"""Texts with the probabilities of their tokens, and what single attention heads look at: the embedded chat model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from common.recordings.recording import AttentionPart, Candidate, TextPart, Written
from common.text.attention_heads import strongest
from common.text.engine import GenerationRequest, Message, SamplingSettings, Token, TokenBundle
from common.text.models import TextModels

# Tokens shown for each place; beyond that nobody reads.
_TOP = 5
_PLACES = 5  # digits after the decimal mark


def request_of(kept: dict[str, Any]) -> GenerationRequest:
    """What ``TextPart.request`` holds, as the engine takes it."""
    sampling = SamplingSettings(**{**kept["sampling"], "stop": tuple(kept["sampling"].get("stop", ()))})
    messages = kept.get("messages")
    return GenerationRequest(
        messages=None if messages is None else tuple(Message(**message) for message in messages),
        prompt=kept.get("prompt"),
        sampling=sampling,
        continue_last=kept.get("continue_last", False),
    )


def kept_of(request: GenerationRequest) -> dict[str, Any]:
    """The other way round; what has its default is left out."""
    usual = SamplingSettings()
    sampling = {
        field.name: getattr(request.sampling, field.name)
        for field in fields(SamplingSettings)
        if getattr(request.sampling, field.name) != getattr(usual, field.name)
    }
    kept: dict[str, Any] = {"sampling": sampling}
    if request.messages is not None:
        kept["messages"] = [asdict(message) for message in request.messages]
    if request.prompt is not None:
        kept["prompt"] = request.prompt
    if request.continue_last:
        kept["continue_last"] = True
    return kept


async def write(models: TextModels, request: GenerationRequest) -> list[Token]:
    """All tokens of the answer."""
    tokens: list[Token] = []
    async for event in models.engine().stream(request):
        if isinstance(event, TokenBundle):
            tokens += event.tokens
    return tokens


def said(part: TextPart) -> str:
    """The text alone, without the control tokens that end it."""
    return "".join(token.text for token in part.tokens if not token.special).strip()


async def text_part(models: TextModels, request: GenerationRequest, label: str = "") -> TextPart:
    """Write a text, and look up what else could have come at each of its places."""
    request = replace(request, sampling=replace(request.sampling, seed=request.sampling.seed or 1))
    prompt = await models.engine().tokenize(request)
    tokens = await write(models, request)
    ids = [token.id for token in (*prompt, *tokens) if token.id is not None]
    found = await models.glass_box().candidates(ids, len(prompt), _TOP)
    return TextPart(
        label=label,
        prompt="".join(token.text for token in prompt),
        request=kept_of(request),
        tokens=tuple(
            Written(
                id=token.id if token.id is not None else -1,
                text=token.text,
                logprob=round(token.logprob or 0.0, _PLACES),
                special=token.special,
                candidates=tuple(Candidate(text=one.text, probability=round(one.probability, _PLACES)) for one in rows),
            )
            for token, rows in zip(tokens, found, strict=False)
        ),
    )


async def attention_parts(models: TextModels, sentence: str, word: str, targets: Sequence[str]) -> list[AttentionPart]:
    """For each of ``targets``, the head that looks most from ``word`` at it, beyond what its place gives."""
    tokens = await models.engine().tokenize(GenerationRequest(prompt=sentence))
    pieces = [token.text for token in tokens]
    ids = [token.id for token in tokens if token.id is not None]

    def place(wanted: str) -> int:
        return next(number for number, piece in enumerate(pieces) if piece.strip() == wanted)

    links = [(place(word), place(target)) for target in targets]
    glass = models.glass_box()
    found = await glass.attention_links(ids, links)
    parts = []
    for surplus in found:
        best = strongest(surplus, 1)[0]
        weights = await glass.attention(ids, best.layer, best.head)
        rows = tuple(
            tuple(int(weight) for weight in np.rint(1000 * row[: number + 1])) for number, row in enumerate(weights)
        )
        parts.append(
            AttentionPart(tokens=tuple(pieces), ids=tuple(ids), layer=best.layer, head=best.head, weights=rows)
        )
    return parts
