"""The parts of the measurements on a GPU, on the processor with tiny sizes: the same code, another place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from bench import gpu_training as bench
from bench.train_memory import PARTS, compared
from common.training.config import Shape

TINY = bench.Pretraining(Shape(architecture="gpt2", layers=1, heads=2, width=32, context=32), 300, 4, 30)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card to measure")
def test_without_a_card_it_says_so_and_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main([])
    assert capsys.readouterr().out == f"{bench.NO_GPU}\n"


def test_the_driver_names_a_card_in_its_own_way() -> None:
    names = {
        "NVIDIA H100 80GB HBM3": "NVIDIA H100",
        "NVIDIA A100-SXM4-40GB": "NVIDIA A100",
        "Tesla T4": "NVIDIA T4",
        "NVIDIA L4": "NVIDIA L4",
        "NVIDIA H200": "NVIDIA H200",
    }
    for said, meant in names.items():
        assert (card := bench.card_called(said)) is not None and card.name == meant
    assert bench.card_called("NVIDIA GeForce RTX 3060") is None


def test_utilisation_is_the_models_own_operations_over_the_cards_peak() -> None:
    card = bench.card_called("NVIDIA H100")
    assert card is not None
    # GPT-2 small with GPT-2's vocabulary: 124.4 million parameters, 6 each, and 12 · 12 · 768 · 1024 for attention.
    per_token = 6 * 124.44e6 + 12 * 12 * 768 * 1024
    half = card.tflops * 1e12 / 2 / per_token
    assert bench.utilisation(bench.Pretraining(), 50_257, half, card) == "50 %"
    assert bench.utilisation(bench.Pretraining(), 50_257, half, None) == "–"


@pytest.mark.slow
def test_the_runs_way_and_the_plain_loop_train_the_same_model(tmp_path: Path) -> None:
    text = bench.text_of_python(60_000)
    assert len(text) == 60_000
    tokens, memory, vocabulary = bench.our_pretraining(TINY, text, tmp_path / "run")
    assert tokens > 0 and memory > 0 and vocabulary == TINY.vocabulary
    for half in (False, True):
        plain, _ = bench.plain_loop(TINY, "cpu", half, seconds=0.1)
        assert plain > 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_adapters_beside_a_model_built_from_its_sizes(tmp_path: Path, tiny_llama: Path, method: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_llama, local_files_only=True)
    sizes = {"width": 64, "inner": 128, "layers": 2, "heads": 4, "pairs": 2}
    base = bench.base_model(tmp_path / "base", tokenizer, sizes)
    name, tokens, highest, said, trained = bench.tuning(base, method, tmp_path / "run", rows=2, row=128, steps=6)  # type: ignore[arg-type]
    assert name.lower() == method
    assert all(float(figure.replace(",", "")) > 0 for figure in (tokens, highest, said))
    assert re.fullmatch(r"0\.0 million, \d+\.\d\d %", trained)


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
def test_a_row_of_the_memory_table_has_what_is_said_and_what_is_measured(half: bool) -> None:
    model, *parts, sum_of_all, off = compared(2, 64, 2, 32, half=half)
    assert model.startswith("2 layers, width 64") and len(parts) == len(PARTS)
    for cell in (*parts[:3], sum_of_all):
        said, measured = (float(figure.replace(",", "")) for figure in cell.split(" / "))
        assert said > 0 and measured > 0
    assert re.fullmatch(r"\*\*[+-]\d+ %\*\*", off)
