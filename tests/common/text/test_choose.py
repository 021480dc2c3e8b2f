"""The choice of the next token, against transformers' own processors."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from common.text.engine import SamplingSettings
from common.text.engines.choose import choose, draw, filter_logits, keep_top_k, keep_top_p, penalize_repetition

VOCABULARY = 24


def _logits(seed: int, rows: int = 1) -> torch.Tensor:
    return 3 * torch.randn(rows, VOCABULARY, generator=torch.Generator().manual_seed(seed))


settings = st.builds(
    SamplingSettings,
    temperature=st.floats(0.1, 2.5),
    top_k=st.integers(0, VOCABULARY + 3),
    top_p=st.floats(0.05, 1.0),
    min_p=st.sampled_from([0.0, 0.05, 0.3]),
    repetition_penalty=st.floats(0.7, 1.8),
)


@given(settings, st.integers(0, 10_000), st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=12))
def test_the_steps_are_those_of_transformers(chosen: SamplingSettings, seed: int, seen: list[int]) -> None:
    processors = LogitsProcessorList(
        [RepetitionPenaltyLogitsProcessor(chosen.repetition_penalty), TemperatureLogitsWarper(chosen.temperature)]
    )
    if chosen.top_k:
        processors.append(TopKLogitsWarper(chosen.top_k))
    if chosen.top_p < 1:
        processors.append(TopPLogitsWarper(chosen.top_p))
    if chosen.min_p:
        processors.append(MinPLogitsWarper(chosen.min_p))
    expected = processors(torch.tensor([seen]), _logits(seed))
    ours = filter_logits(penalize_repetition(_logits(seed), [seen], [chosen.repetition_penalty]), [chosen])
    torch.testing.assert_close(ours, expected)


@given(st.lists(settings, min_size=2, max_size=5), st.integers(0, 1000))
def test_texts_in_one_batch_do_not_touch_each_other(several: list[SamplingSettings], seed: int) -> None:
    logits, seen = _logits(seed, len(several)), [[row] for row in range(len(several))]
    draws = [torch.rand((), generator=torch.Generator().manual_seed(seed + row)).item() for row in range(len(several))]
    together = choose(logits, seen, several, draws)
    for row, each in enumerate(several):
        alone = choose(logits[row : row + 1], [seen[row]], [each], [draws[row]])
        assert (together[0][row], pytest.approx(together[1][row])) == (alone[0][0], alone[1][0])


def test_the_logprob_is_the_models_own() -> None:
    logits = _logits(5)
    settings = SamplingSettings(temperature=1.7, top_k=3, repetition_penalty=1.5)
    (token_id,), (logprob,) = choose(logits, [[1, 2]], [settings], [0.4])
    assert logprob == pytest.approx(logits.log_softmax(-1)[0, token_id].item())


def test_temperature_zero_takes_the_best_after_the_penalty() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.9]])
    assert choose(logits, [[0]], [SamplingSettings(temperature=0)], [0.999])[0] == [1]
    assert choose(logits, [[1]], [SamplingSettings(temperature=0, repetition_penalty=1.5)], [0.0])[0] == [2]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda weights: sum(weights) > 1e-3))
def test_every_token_is_drawn_as_often_as_its_probability_says(weights: list[float]) -> None:
    probabilities = torch.tensor([weights]) / sum(weights)
    draws = (torch.arange(4096) + 0.5) / 4096
    drawn = draw(probabilities.expand(4096, -1), draws)[:, 0]
    shares = torch.bincount(drawn, minlength=len(weights)) / 4096
    torch.testing.assert_close(shares, probabilities[0], atol=2 / 4096, rtol=0)


def test_a_token_without_probability_is_never_drawn() -> None:
    probabilities = torch.tensor([[0.0, 0.25, 0.0, 0.75, 0.0]] * 3)
    largest = 1 - 2**-24
    assert draw(probabilities, torch.tensor([0.0, 0.25, largest]))[:, 0].tolist() == [1, 3, 3]


def test_top_k_keeps_ties_and_top_p_at_least_one() -> None:
    kept = keep_top_k(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), [2])
    assert torch.isfinite(kept).tolist() == [[True, True, True, False]]
    kept = keep_top_p(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), [0.0])
    assert torch.isfinite(kept).tolist() == [[True, False, False, False]]


def test_the_logits_given_are_not_changed() -> None:
    logits = _logits(1)
    before = logits.clone()
    choose(logits, [[1, 2, 3]], [SamplingSettings(0.5, 4, 0.8, 0.1, 1.3)], [0.5])
    assert torch.equal(logits, before)
    assert math.isfinite(before.sum().item())
