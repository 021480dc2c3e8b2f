"""Lines of a requirements.txt: only what is used, nothing newer than tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from common.publish.requirements import installed_with, lines, pinned_version

ROOT = Path(__file__).resolve().parents[3]


def _names(found: list[str]) -> set[str]:
    return {Requirement(line).name for line in found if not line.startswith("-")}


def test_only_what_is_imported_and_what_that_needs() -> None:
    found = lines(ROOT, {"transformers", "PIL", "gradio", "json", "spaces"}, zerogpu=True)
    assert _names(found) == {"transformers", "accelerate", "mcp"}


def test_nothing_newer_than_what_is_tested() -> None:
    found = {r.name: r for r in map(Requirement, lines(ROOT, {"transformers", "numpy"}, zerogpu=True))}
    tested = pinned_version(ROOT, "transformers")
    assert found["transformers"].specifier.contains(tested)
    assert not found["transformers"].specifier.contains("99.0")


def test_torch_for_a_lent_gpu_and_for_a_processor() -> None:
    (lent,) = (Requirement(line) for line in lines(ROOT, {"torch"}, zerogpu=True))
    assert lent.specifier.contains("2.11.0") and not lent.specifier.contains("2.12.0")
    index, own = lines(ROOT, {"torch"}, zerogpu=False)
    assert index.endswith("/whl/cpu")
    assert Requirement(own).specifier.contains(pinned_version(ROOT, "torch"))


def test_a_name_that_nothing_brings_is_refused() -> None:
    with pytest.raises(LookupError, match="no_such_library"):
        lines(ROOT, {"no_such_library"}, zerogpu=True)


def test_what_a_package_brings_along() -> None:
    brought = installed_with(["diffusers"])
    assert {"diffusers", "pillow", "huggingface-hub", "filelock"} <= brought
    assert not brought & {"gradio", "ctranslate2", "pytest"}
