"""The sampling steps, against transformers' own processors and against what must hold for any logits."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import (
    LogitsProcessor,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from common.text.engine import SamplingSettings
from common.text.sampling import (
    Stage,
    apply_temperature,
    effective_choices,
    entropy_bits,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    log_softmax,
    penalize_repetition,
    sample,
    sampling_stages,
    softmax,
)

Row = NDArray[np.float64]


@st.composite
def logit_rows(draw: st.DrawFn) -> Row:
    """Logits as they come, and as they should not: ties, huge distances, dropped tokens; at least one is finite."""
    size = draw(st.integers(1, 40))
    usual = st.floats(-30, 30, width=32)
    tied = st.sampled_from([-2.0, 0.0, 1.5, 3.0])
    values = draw(st.lists(st.one_of(usual, tied, st.just(-math.inf)), min_size=size, max_size=size))
    values[draw(st.integers(0, size - 1))] = draw(usual)
    return np.array(values)


def _theirs(processor: LogitsProcessor, logits: Row, seen: list[int] | None = None) -> Row:
    ids = torch.tensor([seen or [0]])
    result: Row = processor(ids, torch.tensor(logits)[None])[0].numpy()
    return result


@given(logit_rows())
def test_softmax_and_its_logarithm(logits: Row) -> None:
    np.testing.assert_allclose(softmax(logits), torch.tensor(logits).softmax(-1).numpy(), atol=1e-14)
    np.testing.assert_allclose(
        log_softmax(logits), torch.tensor(logits).log_softmax(-1).numpy(), rtol=1e-12, atol=1e-14
    )


@given(logit_rows(), st.floats(-1e4, 1e4))
def test_only_differences_between_logits_count(logits: Row, shift: float) -> None:
    np.testing.assert_allclose(softmax(logits + shift), softmax(logits), atol=1e-9)


def test_softmax_survives_any_size() -> None:
    assert softmax(np.array([1e300, -1e300])).tolist() == [1.0, 0.0]
    assert log_softmax(np.array([0.0, -1000.0])).tolist() == [0.0, -1000.0]


@given(logit_rows(), st.floats(0.01, 100))
def test_temperature_as_in_transformers(logits: Row, temperature: float) -> None:
    theirs = _theirs(TemperatureLogitsWarper(temperature), logits)
    np.testing.assert_array_equal(apply_temperature(logits, temperature), theirs)


@given(logit_rows(), st.floats(0.01, 100))
def test_temperature_keeps_the_order(logits: Row, temperature: float) -> None:
    best_first = np.argsort(-logits, kind="stable")
    assert np.all(np.diff(apply_temperature(logits, temperature)[best_first][np.isfinite(logits[best_first])]) <= 0)


@given(logit_rows(), st.sampled_from([1e-200, 1e-30, 1e-6]))
def test_a_tiny_temperature_is_greedy_among_the_best(logits: Row, temperature: float) -> None:
    gaps = np.unique(logits)
    assume(len(gaps) < 2 or gaps[-1] - gaps[-2] > 1e-3)
    best = logits == logits.max()
    np.testing.assert_allclose(softmax(apply_temperature(logits, temperature)), best / best.sum(), atol=1e-12)


def test_temperature_zero_takes_the_first_of_the_best() -> None:
    assert softmax(apply_temperature(np.array([1.0, 3.0, 3.0]), 0)).tolist() == [0.0, 1.0, 0.0]


def test_a_huge_temperature_makes_all_equal() -> None:
    np.testing.assert_allclose(softmax(apply_temperature(np.array([0.0, 10.0, -10.0]), 1e12)), 1 / 3, atol=1e-9)


@given(logit_rows(), st.floats(0.2, 5), st.data())
def test_repetition_penalty_as_in_transformers(logits: Row, penalty: float, data: st.DataObject) -> None:
    seen = data.draw(st.lists(st.integers(0, len(logits) - 1), min_size=1, max_size=10))
    ours = penalize_repetition(logits, seen, penalty)
    np.testing.assert_allclose(ours, _theirs(RepetitionPenaltyLogitsProcessor(penalty), logits, seen))


@given(logit_rows(), st.integers(1, 50))
def test_top_k_as_in_transformers(logits: Row, top_k: int) -> None:
    np.testing.assert_array_equal(keep_top_k(logits, top_k), _theirs(TopKLogitsWarper(top_k), logits))


@given(logit_rows(), st.floats(0, 1, exclude_max=True))
def test_top_p_as_in_transformers(logits: Row, top_p: float) -> None:
    # At the very edge of the set a rounding of the last bit decides, here and there differently.
    assume(np.all(np.abs(np.cumsum(np.sort(softmax(logits))) - (1 - top_p)) > 1e-12))
    # Which of several tied tokens stay is left open there (torch's sort is not stable): the values that stay are fixed.
    theirs = _theirs(TopPLogitsWarper(top_p), logits)
    np.testing.assert_array_equal(np.sort(keep_top_p(logits, top_p)), np.sort(theirs))


@pytest.mark.parametrize("top_p", [0.25, 0.5, 0.75])
def test_top_p_of_four_equal_tokens(top_p: float) -> None:
    logits = np.zeros(4)  # probabilities of exactly 1/4: the edge of the set is hit exactly
    kept, theirs = keep_top_p(logits, top_p), _theirs(TopPLogitsWarper(top_p), logits)
    assert np.isfinite(kept).sum() == np.isfinite(theirs).sum() == round(4 * top_p)


@given(logit_rows(), st.floats(0.01, 0.99))
def test_top_p_keeps_enough_and_not_more(logits: Row, top_p: float) -> None:
    probabilities, kept = softmax(logits), np.isfinite(keep_top_p(logits, top_p))
    assert probabilities[kept].sum() >= top_p - 1e-9
    assert probabilities[kept].sum() - probabilities[kept].min() < top_p + 1e-9
    assert kept.all() or probabilities[kept].min() >= probabilities[~kept].max()


@given(logit_rows(), st.floats(0, 1))
def test_min_p_as_in_transformers(logits: Row, min_p: float) -> None:
    probabilities = softmax(logits)
    assume(np.all(np.abs(probabilities - min_p * probabilities.max()) > 1e-15) or min_p in (0, 1))
    np.testing.assert_array_equal(keep_min_p(logits, min_p), _theirs(MinPLogitsWarper(min_p), logits))


settings = st.builds(
    SamplingSettings,
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 45),
    top_p=st.one_of(st.just(1.0), st.floats(0.01, 0.99)),
    min_p=st.one_of(st.just(0.0), st.floats(0.01, 0.9)),
    repetition_penalty=st.floats(0.5, 2),
)


@given(logit_rows(), settings)
def test_the_stages_are_transformers_steps_in_transformers_order(logits: Row, chosen: SamplingSettings) -> None:
    seen = [0, len(logits) - 1]
    processors: list[LogitsProcessor] = [
        RepetitionPenaltyLogitsProcessor(chosen.repetition_penalty),
        TemperatureLogitsWarper(chosen.temperature),
        TopKLogitsWarper(chosen.top_k or len(logits)),
        TopPLogitsWarper(chosen.top_p),
        MinPLogitsWarper(chosen.min_p),
    ]
    stages = sampling_stages(logits, chosen, seen)
    names = ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"]
    assert [stage.name for stage in stages] == names
    assume(not _on_an_edge(stages, chosen))
    expected = logits
    for stage, processor in zip(stages, processors, strict=True):
        if stage.active:
            expected = _theirs(processor, expected, seen)
        np.testing.assert_allclose(np.sort(stage.after), np.sort(softmax(expected)), atol=1e-9)
        assert stage.kept.sum() == np.isfinite(expected).sum()


def _on_an_edge(stages: list[Stage], chosen: SamplingSettings) -> bool:
    """Whether a rounding of the last bit decides if a token stays."""
    top_p, min_p = stages[3].before, stages[4].before
    near_p = np.abs(np.cumsum(np.sort(top_p)) - (1 - chosen.top_p)) < 1e-9
    near_min_p = np.abs(min_p - chosen.min_p * min_p.max()) < 1e-9
    return bool((near_p.any() and chosen.top_p < 1) or (near_min_p.any() and chosen.min_p > 0))


@given(logit_rows(), settings)
def test_the_stages_account_for_every_token(logits: Row, chosen: SamplingSettings) -> None:
    stages = sampling_stages(logits, chosen, [0])
    possible = np.isfinite(logits)
    before = softmax(logits)
    for stage in stages:
        np.testing.assert_array_equal(stage.before, before)
        assert not np.any(stage.kept & ~possible), "a step never brings a token back"
        assert stage.cut_count == possible.sum() - stage.kept.sum()
        assert stage.cut_mass == pytest.approx(before[possible & ~stage.kept].sum())
        assert stage.after.sum() == pytest.approx(1)
        assert np.all(stage.after[~stage.kept] == 0)
        before, possible = stage.after, stage.kept
    assert possible.any()


def test_stages_that_are_off_change_nothing() -> None:
    logits = np.array([2.0, 1.0, 0.0])
    stages = sampling_stages(logits, SamplingSettings(temperature=1.0))
    assert not any(stage.active for stage in stages)
    np.testing.assert_array_equal(stages[-1].after, softmax(logits))


def test_a_filter_works_on_what_the_one_before_left() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    stages = sampling_stages(logits, SamplingSettings(temperature=1.0, top_k=2, top_p=0.55))
    assert stages[2].cut_mass == pytest.approx(0.3)
    assert stages[3].kept.tolist() == [True, False, False, False]  # 0.4 of 0.7 is 57 %: enough alone
    assert stages[3].cut_mass == pytest.approx(0.3 / 0.7)
    # Without top_k the best token is not enough: the order of the filters matters.
    without = sampling_stages(logits, SamplingSettings(temperature=1.0, top_p=0.55))
    assert without[3].kept.tolist() == [True, True, False, False]


def test_entropy_of_known_distributions() -> None:
    assert entropy_bits(np.array([1.0, 0.0])) == 0
    assert entropy_bits(np.full(8, 1 / 8)) == pytest.approx(3)
    assert effective_choices(np.full(8, 1 / 8)) == pytest.approx(8)
    assert entropy_bits(np.array([0.5, 0.25, 0.25])) == pytest.approx(1.5)


@given(logit_rows(), st.floats(0.1, 5), st.floats(0.1, 5))
def test_warmer_is_never_more_certain(logits: Row, one: float, other: float) -> None:
    cool, warm = sorted((one, other))
    cool_bits, warm_bits = (entropy_bits(softmax(apply_temperature(logits, t))) for t in (cool, warm))
    assert cool_bits <= warm_bits + 1e-9
    assert warm_bits <= math.log2(len(logits)) + 1e-9


def test_samples_come_as_often_as_their_probability() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(sample(np.array([0.5, 0.0, 0.2, 0.3]), rng) for _ in range(4000))
    assert counts[1] == 0
    for place, share in ((0, 0.5), (2, 0.2), (3, 0.3)):
        assert counts[place] / 4000 == pytest.approx(share, abs=0.04)  # five standard deviations


@given(logit_rows(), st.integers(0, 2**32 - 1))
def test_a_dropped_token_is_never_drawn(logits: Row, seed: int) -> None:
    kept = keep_top_k(logits, 3)
    rng = np.random.default_rng(seed)
    assert all(np.isfinite(kept[sample(softmax(kept), rng)]) for _ in range(5))
