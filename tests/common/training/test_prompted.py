"""The loss of a model with examples in its prompt: which tokens count, and that it is the loss of a run's own test."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import errors, hardware
from common.training import run as child
from common.training.config import FinetuneConfig, Pace
from common.training.folder import RunFolder
from common.training.instructions import Turn, pair, split, to_jsonl
from common.training.packing import SILENT, encode
from common.training.prompted import SHOTS, encode_after, known, measure, measure_apart, with_shots

EXAMPLES = [pair(f"What is {number} and {number}?", f"It is {2 * number}, said the owl.") for number in range(40)]
SHOWN = [pair("Who are you?", "The owl."), (Turn("system", "Be kind."), *pair("And she?", "The fox."))]


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> None:
    """fp32 on every processor, so that two ways to the same number can be told from two numbers."""
    monkeypatch.setattr(hardware, "cpu_has_bf16", lambda: False)


def _config(base: Path, row: int = 128) -> FinetuneConfig:
    pace = Pace(steps=1, batch=4, learning_rate=1e-3, weight_decay=0, evaluate_every=1)
    return FinetuneConfig(name="mine", base=str(base), base_title="tiny", row=row, method="full", pace=pace)


def test_the_same_tokens_count_with_and_without_examples(tiny_llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    asked = (Turn("system", "Be brief."), *pair("One?", "First."), *pair("Two?", "Second."))
    alone = encode(tokenizer, asked)
    for row in (len(alone), len(alone) - 4):
        shown, piece = encode_after(tokenizer, asked, SHOWN, row)
        wanted = [label for label in alone.labels[:row] if label != SILENT]
        assert [label for label in piece.labels if label != SILENT] == wanted
        whole = tokenizer.decode([*shown, *piece.ids])
        assert whole.index("Be brief.") < whole.index("The owl.") < whole.index("The fox.") < whole.index("One?")
        assert "Be kind." not in whole
    assert encode_after(tokenizer, asked, (), len(alone)) == ([], alone)


def test_what_was_read_once_counts_as_if_it_were_read_every_time(tiny_llama: Path, single: None) -> None:
    found = measure(_config(tiny_llama), EXAMPLES[:5], SHOWN)
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_llama), AutoModelForCausalLM.from_pretrained(tiny_llama)
    total, count = 0.0, 0
    for example in EXAMPLES[:5]:
        whole = encode(tokenizer, with_shots(example, SHOWN))
        answer = encode(tokenizer, example).learned
        learned = [place for place, label in enumerate(whole.labels) if label != SILENT][-answer:]
        labels = [label if place in learned else SILENT for place, label in enumerate(whole.labels)]
        with torch.inference_mode():
            loss = float(model(torch.tensor([whole.ids]), labels=torch.tensor([labels])).loss)
        total, count = total + loss * answer, count + answer
    assert found == pytest.approx(total / count, abs=1e-4)
    assert found != pytest.approx(measure(_config(tiny_llama), EXAMPLES[:5], ()), abs=1e-4)


def test_without_examples_it_is_what_a_run_measures_before_its_first_step(
    tiny_llama: Path, tmp_path: Path, single: None
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.write_json("config.json", _config(tiny_llama).model_dump(mode="json"))
    folder.write_text("examples.jsonl", to_jsonl(EXAMPLES))
    assert child.main(str(folder.path)) == 0
    before = next(event["loss"] for event in folder.events() if event["type"] == "eval")
    assert measure(_config(tiny_llama), split(EXAMPLES).test, ()) == pytest.approx(before, abs=0.02)


@pytest.mark.slow
def test_a_process_of_its_own_measures_and_the_run_keeps_it(tiny_llama: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_json("config.json", _config(tiny_llama).model_dump(mode="json"))
    folder.write_text("examples.jsonl", to_jsonl(EXAMPLES))
    assert known(folder) is None
    loss = asyncio.run(measure_apart(folder))
    assert known(folder) == loss > 0
    folder.write_json("prompted.json", {"shots": SHOTS + 1, "loss": 1.0})
    assert known(folder) is None


def test_what_cannot_be_measured_gets_a_sentence(tiny_llama: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.UnusableExamples, match="no answer fits"):
        measure(_config(tiny_llama, row=32), [pair("long " * 80, "Answer.")], ())
    folder = RunFolder(tmp_path)
    folder.write_json("config.json", _config(tmp_path / "gone").model_dump(mode="json"))
    folder.write_text("examples.jsonl", to_jsonl(EXAMPLES))
    with pytest.raises(errors.ModelUnavailable):
        asyncio.run(measure_apart(folder))
