"""Which examples of which tools come before a question: those most like it, by their words and by their meaning.

Few examples of the right kind are worth more to a small model than many of all kinds, and a tool with no example near
the question need not be offered at all. Knows no text model.

Source: Liu et al. 2022, *What Makes Good In-Context Examples for GPT-3?* (arXiv:2101.06804; the nearest examples);
Qin et al. 2024, *ToolLLM* (arXiv:2307.16789; tools found by embedding).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from common import errors
from common.text.actions.tool import Toolbox
from common.text.retrieval.embedder import Embedder

# Measured on half of bench/tool_requests.tsv: with 4 to 8 of them the model takes the right tool equally often.
MANY = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A question, and the call that answers it."""

    question: str
    tool: str
    arguments: Mapping[str, str]


def nearest(question: str, tools: Toolbox, embedder: Embedder | None = None, many: int = MANY) -> list[Example]:
    """The examples most like a question, the nearest last.

    Likeness is the cosine of the sets of words plus, with an embedder that has its model, the cosine of the meanings.
    """
    examples = [Example(text, tool.name, values) for tool in tools.values() for text, values in tool.examples]
    asked = _words(question)
    likeness = np.array([_cosine(asked, _words(example.question)) for example in examples])
    if embedder is not None and examples:
        try:
            vectors = _vectors(embedder, tuple(example.question for example in examples))
            likeness = likeness + vectors @ embedder.embed([question])[0]
        except (errors.ModelUnavailable, errors.MissingPart):  # by words alone then
            pass
    return [examples[place] for place in np.argsort(likeness, kind="stable")[-many:]]


@lru_cache(maxsize=16)
def _vectors(embedder: Embedder, texts: tuple[str, ...]) -> NDArray[np.float32]:
    """The vectors of the examples, made once for every set of tools."""
    return embedder.embed(texts)


def _words(text: str) -> frozenset[str]:
    """Every number is the same word."""
    return frozenset("#" if word.isdigit() else word for word in re.findall(r"\w+|[°+*/]", text.casefold()))


def _cosine(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one) * len(other)) ** 0.5 if one and other else 0.0
