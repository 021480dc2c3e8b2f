"""What the tabs have in common whose runs begin with a model: how a run stands, and the answers before and after."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from finetune_look import answers_html, talk_html
from run_handlers import RunHandlers
from scratch_look import curves_html, run_html

from common import errors
from common.text.engine import GenerationRequest, Message, SamplingSettings
from common.text.side_by_side import side_by_side
from common.training.config import TunedConfig
from common.training.runs import Run
from common.ui.fields import Number, Text
from common.ui.visitor_runs import WatchedRuns

QUESTION = Text("question", "Who are you?", 400)
TEMPERATURE = Number("temperature", 0.3, 0.0, 2.0, 0.05)
SEED = Number("seed", 1, 0, 2**31 - 1)


class TunedHandlers(RunHandlers, WatchedRuns):
    """Handlers on the visitor's runs of a kind that begins with a model."""

    answer_tokens: ClassVar[int]  # the longest answer

    async def ask(
        self, lang: str, owner: str, run_id: str | None, question: str, temperature: Any, seed: Any
    ) -> AsyncIterator[tuple[str, str]]:
        """The answers of the model it began with and of the run's, side by side: same question, same seed."""
        run = await self._find(owner, run_id)
        config = _config(run)
        sampling = SamplingSettings(
            temperature=TEMPERATURE.real(temperature), seed=SEED.whole(seed), max_new_tokens=self.answer_tokens
        )
        request = GenerationRequest(messages=(Message("user", read_question(question)),), sampling=sampling)
        after = await self._page.trained.engine(run)
        before = await self._page.trained.base(config.beginning, config.base_title)
        async with contextlib.aclosing(side_by_side((before, request), (after, request))) as answers:
            async for both in answers:
                yield both

    def _draw(self, lang: str, run: Run) -> tuple[str, str, str]:
        """State, curves and answers of a run."""
        state = run_html(lang, run) + talk_html(lang, run, self._page.in_hub)
        return state, self._charts(lang, run), answers_html(lang, _config(run).question, list(run.folder.events()))

    def _charts(self, lang: str, run: Run) -> str:
        return curves_html(lang, [run])


def read_question(question: str) -> str:
    """A question, checked. Raises InvalidInput, EmptyPrompt."""
    checked = QUESTION.check(question).strip()
    if not checked:
        raise errors.EmptyPrompt()
    return checked


def _config(run: Run) -> TunedConfig:
    assert isinstance(run.config, TunedConfig)  # noqa: S101 - these tabs list no others
    return run.config
