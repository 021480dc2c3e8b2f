"""The pictures that a style is learned from, each with the prompt that it answers, as the JSON lines of a run.

Pictures are checked where a visitor sends them (``common.diffusion.pictures``); here is how many there may be.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from common import errors

# With fewer the model repeats single pictures; with more a run of minutes sees each too rarely.
FEWEST, MOST = 5, 20


@dataclass(frozen=True, slots=True)
class Example:
    """A picture, RGB and square, and what it shows in the words of a prompt."""

    prompt: str
    picture: Image.Image


def check_count(count: int) -> None:
    """Raises NumberOfPictures: too few or too many to learn a style from."""
    if not FEWEST <= count <= MOST:
        raise errors.NumberOfPictures(count=count, fewest=FEWEST, most=MOST)


def to_jsonl(examples: Sequence[Example]) -> str:
    """One line an example, its picture as PNG. Raises NumberOfPictures."""
    check_count(len(examples))
    lines = []
    for example in examples:
        file = io.BytesIO()
        example.picture.save(file, "PNG")
        content = base64.b64encode(file.getvalue()).decode("ascii")
        lines.append(json.dumps({"prompt": example.prompt, "png": content}, ensure_ascii=False) + "\n")
    return "".join(lines)


def from_jsonl(text: str) -> list[Example]:
    """What ``to_jsonl`` has written. Raises NumberOfPictures, and ValueError for what it has not."""
    examples = []
    for line in text.splitlines():
        values = json.loads(line)
        with Image.open(io.BytesIO(base64.b64decode(values["png"], validate=True)), formats=("PNG",)) as picture:
            examples.append(Example(str(values["prompt"]), picture.convert("RGB")))
    check_count(len(examples))
    return examples
