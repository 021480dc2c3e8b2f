"""On a CUDA card: GPT-2 small from scratch beside a plain loop, LoRA and QLoRA of a model of 1 B, and their memory.

    python -m bench.gpu_training

1. GPT-2 small as the tab's preset trains it (bf16, compiled, fused AdamW, packed rows, SDPA), by the part of the card's
   peak that it reaches (model-FLOPs utilisation), beside a plain eager loop of the same model, in fp32 and in bf16.
2. A LoRA and a QLoRA beside a model of about a billion parameters, built from its config with random weights: what it
   says is worthless, its speed and its memory are those of a trained one.
3. The memory of a training step that the Cost tab says, beside the memory that it takes, for three sizes.

Every measurement is a process of its own. Runs are those that the tabs start.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.tables import machine, median, report
from bench.train_memory import PARTS, compared
from bench.training_run import run, speed
from common import catalog
from common.text.convert import convert_apart
from common.training import lora
from common.training import shape as shapes
from common.training.budget import Card, cards
from common.training.config import FinetuneConfig, Method, Pace, ScratchConfig, Shape
from common.training.instructions import to_jsonl
from common.training.personas import persona_examples

# The preset "GPT-2 small on a GPU". Its tokenizer has fewer tokens than GPT-2's, as the text has too few for more.
GPT2_SMALL, VOCABULARY, BATCH, RATE = (
    Shape(architecture="gpt2", layers=12, heads=12, width=768, context=1024),
    8192,
    16,
    6e-4,
)
STEPS, WARM = 600, 20  # of a run; how often it says its speed (every ten steps) before that counts
PLAIN_SECONDS, PLAIN_WARM = 20.0, 5
CHARACTERS = 8_000_000
# TinyLlama's sizes (Zhang et al. 2024, arXiv:2401.02385), with the vocabulary of the tokenizer that is at hand.
LARGE = {"width": 2048, "inner": 5632, "layers": 22, "heads": 32, "pairs": 4}
RANK, ROWS, ROW, TUNE_STEPS = 8, 8, 1024, 24
# layers, width, texts in a batch, tokens of each
SIZES = ((8, 512, 8, 512), (12, 768, 8, 1024), (24, 1024, 8, 1024))
NO_GPU = "no CUDA card here: nothing measured; train_scratch, train_finetune, train_memory measure a processor"


@dataclass(frozen=True, slots=True)
class Pretraining:
    """A model from scratch to measure."""

    shape: Shape = GPT2_SMALL
    vocabulary: int = VOCABULARY
    batch: int = BATCH
    steps: int = STEPS


def text_of_python(most: int = CHARACTERS) -> str:
    """The standard library's sources: megabytes of text that every machine with Python has."""
    pieces: list[str] = []
    size = 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if size >= most:
            break
        if "site-packages" not in path.parts:
            pieces.append(path.read_text("utf-8", errors="ignore"))
            size += len(pieces[-1])
    return "\n".join(pieces)[:most]


def our_pretraining(setting: Pretraining, text: str, place: Path) -> tuple[float, float, int]:
    """A run as the tab starts it: tokens a second, highest memory in MB, and the vocabulary that the text gave."""
    # One look at the held-out text and no sample on the way: the rival has neither.
    pace = Pace(steps=setting.steps, batch=setting.batch, learning_rate=RATE, evaluate_every=setting.steps)
    config = ScratchConfig(
        name="bench",
        tokenizer="bpe",
        vocabulary=setting.vocabulary,
        shape=setting.shape,
        pace=pace,
        sample_at=(),
    )
    folder, _ = run(config, text, place)
    said = sum(event["type"] == "step" for event in folder.events())
    found = speed(folder, after=min(WARM, said // 2))
    return found, folder.read_json("result.json")["peak_mb"], folder.read_json("data.json")["vocabulary"]


def plain_loop(setting: Pretraining, place: str, half: bool, seconds: float) -> tuple[float, float]:
    """The rival, as one writes it first: tokens a second, and the highest memory in MB (0 on a processor).

    Eager, AdamW with its defaults, a new batch of random tokens on the card at each step: reading texts costs it
    nothing. ``setting.vocabulary`` is that of the run.
    """
    from transformers import AutoModelForCausalLM

    config = shapes.hf_config(setting.shape, setting.vocabulary, 0)
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    model.to(place).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took) <= PLAIN_WARM:
        start = time.perf_counter()
        ids = torch.randint(setting.vocabulary, (setting.batch, setting.shape.context), device=place)
        with torch.autocast(place, torch.bfloat16, enabled=half):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()  # waits for the card
        took.append(time.perf_counter() - start)
    highest = torch.cuda.max_memory_allocated() / 1e6 if place == "cuda" else 0.0
    return setting.batch * setting.shape.context / median(took[PLAIN_WARM:]), highest


def plain_apart(vocabulary: int, half: bool) -> tuple[float, float]:
    """``plain_loop`` of GPT-2 small on the card, in a process of its own."""
    asked = json.dumps({"vocabulary": vocabulary, "half": half})
    command = [sys.executable, "-m", "bench.gpu_training", "--plain", asked]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    tokens, memory = json.loads(done.stdout.splitlines()[-1])
    return tokens, memory


def card_called(name: str) -> Card | None:
    """The card of the list that the driver calls so, such as "NVIDIA H100 80GB HBM3"."""
    said = name.replace("-", " ").split()
    return next((card for card in cards() if card.name.split()[-1] in said), None)


def utilisation(setting: Pretraining, vocabulary: int, tokens_per_second: float, card: Card | None) -> str:
    """The part of the card's bf16 peak that the model's own operations take."""
    if card is None:
        return "–"
    done = tokens_per_second * shapes.flops_per_token(setting.shape, vocabulary)
    return f"{100 * done / (card.tflops * 1e12):.0f} %"


def base_model(place: Path, tokenizer: Any, sizes: dict[str, int]) -> Path:
    """A Llama of these sizes with random weights, in bfloat16 and as published ones are laid out."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes["width"],
        intermediate_size=sizes["inner"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=sizes["pairs"],
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(place)  # type: ignore[arg-type]
    tokenizer.save_pretrained(place)
    return place


def tuning(
    base: Path, method: Method, place: Path, rows: int = ROWS, row: int = ROW, steps: int = TUNE_STEPS
) -> list[str]:
    """A row of the table: a run as the tab starts it."""
    pace = Pace(steps=steps, batch=rows, learning_rate=2e-4, weight_decay=0, evaluate_every=steps)
    config = FinetuneConfig(name="bench", base=str(base), method=method, rank=RANK, row=row, pace=pace)
    folder, _ = run(config, to_jsonl(persona_examples("pirate")), place)
    data, result = folder.read_json("data.json"), folder.read_json("result.json")
    said = lora.memory(lora.shapes(json.loads((base / "config.json").read_text())), method, RANK, rows, row)
    share = 100 * data["trainable"] / data["parameters"]
    return [
        {"lora": "LoRA", "qlora": "QLoRA"}[method],
        f"{speed(folder, after=2) * data['filled']:,.0f}",
        f"{result['peak_mb']:,.0f}",
        f"{said.total / 1e6:,.0f}",
        f"{data['trainable'] / 1e6:.1f} million, {share:.2f} %",
    ]


def pretraining_rows(setting: Pretraining, place: Path, card: Card | None) -> list[list[str]]:
    """Both ways, the rival in both precisions."""
    ours, memory, vocabulary = our_pretraining(setting, text_of_python(), place)
    rows = []
    for name, half in (("plain eager loop, fp32", False), ("plain eager loop, bf16 autocast", True)):
        theirs, held = plain_apart(vocabulary, half)
        used = utilisation(setting, vocabulary, theirs, card)
        rows.append([name, f"{theirs:,.0f}", used, f"{held:,.0f}", f"{ours / theirs:.2f} ×"])
    used = utilisation(setting, vocabulary, ours, card)
    return [*rows, ["ours", f"{ours:,.0f}", f"**{used}** (aim ≥ 50 %)", f"{memory:,.0f}", ""]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_training", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--plain", help="time the plain loop alone, as this JSON says")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(NO_GPU)
        return
    if options.plain:
        asked = json.loads(options.plain)
        print(json.dumps(plain_loop(Pretraining(vocabulary=asked["vocabulary"]), "cuda", asked["half"], PLAIN_SECONDS)))
        return
    from transformers import AutoTokenizer

    card = card_called(torch.cuda.get_device_name())
    where = f"{torch.cuda.get_device_name()}, torch {torch.__version__}. {machine()}."
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        report(
            "gpu_pretraining",
            f"GPT-2 small from scratch on a GPU, {BATCH} texts of {GPT2_SMALL.context} tokens in a step",
            ("way", "tokens/s", "model-FLOPs utilisation", "highest memory, MB", "ours against it"),
            pretraining_rows(Pretraining(), place / "scratch", card),
            [
                "Operations: 6 for each parameter and token, 12 · layers · width · context for attention. Peak: "
                f"{f'{card.tflops:,.0f} TFLOP/s in bf16, dense ({card.name})' if card else 'not known of this card'}.",
                where,
            ],
        )
        embedded = convert_apart(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL)))
        base = base_model(place / "base", AutoTokenizer.from_pretrained(embedded, local_files_only=True), LARGE)
        size = lora.shapes(json.loads((base / "config.json").read_text())).parameters
        report(
            "gpu_finetuning",
            f"Fine-tuning a Llama of {size / 1e9:.2f} billion parameters on a GPU, rank {RANK}, {ROWS} × {ROW} tokens",
            ("method", "tokens of conversations/s", "highest memory, MB", "said by the tab, MB", "trained"),
            [tuning(base, method, place / method) for method in ("lora", "qlora")],
            ["Random weights, built from the config: TinyLlama's sizes.", where],
        )
    report(
        "gpu_memory",
        "Memory of a training step on a GPU in MB: said / measured",
        ("model", *PARTS, "highest of the tensors", "off by"),
        [
            [f"{'mixed' if half else 'fp32'}: {cells[0]}", *cells[1:]]
            for half in (False, True)
            for cells in (compared(*size, place="cuda", half=half) for size in SIZES)
        ],
        ["Aim: within 15 %. Fused AdamW.", where],
    )


if __name__ == "__main__":
    main()
