"""Disk, memory, port and graphics card of this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from common import catalog, hardware
from common.config import Settings
from common.errors import ModelUnavailable, Phrase
from common.preflight.finding import Finding, Level

_DISK_GB = 1.0, 5.0  # less is a problem; less is worth a note
# The hub at its highest, measured by bench/startup.py: 32 chats and a look inside. Below the second, others feel it.
_MEMORY_GB = 1.5, 3.0
_CARD = (
    "import json, torch; ok = torch.cuda.is_available();"
    "free, total = torch.cuda.mem_get_info() if ok else (0, 0);"
    "print(json.dumps([torch.cuda.get_device_name() if ok else '', free, total]))"
)


def models() -> Finding:
    """Whether the files of the embedded models are here."""
    missing, found, size = [], 0, 0
    for model in catalog.entries():
        if not model.embedded or model.where == "code":
            continue
        if _present(model):
            found, size = found + 1, size + model.size_mb
        else:
            missing.append(model.id)
    if missing:
        return Finding("models", "problem", Phrase("models_missing", names=", ".join(missing)), Phrase("advice_set_up"))
    return Finding("models", "ok", Phrase("models_found", count=found, size=size))


def disk(config: Settings) -> Finding:
    """Room and the right to write, where models and training runs are kept."""
    folders = [config.cache_dir, config.runs_dir]
    for folder in folders:
        if not _writable(folder):
            advice = Phrase("advice_folder", name="DEMYSTIFY_" + ("CACHE_DIR", "RUNS_DIR")[folders.index(folder)])
            return Finding("disk", "problem", Phrase("disk_closed", folder=str(folder)), advice)
    free = min(shutil.disk_usage(_existing(folder)).free for folder in folders) / 1e9
    level = _level(free, _DISK_GB)
    return Finding("disk", level, Phrase("disk_free", free=round(free, 1)), _unless_ok(level, Phrase("advice_disk")))


def memory() -> Finding:
    """Whether the memory suffices for a room; what this program has already taken counts as had."""
    import psutil

    own = psutil.Process()
    taken = sum(process.memory_info().rss for process in [own, *own.children(recursive=True)]) / 1e9
    free, whole = hardware.free_memory_gb(), psutil.virtual_memory().total / 1e9
    level = _level(free + taken, _MEMORY_GB)
    detail = Phrase("memory_left", free=round(free, 1), total=round(whole, 1))
    return Finding("memory", level, detail, _unless_ok(level, Phrase("advice_memory")))


def port(config: Settings, own: bool) -> Finding:
    """Whether the page's port can be had. ``own``: the page is being served there already, by this program."""
    if own:
        return Finding("port", "ok", Phrase("port_own", port=str(config.port)))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.listen_host, config.port))
        except OSError:
            advice = Phrase("advice_port", port=str(config.port + 1))
            return Finding("port", "problem", Phrase("port_taken", port=str(config.port)), advice)
    return Finding("port", "ok", Phrase("port_free", port=str(config.port)))


async def card() -> Finding:
    """The graphics card, looked at from a process of its own: torch is large, and takes memory of the card."""
    if hardware.on_zerogpu():
        return Finding("card", "ok", Phrase("card_lent"))
    if not hardware.has_nvidia_gpu():
        return Finding("card", "ok", Phrase("card_none"))
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", _CARD], capture_output=True, text=True)
    name, free, total = json.loads(done.stdout) if done.returncode == 0 else ("", 0, 0)
    if not name:
        return Finding("card", "note", Phrase("card_unused"), Phrase("advice_cuda"))
    sizes = {"free": round(free / 1e9, 1), "total": round(total / 1e9, 1)}
    return Finding("card", "ok", Phrase("card_found", name=name, free=sizes["free"], total=sizes["total"]))


def _present(model: catalog.Model) -> bool:
    try:
        return catalog.has_files(model)
    except ModelUnavailable:
        return False


def _level(value: float, limits: tuple[float, float]) -> Level:
    return "problem" if value < limits[0] else "note" if value < limits[1] else "ok"


def _unless_ok(level: Level, advice: Phrase) -> Phrase | None:
    return None if level == "ok" else advice


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError:
        return False
    return True
