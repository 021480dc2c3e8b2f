"""Two threads that import a library which replaces its own module: both get what is in it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from common import replaced

ROOT = Path(__file__).resolve().parents[2]
_LIBRARY = """
import sys, threading, types
begun, go_on = sys.modules["events"].begun, sys.modules["events"].go_on
begun.set()
go_on.wait(10)
new = types.ModuleType(__name__)
new.thing = 1
sys.modules[__name__] = new
"""


@pytest.mark.parametrize("known", [True, False])
def test_who_waits_for_a_library_gets_what_is_in_it(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without being known to ``replaced`` the second thread fails: the trouble is real."""
    (tmp_path / "slow_library.py").write_text(_LIBRARY, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    events = type(sys)("events")
    events.begun, events.go_on = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "events", events)
    monkeypatch.setattr(replaced, "LIBRARIES", ("slow_library",) if known else ())
    got: dict[str, object] = {}

    def ask(name: str) -> None:
        try:
            from slow_library import thing
        except ImportError as problem:
            got[name] = problem
        else:
            got[name] = thing

    first, second = (threading.Thread(target=ask, args=(name,)) for name in ("first", "second"))
    try:
        first.start()
        assert events.begun.wait(10)
        second.start()
        second.join(0.3)  # it waits for the import lock
        assert second.is_alive()
        events.go_on.set()
        first.join(10)
        second.join(10)
    finally:
        sys.modules.pop("slow_library", None)
    assert got["first"] == 1
    assert got["second"] == 1 if known else isinstance(got["second"], ImportError)


def test_the_libraries_are_still_themselves() -> None:
    """In a fresh process: lazy modules as before, with the name and place that others look for."""
    code = (
        "import common, transformers, diffusers, importlib.util, importlib.resources;"
        "from transformers import AutoTokenizer; from diffusers import DDIMScheduler;"
        "print(transformers.__version__, importlib.util.find_spec('transformers').origin is not None,"
        " importlib.resources.files('transformers').joinpath('__init__.py').is_file())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1:] == ["True", "True"]
