"""The catalogue: names of every kind become files, or a sentence."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from common import catalog, errors
from common.catalog import Model
from common.config import Settings
from common.text.models import choose


def test_every_entry_is_complete() -> None:
    models = catalog.entries()
    assert len({model.id for model in models}) == len(models)
    for model in models:
        assert model.licence and model.title
        if model.task == "chat":
            assert model.repo and model.parameters and model.size_mb and model.memory_mb and model.context


def test_the_embedded_model_is_here() -> None:
    model = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    path = catalog.locate(model)
    assert path.is_file() and model.embedded
    assert abs(path.stat().st_size / 1e6 - model.size_mb) < 2
    assert catalog.is_local(model)


def test_a_folder_and_a_gguf_file_are_models(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    assert catalog.locate(catalog.find(str(tmp_path))) == tmp_path
    assert catalog.locate(catalog.find(str(tmp_path / "own.gguf"))) == tmp_path / "own.gguf"


def test_a_hub_id_is_a_model() -> None:
    assert catalog.find("owner/name").repo == "owner/name"


@pytest.mark.parametrize("name", ["nonsense", "./missing", "/a/b", "a/b/c", "/", ""])
def test_an_unknown_name_is_said(name: str) -> None:
    with pytest.raises(errors.UnknownModel, match="smollm2-135m-instruct"):
        catalog.find(name)


def test_of_weights_in_several_precisions_the_16_bit_ones_are_fetched() -> None:
    def fetched(*files: str) -> set[str]:
        doubles = catalog.doubled_weights(files)
        return {name for name in files if not any(fnmatch(name, pattern) for pattern in doubles)}

    both = {"unet/a.safetensors", "unet/a.fp16.safetensors", "vae/a.safetensors", "vae/a.bf16.safetensors"}
    assert fetched(*both) == {"unet/a.fp16.safetensors", "vae/a.safetensors"}
    other = {"unet/a.non_ema.fp16.safetensors", "unet/a.safetensors", "unet/a.non_ema.safetensors"}
    assert fetched(*other) == {"unet/a.safetensors"}
    shards = {"text_encoder/model.fp16-00001-of-00002.safetensors", "text_encoder/model-00001-of-00002.safetensors"}
    assert fetched(*shards) == {"text_encoder/model.fp16-00001-of-00002.safetensors"}


def test_a_model_that_cannot_be_fetched_is_said() -> None:
    with pytest.raises(errors.ModelUnavailable, match="cannot be reached"):
        catalog.locate(catalog.find("owner/name"))
    assert not catalog.hub_reachable()


def test_without_network_the_embedded_model_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.has_nvidia_gpu", lambda: False)
    choice = choose(Settings(model="auto"))
    assert choice.model is not None and choice.model.id == catalog.EMBEDDED_CHAT_MODEL
    assert choice.engine == "openvino"


def test_with_a_gpu_transformers_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.has_nvidia_gpu", lambda: True)
    assert choose(Settings(model="auto")).engine == "transformers"


def test_a_folder_runs_on_transformers(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert choose(Settings(model=str(tmp_path))).engine == "transformers"


def test_a_remote_server_wins() -> None:
    choice = choose(Settings(remote_url="http://127.0.0.1:1/v1"))
    assert choice.engine == "remote" and choice.model is None


def test_openvino_on_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(errors.NotSupported, match="GGUF"):
        choose(Settings(model=str(tmp_path), engine="openvino"))


def test_a_package_s_files_may_lie_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a published Space has them."""
    model = Model("m", "M", "chat", "package", package="no_such_package", gguf="m.gguf")
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    with pytest.raises(errors.ModelUnavailable, match="no_such_package"):
        catalog.locate(model)
    catalog.beside(model).parent.mkdir(parents=True)
    catalog.beside(model).touch()
    assert catalog.locate(model) == tmp_path / "models" / "no_such_package" / "m.gguf"
