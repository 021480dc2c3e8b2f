"""The Search tab's handlers on the embedded model: a sentence searched in three ways; what cannot be searched."""

from __future__ import annotations

import asyncio
import math
import re
from html import unescape
from typing import Any

import gradio as gr
import pytest
from search_drawing import search_html, tree_html
from search_look import DRAWS, Found, Searched
from search_tab import SearchHandlers

from common import errors
from common.config import LANGUAGES
from common.translation.beam import BeamTree, Node
from common.translation.models import TranslationModels
from common.translation.pieces import TargetTokens
from common.ui.i18n import text

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def models() -> TranslationModels:
    return TranslationModels()


def _search(models: TranslationModels, sentence: Any = "Milujem seminár DSA", **changed: Any) -> list[tuple[Any, ...]]:
    values = {"source": "sk", "target": "en", "beams": 3, "temperature": 0.8, "seed": 1, **changed}

    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in SearchHandlers(models).search("en", sentence, *values.values())]

    return asyncio.run(collect())


@slow
def test_one_sentence_in_three_ways(models: TranslationModels) -> None:
    first, (searched, html, note) = _search(models)
    assert text("en", "search.working") in first[2] and note == ""
    assert isinstance(searched, Searched)
    assert len(searched.beams) == 3 and len(searched.draws) == DRAWS
    assert [one.mean for one in searched.beams] == sorted((one.mean for one in searched.beams), reverse=True)
    for found in (searched.greedy, *searched.beams, *searched.draws):
        assert found.score < 0 and found.tokens >= 1
        assert unescape(html).count(found.text) >= 1
    assert html.count("<tr>") == 3 + 1 + 3 + DRAWS  # three heads, and a row for each translation
    boxes = sum(node.state != "dropped" for node in searched.tree.nodes)
    assert html.count("<rect") == boxes
    assert html.count("<path") == sum(n.state != "dropped" and n.parent is not None for n in searched.tree.nodes)


@slow
def test_the_same_seed_draws_the_same_and_another_does_not(models: TranslationModels) -> None:
    one, again, other = (_search(models, temperature=1.5, seed=seed)[-1][0].draws for seed in (3, 3, 4))
    assert [found.text for found in one] == [found.text for found in again]
    assert one != other


@slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_search_in_every_language(models: TranslationModels, lang: str) -> None:
    handlers = SearchHandlers(models)
    html = unescape(handlers.relabel(lang, _search(models)[-1][0]))
    for key in ("title_greedy", "title_beam", "title_draws", "tree_hint", "column_mean"):
        assert text(lang, f"search.{key}") in html
    assert "{" not in html
    assert handlers.relabel(lang, None) == gr.skip()


@slow
def test_nothing_typed_is_markup(models: TranslationModels) -> None:
    html = _search(models, '<img src=x onerror="alert(1)"> dom </svg>')[-1][1]
    assert "<img" not in html and html.count("<svg") == html.count("</svg>") == 1


@slow
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sentence": " "}, errors.EmptyPrompt),
        ({"sentence": "🎉"}, errors.NothingToTranslate),
        ({"sentence": "dom " * 100}, errors.SentenceTooLong),
        ({"sentence": "x" * 1001}, errors.InvalidInput),
        ({"sentence": "half \ud800"}, errors.InvalidInput),
        ({"target": "sk"}, errors.UnsupportedPair),
        ({"beams": 7}, errors.InvalidInput),
        ({"beams": 2.5}, errors.InvalidInput),
        ({"temperature": 0}, errors.InvalidInput),
        ({"seed": None}, errors.InvalidInput),
    ],
)
def test_what_cannot_be_searched(
    models: TranslationModels, changed: dict[str, Any], problem: type[errors.DemystifyError]
) -> None:
    with pytest.raises(problem):
        _search(models, **changed)


class _Letters:
    """A vocabulary of four letters and the end token."""

    def __init__(self) -> None:
        self.target_prefix: list[str] = []
        self.end = "</s>"
        self.ids = {"</s>": 0, "▁a": 1, "▁b": 2, "<i>": 3}

    def encode(self, sentence: str) -> list[str]:
        return [*sentence.split(), self.end]

    def decode(self, tokens: Any) -> str:
        return "".join(tokens).replace("▁", " ").strip()


def _node(parent: int | None, step: int, token: int, chance: float, before: float, state: Any) -> Node:
    return Node(parent, step, token, chance, before + math.log(chance), state)


TREE = BeamTree(
    (
        _node(None, 0, 1, 0.6, 0, "beam"),
        _node(None, 0, 3, 0.3, 0, "beam"),
        _node(None, 0, 0, 0.1, 0, "dropped"),
        _node(0, 1, 0, 0.9, math.log(0.6), "finished"),
        _node(0, 1, 2, 0.1, math.log(0.6), "beam"),
    ),
    (3,),
)


def test_the_tree_shows_what_won_and_what_was_dropped() -> None:
    html = tree_html("en", TREE, TargetTokens(_Letters()))
    assert html.count("<rect") == 4  # the dropped one is not drawn
    assert re.findall(r'<g class="([^"]*)"', html) == ["best", "dead", "best finished", "dead"]
    assert "&lt;i&gt;" in html and "<i>" not in html
    thick, thin = (float(width) for width in re.findall(r'stroke-width="([\d.]+)"', html))
    assert thick > thin
    assert tree_html("en", BeamTree((), ()), TargetTokens(_Letters())) == ""


@pytest.mark.parametrize(
    ("greedy", "verdict"),
    [(Found("a", 2, -0.62), "same"), (Found("b", 2, -2.0), "better"), (Found("b", 2, -0.1), "worse")],
)
def test_the_verdict_compares_by_token(greedy: Found, verdict: str) -> None:
    beam = Found("a", 2, math.log(0.54))
    searched = Searched(TargetTokens(_Letters()), greedy, TREE, (beam,), (beam,), 1.0, (0.1, 0.2, 0.3))
    html = unescape(search_html("en", searched))
    assert text("en", f"search.verdict_{verdict}") in html
    assert all(text("en", f"search.verdict_{other}") not in html for other in {"same", "better", "worse"} - {verdict})
