"""A Space of a visitor's own model: the chat app, which opens with the model that a training run has made.

Knows nothing about runs: it gets the folder of a whole model in transformers format.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

from huggingface_hub import SpaceCard, SpaceCardData

from common.catalog import continues
from common.publish.bundle import ROOT, ZEROGPU, Bundle, bundle

# A processor would do for a small model, but a free account gets a Space with gradio on ZeroGPU alone.
HARDWARE = ZEROGPU


def offered(root: Path = ROOT) -> bool:
    """Whether all is here that a bundle is made of; in a published Space it is not."""
    return (root / "spaces" / "chat" / "README.md").exists() and (root / "constraints.txt").exists()


def slug(name: str) -> str:
    """A name as the hub takes it: letters, digits and single hyphens of ASCII, at most 60."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-") or "model"


def chat_space(model: Path, name: str, root: Path = ROOT) -> Bundle:
    """The chat space with the model in its folder, chosen by the settings that lie beside it.

    Args:
        model: the model's folder; nothing in it but files.
        name: what its owner calls it.

    Raises:
        PublishProblem, ModelUnavailable: as ``bundle``.
    """
    made = bundle("chat", HARDWARE, root)
    place = f"own-{slug(name)}"
    files = {f"{place}/{path.name}": path for path in sorted(model.iterdir()) if path.is_file()}
    card = SpaceCard(made.written["README.md"])
    title = re.sub(r"[^\w .,-]", "", name).strip()[:60] or "Chat"
    data = cast(SpaceCardData, card.data)
    data.title = title
    data.pop("preload_from_hub", None)  # larger models, which this Space does not open with
    does = "Continue texts with" if continues(model) else "Chat with"
    card.text = (
        f"\n\n# {does} {title}\n\nA model made to learn from, in minutes, in the train space of "
        "demystify. It says false things with confidence.\n"
    )
    settings = f"DEMYSTIFY_MODEL={place}\nDEMYSTIFY_ENGINE=transformers\n"
    written = {**made.written, "README.md": str(card), ".env": settings}
    return replace(made, copied={**made.copied, **files}, written=written)
