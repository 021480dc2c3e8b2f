"""Teach it a style without a browser, on a tiny real pipeline: pictures, a whole run, before and after, the file."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.diffusion.restyle import PROMPTS, STYLES
from common.training.folder import RunFolder
from common.training.runs import TrainingRuns
from common.ui.i18n import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from picture_input import example
from style_handlers import StyleHandlers
from style_look import samples_html

OWNER = "a" * 32


@pytest.fixture(scope="module")
def tab(tiny_diffusion: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StyleHandlers]:
    config = Settings(image_model=str(tiny_diffusion), runs_dir=tmp_path_factory.mktemp("runs"))
    models, runs = DiffusionModels(config), TrainingRuns(config)
    models.engine().opened()
    page: Any = SimpleNamespace(models=models, runs=runs)
    yield StyleHandlers(page)
    models.close()


def _all(updates: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [update async for update in updates]

    return asyncio.run(collect())


def _files(folder: Path, count: int) -> list[str]:
    paths = [folder / f"Red_fox-{n}.png" for n in range(count)]
    for path in paths:
        Image.new("RGB", (50, 40), "red").save(path)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def trained(tab: StyleHandlers) -> str:
    """The id of a short run on the example pictures that has come to its end."""
    updates = _all(tab.start("en", OWNER, "ink", None, "", 20, "red apple", "", 2, 0.003))
    assert text("en", "teach.drawing", done=1, all=12) in updates[0][0]
    run_id: str = updates[-1][1]["value"]
    end = time.monotonic() + 120
    while tab._runs.find(run_id).state in ("waiting", "running") and time.monotonic() < end:
        tab._runs.look()
        time.sleep(0.2)
    assert tab._runs.find(run_id).state == "finished"
    return run_id


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_shown_with_what_it_drew(tab: StyleHandlers, trained: str, lang: str) -> None:
    state, curves, samples, clock, choices = asyncio.run(tab.watch(lang, OWNER, trained))
    assert text(lang, "teach.learned") in unescape(state) and "<svg" in curves
    assert samples.count("<img") == 5 and "red apple" in samples
    assert not clock.active and choices["choices"][0][1] == trained
    assert asyncio.run(tab.watch(lang, "b" * 32, trained))[0].startswith('<p class="quiet">'), "somebody else's"


@pytest.mark.slow
def test_before_and_after_differ_by_the_strength_alone(tab: StyleHandlers, trained: str) -> None:
    def drawn(strength: float) -> list[str]:
        html = _all(tab.both("en", OWNER, trained, "fox", strength, 2, 2.0, 3))[-1]
        return [part.split('"')[0] for part in html.split('src="')[1:]]

    before, after = drawn(1.5)
    same, unchanged = drawn(0)
    assert before == same == unchanged != after
    assert drawn(1.5) == [before, after], "the model itself has stayed as it was"


@pytest.mark.slow
def test_the_file_is_the_owners_and_has_the_runs_name(tab: StyleHandlers, trained: str) -> None:
    assert _all(tab.download("en", OWNER, trained))[0]["value"].endswith("/blue-ink-1.safetensors")
    for handler in (tab.download("en", "b" * 32, trained), tab.both("en", "b" * 32, trained, "fox", 1, 2, 2, 3)):
        with pytest.raises(errors.NoSuchRun):
            _all(handler)


@pytest.mark.slow
def test_the_next_time_is_told_from_the_last_run(tab: StyleHandlers, trained: str) -> None:
    assert "1,000 steps" in asyncio.run(tab.time("en", 1000))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_hidden_on_the_way_is_said(tmp_path: Path, lang: str) -> None:
    from common.training.config import StyleConfig
    from common.training.runs import Run

    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    config = StyleConfig(name="blue", base="nowhere", size=32, prompt="fox")
    run = Run(folder, config, "running", 0.0)
    for number, hidden in enumerate(({}, {"hidden": True})):
        Image.new("RGB", (32, 32)).save(folder.path / f"sample-{number}.png")
        folder.append("sample", step=number, file=f"sample-{number}.png", **hidden)
        said = text(lang, "teach.hidden") in unescape(samples_html(lang, run))
        assert said is bool(hidden)


def test_nothing_is_learned_from_a_hidden_picture(tiny_diffusion_hiding: Path, tmp_path: Path) -> None:
    import torch

    class HidesTheFirst(torch.nn.Module):
        """A checker that takes as many pictures for unsuitable as there are prompts, and none after them."""

        seen, dtype, device = 0, torch.float32, torch.device("cpu")  # as the pipeline asks every part

        def forward(self, clip_input: torch.Tensor, images: Any) -> tuple[Any, list[bool]]:
            hidden = [self.seen + number < len(PROMPTS) for number in range(len(images))]
            self.seen += len(images)
            return images, hidden

    config = Settings(image_model=str(tiny_diffusion_hiding), runs_dir=tmp_path)
    page: Any = SimpleNamespace(models=DiffusionModels(config), runs=TrainingRuns(config))
    with pytest.raises(errors.UnusablePicture, match="safety checker has hidden"):
        _all(StyleHandlers(page).show("en", "ink", None, ""))
    checker = page.models.engine().opened().pipe.safety_checker = HidesTheFirst()
    *_, examples = _all(StyleHandlers(page)._examples(page.models.engine(), "outline", None, ""))
    assert checker.seen == 2 * len(PROMPTS) and [one.prompt for one in examples] == list(PROMPTS)
    white = STYLES["outline"](Image.new("RGB", (32, 32))).tobytes()
    assert all(one.picture.tobytes() != white for one in examples)
    page.models.close()


def test_own_pictures_are_taken_named_and_shown(tab: StyleHandlers, tmp_path: Path) -> None:
    own, source, captions = asyncio.run(tab.take_upload("en", _files(tmp_path, 5)))
    assert source == "own" and captions == "\n".join(["red fox"] * 5) and not list(tmp_path.iterdir())
    html = _all(tab.show("en", "own", own, "<b>one\ntwo\nthree\nfour\nfive"))[-1]
    assert html.count("<img") == 5 and "&lt;b&gt;one" in html
    with pytest.raises(errors.NumberOfCaptions, match="5 pictures and 2 lines"):
        _all(tab.show("en", "own", own, "one\ntwo"))
    assert tab.captions("own", own)["interactive"] and tab.captions("ink", own)["value"] == "\n".join(PROMPTS)
    assert text("de", "teach.no_own") in _all(tab.show("de", "own", None, ""))[0]


@pytest.mark.parametrize("count", [0, 4, 21])
def test_too_few_or_too_many_are_refused_and_deleted(tab: StyleHandlers, tmp_path: Path, count: int) -> None:
    with pytest.raises(errors.NumberOfPictures, match=f"these are {count}"):
        asyncio.run(tab.take_upload("en", _files(tmp_path, count)))
    assert not list(tmp_path.iterdir())


def test_the_picture_that_cannot_be_read_is_named(tab: StyleHandlers, tmp_path: Path) -> None:
    files = _files(tmp_path, 5)
    Path(files[3]).write_bytes(b"no picture")
    with pytest.raises(errors.UnusablePicture, match=r"fox-3\.png: only PNG"):
        asyncio.run(tab.take_upload("en", files))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changed",
    [{"source": "oil"}, {"source": "own"}, {"steps": 0}, {"prompt": " "}, {"rank": 0}, {"rate": 0}, {"name": "x" * 61}],
)
def test_bad_input_is_said_before_anything_runs(tab: StyleHandlers, changed: dict[str, Any]) -> None:
    form = {"source": "ink", "own": None, "captions": "", "steps": 20, "prompt": "fox", "name": "", "rank": 2,
            "rate": 0.003} | changed  # fmt: skip
    count = len(tab._runs.all())
    with pytest.raises((errors.InvalidInput, errors.EmptyPrompt, errors.NumberOfPictures)):
        _all(tab.start("en", OWNER, **form))
    assert len(tab._runs.all()) == count


def test_the_rules_keep_the_white_ground_and_change_the_rest() -> None:
    picture = example("apple")
    for redo in STYLES.values():
        made = redo(picture)
        assert made.size == picture.size and made.getpixel((2, 2)) == (255, 255, 255)
        assert made.tobytes() != picture.tobytes()
    reds, _, blues = STYLES["ink"](picture).getpixel((64, 80))  # type: ignore[misc]
    assert blues > reds, "what was red is blue"
