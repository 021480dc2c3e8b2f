"""Continuous batching on a GPU: all texts advance in one pass, and come and go between two passes.

transformers' manager does the scheduling, the paged cache of keys and values, and the sharing of equal beginnings, in a
thread of its own. Its own choice of tokens knows temperature, top-k and top-p per request, but no seed, min-p or
repetition penalty, and its log-probabilities are those after temperature. So the choice is made here, by ``choose.py``,
through the place it leaves for processing logits: the chosen token is the only one that remains, and the manager takes
it. Knows nothing about text, templates or users.

A pass over many texts adds numbers up in another order than a pass over one: with the same seed a text may differ after
a near tie, depending on what else runs. The decode loop in ``decode.py`` has no such effect.

Source: Yu et al. 2022, *Orca* (continuous batching); Kwon et al. 2023, *Efficient Memory Management for Large Language
Model Serving with PagedAttention* (arXiv:2309.06180); transformers ``ContinuousBatchingManager``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import ContinuousBatchingConfig, GenerationConfig, LogitsProcessorList
from transformers.generation.continuous_batching import ContinuousBatchingManager
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)

from common.text.engine import SamplingSettings
from common.text.engines.batch import News
from common.text.engines.choose import choose

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Tokens computed in one pass, prompts and new tokens together: enough to keep a GPU busy with prompts.
_PASS_TOKENS = {"cuda": 2048, "cpu": 256}
_WAIT_SECONDS = 0.05  # for the next token, before the worker looks for new requests again


class _Text:
    """One text in the making. The manager's thread appends to ``ids`` and ``logprobs``; ours reads."""

    def __init__(self, ids: Sequence[int], settings: SamplingSettings, seed: int) -> None:
        self.ids = list(ids)
        self.settings = settings
        self.random = torch.Generator().manual_seed(seed)
        self.logprobs: list[float] = []
        self.sent = 0


class _Chooser(ContinuousBatchingLogitsProcessor):
    """Chooses the next token of every text in a pass, each by its own settings and random numbers."""

    supported_kwargs: dict[str, type] = {}  # noqa: RUF012 (the base class wants it so)
    ignored_kwargs = ()

    def __init__(self, texts: dict[int, _Text]) -> None:
        self._texts = texts

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        """Rows without a text."""
        int32_tensor.fill_(-1)

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
        """The request of each row of logits: (rows,)."""
        return torch.tensor([int(request.state.request_id) for request in requests_with_new_token], dtype=torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        """Logits (rows, V) to the same with nothing left but each row's chosen token."""
        found = enumerate(tensor_arg[: scores.shape[0]].tolist())
        rows = [(row, text) for row, request_id in found if (text := self._texts.get(request_id)) is not None]
        if not rows:
            return scores
        places, texts = [row for row, _ in rows], [text for _, text in rows]
        draws = [torch.rand((), generator=text.random).item() for text in texts]
        chosen, logprobs = choose(
            scores[places], [text.ids for text in texts], [text.settings for text in texts], draws
        )
        for text, token_id, logprob in zip(texts, chosen, logprobs, strict=True):
            text.ids.append(token_id)
            text.logprobs.append(logprob)
        scores = scores.clone()
        scores[places] = -torch.inf
        scores[places, chosen] = 0.0
        return scores


class ContinuousBatch:
    """A ``Batch`` computed by transformers' continuous batching.

    Args:
        model: a decoder-only model.
        ends: ids that end a text.
        max_active: texts in one pass; more wait in line.
        kv_cache_tokens: tokens whose keys and values are kept.
    """

    def __init__(self, model: PreTrainedModel, ends: Set[int], max_active: int, kv_cache_tokens: int) -> None:
        self._model, self._ends = model, sorted(ends)
        self._max_active, self._kv_cache_tokens = max_active, kv_cache_tokens
        self._texts: dict[int, _Text] = {}
        self._unsaid: list[News] = []  # about texts that a restart ended
        self._start()

    def _start(self) -> None:
        config = ContinuousBatchingConfig(
            max_batch_tokens=_PASS_TOKENS.get(self._model.device.type, 2048),
            max_requests_per_batch=self._max_active,
            # The choice of tokens runs ordinary Python between two passes, which neither a recorded graph nor a pass
            # prepared ahead of time allows.
            use_cuda_graph=False,
            use_async_batching=False,
            auto_switch_to_flash=False,  # it would fetch a kernel from the hub
        )
        config.num_blocks = max(2, self._kv_cache_tokens // config.page_size)
        greedy = GenerationConfig(do_sample=False, eos_token_id=self._ends or -1)  # type: ignore[no-untyped-call]
        begin: Any = self._model.init_continuous_batching
        self._manager: ContinuousBatchingManager = begin(greedy, config)
        processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([_Chooser(self._texts)]))
        processors.tensors_required = 1  # the row of request numbers
        self._manager.logit_processor = processors
        self._manager.start()

    def add(self, request_id: int, ids: Sequence[int], settings: SamplingSettings, seed: int) -> None:
        """See Batch.add."""
        ends: list[int] | int = -1 if settings.ignore_eos or not self._ends else self._ends
        for _ in range(2):
            self._texts[request_id] = _Text(ids, settings, seed)  # before the manager's thread can meet the request
            if self._manager.add_request(
                list(ids),
                request_id=str(request_id),
                max_new_tokens=settings.max_new_tokens,
                streaming=True,
                eos_token_id=ends,
            ):
                return
            del self._texts[request_id]
            self._restart()  # refused: the manager is ending after an error
        raise RuntimeError("the batch does not start")

    def cancel(self, request_id: int) -> None:
        """See Batch.cancel."""
        if self._texts.pop(request_id, None) is not None:
            self._manager.cancel_request(str(request_id))

    @property
    def busy(self) -> bool:
        """See Batch.busy."""
        return bool(self._texts or self._unsaid)

    def step(self) -> list[News]:
        """Take what the manager has finished, waiting a moment for it."""
        news = self._collect(_WAIT_SECONDS)
        if not news and not self._manager.is_running():
            self._restart()
        news, self._unsaid = [*self._unsaid, *news], []
        return news

    def _collect(self, wait: float) -> list[News]:
        news: list[News] = []
        result = self._manager.get_result(timeout=wait)
        while result is not None:
            if (text := self._texts.get(int(result.request_id))) is not None:
                news.append(self._read(int(result.request_id), text, result))
            result = self._manager.get_result(timeout=0)
        return news

    def _read(self, request_id: int, text: _Text, result: Any) -> News:
        """The tokens that are new in a result, which carries all of them."""
        new = result.generated_tokens[text.sent :]
        tokens = list(zip(new, text.logprobs[text.sent :], strict=False))
        text.sent += len(new)
        if not result.is_finished():
            return News(request_id, tokens)
        del self._texts[request_id]
        if result.error is not None:
            return News(request_id, tokens, RuntimeError(result.error))
        ended = bool(new) and new[-1] in self._ends and not text.settings.ignore_eos
        return News(request_id, tokens, "stop" if ended else "length")

    def _restart(self) -> None:
        """An error, such as memory running out, ends the manager with all its texts: begin again with a new one."""
        self._unsaid += self._collect(0)
        self._unsaid += [News(request_id, end=RuntimeError("the batch ended")) for request_id in self._texts]
        self._texts.clear()
        self.close()
        if self._model.device.type == "cuda":
            torch.cuda.empty_cache()
        self._start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See Batch.paused."""
        if not self._manager.is_running():
            self._restart()
        with self._manager.pause():
            yield

    def close(self) -> None:
        """See Batch.close. The manager's thread would keep the process alive."""
        self._manager.stop(block=True, timeout=10, hard_stop=True)
