"""Every space alone, bundled, in an environment with just what its requirements.txt brings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gradio_client import Client

from common.publish.bundle import spaces
from common.publish.imports import needs
from tests.common.publish.published import clean, put, started

# Something small of each that a program can ask for, with what it answers if its models are there.
ASKED = {
    "chat": ("/tokens", {"text": "A small book"}),
    "translate": ("/translate", {"text": "Das Haus ist klein.", "source": "de", "target": "en"}),
    "diffusion": ("/draw", {"prompt": "a red heart", "steps": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("space", spaces())
def test_it_starts_and_answers(space: str, tmp_path: Path) -> None:
    folder, python = put(space, tmp_path)
    names = sorted(needs(folder, folder.glob("*.py")).outside)
    code = f"import importlib.util as u; print([n for n in {names!r} if u.find_spec(n) is None])"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    outside = subprocess.run([python, "-c", "import pytest"], env=clean(), capture_output=True, check=False)
    assert outside.returncode == 1  # or the test would prove nothing
    with started(folder, python, DEMYSTIFY_RUNS_DIR=str(tmp_path / "runs")) as url:
        client = Client(url, verbose=False)
        if space in ASKED:
            endpoint, values = ASKED[space]
            assert client.predict(**values, api_name=endpoint)
