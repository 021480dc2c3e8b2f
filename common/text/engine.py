"""What a text engine is: a request in, a stream of tokens out, and a way to stop.

This file holds the vocabulary that the tabs and the three engines share, and nothing else: it does not know how
a model is run, where it lives, or who asks.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as chat templates take it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How the next token is chosen from the logits. The order of work is that of ``common.text.sampling``.

    Attributes:
        temperature: divides the logits; 0 means greedy (always the most probable token).
        top_k: keep the k most probable tokens; 0 switches it off.
        top_p: keep the smallest set with this much probability; 1 switches it off (nucleus sampling).
        min_p: drop tokens less probable than min_p times the best one; 0 switches it off.
        repetition_penalty: divides positive and multiplies negative logits of tokens already seen; 1 is off.
        max_new_tokens: longest completion, in tokens.
        seed: makes the random choice repeatable; None lets the engine draw one and report it.
        stop: texts that end the completion.
        num_beams: above 1, beam search replaces sampling; the text then arrives in one piece at the end.
        ignore_eos: go on after the end-of-sequence token (benchmarks need equal lengths).
        json_schema: the completion has to be JSON of this schema (itself JSON), without white space between its signs.
            Write patterns with ^ and $: not every engine adds them.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    stop: tuple[str, ...] = ()
    num_beams: int = 1
    ignore_eos: bool = False
    json_schema: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Exactly one of ``messages`` (goes through the chat template), ``prompt`` (raw text) or ``prompt_ids`` is set.

    ``continue_last`` leaves the last message open, so that the completion continues it (a prefilled answer).
    """

    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    continue_last: bool = False

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.messages, self.prompt, self.prompt_ids)) != 1:
            raise ValueError("set exactly one of messages, prompt and prompt_ids")


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        id: place in the vocabulary; None when a remote server does not tell.
        text: what it adds to the text. A character split over several tokens arrives with its last one.
        logprob: natural log of the model's own probability (before temperature and filters); None if not known.
        special: a control token of the template, such as the end of a turn.
    """

    id: int | None
    text: str
    logprob: float | None = None
    special: bool = False


@dataclass(frozen=True, slots=True)
class PromptRead:
    """First event: the prompt as the model reads it. ``seed`` is the one in use."""

    tokens: int
    seed: int


@dataclass(frozen=True, slots=True)
class TokenBundle:
    """Some new tokens, and the seconds since the request was accepted when they were sent."""

    tokens: tuple[Token, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Last event.

    Attributes:
        reason: "stop" (the model ended or a stop text came), "length" (max_new_tokens), "cancelled".
        prompt_tokens, new_tokens: counts.
        first_token: seconds from acceptance to the first token (includes waiting and the prefill).
        seconds: seconds from acceptance to the last token.
    """

    reason: FinishReason
    prompt_tokens: int
    new_tokens: int
    first_token: float
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Decode speed: tokens after the first over the time they took; 0 when there was only one."""
        span = self.seconds - self.first_token
        return (self.new_tokens - 1) / span if self.new_tokens > 1 and span > 0 else 0.0


Event = PromptRead | TokenBundle | Finished


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What runs, for the status line and for tabs that need to know what they may ask for.

    Attributes:
        model: catalogue id, folder name, or the remote server's name for it.
        engine: "openvino", "transformers" or "remote".
        device: "cpu", "cuda", "mps", "zerogpu" or the remote address.
        context: context window in tokens (prompt and completion together).
        vocabulary: number of tokens, 0 when unknown.
        gives_ids, gives_logprobs, can_beam: what the token stream carries and what can be asked.
        can_constrain: ``json_schema`` can be asked for; a remote server may still refuse it (NotSupported).
    """

    model: str
    engine: str
    device: str
    context: int
    vocabulary: int = 0
    gives_ids: bool = True
    gives_logprobs: bool = True
    can_beam: bool = True
    can_constrain: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token the model could have chosen, with its probability (after softmax at temperature 1)."""

    id: int
    text: str
    probability: float


@runtime_checkable
class TextEngine(Protocol):
    """A running model. All methods may be called from any event loop, by many users at once."""

    async def info(self) -> EngineInfo:
        """Waits until the model is ready. Raises EngineStarting, ModelUnavailable, OutOfMemory."""

    def stream(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """Generate. Closing the iterator early cancels the request and frees its place in the batch.

        Raises:
            PromptTooLong, QueueFull, EngineStopped, RemoteServerError, NotSupported.
        """

    async def tokenize(self, request: GenerationRequest) -> list[Token]:
        """The prompt as tokens, chat template applied, special tokens marked. Raises NotSupported (remote)."""

    async def close(self) -> None:
        """Stop the model and free its memory."""


@runtime_checkable
class GlassBox(Protocol):
    """A model whose inside can be looked at. Arrays are float32."""

    async def next_logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Logits for the token after ``ids``: shape (vocabulary,)."""

    async def candidates(self, ids: Sequence[int], start: int, top: int = 10) -> list[list[Candidate]]:
        """For each position from ``start`` to the end of ``ids``, the ``top`` most probable tokens there.

        Entry i tells what could have stood at position ``start + i`` given everything before it, and a last entry
        what could follow ``ids``: len(ids) - start + 1 entries. Before the first token there is nothing to go by: with
        ``start`` 0 the first entry is empty.
        """

    async def attentions(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """How much each token looks at each earlier one: (layers, heads, tokens, tokens), rows add up to 1.

        Raises PromptTooLong above 128 tokens.
        """

    async def attention(self, ids: Sequence[int], layer: int, head: int | None = None) -> NDArray[np.float32]:
        """The attention of one head (None: the mean of the layer's heads): (tokens, tokens), rows add up to 1.

        Layers and heads count from 0. Raises PromptTooLong above 512 tokens, InvalidInput.
        """

    async def attention_links(self, ids: Sequence[int], links: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """For each pair (a token, an earlier one it may look at) and each head: the weight, and what was expected.

        Shape (links, layers, heads, 2); see ``attention_heads.link``. Raises PromptTooLong above 512 tokens,
        InvalidInput.
        """

    async def hidden_states(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """What the embedding and then each layer hands on: (layers + 1, tokens, width of the model).

        Raises PromptTooLong above 512 tokens.
        """

    async def logit_lens(
        self, ids: Sequence[int], positions: Sequence[int] = (-1,), top: int = 5
    ) -> list[list[list[Candidate]]]:
        """What the model would say next if it stopped after each layer.

        Entry [i][j] holds the ``top`` most probable tokens after layer i (0 is the embedding) at ``positions[j]``,
        a place in ``ids`` counted from the start, or from the end when negative. Raises PromptTooLong above 512 tokens,
        NotSupported.
        """
