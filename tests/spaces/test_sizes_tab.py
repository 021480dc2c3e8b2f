"""The LLM sizes tab: every row of the slide is there, and what differs is marked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import sizes_try
from sizes_tab import choose_family, sizes_html
from sizes_try import MEMBERS, Answer, ask, choose, kind_of, said_again, said_html, titles

from common import catalog
from common.config import LANGUAGES
from common.line import Line
from common.text.families import GAP, Said
from common.training.sizes import sizes
from common.ui.errors import guarded
from common.ui.i18n import text


def test_the_slides_rows_and_what_differs() -> None:
    names = {size.name for size in sizes()}
    assert names >= {"ELMo", "BERT", "GPT-2", "GPT-3", "MT-NLG", "LaMDA", "BLOOM", "FLAN-UL2", "LLaMA", "GPT-4", "PaLM"}
    assert {size.name for size in sizes() if not size.differs} == {"BERT", "GPT-2", "GPT-3", "BLOOM", "PaLM"}
    assert all("arXiv" in size.source or size.name == "GPT-2" for size in sizes())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_slide_and_publication_stand_side_by_side(lang: str) -> None:
    shown = sizes_html(lang)
    assert shown.count("<tr>") == len(sizes()) + 1
    for kind, count in (("slide", len(sizes())), ("real", len(sizes()) - 1)):  # GPT-4 has no published size
        assert shown.count(f'class="{kind}"') == 2 * count + 1  # wide and narrow, and one in the legend
    assert shown.count("≠") == 6
    assert "<a " not in shown
    assert 'href="chat?tab=inside' in sizes_html(lang, in_hub=True)
    assert text(lang, "sizes.remark_recurrent") in shown and text(lang, "sizes.remark_unsaid") in shown
    assert (f"GPT-2 small · {text(lang, 'sizes.decoder')}", "gpt2-124m") in titles(lang)
    assert "4.6 T" in shown.replace("4,6", "4.6")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_point_says_what_it_is_and_chooses_the_family_to_try(lang: str) -> None:
    drawn = sizes_html(lang).split('<svg class="narrow"')
    points, narrow = (
        re.findall(r'<g class="point" role="button" tabindex="0" data-i="(\d+)" aria-label="([^"]+)">', part)
        for part in drawn
    )
    assert points == narrow
    assert [int(place) for place, _ in points] == list(range(len(sizes())))
    named = {size.name: (place, about) for size, (place, about) in zip(sizes(), points, strict=True)}
    assert re.fullmatch(r"PaLM: .+ 2022 · 500 B, .+ 2022 · 540 B", named["PaLM"][1])
    assert text(lang, "sizes.unknown") in named["GPT-4"][1]
    for name, kind in (("BERT", "encoder"), ("GPT-3", "decoder"), ("FLAN-UL2", "both")):
        chosen = guarded(choose_family)(lang, gr.EventData(None, {"index": int(named[name][0])}))
        assert kind_of(next(model for model in MEMBERS if model.id == chosen)) == kind
    with pytest.raises(gr.Error):
        guarded(choose_family)(lang, gr.EventData(None, {"index": 99}))


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_no_name_stands_on_another_or_on_a_point(width: str) -> None:
    drawn = re.findall(rf'<svg class="{width}".*?</svg>', sizes_html("en"))[0]
    known, names = {size.name for size in sizes()}, []
    for x, y, anchor, name in re.findall(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)</text>', drawn):
        if name in known:
            width = 7 * len(name)
            left = float(x) - width * {"start": 0, "middle": 0.5, "end": 1}[anchor]
            names.append((left, float(y) - 11, left + width, float(y)))
    assert len(names) == len(known)
    points = [
        (float(x) - 4, float(y) - 4, float(x) + 4, float(y) + 4)
        for x, y in re.findall(r'class="(?:slide|real)" cx="([\d.]+)" cy="([\d.]+)"', drawn)
    ]
    size = [float(side) for side in re.findall(r'viewBox="0 0 (\d+) (\d+)"', drawn)[0]]
    assert all(left > 0 and top > 0 and right < size[0] and bottom < size[1] for left, top, right, bottom in names)
    for (l1, t1, r1, b1), (l2, t2, r2, b2) in [*combinations(names, 2), *product(names, points)]:
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


VISIT: Any = SimpleNamespace(session_hash="one")


async def _last(updates: Any) -> str:
    return str([said async for said, _ in updates][-1])


def test_each_family_has_a_text_that_suits_it_and_says_what_it_can() -> None:
    kinds = set()
    for model in MEMBERS:
        asked, about, said, answer = choose("en", model.id)
        kinds.add(kind_of(model))
        assert (
            (GAP in asked) == (kind_of(model) == "encoder") and model.licence in about and said == "" and answer is None
        )
    assert kinds == {"encoder", "decoder", "both"}
    assert "On this machine" in choose("en", MEMBERS[0].id)[1] and "440 MB from the hub" in choose("en", "bert-base")[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_said_is_drawn_and_escaped(lang: str) -> None:
    gap = said_html(lang, "encoder", f"a {GAP}", Said((("<b>", 0.5), ("c", 0.25)), 0.1, 1_000_000))
    assert gap.count("<li>") == 2 and "&lt;b&gt;" in gap and "50" in gap
    assert "&lt;i&gt; <mark" in said_html(lang, "decoder", "<i>", Said((("on", 1.0),), 0.1, 1_000_000))
    answer: Answer = ("both", "x", Said((("y", 1.0),), 7.0, 1_000_000))
    assert said_again(lang, answer) == said_html(lang, *answer)
    assert said_again(lang, None) == gr.skip()
    assert "&lt;i&gt;" not in said_html(lang, "both", "<i>", Said((("on", 1.0),), 0.1, 1_000_000))


@pytest.mark.slow
def test_the_embedded_one_answers_and_where_the_hub_is_out_of_reach_it_is_said() -> None:
    said = asyncio.run(_last(guarded(ask)("en", MEMBERS[0].id, "Paris is the capital of", VISIT)))
    assert re.search("Paris is the capital of <mark[^>]*>[^<]*[a-z]", said) and "135 million" in said
    with pytest.raises(gr.Error, match="cannot be reached"):
        asyncio.run(_last(guarded(ask)("en", "bert-base", f"Paris is the {GAP} of France.", VISIT)))
    with pytest.raises(gr.Error, match="no text yet"):
        asyncio.run(_last(guarded(ask)("en", MEMBERS[0].id, " ", VISIT)))


@pytest.mark.slow
def test_each_visitor_asks_one_at_a_time_and_a_full_line_is_said(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(1, 2)
    monkeypatch.setattr(sizes_try, "line", lambda: line)
    monkeypatch.setattr(catalog, "locate", lambda model: tiny_llama)

    def asked(visitor: str) -> AsyncIterator[tuple[str, Any]]:
        request: Any = SimpleNamespace(session_hash=visitor)
        updates: AsyncIterator[tuple[str, Any]] = guarded(ask)("en", MEMBERS[0].id, "One day", request)
        return updates

    async def room() -> list[str]:
        first, second = asked("a"), asked("b")
        told = [(await anext(first))[0], (await anext(second))[0]]
        with pytest.raises(gr.Error, match="still at work"):
            await anext(asked("a"))
        with pytest.raises(gr.Error, match=r"Too many visitors.*\(2\)"):
            await anext(asked("c"))
        told += await asyncio.gather(_last(first), _last(second))
        return [*told, await _last(asked("c"))]

    loading, waiting, *said = asyncio.run(room())
    assert "is loading" in loading and "Before you in line: 1" in waiting
    assert len(said) == 3 and all("One day <mark" in one for one in said)
