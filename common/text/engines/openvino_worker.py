"""openvino-genai on CPU: one GGUF model, one running batch for all users (continuous batching, paged KV cache).

Run by ``process.py`` as ``python -m common.text.engines.openvino_worker '<options>'``. It knows openvino-genai and
nothing about users, pages or other engines.

Source: OpenVINO GenAI ``ContinuousBatchingPipeline``; Kwon et al. 2023, *Efficient Memory Management for Large
Language Model Serving with PagedAttention* (arXiv:2309.06180).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai
import orjson

from common import errors
from common.text.engine import EngineInfo, GenerationRequest, Token
from common.text.engines.assembler import TokenAssembler
from common.text.engines.json_pattern import json_pattern
from common.text.engines.worker import main

_BLOCK = 32  # tokens in one block of OpenVINO's paged KV cache on CPU
_COMPANION_ID = 0  # users' requests count from 1
_COMPANION_TOKENS = 256  # it is replaced when it has written so many, and so stays cheap


class OpenVinoRunner:
    """The batch and the bookkeeping of its requests. See ``worker.Runner``.

    Options: ``path`` of the GGUF, ``name``, ``context`` in tokens, ``threads`` (0: OpenVINO decides),
    ``kv_cache_tokens``, ``max_active``, ``reproducible`` (see ``_keep_company``).
    """

    def __init__(self, options: dict[str, Any]) -> None:
        scheduler = genai.SchedulerConfig()
        scheduler.num_kv_blocks = max(2, options["kv_cache_tokens"] // _BLOCK)
        scheduler.max_num_seqs = options["max_active"] + 1  # and the companion
        scheduler.enable_prefix_caching = True  # a room asks the same question: its prompt is computed once
        # By itself OpenVINO computes in bfloat16 where the processor can and keeps 8-bit keys and values. Then a prompt
        # read from the cache gives other numbers than a fresh one, and the same seed another text the second time.
        properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": "f16",
        }
        if options["threads"]:
            properties["INFERENCE_NUM_THREADS"] = options["threads"]
        self._pipe = genai.ContinuousBatchingPipeline(options["path"], scheduler, "CPU", properties)
        self._tokenizer = self._pipe.get_tokenizer()
        vocabulary: dict[bytes, int] = self._tokenizer.get_vocab()
        self._pieces = {token_id: piece for piece, token_id in vocabulary.items()}
        self._eos = self._tokenizer.get_eos_token_id()
        # Control tokens are those that the decoder drops; only pieces that look like markers need to be tried.
        self._specials = {
            token_id
            for piece, token_id in vocabulary.items()
            if piece.startswith(b"<") and piece.endswith(b">") and not self._tokenizer.decode([token_id])
        } | {self._eos}
        self._handles: dict[int, tuple[genai.GenerationHandle, TokenAssembler]] = {}
        self._reproducible: bool = options["reproducible"]
        self._companion: genai.GenerationHandle | None = None
        # A request longer than the whole KV cache would wait for ever.
        self._context = min(options["context"], scheduler.num_kv_blocks * _BLOCK)
        self.info = EngineInfo(
            model=options["name"],
            engine="openvino",
            device="cpu",
            context=self._context,
            vocabulary=len(self._pieces),
        )
        self._warm_up()

    def _warm_up(self) -> None:
        """The first step compiles kernels (about a quarter of a second): do it before anyone waits."""
        self._pipe.add_request(_COMPANION_ID, self._as_tensor([self._eos]), genai.GenerationConfig(max_new_tokens=2))
        while self._pipe.has_non_finished_requests():
            self._pipe.step()

    @staticmethod
    def _as_tensor(ids: list[int]) -> ov.Tensor:
        return ov.Tensor(np.array([ids], dtype=np.int64))

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = (
            self._tokenizer.encode(text, add_special_tokens=False, max_length=1 << 20).input_ids.data[0].tolist()
        )
        return ids

    def _prompt_ids(self, request: GenerationRequest) -> list[int]:
        """The prompt's ids: (tokens,). Chat messages go through the model's own template."""
        if request.prompt_ids is not None:
            return list(request.prompt_ids)
        if request.prompt is not None:
            return self._encode(request.prompt)
        messages = [{"role": m.role, "content": m.content} for m in request.messages or ()]
        if request.continue_last:
            opened = self._tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)
            return self._encode(opened + messages[-1]["content"])
        return self._encode(self._tokenizer.apply_chat_template(messages, add_generation_prompt=True))

    def tokenize(self, request: GenerationRequest) -> list[Token]:
        assembler = TokenAssembler(self._pieces, self._specials)
        tokens = [token for token_id in self._prompt_ids(request) for token in assembler.add(token_id, None)]
        return tokens + assembler.finish()

    def add(self, request_id: int, request: GenerationRequest, seed: int) -> int:
        ids = self._prompt_ids(request)
        if not ids:
            raise errors.EmptyPrompt()
        if len(ids) >= self._context:
            raise errors.PromptTooLong(tokens=len(ids), limit=self._context - 1)
        settings = request.sampling
        config = genai.GenerationConfig()
        config.max_new_tokens = min(settings.max_new_tokens, self._context - len(ids))
        config.ignore_eos = settings.ignore_eos
        config.eos_token_id = self._eos
        config.repetition_penalty = settings.repetition_penalty
        config.logprobs = 1
        if settings.json_schema is not None:
            if settings.num_beams > 1:
                raise errors.NotSupported(what=errors.Phrase("constrained_beams"))
            structure = genai.StructuredOutputConfig()
            structure.regex = json_pattern(settings.json_schema)
            config.structured_output_config = structure
        if settings.num_beams > 1:
            config.num_beams = settings.num_beams
        elif settings.temperature > 0:
            config.do_sample = True
            config.rng_seed = seed
            config.temperature = settings.temperature
            config.top_p = settings.top_p
            config.min_p = settings.min_p
            if settings.top_k:
                config.top_k = settings.top_k
        handle = self._pipe.add_request(request_id, self._as_tensor(ids), config)
        assembler = TokenAssembler(self._pieces, self._specials, settings.stop)
        self._handles[request_id] = (handle, assembler)
        return len(ids)

    def cancel(self, request_id: int) -> None:
        entry = self._handles.pop(request_id, None)
        if entry is not None:
            entry[0].cancel()

    @property
    def busy(self) -> bool:
        return bool(self._handles) or self._pipe.has_non_finished_requests()

    def _keep_company(self) -> None:
        """Never let a text be written alone: its text would depend on whether somebody else writes too.

        For two rows or more OpenVINO rounds the numbers between the layers to 8 bits, for a single row it does not;
        with the same seed, a text begun alone would go another way once a second one joins. A companion whose words
        nobody reads costs a lone text about a tenth of its speed.
        """
        if self._companion is not None and self._companion.get_status() != genai.GenerationStatus.RUNNING:
            self._companion = None
        if len(self._handles) == 1 and self._companion is None and self._reproducible:
            config = genai.GenerationConfig(max_new_tokens=_COMPANION_TOKENS, ignore_eos=True)
            self._companion = self._pipe.add_request(_COMPANION_ID, self._as_tensor([self._eos]), config)
        elif len(self._handles) != 1 and self._companion is not None:
            self._companion.cancel()
            self._companion = None

    def step(self) -> list[tuple[int, list[Token], str | None]]:
        self._keep_company()
        if self._pipe.has_non_finished_requests():
            self._pipe.step()
        news: list[tuple[int, list[Token], str | None]] = []
        for request_id, (handle, assembler) in list(self._handles.items()):
            tokens: list[Token] = []
            while not assembler.stopped and handle.can_read():
                outputs = handle.read()
                best = max(outputs.values(), key=lambda output: output.score)  # several only with beam search
                for token_id, logprob in zip(best.generated_ids, best.generated_log_probs, strict=True):
                    tokens += assembler.add(token_id, logprob)
            reason = self._reason(handle, assembler, tokens)
            if reason is not None:
                tokens += assembler.finish()
                del self._handles[request_id]
            if tokens or reason:
                news.append((request_id, tokens, reason))
        return news

    def _reason(self, handle: genai.GenerationHandle, assembler: TokenAssembler, tokens: list[Token]) -> str | None:
        if assembler.stopped:
            handle.cancel()
            return "stop"
        status = handle.get_status()
        if status == genai.GenerationStatus.RUNNING or handle.can_read():
            return None
        if status == genai.GenerationStatus.IGNORED:
            raise MemoryError("the KV cache is too small for this request")
        return "stop" if tokens and tokens[-1].id == self._eos else "length"

    def answer(self, kind: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        raise errors.NotSupported(what=errors.Phrase("question", kind=kind))


if __name__ == "__main__":
    main(OpenVinoRunner, orjson.loads(sys.argv[1]))
