"""Compiled layers: loss and gradients of eager ones, for one shape only, and no harm without a compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from common import hardware
from common.training import shape as shapes
from common.training.compiled import compile_blocks
from common.training.config import Shape

ROOT = Path(__file__).resolve().parents[3]
IDS = torch.arange(4 * 16).view(4, 16) % 30


@pytest.mark.slow
@pytest.mark.skipif(hardware.cpp_compiler() is None, reason="no C++ compiler here")
def test_compiled_layers_learn_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.manual_seed(0)
    small = Shape(layers=2, heads=2, width=16, context=16)
    model = AutoModelForCausalLM.from_config(shapes.hf_config(small, 32, 31), attn_implementation="sdpa")
    model.train()

    def learned(ids: torch.Tensor) -> tuple[float, torch.Tensor]:
        model.zero_grad()
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        return float(loss.detach()), torch.cat([weight.grad.flatten() for weight in model.parameters()])

    eager = learned(IDS)
    took = compile_blocks(shapes.blocks(model), model, {"input_ids": IDS, "labels": IDS})
    assert took is not None and took > 0
    assert all(weight.grad is None for weight in model.parameters())
    compiled = learned(IDS)
    assert compiled[0] == pytest.approx(eager[0], abs=1e-5)
    torch.testing.assert_close(compiled[1], eager[1], rtol=1e-3, atol=1e-5)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    learned(IDS[:2])  # another shape goes the eager way: nothing is compiled for it
    model.eval()
    with torch.no_grad():
        model(IDS, use_cache=False)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before
    model.save_pretrained(tmp_path / "model")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    torch.testing.assert_close(again(IDS).logits, model(IDS, use_cache=False).logits)


def test_both_architectures_have_their_layers() -> None:
    for architecture in ("llama", "gpt2"):
        small = Shape.model_validate({"architecture": architecture, "layers": 3, "heads": 2, "width": 16})
        assert len(shapes.blocks(AutoModelForCausalLM.from_config(shapes.hf_config(small, 32, 31)))) == 3


@pytest.mark.slow
def test_without_a_compiler_that_works_the_layers_stay_as_they_were(tmp_path: Path) -> None:
    code = (
        "import torch; from transformers import AutoModelForCausalLM\n"
        "from common.training import shape as shapes; from common.training.compiled import compile_blocks\n"
        "from common.training.config import Shape\n"
        "small = Shape(layers=2, heads=2, width=16, context=16)\n"
        "model = AutoModelForCausalLM.from_config(shapes.hf_config(small, 32, 31))\n"
        "ids = torch.arange(64).view(4, 16) % 30\n"
        "print(compile_blocks(shapes.blocks(model), model, {'input_ids': ids, 'labels': ids}))\n"
        "print(float(model(input_ids=ids, labels=ids).loss) > 0)"
    )
    environment = {**os.environ, "CXX": "/bin/false", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["None", "True"], done.stderr[-2000:]
