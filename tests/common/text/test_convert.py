"""GGUF to a model folder: the same model comes out, and nothing half-made stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from common import errors
from common.config import settings
from common.text import convert as convert_module
from common.text.convert import convert, convert_apart, converted_folder
from common.text.engines.loading import load
from tests.common.text import tiny
from tests.common.text.conftest import options

TEXT = "The quick Fluß 👍 <|im_end|> flows"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GGUF file, and an empty cache."""
    monkeypatch.setenv("DEMYSTIFY_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tiny.write_gguf(tmp_path / "tiny.gguf")
    settings.cache_clear()


def _logits(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits.float()


def test_the_same_model_comes_out(file: Path) -> None:
    assert converted_folder(file) is None
    folder = convert(file)
    assert converted_folder(file) == folder
    ids = tiny.tokenizer()(TEXT)["input_ids"]
    words = AutoTokenizer.from_pretrained(folder)
    assert words(TEXT)["input_ids"] == ids
    assert words.chat_template == tiny.CHAT_TEMPLATE

    ours = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    unpacked = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    expected = _logits(unpacked, ids)
    assert (_logits(ours, ids) - expected).abs().max() < 0.25 * expected.std()  # what rounding to bfloat16 does
    # The two kinds of 16 bits round differently; a mistake in the layout would leave nothing in common.
    original = _logits(tiny.model(), ids)
    assert torch.corrcoef(torch.stack([_logits(ours, ids).flatten(), original.flatten()]))[0, 1] > 0.99
    assert ours.config.max_position_embeddings == tiny.CONTEXT
    assert not hasattr(ours.config, "quantization_config")


def test_what_is_converted_is_not_converted_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = convert(file)
    monkeypatch.setattr(convert_module, "_write", lambda *_: pytest.fail("converted twice"))
    assert convert(file) == folder
    copy = file.with_name("copy") / file.name
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())
    assert convert(copy) == folder  # the content decides, not the place or the date
    copy.write_bytes(file.read_bytes()[:-4] + b"\0\1\2\3")
    assert converted_folder(copy) is None


def test_an_interrupted_conversion_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(_: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(convert_module, "_write", break_off)
        with pytest.raises(errors.ModelUnavailable):
            convert(file)
    assert converted_folder(file) is None
    assert [path.name for path in (settings().cache_dir / "converted").iterdir() if path.is_dir()] == []


def test_what_a_killed_conversion_left_is_not_taken_for_a_model(file: Path) -> None:
    folder = convert(file)
    folder.rename(folder.with_name(f"{folder.name}.partial"))
    (folder.with_name(f"{folder.name}.partial") / "model.safetensors").write_bytes(b"half")
    assert converted_folder(file) is None
    assert convert(file) == folder
    assert AutoModelForCausalLM.from_pretrained(folder) is not None
    assert not folder.with_name(f"{folder.name}.partial").exists()


@pytest.mark.slow
def test_two_processes_at_once_and_a_worker_that_converts_first(file: Path) -> None:
    command = [sys.executable, "-m", "common.text.convert", str(file)]
    root = Path(__file__).resolve().parents[3]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    folder = converted_folder(file)
    assert folder is not None and all(str(folder) in text for text in said)
    assert [path for path in folder.parent.iterdir() if path.is_dir()] == [folder]
    loaded = load(options(file))
    assert loaded.context == tiny.CONTEXT


@pytest.mark.slow
def test_a_file_that_is_no_model_says_so(file: Path) -> None:
    file.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(errors.ModelUnavailable, match="cannot be converted"):
        convert_apart(file)


def test_no_memory_is_said_before_the_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.free_memory_gb", lambda: 0.0001)
    with pytest.raises(errors.OutOfMemory):
        convert(file)
    assert converted_folder(file) is None
