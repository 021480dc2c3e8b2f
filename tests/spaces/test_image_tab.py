"""The Text-to-image tab without a browser, on a real pipeline: drawing, foreseeing, restoring, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from common import catalog, errors, hardware
from common.config import LANGUAGES, Settings
from common.diffusion import metadata
from common.diffusion.engine import ImageRequest
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text
from tests.tiny_diffusion import build_tiny_decoder

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from diffusion_page import status_html
from image_handlers import ImageHandlers, model_choices

VISITOR = gr.Request(session_hash="visitor")
HOSTILE = '<img src=x onerror="alert(1)"> & {seed}'


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> ImageHandlers:
    return ImageHandlers(models)


def _form(prompt: Any = "red apple", **changed: Any) -> tuple[Any, ...]:
    values = {
        "negative": "",
        "style": "none",
        "steps": 3,
        "guidance": 4.0,
        "seed": 5,
        "size": 32,
        "scheduler": "own",
        "images": 1,
        "decoder": "small",
        "model": "auto",
    }
    return prompt, *{**values, **changed}.values()


async def _all(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


def _drawn(handlers: ImageHandlers, *form: Any, lang: str = "en", kept: Any = ()) -> tuple[Any, ...]:
    """The last updates that hold a picture, and stay."""
    return tuple(asyncio.run(_all(handlers.draw(lang, list(kept), *form, VISITOR)))[-1])


def _saved(html: str) -> list[bytes]:
    return [base64.b64decode(part) for part in re.findall(r'href="data:image/png;base64,([^"]+)"', html)]


def test_a_picture_carries_its_settings(handlers: ImageHandlers, tmp_path: Path) -> None:
    html, shown, kept, gallery = _drawn(handlers, *_form(images=2, seed=41, negative="blue", scheduler="euler"))
    assert shown.finished is not None and len(kept) == len(gallery) == 2
    files = _saved(html)
    path = tmp_path / "saved.png"
    path.write_bytes(files[1])
    request, _ = metadata.read(path)
    assert request == ImageRequest("red apple", "blue", 3, 4.0, 42, 32, "euler")
    kept[1][0].save(path, "PNG")  # the gallery's own button saves these
    assert kept[1][0].info["demystify"] and kept[1][0].info["parameters"].startswith("red apple\nNegative prompt: blue")


def test_every_picture_of_the_visit_is_kept(handlers: ImageHandlers) -> None:
    first = _drawn(handlers, *_form())
    second = _drawn(handlers, *_form(seed=6), kept=first[2])
    assert [caption.endswith(f"seed {seed}") for (_, caption), seed in zip(second[2], (6, 5), strict=True)] == [
        True
    ] * 2


def test_a_style_is_words_in_the_prompt(handlers: ImageHandlers) -> None:
    assert _drawn(handlers, *_form(style="pixel"))[1].request.prompt == "red apple, pixel art"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_a_visitor_types_is_no_markup(handlers: ImageHandlers, lang: str) -> None:
    html, shown, _, _ = _drawn(handlers, *_form(HOSTILE), lang=lang)
    assert "<img src=x" not in html and HOSTILE in unescape(html)
    assert text(lang, "image.took") in html
    assert handlers.relabel("de", shown) == handlers.relabel("de", shown) != ""
    note = asyncio.run(handlers.foresee(lang, *_form(HOSTILE * 5)))
    assert "<img src=x" not in note


def test_steps_are_shown_on_the_way(handlers: ImageHandlers, monkeypatch: pytest.MonkeyPatch) -> None:
    import image_handlers

    monkeypatch.setattr(image_handlers, "_PAUSE", 0.0)
    updates = asyncio.run(_all(handlers.draw("en", [], *_form(steps=6), VISITOR)))
    on_the_way = [html for html, *_ in updates if "Step 3 of 6" in html]
    assert len(on_the_way) == 1 and "data:image/png" in on_the_way[0]


def test_stopping_keeps_what_has_come(
    handlers: ImageHandlers, models: DiffusionModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    import image_handlers

    monkeypatch.setattr(image_handlers, "_PAUSE", 0.0)

    async def stop_in_the_middle() -> list[Any]:
        seen = []
        async for update in handlers.draw("en", [], *_form(steps=100), VISITOR):
            seen.append(update)
            if "Step 2 of" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    html, shown, *_ = asyncio.run(stop_in_the_middle())[-1]
    assert shown.stopped and shown.finished is None
    assert text("en", "image.stopped") in html and "data:image/png" in html
    assert models.engine().active == 0


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"prompt": "  "}, errors.EmptyPrompt),
        ({"prompt": "a" * 6000}, errors.InvalidInput),
        ({"prompt": None}, errors.InvalidInput),
        ({"prompt": "half \ud83d"}, errors.InvalidInput),
        ({"negative": "half \ud83d"}, errors.InvalidInput),
        ({"seed": -1}, errors.InvalidInput),
        ({"seed": 2**32}, errors.InvalidInput),
        ({"steps": 0}, errors.InvalidInput),
        ({"guidance": "much"}, errors.InvalidInput),
        ({"size": 40}, errors.InvalidInput),
        ({"scheduler": "lcm"}, errors.InvalidInput),
        ({"scheduler": "none"}, errors.InvalidInput),
        ({"style": "../x"}, errors.InvalidInput),
        ({"images": 9}, errors.InvalidInput),
        ({"decoder": "large"}, errors.InvalidInput),
        ({"model": "nonsense"}, errors.UnknownModel),
    ],
)
def test_what_cannot_be_drawn_is_said(
    handlers: ImageHandlers, changed: dict[str, Any], problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        _drawn(handlers, *_form(**changed))


def test_what_to_expect_is_said_before(handlers: ImageHandlers) -> None:
    def note(**changed: Any) -> str:
        return unescape(asyncio.run(handlers.foresee("en", *_form(**changed))))

    plain = note()
    assert re.search(r"expected: [\d.]+ s, \d+ MB of memory", plain) and "notice" not in plain
    assert "“xyz”" in note(prompt="a" * 22 + "xyz")
    assert "1,000" not in note(prompt="word " * 1000) and "does not read" in note(prompt="word " * 1000)
    assert text("en", "image.negative_unused") in note(negative="blue", guidance=1)
    assert text("en", "image.cut_negative", rest="xyz") in note(negative="a" * 22 + "xyz")
    assert "does not read" not in note(negative="a" * 25, guidance=1), "none of it is read"
    for key in ("prompt", "negative"):
        assert text("en", "image.full", limit="5,000") in note(**{key: "a" * 5000})
    assert "32 pixels" in note(size=48)
    assert note(prompt="") == note(seed=-1) == ""


def test_a_page_opened_before_the_model_is_loaded(tiny_diffusion: Path) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    visit = gr.Request(session_hash="visitor")
    visit.query_params = {"lang": "de"}  # type: ignore[attr-defined]
    visit.headers = {}  # type: ignore[attr-defined]
    first, last = asyncio.run(_all(ImageHandlers(models).settle("en", visit, *_form())))
    assert text("de", "image.loading") in first
    assert "erwartet" in last
    models.close()


def test_choosing_a_model_loads_nothing_and_says_what_draw_will_do(
    models: DiffusionModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does it let go of another visitor's large model; and only Draw takes a model's place."""
    large = [catalog.Model(f"large-{n}", f"Large {n}", "image", "hub", size=32, size_mb=2500 * n) for n in (1, 2)]
    monkeypatch.setattr(DiffusionModels, "usable", lambda self: tuple(large))
    monkeypatch.setattr(catalog, "is_local", lambda model: model.id == "large-1")
    shared = DiffusionModels(Settings(offline=True))
    first = shared.engine("large-1")
    handlers = ImageHandlers(shared)
    note = asyncio.run(handlers.foresee("en", *_form(model="large-2")))
    assert "Large 2 is loaded when you press Draw" in note and "5.0 GB are downloaded first" in note
    assert "download" not in asyncio.run(handlers.foresee("en", *_form(model="large-1")))
    assert shared.held("large-2") is None and shared.held("large-1") is first
    assert shared.beside_others("large-2") is None and shared.beside_others() is first
    shared.engine("large-2")
    assert shared.held("large-1") is None
    status, ready = asyncio.run(status_html("en", shared))  # of the page's model, which is not in memory
    assert ready and "Large 1" in status and shared.held("large-2") is not None
    shared.close()


def test_a_saved_picture_gives_its_settings_back(handlers: ImageHandlers, tmp_path: Path) -> None:
    html, *_ = _drawn(
        handlers, *_form("fox", negative="blue", steps=4, guidance=2.5, seed=9, size=48, scheduler="unipc")
    )
    path = tmp_path / "saved.png"
    path.write_bytes(_saved(html)[0])
    updates = asyncio.run(handlers.restore("en", str(path), "auto"))
    assert updates[:6] == ("fox", "blue", "none", 4, 2.5, 9)
    assert updates[6]["value"] == 48 and updates[7]["value"] == "unipc" and updates[8] == 1
    assert not path.exists()  # what was sent is not kept


def test_a_foreign_picture_is_said_and_deleted(handlers: ImageHandlers, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(errors.ForeignPicture):
        asyncio.run(handlers.restore("en", str(tmp_path / "plain.png"), "auto"))
    assert not (tmp_path / "plain.png").exists()
    for values in ({"seed": 2**40}, {"steps": 10_000}, {"guidance_scale": 1e300}):
        request = ImageRequest("a", **{"seed": 1, "steps": 2, "size": 32, **values})
        path = tmp_path / "limits.png"
        path.write_bytes(metadata.png(Image.new("RGB", (8, 8)), metadata.texts(request, "m", "DDIM")))
        with pytest.raises(errors.InvalidInput):
            asyncio.run(handlers.restore("en", str(path), "auto"))


def test_another_programs_settings_are_taken_with_a_size_that_the_model_has(
    handlers: ImageHandlers, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.png"
    for size, told in (("512x512", True), ("48x32", True), ("48x48", False)):
        written = f"a fox\nSteps: 9, Sampler: Euler a, CFG scale: 7, Seed: 3, Size: {size}, Model: {HOSTILE}"
        path.write_bytes(metadata.png(Image.new("RGB", (8, 8)), {"parameters": written}))
        *form, note = asyncio.run(handlers.restore("en", str(path), "auto"))
        assert form[0] == "a fox" and form[5] == 3 and form[6]["value"] == (32 if told else 48)
        assert (text("en", "image.restored_size", edge="32") in unescape(note)) is told
        assert "<img src=x" not in note and HOSTILE in unescape(note)


def test_surprise_and_next_seed(handlers: ImageHandlers) -> None:
    prompts = {asyncio.run(handlers.surprise("en", "auto"))[0] for _ in range(20)}
    assert len(prompts) > 1
    assert handlers.next_seed("en", 5, 3) == 8
    assert handlers.next_seed("en", 2**32 - 1, 1) == 0


def test_what_suits_a_model_is_set(tiny_diffusion: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_diffusion, tmp_path / "other")
    handlers = ImageHandlers(DiffusionModels(Settings(image_model=str(folder))))
    steps, guidance, size, scheduler, decoder = asyncio.run(handlers.for_model("en", "auto"))
    assert (steps, guidance, size["value"]) == (20, 7.5, 32)
    assert not decoder["visible"], "it has but one"
    assert "lcm" not in [name for _, name in scheduler["choices"]]


def test_a_model_with_two_decoders_draws_with_the_one_that_is_chosen(
    tiny_diffusion: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    folder = shutil.copytree(tiny_diffusion, tmp_path / "two")
    build_tiny_decoder(folder / "tiny_vae")
    models = DiffusionModels(Settings(image_model=str(folder)))
    handlers = ImageHandlers(models)
    try:
        *_, decoder = asyncio.run(handlers.for_model("en", "auto"))
        assert decoder["visible"] and decoder["value"] == "small"
        quick, full = (_drawn(handlers, *_form(decoder=name)) for name in ("small", "full"))
        assert quick[3][0][0].tobytes() != full[3][0][0].tobytes()
        path = tmp_path / "saved.png"
        path.write_bytes(_saved(full[0])[0])
        updates = asyncio.run(handlers.restore("en", str(path), "auto"))
        assert updates[9]["value"] == "full" and updates[9]["visible"]
    finally:
        models.close()


def test_the_model_of_few_steps_can_be_chosen_and_brings_its_settings() -> None:
    models = DiffusionModels(Settings(offline=True))
    assert "emoji-diffusion-lcm" in [name for _, name in model_choices("en", models)]
    steps, guidance, size, scheduler, _ = asyncio.run(ImageHandlers(models).for_model("en", "emoji-diffusion-lcm"))
    assert (steps, guidance, size["value"]) == (4, 1.0, 64)
    assert "lcm" in [name for _, name in scheduler["choices"]] and scheduler["value"] == "own"
    for name, offered in (("auto", False), ("emoji-diffusion-lcm", True)):  # in another language too
        update = asyncio.run(ImageHandlers(models).schedulers("de", name))
        assert ("lcm" in [name for _, name in update["choices"]]) is offered
        assert text("de", "image.scheduler_own") in [title for title, _ in update["choices"]]


def test_programs_get_the_same(handlers: ImageHandlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file, answer = asyncio.run(handlers.api("fox " * 40, "dog " * 40, steps=2, guidance_scale=3.0, seed=4))
    request, model = metadata.read(Path(file.path))
    assert (request.steps, request.guidance_scale, request.seed, request.size) == (2, 3.0, 4, 32)
    assert model == answer["model"] and "fox" in answer["cut"] and answer["hidden"] is False
    assert "dog" in answer["negative_cut"]
    assert asyncio.run(handlers.api("fox"))[1]["together"] == 1
    with pytest.raises(errors.InvalidInput):
        asyncio.run(handlers.api("fox", seed=-1))


def test_a_hidden_picture_is_said(handlers: ImageHandlers) -> None:
    from dataclasses import replace

    from image_look import canvas_html

    shown = _drawn(handlers, *_form())[1]
    assert text("en", "image.hidden") not in unescape(canvas_html("en", shown))
    hidden = replace(shown, finished=replace(shown.finished, hidden=(True,)))
    assert text("en", "image.hidden") in unescape(canvas_html("en", hidden))


def test_what_a_stopped_drawing_had_come_to_is_judged(
    tiny_diffusion_hiding: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import image_handlers

    monkeypatch.setattr(image_handlers, "_PAUSE", 0.0)
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion_hiding)))
    handlers = ImageHandlers(models)

    async def stop_in_the_middle() -> list[Any]:
        seen = []
        async for update in handlers.draw("en", [], *_form(steps=100), VISITOR):
            seen.append(update)
            if "Step 2 of" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    html, shown, *_ = asyncio.run(stop_in_the_middle())[-1]
    models.close()
    assert shown.stopped and text("en", "image.hidden") in unescape(html) and not shown.step.clean[0].any()


def test_signs_that_no_file_can_hold_are_left_out(handlers: ImageHandlers, tmp_path: Path) -> None:
    html, *_ = _drawn(handlers, *_form("a\x00 fox\r\n  on\u200b ice \U0001f98a"))
    (tmp_path / "a.png").write_bytes(_saved(html)[0])
    assert metadata.read(tmp_path / "a.png")[0].prompt == "a fox on ice \U0001f98a"


def test_a_link_may_name_the_size_and_scheduler_of_another_model(models: DiffusionModels) -> None:
    """Gradio would refuse in English what is not in its list; the engine says whether the model has it."""
    import image_tab
    from diffusion_page import DiffusionPage

    from common.training.runs import TrainingRuns
    from common.ui.page import page_frame

    with page_frame("diffusion") as frame:
        parts = (frame.demo, frame.words, frame.lang, frame.arrival, frame.redraws)
        image_tab.build(DiffusionPage(*parts, models, TrainingRuns(), None, None))
    boxes = {block.elem_id: block for block in frame.demo.blocks.values() if getattr(block, "elem_id", None)}
    assert boxes["image-size"].preprocess(512) == 512
    assert boxes["image-scheduler"].preprocess("lcm") == "lcm"
    assert "lcm" not in [name for _, name in boxes["image-scheduler"].choices]
