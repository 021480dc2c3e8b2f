"""Beam search: follow several texts at once and keep the most probable ones; the best comes in one piece at the end.

transformers searches in one long call. To keep everybody else's text moving, the call runs in a thread of its own that
stops after every token and waits for its next turn. Knows nothing about batches.

Source: Graves 2012, *Sequence Transduction with Recurrent Neural Networks* (arXiv:1211.3711); transformers
``GenerationMixin.generate``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from common.text.engine import SamplingSettings
from common.text.engines.batch import News

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class _CancelledError(Exception):
    """Leaves the search from within."""


class BeamSearch:
    """One search. Nothing is computed until ``turn`` is called.

    Args:
        model: a decoder-only model.
        ends: ids that end a text.
        request_id: whose text.
        ids: the prompt.
        settings: beams, length, repetition penalty; the sampling settings have no part in beam search.
    """

    def __init__(
        self, model: PreTrainedModel, ends: Set[int], request_id: int, ids: Sequence[int], settings: SamplingSettings
    ) -> None:
        self._model, self._ends = model, frozenset() if settings.ignore_eos else ends
        self._request_id, self._ids, self._settings = request_id, list(ids), settings
        self._go, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._cancelled = False
        self._news: News | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"beams-{request_id}")
        self._thread.start()

    def turn(self) -> News | None:
        """Search one token further; returns the whole text when the search has ended."""
        self._go.release()
        self._rest.acquire()
        return self._news

    def cancel(self) -> None:
        """End the search and free its memory."""
        if self._news is None:
            self._cancelled = True
            self.turn()

    def rest(self) -> None:
        """Called by the search itself: hand the turn back and wait for the next one."""
        self._rest.release()
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._cancelled:
            raise _CancelledError

    def _run(self) -> None:
        try:
            self._wait()
            self._news = self._search()
        except Exception as problem:
            self._news = News(self._request_id, end=problem)
        finally:
            self._rest.release()

    @torch.inference_mode()
    def _search(self) -> News:
        prompt = torch.tensor([self._ids], device=self._model.device)  # (1, T)
        ends = sorted(self._ends)
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            num_beams=self._settings.num_beams,
            do_sample=False,
            max_new_tokens=self._settings.max_new_tokens,
            repetition_penalty=self._settings.repetition_penalty,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,
        )
        generate: Any = self._model.generate
        found = generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            generation_config=config,
            stopping_criteria=StoppingCriteriaList([_Rest(self)]),
        )  # (1, T + new tokens)
        new: list[int] = found[0, prompt.shape[1] :].tolist()
        end = next((place for place, token_id in enumerate(new) if token_id in self._ends), None)
        new = new if end is None else new[: end + 1]  # what follows is padding
        return News(self._request_id, self._with_logprobs(new), "length" if end is None else "stop")

    def _with_logprobs(self, new: Sequence[int]) -> list[tuple[int, float]]:
        """Each new token with the model's own log-probability: one more pass over the winning text."""
        whole = torch.tensor([[*self._ids, *new]], device=self._model.device)  # (1, T + N)
        logits = self._model(input_ids=whole, logits_to_keep=len(new) + 1).logits[0, :-1]  # (N, V)
        places = whole[0, -len(new) :, None]  # (N, 1)
        return list(zip(new, logits.float().log_softmax(-1).gather(-1, places)[:, 0].tolist(), strict=True))


class _Rest(StoppingCriteria):
    """Stops nothing; transformers asks after every token, which is the moment to let others have their turn."""

    def __init__(self, search: BeamSearch) -> None:
        self._search = search

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        self._search.rest()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
