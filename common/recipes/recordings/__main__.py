"""Make the recorded runs anew: ``python -m common.recipes.recordings [TAB …] [--space SPACE]``

Without a name all of them, which takes some minutes, most of them for the training runs; ``--space translate`` takes
seconds. Only the embedded models run, so that everybody can make the same.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import sys
import tempfile
import time
from pathlib import Path

# Before the settings are read: nothing but what comes with the project shall run.
os.environ |= {
    "DEMYSTIFY_OFFLINE": "true",
    "HF_HUB_OFFLINE": "1",
    "DEMYSTIFY_ENGINE": "auto",
    "DEMYSTIFY_MAX_NEW_TOKENS": "512",
}

from common import catalog, hardware
from common.config import settings
from common.diffusion.models import DiffusionModels
from common.recipes.recordings.examples import SPACES, Workshop
from common.recordings import recording
from common.recordings.recording import Part, Recording, TextPart, TranslationPart
from common.text.models import TextModels
from common.translation.models import TranslationModels


async def record(space: str, tab: str, shop: Workshop) -> Recording:
    """Run a tab's example and write it down."""
    parts = await SPACES[space][tab](shop, tab)
    return Recording(
        tab=tab,
        space=space,
        made=datetime.date.today().isoformat(),
        models=_titles(space, parts),
        machine=hardware.processor(),
        parts=tuple(parts),
    )


def _titles(space: str, parts: list[Part]) -> tuple[str, ...]:
    """What people call the models that ran."""
    chat = catalog.find(catalog.EMBEDDED_CHAT_MODEL).title
    found: list[str] = []
    for part in parts:
        if isinstance(part, TranslationPart):
            model = next(
                one for one in catalog.with_task("translation")
                if one.embedded and part.source in one.sources and part.target in one.targets
            )  # fmt: skip
            found.append(model.title)
        elif isinstance(part, TextPart):
            found.append(chat)
    if space == "diffusion":
        found.append(next(model.title for model in catalog.with_task("image") if model.embedded))
    if not found and space != "train":
        found.append(chat)
    if space == "train" and any("base_title" in part.config for part in parts if part.kind == "training"):
        found.append(chat)
    return tuple(dict.fromkeys(found))


async def main() -> int:
    """The command; its exit status."""
    every = {tab: space for space, makers in SPACES.items() for tab in makers}
    parser = argparse.ArgumentParser(prog="python -m common.recipes.recordings", description=__doc__)
    parser.add_argument("tabs", nargs="*", metavar="TAB", help=f"one of {', '.join(every)}")
    parser.add_argument("--space", choices=SPACES, action="append", help="all tabs of this space")
    parser.add_argument("--folder", type=Path, default=recording.FOLDER, help="where the files go")
    options = parser.parse_args()
    wanted = [tab for tab, space in every.items() if tab in options.tabs or space in (options.space or ())]
    if unknown := set(options.tabs) - set(every):
        parser.error(f"no such tab: {', '.join(sorted(unknown))}")
    options.folder.mkdir(parents=True, exist_ok=True)
    text = TextModels(settings().model_copy(update={"model": catalog.EMBEDDED_CHAT_MODEL}))
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="demystify-recordings-") as runs:
            shop = Workshop(text, TranslationModels(), DiffusionModels(), options.folder, Path(runs))
            for tab in wanted or every:
                start = time.monotonic()
                for old in options.folder.glob(f"{tab}-*"):
                    old.unlink()
                made = await record(every[tab], tab, shop)
                path = options.folder / f"{tab}.json"
                path.write_text(made.model_dump_json(exclude_defaults=False) + "\n", "utf-8")
                size = path.stat().st_size + sum((options.folder / name).stat().st_size for name in made.files)
                print(f"{tab}: {time.monotonic() - start:.1f} s, {size / 1000:.0f} kB", flush=True)
    finally:
        await text.close()
    print(f"recorded in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
