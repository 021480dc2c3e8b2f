"""The recipe of the adapter for summaries: what it chooses, trains and writes, and what it left under models/."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from safetensors import safe_open

from common import catalog
from common.recipes import summaries
from common.recipes.summaries import Case, Score, card, choose, example, export, named, read, train
from common.training.config import Pace

SHIPPED = catalog.locate(catalog.with_task("adapter")[0])


def _pairs(count: int) -> list[tuple[str, str]]:
    text = (
        "is a program that does one thing well and has many words to say about it, since a description should be long "
    )
    return [(f"Number {number} {text * 2}", f"program for the task {number}") for number in range(count)]


def test_what_is_chosen_can_be_told_from_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "EXAMPLES", 20)
    monkeypatch.setattr(summaries, "HELD_OUT", 10)
    useless = [("word " * 50, "Tool (data files)"), ("short", "A tool for it"), ("other " * 50, "one two")]
    learn, test = choose([*_pairs(40), *_pairs(40), *useless])
    assert (len(learn), len(test)) == (20, 10) and not set(learn) & set(test)
    assert len({text for text, _ in [*learn, *test]}) == 30  # none twice
    assert all(summary.startswith("Program for") for _, summary in [*learn, *test])
    assert (learn, test) == choose([*_pairs(40), *_pairs(40), *useless])


def test_files_and_names(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.xz"
    path.write_bytes(lzma.compress(b'{"dialogue": "#Person1#: Hi, #Person2#!", "summary": "#Person1# greets."}\n'))
    assert named(read(path, "dialogue")) == [("Anna: Hi, Ben!", "Anna greets.")]
    asked, answer = example("A text.", "Short.")
    assert asked.content.startswith("Here is a text:\n\nA text.") and answer.content == "Short."


@pytest.mark.slow
def test_it_trains_and_writes_an_adapter_with_its_card(
    tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = Pace(steps=2, batch=2, learning_rate=1e-2, evaluate_every=2)
    monkeypatch.setattr(summaries, "PACE", pace)
    folder = train(tmp_path / "run", tiny_llama, _pairs(20))
    assert folder.state() == "finished" and train(tmp_path / "run", tiny_llama, []) == folder  # done is done
    export(folder, tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "adapter_config.json").read_text("utf-8"))
    assert settings["base_model_name_or_path"] == catalog.find(catalog.EMBEDDED_CHAT_MODEL).repo
    assert str(tmp_path) not in json.dumps(settings)
    tests = (Case("texts", "text", "line", 20, tuple(_pairs(3))),)
    words = card(folder, tests, [Score(10.0, 2.0, 8.0, 20.0)], [Score(30.5, 12.0, 28.0, 6.0)])
    assert "| 3 texts | **with the adapter** | 30.5 | 12.0 | 28.0 | 6 |" in words


def test_the_adapter_that_ships_fits_its_catalogue_entry_and_says_what_it_is() -> None:
    entry = catalog.with_task("adapter")[0]
    weights = SHIPPED / "adapter_model.safetensors"
    assert weights.stat().st_size < 16e6 and abs(weights.stat().st_size / 1e6 - entry.size_mb) < 1
    with safe_open(weights, framework="pt") as tensors:
        sizes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118 (not a dict)
    assert sum(rows * columns for rows, columns in sizes) == entry.parameters
    settings = json.loads((SHIPPED / "adapter_config.json").read_text("utf-8"))
    assert settings["base_model_name_or_path"] == catalog.find(entry.base).repo
    words = (SHIPPED / "README.md").read_text("utf-8")
    for part in ("license: apache-2.0", "ROUGE-L", "DialogSum", "python -m common.recipes.summaries", "held-out"):
        assert part in words, part
