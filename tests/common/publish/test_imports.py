"""The import graph of a small project made by the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.publish.imports import needs


@pytest.fixture
def project(tmp_path: Path) -> Path:
    def write(name: str, text: str = "") -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("common/__init__.py")
    write("common/a/__init__.py", "import json\nfrom . import inner\n")
    write("common/a/inner.py", "from common import late\nfrom .deep.end import value\n")
    write("common/a/deep/__init__.py")
    write("common/a/deep/end.py", "value = 1\n")
    write("common/late.py", "def run():\n    import numpy as np\n    return ['-m', 'common.started', np]\n")
    write("common/started.py", "from PIL import Image\n@hardware.gpu(60)\ndef draw(): ...\n")
    write("common/typed.py")
    write("common/other.py", "import torch\n")
    write(
        "spaces/x/app.py",
        "from typing import TYPE_CHECKING\nimport x_tab\nfrom common.a import inner\n"
        "if TYPE_CHECKING:\n    import common.typed\nelse:\n    import yaml\n",
    )
    write("spaces/x/x_tab.py", "import x_tab\n")
    return tmp_path


def test_what_is_reached_and_what_is_not(project: Path) -> None:
    found = needs(project, project.glob("spaces/x/*.py"))
    assert set(found.modules) == {
        "common",
        "common.a",
        "common.a.inner",
        "common.a.deep",
        "common.a.deep.end",
        "common.late",
        "common.started",
    }
    assert found.outside >= {"json", "numpy", "PIL", "yaml"}
    assert not found.outside & {"torch", "x_tab", "common"}


def test_who_asks_for_the_gpu(project: Path) -> None:
    assert needs(project, project.glob("spaces/x/*.py")).gpu == {"common.started"}
