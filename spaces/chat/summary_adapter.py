"""The adapter that comes with the project, for the Summary tab: its model opened when asked for, and its card."""

from __future__ import annotations

import re
from functools import lru_cache

from common import catalog
from common.text.engine import TextEngine
from common.ui.trained import trained_models

ADAPTER = catalog.with_task("adapter")[0]
_HEAD = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


async def engine() -> TextEngine:
    """The embedded model with the adapter in its weights: one copy, in a process that ends when nobody writes."""
    return await trained_models().base(str(catalog.locate(ADAPTER)), ADAPTER.title)


def base_title() -> str:
    """What people call the model that the adapter belongs to; the tab's own may be another."""
    return catalog.find(ADAPTER.base).title


@lru_cache
def card() -> str:
    """The model card, without its head for machines and with headings that fit into a page."""
    words = (catalog.locate(ADAPTER) / "README.md").read_text("utf-8")
    return re.sub(r"^#(#?) ", r"###\1 ", _HEAD.sub("", words), flags=re.MULTILINE)
