"""A run's result as a file: it loads again, merged or not, says where it is from, and can be trained anew."""

from __future__ import annotations

import asyncio
import json
import os
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
from common.training.config import FinetuneConfig, Pace, RunConfig, ScratchConfig, Shape
from common.training.export import export, export_apart, file_name
from common.training.folder import RunFolder
from common.training.instructions import pair, to_jsonl
from common.training.samples import sample_text

ROOT = Path(__file__).resolve().parents[3]
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
    card = (top / "README.md").read_text("utf-8")
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == "someone/tiny" and head["license"] == "apache-2.0"
    assert head["library_name"] == ("transformers" if merged else "peft")
    assert "<b>" not in card and "12 conversations" in card


@pytest.mark.slow
def test_a_scratch_run_is_trained_again_by_its_script(tmp_path: Path) -> None:
    shape = Shape(layers=1, heads=2, width=16, context=16)
    config = ScratchConfig(name="mine", shape=shape, pace=Pace(steps=20, batch=4, evaluate_every=10))
    folder = _trained(tmp_path / "run", config, sample_text("story")[:20_000])
    export(folder, tmp_path / "out.zip")
    top = _unpacked(tmp_path / "out.zip", tmp_path / "there")
    AutoModelForCausalLM.from_pretrained(top / "model")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    subprocess.run([sys.executable, str(top / "reproduce.py"), str(tmp_path / "again")], check=True, env=environment)
    first, again = (json.loads((place / "result.json").read_text()) for place in (folder.path, tmp_path / "again"))
    assert again["test_loss"] == pytest.approx(first["test_loss"], abs=1e-3)


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
