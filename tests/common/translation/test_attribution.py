"""Integrated gradients on tiny Marian models: they add up, follow the definition, and nothing counts for nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import MarianMTModel

from common import errors
from common.translation.attribution import attribute, embeddings
from common.translation.trace import Step, trace
from tests.common.translation.tiny import END, PAD, tiny_marian

SOURCE = [5, 9, 17, 33, 8, END]


def _written(seed: int) -> tuple[MarianMTModel, list[int]]:
    """A model on which the source matters, and not in proportion; and what it writes."""
    model = tiny_marian(seed)
    with torch.no_grad():
        model.model.encoder.embed_tokens.weight *= 4
        for layer in model.model.decoder.layers:
            layer.encoder_attn.out_proj.weight *= 12
    return model, [event.chosen for event in trace(model, SOURCE, limit=5) if isinstance(event, Step)]


@pytest.mark.parametrize("seed", range(3))
def test_the_shares_add_up_to_what_the_source_makes(seed: int) -> None:
    model, written = _written(seed)
    found = attribute(model, SOURCE, written, 1, 3)
    assert found.shares.shape == (len(SOURCE),)
    assert np.abs(found.shares).sum() > 0.5
    assert abs(found.lost) < 0.01 * np.abs(found.shares).sum()


def _sudden() -> tuple[MarianMTModel, list[int]]:
    """A model that looks at one token or at another, never between: its probabilities jump on the line."""
    model = tiny_marian(1)
    with torch.no_grad():
        model.model.encoder.embed_tokens.weight *= 4
        for layer in model.model.encoder.layers:
            layer.self_attn.q_proj.weight *= 200
            layer.self_attn.out_proj.weight *= 12
        for layer in model.model.decoder.layers:
            layer.encoder_attn.q_proj.weight *= 200
            layer.encoder_attn.out_proj.weight *= 12
    return model, [event.chosen for event in trace(model, SOURCE, limit=5) if isinstance(event, Step)]


def test_smaller_steps_where_the_model_changes_its_mind() -> None:
    """As many even steps miss a jump by far more than steps that are small where it is."""
    from captum.attr import IntegratedGradients

    model, written = _sudden()
    few, many = (attribute(model, SOURCE, written, 1, 3, points=points) for points in (16, 512))
    assert few.points == 16 and abs(few.lost) > 0.2 * abs(few.difference)
    assert 16 < many.points < 512 and abs(many.lost) < 0.05 * abs(many.difference)

    read = torch.tensor([[PAD, *written[:2]]])

    def logprob(embedded: torch.Tensor) -> torch.Tensor:
        vectors = model.model.encoder(inputs_embeds=embedded).last_hidden_state
        logits = model(encoder_outputs=(vectors,), decoder_input_ids=read.expand(len(embedded), -1)).logits
        return logits.log_softmax(-1)[:, range(1, 3), written[1:3]].sum(-1)

    full, nothing = embeddings(model, SOURCE), embeddings(model, [PAD] * len(SOURCE))
    even = IntegratedGradients(logprob).attribute(full, nothing, n_steps=many.points, method="gausslegendre").sum()
    assert abs(float(even) - many.difference) > 4 * abs(many.lost)


def test_the_probabilities_are_those_of_the_trace() -> None:
    model, written = _written(2)
    steps = [event for event in trace(model, SOURCE, limit=5) if isinstance(event, Step)]
    found = attribute(model, SOURCE, written, 1, 3, points=2)
    wanted = sum(float(np.log(dict(step.candidates)[step.chosen])) for step in steps[1:3])
    assert found.given == pytest.approx(wanted, abs=1e-4)
    nothing = next(event for event in trace(model, [PAD] * len(SOURCE), limit=1) if isinstance(event, Step))
    first = attribute(model, SOURCE, [nothing.best, *written], 0, 1, points=2)
    assert first.empty == pytest.approx(float(np.log(dict(nothing.candidates)[nothing.best])), abs=1e-4)


def test_against_a_naive_sum_of_gradients() -> None:
    """The definition written out: the gradient in the middle of each of many steps on the line."""
    model, written = _written(0)
    found = attribute(model, SOURCE, written, 0, 1)
    full, nothing = embeddings(model, SOURCE), embeddings(model, [PAD] * len(SOURCE))
    parts = (torch.arange(200) + 0.5) / 200
    points = (nothing + parts[:, None, None] * (full - nothing)).requires_grad_(True)  # (200, S, d)
    vectors = model.model.encoder(inputs_embeds=points).last_hidden_state
    start = torch.full((200, 1), PAD)
    state = model.model.decoder(input_ids=start, encoder_hidden_states=vectors, use_cache=False).last_hidden_state[
        :, -1
    ]
    logprobs = (model.lm_head(state) + model.final_logits_bias).log_softmax(-1)[:, written[0]]
    gradient = torch.autograd.grad(logprobs.sum(), points)[0].mean(0)
    wanted = ((full - nothing)[0] * gradient).sum(-1).numpy()
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found.shares, wanted, atol=0.005)


def test_a_token_that_is_nothing_counts_for_nothing() -> None:
    model, written = _written(1)
    with torch.no_grad():
        model.model.encoder.embed_tokens.weight[17] = model.model.encoder.embed_tokens.weight[PAD]
    found = attribute(model, SOURCE, written, 0, 2)
    assert found.shares[2] == 0
    assert np.abs(np.delete(found.shares, 2)).min() > 0


def test_progress_and_a_stop_between_two_batches() -> None:
    model, written = _sudden()
    told: list[int] = []
    attribute(model, SOURCE, written, 0, 1, points=64, seen=told.append)
    assert told == sorted(told) and told[0] == 0 and 16 <= told[-1] < 64 and len(told) >= 4

    def refuse(done: int) -> None:
        if done >= 16:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        attribute(model, SOURCE, written, 0, 1, points=64, seen=refuse)


def test_what_cannot_be_attributed() -> None:
    model, written = _written(1)
    with pytest.raises(errors.SentenceTooLong):
        attribute(model, [5] * 100, written, 0, 1)
    with pytest.raises(errors.EmptyPrompt):
        attribute(model, [], written, 0, 1)
