"""A run's folder: the one place where its state lives. Both the run itself and whoever watches it read it here.

    config.json     what was asked for
    corpus.txt      the text (kind "scratch")
    examples.jsonl  the conversations (kind "finetune")
    pairs.jsonl     the preferred and the other answers (kind "preference")
    pictures.jsonl  the pictures with their prompts (kind "style")
    data.json       what the data turned out to be
    events.jsonl    what has happened, one JSON object a line
    process.json    the process at work: its id and when it began
    stop            a request to end; the file's being there is the message
    checkpoints/    the last states that training can go on from
    model/          the result: safetensors and tokenizer; of an adapter its weights alone
    sample-N.png    what a model of pictures has drawn on the way
    result.json     how it ended

Single files are written beside and renamed, so that a reader never sees half of one. A line of events may be torn by a
crash; readers pass over it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from common.training.config import AnyConfig, read_config

State = Literal["waiting", "running", "stopped", "finished", "failed", "interrupted"]
Event = dict[str, Any]
# What a finished model has in any case: a whole one, an adapter of peft, a LoRA of diffusers.
_RESULTS = ("config.json", "adapter_config.json", "pytorch_lora_weights.safetensors")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and contents of one run's directory."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def model(self) -> Path:
        """The folder of the finished model."""
        return self.path / "model"

    @property
    def has_model(self) -> bool:
        """Whether the run has got that far; an adapter has no config of a whole model."""
        return any((self.model / name).exists() for name in _RESULTS)

    @property
    def checkpoints(self) -> Path:
        """The folder of the states to go on from."""
        return self.path / "checkpoints"

    def config(self) -> AnyConfig:
        """What was asked for. Raises OSError, pydantic.ValidationError."""
        return read_config((self.path / "config.json").read_bytes())

    def write_json(self, name: str, values: Any) -> None:
        """Write a JSON file of the run at once."""
        self.write_text(name, json.dumps(values, ensure_ascii=False, indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run at once: beside, then renamed."""
        part = self.path / f".{name}.{os.getpid()}.part"
        part.write_text(text, "utf-8")
        part.replace(self.path / name)

    def read_json(self, name: str) -> Any:
        """A JSON file of the run, or None when there is none."""
        try:
            return json.loads((self.path / name).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def append(self, kind: str, **values: Any) -> None:
        """Add an event, with the time. One write, so that two events never mix.

        A line that a killed process left torn is ended first, so that it takes no other with it.
        """
        line = json.dumps({"type": kind, "time": time.time(), **values}, ensure_ascii=False) + "\n"
        with (self.path / "events.jsonl").open("a+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = "\n" + line
            file.write(line.encode())

    def events(self) -> Iterator[Event]:
        """What has happened so far, in order. Steps that were lost with a killed process and done again come once.

        A run that was killed before its first checkpoint is resumed at step 0: all that it did is done again.
        """
        found: list[Event] = []
        try:
            lines = (self.path / "events.jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            return iter(())
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:  # torn
                continue
            if event.get("type") == "resumed":
                step = event["step"]
                found = [before for before in found if "step" not in before or 0 < step >= before["step"]]
            found.append(event)
        return iter(found)

    def alive(self) -> bool:
        """Whether the run's process is at work. A process id that another program has got since does not count."""
        process = self.read_json("process.json")
        if not process:
            return False
        try:
            found = psutil.Process(process["pid"])
            return bool(abs(found.create_time() - process["begun"]) < 1 and found.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def state(self) -> State:
        """What the run is doing now, from the files alone."""
        result = self.read_json("result.json")
        if result is not None:
            state: State = result["state"]
            return state
        if self.alive():
            return "running"
        return "interrupted" if (self.path / "process.json").exists() else "waiting"

    def size(self) -> int:
        """Bytes on the disk; files that vanish meanwhile do not count."""
        total = 0
        for path in self.path.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.lstat().st_size if path.is_file() else 0
        return total

    def is_of_a_run(self, path: str) -> bool:
        """Whether something lies in a run of the same directory, where nobody but its owner has it."""
        return Path(path).resolve().is_relative_to(self.path.resolve().parent)

    def stop_wanted(self) -> bool:
        """Whether somebody asked the run to end."""
        return (self.path / "stop").exists()
