"""What a visitor writes for the two knobs, read and checked: numbers, seeds, names of schedulers, words."""

from __future__ import annotations

import re
from typing import Any

from diffusion_page import GUIDANCE, SEED, STEPS
from next_seed import after

from common import errors
from common.config import settings
from common.diffusion import schedulers
from common.diffusion.grid import KNOBS, Axis, Value
from common.errors import Phrase
from common.ui.fields import Choice, Numbers, Text

# What each knob begins with.
USUAL = {
    "guidance": "1 2 4 8",
    "steps": "1 2 5 10 20",
    "seed": "7 8 9",
    "scheduler": "ddim, dpmpp_2m, euler, euler_a, unipc",
    "word": "apple, heart, circle",
}
ACROSS, DOWN = Choice("grid_across", "guidance", tuple(KNOBS)), Choice("grid_down", "seed", tuple(KNOBS))
VALUES = Text("grid_values", "", 400)
# Most values of a knob.
MOST = 8


def read_axis(knob: Any, values: Any) -> Axis:
    """A knob with its values, each once. Raises InvalidInput."""
    name, written = str(ACROSS.check(knob)), VALUES.check(values)
    found = _names(written) if name in ("scheduler", "word") else _numbers(name, written)
    once = tuple(dict.fromkeys(found))
    if not 1 <= len(once) <= MOST:
        raise errors.InvalidInput(field=VALUES.name, allowed=Phrase("values_up_to", most=MOST))
    return Axis(name, tuple(map(_scheduler, once)) if name == "scheduler" else once)


def check_pair(across: Axis, down: Axis) -> None:
    """Whether the two go together. Raises InvalidInput: the same knob twice, or too many pictures."""
    if across.knob == down.knob:
        raise errors.InvalidInput(field=DOWN.name, allowed=Phrase("other_knob"))
    most = settings().max_grid_pictures
    if len(across.values) * len(down.values) > most:
        raise errors.InvalidInput(field=VALUES.name, allowed=Phrase("pictures_up_to", most=most))


def next_values(axis: Axis, written: Any) -> str:
    """What to write for the seeds that follow those of an axis, as far apart as they are; other knobs stay."""
    if axis.knob != "seed":
        return str(written)
    seeds = [int(value) for value in axis.values]
    return " ".join(str(after(seed, max(seeds) - min(seeds) + 1)) for seed in seeds)


def _numbers(knob: str, written: str) -> list[Value]:
    items = Numbers.items(re.sub(r",(?=\s|$)", " ", written))
    if knob == "guidance":
        return [GUIDANCE.real(item) for item in items]
    field = STEPS if knob == "steps" else SEED
    return [field.whole(item) for item in items]


def _names(written: str) -> list[Value]:
    return [item.strip() for item in re.split(r"[,;\n]", written) if item.strip()]


def _scheduler(name: Value) -> str:
    """A scheduler by its id or its title. Raises InvalidInput."""
    titles = {title.casefold(): key for key, title in schedulers.TITLES.items()}
    known = str(name).casefold()
    found = titles.get(known, known)
    if found not in schedulers.NAMES:
        raise errors.InvalidInput(field=VALUES.name, allowed=", ".join(schedulers.NAMES))
    return found
