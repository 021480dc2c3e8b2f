"""What the tabs that look at one sentence begin with: the sentence and the two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from translate_page import EXAMPLE, SOURCE, TARGET, TranslatePage, check_field

from common.ui.fields import Field, Text

# Longer texts have more tokens than can be shown, whatever the language.
SENTENCE = Text("sentence", EXAMPLE, 1_000)


@dataclass(frozen=True, slots=True)
class SentenceForm:
    """The three boxes.

    Attributes:
        sentence, source, target: the components, in the order in which handlers take them.
    """

    sentence: gr.Textbox
    source: gr.Dropdown
    target: gr.Dropdown

    @property
    def boxes(self) -> list[Any]:
        """The components, as inputs of a handler."""
        return [self.sentence, self.source, self.target]

    @property
    def link(self) -> dict[str, tuple[Field, Any]]:
        """Their part of a link."""
        return {"q": (SENTENCE, self.sentence), "src": (SOURCE, self.source), "tgt": (TARGET, self.target)}


def sentence_form(page: TranslatePage, tab: str) -> SentenceForm:
    """Lay out the boxes; their ids on the page begin with the tab's."""
    sentence = SENTENCE.box(page.words, "player.sentence", max_lines=3, elem_id=f"{tab}-sentence")
    with gr.Row():
        source = page.languages("translate.from", SOURCE, min_width=130, elem_id=f"{tab}-source")
        target = page.languages("translate.into", TARGET, min_width=130, elem_id=f"{tab}-target")
    return SentenceForm(sentence, source, target)


def check_sentence(sentence: Any, source: Any, target: Any) -> tuple[str, str, str]:
    """What the boxes hold, checked. Raises InvalidInput."""
    return check_field(SENTENCE, sentence), str(SOURCE.check(source)), str(TARGET.check(target))
