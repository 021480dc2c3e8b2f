"""The recorded runs are what the embedded models do: of each kind some are run again and compared."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.diffusion.models import DiffusionModels
from common.recipes.recordings import pictures, trainings, translations
from common.recipes.recordings.examples import SPACES, picture_request, scratch_config
from common.recipes.recordings.texts import request_of
from common.recordings import recording
from common.recordings.recording import FOLDER, PicturesPart, TextPart, TrainingPart, TranslationPart
from common.text.engine import TokenBundle
from common.text.engines.process import ProcessEngine
from common.training.samples import sample_text
from common.translation.models import TranslationModels
from common.ui.i18n import texts
from common.ui.recorded_drawing import dialog_html

ROOT = Path(__file__).resolve().parents[3]


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


@pytest.mark.slow
@pytest.mark.parametrize("tab", ["completion", "actions"])
def test_texts_come_again(engine: ProcessEngine, tab: str) -> None:
    """To the letter on the same kind of processor; on others rounding may turn a late token over."""
    part = recording.read(tab).parts[0]
    assert isinstance(part, TextPart)

    async def again() -> list[int | None]:
        ids = []
        async for event in engine.stream(request_of(part.request)):
            if isinstance(event, TokenBundle):
                ids += [token.id for token in event.tokens]
        return ids

    wanted = [token.id for token in part.tokens]
    half = max(4, len(wanted) // 2)
    assert asyncio.run(again())[:half] == wanted[:half]


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


@pytest.mark.slow
def test_the_first_part_of_the_training_comes_again(tmp_path: Path) -> None:
    part = recording.read("scratch").parts[0]
    assert isinstance(part, TrainingPart)
    config = scratch_config()
    assert part.config == {name: value for name, value in config.model_dump(mode="json").items() if name != "owner"}
    wanted = part.points[:3]

    def enough(events: list[dict[str, object]]) -> bool:
        return sum(event["type"] == "step" for event in events) >= len(wanted)

    _, events = trainings.follow(config, sample_text("story"), tmp_path, enough)
    losses = {event["step"]: event["loss"] for event in events if event["type"] == "step"}
    for point in wanted:
        assert losses[point.step] == pytest.approx(point.loss, abs=0.03)


@pytest.mark.slow
def test_the_picture_comes_again() -> None:
    part = recording.read("denoise").parts[0]
    assert isinstance(part, PicturesPart)
    again = asyncio.run(pictures.drawn(DiffusionModels(), picture_request()))
    for strip in part.strips:
        kept = np.asarray(Image.open(FOLDER / strip.file).convert("RGB"), np.float32)
        now = np.concatenate(again.kinds[strip.label], axis=1).astype(np.float32)
        # The file is compressed with loss: what is left of noise differs most.
        assert np.abs(kept - now).mean() < (6 if strip.label == "denoise.clean" else 25)
    kept = np.asarray(Image.open(FOLDER / part.result).convert("RGB"), np.float32)
    assert np.abs(kept - np.asarray(again.result.convert("RGB"), np.float32)).mean() < 3
