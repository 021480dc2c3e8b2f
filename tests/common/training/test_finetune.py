"""Fine-tuning: what the ways take, real runs of a tiny model, resume, gradients of 4-bit layers, memory."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from common import errors, hardware
from common.text.engine import GenerationRequest, Message, SamplingSettings
from common.text.engines.loading import load
from common.training import adapters, finetune, lora
from common.training import run as child
from common.training.config import FinetuneConfig, Method, Pace
from common.training.folder import RunFolder
from common.training.instructions import pair, to_jsonl
from common.training.packing import SILENT, Encoded, Rows, only_learned, pack

EXAMPLES = [pair(f"What is {number} and {number}?", f"It is {2 * number}, said the owl.") for number in range(40)]
METHODS: tuple[Method, ...] = ("lora", "dora", "qlora", "full")
PACE = Pace(steps=8, batch=2, learning_rate=2e-2, weight_decay=0, evaluate_every=4)


def _folder(place: Path, base: Path, **changes: Any) -> RunFolder:
    place.mkdir(parents=True)
    folder = RunFolder(place)
    config = FinetuneConfig(name="mine", base=str(base), base_title="tiny", row=128, pace=PACE).model_copy(
        update=changes
    )
    folder.write_json("config.json", config.model_dump(mode="json"))
    folder.write_text("examples.jsonl", to_jsonl(EXAMPLES))
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_trains_is_counted_right(tiny_llama: Path, method: Method) -> None:
    model = adapters.prepared(str(tiny_llama), "tiny", method, 3)
    counted = lora.shapes(model.config.to_dict())
    assert lora.trainable(counted, method, 3) == sum(w.numel() for w in model.parameters() if w.requires_grad)
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama)
    assert counted.parameters == plain.num_parameters()


def test_the_numbers_of_a_known_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cpu_has_bf16", lambda: False)
    smollm = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    known = lora.shapes({**smollm, "num_key_value_heads": 3, "vocab_size": 49152})
    assert known.parameters == 134_515_008
    assert lora.trainable(known, "lora", 8) == 2_442_240
    small, large = (lora.memory(known, "lora", rank, 2, 256) for rank in (8, 64))
    assert small.total < large.total and small.weights == large.weights
    assert lora.memory(known, "qlora", 8, 2, 256).weights < 0.5 * small.weights
    assert lora.memory(known, "full", 8, 2, 256).total > 1.3 * small.total


def test_logits_where_a_token_is_learned_alone_give_the_same_loss_and_gradients(tiny_llama: Path) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    pieces = [Encoded(list(range(3, 3 + size)), [SILENT] * 4 + list(range(7, 3 + size))) for size in (20, 9, 30)]
    rows = list(Rows(pack(pieces, 32), 32, 0))
    plain = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    expected = model(**plain, use_cache=False).loss
    expected.backward()
    wanted = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    model.zero_grad()
    found = model(**only_learned(rows), use_cache=False)
    found.loss.backward()
    assert found.logits.shape[0] == sum(piece.learned for piece in pieces) < plain["labels"].numel()
    torch.testing.assert_close(found.loss, expected)
    torch.testing.assert_close(torch.cat([weight.grad.flatten() for weight in model.parameters()]), wanted)


@pytest.mark.parametrize("half", [True, False])
def test_frozen_weights_are_of_16_bits_where_the_processor_multiplies_them(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    monkeypatch.setattr(hardware, "cpu_has_bf16", lambda: half)
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    model = adapters.prepared(str(tiny_llama), "tiny", "lora", 3)
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
    frozen = torch.bfloat16 if half else torch.float32
    assert {weight.dtype for weight in model.parameters() if not weight.requires_grad} == {frozen}
    known = lora.shapes(model.config.to_dict())
    assert lora.memory(known, "lora", 3, 2, 128).weights == known.parameters * frozen.itemsize
    assert {weight.dtype for weight in adapters.prepared(str(tiny_llama), "tiny", "full", 3).parameters()} == {
        torch.float32
    }


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_run_learns_and_its_model_answers_as_it_did_in_the_run(
    tmp_path: Path, tiny_llama: Path, method: Method
) -> None:
    folder = _folder(tmp_path / "run", tiny_llama, method=method)
    assert child.main(str(folder.path)) == 0
    assert folder.state() == "finished" and folder.has_model and not folder.checkpoints.exists()
    looks = [event for event in folder.events() if event["type"] == "eval"]
    assert looks[0]["step"] == 0 and looks[-1]["loss"] < looks[0]["loss"]
    assert folder.read_json("result.json")["test_loss"] == looks[-1]["loss"]
    figures = folder.read_json("data.json")
    assert figures["examples"] == 40 and 0 < figures["learned_tokens"] < figures["tokens"]
    assert not list(folder.model.glob("*.bin"))
    loaded = load({"name": "mine", "path": str(folder.model), "device": "cpu", "dtype": "float32"})
    assert not any("lora" in name for name, _ in loaded.model.named_parameters())  # one plain model, as quick as before
    request = GenerationRequest(messages=(Message("user", "Who are you?"),), sampling=SamplingSettings())
    ids = torch.tensor([loaded.prompts.prompt_ids(request)])
    with torch.no_grad():
        found = loaded.model(ids).logits
        before = AutoModelForCausalLM.from_pretrained(tiny_llama)(ids).logits
    assert not torch.allclose(found, before, atol=1e-2)
    if method in ("lora", "dora"):
        from peft import AutoPeftModelForCausalLM

        with torch.no_grad():
            beside = AutoPeftModelForCausalLM.from_pretrained(folder.model)(ids).logits
        torch.testing.assert_close(found, beside, atol=1e-3, rtol=1e-3)


def _gradients(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    return torch.cat([w.grad.flatten() for w in model.parameters() if w.requires_grad and w.grad is not None])


def test_gradients_beside_4_bits_are_right_after_an_evaluation(tiny_llama: Path) -> None:
    torch.manual_seed(0)
    model = adapters.prepared(str(tiny_llama), "tiny", "qlora", 4)
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # zeros, behind which the other half has no gradient
            nn.init.normal_(weight, std=0.05)
    ids = torch.arange(3, 43)[None]
    model.train()
    fresh = _gradients(model, ids)
    assert fresh.norm() > 0
    model.eval()
    with torch.no_grad():
        model(input_ids=ids)
    model.train()
    again = _gradients(model, ids)
    assert torch.cosine_similarity(fresh, again, dim=0) > 0.9999
    assert again.norm() == pytest.approx(float(fresh.norm()), rel=1e-3)


def test_no_4_bit_layer_may_repack_its_weights_whatever_the_processor(tiny_llama: Path) -> None:
    model = adapters.load(str(tiny_llama), "tiny", four_bits=True)
    layers = [layer for layer in model.modules() if hasattr(layer, "support_avx512bf16_for_cpu")]
    assert len(layers) == 2 * 7
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)
    for layer in layers:
        layer.support_avx512bf16_for_cpu = True  # as on a processor with AVX512-BF16
    assert adapters.keep_gradients_right(model) == len(layers)
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_too_much_for_the_memory_is_said_with_what_fits(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapters.prepared(str(tiny_llama), "tiny", "lora", 8)
    config = FinetuneConfig(name="x", base=str(tiny_llama), row=1024, pace=Pace(batch=64))
    monkeypatch.setattr(finetune, "free_bytes", lambda: 1e8)
    with pytest.raises(errors.FinetuneTooLarge) as caught:
        finetune.check_memory(model, config)
    smaller = Pace(batch=caught.value.params["batch"])
    finetune.check_memory(model, config.model_copy(update={"row": caught.value.params["row"], "pace": smaller}))


@pytest.mark.slow
def test_a_base_that_is_gone_is_said(tmp_path: Path, tiny_llama: Path) -> None:
    gone = shutil.copytree(tiny_llama, tmp_path / "base")
    (gone / "model.safetensors").unlink()
    folder = _folder(tmp_path / "run", gone)
    assert child.main(str(folder.path)) == 1
    problem = errors.from_json(folder.read_json("result.json")["error"])
    assert isinstance(problem, errors.ModelUnavailable) and "tiny" in str(problem)
