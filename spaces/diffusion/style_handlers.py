"""What the style tab does: pictures to learn from, a run, before and after, the file. Layout: style_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, words_of
from PIL import Image
from style_look import both_html, loss_html, pictures_html, samples_html, state_html

from common import catalog, errors
from common.config import settings
from common.diffusion import adapted, pictures
from common.diffusion.adapted import Adapted, AdaptedRequest, AdaptedStep
from common.diffusion.engine import DiffusionEngine
from common.diffusion.opened import DECODED, Opened, usual_guidance, usual_steps
from common.diffusion.request import Finished, ImageRequest
from common.diffusion.restyle import PROMPTS, STYLES
from common.documents.read import display_name
from common.training.config import Pace, StyleConfig
from common.training.runs import Run
from common.training.style_pictures import Example, check_count, to_jsonl
from common.ui.components import meter_html
from common.ui.fields import Choice, Number, Text
from common.ui.i18n import number, text
from common.ui.visitor_runs import NAME, WatchedRuns

OWN = "own"
SET = Choice("style_set", "ink", (*STYLES, OWN))
CAPTIONS = Text("captions", "", 5_000)
TRAIN_STEPS = Number("style_steps", 160, 20, 2000, 10)
RANK = Number("lora_rank", 8, 1, 64)
RATE = Number("learning_rate", 0.003, 0.000001, 1, 0.000001)
STRENGTH = Number("style_strength", 1.0, 0, 1.5, 0.05)
SAMPLED = Text("prompt", "lion", 400)
_BATCH = 4
_TRIES = 4  # seeds for a picture to learn from that the model's safety checker hides
_LOOKS = 4  # at the loss and a picture in a run
# Forward, twice as much back, and the rest of a step, in forward passes for one picture.
_PASSES = 4
_START_SECONDS = 15.0  # of the process, until its first step
_FILE = "pytorch_lora_weights.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A visitor's own pictures, RGB, and the names of their files.

    Told apart as objects, since gradio asks what is kept in a session for its hash, and pictures have none.
    """

    pictures: tuple[Image.Image, ...]
    names: tuple[str, ...]


class StyleHandlers(WatchedRuns):
    """The handlers of the tab; ``own`` is what the visitor has sent, or None."""

    kind = "style"

    def __init__(self, page: DiffusionPage) -> None:
        super().__init__(page.runs)
        self._models = page.models
        self._drawn: dict[str, tuple[Image.Image, ...]] = {}  # by model: the same for every visitor

    async def take_upload(self, lang: str, files: list[str] | None) -> tuple[Any, ...]:
        """Updates for: own pictures, choice, captions. Raises NumberOfPictures, UnusablePicture."""
        paths = [Path(file) for file in files or ()]
        found: list[Image.Image] = []
        try:
            check_count(len(paths))
            for path in paths:
                found.append(await asyncio.to_thread(_read, path))
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        names = tuple(_name(path) for path in paths)
        return Chosen(tuple(found), names), OWN, "\n".join(names)

    def captions(self, source: Any, own: Chosen | None) -> Any:
        """What the chosen pictures show; only the visitor's own can be described otherwise."""
        mine = SET.check(source) == OWN
        lines = (own.names if own else ()) if mine else PROMPTS
        return gr.update(value="\n".join(lines), interactive=mine)

    async def show(self, lang: str, source: Any, own: Chosen | None, captions: Any) -> AsyncIterator[str]:
        """The pictures to learn from; the model draws first what a rule redoes."""
        which = str(SET.check(source))
        if which == OWN and own is None:
            yield f'<p class="quiet">{text(lang, "teach.no_own")}</p>'
            return
        engine = await asyncio.to_thread(self._models.engine)
        async for examples in self._examples(engine, which, own, captions):
            if isinstance(examples, int):
                words = text(lang, "teach.drawing", done=examples, all=len(PROMPTS))
                yield meter_html(examples / len(PROMPTS), words, kind="noise")
            else:
                note = "" if which == OWN else text(lang, "teach.set_about", model=engine.name)
                yield await asyncio.to_thread(pictures_html, [(one.prompt, one.picture) for one in examples], note)

    async def time(self, lang: str, steps: Any) -> str:
        """How long a run of so many steps is likely to take here; nothing while the model is not loaded."""
        count = TRAIN_STEPS.whole(steps)
        engine = await asyncio.to_thread(self._models.engine)
        seconds = await asyncio.to_thread(self._seconds, engine, count) if engine.ready else None
        if seconds is None:
            return ""
        words = text(lang, "teach.time", minutes=number(lang, seconds / 60, 1), steps=number(lang, count), batch=_BATCH)
        return f'<p class="quiet">{words}</p>'

    async def start(
        self,
        lang: str,
        owner: str,
        source: Any,
        own: Chosen | None,
        captions: Any,
        steps: Any,
        prompt: Any,
        name: Any,
        rank: Any,
        rate: Any,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: pictures, list of runs, clock. Puts a run into the line."""
        which, count, said = str(SET.check(source)), TRAIN_STEPS.whole(steps), words_of(SAMPLED, prompt)
        if not said:
            raise errors.EmptyPrompt()
        if which == OWN:
            check_count(len(own.pictures) if own else 0)
        wanted, title = NAME.check(name), text(lang, f"teach.set_{which}")
        width, fastest = RANK.whole(rank), RATE.real(rate)
        made: Sequence[Example] = ()
        engine = await asyncio.to_thread(self._models.engine)
        async for examples in self._examples(engine, which, own, captions):
            if isinstance(examples, int):
                words = text(lang, "teach.drawing", done=examples, all=len(PROMPTS))
                yield meter_html(examples / len(PROMPTS), words, kind="noise"), gr.skip(), gr.skip()
            else:
                made = examples
        opened = await asyncio.to_thread(engine.opened)
        learner = catalog.without_adapter(opened.model)  # its own steps and guidance suit the pictures on the way
        config = StyleConfig(
            name=self._name(owner, wanted, title),
            owner=owner,
            minutes=settings().max_run_minutes,
            base=str(catalog.locate(learner)),
            base_title=learner.title,
            base_licence=opened.model.licence,
            size=opened.native,
            rank=width,
            prompt=said,
            sample_steps=usual_steps(learner),
            guidance=usual_guidance(learner),
            pace=Pace(
                steps=count,
                batch=_BATCH,
                learning_rate=fastest,
                weight_decay=0.0,
                evaluate_every=-(-count // _LOOKS),
                checkpoint_seconds=15.0 if opened.native <= DECODED else 60.0,
            ),
        )
        run = await self._create(config, await asyncio.to_thread(to_jsonl, made))
        shown = await asyncio.to_thread(pictures_html, [(one.prompt, one.picture) for one in made])
        yield shown, await self._chosen(lang, owner, run.folder.id), gr.Timer(active=True)

    async def both(
        self, lang: str, owner: str, run_id: str | None, prompt: Any, strength: Any, steps: Any, scale: Any, seed: Any
    ) -> AsyncIterator[str]:
        """The prompt drawn without and with what the run has learned, from the same noise."""
        run = await self._find(owner, run_id)
        config, said = _config(run), words_of(PROMPT, prompt)
        if not said:
            raise errors.EmptyPrompt()
        if not run.folder.has_model:
            raise errors.NotTrainedYet()
        asked = AdaptedRequest(
            said,
            run.folder.model / _FILE,
            Path(config.base),
            config.base_title,
            STRENGTH.real(strength),
            STEPS.whole(steps),
            GUIDANCE.real(scale),
            SEED.whole(seed),
        )
        engine = await asyncio.to_thread(self._models.engine)
        last = 0.0
        async with contextlib.aclosing(engine.turns.run(adapted.run, asked)) as events:
            async for event in events:
                if isinstance(event, Adapted):
                    yield await asyncio.to_thread(both_html, lang, event, asked.strength)
                elif isinstance(event, AdaptedStep) and time.monotonic() - last > 0.3:
                    last = time.monotonic()
                    step, steps_all = number(lang, event.step), number(lang, event.steps)
                    words = text(lang, "scratch.progress", step=step, steps=steps_all)
                    yield meter_html(event.step / event.steps, words, kind="noise")

    async def download(self, lang: str, owner: str, run_id: str | None) -> AsyncIterator[Any]:
        """The LoRA as a file. The page takes a copy of it, then it is deleted here."""
        run = await self._find(owner, run_id)
        if not run.folder.has_model:
            raise errors.NotTrainedYet()
        with tempfile.TemporaryDirectory() as place:
            stem = re.sub(r"[^\w]+", "-", run.config.name).strip("-").lower()[:50] or "style"
            target = Path(place) / f"{stem}.safetensors"
            await asyncio.to_thread(shutil.copy, run.folder.model / _FILE, target)
            yield gr.update(value=str(target), visible=True)

    def _draw(self, lang: str, run: Run) -> tuple[str, str, str]:
        return state_html(lang, run), loss_html(lang, run), samples_html(lang, run)

    async def _examples(
        self, engine: DiffusionEngine, which: str, own: Chosen | None, captions: Any
    ) -> AsyncIterator[int | list[Example]]:
        """How many pictures are drawn so far, then all in the style. Raises NumberOfCaptions."""
        opened = await asyncio.to_thread(engine.opened)
        if which == OWN and own is not None:
            lines = [words_of(CAPTIONS, line) for line in CAPTIONS.check(captions).strip().splitlines()]
            if len(lines) != len(own.pictures):
                raise errors.NumberOfCaptions(pictures=len(own.pictures), captions=len(lines))
            yield await asyncio.to_thread(_own_examples, own, lines, opened.native)
            return
        if opened.model.id not in self._drawn:
            done: list[Image.Image] = []
            async for picture in _draw_all(engine, opened):
                done.append(picture)
                yield len(done)
            self._drawn[opened.model.id] = tuple(done)
        yield await asyncio.to_thread(_redone, which, self._drawn[opened.model.id])

    def _seconds(self, engine: DiffusionEngine, steps: int) -> float | None:
        """From the newest run of the same model, else from the time that a picture takes."""
        base = str(catalog.locate(engine.opened().model))
        for run in self._runs.all():
            if isinstance(run.config, StyleConfig) and run.config.base == base:
                last = [event for event in run.folder.events() if event["type"] == "step"][-1:]
                if last and last[0]["step"] >= TRAIN_STEPS.minimum:
                    return float(_START_SECONDS + steps * last[0]["seconds"] / last[0]["step"])
        opened = engine.opened()
        request = ImageRequest("a", steps=opened.steps, guidance_scale=opened.guidance, size=opened.native)
        expected = engine.expected(request)
        if expected is None:
            return None
        one_pass = expected.seconds / (opened.steps * (2 if request.guided else 1))
        return _START_SECONDS + steps * _BATCH * _PASSES * one_pass


def _own_examples(own: Chosen, lines: Sequence[str], edge: int) -> list[Example]:
    return [Example(line, pictures.square(picture, edge)) for line, picture in zip(lines, own.pictures, strict=True)]


def _redone(which: str, drawn: Sequence[Image.Image]) -> list[Example]:
    redo = STYLES[which]
    return [Example(prompt, redo(picture)) for prompt, picture in zip(PROMPTS, drawn, strict=True)]


async def _draw_all(engine: DiffusionEngine, opened: Opened) -> AsyncIterator[Image.Image]:
    """The pictures of ``PROMPTS`` in their order; the engine makes batches of them.

    One that the model's safety checker hides is drawn with other seeds: nothing is learned from a black picture.

    Raises:
        UnusablePicture: the checker has hidden them all.
    """
    plain = ImageRequest("", steps=opened.steps, guidance_scale=opened.guidance, size=opened.native)

    async def one(place: int, prompt: str) -> Image.Image:
        for attempt in range(_TRIES):
            asked = replace(plain, prompt=prompt, seed=place + 1 + attempt * len(PROMPTS))
            async with contextlib.aclosing(engine.draw(asked)) as events:
                *_, last = [event async for event in events if isinstance(event, Finished)]
            if not last.hidden[0]:
                return last.images[0].convert("RGB")
        reason = errors.Phrase("named_picture", name=prompt, reason=errors.Phrase("picture_hidden"))
        raise errors.UnusablePicture(reason=reason)

    drawing = [asyncio.create_task(one(place, prompt)) for place, prompt in enumerate(PROMPTS)]
    try:
        for task in drawing:
            yield await task
    finally:
        for task in drawing:
            task.cancel()
        await asyncio.gather(*drawing, return_exceptions=True)


def _read(path: Path) -> Image.Image:
    """A picture; which one cannot be read is said."""
    try:
        return pictures.take(path)
    except errors.UnusablePicture as problem:
        reason = errors.Phrase("named_picture", name=display_name(path.name), reason=problem.params["reason"])
        raise errors.UnusablePicture(reason=reason) from problem


def _name(path: Path) -> str:
    """What a file's name says about its picture: its words, without numbers and signs."""
    return " ".join(re.sub(r"[\W\d_]+", " ", path.stem).split()).lower() or path.stem


def _config(run: Run) -> StyleConfig:
    assert isinstance(run.config, StyleConfig)  # noqa: S101 - this tab lists no others
    return run.config
