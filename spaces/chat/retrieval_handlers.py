"""What the Retrieval tab does: take in documents, index them, answer with and without them. Layout: retrieval_tab.py.

Documents and index live in the memory of the visitor's session and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from chat_page import ChatPage, check_length, sampling_settings
from library import Library, forget
from retrieval_look import answers_html, chunks_html, passages_html, progress_html

from common import errors
from common.documents import Document, read_document, take_upload
from common.errors import Phrase
from common.text.engine import Event, GenerationRequest, Message, TextEngine, TokenBundle
from common.text.retrieval import chunks, grounding
from common.text.retrieval.embedder import embedder
from common.text.retrieval.index import Index, Progress
from common.ui.fields import Number, Text
from common.ui.streams import StopSignals

SIZE = Number("chunk_size", 100, 30, 200, 10)
OVERLAP = Number("overlap", 20, 0, 60, 10)
PASSAGES = Number("passages", 3, 1, 8)
QUESTION = Text("question", "", 500)
MOST_CHUNKS = 20_000
KEPT_SECONDS = 3600.0  # without use, after which a session's documents are dropped
_SAMPLES = Path(chunks.__file__).parent / "samples"
# Two short answers as close to the documents as the model can.
_TEMPERATURE, _TOP_P, _LONGEST, _SEED = 0.2, 0.9, 100, 1


class RetrievalTab:
    """The handlers of the tab."""

    def __init__(self, page: ChatPage) -> None:
        self._models = page.models
        self._stops = StopSignals()
        self._libraries = page.libraries

    async def upload(
        self, lang: str, request: gr.Request, library: Library | None, files: Sequence[str] | None, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Read the files and index all documents: (files, library, status, chunks).

        One that cannot be read is said; those before it stay.
        """
        paths = [Path(file) for file in files or []]
        documents = []
        try:
            while paths:
                documents.append(await asyncio.to_thread(take_upload, paths.pop(0)))
        except errors.DemystifyError:
            yield None, gr.skip(), gr.skip(), gr.skip()
            raise
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        async for update in self._add(lang, request, library, documents, form):
            yield update

    async def samples(
        self, lang: str, request: gr.Request, library: Library | None, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Like ``upload``, with the texts that come with the project."""
        documents = [await asyncio.to_thread(read_document, path) for path in sorted(_SAMPLES.glob("*.md"))]
        async for update in self._add(lang, request, library, documents, form):
            yield update

    async def again(
        self, lang: str, request: gr.Request, library: Library | None, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Cut and index the same documents in another way."""
        if library is None or not library.documents:
            raise errors.NoDocuments()
        async for update in self._add(lang, request, library, [], form):
            yield update

    async def _add(
        self, lang: str, request: gr.Request, library: Library | None, new: Sequence[Document], form: tuple[Any, ...]
    ) -> AsyncIterator[tuple[Any, ...]]:
        size, overlap = SIZE.whole(form[0]), OVERLAP.whole(form[1])
        library = library or Library()
        known = {(one.name, one.text) for one in library.documents}
        documents = [*library.documents, *(one for one in new if (one.name, one.text) not in known)]
        if not documents:
            return
        pieces = await asyncio.to_thread(_cut, documents, size, min(overlap, size // 2))
        index = await asyncio.to_thread(Index, pieces, embedder())
        progress = Progress(0, len(pieces), 0.0)
        library.documents, library.index = documents, index
        self._libraries[request.session_hash or ""] = library
        shown = chunks_html(lang, pieces)
        yield None, library, progress_html(lang, len(documents), progress, "running"), shown
        async with contextlib.aclosing(self._stops.watch(request.session_hash, _embed(index))) as steps:
            async for progress in steps:
                yield gr.skip(), gr.skip(), progress_html(lang, len(documents), progress, "running"), gr.skip()
        state = "done" if index.embedded == len(pieces) else "stopped"
        yield gr.skip(), library, progress_html(lang, len(documents), progress, state), gr.skip()

    async def ask(
        self, lang: str, request: gr.Request, library: Library | None, question: str, top: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Search, then answer with and without the passages at the same time: (answers, passages, prompt)."""
        asked = check_length(QUESTION.check(question)).strip()
        if library is None or library.index is None:
            raise errors.NoDocuments()
        found = await asyncio.to_thread(library.index.search, asked, PASSAGES.whole(top))
        there = grounding.is_there(found)
        engine = self._models.engine()
        sampling = sampling_settings(_TEMPERATURE, _TOP_P, _LONGEST, _SEED)
        requests = [GenerationRequest(messages=(Message("user", asked),), sampling=sampling)]
        if there:
            requests.append(GenerationRequest(messages=grounding.prompt(asked, found), sampling=sampling))
        texts = ["", ""]
        passages = passages_html(lang, found, there)
        yield (
            answers_html(lang, texts[0], texts[1], there),
            passages,
            await _as_read(engine, requests[-1]) if there else "",
        )
        async with contextlib.aclosing(self._stops.watch(request.session_hash, _together(engine, requests))) as events:
            async for which, event in events:
                if isinstance(event, TokenBundle):
                    texts[which] += "".join(token.text for token in event.tokens if not token.special)
                    yield answers_html(lang, texts[0], texts[1], there), gr.skip(), gr.skip()
        cited = await asyncio.to_thread(grounding.attribute, texts[1], found, embedder())
        yield answers_html(lang, texts[0], cited, there), gr.skip(), gr.skip()

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what runs for the visitor; what has come stays."""
        self._stops.stop(request.session_hash)

    async def clear(self, lang: str, request: gr.Request, library: Library | None) -> tuple[Any, ...]:
        """Delete documents and index: (files, library, status, chunks, answers, passages, prompt)."""
        forget(library)
        self._libraries.pop(request.session_hash or "", None)
        return None, None, "", "", "", "", ""

    def leave(self, request: gr.Request) -> None:
        """The visitor has closed the page: gradio would keep the session's state for another hour."""
        forget(self._libraries.pop(request.session_hash or "", None))


def _cut(documents: Sequence[Document], size: int, overlap: int) -> list[chunks.Chunk]:
    pieces: list[chunks.Chunk] = []
    for document in documents:
        pieces += chunks.cut(document, embedder().count_tokens, size, overlap)
        if len(pieces) > MOST_CHUNKS:
            reason = Phrase("document_chunks", count=len(pieces), limit=MOST_CHUNKS)
            raise errors.DocumentTooLong(name=document.name, reason=reason)
    return pieces


async def _embed(index: Index) -> AsyncGenerator[Progress, None]:
    """The steps of the index, each in a thread."""
    steps = index.embed()
    while (step := await asyncio.to_thread(next, steps, None)) is not None:
        yield step


async def _together(
    engine: TextEngine, requests: Sequence[GenerationRequest]
) -> AsyncGenerator[tuple[int, Event], None]:
    """The events of several requests as they come, each with the place of its request: one batch for the model."""
    queue: asyncio.Queue[tuple[int, Event] | Exception | None] = asyncio.Queue()

    async def pump(which: int, request: GenerationRequest) -> None:
        try:
            async with contextlib.aclosing(engine.stream(request)) as events:
                async for event in events:
                    queue.put_nowait((which, event))
            queue.put_nowait(None)
        except Exception as problem:  # raised where the events are read
            queue.put_nowait(problem)

    tasks = [asyncio.create_task(pump(which, request)) for which, request in enumerate(requests)]
    try:
        left = len(tasks)
        while left:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _as_read(engine: TextEngine, request: GenerationRequest) -> str:
    """The prompt as the model reads it, template and all; a remote server shows only what it is sent."""
    try:
        return "".join(token.text for token in await engine.tokenize(request))
    except errors.NotSupported:
        return "\n\n".join(message.content for message in request.messages or ())
