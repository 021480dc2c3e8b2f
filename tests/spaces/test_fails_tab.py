"""The Where it fails tab's handlers on the embedded models: each kind with and without its fix; what is refused."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import gradio as gr
import pytest
from fails_drawing import failure_html
from fails_look import EXAMPLES, KINDS, Case, Failure
from fails_tab import FailsHandlers, about_html

from common import errors
from common.config import LANGUAGES
from common.translation import failures
from common.translation.models import TranslationModels
from common.translation.sentences import LONGEST
from common.ui.components import percent
from common.ui.i18n import text

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def models() -> TranslationModels:
    return TranslationModels()


def _run(models: TranslationModels, kind: str, **changed: Any) -> list[tuple[Any, ...]]:
    example = EXAMPLES.get(kind, EXAMPLES["word"])
    values = {
        "sentence": example.sentence,
        "source": example.source,
        "target": example.target,
        "context": example.context,
        "fix": "on",
        **changed,
    }

    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in FailsHandlers(models).run("en", kind, *values.values())]

    return asyncio.run(collect())


@slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_before_and_after(models: TranslationModels, kind: str) -> None:
    first, (failure, html, note) = _run(models, kind)
    assert text("en", "fails.working") in first[2] and note == ""
    assert failure.before.text and failure.after is not None and failure.after.text
    assert html.count('<section class="panel') == 2
    for case in (failure.before, failure.after):
        assert case.text in unescape(html)
        assert all(part in unescape(html) for part in case.sent)
    assert html.count("✗") == failure.before.failed + failure.after.failed
    without = _run(models, kind, fix="off")[-1][0]
    assert without.before == failure.before and without.after is None


@slow
def test_what_each_fix_promises_it_keeps(models: TranslationModels) -> None:
    sentence = EXAMPLES["long"].sentence
    long = _run(models, "long")[-1][0].after
    assert len(long.sent) == 6 and " ".join(long.sent) == sentence
    clause = _run(models, "clause")[-1][0].after
    assert len(clause.sent) > 2 and " ".join(clause.sent) == EXAMPLES["clause"].sentence
    beams = _run(models, "beams")[-1][0]
    assert beams.after.sent == beams.before.sent and 0 < beams.after.finding[1]["share"] <= 1
    assert text("de", "fails.fix_beams", n=4) in about_html("de", "beams")
    wrong = _run(models, "language")[-1][0]
    assert wrong.before.failed and not wrong.after.failed
    assert (wrong.after.source, wrong.after.target) == ("de", "en")  # typed in the target's language: swapped
    names = _run(models, "names")[-1][0].after
    assert names.sent == ("Hier, Tom a vu Mary.",)
    found = failures.names(EXAMPLES["names"].sentence, "fr")
    assert names.failed == bool(failures.missing(found, names.text))
    short = _run(models, "short")[-1][0]
    assert len(short.after.text) >= len(short.before.text)


@slow
@pytest.mark.parametrize("kind", ["clause", "long"])
def test_long_may_be_really_long(models: TranslationModels, kind: str) -> None:
    """As one piece, which the Translate tab would have cut; the fix then gives the model short ones."""
    sentence = " ".join([EXAMPLES["clause"].sentence, EXAMPLES["long"].sentence] * 2)
    assert len(sentence) > 1.5 * LONGEST
    failure = _run(models, kind, sentence=sentence)[-1][0]
    assert failure.before.sent == (sentence,) and failure.before.text
    assert len(failure.after.sent) > 6 and max(map(len, failure.after.sent)) < LONGEST


@slow
@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("names", {"sentence": "Je voudrais un café."}),
        ("clause", {"sentence": "Ich habe Brot, Milch, Butter, Käse und Wein um 3:00 gekauft.", "source": "de"}),
        ("long", {"sentence": "Ich habe keine Zeit."}),
        ("language", {"sentence": "Je voudrais un café, s'il vous plaît.", "source": "fr", "target": "en"}),
    ],
)
def test_where_there_is_nothing_to_fix_it_is_said(
    models: TranslationModels, kind: str, changed: dict[str, Any]
) -> None:
    failure, html, _ = _run(models, kind, **changed)[-1]
    assert failure.after is None and text("en", "fails.no_fix") in html


@slow
@pytest.mark.parametrize(
    ("kind", "changed", "problem"),
    [
        ("word", {"sentence": " "}, errors.EmptyPrompt),
        ("word", {"context": " "}, errors.EmptyPrompt),
        ("word", {"sentence": "🎉"}, errors.NothingToTranslate),
        ("word", {"sentence": "你好吗"}, errors.NothingToTranslate),
        ("word", {"sentence": "x" * 1001}, errors.InvalidInput),
        ("clause", {"sentence": "a b " * 250, "source": "en", "target": "de"}, errors.PieceTooLong),
        ("names", {"sentence": "half \ud800"}, errors.InvalidInput),
        ("word", {"context": "half \udfff"}, errors.InvalidInput),
        ("word", {"target": "en"}, errors.UnsupportedPair),
        ("word", {"fix": "perhaps"}, errors.InvalidInput),
        ("nonsense", {}, errors.InvalidInput),
    ],
)
def test_what_is_refused(
    models: TranslationModels, kind: str, changed: dict[str, Any], problem: type[errors.DemystifyError]
) -> None:
    with pytest.raises(problem):
        _run(models, kind, **changed)


def _case(said: str, failed: bool) -> Case:
    return Case(("<b>in</b>",), "de", "en", said, failed, ("repetition", {"phrase": "<i>", "times": 2}))


@pytest.mark.parametrize(
    ("before", "after", "asked", "verdict"),
    [
        (_case("a", True), None, False, "verdict_failed"),
        (_case("a", False), None, False, "verdict_none"),
        (_case("a", True), None, True, "no_fix"),
        (_case("a", True), _case("b", False), True, "verdict_gone"),
        (_case("a", True), _case("b", True), True, "verdict_stays"),
        (_case("a", True), _case("a", True), True, "verdict_same"),
        (_case("a", False), _case("b", True), True, "verdict_worse"),
        (_case("a", False), _case("b", False), True, "verdict_none"),
        (_case("a", False), _case("a", False), True, "verdict_same"),
        (_case("a", False), _case("a", True), True, "verdict_worse"),
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_verdict_is_what_was_counted(
    before: Case, after: Case | None, asked: bool, verdict: str, lang: str
) -> None:
    html = failure_html(lang, Failure("repetition", before, after, asked))
    assert text(lang, f"fails.{verdict}") in unescape(html)
    assert "<b>in" not in html and "<i>" not in html and "{" not in html
    assert re.findall('<section class="panel (failed|fine)"', html) == [
        "failed" if case.failed else "fine" for case in (before, after) if case is not None
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", ["sure", "language_wrong"])
def test_shares_are_written_as_the_language_writes_them(key: str, lang: str) -> None:
    finding: tuple[str, dict[str, object]] = (key, {"share": 0.345, "language": "fr", "told": "de"})
    html = failure_html(lang, Failure("word", Case(("a",), "de", "en", "b", False, finding)))
    assert percent(0.345, lang) in unescape(html)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_choosing_a_kind_brings_its_sentence_and_says_why(models: TranslationModels, kind: str, lang: str) -> None:
    handlers = FailsHandlers(models)
    sentence, source, target, context, fix, about, shown, picture = handlers.choose(lang, kind)
    assert (sentence, source, target) == (EXAMPLES[kind].sentence, EXAMPLES[kind].source, EXAMPLES[kind].target)
    assert context["visible"] == (kind == "word") and fix == "off" and shown is None and picture == ""
    assert about == about_html(lang, kind) and "{" not in about
    assert handlers.tell(lang, kind) == (about, gr.update(visible=kind == "word"))
    assert handlers.relabel(lang, None) == gr.skip()
