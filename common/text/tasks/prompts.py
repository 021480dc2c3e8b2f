"""The prompts of an essay, which a writer may change, and how names in braces in them are filled.

They are English in every language of the page: the embedded model has learned hardly anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from common import errors
from common.errors import Phrase

OUTLINE_PROMPT = (
    "Write an outline in {language} for an essay about “{topic}”. Give {count} short headings as a numbered list."
)
SECTION_PROMPT = "Write a {tone} article in {language} for {audience}: {topic}"
# Begun like this, a small model goes on with prose; asked alone, it tends to answer with lists and talk about the task.
SECTION_OPENING = "{before}\n\n**{topic}: {heading}.**"
# For servers that cannot go on with an answer that was begun: the beginning is an earlier turn for them.
GO_ON = "Go on from there, with text alone and without repeating anything."
# Which names each prompt may have, and which it must have.
OUTLINE_NAMES = ("topic", "audience", "tone", "language", "words", "count")
SECTION_NAMES = ("topic", "audience", "tone", "language", "words", "heading", "outline", "before")
_NAME = re.compile(r"\{(\w+)\}")


def check(field: str, template: str, known: tuple[str, ...], needed: tuple[str, ...]) -> str:
    """A template whose names can all be filled.

    Args:
        field: the control it was typed into.
        template: the text.
        known: names it may have.
        needed: names it must have.

    Raises:
        InvalidInput: a name is missing or unknown.
    """
    names = _NAME.findall(template)
    for name in needed:
        if name not in names:
            raise errors.InvalidInput(field=field, allowed=Phrase("with_name", name=f"{{{name}}}"))
    for name in names:
        if name not in known:
            listed = " ".join(f"{{{one}}}" for one in known)
            raise errors.InvalidInput(field=field, allowed=Phrase("only_names", names=listed))
    return template


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its names replaced, all at once: a name in braces inside a value stays as it was typed."""
    return _NAME.sub(lambda found: values.get(found[1], found[0]), template).strip()
