"""The tab A translator or a chat model?: prompt, findings and pictures quickly; both real models once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

import gradio as gr
import pytest
from versus_drawing import finding, versus_html
from versus_examples import EXAMPLES, SHOTS
from versus_handlers import ASKED, VersusHandlers
from versus_prompt import PROMPT, messages, request
from versus_run import Side, Versus, run

from common import errors
from common.config import LANGUAGES
from common.text.engine import Message
from common.text.engines.process import ProcessEngine
from common.text.models import TextModels
from common.translation.detect import OTHER, Guess
from common.translation.models import EMBEDDED, TranslationModels
from common.ui.i18n import text


@dataclass
class _Visit:
    session_hash: str = "visitor"


def _made(**changed: Any) -> Versus:
    turns = messages(PROMPT, "Wo ist <i>er</i>?", "de", "en", 1)
    left = Side("one", "done", "Where is <i>he</i>?", 6, 0.1, guess=Guess("en", 0.9), chrf=80.0)
    right = Side("two", "done", "He is here", 4, 2.0, guess=Guess("en", 0.9), chrf=20.0)
    return replace(Versus("Wo ist <i>er</i>?", "de", "en", "Where is he?", turns, False, left, right), **changed)


def test_examples_are_complete_and_never_asked() -> None:
    for sentence in (*EXAMPLES, *SHOTS):
        assert set(sentence) == set(EMBEDDED)
    asked = {said for example in EXAMPLES for said in example.values()}
    assert not asked & {said for shot in SHOTS for said in shot.values()}


def test_the_prompt_with_examples() -> None:
    turns = messages("{source} > {target}: {text}", "Ein {target}", "de", "en", 2)
    assert [turn.role for turn in turns] == ["user", "assistant"] * 2 + ["user"]
    assert turns[0].content == f"German > English: {SHOTS[0]['de']}" and turns[1].content == SHOTS[0]["en"]
    assert turns[-1] == Message("user", "German > English: Ein {target}")  # what was typed is no blank
    assert len(messages(PROMPT, "a", "es", "en", 4)) == 1
    assert request(turns, "x" * 5000).sampling.max_new_tokens <= 400
    for bad in ("Translate!", "{text} {other}"):
        with pytest.raises(errors.InvalidInput):
            messages(bad, "a", "de", "en", 0)


def test_what_is_said_about_a_result() -> None:
    shown = _made()
    told = {
        "found_right": Side("", "done", "Where?", guess=Guess("en", 0.9)),
        "found_unsure": Side("", "done", "Wo", guess=Guess("de", 0.4)),
        "found_source": Side("", "done", "Wo ist das?", guess=Guess("de", 0.9)),
        "found_wrong": Side("", "done", "Où est-il ?", guess=Guess("fr", 0.9)),
        "found_other": Side("", "done", "Где он?", guess=Guess(OTHER, 0.9)),
        "found_nothing": Side("", "done", " "),
        "found_sentence": Side("", "done", " wo ist <i>er</i>?", guess=Guess("de", 0.4)),
        "found_example": Side("", "done", SHOTS[0]["en"].upper(), guess=Guess("en", 0.9)),
    }
    names = {"target": "English", "language": "German"}
    for key, side in told.items():
        names["language"] = "French" if key == "found_wrong" else "German"
        assert finding("en", shown, side) == text("en", f"versus.{key}", **names)


def test_both_side_by_side() -> None:
    html = versus_html("en", _made())
    assert "<i>" not in html and "&lt;i&gt;he" in html
    said = unescape(html)
    assert text("en", "versus.closer_reference_translator") in said
    assert text("en", "versus.slower_chat", times="20") in said
    assert "60.0" in said and "2.0" in said  # tokens per second
    assert text("en", "versus.no_shots") not in said
    close = replace(_made().chat, chrf=78.0, seconds=0.12)
    assert text("en", "versus.closer_reference_same") in versus_html("en", _made(chat=close))
    back = _made(reference="", few=True, translator=replace(_made().translator, back="Wo?", chrf=10.0))
    said = unescape(versus_html("en", back))
    assert text("en", "versus.closer_back_chat") in said and "Wo?" in said and text("en", "versus.no_shots") in said
    stopped = _made(chat=Side("two", "stopped", "He"))
    assert text("en", "translate.stopped") in unescape(versus_html("en", stopped))
    assert 'class="verdict"' not in versus_html("en", stopped)
    broken = _made(chat=Side("two", "failed", problem=errors.EngineStopped()))
    assert errors.EngineStopped.sentence in unescape(versus_html("en", broken))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_picture_in_every_language(lang: str) -> None:
    handlers = VersusHandlers(TranslationModels(), TextModels())
    html = unescape(handlers.relabel(lang, _made()))
    for key in ("translator", "chat", "time", "tokens", "speed", "reads", "role_user", "role_assistant"):
        assert text(lang, f"versus.{key}") in html
    assert "{" not in html
    assert handlers.relabel(lang, None) == gr.skip()


def test_examples_follow_the_languages() -> None:
    handlers = VersusHandlers(TranslationModels(), TextModels())
    assert handlers.choose("en", 1, "de", "fr") == (EXAMPLES[1]["de"], EXAMPLES[1]["fr"])
    assert handlers.turn("en", EXAMPLES[1]["sk"], EXAMPLES[1]["en"], "it", "en") == (
        EXAMPLES[1]["it"],
        EXAMPLES[1]["en"],
    )
    assert handlers.turn("en", "My own", "My reference", "it", "en") == (gr.skip(), gr.skip())
    assert handlers.turn("en", "My own", EXAMPLES[0]["en"], "it", "de") == (gr.skip(), "")
    assert handlers.typed("en", "My own", EXAMPLES[0]["en"], "en") == ""
    assert handlers.typed("en", "My own", "My reference", "en") == gr.skip()
    assert handlers.typed("en", EXAMPLES[0]["sk"], "", "en") == EXAMPLES[0]["en"]
    for number, source in ((1, "es"), (99, "de")):
        with pytest.raises(errors.InvalidInput):
            handlers.choose("en", number, source, "en")


def _run(handlers: VersusHandlers, **changed: Any) -> list[tuple[Any, ...]]:
    values = {"sentence": "Das ist ein Buch.", "source": "de", "target": "en", "wanted": "This is a book."}
    values |= {"prompt": ASKED.default, "shots": 1, **changed}

    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in handlers.run("en", *values.values(), _Visit())]  # type: ignore[arg-type]

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sentence": " "}, errors.EmptyPrompt),
        ({"sentence": "x" * 1001}, errors.InvalidInput),
        ({"sentence": "\ud800"}, errors.InvalidInput),
        ({"wanted": "\ud800"}, errors.InvalidInput),
        ({"prompt": ASKED.default + "\ud800"}, errors.InvalidInput),
        ({"wanted": "x" * 1001}, errors.InvalidInput),
        ({"prompt": "Translate!"}, errors.InvalidInput),
        ({"shots": 5}, errors.InvalidInput),
        ({"source": "xx"}, errors.InvalidInput),
        ({"target": "de"}, errors.UnsupportedPair),
    ],
)
def test_what_cannot_be_asked(changed: dict[str, Any], problem: type[errors.DemystifyError]) -> None:
    with pytest.raises(problem):
        _run(VersusHandlers(TranslationModels(), TextModels()), **changed)


class _Broken:
    """A chat model that cannot be loaded."""

    def engine(self) -> Any:
        raise errors.ModelUnavailable(model="x", reason=errors.Phrase("files_unreadable"))


@pytest.mark.slow
def test_both_real_models(engine: ProcessEngine) -> None:
    models, chat = TranslationModels(), TextModels()
    chat._engine = engine
    updates = _run(VersusHandlers(models, chat))
    assert updates[0][0].translator.state == "loading"
    shown = updates[-1][0]
    for side in shown.sides:
        assert side.state == "done" and side.text and side.tokens > 0 and side.seconds > 0
        assert side.guess is not None and side.chrf is not None and 0 <= side.chrf <= 100
    assert shown.chat.model == "SmolLM2 135M Instruct" and len(shown.turns) == 3
    assert len({update[0].chat.text for update in updates}) > 1  # it grew

    # Without a reference: translated back. A chat model that is not there takes nothing from the other side.
    broken = _run(VersusHandlers(models, _Broken()), wanted="")[-1][0]  # type: ignore[arg-type]
    assert isinstance(broken.chat.problem, errors.ModelUnavailable) and broken.chat.state == "failed"
    assert broken.translator.back and broken.translator.chrf is not None
    models.close()


@pytest.mark.slow
def test_stopped_in_the_middle(engine: ProcessEngine) -> None:
    models, chat = TranslationModels(), TextModels()
    chat._engine = engine
    handlers = VersusHandlers(models, chat)
    turns = messages("Count to a hundred. {text}", "Das ist ein Buch.", "de", "en", 0)

    async def leave() -> None:
        wanted = Versus("Das ist ein Buch.", "de", "en", "", turns)
        stream = run(models, chat, wanted)
        async for shown in stream:
            if shown.chat.text:
                break
        await stream.aclose()
        for _ in range(100):
            if not engine.active:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it is still being written")

    async def stop() -> Versus:
        shown = None
        updates = handlers.run("en", "Das ist ein Buch. " * 20, "de", "en", "", "Count to 100. {text}", 0, _Visit())  # type: ignore[arg-type]
        async for shown, _ in updates:
            if shown.chat.state == "running":
                await handlers.stop("en", _Visit())  # type: ignore[arg-type]
        assert shown is not None
        return shown

    asyncio.run(leave())
    assert asyncio.run(stop()).chat.state == "stopped"
    models.close()
