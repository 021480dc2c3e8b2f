"""A model on another machine: any server that speaks OpenAI's protocol, or Hugging Face's Inference Providers.

The engine turns a request into the protocol's words, hands on the tokens as they come, and turns whatever goes wrong
into a sentence. It does not know how the bytes travel (``remote_http``) or how they are spelled (``openai_protocol``).
What stays on the other machine: the token ids, the logits and everything else inside the model.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from common import errors
from common.config import Settings, settings
from common.errors import Phrase
from common.text.engine import (
    EngineInfo,
    Event,
    GenerationRequest,
    PromptRead,
    Token,
    TokenBundle,
)
from common.text.engines.assembler import StopFilter
from common.text.engines.openai_protocol import (
    LLAMA_CPP,
    OPTIONAL_FIELDS,
    VLLM,
    Chunk,
    ServerFailure,
    Tally,
    count_in,
    extra_fields,
    read_chunk,
    request_body,
)
from common.text.engines.remote_errors import explain
from common.text.engines.remote_http import (
    EXAMPLE_ADDRESS,
    Refused,
    Unreachable,
    checked_address,
    checked_key,
    fetch_json,
    plain,
    provider_events,
    server_events,
)

log = logging.getLogger(__name__)


class RemoteEngine:
    """A text engine whose model runs elsewhere.

    Args:
        config: where, with which key and which model; the process's own settings by default. An address comes before
            a provider.
        silence: longest wait for the next piece of an answer, in seconds. A busy server lets a request wait in line
            before it says anything, so this must be longer than people are asked to wait.

    Raises:
        InvalidInput: the settings name no usable server.

    Example:
        >>> engine = RemoteEngine(Settings(remote_url="http://localhost:8000/v1"))
        >>> async for event in engine.stream(GenerationRequest(messages=(Message("user", "Hello"),))): ...
    """

    def __init__(self, config: Settings | None = None, silence: float = 120.0) -> None:
        config = config or settings()
        self._url = config.remote_url.strip().rstrip("/")
        self._provider = "" if self._url else config.remote_provider.strip()
        self._model = "" if config.model == "auto" else config.model
        self._key = checked_key(config.remote_key)
        self._silence = silence
        self._most = config.max_active + config.max_waiting
        if self._url:
            self.address = checked_address(self._url)
        elif not self._provider:
            raise errors.InvalidInput(
                field="DEMYSTIFY_REMOTE_URL", allowed=Phrase("address_like", example=EXAMPLE_ADDRESS)
            )
        elif not self._model:
            raise errors.InvalidInput(field="DEMYSTIFY_MODEL", allowed=Phrase("hub_id"))
        else:
            self.address = f"Hugging Face ({self._provider})"
        self._info: EngineInfo | None = None
        self._owner = ""
        self._gives_logprobs = True  # until an answer comes without them
        self._unwanted: set[str] = set()  # optional fields that this server refuses
        self._active = 0

    def __repr__(self) -> str:
        return f"RemoteEngine({self.address!r}, model={self._model!r})"

    async def info(self) -> EngineInfo:
        """Asks the server for its model once. Raises RemoteServerError, QueueFull."""
        if self._info is None:
            entry = await self._listed_model() if self._url else {}
            self._owner = str(entry.get("owned_by", ""))
            self._info = EngineInfo(
                model=self._model or entry["id"],
                engine="remote",
                device=self.address,
                # The first is vLLM's name for it, the second llama.cpp's; others do not tell.
                context=count_in(entry, "max_model_len") or count_in(entry.get("meta"), "n_ctx"),
                gives_ids=False,
                can_beam=False,
            )
        return replace(self._info, gives_logprobs=self._gives_logprobs)

    async def _listed_model(self) -> Mapping[str, Any]:
        """The configured model's entry in the server's list, or the first entry; empty if it may stay unknown."""
        try:
            listed = await fetch_json(f"{self._url}/models", self._key, self._silence)
        except Unreachable as problem:
            raise self._failure(problem.reason) from problem
        except Refused as refusal:
            if not self._model or refusal.status in (401, 402, 403, 429):
                raise self._explain(refusal) from None
            log.warning("%s lists no models (%s): its context window stays unknown", self.address, refusal)
            return {}
        data = listed.get("data") if isinstance(listed, Mapping) else None
        entries = [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []
        entries = [entry for entry in entries if isinstance(entry.get("id"), str)]
        if self._model:
            return next((entry for entry in entries if entry["id"] == self._model), {})
        if not entries:
            raise self._failure(Phrase("server_lists_no_model"))
        return entries[0]

    async def tokenize(self, request: GenerationRequest) -> list[Token]:
        """A remote server keeps its tokens to itself. Raises NotSupported."""
        raise errors.NotSupported(what=Phrase("prompt_tokens"))

    async def close(self) -> None:
        """Nothing to end: every request closes its own connection."""

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        """See TextEngine.stream. The prompt's tokens are 0 until the server tells, usually with the last event."""
        if self._active >= self._most:
            raise errors.QueueFull(waiting=self._active)
        accepted = time.perf_counter()
        self._active += 1
        try:
            info = await self.info()
            self._check(request)
            sampling = request.sampling
            seed = sampling.seed if sampling.seed is not None else secrets.randbelow(2**31)
            stop = StopFilter(sampling.stop)  # not every server leaves the stop text out
            tally = Tally()
            async with aclosing(self._chunks(request, info.model, seed)) as chunks:
                async for chunk in chunks:
                    if not tally.chunks:
                        yield PromptRead(chunk.prompt_tokens, seed)
                    now = time.perf_counter() - accepted
                    tally.add(chunk, now)
                    tokens = [token for arrived in chunk.tokens for token in stop.add(arrived)]
                    if chunk.reason:
                        tokens += stop.release()
                    if tokens:
                        yield TokenBundle(tuple(tokens), now)
                    if stop.stopped:
                        tally.reason = "stop"
                        break
            if tally.reason is None:
                raise self._failure(Phrase("answer_broke_off"))
            if tally.counted:
                self._gives_logprobs = tally.rated
            yield tally.finished(tally.reason, time.perf_counter() - accepted)
        finally:
            self._active -= 1

    def _check(self, request: GenerationRequest) -> None:
        """Raises EmptyPrompt, and NotSupported for what this road cannot carry."""
        if not (request.messages or request.prompt or request.prompt_ids):
            raise errors.EmptyPrompt()
        if request.prompt_ids is not None:
            raise errors.NotSupported(what=Phrase("token_numbers"))
        if request.sampling.num_beams > 1:
            raise errors.NotSupported(what=Phrase("beam_search"))
        if request.prompt is not None and self._provider:
            raise errors.NotSupported(what=Phrase("continue_text"))
        if request.continue_last and self._owner not in (VLLM, LLAMA_CPP):  # others would begin a new answer
            raise errors.NotSupported(what=Phrase("continue_answer"))

    async def _chunks(self, request: GenerationRequest, model: str, seed: int) -> AsyncGenerator[Chunk]:
        """The answer's chunks. A server that refuses an optional field is asked again without it."""
        while True:
            body, extra = request_body(request, model, seed), extra_fields(request, self._owner)
            body = {name: value for name, value in body.items() if name not in self._unwanted}
            try:
                async with aclosing(self._events(request, body, extra)) as events:
                    async for event in events:
                        yield read_chunk(event)
                return
            except Refused as refusal:
                refused = {name for name in OPTIONAL_FIELDS if name in body and name in refusal.message}
                if refusal.status not in (400, 422) or not refused:
                    raise self._explain(refusal, model, raw=request.prompt is not None, extra=tuple(extra)) from None
                self._unwanted |= refused
            except ServerFailure as failure:
                if failure.overloaded:
                    raise errors.QueueFull(waiting=self._active) from None
                message = plain(str(failure), self._key)
                reason = Phrase("server_broke_off_saying", message=message) if message else Phrase("server_gave_up")
                raise self._failure(reason) from None
            except Unreachable as problem:
                raise self._failure(problem.reason) from problem
            except ValueError as problem:
                raise self._failure(Phrase("no_answer")) from problem

    def _events(
        self, request: GenerationRequest, body: dict[str, Any], extra: dict[str, Any]
    ) -> AsyncGenerator[object]:
        if self._provider:
            return provider_events(self._provider, body, extra, self._key, self._silence)
        path = "completions" if request.prompt is not None else "chat/completions"
        return server_events(f"{self._url}/{path}", body | extra, self._key, self._silence)

    def _failure(self, reason: Phrase) -> errors.RemoteServerError:
        return errors.RemoteServerError(address=self.address, reason=reason)

    def _explain(
        self, refusal: Refused, model: str = "", raw: bool = False, extra: Sequence[str] = ()
    ) -> errors.DemystifyError:
        keyed = bool(self._key.get_secret_value())
        return explain(refusal, self.address, model, keyed=keyed, raw=raw, extra=extra, waiting=max(self._active, 1))
