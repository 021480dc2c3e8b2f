"""The loss whose gradient comes along with it, against autograd's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from common.recipes.translation.loss import linear_cross_entropy


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 150),
    width=st.integers(1, 9),
    entries=st.integers(2, 40),
    smoothing=st.sampled_from([0.0, 0.1]),
)
def test_loss_and_gradients_are_those_of_autograd(count: int, width: int, entries: int, smoothing: float) -> None:
    torch.manual_seed(count)
    labels = torch.randint(entries, (count,))
    inputs = [torch.randn(count, width, dtype=torch.float64), torch.randn(entries, width, dtype=torch.float64)]
    found = []
    for fused in (True, False):
        hidden, weight = (tensor.float().requires_grad_() for tensor in inputs)
        if fused:
            loss = linear_cross_entropy(hidden, weight, labels, smoothing)
        else:
            loss = F.cross_entropy(hidden @ weight.T, labels, label_smoothing=smoothing)
        (3 * loss).backward()  # not 1: what comes from above has to reach the inputs
        assert hidden.grad is not None
        assert weight.grad is not None
        found.append((loss.detach(), hidden.grad, weight.grad))
    for ours, autograds in zip(*found, strict=True):
        torch.testing.assert_close(ours, autograds, rtol=1e-4, atol=1e-5)


def test_scores_far_apart_neither_overflow_nor_vanish() -> None:
    hidden, weight = torch.tensor([[1.0]]), torch.tensor([[400.0], [-400.0]])
    assert linear_cross_entropy(hidden, weight, torch.tensor([1])).item() == pytest.approx(800.0)
    assert linear_cross_entropy(hidden, weight, torch.tensor([0])).item() == 0.0


def test_the_models_own_type_is_kept() -> None:
    hidden = torch.randn(70, 8).bfloat16().requires_grad_()
    weight = torch.randn(32, 8).bfloat16().requires_grad_()
    loss = linear_cross_entropy(hidden, weight, torch.zeros(70, dtype=torch.long), 0.1)
    loss.backward()
    assert loss.dtype == torch.float32
    assert hidden.grad is not None
    assert hidden.grad.dtype == torch.bfloat16
