"""The Translate tab's handlers and API on the embedded models: what visitors do, and what they do wrong."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from translate_files import FileHandlers
from translate_handlers import TranslateHandlers
from translate_look import Shown, alternatives_html, guess_html, status_html
from translate_page import status_html as page_status
from translate_tab import file_hint

from common import errors, hardware
from common.config import LANGUAGES, settings
from common.translation.detect import Guess
from common.translation.models import TranslationModels
from common.translation.passage import Alternative, Progress
from common.ui.errors import guarded
from common.ui.i18n import number, text

ROOT = Path(__file__).resolve().parents[2]
VISITOR: Any = SimpleNamespace(session_hash="visitor")
DSA = "Milujem seminár DSA"


@pytest.fixture(scope="module")
def models() -> Iterator[TranslationModels]:
    service = TranslationModels()
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(models: TranslationModels) -> Iterator[Client]:
    spec = importlib.util.spec_from_file_location("translate_space_under_test", ROOT / "spaces/translate/app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    demo = module.build(models)
    demo.queue(default_concurrency_limit=None)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, server_port=None)
    yield Client(url, verbose=False)
    demo.close()


def _run(models: TranslationModels, text: Any, source: str = "auto", target: str = "en", beams: Any = 4) -> list[Any]:
    """All updates of one translation: (translation, language found, alternatives, status, state)."""

    async def collect() -> list[Any]:
        tab = TranslateHandlers(models)
        stream = guarded(tab.translate)("en", text, source, target, "auto", beams, VISITOR)
        return [update async for update in stream]

    return asyncio.run(asyncio.wait_for(collect(), 240))


@pytest.mark.slow
def test_the_talks_sentence_is_found_and_translated(models: TranslationModels) -> None:
    said, found, others, status, shown = _run(models, DSA)[-1]
    assert said.rstrip(".") == "I love the DSA seminar"
    assert "Slovak" in found and "sure" in found
    assert shown.state == "done" and (shown.source, shown.target) == ("sk", "en")
    assert others.count("<li>") == 4 and "taken" in status


@pytest.mark.slow
def test_paragraphs_indentation_and_emoji_stay(models: TranslationModels) -> None:
    said = _run(models, "Dobré ráno! 😀\n\n\t- Kde bývaš?\n  42\r\n", "sk")[-1][0]
    assert re.fullmatch(r"\S.*\n\n\t\S.*\n  42\r\n", said)
    assert "😀" in said.split("\n")[0] or said.split("\n")[0].strip()


@pytest.mark.slow
def test_nothing_typed_is_nothing_shown(models: TranslationModels) -> None:
    assert _run(models, "  \n")[-1][:4] == ("", "", "", "")
    assert _run(models, None)[-1][:4] == ("", "", "", "")


@pytest.mark.slow
def test_100_000_characters_come_through_with_progress(models: TranslationModels) -> None:
    paragraph = "Das Wetter ist heute schön. Ich habe keine Zeit.\n"
    text = paragraph * (100_000 // len(paragraph))
    updates = _run(models, text, "de", beams=1)
    assert len(updates) > 3
    assert any("still to go" in update[3] for update in updates)
    assert updates[-1][4].progress.complete
    lines = updates[-1][0].splitlines()
    assert len(lines) == len(text.splitlines()) and len(set(lines)) == 1
    with pytest.raises(gr.Error, match="100,000 characters"):
        _run(models, text + "a" * 1000, "de")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["😀🎉 👩‍👩‍👧", "12 + 30 = 42 …", "\u202e\u200f\ufeff"])
def test_what_has_no_words_passes_through(models: TranslationModels, text: str) -> None:
    said, found, _, status, _ = _run(models, text)[-1]
    assert said == text
    assert "no letters" in found and "no words" in status


@pytest.mark.slow
def test_languages_mixed_in_one_text_are_translated_line_by_line(models: TranslationModels) -> None:
    text = "Dobré ráno!\nWo ist der Bahnhof?\nJe voudrais un café.\nمرحبا كيف حالك"
    said, _, _, status, shown = _run(models, text, "sk")[-1]
    lines = said.split("\n")
    assert len(lines) == 4 and all(lines)
    assert lines[3] == "مرحبا كيف حالك"  # letters that the model does not know stay
    assert shown.progress.kept == 1 and "cannot read their letters: 1" in status


@pytest.mark.slow
def test_a_language_from_right_to_left_is_said_to_be_unknown(models: TranslationModels) -> None:
    said, found, _, status, shown = _run(models, "שלום עולם, מה שלומך היום?")[-1]
    assert said == ""
    assert "no model here knows" in found and "choose the language" in status
    assert isinstance(shown.problem, errors.UnknownLanguage)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("sk", "cs"), ("en", "en"), ("en", "ja")])
def test_a_pair_that_no_model_can_is_said(models: TranslationModels, source: str, target: str) -> None:
    said, _, _, status, shown = _run(models, "Hello", source, target)[-1]
    assert said == ""
    assert isinstance(shown.problem, errors.UnsupportedPair)
    assert "No model here translates from" in status and "English" in status


@pytest.mark.slow
def test_control_characters_stay_where_they_are(models: TranslationModels) -> None:
    said = _run(models, "Dobré ráno!\x00\x07Kde bývaš?\x1b[31m\u2028Kto si?", "sk")[-1][0]
    assert [sign for sign in said if sign < " " or sign == "\u2028"] == ["\x00", "\x07", "\x1b", "\u2028"]


@pytest.mark.slow
def test_half_a_character_gets_a_sentence(models: TranslationModels) -> None:
    with pytest.raises(gr.Error, match="broken characters"):
        _run(models, "Ahoj \ud83d")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "target", "beams"), [("xx", "en", 4), ("sk", "<b>", 4), ("sk", "en", 99), ("sk", "en", "a")]
)
def test_nonsense_in_the_controls_gets_a_sentence(
    models: TranslationModels, source: str, target: str, beams: Any
) -> None:
    with pytest.raises(gr.Error, match="cannot be used here"):
        _run(models, DSA, source, target, beams)


@pytest.mark.slow
def test_a_new_text_ends_the_one_before(models: TranslationModels) -> None:
    tab = TranslateHandlers(models)

    async def visit() -> tuple[list[Any], list[Any]]:
        async def one(text: str) -> list[Any]:
            stream = tab.translate("en", text, "sk", "en", "auto", 4, VISITOR)
            return [update async for update in stream]

        first = asyncio.create_task(one("Kde je stanica? " * 3_000))
        await asyncio.sleep(1.0)
        second = await one(DSA)
        return await first, second

    first, second = asyncio.run(asyncio.wait_for(visit(), 60))
    assert second[-1][0].rstrip(".") == "I love the DSA seminar"
    assert not any(update[4].state == "done" for update in first)


@pytest.mark.slow
def test_stopping_keeps_what_has_come(models: TranslationModels) -> None:
    tab = TranslateHandlers(models)

    async def visit() -> Any:
        last: Any = None
        stream = tab.translate("en", "Kde je stanica?\n" * 5_000, "sk", "en", "auto", 4, VISITOR)
        async for update in stream:
            last = update
            if update[4].progress.done:
                await tab.stop("en", VISITOR)
        return last

    said, _, _, status, shown = asyncio.run(asyncio.wait_for(visit(), 60))
    assert shown.state == "stopped" and said and "Stopped" in status
    assert shown.progress.done < 5_000


@pytest.mark.slow
def test_translating_back_says_how_much_came_back(models: TranslationModels) -> None:
    tab = TranslateHandlers(models)
    said, *_, shown = _run(models, DSA)[-1]

    async def back() -> Any:
        return [update async for update in tab.back("en", DSA, said, shown, 4, VISITOR)][-1]

    again, html = asyncio.run(back())
    assert again and re.search(r"[\d.]+ of 100 came back", html)


def test_a_reference_gives_chrf_and_bleu_with_signatures() -> None:
    said = "I love the DSA seminar."
    html = _compare(said, said)
    assert "chrF 100.0 of 100" in html and "BLEU 100.0 of 100" in html and "version:" in html
    assert "chrF 100" not in _compare("Something else", said)
    assert _compare("Something", None) == _compare("", "a") == ""


def _compare(translation: str, reference: str | None) -> str:
    return asyncio.run(TranslateHandlers(TranslationModels()).compare("en", translation, reference))


def test_long_texts_are_compared_while_others_are_served() -> None:
    long = "word " * 6_000

    async def both() -> int:
        comparing, served = asyncio.create_task(TranslateHandlers(TranslationModels()).compare("en", long, long)), 0
        while not comparing.done():
            await asyncio.sleep(0.005)
            served += 1
        return served

    assert asyncio.run(both()) > 3


def test_the_status_says_whose_processor_translates(monkeypatch: pytest.MonkeyPatch) -> None:
    for gpu, key in ((False, "common.place_cpu"), (True, "common.place_gpu")):
        monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda gpu=gpu: gpu)
        said, ready = asyncio.run(page_status("en", TranslationModels()))
        assert ready and text("en", key) in unescape(said)


def test_swap_takes_the_language_that_was_found() -> None:
    tab = TranslateHandlers(TranslationModels())
    assert tab.swap("en", DSA, "I love it", "auto", "en", Shown(source="sk")) == ("I love it", "en", "sk")
    assert tab.swap("en", DSA, "", "de", "en", None) == (DSA, "en", "de")
    assert tab.swap("en", "", "", "auto", "en", None)[1:] == ("en", "sk")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_from_a_text_becomes_html(lang: str) -> None:
    bad = "<img src=x onerror=alert(1)>"
    progress = Progress(bad, 1, 1, 0.1, 0.0, ((bad, (Alternative(bad, -0.1), Alternative(bad, -2.0))),))
    html = alternatives_html(lang, progress) + status_html(lang, Shown(model=bad, progress=progress))
    assert "<img" not in html and "&lt;img" in html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_guess_is_sure_perhaps_or_none(lang: str) -> None:
    lines = {guess_html(lang, Guess(*guess)) for guess in (("sk", 0.9), ("sk", 0.4), ("other", 0.9), ("", 0.0))}
    assert len(lines) == 4


def _file(models: TranslationModels, path: Path, source: str = "auto", target: str = "en") -> tuple[str, bytes]:
    async def collect() -> Any:
        stream = guarded(FileHandlers(models).translate)("en", str(path), source, target, "auto", 1, VISITOR)
        return [update async for update in stream][-1]

    status, made, _ = asyncio.run(asyncio.wait_for(collect(), 120))
    assert "taken" in status
    file = json.loads(made)
    return file["name"], base64.b64decode(file["content"])


@pytest.mark.slow
def test_a_file_comes_back_in_its_own_format(models: TranslationModels, tmp_path: Path) -> None:
    path = tmp_path / "my film.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\n<i>Milujem</i> seminár DSA\n", encoding="utf-8")
    name, content = _file(models, path, "sk")
    assert name == "demystify-en.srt"  # nothing of the visitor's name
    lines = content.decode().split("\n")
    assert lines[:2] == ["1", "00:00:01,000 --> 00:00:02,000"]
    assert re.fullmatch(r"<i>.*</i>.*", lines[2]) and re.sub("</?i>", "", lines[2]) == "I love the DSA seminar"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("broken.docx", b"PK\x03\x04 not really", "damaged"),
        ("broken.srt", b"no times at all", "no subtitle"),
        ("numbers.txt", b"1 2 3", "choose the language|no words"),
        ("film.avi", b"RIFF", "only TXT"),
    ],
)
def test_a_broken_file_gets_a_sentence(
    models: TranslationModels, tmp_path: Path, name: str, data: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(gr.Error, match=sentence):
        _file(models, tmp_path / name)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_hint_about_files_names_the_limits_set(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "20 M" in file_hint(lang) and number(lang, 100_000) in file_hint(lang)
    monkeypatch.setattr(settings(), "max_upload_mb", 7)
    monkeypatch.setattr(settings(), "max_translation_chars", 1_234)
    assert "7 M" in file_hint(lang) and number(lang, 1_234) in file_hint(lang)


@pytest.mark.slow
def test_the_api_translates_and_refuses(client: Client) -> None:
    made = client.predict(DSA, "auto", "en", 4, 3, api_name="/translate")
    assert made["translation"].rstrip(".") == "I love the DSA seminar"
    assert made["source"] == "sk" and 0 < made["confidence"] <= 1
    (sentence,) = made["sentences"]
    scores = [other["score"] for other in sentence["alternatives"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True) and max(scores) < 0
    for arguments, problem in (
        (("", "sk", "en"), "type something first"),
        ((DSA, "sk", "cs"), "from Slovak to Czech"),
        ((DSA, "klingon", "en"), "Language of the text"),
        ((DSA, "sk", "en", 4, 99), "Alternatives"),
        ((DSA, "sk", "en", 4, 1, "gpt"), "No model here"),
        (("me gusta mucho el café", "auto", "en"), "not clear which language"),
    ):
        with pytest.raises(AppError, match=problem):
            client.predict(*arguments, api_name="/translate")
