"""The glass box on a very small model: shapes, sums, and agreement with a plain pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM

from common import errors
from common.text import inspect
from common.text.attention_heads import link
from common.text.engines.loading import LoadedModel

IDS = [10, 40, 70, 100, 130, 160, 190]
T, LAYERS, HEADS, WIDTH, VOCABULARY = len(IDS), 3, 4, 64, 320


def _probabilities(loaded: LoadedModel, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return loaded.model(torch.tensor([ids])).logits[0].softmax(-1)  # (T, V)


def test_next_logits_are_those_of_the_last_place(loaded: LoadedModel) -> None:
    logits = inspect.next_logits(loaded.model, IDS)
    assert logits.shape == (VOCABULARY,) and logits.dtype == np.float32
    np.testing.assert_allclose(torch.tensor(logits).softmax(-1), _probabilities(loaded, IDS)[-1], atol=1e-5)


@pytest.mark.parametrize("start", [0, 1, 4, T])
@pytest.mark.parametrize("piece", [2, 3, 128])
def test_candidates_are_the_best_at_every_place(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, start: int, piece: int
) -> None:
    monkeypatch.setattr(inspect, "_LOGIT_TOKENS", piece)
    found = inspect.candidates(loaded.model, IDS, start, top=4)
    assert len(found) == T - start + 1
    expected = _probabilities(loaded, IDS)
    for place, best in enumerate(found, start):
        if place == 0:
            assert best == []
            continue
        values, ids = expected[place - 1].topk(4)
        assert [token_id for token_id, _ in best] == ids.tolist()
        assert [probability for _, probability in best] == pytest.approx(values.tolist(), abs=1e-5)


def test_candidates_over_a_long_text_are_computed_piece_by_piece(loaded: LoadedModel) -> None:
    ids = [3 + (11 * place) % 300 for place in range(300)]
    found = inspect.candidates(loaded.model, ids, 1, top=1)
    assert len(found) == 300
    best = _probabilities(loaded, ids).argmax(-1).tolist()
    same = sum(place[0][0] == token_id for place, token_id in zip(found, best, strict=True))
    assert same >= 298  # near ties may flip


@given(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=12))
def test_attentions_look_back_and_add_up_to_one(loaded: LoadedModel, ids: list[int]) -> None:
    weights = inspect.attentions(loaded.model, ids)
    assert weights.shape == (LAYERS, HEADS, len(ids), len(ids)) and weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.triu(weights, 1).max() == 0


def test_attentions_leave_the_model_as_it_was(loaded: LoadedModel) -> None:
    before = loaded.model.config._attn_implementation
    inspect.attentions(loaded.model, IDS)
    assert loaded.model.config._attn_implementation == before != "eager"


def _eager(folder: Path, ids: list[int]) -> NDArray[np.float32]:
    """Attentions as plain transformers gives them: (layers, heads, T, T)."""
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    with torch.inference_mode():
        return torch.cat(model(torch.tensor([ids]), output_attentions=True).attentions).numpy()


@pytest.mark.parametrize("length", [1, 7, 300])
def test_attention_is_that_of_a_plain_eager_pass(loaded: LoadedModel, chat_folder: Path, length: int) -> None:
    ids = [3 + (11 * place) % 300 for place in range(length)]
    expected = _eager(chat_folder, ids)
    for layer in range(LAYERS):
        for head in range(HEADS):
            np.testing.assert_allclose(
                inspect.attention(loaded.model, ids, layer, head), expected[layer, head], atol=1e-6
            )
        np.testing.assert_allclose(inspect.attention(loaded.model, ids, layer), expected[layer].mean(0), atol=1e-6)
    if length <= inspect.MAX_ATTENTION_TOKENS:
        np.testing.assert_allclose(inspect.attentions(loaded.model, ids), expected, atol=1e-6)


def test_links_are_those_of_a_plain_eager_pass(loaded: LoadedModel, chat_folder: Path) -> None:
    expected = _eager(chat_folder, IDS)
    pairs = [(5, 2), (6, 0), (3, 3)]
    found = inspect.attention_links(loaded.model, IDS, pairs)
    assert found.shape == (3, LAYERS, HEADS, 2) and found.dtype == np.float32
    for pair, got in zip(pairs, found, strict=True):
        np.testing.assert_allclose(got, link(expected, *pair), atol=1e-6)


def test_the_last_hidden_state_gives_the_logits(loaded: LoadedModel) -> None:
    states = inspect.hidden_states(loaded.model, IDS)
    assert states.shape == (LAYERS + 1, T, WIDTH) and states.dtype == np.float32
    logits = loaded.model.lm_head(torch.tensor(states[-1, -1])).detach().numpy()
    np.testing.assert_allclose(logits, inspect.next_logits(loaded.model, IDS), atol=1e-4)


def test_the_logit_lens_ends_with_what_the_model_says(loaded: LoadedModel) -> None:
    lens = inspect.logit_lens(loaded.model, IDS, positions=[2, -1], top=3)
    assert [len(layer) for layer in lens] == [2] * (LAYERS + 1)
    said = inspect.candidates(loaded.model, IDS, 1, top=3)
    for place, expected in ((0, said[2]), (1, said[-1])):
        assert [token_id for token_id, _ in lens[-1][place]] == [token_id for token_id, _ in expected]
        assert [p for _, p in lens[-1][place]] == pytest.approx([p for _, p in expected], abs=1e-4)
    assert lens[0][1] != lens[-1][1]


CALLS: list[Callable[[Any, list[int]], object]] = [
    inspect.next_logits,
    lambda model, ids: inspect.candidates(model, ids, 1, 2),
    inspect.attentions,
    lambda model, ids: inspect.attention(model, ids, 1),
    lambda model, ids: inspect.attention_links(model, ids, [(0, 0)]),
    inspect.hidden_states,
    lambda model, ids: inspect.logit_lens(model, ids, [-1], 2),
]


@pytest.mark.parametrize("ask", CALLS)
@pytest.mark.parametrize(
    ("ids", "error"),
    [([], errors.EmptyPrompt), ([5] * 641, errors.PromptTooLong), ([5, VOCABULARY], errors.InvalidInput)],
)
def test_what_cannot_be_looked_at_says_why(
    loaded: LoadedModel, ask: Callable[[Any, list[int]], object], ids: list[int], error: type[errors.DemystifyError]
) -> None:
    with pytest.raises(error):
        ask(loaded.model, ids)


def test_limits_of_the_large_views_and_places_outside_the_text(loaded: LoadedModel) -> None:
    with pytest.raises(errors.PromptTooLong):
        inspect.attentions(loaded.model, [5] * (inspect.MAX_ATTENTION_TOKENS + 1))
    with pytest.raises(errors.PromptTooLong):
        inspect.hidden_states(loaded.model, [5] * (inspect.MAX_HIDDEN_TOKENS + 1))
    with pytest.raises(errors.PromptTooLong):
        inspect.attention(loaded.model, [5] * (inspect.MAX_LAYER_TOKENS + 1), 0)
    for layer, head in ((LAYERS, 0), (-1, 0), (0, HEADS), (0, -1)):
        with pytest.raises(errors.InvalidInput):
            inspect.attention(loaded.model, IDS, layer, head)
    with pytest.raises(errors.InvalidInput):
        inspect.candidates(loaded.model, IDS, T + 1, 2)
    with pytest.raises(errors.InvalidInput):
        inspect.logit_lens(loaded.model, IDS, [T], 2)
