"""Files in the Translate tab: read, translate, give back. What was uploaded goes when gradio sweeps its cache."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from translate_handlers import BEAMS, model_for
from translate_look import Shown, status_html
from translate_page import FROM, TARGET

from common import errors
from common.errors import Phrase
from common.translation.detect import OTHER, detect
from common.translation.documents import read
from common.translation.documents.work import translate_document
from common.translation.engine import Beams
from common.translation.models import AUTO, TranslationModels
from common.ui.download import as_download
from common.ui.streams import StopSignals

_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html",
    ".htm": "text/html",
    ".md": "text/markdown",
}


class FileHandlers:
    """The handlers; what is made goes to the browser in base64, which saves it under a name of the app's own."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def translate(
        self, lang: str, path: str | None, source: Any, target: Any, model: Any, beams: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: status, the file as JSON (empty until it is whole), whether it can be saved."""
        if not path:
            raise errors.UnreadableFile(reason=Phrase("none_chosen"))
        file = Path(path)
        document = await asyncio.to_thread(lambda: read(file.name, file.read_bytes()))
        wanted = str(TARGET.check(target))
        found = await self._source(str(FROM.check(source)), "\n".join(s.text for s in document.segments))
        chosen, codec = await model_for(self._models, found, wanted, model, request)
        shown = Shown(source=found, target=wanted, model=chosen.title, state="running")
        search = Beams(BEAMS.whole(beams))
        stream = translate_document(self._models.engine(chosen), codec, document, found, search)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as steps:
            async for progress in steps:
                shown = replace(shown, progress=progress, state="done" if progress.complete else "running")
                if not progress.complete:
                    yield status_html(lang, shown), "", gr.update(interactive=False)
        if shown.state == "running":
            yield status_html(lang, replace(shown, state="stopped")), "", gr.update(interactive=False)
            return
        content = await asyncio.to_thread(document.save)
        ending = file.suffix.lower()
        made = as_download(f"demystify-{wanted}{ending}", _TYPES.get(ending, "text/plain"), content)
        yield status_html(lang, shown), made, gr.update(interactive=True)

    async def _source(self, source: str, text: str) -> str:
        if source != AUTO:
            return source
        guess = await asyncio.to_thread(lambda: detect(text, self._models.languages()))
        if not guess.sure or guess.language == OTHER:
            raise errors.UnknownLanguage()
        return guess.language

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's file."""
        self._stops.stop(request.session_hash)
