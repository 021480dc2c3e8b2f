"""OpenAI's protocol as plain values: a request becomes a JSON body, a streamed chunk becomes tokens.

Nearly every server of language models speaks this protocol, each with its own small differences; the ones this file
knows are named where they matter. It opens no connection and knows no address and no key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.text.engine import Finished, FinishReason, GenerationRequest, Token

JsonObject = dict[str, Any]

VLLM, LLAMA_CPP = "vllm", "llamacpp"  # the names under which these servers own their models
# What is asked for only to show more. A server that refuses one of these is asked again without it.
OPTIONAL_FIELDS = ("logprobs", "stream_options")

# "This prompt is too long", as vLLM, OpenAI, llama.cpp and TGI say it.
_TOO_LONG = (
    re.compile(r"context length is (?P<limit>\d+) tokens\D+(?P<tokens>\d+)"),
    re.compile(r"request \((?P<tokens>\d+) tokens\) exceeds the available context size \((?P<limit>\d+)"),
    re.compile(r"`inputs`\D+(?P<limit>\d+)\D+(?P<tokens>\d+)"),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One streamed chunk.

    Attributes:
        tokens: the new text; servers send one token or a few in a chunk.
        reason: why the completion ended, in the last chunk with text and None before.
        prompt_tokens, new_tokens: the server's own counts, 0 where it sent none.
    """

    tokens: tuple[Token, ...] = ()
    reason: FinishReason | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0


@dataclass(slots=True)
class Tally:
    """What has arrived of one answer.

    Attributes:
        chunks: how many there were.
        counted: tokens in them; ``new_tokens`` is the server's own count, 0 if it tells none.
        rated: some tokens came with their probability.
        first: seconds until the first token.
        reason: why the answer ended; None while it has not.
    """

    chunks: int = 0
    counted: int = 0
    rated: bool = False
    prompt_tokens: int = 0
    new_tokens: int = 0
    first: float = 0.0
    reason: FinishReason | None = None

    def add(self, chunk: Chunk, now: float) -> None:
        """Count one more chunk, which arrived ``now`` seconds after the request."""
        self.chunks += 1
        self.counted += len(chunk.tokens)
        self.rated = self.rated or any(token.logprob is not None for token in chunk.tokens)
        self.prompt_tokens = chunk.prompt_tokens or self.prompt_tokens
        self.new_tokens = chunk.new_tokens or self.new_tokens
        self.reason = self.reason or chunk.reason
        if chunk.tokens:
            self.first = self.first or now

    def finished(self, reason: FinishReason, now: float) -> Finished:
        """The last event. Both times in seconds since the request."""
        return Finished(reason, self.prompt_tokens, self.new_tokens or self.counted, self.first or now, now)


class ServerFailure(Exception):
    """The server reports, in the middle of its stream, that it failed, with a message or without.

    ``overloaded`` when it has too much to do.
    """

    def __init__(self, message: str, overloaded: bool = False) -> None:
        super().__init__(message)
        self.overloaded = overloaded


def request_body(request: GenerationRequest, model: str, seed: int) -> JsonObject:
    """The part of a request that OpenAI's protocol has words for.

    A ``top_p`` that is off is left out, because TGI takes only values below 1.
    """
    sampling = request.sampling
    body: JsonObject = {
        "model": model,
        "temperature": sampling.temperature,  # all servers take 0 for greedy
        "max_tokens": sampling.max_new_tokens,
        "seed": seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if sampling.top_p < 1:
        body["top_p"] = sampling.top_p
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.json_schema is not None:
        schema = {"name": "completion", "strict": True, "schema": json.loads(sampling.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.messages is not None:
        # In chat, logprobs is a switch; in raw completions it is the number of alternatives, and 0 means none at all.
        body |= {"messages": [{"role": turn.role, "content": turn.content} for turn in request.messages]}
        return body | {"logprobs": True}
    return body | {"prompt": request.prompt, "logprobs": 1}


def extra_fields(request: GenerationRequest, owner: str = "") -> JsonObject:
    """What the protocol has no words for, under the names that vLLM uses; only what is switched on.

    Args:
        request: the request.
        owner: who made the server, as its list of models says (``owned_by``); llama.cpp has a name of its own.
    """
    sampling = request.sampling
    fields: JsonObject = {}
    if sampling.top_k > 0:
        fields["top_k"] = sampling.top_k
    if sampling.min_p > 0:
        fields["min_p"] = sampling.min_p
    if sampling.repetition_penalty != 1:
        fields["repeat_penalty" if owner == LLAMA_CPP else "repetition_penalty"] = sampling.repetition_penalty
    if sampling.ignore_eos:
        fields["ignore_eos"] = True
    if request.continue_last:
        fields |= {"continue_final_message": True, "add_generation_prompt": False}
    return fields


def read_chunk(event: object) -> Chunk:
    """One chunk of a chat or of a raw completion.

    Raises:
        ServerFailure: the event is an error.
        ValueError: the event is no chunk.
    """
    if not isinstance(event, Mapping):
        raise ValueError("the event is not an object")
    if event.get("error"):
        raise ServerFailure(error_message(event), overloaded=event.get("error_type") == "overloaded")
    usage, choices = event.get("usage") or {}, event.get("choices") or []
    if not isinstance(usage, Mapping) or not isinstance(choices, Sequence):
        raise ValueError("the event has no usable choices")
    prompt_tokens, new_tokens = count_in(usage, "prompt_tokens"), count_in(usage, "completion_tokens")
    if not choices:  # the last chunk of many servers carries the counts alone
        return Chunk(prompt_tokens=prompt_tokens, new_tokens=new_tokens)
    choice = choices[0]
    delta = (choice.get("delta") or {}) if isinstance(choice, Mapping) else None
    if not isinstance(delta, Mapping):
        raise ValueError("the event's choice is not an object")
    text = delta.get("content") or choice.get("text") or ""
    if not isinstance(text, str):
        raise ValueError("the event's text is not text")
    tokens = _tokens(text, _logprobs(choice.get("logprobs")))
    return Chunk(tokens, _reason(choice.get("finish_reason")), prompt_tokens, new_tokens)


def count_in(values: object, name: str) -> int:
    """The whole number called ``name`` in a JSON object; 0 when there is none."""
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, int) else 0


def _logprobs(given: object) -> list[tuple[str, float]]:
    """(token, natural log of its probability) pairs, from either of the two forms; empty when there are none."""
    if not isinstance(given, Mapping):
        return []
    pairs: list[tuple[Any, Any]]
    if isinstance(given.get("content"), Sequence):  # chat; llama.cpp uses it for raw completions too
        pairs = [(item.get("token"), item.get("logprob")) for item in given["content"] if isinstance(item, Mapping)]
    else:
        pairs = list(zip(given.get("tokens") or (), given.get("token_logprobs") or (), strict=False))
    return [(str(token), float(logprob)) for token, logprob in pairs if isinstance(logprob, int | float)]


def _tokens(text: str, logprobs: list[tuple[str, float]]) -> tuple[Token, ...]:
    """The chunk's text as tokens: with their log-probabilities where the server gave them."""
    if not logprobs:
        return (Token(None, text),) if text else ()
    if "".join(token for token, _ in logprobs) == text:
        return tuple(Token(None, token, logprob) for token, logprob in logprobs)
    # The server spells tokens in another way than the text, for example where one character is split over several
    # of them: the text is what counts, and it arrives with the last one.
    *early, last = logprobs
    return (*(Token(None, "", logprob) for _, logprob in early), Token(None, text, last[1]))


def _reason(given: object) -> FinishReason | None:
    """OpenAI says "stop" and "length"; TGI says "eos_token" and "stop_sequence" for the first."""
    if not given:
        return None
    if given in ("abort", "error"):  # vLLM, when it shuts down or fails
        raise ServerFailure("")
    return "length" if given == "length" else "stop"


def error_message(answer: object) -> str:
    """A server's own words, from any of the forms in use, on one line."""
    while isinstance(answer, Mapping):
        answer = answer.get("error") or answer.get("message") or answer.get("detail")
    if isinstance(answer, Sequence) and not isinstance(answer, str):  # FastAPI lists what it found wrong
        answer = "; ".join(str(item.get("msg", "")) for item in answer if isinstance(item, Mapping))
    return " ".join(str(answer or "").split())


def too_long(message: str) -> tuple[int, int] | None:
    """(tokens of the prompt, tokens there is room for) when the message says that the prompt does not fit."""
    for pattern in _TOO_LONG:
        if found := pattern.search(message):
            return int(found["tokens"]), int(found["limit"])
    return None
