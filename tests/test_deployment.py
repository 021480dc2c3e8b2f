"""The container files name what exists here: files, settings, and the same server, port and model on both sides."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.config import Settings

ROOT = Path(__file__).resolve().parents[1]
VARIABLES = {f"DEMYSTIFY_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return dict(loaded["services"])


def _named(line: str, container: str) -> str:
    found = re.search(rf"--{container}=(\S+)", line)
    assert found, line
    return found[1]


def test_settings_of_the_containers_exist(dockerfile: str, services: dict[str, Any]) -> None:
    used = set(re.findall(r"DEMYSTIFY_\w+", dockerfile)) | {
        name for name in services["demystify"]["environment"] if name.startswith("DEMYSTIFY_")
    }
    assert len(used) > 6 and used <= VARIABLES


def test_the_page_asks_the_model_s_server_for_its_model(services: dict[str, Any]) -> None:
    page, server = services["demystify"]["environment"], services["model"]
    command = "\n".join(server["command"])
    assert page["DEMYSTIFY_REMOTE_URL"] == "http://model:8000/v1"
    assert "http://localhost:8000/health" in server["healthcheck"]["test"]
    assert page["DEMYSTIFY_MODEL"] == _named(command, "model")
    assert page["DEMYSTIFY_REMOTE_KEY"] == server["environment"]["VLLM_API_KEY"]
    assert page["DEMYSTIFY_MAX_ACTIVE"] == _named(command, "max-num-seqs")
    Settings(
        remote_url=page["DEMYSTIFY_REMOTE_URL"],
        max_active=page["DEMYSTIFY_MAX_ACTIVE"],
        max_waiting=page["DEMYSTIFY_MAX_WAITING"],
    )


def test_what_is_copied_is_there_and_is_not_kept_out(dockerfile: str) -> None:
    kept_out = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()]
    assert {"requirements.txt", "scripts/setup.py", "."} <= set(copied)
    needed = [*copied, "app.py", "common", "spaces", "models"]
    assert all((ROOT / name).exists() and name not in kept_out for name in needed)
    assert {".env", ".venv", ".git"} <= kept_out  # no secrets, no foreign environment


def test_the_packages_are_set_up_without_the_code(dockerfile: str, tmp_path: Path) -> None:
    """As in the image's first layers, with an environment that is up to date, so that nothing is installed here."""
    for name in ("requirements.txt", "constraints.txt", "scripts/setup.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    prepare = (
        "import sys, json; sys.path.insert(0, 'scripts'); import setup; setup.PYTHON.parent.mkdir(parents=True);"
        "setup.PYTHON.touch(); packages = setup.fingerprint('requirements.txt', 'constraints.txt');"
        "setup.STAMP.write_text(json.dumps({'python': sys.version, 'packages': packages}))"
    )
    subprocess.run([sys.executable, "-c", prepare], cwd=tmp_path, check=True)
    assert "setup.py --packages" in dockerfile
    command = [sys.executable, "scripts/setup.py", "--packages"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[set-up] ready"
