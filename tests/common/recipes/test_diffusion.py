"""The recipe of the emoji model in miniature, one command and resumed, and the model that is committed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import torch
from diffusers import AutoPipelineForText2Image
from PIL import Image, ImageDraw

from common.recipes.diffusion import __main__ as recipe
from common.recipes.diffusion import features, loop, pictures, words

ROOT = Path(__file__).resolve().parents[3]
COMMITTED = ROOT / "models" / "diffusion-emoji"


def _png(colour: str, kind: str) -> bytes:
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    (draw.ellipse if kind == "circle" else draw.rectangle)((8, 8, 56, 56), fill=colour)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six plain pictures, one with a skin tone and a flag, which are left out."""
    things = [(colour, kind) for colour in ("red", "green", "blue") for kind in ("circle", "square")]
    rows = [
        {
            "image": _png(*thing),
            "name": f"{thing[0]} {thing[1]}",
            "keywords": [thing[0]],
            "skin_tone": None,
            "flag": False,
        }
        for thing in things
    ]
    rows += [{**rows[0], "skin_tone": "dark"}, {**rows[0], "flag": True}]
    path = tmp_path_factory.mktemp("data") / "emoji-google.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_pictures_stand_on_white_and_names_are_plain(data: Path) -> None:
    shown = pictures.read([data])
    assert len(shown) == 6
    assert shown.pixels.shape == (6, 3, 64, 64)
    assert shown.pixels[:, :, 0, 0].eq(255).all()
    assert shown.names[0] == "red circle"
    assert pictures._clean("“Woman’s” hat: big & red") == "woman's hat big and red"


def test_the_tokenizer_knows_every_key() -> None:
    tokenizer = words.make_tokenizer(["red apple", "green apple"])
    ids = words.token_ids(tokenizer, ["a fox with ~ [glasses] 7", ""])
    assert ids.shape == (2, words.LENGTH)
    # Spaces around signs may differ: CLIP's tokenizer cuts there.
    assert tokenizer.decode(ids[0], skip_special_tokens=True).replace(" ", "") == "afoxwith~[glasses]7"


@pytest.mark.slow
def test_one_command_makes_a_folder_that_draws_and_goes_on(data: Path, tmp_path: Path) -> None:
    def run(out: str, *more: str) -> Path:
        fixed = [
            "--data",
            str(data),
            "--out",
            str(tmp_path / out),
            "--batch",
            "2",
            "--prompts",
            "2",
            "--judge-steps",
            "2",
            "--preview-steps",
            "10",
        ]
        recipe.main([*fixed, *more])
        return tmp_path / out

    work = str(tmp_path / "work")
    folder = run("model", "--work", work, "--vae-steps", "2", "--unet-steps", "2")
    card = (folder / "README.md").read_text("utf-8")
    assert "license: apache-2.0" in card and "Noto Emoji" in card and "2 steps of 2" in card
    assert json.loads((tmp_path / "work" / "unet.json").read_text())["steps"] == 2
    pipe = AutoPipelineForText2Image.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    drawn = [
        np.asarray(pipe("red circle", num_inference_steps=2, generator=torch.Generator().manual_seed(3)).images[0])
        for _ in range(2)
    ]
    assert drawn[0].shape == (64, 64, 3)
    assert (drawn[0] == drawn[1]).all()
    run("model", "--work", work, "--vae-steps", "2", "--unet-steps", "3")
    assert json.loads((tmp_path / "work" / "unet.json").read_text())["steps"] == 3
    begun = run(
        "again", "--work", str(tmp_path / "new"), "--init-from", str(folder), "--vae-steps", "1", "--unet-steps", "1"
    )
    assert (begun / "unet" / "config.json").exists()


@pytest.mark.slow
def test_a_run_in_two_parts_ends_where_one_in_one_does(tmp_path: Path) -> None:
    def run(work: str, *parts: float) -> torch.Tensor:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1)
        for minutes in parts:
            report = loop.train(
                loop.Stage("line", 8, 4, 0.1, warmup=1, minutes=minutes), model, 20, _loss, tmp_path / work
            )
        assert report.steps == 8
        return model.weight.detach().clone()

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert torch.allclose(run("one", 0), run("two", 1e-9, 1e-9, 0), atol=1e-6)


def _loss(model: torch.nn.Module, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    inputs = torch.randn(len(rows), 3, generator=chance) + rows[:, None]
    loss: torch.Tensor = (model(inputs) - rows[:, None].float()).square().mean()
    return loss


def test_the_judge_counts_the_nearest(data: Path) -> None:
    shown = pictures.read([data])
    judge = features.Judge(6)
    drawn = shown.scaled(torch.tensor([0, 1, 2]))
    nearest, among = features.accuracy(judge, shown, drawn, ["red circle", "red square", "blue square"])
    assert nearest == pytest.approx(2 / 3)
    assert among >= nearest


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder"])
def test_committed_weights_are_small_safetensors(part: str) -> None:
    files = list((COMMITTED / part).glob("*.safetensors"))
    assert files
    assert all(file.stat().st_size <= 16_000_000 for file in files)
    assert not list(COMMITTED.rglob("*.bin"))


def test_the_card_says_licence_data_and_what_was_measured() -> None:
    card = (COMMITTED / "README.md").read_text("utf-8")
    for said in ("license: cc-by-4.0", "Twemoji", "nearest real picture", "common.recipes.diffusion"):
        assert said in card


@pytest.mark.slow
def test_the_committed_model_draws_what_is_asked_for_in_its_colours() -> None:
    pipe = AutoPipelineForText2Image.from_pretrained(COMMITTED, dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    seeds = [torch.Generator().manual_seed(seed) for seed in range(4)]

    def mean_colour(prompt: str) -> np.ndarray[Any, Any]:
        images = pipe(
            [prompt] * 4, num_inference_steps=15, guidance_scale=4.0, generator=seeds, output_type="np"
        ).images
        return np.asarray(images.mean(axis=(0, 1, 2)))

    red, blue = mean_colour("red circle"), mean_colour("blue circle")
    assert red[0] - red[2] > 0.1
    assert blue[2] - blue[0] > 0.1
