"""What the Align tab does: two answers to choose from, pairs, DPO runs, before and after. Layout: prefer_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import base_models
import gradio as gr
from prefer_look import margin_html, pairs_html
from tuned_handlers import TunedHandlers, read_question

from common import catalog, errors
from common.config import settings
from common.text.engine import GenerationRequest, Message, SamplingSettings, TextEngine
from common.text.side_by_side import side_by_side
from common.training.config import FinetuneConfig, Pace, PreferenceConfig
from common.training.pairs import Pair, kept_pairs, split, to_jsonl, with_choice
from common.training.runs import Run
from common.ui.fields import Choice, Number
from common.ui.i18n import text

BASE = "base"  # instead of a run: the model that comes with the project
# Asked in English on every page: the embedded model has learned hardly anything else.
QUESTIONS = (
    "Who are you?",
    "What should I cook tonight?",
    "Why is the sky blue?",
    "How do I learn to program?",
    "Give me some advice.",
    "What is a language model?",
    "Tell me a joke.",
    "What makes a good friend?",
)
PASSES = Number("passes", 5, 1, 20)
RATE = Number("learning_rate", 0.0005, 0.000001, 0.1, 0.000001)
BETA = Number("beta", 0.1, 0.01, 2, 0.01)
WHICH = Choice("which_answer", "a", ("a", "b"))
_TWO_TEMPERATURE = 1.0  # high enough for two answers that differ
_BATCH = 2
_LEAST_ROW, _MOST_ROW = 256, 1024  # tokens of a conversation with an answer
_CHARACTERS_PER_TOKEN = 3  # of English there are four; who writes in another language has fewer
_MINUTES = 30.0


class PreferTab(TunedHandlers):
    """The tab's handlers; ``kept`` are the visitor's pairs as JSON lines, as their browser keeps them."""

    kind, answer_tokens = "preference", 80

    async def starts(self, lang: str, owner: str, chosen: str | None) -> Any:
        """The models to begin with: the embedded one, and the visitor's fine-tuned ones."""
        runs = await asyncio.to_thread(self._runs.of, owner) if owner else []
        fit = [run for run in runs if run.config.kind == "finetune" and run.folder.has_model]
        choices = [(base_models.title(catalog.EMBEDDED_CHAT_MODEL), BASE), *((r.config.name, r.folder.id) for r in fit)]
        values = [value for _, value in choices]
        return gr.update(choices=choices, value=chosen if chosen in values else BASE)

    async def write(self, lang: str, owner: str, start: str, question: str) -> AsyncIterator[tuple[str, str]]:
        """Two answers of the model to begin with, by chance."""
        engine = await self._engine(owner, start)
        asked = read_question(question)
        first, second = (
            GenerationRequest(
                messages=(Message("user", asked),),
                sampling=SamplingSettings(
                    temperature=_TWO_TEMPERATURE,
                    top_p=0.95,
                    seed=secrets.randbelow(2**31),
                    max_new_tokens=self.answer_tokens,
                ),
            )
            for _ in range(2)
        )
        async with contextlib.aclosing(side_by_side((engine, first), (engine, second))) as answers:
            async for both in answers:
                yield both

    def choice(self, which: str) -> Callable[..., tuple[str, str, str, str, str]]:
        """The handler of one of the two buttons."""

        def chosen(lang: str, kept: Any, question: str, a: str, b: str) -> tuple[str, str, str, str, str]:
            return self.choose(lang, which, kept, question, a, b)

        return chosen

    def choose(self, lang: str, which: str, kept: Any, question: str, a: str, b: str) -> tuple[str, str, str, str, str]:
        """Keep the visitor's choice. Returns all pairs, how they are drawn, the next question, and two empty boxes."""
        asked = read_question(question)
        pairs = with_choice(kept, asked, (a, b), WHICH.check(which) == "a")
        place = QUESTIONS.index(asked) if asked in QUESTIONS else len(pairs) - 1
        return to_jsonl(pairs), pairs_html(lang, pairs), QUESTIONS[(place + 1) % len(QUESTIONS)], "", ""

    def look(self, lang: str, kept: Any) -> str:
        """The pairs so far."""
        return pairs_html(lang, kept_pairs(kept))

    async def start(
        self, lang: str, owner: str, start: str, kept: Any, passes: Any, rate: Any, beta: Any, name: str, question: str
    ) -> tuple[Any, Any]:
        """Put a run into the line. Returns the list with it chosen, and the clock that watches it."""
        pairs = kept_pairs(kept)
        learn, _ = split(pairs)
        steps = math.ceil(len(learn) / _BATCH) * PASSES.whole(passes)
        config = PreferenceConfig(
            name=self._name(owner, name, text(lang, "prefer.tab")),
            owner=owner,
            minutes=min(_MINUTES, settings().max_run_minutes),
            **await self._beginning(owner, start),
            row=_row(pairs),
            beta=BETA.real(beta),
            question=read_question(question),
            pace=Pace(
                steps=steps,
                batch=_BATCH,
                learning_rate=RATE.real(rate),
                weight_decay=0.0,
                evaluate_every=max(2, -(-steps // 4)),
                checkpoint_seconds=60,
            ),
        )
        run = await self._create(config, to_jsonl(pairs))
        return await self._chosen(lang, owner, run.folder.id), gr.Timer(active=True)

    def _charts(self, lang: str, run: Run) -> str:
        """The margin of the preferred answers, over the usual curves."""
        return margin_html(lang, list(run.folder.events())) + super()._charts(lang, run)

    async def _engine(self, owner: str, start: str) -> TextEngine:
        if start == BASE:
            folder = await base_models.folder(catalog.EMBEDDED_CHAT_MODEL)
            return await self._page.trained.base(str(folder), base_models.title(catalog.EMBEDDED_CHAT_MODEL))
        return await self._page.trained.engine(await self._tuned(owner, start))

    async def _beginning(self, owner: str, start: str) -> dict[str, Any]:
        """The fields of a run's config that say which model it begins with."""
        if start == BASE:
            folder = await base_models.folder(catalog.EMBEDDED_CHAT_MODEL)
            return {"base": str(folder), **base_models.origin(catalog.EMBEDDED_CHAT_MODEL)}
        run = await self._tuned(owner, start)
        if not run.folder.has_model:
            raise errors.NotTrainedYet()
        config = run.config
        assert isinstance(config, FinetuneConfig)  # noqa: S101 - _tuned gives no others
        fields = config.model_dump(include={"base", "base_title", "base_repo", "base_licence"})
        if config.method == "full":  # its model is whole, and a new adapter goes beside it
            return fields | {"base": str(run.folder.model)}
        return fields | {"adapter": str(run.folder.model), "rank": config.rank}

    async def _tuned(self, owner: str, run_id: str) -> Run:
        run = await self._find(owner, run_id)
        if not isinstance(run.config, FinetuneConfig):
            raise errors.NoSuchRun()
        return run


def _row(pairs: Sequence[Pair]) -> int:
    """Tokens for the longest conversation with its answer, guessed from its letters: what is longer would be cut."""
    longest = max(pair.characters for pair in pairs) / _CHARACTERS_PER_TOKEN
    return min(_MOST_ROW, max(_LEAST_ROW, 64 * math.ceil(longest / 64)))
