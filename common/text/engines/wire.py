"""Requests and tokens as plain JSON values, for the road between two processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from common.text.engine import GenerationRequest, Message, SamplingSettings, Token


def request_to_wire(request: GenerationRequest) -> dict[str, Any]:
    """A request as JSON-able values."""
    return asdict(request)


def request_from_wire(values: dict[str, Any]) -> GenerationRequest:
    """The request that ``request_to_wire`` wrote."""
    messages, ids = values["messages"], values["prompt_ids"]
    sampling = {**values["sampling"], "stop": tuple(values["sampling"]["stop"])}
    return GenerationRequest(
        messages=None if messages is None else tuple(Message(**message) for message in messages),
        prompt=values["prompt"],
        prompt_ids=None if ids is None else tuple(ids),
        sampling=SamplingSettings(**sampling),
        continue_last=values["continue_last"],
    )


def token_to_wire(token: Token) -> list[Any]:
    """A token as a list in the order of its fields; ``Token(*list)`` reads it."""
    return [token.id, token.text, token.logprob, token.special]
