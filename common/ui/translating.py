"""The translator as a tool for the chat model. It stands here, since neither of the two domains knows the other."""

from __future__ import annotations

import asyncio
import contextlib

from common import errors
from common.errors import Phrase
from common.text.actions.tool import WORDS, Tool, ToolFailed
from common.translation.models import TranslationModels
from common.translation.passage import translate_text

_LANGUAGES = {"German": "de", "French": "fr", "Italian": "it", "Czech": "cs", "Slovak": "sk"}


def translate_tool(models: TranslationModels) -> Tool:
    """English into another language, by the translation model that the translate space uses."""

    async def translate(text: str, language: str) -> str:
        target = _LANGUAGES.get(language)
        if target is None:  # in a call that was edited by hand
            raise ToolFailed(Phrase("language_unknown", known=", ".join(_LANGUAGES)))
        try:
            model = await asyncio.to_thread(models.find, "en", target)
            codec = await asyncio.to_thread(models.codec, model, "en", target)
            said = ""
            async with contextlib.aclosing(translate_text(models.engine(model), codec, text, "en")) as steps:
                async for step in steps:
                    said = step.text
        except (errors.UnsupportedPair, errors.ModelUnavailable):
            raise ToolFailed(Phrase("service_failed")) from None
        return f"“{said}” ({language})"

    return Tool(
        "translate",
        "English text into another language",
        {"text": {"type": "string", "pattern": WORDS % 80}, "language": {"enum": list(_LANGUAGES)}},
        translate,
        (
            ("How do you say thank you in French?", {"text": "thank you", "language": "French"}),
            ("Translate the soup is hot into German.", {"text": "the soup is hot", "language": "German"}),
            ("What is the Italian for I am hungry?", {"text": "I am hungry", "language": "Italian"}),
            ("What is the Czech word for window?", {"text": "window", "language": "Czech"}),
            ("Say see you soon in Slovak, please.", {"text": "see you soon", "language": "Slovak"}),
            ("Translate to French: where do you live?", {"text": "where do you live", "language": "French"}),
            ("What does bridge mean in German?", {"text": "bridge", "language": "German"}),
            ("Please translate the door is open to Italian.", {"text": "the door is open", "language": "Italian"}),
            ("How do I say where can I pay in German?", {"text": "where can I pay", "language": "German"}),
        ),
        {"text": 14},
    )
