"""Models whose weights are in torch's own format: from the hub or a folder, they become safetensors or a sentence."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from common import catalog, errors
from common.catalog import Model
from common.config import Settings, settings
from common.safe_weights import rewrite
from common.translation.models import TranslationModels
from common.translation.passage import translate_text
from tests.common.translation.reading_hub import Offer, ReadingHub, Repo, reading_hub

ROOT = Path(__file__).resolve().parents[3]
EMBEDDED = ROOT / "models" / "translate-to-en"
SENTENCE = "Milujem seminár DSA"
# What a configuration of an older opus-mt says beside the network's shape: how to search.
OLD = {"bad_words_ids": [[0]], "num_beams": 6, "max_length": 512, "static_position_embeddings": True}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings(), "cache_dir", tmp_path / "cache")
    monkeypatch.setenv("DEMYSTIFY_CACHE_DIR", str(tmp_path / "cache"))  # for processes of their own
    return tmp_path / "cache"


@pytest.fixture
def old_marian(tmp_path: Path) -> Path:
    """The embedded model as opus-mt has its models: tied weights under all their names, in torch's format."""
    folder = tmp_path / "opus-mt-xx-en"
    shutil.copytree(EMBEDDED, folder)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    OLD["bad_words_ids"] = [[config["pad_token_id"]]]
    (folder / "config.json").write_text(json.dumps({**config, **OLD, "dtype": "float16"}))
    from transformers import MarianMTModel

    weights = MarianMTModel.from_pretrained(EMBEDDED).state_dict()
    assert {"lm_head.weight", "model.shared.weight", "model.encoder.embed_tokens.weight"} <= set(weights)
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def _translated(folder: Path) -> tuple[str, torch.Tensor]:
    """What the engine and the opened model make of the seminar's sentence."""
    models = TranslationModels(Settings(translator=str(folder)))
    model = models.find("sk", "en")

    async def collect() -> str:
        stream = translate_text(models.engine(model), models.codec(model, "sk", "en"), SENTENCE, "sk")
        return [step async for step in stream][-1].text

    said = asyncio.run(collect())
    models.close()
    glass = models.glass("sk", "en")
    source = glass.encode(SENTENCE)
    with torch.no_grad():
        scores = glass.model(input_ids=source, decoder_input_ids=source[:, :2]).logits
    return said, scores


@pytest.mark.slow
def test_a_folder_in_torchs_format_translates_as_in_safetensors(old_marian: Path, own_cache: Path) -> None:
    said, scores = _translated(old_marian)
    assert said == "I love the DSA seminar"
    torch.testing.assert_close(scores, _translated(EMBEDDED)[1])
    made = catalog.locate(Model("m", "m", "translation", "file", folder=str(old_marian)))
    assert made.parent == own_cache / "safetensors" and not list(made.glob("*.bin"))
    # Each weight once, in the numbers that it had.
    weights = load_file(made / "model.safetensors")
    assert all(weight.dtype == torch.float16 for weight in weights.values())
    assert (made / "model.safetensors").stat().st_size < 1.1 * (EMBEDDED / "model.safetensors").stat().st_size
    assert not (old_marian / "model.safetensors").exists()


class _Code:
    """What a pickle can hold: a call."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


@pytest.mark.slow
def test_weights_that_are_no_weights_are_refused(old_marian: Path, own_cache: Path, tmp_path: Path) -> None:
    file, made = old_marian / "pytorch_model.bin", tmp_path / "made"
    whole, content = torch.load(file, weights_only=True), file.read_bytes()
    file.write_bytes(content[:-1000])
    with pytest.raises(ValueError, match="damaged"):
        rewrite(old_marian, made)
    torch.save({name: weight for name, weight in whole.items() if ".layers.0." not in name}, file)
    with pytest.raises(ValueError, match="lacks weights"):
        rewrite(old_marian, made)
    (old_marian / "config.json").write_text('{"model_type": "marian", "architectures": ["exec"]}')
    with pytest.raises(ValueError, match="architecture"):
        rewrite(old_marian, made)
    assert not made.exists()
    torch.save({**whole, "more": _Code(tmp_path / "done")}, file)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)
    with pytest.raises(errors.ModelUnavailable, match="cannot be converted"):
        catalog.locate(Model("m", "m", "translation", "file", folder=str(old_marian)))
    assert not (tmp_path / "done").exists()
    assert [path.suffix for path in (own_cache / "safetensors").iterdir()] == [".lock"]


def test_what_does_not_fit_in_memory_is_not_converted(old_marian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.free_memory_gb", lambda: 0.01)
    with pytest.raises(errors.OutOfMemory):
        catalog.locate(Model("m", "m", "translation", "file", folder=str(old_marian)))


@pytest.fixture
def hub() -> Iterator[ReadingHub]:
    with reading_hub() as running:
        yield running


def _located(hub: ReadingHub, home: Path, *repos: str, offline: bool = False) -> dict[str, str]:
    """Where each repository's folder is, or why there is none: huggingface_hub reads its settings at the import."""
    program = (
        "import json, sys\nfrom common import catalog, errors\nfound = {}\n"
        "for repo in sys.argv[1:]:\n"
        "    model = catalog.Model(repo, repo, 'translation', 'hub', repo=repo)\n"
        "    before = catalog.is_local(model)\n"
        "    try:\n        found[repo] = f'{before} {catalog.locate(model)}'\n"
        "    except errors.DemystifyError as problem:\n        found[repo] = str(problem)\n"
        "print(json.dumps(found))"
    )
    environment = {name: words for name, words in os.environ.items() if not name.lower().endswith("_proxy")} | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home / "hub"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "DEMYSTIFY_OFFLINE": str(offline).lower(),
        "DEMYSTIFY_CACHE_DIR": str(home / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *repos], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout.strip().split("\n")[-1])
    return found


def _files(folder: Path, *leaving: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in leaving}


def _old(folder: Path) -> dict[str, bytes]:
    """A folder's files, with its weights in torch's format."""
    written = io.BytesIO()
    torch.save(load_file(folder / "model.safetensors"), written)
    return {**_files(folder, "model.safetensors"), "pytorch_model.bin": written.getvalue()}


@pytest.mark.slow
def test_the_hubs_own_conversion_is_taken_or_one_is_made_here(
    hub: ReadingHub, m2m_folder: Path, nllb_folder: Path, old_marian: Path, tmp_path: Path
) -> None:
    many, other = _old(m2m_folder), _old(nllb_folder)
    safe = {"model.safetensors": (m2m_folder / "model.safetensors").read_bytes()}
    foreign = {**many, "model.safetensors": b"whatever"}
    hub.repos = {
        "own/safe": Repo({"main": _files(m2m_folder)}),
        # Strangers' offers, and one of earlier weights, are passed over; of two good ones the newer is taken.
        "own/offered": Repo(
            {
                "main": many,
                "refs/pr/1": foreign,
                "refs/pr/2": {**foreign, "pytorch_model.bin": b"of an earlier day"},
                "refs/pr/3": {**many, **safe},
                "refs/pr/4": foreign,
            },
            [Offer("somebody"), Offer("SFconvertbot"), Offer("SFconvertbot"), Offer("SFconvertbot", status="closed")],
        ),
        "own/alone": Repo({"main": other}, closed=True),
        "own/marian": Repo({"main": _files(old_marian)}),
        "own/none": Repo({"main": {"config.json": many["config.json"], "rust_model.ot": b"old"}}),
    }
    first = _located(hub, tmp_path, *hub.repos)
    commit = {name: repo.commit("main") for name, repo in hub.repos.items()}
    assert first["own/safe"] == f"False {tmp_path}/hub/hub/models--own--safe/snapshots/{commit['own/safe']}"
    offered = hub.repos["own/offered"].commit("refs/pr/3")
    assert first["own/offered"] == f"False {tmp_path}/hub/hub/models--own--offered/snapshots/{offered}"
    for name, original in (("own/alone", nllb_folder), ("own/marian", EMBEDDED)):
        kept = tmp_path / "cache" / "safetensors" / f"{name.replace('/', '--')}-{commit[name][:12]}"
        assert first[name] == f"False {kept}"
        weights, made = load_file(original / "model.safetensors"), load_file(kept / "model.safetensors")
        assert all(torch.equal(made[name], weight) for name, weight in weights.items() if name in made)
        assert not list(kept.glob("*.bin"))
    assert "it has no weights in safetensors, nor any that can be turned into it" in first["own/none"]
    assert not list((tmp_path / "cache" / "safetensors").glob("*.torch"))
    assert not any("/own/offered/resolve/" in line and line.endswith(".bin") for line in hub.asked)

    # Later, with and without the hub, all that is from the first time.
    before = [line for line in hub.asked if "/resolve/" in line and "own/none" not in line]
    for offline in (False, True):
        later = _located(hub, tmp_path, *hub.repos, offline=offline)
        names = [name for name in hub.repos if name != "own/none"]
        assert {name: later[name] for name in names} == {name: first[name].replace("False", "True") for name in names}
        assert "no weights in safetensors" in later["own/none"]
    assert [line for line in hub.asked if "/resolve/" in line and "own/none" not in line] == before

    # Both kinds of folders are what the engines and tokenizers read.
    for name, source, target in (("own/offered", "sk", "ja"), ("own/alone", "uk", "sk")):
        models = TranslationModels(Settings(translator=first[name].split(" ", 1)[1]))
        assert models.glass(source, target).encode("Dobré ráno").shape[1] > 2
