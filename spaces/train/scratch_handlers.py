"""What the From scratch tab does: look at a text, size a model, start and watch runs. Layout: scratch_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from finetune_look import talk_html
from run_handlers import RunHandlers
from scratch_look import corpus_html, curves_html, numbers_html, run_html, tokens_html, written_html

from common import errors, hardware
from common.config import settings
from common.text.engine import GenerationRequest, SamplingSettings, TokenBundle
from common.training import shape as shapes
from common.training import timing
from common.training.config import Pace, ScratchConfig, Shape
from common.training.corpus import Corpus, read_corpus
from common.training.hub_text import fetch
from common.training.room import to_train
from common.training.samples import SAMPLES, sample_text
from common.training.speed import evaluate_every, measured_flops, steps_within, tokens_per_second
from common.training.tokenizer import check_context
from common.training.uploads import read_upload
from common.ui.fields import Choice, Number, Text
from common.ui.i18n import text
from common.ui.run_look import list_choices

OWN, HUB = "own", "hub"
SOURCE = Choice("corpus", "story", (*SAMPLES, OWN, HUB))
DATASET = Text("dataset", "", 200)
COLUMN = Text("column", "", 100)
TOKENIZER = Choice("tokenizer_kind", "char", ("char", "bpe"))
VOCABULARY = Number("vocabulary", 512, 260, 8192, 4)
ARCHITECTURE = Choice("architecture", "llama", ("llama", "gpt2"))
LAYERS = Number("layers", 4, 1, 12)
HEADS = Number("heads", 4, 1, 12)
WIDTH = Number("width", 128, 32, 768, 16)
CONTEXT = Number("context", 64, 16, 1024, 16)
BATCH = Number("batch", 16, 1, 128)
MINUTES = Number("run_minutes", 3, 0.5, settings().max_run_minutes, 0.5)
RATE = Number("learning_rate", 0.003, 0.00001, 10, 0.00001)
OPENING = Text("opening", "One day ", 200)
TEMPERATURE = Number("temperature", 0.8, 0.0, 2.0, 0.05)
PASTED = Text("corpus_text", "", settings().max_document_chars)
# Settings of the presets, in the order of the controls: architecture, layers, heads, width, context, batch, minutes,
# tokenizer, vocabulary.
PRESETS: dict[str, tuple[Any, ...]] = {
    "laptop3": ("llama", 4, 4, 128, 64, 16, 3, "char", 512),
    "laptop20": ("llama", 6, 6, 192, 128, 16, 20, "bpe", 1024),
    "gpu": ("gpt2", 12, 12, 768, 1024, 16, 60, "bpe", 8192),
}
# Highest learning rates: of small models, and nanoGPT's for GPT-2 124M (also with warm-up, then a cosine to a tenth).
PRESET_RATES = {"laptop3": 0.003, "laptop20": 0.003, "gpu": 0.0006}
Given = dict[str, str] | None  # the texts that a visitor has brought: their own, and one from the hub
_TRY_TOKENS = 200
_WORTH_COMPILING = 2.0  # minutes: it takes up to half a minute, once, and makes a step a quarter shorter


class ScratchTab(RunHandlers):
    """The tab's handlers; ``form`` is always the controls of ``PRESETS``, in their order."""

    kind = "scratch"

    async def look(self, lang: str, source: str, own: Given) -> str:
        """The text chosen, and what can be said about it."""
        corpus = await asyncio.to_thread(self._corpus, source, own)
        return corpus_html(lang, corpus)

    async def take_upload(self, lang: str, own: Given, path: str | None) -> tuple[Given, Any]:
        """A file becomes the visitor's own text. Returns the texts, and the choice that goes with it."""
        if not path:
            raise errors.UploadGone(name="")
        return _brought(own, OWN, await asyncio.to_thread(read_upload, Path(path)))

    async def paste(self, lang: str, own: Given, pasted: str) -> tuple[Given, Any]:
        """A pasted text becomes the visitor's own."""
        return _brought(own, OWN, PASTED.check(pasted))

    async def fetch(self, lang: str, own: Given, dataset: str, column: str) -> tuple[Given, Any]:
        """Fetch the text of a data set of the hub.

        Raises:
            DatasetUnavailable, NoTextColumn, InvalidInput, UnusableCorpus.
        """
        return _brought(own, HUB, await fetch(DATASET.check(dataset), COLUMN.check(column)))

    async def cut(self, lang: str, source: str, own: Given, kind: str, vocabulary: Any) -> str:
        """Train the tokenizer on the text and show what it does to its beginning."""
        corpus = await asyncio.to_thread(self._corpus, source, own)
        kind, size = str(TOKENIZER.check(kind)), VOCABULARY.whole(vocabulary)
        return await asyncio.to_thread(tokens_html, lang, corpus, kind, size)

    async def numbers(self, lang: str, source: str, own: Given, *form: Any) -> str:
        """Parameters, memory, steps and time of the model as it is set now."""
        config, minutes = _config(form), _read_form(form)[2]
        corpus = await asyncio.to_thread(self._corpus, source, own)
        size, shape, batch = _vocabulary(config, corpus), config.shape, config.pace.batch
        steps, speed, measured = await asyncio.to_thread(self._speed, config, size, minutes)
        return numbers_html(
            lang,
            shape=shape,
            vocabulary=size,
            memory=to_train(shape, size, batch),
            steps=steps,
            speed=speed,
            tokens=batch * shape.context,
            minutes=minutes,
            measured=measured,
        )

    async def time(self, lang: str, source: str, own: Given, *form: Any) -> None:
        """Measure how fast these settings train here, unless that is known or a run is at work; see ``numbers``."""
        with contextlib.suppress(errors.DemystifyError):  # what is wrong with the settings is said with the numbers
            config, corpus = _config(form), await asyncio.to_thread(self._corpus, source, own)
            await self._measured(config, corpus.train + corpus.test, _vocabulary(config, corpus))

    async def timed_numbers(self, lang: str, *sized: Any) -> str:
        """``time``, then ``numbers``."""
        await self.time(lang, *sized)
        return await self.numbers(lang, *sized)

    async def start(
        self,
        lang: str,
        owner: str,
        source: str,
        own: Given,
        name: str,
        rate: Any,
        seed: Any,
        opening: str,
        *form: Any,
    ) -> tuple[Any, Any]:
        """Put a run into the line. Returns the list with it chosen, and the clock that watches it."""
        config, minutes = _config(form), _read_form(form)[2]
        corpus = await asyncio.to_thread(self._corpus, source, own)
        kind, vocabulary, context = config.tokenizer, config.vocabulary, config.shape.context
        await asyncio.to_thread(check_context, corpus, kind, vocabulary, context)
        content = corpus.train + corpus.test
        steps, _, _ = await asyncio.to_thread(self._speed, config, _vocabulary(config, corpus), minutes)
        pace = Pace(
            steps=steps,
            batch=config.pace.batch,
            learning_rate=RATE.real(rate),
            evaluate_every=evaluate_every(steps),
            seed=int(seed or 0),
        )
        named = {
            "name": self._name(owner, name, text(lang, f"scratch.corpus_{source}")),
            "owner": owner,
            "minutes": min(2 * minutes + 1, settings().max_run_minutes),
            "opening": OPENING.check(opening) or "\n",
        }
        run = await self._create(config.model_copy(update={**named, "pace": pace}), content)
        return await self._chosen(lang, owner, run.folder.id), gr.Timer(active=True)

    async def watch(self, lang: str, owner: str, run_id: str | None, other_id: str | None) -> tuple[Any, ...]:
        """The chosen run as it stands: state, curves, what it wrote; whether to look again; the lists of runs."""
        own = await asyncio.to_thread(self._own, owner)
        choices = gr.update(choices=list_choices(lang, own))
        shown = [run for wanted in dict.fromkeys((run_id, other_id)) for run in own if run.folder.id == wanted]
        if not shown or shown[0].folder.id != run_id:
            return (
                f'<p class="quiet">{text(lang, "scratch.no_run")}</p>',
                "",
                "",
                gr.Timer(active=False),
                choices,
                choices,
            )
        drawn = await asyncio.to_thread(
            lambda: (
                run_html(lang, shown[0]) + talk_html(lang, shown[0], self._page.in_hub),
                curves_html(lang, shown),
                written_html(lang, shown),
            )
        )
        at_work = any(run.state in ("waiting", "running") for run in shown)
        return *drawn, gr.Timer(active=at_work), choices, choices

    async def write(
        self, lang: str, owner: str, run_id: str | None, opening: str, temperature: Any
    ) -> AsyncIterator[str]:
        """What the run's model writes after a beginning, token by token.

        When its context is full, it goes on from the second half of what it sees.
        """
        run = await self._find(owner, run_id)
        assert isinstance(run.config, ScratchConfig)  # noqa: S101 - this tab lists no others
        context = run.config.shape.context
        warmth, written = TEMPERATURE.real(temperature), OPENING.check(opening) or "\n"
        engine = await self._page.trained.engine(run)
        left = _TRY_TOKENS
        while left > 0:
            sampling = SamplingSettings(temperature=warmth, max_new_tokens=left)
            request = GenerationRequest(prompt=written[-context // 2 :], sampling=sampling)
            came = 0
            async with contextlib.aclosing(engine.stream(request)) as events:
                async for event in events:
                    if isinstance(event, TokenBundle):
                        came += len(event.tokens)
                        written += "".join(token.text for token in event.tokens if not token.special)
                        yield written
                        if any(token.special for token in event.tokens):
                            return
            left -= max(came, 1)

    def _speed(self, config: ScratchConfig, vocabulary: int, minutes: float) -> tuple[int, float, bool]:
        """Steps in that time, tokens per second, and whether that was measured or is a guess."""
        tokens = config.pace.batch * config.shape.context
        found = timing.known(self._runs, config, vocabulary)
        if found is not None:
            return found.steps(config, minutes), tokens / found.step, True
        flops = measured_flops(self._runs)
        steps = steps_within(config.shape, vocabulary, config.pace.batch, minutes, flops)
        return steps, tokens_per_second(config.shape, vocabulary, flops), False

    def _corpus(self, source: str, own: Given) -> Corpus:
        """The chosen text. Raises UnusableCorpus, EmptyPrompt, NoDataset."""
        which = str(SOURCE.check(source))
        content = sample_text(which) if which in SAMPLES else (own or {}).get(which, "")
        if not content:
            raise errors.NoDataset() if which == HUB else errors.EmptyPrompt()
        return read_corpus(content, settings().max_document_chars)


def _brought(own: Given, source: str, content: str) -> tuple[Given, Any]:
    """The visitor's texts with this one, and the choice that goes with it. Raises UnusableCorpus."""
    read_corpus(content, settings().max_document_chars)
    return {**(own or {}), source: content}, gr.update(value=source)


def _config(form: tuple[Any, ...]) -> ScratchConfig:
    """A run with the settings of the controls, without its name and its number of steps. Raises ImpossibleShape."""
    shape, batch, minutes, kind, vocabulary = _read_form(form)
    shapes.check(shape)
    return ScratchConfig(
        name="-",
        tokenizer="char" if kind == "char" else "bpe",
        vocabulary=vocabulary,
        shape=shape,
        pace=Pace(batch=batch),
        compiled=minutes >= _WORTH_COMPILING and hardware.cpp_compiler() is not None and not hardware.has_nvidia_gpu(),
    )


def _vocabulary(config: ScratchConfig, corpus: Corpus) -> int:
    """Tokens that the tokenizer will have: the characters, one for those unknown, one for the end; or as asked for."""
    return len(corpus.characters) + 2 if config.tokenizer == "char" else config.vocabulary


def _read_form(form: tuple[Any, ...]) -> tuple[Shape, int, float, str, int]:
    """Shape, batch, minutes, kind and size of the tokenizer, of the controls. Raises InvalidInput."""
    architecture, layers, heads, width, context, batch, minutes, kind, vocabulary = form
    shape = Shape(
        architecture="llama" if ARCHITECTURE.check(architecture) == "llama" else "gpt2",
        layers=LAYERS.whole(layers),
        heads=HEADS.whole(heads),
        width=WIDTH.whole(width),
        context=CONTEXT.whole(context),
    )
    return shape, BATCH.whole(batch), MINUTES.real(minutes), str(TOKENIZER.check(kind)), VOCABULARY.whole(vocabulary)
