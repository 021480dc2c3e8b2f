"""Preferences: pairs checked, DPO on a real tiny model, its margin, going on with an adapter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from safetensors.torch import load_file
from transformers import AutoTokenizer

from common import errors
from common.training import run as child
from common.training.config import FinetuneConfig, Pace, PreferenceConfig, TunedConfig
from common.training.folder import RunFolder
from common.training.instructions import pair
from common.training.instructions import to_jsonl as examples_jsonl
from common.training.pairs import Pair, from_jsonl, split, to_jsonl

EARLIER = (("system", "Be kind."), ("user", "Hello"), ("assistant", "Hello, you."))
PAIRS = [
    Pair(f"Where is number {number}?", "In the forest, of course.", "I do not know.", EARLIER if number == 3 else ())
    for number in range(10)
]
PACE = Pace(steps=10, batch=2, learning_rate=1e-2, weight_decay=0, evaluate_every=5)


def _run(place: Path, config: TunedConfig, data: str) -> RunFolder:
    place.mkdir()
    folder = RunFolder(place)
    folder.write_json("config.json", config.model_dump(mode="json"))
    folder.write_text(config.data_file, data)
    assert child.main(str(place)) == 0, (folder.read_json("result.json"),)
    return folder


def _log_probability(model: torch.nn.Module, tokenizer: object, question: str, said: str) -> float:
    turns = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)  # type: ignore[attr-defined]
    before, ids = (
        tokenizer(text, return_tensors="pt")["input_ids"]  # type: ignore[operator]
        for text in (prompt, prompt + said)
    )
    with torch.no_grad():
        scores = torch.log_softmax(model(ids).logits[0, :-1], dim=-1)
    picked = scores.gather(1, ids[0, 1:, None])[:, 0]
    return float(picked[before.shape[1] - 1 :].sum())


@pytest.mark.slow
def test_what_is_preferred_becomes_more_probable_and_the_margin_grows(tmp_path: Path, tiny_llama: Path) -> None:
    config = PreferenceConfig(name="mine", base=str(tiny_llama), base_title="tiny", pace=PACE)
    folder = _run(tmp_path / "run", config, to_jsonl(PAIRS))
    assert folder.state() == "finished" and folder.has_model
    looks = [event for event in folder.events() if event["type"] == "eval"]
    assert looks[0]["margin"] == pytest.approx(0, abs=1e-4) and looks[0]["loss"] == pytest.approx(0.693, abs=1e-3)
    assert looks[-1]["margin"] > 0 and looks[-1]["accuracy"] == 1 and looks[-1]["loss"] < looks[0]["loss"]
    steps = [event for event in folder.events() if event["type"] == "step"]
    assert all("margin" in event for event in steps)
    assert sorted(path.name for path in folder.model.glob("adapter*")) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    # Measured without trl: beta times the change of the log-probabilities is the margin of a held-out pair.
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    model = AutoPeftModelForCausalLM.from_pretrained(folder.model).eval()
    last = PAIRS[-1]
    now = [_log_probability(model, tokenizer, last.question, text) for text in (last.chosen, last.rejected)]
    with model.disable_adapter():
        before = [_log_probability(model, tokenizer, last.question, text) for text in (last.chosen, last.rejected)]
    margin = config.beta * ((now[0] - before[0]) - (now[1] - before[1]))
    assert margin == pytest.approx(folder.read_json("result.json")["margin"], rel=0.3)


@pytest.mark.slow
def test_it_goes_on_with_the_adapter_of_a_run(tmp_path: Path, tiny_llama: Path) -> None:
    examples = examples_jsonl([pair(f"Question {number}?", f"Answer {number}.") for number in range(8)])
    tuned = FinetuneConfig(name="first", base=str(tiny_llama), base_title="tiny", row=64, pace=PACE, rank=4)
    first = _run(tmp_path / "first", tuned, examples)
    aligned = PreferenceConfig(
        name="second", base=str(tiny_llama), base_title="tiny", adapter=str(first.model), pace=PACE
    )
    second = _run(tmp_path / "second", aligned, to_jsonl(PAIRS))
    before, after = (load_file(folder.model / "adapter_model.safetensors") for folder in (first, second))
    assert set(before) == set(after)
    assert all(before[name].shape == after[name].shape for name in before)
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_pairs_are_kept_split_and_refused_when_too_few() -> None:
    assert from_jsonl(to_jsonl(PAIRS)) == PAIRS
    learn, test = split(PAIRS)
    assert learn == PAIRS[:8] and test == PAIRS[8:]
    with pytest.raises(errors.UnusableExamples, match="there are 1, and 4"):
        split([PAIRS[0], PAIRS[0]])
