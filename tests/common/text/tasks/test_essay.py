"""Essays without a page: outlines, prompts, sentences kept and cut, and the real model kept to its words."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TypeVar

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from common.config import Settings
from common.text.engine import SamplingSettings
from common.text.engines.process import ProcessEngine
from common.text.models import TextModels
from common.text.tasks import prompts
from common.text.tasks.essay import (
    MAX_HEADINGS,
    Assignment,
    OutlineReady,
    OutlineText,
    Prompts,
    SectionDone,
    SectionText,
    make_outline,
    parse_outline,
    read_headings,
    sections_for,
    write_essay,
    write_section,
)
from common.text.tasks.manuscript import (
    Manuscript,
    Section,
    count_words,
    from_markdown,
    to_docx,
    to_markdown,
)
from common.text.tasks.prose import cut, read, sentences
from tests.common.text.scripted_server import ScriptedServer, chat_chunk, says, scripted_server

T = TypeVar("T")
LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=20)
WORDS = st.lists(st.sampled_from(["tree", "Bread", "Ärger", "l'été", "Mr.", "3.5", "well-known", "end.", "why?"]))


def _assignment(words: int = 120, topic: str = "How bread is made", **more: object) -> Assignment:
    sampling = SamplingSettings(temperature=0.5, top_p=0.9, repetition_penalty=1.05, seed=1, max_new_tokens=512)
    return Assignment(topic, "beginners", "friendly", "English", words, sampling, **more)  # type: ignore[arg-type]


def _all(events: AsyncGenerator[T, None]) -> list[T]:
    async def collect() -> list[T]:
        return [event async for event in events]

    return asyncio.run(collect())


# -- outlines -------------------------------------------------------------------------------------------------------


def test_headings_of_an_answer() -> None:
    answer = "Sure:\n1. **Introduction** (10 words)\n - a detail\n2) Trees, and air:\n3. introduction\n4. 12\n10. End."
    assert parse_outline(answer) == ["Introduction", "Trees, and air", "End"]
    assert parse_outline(answer, 2) == ["Introduction", "Trees, and air"]
    assert parse_outline("I would rather talk about 1. bread") == []


@given(st.lists(st.from_regex(r"[A-Z][a-z]{1,9}( [a-z]{1,9}){0,3}", fullmatch=True), min_size=1, max_size=20))
def test_a_clean_list_is_read_whole(headings: list[str]) -> None:
    different = list({heading.lower(): heading for heading in reversed(headings)}.values())
    answer = "\n".join(f"{n}. {heading}" for n, heading in enumerate(different, 1))
    assert parse_outline(answer) == different[:MAX_HEADINGS]


@given(st.text(max_size=300))
def test_any_answer_gives_headings_that_can_be_written(answer: str) -> None:
    for heading in parse_outline(answer):
        assert heading == " ".join(heading.split()) and 0 < len(heading) <= 80


def test_the_outline_that_a_writer_left() -> None:
    assert read_headings("1. Flour\n\n  Water and  salt\n## Oven\n2020 and after", 300) == [
        "Flour",
        "Water and salt",
        "Oven",
        "2020 and after",
    ]


@pytest.mark.parametrize(
    ("outline", "words", "said"),
    [
        ("  \n ", 300, "1 to 12 headings"),
        ("\n".join(f"Part {n}" for n in range(13)), 1000, "1 to 12 headings"),
        ("x" * 81, 300, "at most 80 characters"),
        ("\n".join(f"Part {n}" for n in range(12)), 100, "room for text in 100 words"),
    ],
)
def test_outlines_that_cannot_be_written(outline: str, words: int, said: str) -> None:
    with pytest.raises(errors.InvalidInput, match=said):
        read_headings(outline, words)


def test_longer_essays_have_more_sections() -> None:
    counts = [sections_for(words) for words in range(100, 1001, 50)]
    assert counts == sorted(counts) and counts[0] == 2 and counts[-1] == 6


# -- prompts --------------------------------------------------------------------------------------------------------


def test_names_in_braces_are_filled_all_at_once() -> None:
    filled = prompts.fill("{topic} / {heading} / {other}", {"topic": "{heading} {0.__class__} %s", "heading": "H"})
    assert filled == "{heading} {0.__class__} %s / H / {other}"


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_was_typed_is_filled_in_as_it_is(topic: str, heading: str) -> None:
    assert prompts.fill("<{topic}|{heading}>", {"topic": topic, "heading": heading}) == f"<{topic}|{heading}>"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("About bread", r"with \{topic\} in it"),
        ("{topic} in {colour}", r"no other names in braces than \{topic\}"),
    ],
)
def test_templates_that_cannot_be_filled(template: str, said: str) -> None:
    with pytest.raises(errors.InvalidInput, match=said):
        prompts.check("outline_prompt", template, prompts.OUTLINE_NAMES, ("topic",))


def test_the_templates_at_first_are_in_order() -> None:
    mine = Prompts()
    prompts.check("outline_prompt", mine.outline, prompts.OUTLINE_NAMES, ("topic", "count"))
    prompts.check("section_prompt", mine.section, prompts.SECTION_NAMES, ("topic",))
    prompts.check("section_opening", mine.opening, prompts.SECTION_NAMES, ())


# -- sentences ------------------------------------------------------------------------------------------------------


def test_sentences() -> None:
    line = "Mr. Smith paid 3.5 francs. “Why?” he asked. It was J. S. Bach… Then nothing"
    assert sentences(line) == ["Mr. Smith paid 3.5 francs.", "“Why?” he asked.", "It was J. S. Bach…", "Then nothing"]


@given(WORDS)
def test_cutting_into_sentences_loses_nothing(words: list[str]) -> None:
    assert " ".join(sentences(" ".join(words))) == " ".join(words)


@given(st.lists(WORDS.map(" ".join), max_size=4).map("\n\n".join), st.integers(1, 40))
def test_a_cut_text_keeps_its_budget_and_its_beginning(text: str, budget: int) -> None:
    text = "\n\n".join(" ".join(block.split()) for block in text.split("\n\n") if block.strip())
    short = cut(text, budget)
    assert count_words(short) <= budget
    assert text.startswith(short.removesuffix(" …")) or "…" in short
    if count_words(text) <= budget:
        assert short == text


def test_a_cut_ends_with_a_sentence() -> None:
    text = "One two three. Four five six.\n\nSeven eight nine. Ten."
    assert cut(text, 8) == "One two three. Four five six."
    assert cut(text, 9) == "One two three. Four five six.\n\nSeven eight nine."
    assert cut("flour, water, salt, yeast", 2) == "flour, water …"


def test_what_is_no_sentence_of_an_essay_is_left_out_and_counted() -> None:
    raw = (
        "and so on.\nHere is the text:\n## Bread\n\n**Bread** is old. It is good! Bread is OLD.\n"
        "1. It is baked.\n2.\n- flour\nUnfinished"
    )
    prose = read(raw, ["It is good."])
    assert prose.text == "Bread is old.\n\nIt is baked."
    assert (prose.repeated, prose.scraps) == (2, 6)
    assert read(raw, growing=True).text.endswith("Unfinished")


@given(st.text(max_size=300))
def test_no_sentence_stays_twice(raw: str) -> None:
    prose = read(f"{raw}\n{raw}")
    kept = [sentence for paragraph in prose.paragraphs for sentence in paragraph]
    assert len(kept) == len(set(kept))
    assert not any(read(sentence, [prose.text]).paragraphs for sentence in kept)


# -- the document ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)  # a file takes longer than hypothesis allows
@given(LINE, st.lists(st.tuples(LINE, st.lists(LINE, max_size=3)), max_size=4))
def test_a_document_survives_as_markdown_and_as_a_file(title: str, parts: list[tuple[str, list[str]]]) -> None:
    manuscript = Manuscript(title, "", tuple(Section(heading, "\n\n".join(body)) for heading, body in parts))
    assert from_markdown(to_markdown(manuscript)) == manuscript
    written = [paragraph.text for paragraph in Document(io.BytesIO(to_docx(manuscript))).paragraphs]
    assert written == [title, *(line for heading, body in parts for line in (heading, *body))]


def test_any_text_is_a_document() -> None:
    assert from_markdown("before\n\n# no title\n\n## A\n## B\ntext\n") == Manuscript(
        "", "before\n\n# no title", (Section("A"), Section("B", "text"))
    )
    assert from_markdown("") == Manuscript()
    assert from_markdown("# T\n\n## A\n\none two\n\nl'eau").words == 4


def test_a_file_holds_text_and_nothing_that_breaks_it() -> None:
    hostile = "<w:p/>&amp; <script>alert(1)</script> \x00\x0b\ud800 ]]>"
    document = Document(io.BytesIO(to_docx(Manuscript(hostile, hostile, (Section(hostile, hostile),)))))
    written = {" ".join(paragraph.text.split()) for paragraph in document.paragraphs}
    assert written == {"<w:p/>&amp; <script>alert(1)</script> ]]>"}
    assert document.core_properties.author == "" and document.core_properties.created.year > 2020
    assert [paragraph.style and paragraph.style.name for paragraph in document.paragraphs] == [
        "Title",
        "Normal",
        "Heading 1",
        "Normal",
    ]


# -- a model that answers as told -----------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def _speaking(server: ScriptedServer, answer: str) -> TextModels:
    server.answer = says(chat_chunk(answer), chat_chunk(reason="stop"))
    return TextModels(Settings(_env_file=None, remote_url=server.url))


def test_a_model_that_gives_no_list_gets_a_sentence(server: ScriptedServer) -> None:
    seen: list[OutlineText | OutlineReady] = []

    async def ask() -> None:
        async for event in make_outline(_speaking(server, "I like bread.").engine(), _assignment()):
            seen.append(event)

    with pytest.raises(errors.NoOutline, match="in 5 tries"):
        asyncio.run(ask())
    assert {event.attempt for event in seen} == {1, 2, 3, 4, 5}
    asked = [one.body for one in server.asked if "messages" in one.body]
    assert [body["seed"] for body in asked] == [1, 2, 3, 4, 5]
    # this server cannot go on with an answer: the beginning of the list is an earlier turn for it
    assert [turn["role"] for turn in asked[-1]["messages"]] == ["user", "assistant", "user"]
    assert [len(body["messages"]) for body in asked] == [1, 1, 1, 3, 3]
    assert asked[-1]["messages"][1:] == [
        {"role": "assistant", "content": "1."},
        {"role": "user", "content": prompts.GO_ON},
    ]


def test_a_model_that_repeats_itself_ends_short_and_counts_it(server: ScriptedServer) -> None:
    engine = _speaking(server, "Bread is old. Bread is old.").engine()
    *_, done = _all(write_section(engine, _assignment(), [Section("Age")], 0, 40))
    assert isinstance(done, SectionDone)
    assert done.body == "Bread is old." and done.repeated > 3 and done.budget == 40


# -- the real model -------------------------------------------------------------------------------------------------


_BREAD = "How bread is made"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("How bread is made", 100),
        ("Why cities need trees", 400),
    ],
)
def test_the_real_models_essays_keep_their_length(engine: ProcessEngine, topic: str, words: int) -> None:
    assignment = _assignment(words, topic)
    *_, outline = _all(make_outline(engine, assignment))
    assert isinstance(outline, OutlineReady) and len(outline.headings) == sections_for(words)
    events = _all(write_essay(engine, assignment, outline.headings))
    done = [event for event in events if isinstance(event, SectionDone)]
    assert [event.index for event in done] == list(range(len(outline.headings)))
    sections = tuple(Section(*part) for part in zip(outline.headings, (e.body for e in done), strict=True))
    assert Manuscript(topic, "", sections).words == pytest.approx(words, rel=0.2)
    kept: Sequence[str] = [s.lower() for event in done for line in event.body.splitlines() for s in sentences(line)]
    assert len(kept) == len(set(kept))
    assert any(isinstance(event, SectionText) for event in events)
    assert engine.active == 0
