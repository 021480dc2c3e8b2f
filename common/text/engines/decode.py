"""The decode loop: how a language model writes, one token after the other.

A prompt is read first (prefill); its keys and values stay in a cache, so that each further token costs one pass over
one token. Several texts take turns, one pass each (round robin), and every text has its own cache and its own random
numbers: what one person gets does not depend on who else is writing. That is what a CPU does best; on a GPU
``continuous.py`` computes all texts in one pass. Knows nothing about text, templates or users.

Source: Pope et al. 2022, *Efficiently Scaling Transformer Inference* (arXiv:2211.05102; prefill, decode, cache).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from transformers import DynamicCache

from common.text.engine import SamplingSettings
from common.text.engines.batch import News
from common.text.engines.choose import choose

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from common.text.engines.constraint import Constraint

# A long prompt is read in pieces, so that the others need not wait for all of it; larger pieces gain little on a CPU.
PREFILL_TOKENS = 256


class _Text:
    """One text in the making."""

    def __init__(
        self,
        request_id: int,
        ids: Sequence[int],
        settings: SamplingSettings,
        seed: int,
        constraint: Constraint | None,
    ) -> None:
        self.request_id = request_id
        self.constraint = constraint
        self.ids = list(ids)
        self.unread = list(ids)  # ids whose keys and values are not in the cache yet
        self.settings = settings
        self.random = torch.Generator().manual_seed(seed)
        self.cache: DynamicCache | None = None  # made when its turn comes
        self.longest = len(ids) + settings.max_new_tokens  # tokens its cache may come to hold


class DecodeLoop:
    """A ``Batch`` that gives each text one turn after the other.

    Args:
        model: a decoder-only model.
        ends: ids that end a text.
        max_active: texts that take turns; more wait in line.
        kv_cache_tokens: tokens that all caches together may hold.
        constrain: makes the constraint of a text whose settings have a schema.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        ends: Set[int],
        max_active: int,
        kv_cache_tokens: int,
        constrain: Callable[[str], Constraint] | None = None,
    ) -> None:
        self._model, self._ends, self._constrain = model, ends, constrain
        self._max_active, self._kv_cache_tokens = max_active, kv_cache_tokens
        self._waiting: deque[_Text] = deque()
        self._active: deque[_Text] = deque()

    def add(self, request_id: int, ids: Sequence[int], settings: SamplingSettings, seed: int) -> None:
        """See Batch.add. Raises ValueError: the schema is none, or nothing here makes constraints."""
        constraint = None
        if settings.json_schema is not None:
            if self._constrain is None:
                raise ValueError("this loop makes no constraints")
            constraint = self._constrain(settings.json_schema)
        self._waiting.append(_Text(request_id, ids, settings, seed, constraint))

    def cancel(self, request_id: int) -> None:
        """See Batch.cancel. The cache is freed with the text."""
        self._waiting = deque(text for text in self._waiting if text.request_id != request_id)
        self._active = deque(text for text in self._active if text.request_id != request_id)

    @property
    def busy(self) -> bool:
        """See Batch.busy."""
        return bool(self._active or self._waiting)

    def step(self) -> list[News]:
        """One turn of one text."""
        self._admit()
        if not self._active:
            return []
        text = self._active.popleft()
        try:
            news = self._turn(text)
        except (RuntimeError, MemoryError) as problem:  # out of memory, most likely: this text is lost, the others not
            text.cache = None
            if self._model.device.type == "cuda":
                torch.cuda.empty_cache()
            return [News(text.request_id, end=problem)]
        if news.end is None:
            self._active.append(text)
        return [news] if news.tokens or news.end else []

    def _admit(self) -> None:
        """Let texts in, in the order of their coming, while there is room for all they may come to hold."""
        held = sum(text.longest for text in self._active)
        while self._waiting and len(self._active) < self._max_active:
            if self._active and held + self._waiting[0].longest > self._kv_cache_tokens:
                return
            text = self._waiting.popleft()
            text.cache = DynamicCache(config=self._model.config)
            held += text.longest
            self._active.append(text)

    @torch.inference_mode()
    def _turn(self, text: _Text) -> News:
        """Read the next piece of the prompt, or write the next token."""
        piece, text.unread = text.unread[:PREFILL_TOKENS], text.unread[PREFILL_TOKENS:]
        ids = torch.tensor([piece], device=self._model.device)  # (1, T); T is 1 once the prompt is read
        # The cache grows by T keys and values in every layer; logits only for the last place: (1, 1, V).
        logits = self._model(input_ids=ids, past_key_values=text.cache, use_cache=True, logits_to_keep=1).logits
        if text.unread:
            return News(text.request_id)

        random_number = torch.rand((), generator=text.random).item()
        rule = text.constraint
        forbidden = None if rule is None else rule.forbidden()[None]  # (1, V)
        chosen, logprobs = choose(logits[:, -1].float(), [text.ids], [text.settings], [random_number], forbidden)
        token_id = chosen[0]
        if rule is not None:
            rule.add(token_id)
        text.ids.append(token_id)
        text.unread = [token_id]
        if (token_id in self._ends and not text.settings.ignore_eos) or (rule is not None and rule.complete):
            return News(text.request_id, [(token_id, logprobs[0])], "stop")
        return News(text.request_id, [(token_id, logprobs[0])], "length" if len(text.ids) == text.longest else None)

    def paused(self) -> AbstractContextManager[object]:
        """Nothing runs between two steps."""
        return nullcontext()

    def close(self) -> None:
        """Free all caches."""
        self._waiting.clear()
        self._active.clear()
