"""A library is imported as if a package were not installed, and the package is there again afterwards."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from common.without import not_installed


def test_the_package_is_hidden_for_a_while() -> None:
    sys.modules.pop("xml.dom.minidom", None)
    with not_installed("xml.dom.minidom", "json"):
        assert importlib.util.find_spec("xml.dom.minidom") is None
        with pytest.raises(ModuleNotFoundError):
            import xml.dom.minidom
        import json  # has been imported before: it stays
    import xml.dom.minidom

    assert xml.dom.minidom.parseString("<a/>").documentElement.tagName == json.loads('"a"')


def test_an_error_inside_leaves_nothing_hidden() -> None:
    sys.modules.pop("xml.dom.minidom", None)
    with pytest.raises(RuntimeError), not_installed("xml.dom.minidom"):
        raise RuntimeError
    assert importlib.util.find_spec("xml.dom.minidom") is not None


_PROGRAM = """
import sys
from common.ui.quick import import_gradio
import_gradio()
from common import catalog, hardware
from common.diffusion.opened import open_model
open_model(next(model for model in catalog.entries() if model.id == "emoji-diffusion"))
assert hardware.device() != "cpu" or not {"bitsandbytes", "onnxruntime"} & sys.modules.keys()
assert "pyarrow" not in sys.modules
import datasets, pandas, pyarrow  # still there for who wants them
assert pandas.DataFrame({"a": ["x"]}).equals(datasets.Dataset.from_dict({"a": ["x"]}).to_pandas())
"""


def test_the_space_for_pictures_opens_its_model_without_what_it_does_not_use() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True)
