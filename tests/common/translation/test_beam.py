"""Beam search written out, and drawing by chance, against transformers' own ``generate`` and against probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import MarianMTModel

from common import errors
from common.translation.beam import BeamTree, beam_search
from common.translation.models import TranslationModels
from common.translation.pieces import source_pieces
from common.translation.samples import draw
from common.translation.trace import MAX_SOURCE_TOKENS, Step, trace
from tests.common.translation.tiny import END, PAD, tiny_marian

SOURCE = [7, 12, 30, 5, END]


def _generate(model: MarianMTModel, source: Sequence[int], beams: int, steps: int) -> Any:
    return model.generate(
        torch.tensor([list(source)]),
        num_beams=beams,
        num_return_sequences=beams,
        do_sample=False,
        max_new_tokens=steps,
        forced_eos_token_id=None,
        length_penalty=1.0,
        early_stopping=False,
        return_dict_in_generate=True,
        output_scores=True,
    )


def _same_as_generate(model: MarianMTModel, source: Sequence[int], beams: int, steps: int) -> BeamTree:
    tree = beam_search(model, source, beams, limit=steps)
    wanted = _generate(model, source, beams, steps)
    found = [tree.tokens(place) for place in tree.finished]
    expected = [row[1:].tolist() for row in wanted.sequences]
    # Shorter ones are filled up with padding there.
    assert found == [[token for token in row if token != model.config.pad_token_id] for row in expected]
    assert [tree.mean(place) for place in tree.finished] == pytest.approx(wanted.sequences_scores.tolist(), abs=1e-4)
    return tree


@pytest.mark.parametrize("beams", [2, 3, 5])
@pytest.mark.parametrize(("seed", "ends"), [(0, 0.0), (1, 1.0), (1, 2.0), (2, 3.0), (3, 3.0)])
def test_a_tiny_model_gives_what_generate_gives(seed: int, ends: float, beams: int) -> None:
    _same_as_generate(tiny_marian(seed, ends), SOURCE, beams, steps=12)


def test_some_of_these_searches_end_by_themselves() -> None:
    """Or the comparisons above would only be about the limit of steps."""
    trees = [beam_search(tiny_marian(1, ends), SOURCE, 3, limit=12) for ends in (1.0, 2.0)]
    assert any(tree.nodes[-1].step < 11 for tree in trees)
    assert any(len({tree.nodes[place].step for place in tree.finished}) > 1 for tree in trees)


@pytest.mark.slow
@pytest.mark.parametrize("beams", [2, 4])
@pytest.mark.parametrize(
    ("source", "target", "sentence"), [("sk", "en", "Milujem seminár DSA"), ("en", "it", "A dog.")]
)
def test_the_embedded_model_gives_what_generate_gives(source: str, target: str, sentence: str, beams: int) -> None:
    glass = TranslationModels().glass(source, target)
    ids = [piece.id for piece in source_pieces(glass.codec, sentence)]
    tree = _same_as_generate(glass.model, ids, beams, steps=40)
    greedy = [step for step in trace(glass.model, ids, limit=40) if isinstance(step, Step)]
    if greedy[-1].chosen == END and len(greedy) < 40:
        score = sum(math.log(dict(step.candidates)[step.chosen]) for step in greedy) / len(greedy)
        assert tree.mean(tree.finished[0]) >= score - 1e-4  # here; in general a beam may lose it on the way


@pytest.mark.parametrize("seed", range(3))
def test_the_tree_holds_together(seed: int) -> None:
    tree = beam_search(tiny_marian(seed), SOURCE, 3, limit=10)
    for place, node in enumerate(tree.nodes):
        before = 0.0
        if node.parent is None:
            assert node.step == 0
        else:
            parent = tree.nodes[node.parent]
            assert node.parent < place and parent.step == node.step - 1 and parent.state == "beam"
            before = parent.score
        assert node.score == pytest.approx(before + math.log(node.chance), abs=1e-3)
        assert node.token != PAD
    by_step = Counter(node.step for node in tree.nodes)
    assert set(by_step.values()) == {6}
    beams = Counter(node.step for node in tree.nodes if node.state == "beam")
    assert all(count <= 3 for count in beams.values())
    means = [tree.mean(place) for place in tree.finished]
    assert means == sorted(means, reverse=True) and len(means) <= 3
    assert all(tree.nodes[place].state == "finished" for place in tree.finished)


# -- by chance ------------------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same() -> None:
    model = tiny_marian(1)
    one, again = (draw(model, SOURCE, 4, temperature=1.0, seed=7, limit=8) for _ in range(2))
    assert one == again
    assert one != draw(model, SOURCE, 4, temperature=1.0, seed=8, limit=8)
    assert len({drawn.tokens for drawn in one}) > 1


def test_what_is_drawn_has_the_models_probability() -> None:
    model = tiny_marian(2)
    for drawn in draw(model, SOURCE, 5, temperature=1.7, seed=1, limit=8):
        read = torch.tensor([[PAD, *drawn.tokens[:-1]]])
        with torch.no_grad():
            rows = model(torch.tensor([SOURCE]), decoder_input_ids=read).logits[0].log_softmax(-1)
        wanted = sum(float(rows[place, token]) for place, token in enumerate(drawn.tokens))
        assert drawn.score == pytest.approx(wanted, abs=1e-3)
        assert END not in drawn.tokens[:-1] and PAD not in drawn.tokens


def test_a_low_temperature_is_greedy_and_a_high_one_is_not() -> None:
    model = tiny_marian(0)
    greedy = tuple(step.chosen for step in trace(model, SOURCE, limit=8) if isinstance(step, Step))
    assert {drawn.tokens for drawn in draw(model, SOURCE, 5, temperature=0.01, seed=1, limit=8)} == {greedy}
    assert len({drawn.tokens for drawn in draw(model, SOURCE, 5, temperature=2.0, seed=1, limit=8)}) > 2


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_first_tokens_come_as_often_as_the_temperature_says(temperature: float) -> None:
    model, count = tiny_marian(3), 2000
    with torch.no_grad():
        logits = model(torch.tensor([SOURCE]), decoder_input_ids=torch.tensor([[PAD]])).logits[0, 0]
    logits[PAD] = -float("inf")
    wanted = (logits / temperature).softmax(-1)
    drawn = Counter(one.tokens[0] for one in draw(model, SOURCE, count, temperature=temperature, seed=5, limit=1))
    for token in wanted.topk(3).indices.tolist():
        # Five standard deviations: the seed is fixed, and another library's stream of numbers would pass too.
        spread = 5 * math.sqrt(float(wanted[token]) * (1 - float(wanted[token])) / count)
        assert drawn[token] / count == pytest.approx(float(wanted[token]), abs=spread + 1e-3)


def test_limits() -> None:
    model = tiny_marian(0)
    for search in (lambda ids: beam_search(model, ids, 2), lambda ids: draw(model, ids, 2, temperature=1.0, seed=1)):
        with pytest.raises(errors.EmptyPrompt):
            search([])
        with pytest.raises(errors.SentenceTooLong):
            search([5] * (MAX_SOURCE_TOKENS + 1))
