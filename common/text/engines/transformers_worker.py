"""transformers on CPU, MPS or CUDA: any model folder, with its inside open.

Run by ``process.py`` as ``python -m common.text.engines.transformers_worker '<options>'``. Puts the parts together:
``loading.py`` loads, ``prompts.py`` reads prompts, ``decode.py`` or ``continuous.py`` writes, ``inspect.py`` looks
inside. Knows nothing about users, pages or other engines.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

if __name__ == "__main__":
    gc.disable()  # what is imported and loaded stays: the collector, woken by ``settle``, need not look through it

import orjson
import torch
from torch import nn

# Everything that is needed is on this machine by now; without this transformers may ask the hub about it.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from common import errors
from common.text import inspect
from common.text.engine import EngineInfo, GenerationRequest, Token
from common.text.engines.assembler import TokenAssembler
from common.text.engines.batch import Batch, News
from common.text.engines.beams import BeamSearch
from common.text.engines.decode import DecodeLoop
from common.text.engines.loading import LoadedModel, load
from common.text.engines.worker import main

if TYPE_CHECKING:
    from common.text.engines.constraint import Constraint, ConstraintMaker

_KV_CACHE_TOKENS = 32_768
_MAX_ACTIVE = 16


class TransformersRunner:
    """The texts being written and the questions about the model's inside. See ``worker.Runner``.

    Args:
        loaded: the model.
        options: those of ``loading.load``, and ``max_active`` (texts written at the same time) and ``batching``:
            "turns", "continuous", or "auto" (continuous on CUDA).
    """

    def __init__(self, loaded: LoadedModel, options: dict[str, Any]) -> None:
        self._loaded, self._model, self._prompts = loaded, loaded.model, loaded.prompts
        self._batch = _batch(loaded, options)
        # A batch on a GPU chooses the next tokens of all texts at once; texts with a grammar take turns beside it.
        self._constrained = DecodeLoop(loaded.model, loaded.ends, *_limits(options), constrain=self._constrain)
        self._constrained_ids: set[int] = set()
        self._make_constraint: ConstraintMaker | None = None
        self._searches: dict[int, BeamSearch] = {}
        self._assemblers: dict[int, TokenAssembler] = {}
        self.info = EngineInfo(
            model=loaded.name,
            engine="transformers",
            device=loaded.model.device.type,
            context=loaded.context,
            vocabulary=len(loaded.prompts.pieces),
        )

    def tokenize(self, request: GenerationRequest) -> list[Token]:
        """See Runner.tokenize."""
        return self._prompts.tokens(self._prompts.prompt_ids(request))

    def add(self, request_id: int, request: GenerationRequest, seed: int) -> int:
        """See Runner.add. Raises EmptyPrompt, PromptTooLong, InvalidInput, NotSupported."""
        ids = self._prompts.prompt_ids(request)
        self._prompts.check_length(ids)
        room = self._loaded.context - len(ids)
        settings = replace(request.sampling, max_new_tokens=min(request.sampling.max_new_tokens, room))
        if settings.json_schema is not None:
            if settings.num_beams > 1:
                raise errors.NotSupported(what=errors.Phrase("constrained_beams"))
            self._constrained.add(request_id, ids, settings, seed)
            self._constrained_ids.add(request_id)
        elif settings.num_beams > 1:
            self._searches[request_id] = BeamSearch(self._model, self._loaded.ends, request_id, ids, settings)
        else:
            self._batch.add(request_id, ids, settings, seed)
        self._assemblers[request_id] = self._prompts.assembler(settings.stop)
        return len(ids)

    def cancel(self, request_id: int) -> None:
        """See Runner.cancel."""
        self._assemblers.pop(request_id, None)
        search = self._searches.pop(request_id, None)
        if search is not None:
            search.cancel()
        elif request_id in self._constrained_ids:
            self._constrained_ids.discard(request_id)
            self._constrained.cancel(request_id)
        else:
            self._batch.cancel(request_id)

    @property
    def busy(self) -> bool:
        """See Runner.busy."""
        return self._batch.busy or self._constrained.busy or bool(self._searches)

    def step(self) -> list[tuple[int, list[Token], str | Exception | None]]:
        """See Runner.step."""
        news = self._batch.step() if self._batch.busy else []
        if self._constrained.busy:
            with self._batch.paused():  # two threads in one model at a time give wrong numbers
                news += self._constrained.step()
        for request_id, search in list(self._searches.items()):
            with self._batch.paused():
                result = search.turn()
            if result is not None:
                del self._searches[request_id]
                news.append(result)
        return [self._tell(item) for item in news if item.request_id in self._assemblers]  # not after a stop text

    def _tell(self, news: News) -> tuple[int, list[Token], str | Exception | None]:
        """Ids to text; a stop text may end it here although the model would go on."""
        assembler = self._assemblers[news.request_id]
        tokens = [token for new in news.tokens for token in assembler.add(*new)]
        if assembler.stopped:
            self.cancel(news.request_id)
            return news.request_id, tokens, "stop"
        if news.end is not None:
            del self._assemblers[news.request_id]
            self._constrained_ids.discard(news.request_id)
            tokens += assembler.finish()
        return news.request_id, tokens, self._explain(news.end)

    def _constrain(self, schema: str) -> Constraint:
        if self._make_constraint is None:  # most people never ask for one
            self._make_constraint = self._prompts.constraints(self._model.config.vocab_size, self._loaded.ends)
        return self._make_constraint(schema)

    def _explain(self, end: str | Exception | None) -> str | Exception | None:
        """Where a GPU has no memory left, the memory that users should hear about is the GPU's."""
        if isinstance(end, Exception) and self._model.device.type == "cuda" and "out of memory" in str(end).lower():
            return errors.OutOfMemory(available=round(torch.cuda.mem_get_info()[0] / 1e9, 1))
        return end

    def answer(self, kind: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The glass box's questions: see ``inspect.py``."""
        ids: list[int] = header["ids"]
        with self._batch.paused():
            if kind == "next_logits":
                return {}, {"logits": inspect.next_logits(self._model, ids)}
            if kind == "attentions":
                return {}, {"attentions": inspect.attentions(self._model, ids)}
            if kind == "attention":
                weights = inspect.attention(self._model, ids, header["layer"], header["head"])
                return {}, {"attention": weights}
            if kind == "attention_links":
                return {}, {"links": inspect.attention_links(self._model, ids, header["links"])}
            if kind == "hidden_states":
                return {}, {"hidden_states": inspect.hidden_states(self._model, ids)}
            if kind == "candidates":
                places = inspect.candidates(self._model, ids, header["start"], header["top"])
                return {"positions": self._with_texts(places)}, {}
            if kind == "logit_lens":
                layers = inspect.logit_lens(self._model, ids, header["positions"], header["top"])
                return {"layers": [self._with_texts(places) for places in layers]}, {}
        raise errors.NotSupported(what=errors.Phrase("question", kind=kind))

    def _with_texts(self, places: Sequence[inspect.Top]) -> list[list[list[Any]]]:
        return [[[token_id, self._prompts.text(token_id), p] for token_id, p in place] for place in places]

    def for_one_call(self) -> TransformersRunner:
        """The same model with a batch of its own, on the GPU where one has been lent meanwhile."""
        if self.info.device == "zerogpu":
            cast(nn.Module, self._model).to("cuda")
        return TransformersRunner(self._loaded, {"batching": "turns"})

    def close(self) -> None:
        """End the threads beside this one."""
        for request_id in list(self._searches):
            self.cancel(request_id)
        self._constrained.close()
        self._batch.close()


def _limits(options: dict[str, Any]) -> tuple[int, int]:
    return options.get("max_active", _MAX_ACTIVE), options.get("kv_cache_tokens", _KV_CACHE_TOKENS)


def _batch(loaded: LoadedModel, options: dict[str, Any]) -> Batch:
    kind = options.get("batching", "auto")
    limits = _limits(options)
    if kind == "continuous" or (kind == "auto" and loaded.model.device.type == "cuda"):
        from common.text.engines.continuous import ContinuousBatch

        return ContinuousBatch(loaded.model, loaded.ends, *limits)
    return DecodeLoop(loaded.model, loaded.ends, *limits)


if __name__ == "__main__":
    with ExitStack() as ending:
        main(
            lambda options: ending.enter_context(closing(TransformersRunner(load(options), options))),
            orjson.loads(sys.argv[1]),
        )
