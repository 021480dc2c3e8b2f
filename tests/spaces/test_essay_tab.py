"""The Essay tab without a browser: the real model writes, edits stay, files hold the text, errors are said."""

from __future__ import annotations

import asyncio
import base64
import io
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from docx import Document

from common import catalog, errors
from common.config import LANGUAGES, Settings
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, TextModels
from common.text.tasks import prompts
from common.text.tasks.manuscript import Manuscript, Section, from_markdown, to_markdown
from common.ui.i18n import number, text
from common.ui.page import Page
from tests.common.text.scripted_server import Reply, ScriptedServer, chat_chunk, scripted_server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from chat_page import ChatPage
from essay_handlers import EssayTab, Written, read_form, status_html

VISITOR = gr.Request(session_hash="visitor")
TEMPLATES = (prompts.OUTLINE_PROMPT, prompts.SECTION_PROMPT, prompts.SECTION_OPENING)
HOSTILE = "<img src=x onerror=alert(1)> & {heading} **b** ![i](http://x.y/z.png)"
DOCUMENT = "# Bread\n\n## Old\n\nMy own words.\n\n## New\n\nSomething that I changed."


def _form(topic: str = "How bread is made", words: Any = 100, seed: Any = 1, **changed: Any) -> tuple[Any, ...]:
    values = {
        "topic": topic,
        "audience": "beginners",
        "tone": "friendly",
        "words": words,
        "language": "en",
        "temperature": 0.5,
        "top_p": 0.9,
        "penalty": 1.05,
        "seed": seed,
        **dict(zip(("outline_prompt", "section_prompt", "opening"), TEMPLATES, strict=True)),
        **changed,
    }
    return tuple(values.values())


def _tab(models: TextModels) -> EssayTab:
    with gr.Blocks() as demo:
        page = Page(demo, None, None, None, None)  # type: ignore[arg-type]
    return EssayTab(ChatPage(page.demo, page.words, page.lang, page.arrival, page.redraws, models))


def _all(updates: AsyncIterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in updates]

    return asyncio.run(collect())


@pytest.fixture(scope="module")
def models(engine: ProcessEngine) -> TextModels:
    """The app's model service, on the engine that all tests share."""
    service = TextModels()
    service._engine, service._choice = engine, Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino")
    return service


# -- the real model -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_from_a_topic_to_an_essay(models: TextModels, engine: ProcessEngine) -> None:
    tab, form = _tab(models), _form()
    outline = _all(tab.outline("en", VISITOR, *form))[-1][0]
    assert len(outline.splitlines()) == 2
    outline = f"{outline}\nWhat I think"  # the visitor adds a heading
    updates = _all(tab.write("en", VISITOR, outline, *_form(words=150)))
    document, choices, written, status = updates[-1]
    manuscript = from_markdown(document)
    assert manuscript.title == "How bread is made"
    assert [section.heading for section in manuscript.sections] == outline.splitlines()
    assert manuscript.words == pytest.approx(150, rel=0.2) and written.words == manuscript.words
    assert written.state == "done" and f"{manuscript.words} of 150 words" in status
    assert choices == gr.skip()  # they came with the first words
    offered = [update[1]["choices"] for update in updates if update[1] != gr.skip()]
    assert [[value for _, value in choices] for choices in offered] == [[1, 2, 3]]
    assert updates[0][0] == gr.skip()  # an earlier document stays until there is something new
    growing = [from_markdown(update[0]).words for update in updates if isinstance(update[0], str)]
    assert len(set(growing)) > 5 and "still to go" in "".join(update[3] for update in updates)
    assert engine.active == 0


@pytest.mark.slow
def test_a_section_is_written_again_and_edits_elsewhere_stay(models: TextModels) -> None:
    updates = _all(_tab(models).again("en", VISITOR, DOCUMENT, 1, *_form()))
    after, written = from_markdown(updates[-1][0]), updates[-1][2]
    assert after.sections[0].body not in ("", "My own words.")
    assert after.sections[1] == Section("New", "Something that I changed.") and after.title == "Bread"
    assert after.words == pytest.approx(100, rel=0.2)
    assert written.seed != 1


@pytest.mark.slow
def test_stop_keeps_what_has_come(models: TextModels, engine: ProcessEngine) -> None:
    tab = _tab(models)

    async def run() -> list[tuple[Any, ...]]:
        updates = []
        async for update in tab.write("de", VISITOR, "One\nTwo\nThree", *_form(words=1000)):
            updates.append(update)
            if update[2].words > 20:
                await tab.stop("de", VISITOR)
        return updates

    document, _, written, status = asyncio.run(run())[-1]
    assert 20 < from_markdown(document).words < 300
    assert written.state == "stopped" and text("de", "essay.stopped") in status
    assert len(from_markdown(document).sections) == 3
    assert engine.active == 0


@pytest.mark.slow
def test_a_hostile_topic_stays_text(models: TextModels) -> None:
    tab = _tab(models)
    document, _, _, status = _all(tab.write("en", VISITOR, "<b>One</b>", *_form(HOSTILE)))[-1]
    assert document.startswith(f"# {HOSTILE}\n\n## <b>One</b>\n\n")
    assert "<img" not in status and "<b>One" not in status
    file = Document(io.BytesIO(base64.b64decode(tab.docx("en", document))))
    assert file.paragraphs[0].text == HOSTILE and file.paragraphs[1].text == "<b>One</b>"


# -- files ----------------------------------------------------------------------------------------------------------


def test_the_files_hold_the_document_as_it_stands() -> None:
    tab = _tab(TextModels(Settings(_env_file=None)))
    document = to_markdown(
        Manuscript("Ärger & Brot", "", (Section("Été", "Erster Satz.\n\nZweiter."), Section("Ende")))
    )
    assert base64.b64decode(tab.markdown("en", document)).decode() == document
    file = Document(io.BytesIO(base64.b64decode(tab.docx("en", document))))
    assert [p.text for p in file.paragraphs] == ["Ärger & Brot", "Été", "Erster Satz.", "Zweiter.", "Ende"]


@pytest.mark.parametrize("kind", ["markdown", "docx"])
def test_an_empty_document_gives_no_file(kind: str) -> None:
    tab = _tab(TextModels(Settings(_env_file=None)))
    with pytest.raises(errors.EmptyPrompt):
        getattr(tab, kind)("en", " \n")
    with pytest.raises(errors.InvalidInput):
        getattr(tab, kind)("en", "x" * 20_001)


# -- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"topic": "  "}, "type something first"),
        ({"topic": "x" * 201}, "at most 200 characters"),
        ({"topic": None}, "at most 200 characters"),
        ({"words": 1001}, "from 100 to 1000"),
        ({"tone": "angry"}, "friendly, neutral"),
        ({"language": "xx"}, "en, de, fr, it"),
        ({"temperature": 9}, "from 0 to 2"),
        ({"outline_prompt": "Give {count} headings"}, r"\{topic\} in it"),
        ({"outline_prompt": "{topic}"}, r"\{count\} in it"),
        ({"section_prompt": "{topic} {__class__}"}, "no other names in braces"),
        ({"opening": "{colour}"}, "no other names in braces"),
    ],
)
def test_what_cannot_be_asked(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.DemystifyError, match=said):
        read_form(*_form(**changed))


def test_what_the_inputs_say() -> None:
    assignment = read_form(*_form(" How\nbread  is made ", seed="", language="fr", audience=" my  cats "))
    assert (assignment.topic, assignment.language, assignment.audience) == ("How bread is made", "French", "my cats")
    assert assignment.sampling.seed is not None and assignment.sampling.max_new_tokens <= 400


@pytest.mark.parametrize(("document", "which"), [("no headings here", 1), (DOCUMENT, 3), (DOCUMENT, None)])
def test_a_section_that_is_not_there(document: str, which: Any) -> None:
    with pytest.raises((errors.InvalidInput, errors.EmptyPrompt)):
        _all(_tab(TextModels(Settings(_env_file=None))).again("en", VISITOR, document, which, *_form()))


def test_the_sections_to_choose_follow_the_document() -> None:
    tab = _tab(TextModels(Settings(_env_file=None)))
    assert tab.sections("en", DOCUMENT, 2) == gr.update(choices=[("1. Old", 1), ("2. New", 2)], value=2)
    assert tab.sections("en", "## Only", 2) == gr.update(choices=[("1. Only", 1)], value=1)
    assert tab.sections("en", "", 2) == gr.update(choices=[], value=None)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def test_a_server_that_fails_in_the_middle_takes_nothing_away(server: ScriptedServer) -> None:
    words = " ".join(f"Loaf number {n} was baked with care today." for n in range(9))

    def answer(reply: Reply) -> None:
        if sum("messages" in one.body for one in server.asked) > 1:
            reply.send(500, {"error": {"message": "broken"}})
            return
        reply.begin()
        reply.event(chat_chunk(words))
        reply.event(chat_chunk(reason="stop"))
        reply.raw("data: [DONE]\n\n")
        reply.end()

    server.answer = answer
    tab, seen = _tab(TextModels(Settings(_env_file=None, remote_url=server.url))), []

    async def write() -> None:
        async for update in tab.write("en", VISITOR, "First\nSecond", *_form()):
            seen.append(update)

    with pytest.raises(errors.RemoteServerError):
        asyncio.run(write())
    document, _, written, status = seen[-1]
    assert "Loaf number 0 was baked" in document and "## Second" in document
    assert written.state == "failed" and text("en", "essay.failed") in status

    unchanged: list[tuple[Any, ...]] = []

    async def again() -> None:
        async for update in tab.again("en", VISITOR, DOCUMENT, 1, *_form()):
            unchanged.append(update)

    with pytest.raises(errors.RemoteServerError):
        asyncio.run(again())
    assert {str(update[0]) for update in unchanged} == {str(gr.skip())}  # nothing came: the old section stays
    assert unchanged[-1][2:] == (None, "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_status_in_every_language(lang: str) -> None:
    tab = _tab(TextModels(Settings(_env_file=None)))
    written = Written(1000, 1234, 2, 3, 7, tokens=500, seconds=10, repeated=4, scraps=5, state="done")
    html = unescape(str(tab.relabel(lang, written)))
    assert html == unescape(status_html(lang, written))
    for said in (number(lang, 1234), number(lang, 50, 1), "2 / 3", text(lang, "essay.off")):
        assert said in html
    assert "{" not in html
    assert tab.relabel(lang, None) == gr.skip()
