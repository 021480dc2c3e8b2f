"""The rules of direction, and what must not be loaded at start-up."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BELOW_UI = [path for path in (ROOT / "common").rglob("*.py") if "ui" not in path.relative_to(ROOT / "common").parts[:1]]
DOMAINS = {"text", "translation", "training", "diffusion"}
LEAVES = {"recipes", "publish", "preflight"}


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", BELOW_UI, ids=lambda path: str(path.relative_to(ROOT)))
def test_below_the_ui_nothing_knows_the_ui(path: Path) -> None:
    own = path.relative_to(ROOT / "common").parts[0]
    for name in _imports(path):
        assert name.split(".")[0] != "gradio"
        assert not name.startswith("common.ui")  # `spaces` is Hugging Face's package here, not our folder
        if own in DOMAINS and name.startswith("common."):
            other = name.split(".")[1]
            assert other == own or other not in DOMAINS | LEAVES, f"{own} imports {name}"


def test_spaces_is_no_package() -> None:
    assert not (ROOT / "spaces" / "__init__.py").exists()


def test_tab_modules_have_names_of_their_own() -> None:
    names = [path.stem for path in ROOT.glob("spaces/*/*.py") if path.stem != "app"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("statement", ["import common.ui, common.text.models", "import app; app.build"])
def test_starting_up_loads_no_model_library(statement: str) -> None:
    heavy = "torch", "transformers", "diffusers", "openvino", "openvino_genai", "ctranslate2"
    code = f"import sys; {statement}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_building_the_page_loads_no_model_library() -> None:
    code = (
        "import sys, app\nfrom common.text.models import TextModels\napp.build(TextModels())\n"
        "print([n for n in ('torch', 'transformers', 'openvino', 'openvino_genai') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_is_too_long() -> None:
    for path in [*(ROOT / "common").rglob("*.py"), *(ROOT / "spaces").rglob("*.py")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_every_source_named_in_the_code_stands_in_the_list_of_sources() -> None:
    listed = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    modules = [path for top in ("common", "spaces") for path in (ROOT / top).rglob("*.py")]
    names = [str(path.relative_to(ROOT)) for path in modules if re.search(r"\bSources?: ", path.read_text("utf-8"))]
    assert [name for name in names if f"(../{name})" not in listed] == []
    for table in ("gpus.toml", "language-models.toml"):
        entries = tomllib.loads((ROOT / "common" / "training" / table).read_text(encoding="utf-8"))
        assert [one["source"] for entry in entries.values() for one in entry if one["source"] not in listed] == []
