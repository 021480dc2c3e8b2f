"""What the tabs of the translate space share: the models, the two languages, the status line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from common import errors, hardware
from common.config import settings
from common.text.models import TextModels
from common.translation.models import AUTO, TranslationModels
from common.ui.fields import Choice, Text
from common.ui.i18n import error_text, text
from common.ui.page import Page, language_of_visit

# Every language that a model of the catalogue reads or writes; a page offers those that can be had now.
LANGUAGES = (
    *("sk", "cs", "de", "fr", "it", "en"),
    *("ar", "es", "hu", "ja", "nl", "pl", "pt", "ru", "tr", "uk", "zh"),
)
# The sentence of the talk.
EXAMPLE = "Milujem seminár DSA"
SOURCE = Choice("source_language", "sk", LANGUAGES)
TARGET = Choice("target_language", "en", LANGUAGES)
FROM = Choice("source_language", AUTO, (AUTO, *LANGUAGES))


@dataclass(frozen=True, slots=True)
class TranslatePage(Page):
    """A page with translation models behind it, and a chat model for the tab that compares the two."""

    models: TranslationModels
    chat: TextModels

    def languages(self, key: str, field: Choice, **props: Any) -> gr.Dropdown:
        """A box to choose one of the languages that some model here knows, labelled with the text ``key``.

        It offers to detect the language where the field allows that.
        """

        def choices(lang: str) -> list[tuple[str, str]]:
            codes = [code for code in (AUTO, *self.models.languages()) if code in field.options]
            return [(text(lang, f"language.{code}"), code) for code in codes]

        def choices_of_visit(request: gr.Request) -> list[Any]:
            """What the model hub has is known a moment after the page is built."""
            return [gr.update(choices=choices(language_of_visit(request)))]

        known = [code for _, code in choices("en")]
        value = field.default if field.default in known else known[0]
        box = self.words(gr.Dropdown, keys={"label": key, "choices": choices}, value=value, **props)
        self.arrival.add([box], choices_of_visit)
        return box


def check_text(value: Any) -> str:
    """A visitor's text, not empty and not longer than the setting allows. Raises EmptyPrompt, InvalidInput."""
    if not isinstance(value, str) or not value.strip():
        raise errors.EmptyPrompt()
    limit = settings().max_translation_chars
    if len(value) > limit:
        raise errors.InvalidInput(field="text", allowed=errors.Phrase("letters_at_most", limit=limit))
    return _whole("text", value)


def check_field(field: Text, value: Any) -> str:
    """What a visitor typed into a box, in whole characters. Raises InvalidInput."""
    return _whole(field.name, field.check(value))


def _whole(field: str, value: str) -> str:
    """The text, without half a character in it, which no encoding can write."""
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise errors.InvalidInput(field=field, allowed=errors.Phrase("whole_characters"))
    return value


async def status_html(lang: str, models: TranslationModels) -> tuple[str, bool]:
    """The status line: which models translate here. Never waits for one."""
    try:
        usable = await asyncio.to_thread(models.usable)
    except errors.DemystifyError as problem:
        return f'<div class="status"><span>{escape(error_text(lang, problem))}</span></div>', True
    titles = ", ".join(model.title for model in usable if model.where != "hub") or usable[0].title
    where = text(lang, "common.place_gpu" if hardware.has_nvidia_gpu() else "common.place_cpu")
    dot = '<span class="dot">●</span>'
    return f'<div class="status"><span>{dot} <b>{escape(titles)}</b> {escape(where)}</span></div>', True
