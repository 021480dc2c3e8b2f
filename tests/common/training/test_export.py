"""A run's result as a file: it loads again, merged or not, says where it is from, and can be trained anew."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import errors
from common.training import run as child
from common.training.config import FinetuneConfig, Method, Pace, PreferenceConfig, RunConfig, ScratchConfig, Shape
from common.training.export import export, export_apart, file_name
from common.training.folder import RunFolder
from common.training.instructions import pair, to_jsonl
from common.training.model_card import card
from common.training.pairs import Pair
from common.training.pairs import to_jsonl as pairs_jsonl
from common.training.samples import sample_text

ROOT = Path(__file__).resolve().parents[3]
PAIRS = pairs_jsonl([Pair(f"Where is number {number}?", "In the forest.", "Who knows.") for number in range(8)])
EXAMPLES = to_jsonl([pair(f"Question {number}?", f"Answer {number}.") for number in range(12)])


def _trained(place: Path, config: RunConfig, data: str) -> RunFolder:
    place.mkdir(parents=True)
    folder = RunFolder(place)
    folder.write_json("config.json", config.model_dump(mode="json"))
    folder.write_text(config.data_file, data)
    assert child.main(str(place)) == 0
    return folder


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> RunFolder:
    config = FinetuneConfig(
        name="My <b>pirate</b>!",
        owner="a" * 32,
        base=str(tiny_llama),
        base_title="Tiny",
        base_repo="someone/tiny",
        base_licence="Apache-2.0",
        row=64,
        pace=Pace(steps=4, batch=2, learning_rate=2e-2, evaluate_every=10),
    )
    return _trained(tmp_path_factory.mktemp("runs") / "tuned", config, EXAMPLES)


def _unpacked(archive: Path, place: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(place)
    (top,) = place.iterdir()
    return top


@pytest.mark.slow
@pytest.mark.parametrize("merged", [False, True], ids=["adapter", "merged"])
def test_an_adapter_loads_again_beside_its_base_or_in_it(
    tmp_path: Path, tuned: RunFolder, tiny_llama: Path, merged: bool
) -> None:
    asyncio.run(export_apart(tuned, tmp_path / "out.zip", merged))
    top = _unpacked(tmp_path / "out.zip", tmp_path / "there")
    everything = "".join(
        path.read_text("utf-8", "ignore") for path in top.rglob("*.*") if path.suffix != ".safetensors"
    )
    assert str(tiny_llama) not in everything and "a" * 32 not in everything
    assert not [path for path in top.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    ids = torch.tensor([AutoTokenizer.from_pretrained(top / "model").encode("Where is Anna?")])
    base = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    with torch.no_grad():
        plain = base(ids).logits
        if merged:
            found = AutoModelForCausalLM.from_pretrained(top / "model", dtype=torch.float32)(ids).logits
        else:
            found = PeftModel.from_pretrained(base, str(top / "model"))(ids).logits
        original = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32), str(tuned.model)
        )(ids).logits
    torch.testing.assert_close(found, original, atol=0.05 if merged else 1e-4, rtol=0.1)  # 16 bits
    assert (found - original).abs().mean() < 0.2 * (plain - original).abs().mean()
    told = (top / "README.md").read_text("utf-8")
    head = yaml.safe_load(told.split("---")[1])
    assert head["base_model"] == "someone/tiny" and head["license"] == "apache-2.0"
    assert head["library_name"] == ("transformers" if merged else "peft")
    assert "<b>" not in told and "12 conversations" in told


@pytest.mark.slow
def test_a_scratch_run_is_trained_again_by_its_script(tmp_path: Path) -> None:
    shape = Shape(layers=1, heads=2, width=16, context=16)
    config = ScratchConfig(name="mine", shape=shape, pace=Pace(steps=20, batch=4, evaluate_every=10))
    folder = _trained(tmp_path / "run", config, sample_text("story")[:20_000])
    export(folder, tmp_path / "out.zip")
    top = _unpacked(tmp_path / "out.zip", tmp_path / "there")
    AutoModelForCausalLM.from_pretrained(top / "model")
    again = _again(top, tmp_path / "again")
    assert again["test_loss"] == pytest.approx(folder.read_json("result.json")["test_loss"], abs=1e-3)


def _again(top: Path, target: Path, *more: str) -> dict[str, float]:
    """The result of the script in an unpacked file, run as it says itself: in the project, with nothing set for it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["OMP_NUM_THREADS"] = str(torch.get_num_threads())
    command = [sys.executable, str(top / "reproduce.py"), str(target), *more]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    result: dict[str, float] = json.loads((target / "result.json").read_text())
    return result


def _tuned(place: Path, base: Path, method: Method) -> RunFolder:
    pace = Pace(steps=4, batch=2, learning_rate=2e-2, evaluate_every=10)
    origin = {"base": str(base), "base_title": "Tiny", "base_repo": "someone/tiny"}
    return _trained(
        place, FinetuneConfig(name=place.name, row=64, pace=pace, method=method, rank=4, **origin), EXAMPLES
    )


def _aligned(place: Path, **beginning: str) -> RunFolder:
    pace = Pace(steps=4, batch=2, learning_rate=1e-2, weight_decay=0, evaluate_every=10)
    config = PreferenceConfig(name="aligned", base_title="Tiny", base_repo="someone/tiny", pace=pace, **beginning)
    return _trained(place, config, PAIRS)


def _logits(place: Path, base: Path | None = None) -> torch.Tensor:
    """What a model says, or an adapter beside ``base``."""
    whole = AutoModelForCausalLM.from_pretrained(base or place, dtype=torch.float32)
    model = PeftModel.from_pretrained(whole, str(place)) if base else whole
    with torch.no_grad():
        scores: torch.Tensor = model(torch.arange(5, 25)[None]).logits
    return scores


def _taken(folder: RunFolder, place: Path, merged: bool) -> Path:
    place.mkdir()
    export(folder, place / "out.zip", merged)
    return _unpacked(place / "out.zip", place / "there")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "dora", "qlora"])
def test_every_way_to_train_further_loads_again(tmp_path: Path, tiny_llama: Path, method: Method) -> None:
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    folder = _tuned(tmp_path / "run", tiny_llama, method)
    alone = None if method == "full" else tiny_llama
    original = _logits(folder.model, alone)
    for merged in (False, True):
        top = _taken(folder, tmp_path / str(merged), merged)
        found = _logits(top / "model", None if merged else alone)
        torch.testing.assert_close(found, original, atol=0.1 if merged else 1e-4, rtol=0.1)


@pytest.mark.slow
def test_aligned_after_an_adapter_it_is_trained_again_from_that_adapter(tmp_path: Path, tiny_llama: Path) -> None:
    first = _tuned(tmp_path / "first", tiny_llama, "lora")
    folder = _aligned(tmp_path / "second", base=str(tiny_llama), adapter=str(first.model))
    top = _taken(folder, tmp_path / "out", merged=False)
    torch.testing.assert_close(_logits(top / "model", tiny_llama), _logits(folder.model, tiny_llama))
    again = _again(top, tmp_path / "again", str(tiny_llama))
    assert again["test_loss"] == pytest.approx(folder.read_json("result.json")["test_loss"], abs=1e-4)
    torch.testing.assert_close(
        _logits(tmp_path / "again" / "model", tiny_llama), _logits(folder.model, tiny_llama), atol=1e-2, rtol=1e-2
    )
    everything = "".join(path.read_text() for path in (*top.rglob("*.json"), top / "README.md", top / "reproduce.py"))
    assert str(first.path) not in everything and "reproduce.py" in (top / "README.md").read_text()
    shutil.rmtree(first.path)  # what it began with is gone
    top = _taken(folder, tmp_path / "later", merged=False)
    assert not (top / "reproduce.py").exists() and "reproduce.py" not in (top / "README.md").read_text()


@pytest.mark.slow
def test_aligned_after_all_weights_it_is_taken_whole(tmp_path: Path, tiny_llama: Path) -> None:
    first = _tuned(tmp_path / "first", tiny_llama, "full")
    folder = _aligned(tmp_path / "second", base=str(first.model))
    with pytest.raises(errors.OnlyMerged, match="adapter added"):
        _taken(folder, tmp_path / "alone", merged=False)
    top = _taken(folder, tmp_path / "out", merged=True)
    torch.testing.assert_close(_logits(top / "model"), _logits(folder.model, first.model), atol=0.1, rtol=0.1)
    assert "trained further in an earlier run" in (top / "README.md").read_text()
    assert "a run of its own" in (top / "reproduce.py").read_text()


def test_the_card_of_a_stopped_run_has_the_steps_that_were_done(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    tuned = FinetuneConfig(name="x", base="/b", row=64, pace=Pace(steps=2000, batch=4))
    for done in (100, 2000):
        folder.append("step", step=done, loss=2.0)
        said = card(folder, tuned, "x", adapter=True, again=True)
        assert (f"- steps: {'100 of 2,000 (stopped)' if done == 100 else '2,000'}, 4 rows each") in said
    assert "4 texts each" in card(folder, ScratchConfig(name="x", pace=Pace(batch=4)), "x", adapter=False, again=True)
    aligned = PreferenceConfig(name="x", base="/b", pace=Pace(batch=2))
    said = card(folder, aligned, "x", adapter=True, again=True)
    assert "2 pairs of answers each" in said and "packed" not in said


def test_names_of_files_hold_no_path() -> None:
    assert file_name("../../etc/passwd") == "etc-passwd.zip"
    assert file_name("Mein Pirat ö 1") == "mein-pirat-ö-1.zip"
    assert file_name("///") == "model.zip"


@pytest.mark.slow
def test_a_run_without_a_model_has_nothing_to_export(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.write_json("config.json", ScratchConfig(name="mine").model_dump(mode="json"))
    with pytest.raises(errors.NotTrainedYet):
        asyncio.run(export_apart(folder, tmp_path / "out.zip"))
