"""The recorded runs are what the embedded models do: of each kind some are run again and compared."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common import catalog
from common.diffusion.models import DiffusionModels
from common.recipes.recordings import trainings, translations
from common.recipes.recordings.examples import (
    SPACES,
    WHOSE,
    Workshop,
    finetune_run,
    prefer_run,
    scratch_config,
    style_config,
    style_pictures,
)
from common.recipes.recordings.texts import attention_parts, request_of
from common.recordings import recording
from common.recordings.recording import (
    FOLDER,
    AttentionPart,
    Part,
    PicturesPart,
    TextPart,
    TrainingPart,
    TranslationPart,
)
from common.text.engine import TokenBundle
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, TextModels
from common.training.config import AnyConfig
from common.training.samples import sample_text
from common.translation.models import TranslationModels
from common.ui.i18n import texts
from common.ui.recorded_drawing import dialog_html

ROOT = Path(__file__).resolve().parents[3]
_BEGINNING = 12  # tokens
_LOSSES = "step", "eval"  # events, of what is learned and of what is held out


@pytest.mark.parametrize("space", SPACES)
def test_every_example_is_recorded_and_can_be_drawn(space: str) -> None:
    for tab in SPACES[space]:
        found = recording.read(tab)
        assert (found.tab, found.space) == (tab, space) and found.parts and found.machine
        assert all((FOLDER / name).is_file() for name in found.files)
        drawn = dialog_html("fr", found)
        assert found.made in drawn and all(model in drawn for model in found.models)


def test_what_is_recorded_is_small_and_nothing_is_left_over() -> None:
    known = {f"{tab}.json" for tab in recording.names()}
    known |= {name for tab in recording.names() for name in recording.read(tab).files}
    files = list(FOLDER.iterdir())
    assert {path.name for path in files} == known
    assert sum(path.stat().st_size for path in files) < 4e6
    labels = {
        key
        for tab in recording.names()
        for part in recording.read(tab).parts
        if isinstance(part, TextPart | PicturesPart)
        for key in part.label.split()
    }
    assert labels <= set(texts("en"))


def test_playing_loads_no_model_library() -> None:
    heavy = "torch", "transformers", "diffusers", "openvino_genai", "ctranslate2"
    code = (
        "import sys; from common.ui import recorded; from common.recordings import recording\n"
        "from common.ui.recorded_drawing import dialog_html\n"
        f"dialog_html('en', recording.read('image')); print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def models(engine: ProcessEngine) -> Iterator[TextModels]:
    """The embedded model as the recordings have it, and its inside."""
    found = TextModels()
    found._choice, found._engine = Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), engine
    yield found
    if found._glass is not None:
        asyncio.run(found._glass.close())


@pytest.mark.slow
def test_texts_come_again(engine: ProcessEngine) -> None:
    """The beginning of every one, to the letter; on other processors rounding may turn a late token over."""
    every = [(tab, part) for tab in recording.names() for part in recording.read(tab).parts]
    wanted = [(tab, part) for tab, part in every if isinstance(part, TextPart)]
    assert {"chat", "completion", "sampling", "essay", "summary", "retrieval", "actions", "gallery", "sizes"} <= {
        tab for tab, _ in wanted
    }

    async def again(part: TextPart) -> list[int | None]:
        request = request_of(part.request)
        longest = min(_BEGINNING, request.sampling.max_new_tokens)
        # The shape of a tool call is forced on it, whatever its length.
        if request.sampling.json_schema is None:
            request = replace(request, sampling=replace(request.sampling, max_new_tokens=longest))
        ids = []
        async for event in engine.stream(request):
            if isinstance(event, TokenBundle):
                ids += [token.id for token in event.tokens]
        return ids

    async def all_of_them() -> list[list[int | None]]:
        return await asyncio.gather(*(again(part) for _, part in wanted))

    for (tab, part), ids in zip(wanted, asyncio.run(all_of_them()), strict=True):
        hot = part.request["sampling"].get("temperature", 0.7) > 1
        count = min(4 if hot else _BEGINNING, max(2, len(part.tokens) // 2))
        assert ids[:count] == [token.id for token in part.tokens][:count], (tab, part.label)


@pytest.mark.slow
def test_heads_look_where_they_looked(models: TextModels) -> None:
    kept = [part for part in recording.read("inside").parts if isinstance(part, AttentionPart)]
    again = asyncio.run(attention_parts(models, WHOSE, "book", ("teacher", "student")))
    assert len(kept) == len(again) == 2
    for one, other in zip(kept, again, strict=True):
        assert (one.tokens, one.layer, one.head) == (other.tokens, other.layer, other.head)
        for row, now in zip(one.weights, other.weights, strict=True):
            assert now == pytest.approx(row, abs=20)  # thousandths


@pytest.mark.slow
def test_translations_come_again() -> None:
    models = TranslationModels()
    every = [part for tab in recording.names() for part in recording.read(tab).parts]
    wanted = [part for part in every if isinstance(part, TranslationPart)]
    assert len(wanted) >= 5
    for part in wanted:
        again = translations.translation_part(models, part.sentence, part.source, part.target)
        assert [step.id for step in again.steps] == [step.id for step in part.steps]
        assert again.translation == part.translation


def _begins_again(part: Part, config: AnyConfig, data: str, folder: Path, count: int, apart: float = 0.03) -> None:
    """The first points of a curve, by a run that is ended after them; none is ``apart`` or more from what it was."""
    assert isinstance(part, TrainingPart)
    kept = {name: value for name, value in config.model_dump(mode="json").items() if name not in ("owner", "base")}
    assert {name: part.config[name] for name in part.config} == {name: kept[name] for name in part.config}
    wanted = part.points[:count]

    def enough(events: list[dict[str, object]]) -> bool:
        return sum(event["type"] == "step" for event in events) >= len(wanted)

    _, events = trainings.follow(config, data, folder, enough)
    losses, held_out = ({event["step"]: event["loss"] for event in events if event["type"] == kind} for kind in _LOSSES)
    for point in wanted:
        assert losses[point.step] == pytest.approx(point.loss, abs=apart), point.step
        if point.step in held_out:  # else a look counts for the first point after it
            assert held_out[point.step] == pytest.approx(point.held_out, abs=apart), point.step


@pytest.mark.slow
def test_the_first_part_of_a_training_comes_again(tmp_path: Path) -> None:
    _begins_again(recording.read("scratch").parts[0], scratch_config(), sample_text("story"), tmp_path, 3)


@pytest.mark.slow
def test_the_first_steps_of_a_fine_tuning_come_again(tmp_path: Path) -> None:
    config, data = finetune_run()
    _begins_again(recording.read("finetune").parts[0], config, data, tmp_path, 2)


@pytest.mark.slow
def test_the_first_steps_of_an_alignment_come_again(models: TextModels, tmp_path: Path) -> None:
    """On the pairs that the model writes anew: the first loss is that of a coin, whatever they are, and the second step
    the first to learn; what it makes of the held-out pair, and the third, are theirs alone, to the third digit."""
    config, data = asyncio.run(prefer_run(models))
    _begins_again(recording.read("prefer").parts[0], config, data, tmp_path, 3, apart=0.002)


@pytest.mark.slow
def test_the_first_steps_of_a_style_come_again(tmp_path: Path) -> None:
    shop = DiffusionModels()
    config, data = style_config(shop), asyncio.run(style_pictures(shop))
    _begins_again(recording.read("teach").parts[0], config, data, tmp_path, 2)
    shop.close()


@pytest.mark.slow
@pytest.mark.parametrize("tab", ["image", "denoise", "guidance", "noise", "redraw", "grid"])
def test_pictures_come_again(tab: str, tmp_path: Path) -> None:
    """Every picture of every step, by the same seed; the strips are compressed with loss."""
    shop = Workshop(TextModels(), TranslationModels(), DiffusionModels(), tmp_path, tmp_path)

    async def draw() -> list[Part]:
        return await SPACES["diffusion"][tab](shop, tab)

    again = asyncio.run(draw())
    shop.diffusion.close()
    for part, now in zip(recording.read(tab).parts, again, strict=True):
        assert isinstance(part, PicturesPart) and isinstance(now, PicturesPart)
        assert (part.prompt, part.noise_left) == (now.prompt, now.noise_left)
        assert part.settings.items() <= now.settings.items()  # what came to it later has its default
        for strip in part.strips:
            # What is left of noise differs most.
            assert _difference(strip.file, tmp_path) < (25 if strip.label in ("denoise.noise", "denoise.noisy") else 6)
        assert _difference(part.result, tmp_path) < 3


def _difference(name: str, folder: Path) -> float:
    """Mean of what two pictures differ by, 0 to 255."""
    one, other = (np.asarray(Image.open(place / name).convert("RGB"), np.float32) for place in (FOLDER, folder))
    return float(np.abs(one - other).mean())


def test_before_and_after_a_style_are_two_pictures_from_the_same_noise() -> None:
    parts = [part for part in recording.read("teach").parts if isinstance(part, PicturesPart)]
    before, after = (np.asarray(Image.open(FOLDER / part.result).convert("RGB"), np.float32) for part in parts)
    assert parts[0].settings == parts[1].settings and parts[0].prompt == parts[1].prompt
    assert np.abs(before - after).mean() > 10
    # Blue ink: what the style has learned to draw is bluer than it is red.
    assert (after[..., 2] - after[..., 0]).mean() > (before[..., 2] - before[..., 0]).mean() + 20
    drawn = dialog_html("de", recording.read("teach"))
    assert texts("de")["recorded.untaught"] in drawn and texts("de")["recorded.taught"] in drawn
