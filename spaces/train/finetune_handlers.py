"""What the Fine-tune tab does: examples, an adapter's size, runs, answers before and after. Layout: finetune_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, cast

import base_models
import gradio as gr
from finetune_look import examples_html, mask_html, numbers_html, passes_html
from tuned_handlers import QUESTION, TunedHandlers

from common import catalog, errors
from common.config import settings
from common.training import timing
from common.training.config import FinetuneConfig, Method, Pace
from common.training.instructions import Examples, from_jsonl, pair, read_examples, split, to_jsonl
from common.training.launch import cores
from common.training.personas import PERSONAS, persona_examples
from common.training.prompt_template import summary_template
from common.training.speed import finetune_steps, measured_finetune_flops
from common.ui.fields import Choice, Number, Text
from common.ui.i18n import error_text, number, text

OWN = "own"
METHODS: tuple[Method, ...] = ("lora", "dora", "qlora", "full")
BASE = Choice("base_model", catalog.EMBEDDED_CHAT_MODEL, base_models.IDS)
SOURCE = Choice("example_set", "pirate", (*PERSONAS, OWN))
METHOD = Choice("method", "lora", METHODS)
RANK = Number("lora_rank", 8, 1, 64)
ROWS = Number("batch_rows", 2, 1, 32)
ROW = Number("row_tokens", 256, 64, 1024, 32)
MINUTES = Number("run_minutes", 5, 1, settings().max_run_minutes)
RATE = Number("learning_rate", 0.002, 0.000001, 1, 0.000001)
# An adapter begins at nothing and learns fast; weights that know a language are moved a little only.
RATES: dict[Method, float] = {"lora": 0.002, "dora": 0.002, "qlora": 0.002, "full": 0.0001}
ANSWER = Text("answer", "", 2000)
_CHARACTERS_PER_TOKEN = 4  # of English, for an estimate
_TEMPLATE_TOKENS = 35  # what a chat template puts around a question and an answer
# A checkpoint of an adapter is small; one of all weights with their moments takes more than a gigabyte.
_CHECKPOINT_SECONDS: dict[Method, float] = {"lora": 60, "dora": 60, "qlora": 60, "full": 600}


class Form(NamedTuple):
    """The controls that decide how long a run takes: the components on the page, or what arrives from them."""

    base: Any
    method: Any
    rank: Any
    rows: Any
    row: Any
    minutes: Any
    source: Any
    own: Any  # the visitor's own examples as JSON lines, or None


class FinetuneTab(TunedHandlers):
    """The tab's handlers; ``own`` are the visitor's examples as JSON lines, ``form`` what belongs into a ``Form``."""

    kind, answer_tokens = "finetune", 120

    async def look(self, lang: str, source: str, own: str | None) -> str:
        """The examples chosen. Of somebody's own there are too few until several are written: said here, no fault."""
        if SOURCE.check(source) == OWN and not own:
            return f'<p class="quiet">{text(lang, "finetune.no_own")}</p>'
        try:
            found = await asyncio.to_thread(_examples, source, own)
        except errors.UnusableExamples as problem:
            return f'<p class="quiet">{escape(error_text(lang, problem))}</p>'
        return examples_html(lang, found)

    async def mask(self, lang: str, base: str, source: str, own: str | None) -> str:
        """One example in the base model's tokens, the learned ones in colour."""
        found = await asyncio.to_thread(_examples, source, own)
        folder = await base_models.folder(str(BASE.check(base)))
        return await asyncio.to_thread(mask_html, lang, folder, found.train[0])

    async def take_upload(self, lang: str, path: str | None) -> tuple[str, Any]:
        """A file becomes the visitor's own examples. Returns them, and the choice that goes with it."""
        if not path:
            raise errors.UploadGone(name="")
        found = await asyncio.to_thread(read_examples, Path(path))
        split(found)
        return to_jsonl(found), gr.update(value=OWN)

    async def add(self, lang: str, own: str | None, question: str, answer: str) -> tuple[str, Any, str, str, str]:
        """A question and its answer join the visitor's own. Returns all, the choice, the count, empty boxes."""
        asked, said = QUESTION.check(question).strip(), ANSWER.check(answer).strip()
        if not asked or not said:
            raise errors.EmptyPrompt()
        lines = (own or "") + to_jsonl([pair(asked, said)])
        return lines, gr.update(value=OWN), self.count(lang, lines), "", ""

    def count(self, lang: str, own: str | None) -> str:
        """How many examples of their own the visitor has."""
        count = len(from_jsonl(own or ""))
        return f'<p class="quiet">{text(lang, "finetune.own_count", count=number(lang, count))}</p>'

    async def numbers(self, lang: str, base: str, method: str, rank: Any, rows: Any, row: Any) -> str:
        """What the method takes on the base model, as everything is set now."""
        model = await base_models.shapes(str(BASE.check(base)))
        if model is None:
            return f'<p class="quiet">{text(lang, "finetune.not_here")}</p>'
        chosen = cast(Method, METHOD.check(method))
        return numbers_html(lang, model, chosen, RANK.whole(rank), ROWS.whole(rows), ROW.whole(row))

    async def passes(self, lang: str, *form: Any) -> str:
        """How often the examples are seen in the time there is."""
        asked = Form(*form)
        if SOURCE.check(asked.source) == OWN and not asked.own:
            return ""
        try:
            found = await asyncio.to_thread(_examples, asked.source, asked.own)
        except errors.UnusableExamples:  # said with the examples
            return ""
        minutes, folder = MINUTES.real(asked.minutes), await base_models.ready_folder(str(BASE.check(asked.base)))
        config = _config(folder, asked)
        steps, measured = await self._steps(asked.base, config, minutes)
        tokens = sum(
            _TEMPLATE_TOKENS + sum(len(turn.content) for turn in example) / _CHARACTERS_PER_TOKEN
            for example in found.train
        )
        return passes_html(lang, steps, config.pace.batch, config.row, tokens, minutes, measured)

    async def time(self, lang: str, *form: Any) -> None:
        """Measure how fast these settings train here, unless that is known or a run is at work; see ``passes``."""
        asked = Form(*form)
        with contextlib.suppress(errors.DemystifyError):  # what is wrong with the settings is said elsewhere
            found = await asyncio.to_thread(_examples, asked.source, asked.own)
            if not catalog.is_local(catalog.find(str(BASE.check(asked.base)))):
                return
            config = _config(await base_models.folder(asked.base), asked)
            await self._measured(config, to_jsonl([*found.train, *found.test]))

    async def start(self, lang: str, owner: str, rate: Any, name: str, question: str, *form: Any) -> tuple[Any, Any]:
        """Put a run into the line. Returns the list with it chosen, and the clock that watches it."""
        asked = Form(*form)
        METHOD.check(asked.method)  # before a model is fetched for it
        minutes = MINUTES.real(asked.minutes)
        found = await asyncio.to_thread(_examples, asked.source, asked.own)
        title = text(lang, f"finetune.set_{asked.source}")
        config = _config(await base_models.folder(str(BASE.check(asked.base))), asked)
        steps, _ = await self._steps(asked.base, config, minutes)
        pace = {
            "steps": steps,
            "learning_rate": RATE.real(rate),
            "evaluate_every": max(5, -(-steps // 3)),
            "checkpoint_seconds": _CHECKPOINT_SECONDS[config.method],
        }
        named = {
            "name": self._name(owner, name, title),
            "owner": owner,
            "minutes": min(2 * minutes + 2, settings().max_run_minutes),
            "question": QUESTION.check(question).strip() or str(QUESTION.default),
            "summary_prompt": summary_template([*found.train, *found.test]),
            "pace": config.pace.model_copy(update=pace),
        }
        config = config.model_copy(update=named)
        run = await self._create(config, to_jsonl([*found.train, *found.test]))
        return await self._chosen(lang, owner, run.folder.id), gr.Timer(active=True)

    async def _steps(self, base: str, config: FinetuneConfig, minutes: float) -> tuple[int, bool]:
        """Steps in that time, and whether that was measured or is a guess."""
        found = await asyncio.to_thread(timing.known, self._runs, config, 0)
        if found is not None:
            return found.steps(config, minutes), True
        method, tokens = config.method, config.pace.batch * config.row
        flops = await asyncio.to_thread(measured_finetune_flops, self._runs, method, cores(settings()))
        return finetune_steps(catalog.find(base).parameters, method, tokens, minutes, flops), False


def _config(folder: Path | None, asked: Form) -> FinetuneConfig:
    """A run with the settings of the controls, without its name and its number of steps.

    Args:
        folder: of the base model; None while it is not there, which is enough to guess by.
    """
    return FinetuneConfig(
        name="-",
        base=str(folder or ""),
        **base_models.origin(asked.base),
        method=cast(Method, METHOD.check(asked.method)),
        rank=RANK.whole(asked.rank),
        row=ROW.whole(asked.row),
        pace=Pace(batch=ROWS.whole(asked.rows), weight_decay=0.0),
    )


def _examples(source: str, own: str | None) -> Examples:
    """The chosen examples. Raises UnusableExamples."""
    which = str(SOURCE.check(source))
    return split(from_jsonl(own or "") if which == OWN else persona_examples(which))
